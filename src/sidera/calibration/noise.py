"""What raw calibration frames show of themselves: their level, and the noise of one of them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sidera.errors import ShapeError
from sidera.kernels import calibrate as kernels
from sidera.model.header import Bayer
from sidera.types import F32, F64, I64, plain

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class NoiseModel:
    """Variance in ADU² of a raw sample of S ADU: ``floor + slope * max(S - level, 0)``."""

    floor: float
    slope: float = 0.0
    level: float = 0.0

    def variance(self, signal: F64) -> F64:
        """Variance in ADU² at each signal in ADU."""
        return self.floor + self.slope * np.maximum(np.asarray(signal, np.float64) - self.level, 0)


UNKNOWN = NoiseModel(math.nan)
"""Where two frames or 16 pixels are lacking: variances are NaN and every sample is kept."""


def level(image: object, pattern: Bayer | None = None) -> F64:
    """Mean level per place in the 2×2 colour cell, clipped at 3σ until nothing more goes.

    Parameters
    ----------
    image : array, shape (rows, columns)
        ADU; NaN is left out.
    pattern : Bayer or None
        None for mono: all four places then share one mean.

    Returns
    -------
    float64 array, shape (2, 2)
        [row % 2, column % 2]; NaN where nothing was measured.
    """
    data = plane_of(image)
    if pattern is None:
        return np.full((2, 2), _clipped_mean(data.ravel()))
    return np.array([[_clipped_mean(data[top::2, left::2].ravel()) for left in (0, 1)] for top in (0, 1)])


def _clipped_mean(values: F32) -> float:
    low, high, before, mean = -LARGEST, LARGEST, -1.0, 0.0
    for _ in range(20):
        count, total, squares = kernels.moments(values, mean, low, high)
        if count == 0:
            return math.nan
        if count == before:
            break
        shift = total / count
        deviation = math.sqrt(max(squares / count - shift * shift, 0.0))
        mean += shift
        if deviation == 0 or before < 0:  # the first sums stood far from the mean: too coarse to clip by
            before = count if deviation == 0 else 0.0
            continue
        before, low, high = count, mean - 3 * deviation, mean + 3 * deviation
    return mean


def measure_noise(first: object, second: object, pattern: Bayer | None = None) -> NoiseModel:
    """Noise of a single frame, from the differences of two frames of the same thing.

    Robust: hot pixels and cosmic rays do not enter, nor does a difference in level.

    Parameters
    ----------
    first, second : array, shape (rows, columns)
        Two frames of one group, in ADU, not calibrated.
    pattern : Bayer or None
        None for mono.

    Returns
    -------
    NoiseModel
        Fitted over 48 bins of equal count and 4 of the brightest hundredth; unknown (NaN, and nothing is
        clipped) under 16 pixels.

    Notes
    -----
    var(S) = var(first - second) / 2 (Janesick 2001, photon transfer); a line through the bins' clipped
    variances, each weighted by its own count / variance².
    """
    one, two = plane_of(first), plane_of(second)
    if one.shape != two.shape:
        raise ShapeError(
            f"frames of {one.shape} and {two.shape} pixels cannot be compared", "Give two frames of a size"
        )
    return noise_between(one, two, level(two, pattern) - level(one, pattern))


def noise_between(one: F32, two: F32, drift: F64) -> NoiseModel:
    """As `measure_noise`, of planes or samples of them; the second is brighter by ``drift`` [row % 2, column % 2]."""
    mean, difference = _sampled_pairs(one, two, drift)
    return _fit_noise(mean, difference) if mean.size >= 16 else UNKNOWN


def _sampled_pairs(one: F32, two: F32, drift: F64, most: int = 250_000) -> tuple[F64, F64]:
    """Means and differences of the two frames at about ``most`` pixels, drift taken out, sorted by mean."""
    keep = (one.size // most) | 1  # odd, so that every colour is sampled
    rows, columns = np.arange(one.shape[0]) % 2, np.arange(0, one.shape[1], keep) % 2
    a = one[:, ::keep].astype(np.float64)
    b = two[:, ::keep].astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    mean, difference = ((a + b) / 2)[finite], (a - b + np.nan_to_num(drift)[np.ix_(rows, columns)])[finite]
    order = _rising(mean)
    return mean[order], difference[order]


def _rising(values: F64) -> I64:
    """Indices that sort, of equals the first first: ``np.argsort(values, kind="stable")``, to float32.

    Value and index are sorted as one integer, which NumPy does by vector instructions, several times faster.
    """
    bits = (
        (values.astype(np.float32) + np.float32(0)).view(np.int32).astype(np.int64)
    )  # + 0: no negative zero
    rank = np.where(bits < 0, -(2**31) - bits, bits)  # negative floats grow downwards
    return np.sort(rank << 32 | np.arange(values.size)) & 0xFFFFFFFF


def _fit_noise(mean: F64, difference: F64) -> NoiseModel:
    edges = np.concatenate([np.linspace(0, 0.99, 49), [0.9925, 0.995, 0.9975, 1.0]]) * mean.size
    bounds = [(a, b) for a, b in pairwise(edges.astype(int).tolist()) if b - a >= 30]
    bounds = bounds or [(0, mean.size)]
    signal = np.array([mean[a:b].mean() for a, b in bounds])
    variance = np.array([_clipped_variance(difference[a:b]) / 2 for a, b in bounds])
    number = np.array([b - a for a, b in bounds])
    lowest = float(signal[0])
    # Frames that are equal have no noise: a variance far below any real one keeps the clip defined.
    tiny = max((1e-6 * float(np.abs(signal).max())) ** 2, 1e-30)
    weight = number / np.maximum(variance, max(float(np.median(variance)) / 10, tiny)) ** 2
    x = signal - lowest
    centre, height = np.average(x, weights=weight), np.average(variance, weights=weight)
    spread = np.average((x - centre) ** 2, weights=weight)
    slope = np.average((x - centre) * (variance - height), weights=weight) / spread if spread > 0 else 0.0
    slope = max(float(slope), 0.0)
    floor = float(height - slope * centre)
    if floor <= 0:
        floor = max(float(variance[variance > 0].min(initial=height)), 0.0)
    return NoiseModel(max(floor, tiny), slope, lowest)


def _clipped_variance(values: F64) -> float:
    """Variance after clipping at 4σ, started from the MAD; finer than the MAD where ADU come in steps."""
    middle = float(np.median(values))
    sigma = 1.4826 * float(np.median(np.abs(values - middle)))
    kept = values
    for _ in range(10):
        sigma = sigma or float(kept.std())
        inside = values[np.abs(values - middle) <= 4 * sigma]
        if inside.size == 0 or inside.size == kept.size:
            break
        kept, sigma, middle = inside, float(inside.std()), float(inside.mean())
    return float(kept.var())


def plane_of(image: object) -> F32:
    """One plane ``[row, column]``; ShapeError for anything else."""
    data = plain(image)
    if data.ndim != 2:
        raise ShapeError(f"one plane is (rows, columns); got shape {data.shape}")
    return data
