"""What a stretch must know of a channel: its range, the sky and the sky's noise."""

from dataclasses import dataclass

import numpy as np

from sidera.errors import ShapeError
from sidera.types import F32, U16

SAMPLE = 1 << 20
"""Pixels of a channel looked at; a median of a million is good to a thousandth of the noise."""
LOWEST, HIGHEST = 0.0001, 0.99999
"""Quantiles taken for the range: dead and hot pixels lie beyond them, and of stars only the brightest cores."""
COVERED = 0.5
"""Pixels that fewer frames saw than this share of the most say nothing of the sky."""
BORDER = 64
"""One part in so many of each side is no sky either: what registration left there is seldom whole."""


@dataclass(frozen=True)
class Level:
    """What was measured on a channel: its range, the sky and the sky's noise, all in the image's unit."""

    low: float
    high: float
    sky: float
    sigma: float


def level(channel: F32, coverage: U16 | None = None) -> Level:
    """Range, sky and noise of a channel; zeros where nothing was measured.

    Parameters
    ----------
    channel : float32 array, shape (rows, columns)
        NaN and infinite pixels are passed over.
    coverage : array of the same shape, or None
        How many frames saw each pixel: those under half of the most are passed over.
    """
    values = _sample(channel, coverage)
    if values.size == 0:
        return Level(0.0, 0.0, 0.0, 0.0)
    low, sky, high = np.quantile(values, (LOWEST, 0.5, HIGHEST))
    spread = np.abs(values - sky)
    sigma = 1.4826 * np.median(spread)
    if sigma == 0:  # more than half of the pixels have one value (8-bit data, blank borders)
        sigma = 1.2533 * spread.mean()  # the mean deviation of a Gaussian is sigma / 1.2533
    return Level(float(low), float(high), float(sky), float(sigma))


def plane_of(coverage: object, channel: int, shape: tuple[int, int]) -> U16 | None:
    """A channel's coverage, whether it was given for each channel, for all of them, or not at all.

    Raises
    ------
    ShapeError
        When its shape is not the image's.
    """
    if coverage is None:
        return None
    counts: U16 = np.asarray(coverage)
    plane = counts[min(channel, len(counts) - 1)] if counts.ndim == 3 and len(counts) else counts
    if plane.shape != shape:
        raise ShapeError(f"the coverage has shape {counts.shape}", f"give (rows, columns) {shape}")
    return plane


def _sample(channel: F32, coverage: U16 | None) -> F32:
    """Known pixels on a grid coarse enough for a quick look; all of those there are when the inner ones are none."""
    step = max(1, int(np.ceil(np.sqrt(channel.size / SAMPLE))))
    step += 1 - step % 2  # an odd step sees every colour of a Bayer pattern alike
    top, left = channel.shape[0] // BORDER, channel.shape[1] // BORDER
    inner = (slice(top, channel.shape[0] - top, step), slice(left, channel.shape[1] - left, step))
    values: F32 = channel[inner]
    known = np.isfinite(values)
    if coverage is not None:
        known &= coverage[inner] >= COVERED * coverage.max()
    if not known.any():
        values, known = channel, np.isfinite(channel)
    return values[known]
