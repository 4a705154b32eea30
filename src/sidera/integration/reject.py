"""Which samples are satellites, planes, cosmic rays and hot pixels, and which are sky."""

from typing import TypeVar

import numpy as np

from sidera.errors import ShapeError
from sidera.integration.noise import GAUSSIAN_MAD, NoiseModel, mad_factor
from sidera.kernels import reject as kernels
from sidera.kernels.lanes import centre_and_spread
from sidera.kernels.networks import network
from sidera.model.settings import IntegrationSettings
from sidera.types import F32, U8, plain

Array = TypeVar("Array", F32, U8)

KEPT, LOW, HIGH, MISSING = 0, 1, 2, 3
"""Verdicts on a sample: kept, rejected as too low, as too high, and not measured."""


def reject(
    samples: object, settings: IntegrationSettings | None = None, noise: NoiseModel | None = None
) -> U8:
    """Judge every sample of a pixel by what the other frames saw there.

    Parameters
    ----------
    samples : array, shape (frames, rows, columns)
        Frames on one pixel grid and in one unit; NaN, or infinite, where a frame saw nothing.
    settings : IntegrationSettings
        Method, kappas and rounds.
    noise : NoiseModel, optional
        What noise each frame has; used by "hybrid" only, which without it judges as "mad" does.

    Returns
    -------
    uint8 array, shape (frames, rows, columns)
        0 kept, 1 rejected low, 2 rejected high, 3 missing.

    Raises
    ------
    ShapeError
        If samples is not three-dimensional, or the noise model has another number of frames.

    Notes
    -----
    At least half of a pixel's samples, rounded up, are kept: where fewer would remain, the rejected ones
    nearest to the median come back. n counts a pixel's own samples, so an edge that few frames saw is treated
    as a small stack.

    none
        Everything that was measured is kept.
    sigma
        ``|x - median| > kappa sd`` of the survivors, until nothing changes or three are left. One outlier in
        n samples lies at most sqrt(n - 1) sd off: below 13 samples it cannot exceed 3.5 sd, so this method
        cannot reject a lone trail there, however bright.
    winsorized
        The same with the winsorised deviation (Huber 1981): draw samples in to median ± 1.5 sd, measure 1.134
        sd anew, until it changes by less than 0.05 %.
    mad
        ``|x - median| > 1.4826 b_n kappa MAD``, with ``b_n`` for small stacks. One round: neither median nor
        MAD feels the outliers. Where more than half of the samples are equal, as on coarsely quantised data,
        MAD is 0.
    hybrid
        ``|x - m| > kappa c sigma_i + slack`` where sigma_i is the noise model's and
        ``c = max(1, d / (1 + 1.5 / sqrt(n)))``, d being 1.4826 MAD over the harmonic mean of sigma_i; for n
        below 5, c is 1. First
        about the median, then (rounds permitting) once more about the mean of the survivors. Of two samples
        the higher goes where they differ by more than kappa_high sigma of a difference, plus the slack. The
        slack lets stars breathe: the median image's gradient (times 0.3, or 1 for n below 5), and its
        Laplacian times the frame's blur, both above what noise makes of a level sky, where it is 0. Without
        blur, seeing that varies by 15 % costs bright stars 1 to 3 % of their flux; with it 0.05 %. It looks
        `HALO` pixels around: give tiles that margin.
    """
    cube = _stack(samples)
    settings = settings or IntegrationSettings()
    if noise is not None and len(noise.a) != len(cube):
        raise ShapeError(f"a noise model of {len(noise.a)} frames for {len(cube)}", "Give one entry a frame")
    verdicts = np.empty(cube.shape, np.uint8)
    if settings.rejection == "hybrid" and noise is not None:
        _by_noise(cube, settings, noise, verdicts)
    else:
        low, high, centre = _limits(_in_line(cube), settings)
        kernels.judge(_in_line(cube), low, high, centre, _in_line(verdicts))
    return verdicts


def _in_line(values: Array) -> Array:
    """The pixels of [.., row, column] in one long row: what is done 64 pixels at a time leaves no ends of rows over."""
    return values.reshape(*values.shape[:-2], 1, -1)


def _stack(samples: object) -> F32:
    """Samples in the form kernels take, refused early."""
    cube = plain(samples)
    if cube.ndim != 3 or not cube.shape[0]:
        raise ShapeError(
            f"samples of shape {cube.shape}", "Frames stack as (frames, rows, columns), one or more"
        )
    return cube


def _limits(cube: F32, settings: IntegrationSettings) -> tuple[F32, F32, F32]:
    """Lowest and highest value to keep, and the median, at each pixel."""
    low, high, centre = (np.empty(cube.shape[1:], np.float32) for _ in range(3))
    kappa_low, kappa_high = np.float32(settings.kappa_low), np.float32(settings.kappa_high)
    if settings.rejection == "none":
        return np.full_like(low, -np.inf), np.full_like(high, np.inf), np.zeros_like(centre)
    if settings.rejection in ("sigma", "winsorized"):
        clip = kernels.Clip(settings.rejection == "winsorized", kappa_low, kappa_high, settings.iterations)
        kernels.clip_limits(cube, network(len(cube)), clip, low, high, centre)
        return low, high, centre
    count = np.empty_like(centre)
    centre_and_spread(cube, network(len(cube)), centre, high, count)
    factors = np.array([GAUSSIAN_MAD * mad_factor(n) for n in range(len(cube) + 1)], np.float32)
    sigma = high * factors[count.astype(np.int64)]
    return centre - kappa_low * sigma, centre + kappa_high * sigma, centre


def _by_noise(cube: F32, settings: IntegrationSettings, noise: NoiseModel, verdicts: U8) -> None:
    """The hybrid clip."""
    median, spread, count = (np.empty(cube.shape[1:], np.float32) for _ in range(3))
    line = _in_line(cube)
    centre_and_spread(line, network(len(cube)), _in_line(median), _in_line(spread), _in_line(count))
    slack, bend = _breath(median, spread, count, noise)
    kernels.hybrid_verdicts(
        line,
        _in_line(median),
        _in_line(spread),
        _in_line(count),
        _in_line(slack),
        _in_line(bend),
        noise.a.astype(np.float32),
        noise.b.astype(np.float32),
        _blur(noise),
        np.float32(noise.level),
        np.float32(settings.kappa_low),
        np.float32(settings.kappa_high),
        min(settings.iterations, 2),
        _shrink(len(cube)),
        _in_line(verdicts),
    )


FEW = 5
"""So many samples are needed for their own scatter to have a say."""
JITTER = 0.3
"""Pixels that a star may be off in one frame: 3.5 sigma of 0.09 px."""
BLUR, BLUR_FLOOR = 1.5, 1.0
HALO = 3
"""Pixels around one on which its verdicts depend."""


def _shrink(frames: int) -> F32:
    """``1 / (1 + 1.5 / sqrt(n))`` for n of 0 to ``frames``; 0 below `FEW`."""
    number = np.arange(frames + 1)
    shrink = 1 / (1 + 1.5 / np.sqrt(np.maximum(number, 1)))
    return np.where(number < FEW, 0.0, shrink).astype(np.float32)


def _breath(median: F32, spread: F32, count: F32, noise: NoiseModel) -> tuple[F32, F32]:
    """How far, noise apart, frames may honestly differ at each pixel: ADU, and ADU a pixel² of blur.

    A shift by a fraction of a pixel changes a star by that times its gradient. A wider Gaussian changes it by
    half of what is added to its variance times its Laplacian (the heat equation); the largest within two
    pixels is taken, as the Laplacian is 0 on a ring round each core and falls off faster than the halo of a
    soft frame.
    """
    pair = count == 2
    clean = np.where(pair, median - spread, median)  # the lower of two: an outlier is in their mean
    excess = np.maximum(np.nan_to_num(clean) - np.float32(noise.level), np.float32(0))
    variance = np.float32(noise.a.mean()) + np.float32(noise.b.mean()) * excess
    sigma = np.sqrt(np.float32(np.pi / 2) * variance / np.maximum(count, np.float32(1)))
    gradient, curvature = np.empty_like(median), np.empty_like(median)
    kernels.structure(clean, sigma, gradient, curvature)
    slack = gradient * np.where(count < FEW, np.float32(1), np.float32(JITTER))
    if noise.blur is None:
        return slack, np.zeros_like(slack)
    return slack, _widest(curvature) * np.where(pair, np.float32(2), np.float32(1))


def _widest(image: F32) -> F32:
    """Largest value within two pixels along rows and columns."""
    for axis in (0, 1):
        lines = image if axis == 0 else image.T
        widest = image.copy()
        target = widest if axis == 0 else widest.T
        for step in (1, 2):
            np.maximum(target[step:], lines[:-step], out=target[step:])
            np.maximum(target[:-step], lines[step:], out=target[:-step])
        image = widest
    return image


def _blur(noise: NoiseModel) -> F32:
    """Each frame's allowance for bent places, and the typical frame's for what blur alone misses."""
    if noise.blur is None:
        return np.zeros(len(noise.a), np.float32)
    return np.asarray(BLUR * noise.blur + BLUR_FLOOR * np.median(noise.blur), np.float32)
