"""What noise each frame's samples have, after calibration, interpolation and normalisation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.kernels.lanes import centre_and_spread
from sidera.kernels.networks import network
from sidera.types import F32, F64, I64, Bool, plain

GAUSSIAN_MAD = 1.4826
SMALL_MAD = (1.0, 1.0, 1.2, 1.48, 1.36, 1.22, 1.19, 1.14, 1.13, 1.10)
"""Factor of the median absolute deviation of 0 to 9 Gaussian samples: on average it falls short by this."""
SKY_PIXELS = 6000
BRIGHT_PIXELS = 6000
SAMPLES, LEAST_PIXELS = 4_000_000, 400
"""Of many frames fewer pixels do: so many samples in all, but no fewer pixels than these."""
FEWEST_PIXELS = 30
FEWEST_BRIGHT = 200
FEWEST_BENT = 40
HONEST = (0.95, 1.10)
"""Scatter over model, median over the sky, that needs no correction."""


def mad_factor(number: int) -> float:
    """What the median absolute deviation of ``number`` samples is multiplied by, besides 1.4826."""
    return SMALL_MAD[number] if number < len(SMALL_MAD) else number / (number - 0.8)


def median_variance(number: F64 | int) -> F64:
    """Variance of the median of Gaussian samples over that of their mean.

    pi/2 for many; the terms for few hold to 2 % from one sample on (1.35 for 3, 1.19 for 4, 1.36 for 8).
    """
    n = np.asarray(number, np.float64)
    return np.asarray(np.pi * n / (2 * n + np.where(n % 2 == 1, np.pi - 2, 2 * np.pi - 4)))


@dataclass(frozen=True)
class NoiseModel:
    """Variance of each frame's samples: ``a[i] + b[i] max(m - level, 0)`` where the clean image is ``m``.

    Attributes
    ----------
    a : float64, shape (frames,)
        Variance on the sky, in ADU² of the normalised samples; above 0.
    b : float64, shape (frames,)
        What an ADU above the sky adds (photon noise), in ADU; 0 or more.
    level : float
        The sky, in ADU of the normalised samples, from which ``b`` counts.
    blur : float64, shape (frames,), or None
        How much wider or narrower each frame's stars are than the clean image's: half the difference of their
        variances in pixels², without sign. None allows for no change of seeing.
    """

    a: F64
    b: F64
    level: float = 0.0
    blur: F64 | None = None

    def __post_init__(self) -> None:
        if self.a.ndim != 1 or self.a.shape != self.b.shape:
            raise ShapeError(
                f"a noise model with a of shape {self.a.shape} and b of {self.b.shape}",
                "Give one of each a frame",
            )
        if not (np.all(self.a > 0) and np.all(self.b >= 0) and np.all(np.isfinite(self.a + self.b))):
            raise UsageError(
                f"a noise model with least a {self.a.min()} and least b {self.b.min()}",
                "a is above 0, b 0 or more",
            )

        if self.blur is not None and self.blur.shape != self.a.shape:
            raise ShapeError(f"blur of shape {self.blur.shape} for {self.a.size} frames", "Give one a frame")

    def variance(self, frame: int, image: F64) -> F64:
        """Variance of a frame's samples where the clean image is ``image``; any shape."""
        return np.asarray(self.a[frame] + self.b[frame] * np.maximum(np.asarray(image) - self.level, 0.0))


def fit_noise_model(samples: object, scale: Sequence[float] | F64 | None = None) -> NoiseModel:
    """Measure the noise of every frame on sample tiles, by how frames differ from what the others say.

    Parameters
    ----------
    samples : array, shape (frames, rows, columns)
        Normalised samples in ADU, one channel; sample tiles may be laid side by side. NaN where a frame saw
        nothing.
    scale : sequence of float, optional
        Photometric scale of each frame: what an ADU of photon noise was multiplied by. All 1 if not given.

    Returns
    -------
    NoiseModel
        One ``a`` a frame from the sky; ``b`` in proportion to ``scale`` from brighter pixels where the image
        is smooth, or, where such are too few, as if the sky's own noise were all photon noise. The noise of
        missing frames is that of the median frame.

    Raises
    ------
    ShapeError
        If the samples are not (frames, rows, columns), or scale has another length.
    UsageError
        If there are fewer than two frames, or fewer than 30 pixels that two frames saw.

    Notes
    -----
    The residual is taken to the median of the *other* frames, which is independent of the frame and, unlike
    the residual to the median of all, not zero for one sample in three at three frames. Its variance is the
    frame's own plus the others' median's, solved for all frames together. With two frames both get half of
    their difference.
    """
    cube = plain(samples)
    if cube.ndim != 3:
        raise ShapeError(f"samples of shape {cube.shape}", "Give (frames, rows, columns)")
    frames = cube.shape[0]
    scales = np.ones(frames) if scale is None else np.asarray(scale, np.float64)
    if scales.shape != (frames,):
        raise ShapeError(f"{scales.size} scales for {frames} frames", "Give one a frame")
    if frames < 2:
        raise UsageError(
            "a noise model of one frame", "Two frames at least tell their noise by their difference"
        )
    median = _median(cube)
    measured = np.isfinite(median) & (np.isfinite(cube).sum(axis=0) >= 2)
    if measured.sum() < FEWEST_PIXELS:
        raise UsageError(f"only {measured.sum()} pixels that two frames saw", f"Give {FEWEST_PIXELS} or more")
    level, spread = _sky(median[measured])
    calm = measured & (np.abs(median - level) <= 2 * spread)
    sky = _at(cube, _places(calm, SKY_PIXELS, frames))
    a = _sky_variances(sky)
    b = _photon_slope(cube, median, measured, a, scales, level)
    honesty = _honesty(sky, a)
    if not HONEST[0] <= honesty <= HONEST[1]:
        a, b = a * honesty**2, b * honesty**2
    return NoiseModel(a, b * scales, level, _blur(cube, median, measured, a))


def _median(cube: F32) -> F64:
    """Median over the frames, NaN where none saw the pixel."""
    line = cube.reshape(len(cube), 1, -1)
    median, spread, count = (np.empty(line.shape[1:], np.float32) for _ in range(3))
    centre_and_spread(line, network(len(cube)), median, spread, count)
    return median.reshape(cube.shape[1:]).astype(np.float64)


def _sky(values: F64) -> tuple[float, float]:
    """Level and spread of the sky, clipped of what is brighter or much darker."""
    values = np.sort(values)
    for _ in range(10):
        level = float(np.median(values))
        below = values[values <= level]
        spread = GAUSSIAN_MAD * float(np.median(level - below))
        inside = values[np.abs(values - level) <= 2.5 * spread]
        if inside.size in (0, values.size):
            break
        values = inside
    return level, spread


def _places(chosen: Bool, most: int, frames: int) -> I64:
    """Flat indices of at most so many of the chosen pixels, spread evenly; of fewer where there are many frames."""
    places = np.flatnonzero(chosen)
    most = min(most, max(LEAST_PIXELS, SAMPLES // frames))
    if places.size > most:
        places = places[np.linspace(0, places.size - 1, most).astype(np.int64)]
    return places


def _at(cube: F32 | F64, places: I64) -> F64:
    """Samples ``[frame, pixel]`` at some pixels."""
    return cube.reshape(cube.shape[0], -1)[:, places].astype(np.float64)


def _residuals(sky: F64) -> F64:
    """Each sample less the median of the other frames' at its pixel; NaN where it stands alone."""
    ordered = np.sort(sky, axis=0)
    number = np.isfinite(sky).sum(axis=0)
    top = len(sky) - 1

    def rank(index: I64) -> F64:
        place = np.clip(index, 0, top)[None]
        return np.asarray(np.take_along_axis(ordered, place, axis=0)[0])

    half = number // 2
    # With a sample taken away, the others' middle moves one place to the side where the sample was not.
    even = np.where(sky <= rank(half - 1), rank(half), rank(half - 1))
    below, middle, above = rank(half - 1), rank(half), rank(half + 1)
    odd = np.where(sky < middle, middle + above, np.where(sky > middle, below + middle, below + above)) / 2
    others = np.where(number % 2 == 0, even, odd)
    return np.where(number >= 2, sky - others, np.nan)


def _robust_variances(residuals: F64) -> F64:
    """Squared robust deviation about 0 of each row; NaN for a row without a number."""
    variances = np.full(len(residuals), np.nan)
    for row, line in enumerate(residuals):
        seen = np.abs(line[np.isfinite(line)])
        if seen.size >= FEWEST_PIXELS // 2:
            variances[row] = (GAUSSIAN_MAD * np.median(seen)) ** 2
    return variances


def _sky_variances(sky: F64) -> F64:
    """Variance of each frame from the residuals ``V_i = a_i + q (sum of the others' a)``, solved for a."""
    observed = _robust_variances(_residuals(sky))
    typical = np.nanmedian(observed) if np.any(np.isfinite(observed)) else 0.0
    observed = np.where(np.isfinite(observed), observed, typical)
    frames = len(observed)
    share = float(median_variance(frames - 1)) / (frames - 1)  # var(median of the others) / a
    total = observed.sum() / (1 + share)
    q = share / (frames - 1)
    own = (observed - q * total) / (1 - q) if frames > 2 else observed / 2
    # The linear law overstates the worst frames' part: no frame is better than a tenth of what was seen.
    least = max(typical * 1e-6, float(np.finfo(np.float32).tiny) * 1e6)
    return np.maximum(np.maximum(own, 0.1 * observed), least)


def _gradient(image: F64) -> F64:
    """Largest difference from the four neighbours; missing ones do not count."""
    steepest = np.zeros_like(image)
    for axis in (0, 1):
        step = np.nan_to_num(np.abs(np.diff(image, axis=axis)), nan=0.0)
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (0, 1), (1, 0)
        steepest = np.maximum(steepest, np.maximum(np.pad(step, ahead), np.pad(step, behind)))
    return steepest


def _blur(cube: F32, median: F64, measured: Bool, a: F64) -> F64 | None:
    """How each frame's residual follows the clean image's Laplacian; None where that stands out nowhere.

    A weighted median of their ratio. Convolution by a Gaussian adds half its variance times the Laplacian.
    """
    frames = len(a)
    laplacian = _laplacian(np.where(measured, median, np.nan))
    of_median = np.sqrt(np.mean(a) * float(median_variance(frames)) / frames)
    bent = measured & (np.abs(laplacian) > 10 * np.sqrt(20) * of_median)
    if bent.sum() < FEWEST_BENT:
        return None
    places = _places(bent, BRIGHT_PIXELS, frames)
    samples = _at(cube, places)
    height, curve = median.ravel()[places], laplacian.ravel()[places]
    return np.array([_slope(line - height, curve) for line in samples])


def _slope(residual: F64, curve: F64) -> float:
    """Size of the weighted median of residual / curve, the more curved counting more; 0 without any."""
    seen = np.isfinite(residual)
    if not seen.any():
        return 0.0
    ratio, weight = residual[seen] / curve[seen], np.abs(curve[seen])
    order = np.argsort(ratio, kind="stable")
    reached = np.cumsum(weight[order])
    return abs(float(ratio[order][np.searchsorted(reached, reached[-1] / 2)]))


def _laplacian(image: F64) -> F64:
    """Sum of the differences to the four neighbours; missing ones do not count."""
    total = np.zeros_like(image)
    for axis in (0, 1):
        step = np.nan_to_num(np.diff(image, axis=axis), nan=0.0)
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (0, 1), (1, 0)
        total += np.pad(step, ahead) - np.pad(step, behind)
    return total


def _photon_slope(cube: F32, median: F64, measured: Bool, a: F64, scales: F64, level: float) -> float:
    """``b`` for a scale of 1, from pixels above the sky where the image is smooth.

    Star cores are left out by their gradient: there seeing, not photons, makes frames differ.
    """
    frames = len(a)
    excess = np.where(measured, median - level, 0.0)
    noise = np.sqrt(np.mean(a))
    of_median = noise * np.sqrt(float(median_variance(frames)) / frames)
    smooth = _gradient(np.where(measured, median, np.nan)) <= 3.5 * of_median + 0.02 * excess
    bright = measured & smooth & (excess > 3 * noise)
    if bright.sum() < FEWEST_BRIGHT:
        return float(np.median(a / scales)) / level if level > 0 else 0.0
    places = _places(bright, BRIGHT_PIXELS, frames)
    residuals = np.abs(_residuals(_at(cube, places)))
    above = excess.ravel()[places]
    around = 1 + float(median_variance(frames - 1)) / (frames - 1)  # the others' median has noise too
    return _root(residuals / np.sqrt(around), above, a, scales)


def _root(residuals: F64, above: F64, a: F64, scales: F64) -> float:
    """The ``b`` with which the residuals scatter as the model says, by bisection; 0 if they scatter less."""
    seen = np.isfinite(residuals)

    def scatter(b: float) -> float:
        model = np.sqrt(a[:, None] + b * scales[:, None] * above)
        return GAUSSIAN_MAD * float(np.median((residuals / model)[seen]))

    low, high = 0.0, 1e-3
    if scatter(low) <= 1:
        return 0.0
    while scatter(high) > 1 and high < 1e6:
        low, high = high, 4 * high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if scatter(middle) > 1 else (low, middle)
    return (low + high) / 2


def _honesty(sky: F64, a: F64) -> float:
    """Median over sky pixels of the samples' robust scatter over the model's sigma.

    Under 8 frames the scatter of a pixel is too skew to judge by, and 1 is returned.
    """
    whole = sky[:, np.all(np.isfinite(sky), axis=0)]
    frames = len(a)
    if frames < 8 or whole.shape[1] < FEWEST_PIXELS:
        return 1.0
    deviation = np.abs(whole - np.median(whole, axis=0)) / np.sqrt(a)[:, None]
    return GAUSSIAN_MAD * mad_factor(frames) * float(np.median(np.median(deviation, axis=0)))
