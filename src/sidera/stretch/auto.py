"""The automatic stretch: what a linear image looks like, found from the image alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sidera.errors import ShapeError
from sidera.model.picture import Picture
from sidera.stretch.curves import ROWS, Curve, stretch
from sidera.types import F32, plain

BACKGROUND = 0.18
"""Where the sky comes to lie. PixInsight and Siril have 0.25: on short stacks that shows more noise than sky."""
SHADOWS = -2.8
"""Black lies so many sigma from the sky (the same)."""
SAMPLE = 1 << 20
"""Pixels of a channel looked at; a median of a million is good to a thousandth of the noise."""
LOWEST, HIGHEST = 0.0001, 0.9999
"""Quantiles taken for the range: hot and dead pixels lie beyond them, whole stars do not."""
REACH = 7
"""A star's pixel is compared with those so far away on four sides: stars stand out, nebulae and galaxies do not."""
CLEAR = 20.0
"""Sigma by which a pixel must stand out in every colour to tell of a star's colour."""
CELL = 32
"""Stars are counted by cells of so many pixels."""
FEWEST = 20
"""Cells with a star that it takes to tell what white is."""
WIDEST = 3.0
"""No colour is scaled by more than this: beyond it is no camera, but a filter."""


@dataclass(frozen=True)
class _Level:
    """What was measured on a channel: its range, the sky and the sky's noise."""

    low: float
    high: float
    sky: float
    sigma: float


def picture(
    image: object,
    bottom_up: bool = False,
    linked: bool = True,
    *,
    background: float = BACKGROUND,
    shadows: float = SHADOWS,
) -> Picture:
    """A linear image stretched for people to look at.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (3, rows, columns)
        Linear, any unit; NaN becomes black.
    bottom_up : bool
        The last row is the top of the picture.
    linked : bool
        One curve for all colours, after each channel's sky was brought to one level and its light scaled so
        that the typical star is white: the sky is neutral, and stars keep their colours. Else a curve for each
        channel by itself.
    background : float
        Brightness of the sky, 0 to 1.
    shadows : float
        Black lies this many sigma from the sky; negative is below it.

    Raises
    ------
    ShapeError
        For arrays that are not images.
    """
    pixels = plain(image)
    curves = auto_curves(pixels, linked=linked, background=background, shadows=shadows)
    stretched = stretch(pixels, *curves)
    np.nan_to_num(stretched, copy=False, nan=0.0)
    if bottom_up:
        stretched = np.ascontiguousarray(stretched[..., ::-1, :])
    bends = ", ".join(
        f"{curve.low:.6g} to {curve.high:.6g} midtones {curve.midtones:.4g}" for curve in curves
    )
    return Picture(stretched, f"screen transfer function: {bends}")


def auto_curves(
    image: F32, *, linked: bool = True, background: float = BACKGROUND, shadows: float = SHADOWS
) -> tuple[Curve, ...]:
    """The curve of each channel that brings the sky to ``background``.

    With x running from 0 to 1 over the image's range (quantiles 0.01 % to 99.99 %), m the median and s 1.4826
    times the median absolute deviation, shadows are clipped at ``c = m + shadows * s`` and the midtones are
    ``mtf(m - c, background)``. Linked, the channels' light above the sky is first scaled by `star_balance`.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        raise ShapeError(f"images are (rows, columns) or (channels, rows, columns); got shape {image.shape}")
    levels = [_level(channel) for channel in image.reshape(-1, *image.shape[-2:])]
    if not linked or len(levels) == 1:
        return tuple(_curve(level, background, shadows) for level in levels)
    # Each sky at zero and stars white on the whole, then one range and one curve; turned back for each channel.
    gains = (
        star_balance(image, [level.high for level in levels]) if len(levels) == 3 else (1.0,) * len(levels)
    )
    shared = _Level(
        low=min(gain * (level.low - level.sky) for gain, level in zip(gains, levels, strict=True)),
        high=max(gain * (level.high - level.sky) for gain, level in zip(gains, levels, strict=True)),
        sky=0.0,
        sigma=float(np.mean([gain * level.sigma for gain, level in zip(gains, levels, strict=True)])),
    )
    curve = _curve(shared, background, shadows)
    return tuple(
        replace(curve, low=curve.low / gain + level.sky, high=curve.high / gain + level.sky)
        for gain, level in zip(gains, levels, strict=True)
    )


def star_balance(image: F32, white: Sequence[float]) -> tuple[float, ...]:
    """Factors on red, green and blue that make the typical star white; all 1 where too few stars tell.

    Parameters
    ----------
    image : float32 array, shape (3, rows, columns)
        Linear, any unit.
    white : sequence of float
        Value of each channel from which a pixel may be saturated, and tells nothing.

    Notes
    -----
    A star's light is what a pixel has over the mean of four others `REACH` pixels away. Ratios to green are taken
    of pixels that stand out in every colour; their median is the typical star's, whatever a nebula does.
    """
    rows, columns = image.shape[1:]
    ratios, cells = [np.empty((0, 3), np.float32)], [np.empty(0, np.int64)]
    limits = 0.9 * np.array(white, np.float32)[:, None, None]
    for top in range(REACH, rows - REACH, ROWS):
        light = _above_surroundings(image, top, min(top + ROWS, rows - REACH))
        if not light.size:
            continue
        strip = image[:, top : top + light.shape[1], REACH : columns - REACH]
        sigma = 1.4826 * np.array([_median_size(channel) for channel in light])[:, None, None]
        row, column = np.nonzero(((light > CLEAR * sigma) & (strip < limits)).all(axis=0))
        found = light[:, row, column].T
        ratios.append(found[:, 1:2] / found)
        cells.append((row + top) // CELL * columns + column // CELL)
    if np.unique(np.concatenate(cells)).size < FEWEST:
        return 1.0, 1.0, 1.0
    red, _, blue = np.clip(np.median(np.concatenate(ratios), axis=0), 1 / WIDEST, WIDEST)
    return float(red), 1.0, float(blue)


def _above_surroundings(image: F32, top: int, bottom: int) -> F32:
    """Rows top to bottom, without `REACH` columns at the sides, less the mean of four pixels around each."""
    inner = slice(REACH, image.shape[2] - REACH)
    around = image[:, top - REACH : bottom - REACH, inner] + image[:, top + REACH : bottom + REACH, inner]
    around += image[:, top:bottom, : -2 * REACH] + image[:, top:bottom, 2 * REACH :]
    light: F32 = image[:, top:bottom, inner] - around / np.float32(4)
    return light


def _median_size(channel: F32) -> float:
    known = np.abs(channel[::3, ::3])
    known = known[np.isfinite(known) & (known > 0)]
    return float(np.median(known)) if known.size else np.inf


def _curve(level: _Level, background: float, shadows: float) -> Curve:
    """The screen transfer function of a channel."""
    width = level.high - level.low
    if width <= 0:  # one value everywhere: black
        return Curve(level.low, level.low + 1.0)
    sky, sigma = (level.sky - level.low) / width, level.sigma / width
    clip = min(max(sky + shadows * sigma, 0.0), 1.0)
    return Curve(level.low, level.high, clip, _midtones((sky - clip) / max(1 - clip, 1e-6), background))


def _midtones(x: float, target: float) -> float:
    """The midtones that bring x to the target: the transfer function is its own inverse in that sense."""
    return (target - 1) * x / ((2 * target - 1) * x - target)


def _level(channel: F32) -> _Level:
    """Range, sky and noise of a channel; zeros where nothing was measured."""
    values = _sample(channel)
    if values.size == 0:
        return _Level(0.0, 0.0, 0.0, 0.0)
    low, sky, high = np.quantile(values, (LOWEST, 0.5, HIGHEST))
    spread = np.abs(values - sky)
    sigma = 1.4826 * np.median(spread)
    if sigma == 0:  # more than half of the pixels have one value (8-bit data, blank borders)
        sigma = 1.2533 * spread.mean()  # the mean deviation of a Gaussian is sigma / 1.2533
    return _Level(float(low), float(high), float(sky), float(sigma))


def _sample(channel: F32) -> F32:
    """Finite pixels on a grid coarse enough for a quick look."""
    step = max(1, int(np.ceil(np.sqrt(channel.size / SAMPLE))))
    step += 1 - step % 2  # an odd step sees every colour of a Bayer pattern alike
    values: F32 = channel[::step, ::step]
    return values[np.isfinite(values)]
