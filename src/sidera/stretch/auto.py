"""The automatic stretch: what a linear image looks like, found from the image alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sidera.model.picture import Picture, Strips
from sidera.stretch.apply import Parameters, apply, as_image, clipped_by
from sidera.stretch.curves import Curve
from sidera.stretch.levels import Level, level
from sidera.types import F32

BACKGROUND = 0.18
"""Where the sky comes to lie. PixInsight and Siril have 0.25: on short stacks that shows more noise than sky."""
SHADOWS = -2.8
"""Black lies so many sigma from the sky (the same)."""
ROWS = 256
"""Rows worked on together, so that what is between two steps stays small."""
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
    pixels = as_image(image)
    parameters = Parameters(auto_curves(pixels, linked=linked, background=background, shadows=shadows))
    return shown(pixels, parameters, bottom_up)


def shown(image: F32, parameters: Parameters, bottom_up: bool = False) -> Picture:
    """An image stretched by parameters that are known: NaN black, the top row first."""
    return strips(image, parameters, bottom_up).whole()


def strips(image: F32, parameters: Parameters, bottom_up: bool = False) -> Strips:
    """As `shown`, to be made some rows at a time; the image must stay as it is meanwhile."""
    height = image.shape[-2]

    def rows(top: int, bottom: int) -> F32:
        own = slice(height - bottom, height - top) if bottom_up else slice(top, bottom)
        pixels = apply(image[..., own, :], parameters).image
        np.copyto(pixels, np.float32(0), where=np.isnan(pixels))
        return pixels[..., ::-1, :] if bottom_up else pixels

    told = f"stretch: {parameters.described()}"
    return Strips(image.shape, rows, told, parameters.cards(), clipped=clipped_by(image, parameters))


def auto_curves(
    image: F32, *, linked: bool = True, background: float = BACKGROUND, shadows: float = SHADOWS
) -> tuple[Curve, ...]:
    """The curve of each channel that brings the sky to ``background``.

    With x running from 0 to 1 over the image's range (quantiles 0.01 % to 99.99 %), m the median and s 1.4826
    times the median absolute deviation, shadows are clipped at ``c = m + shadows * s`` and the midtones are
    ``mtf(m - c, background)``. Linked, the channels' light above the sky is first scaled by `star_balance`.
    """
    image = as_image(image)
    levels = [level(channel) for channel in image.reshape(-1, *image.shape[-2:])]
    if not linked or len(levels) == 1:
        return tuple(screen_curve(one, background, shadows) for one in levels)
    # Each sky at zero and stars white on the whole, then one range and one curve; turned back for each channel.
    gains = star_balance(image, [one.high for one in levels]) if len(levels) == 3 else (1.0,) * len(levels)
    shared = Level(
        low=min(gain * (one.low - one.sky) for gain, one in zip(gains, levels, strict=True)),
        high=max(gain * (one.high - one.sky) for gain, one in zip(gains, levels, strict=True)),
        sky=0.0,
        sigma=float(np.mean([gain * one.sigma for gain, one in zip(gains, levels, strict=True)])),
    )
    curve = screen_curve(shared, background, shadows)
    return tuple(
        replace(curve, low=curve.low / gain + one.sky, high=curve.high / gain + one.sky)
        for gain, one in zip(gains, levels, strict=True)
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


def screen_curve(one: Level, background: float, shadows: float, upper: float = 0.0) -> Curve:
    """The screen transfer function of a channel (PixInsight's, as its ScreenTransferFunction computes it).

    With m the median, s 1.4826 times the median absolute deviation and x from 0 to 1 over the range, shadows are
    clipped at ``c = m + shadows * s`` and the midtones are ``mtf(m - c, background)``. Linear light is never
    treated as a negative, though an empty field's sky lies in the middle of its range. ``upper``, where above 0,
    is the sigma above the sky at which highlights are clipped.
    """
    width = one.high - one.low
    if width <= 0:  # one value everywhere: black
        return Curve(one.low, one.low + 1.0)
    sky, sigma = (one.sky - one.low) / width, one.sigma / width
    clip = min(max(sky + shadows * sigma, 0.0), 1.0)
    white = 1.0 if upper <= 0 else min(max(sky + upper * sigma, clip + 1e-6), 1.0)
    return Curve(
        one.low, one.high, clip, _midtones((sky - clip) / max(white - clip, 1e-6), background), white
    )


def _midtones(x: float, target: float) -> float:
    """The midtones that bring x to the target: the transfer function is its own inverse in that sense."""
    return (target - 1) * x / ((2 * target - 1) * x - target)
