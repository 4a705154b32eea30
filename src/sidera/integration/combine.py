"""Average registered frames pixel by pixel, without satellites, planes and cosmic rays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.integration.noise import FEWEST_PIXELS, NoiseModel, fit_noise_model, median_variance
from sidera.integration.reject import reject
from sidera.kernels import combine as kernels
from sidera.kernels.networks import network
from sidera.model.settings import IntegrationSettings, Method
from sidera.types import F32, F64, I64, U8, U16, plain


@dataclass(frozen=True)
class Combined:
    """A combined tile or image, every map ``[row, column]``.

    Attributes
    ----------
    mean : float32
        Weighted mean, or median, of the kept samples; NaN where there is none.
    weight : float32
        Sum of the weights of the kept samples; 0 where there is none.
    noise : float32
        Standard error of ``mean``; NaN where it is unknown.
    coverage : uint16
        Samples there were, kept or rejected.
    rejected_low, rejected_high : uint16
        Samples rejected below and above.
    counted : int64, shape (frames, 2)
        Of each frame, whatever its weight, the samples rejected and those there were.
    """

    mean: F32
    weight: F32
    noise: F32
    coverage: U16
    rejected_low: U16
    rejected_high: U16
    counted: I64


def combine(
    samples: object,
    settings: IntegrationSettings | None = None,
    weights: Sequence[float] | F64 | None = None,
    noise: NoiseModel | None = None,
) -> Combined:
    """Average registered frames pixel by pixel, without satellites, planes and cosmic rays.

    Parameters
    ----------
    samples : array, shape (frames, rows, columns)
        Frames on one pixel grid and in one unit; NaN where a frame saw nothing.
    settings : IntegrationSettings
        How to reject and to combine.
    weights : sequence of float, optional
        Weight of each frame, 0 to leave it out of the result (it still tells what is an outlier). Equal if
        not given.
    noise : NoiseModel, optional
        What noise each frame has. For "hybrid" it is measured on these samples if not given; so give it for
        tiles, whose result must not depend on how the image was cut.

    Returns
    -------
    Combined

    Raises
    ------
    ShapeError
        If shapes do not fit.
    UsageError
        If a weight is negative or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.random.default_rng(1).normal(100, 5, (8, 32, 32))
    >>> frames[2, 10, :] += 20_000  # a satellite
    >>> bool(combine(frames).mean.max() < 110)
    True
    """
    settings = settings or IntegrationSettings()
    cube = plain(samples)
    if noise is None and settings.rejection == "hybrid":
        noise = _measured(cube)
    verdicts = reject(cube, settings, noise)
    return combine_kept(cube, verdicts, weights, settings.combine, noise)


def _measured(cube: F32) -> NoiseModel | None:
    """The noise of these samples, where there are enough to tell."""
    if cube.ndim != 3 or len(cube) < 2:
        return None
    shared = np.isfinite(cube).sum(axis=0) >= 2
    return fit_noise_model(cube) if shared.sum() >= FEWEST_PIXELS else None


def combine_kept(
    samples: object,
    verdicts: U8,
    weights: Sequence[float] | F64 | None = None,
    method: Method = "mean",
    noise: NoiseModel | None = None,
    halo: int = 0,
) -> Combined:
    """Combine the samples that `reject` kept.

    Parameters
    ----------
    samples : array, shape (frames, rows, columns)
        As given to `reject`.
    verdicts : uint8 array, same shape
        0 kept, 1 rejected low, 2 rejected high, 3 missing.
    weights : sequence of float, optional
        Weight of each frame; frames of weight 0 take no part and are not counted, so halves are made by
        weights. Equal if not given.
    method : {"mean", "median"}
        The median heeds weights only by leaving out frames of weight 0.
    noise : NoiseModel, optional
        Gives the standard error; without it the kept samples' own scatter does, NaN where fewer than two were
        kept.
    halo : int
        Rows and columns to leave out on every side: a margin that only `reject` needed to look at.

    Returns
    -------
    Combined

    Notes
    -----
    The mean sums in float64 in the order of the frames: tiles and threads cannot change a bit, but frames in
    another order can change the last one. The median's error is the mean's times sqrt(var(median) /
    var(mean)) of Gaussian samples.
    """
    cube = plain(samples)
    if cube.ndim != 3 or not cube.shape[0]:
        raise ShapeError(
            f"samples of shape {cube.shape}", "Frames stack as (frames, rows, columns), one or more"
        )
    if verdicts.shape != cube.shape or verdicts.dtype != np.uint8:
        raise ShapeError(
            f"{verdicts.dtype} verdicts of shape {verdicts.shape} for samples of {cube.shape}", "Use reject's"
        )
    if noise is not None and len(noise.a) != len(cube):
        raise ShapeError(f"a noise model of {len(noise.a)} frames for {len(cube)}", "Give one entry a frame")
    if halo < 0 or 2 * halo >= min(cube.shape[1:]):
        raise UsageError(f"a halo of {halo} pixels leaves nothing of {cube.shape[1:]}", "Give a smaller one")
    shares = _checked(weights, len(cube))
    tile = _Tile(cube, np.ascontiguousarray(verdicts), shares, noise, halo)
    shape = (cube.shape[1] - 2 * halo, cube.shape[2] - 2 * halo)
    mean, weight, error = (np.empty(shape, np.float32) for _ in range(3))
    coverage, low, high = (np.empty(shape, np.uint16) for _ in range(3))
    counted = np.empty((len(cube), 2), np.int64)
    kernels.tally(tile.verdicts, shares, halo, coverage, low, high, counted)
    if method == "mean":
        kernels.weighted_mean(cube, tile.verdicts, shares, halo, mean, weight)
        _error(tile, mean, weight, error)
    else:
        kernels.kept_median(cube, tile.verdicts, shares, network(len(cube)), halo, mean, weight)
        _median_error(tile, mean, error)
    return Combined(mean, weight, error, coverage, low, high, counted)


@dataclass(frozen=True)
class _Tile:
    """Samples and what was decided about them."""

    samples: F32
    verdicts: U8
    weights: F64
    noise: NoiseModel | None
    halo: int


def _checked(weights: Sequence[float] | F64 | None, frames: int) -> F64:
    """Weights as the kernels take them, refused early."""
    shares: F64 = np.ones(frames) if weights is None else np.ascontiguousarray(weights, np.float64)
    if shares.shape != (frames,):
        raise ShapeError(f"weights of shape {shares.shape} for {frames} frames", "Give one a frame")
    if not np.all(np.isfinite(shares) & (shares >= 0)):
        worst = shares[~(np.isfinite(shares) & (shares >= 0))][0]
        raise UsageError(f"a weight of {worst}", "Weights are numbers of 0 or more")
    return shares


def _error(tile: _Tile, mean: F32, weight: F32, error: F32) -> None:
    """Standard error of the weighted mean."""
    noise = tile.noise
    if noise is None:
        kernels.scatter_error(tile.samples, tile.verdicts, tile.weights, tile.halo, mean, weight, error)
        return
    kernels.model_error(
        tile.verdicts, tile.weights, noise.a, noise.b, noise.level, tile.halo, mean, weight, error
    )


def _median_error(tile: _Tile, median: F32, error: F32) -> None:
    """Standard error of the median: the plain mean's times the median's penalty."""
    equal = replace(tile, weights=(tile.weights > 0).astype(np.float64))
    mean, number = np.empty_like(median), np.empty_like(median)
    kernels.weighted_mean(equal.samples, equal.verdicts, equal.weights, equal.halo, mean, number)
    _error(equal, mean, number, error)
    error *= np.sqrt(median_variance(np.maximum(number, 1).astype(np.float64))).astype(np.float32)
