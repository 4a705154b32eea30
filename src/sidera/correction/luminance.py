"""Luminance in linear light: brightness from one image, colour from another."""

import numpy as np

from sidera.errors import ShapeError
from sidera.kernels import starlet as kernels
from sidera.types import F32, plain

WEIGHTS = (0.2126, 0.7152, 0.0722)
"""What red, green and blue add to brightness (ITU-R BT.709, whose primaries are sRGB's)."""
FAINT, CLEAR = 3.0, 10.0
"""Sigma of the colour image's brightness between which a pixel's own colour comes to be believed."""
GREATEST = 4.0
"""A pixel's colour is not made stronger than so many times: sharp cores of stars in a blurred colour image."""

LOSS, MOST = 1.25, 0.6
"""The luminance is saturated from where on most of its pixels, this share, are so much darker than the colours."""
NEARLY = 0.8
"""Share of the level at which it is saturated from which on it is believed less."""
LOWEST, MANY = 0.1, 10
"""That level is looked for from this share of the highest luminance up; pixels that it takes to tell."""
SMOOTHED = 0.13
"""Noise of the mean of some 13 pixels of unit white noise."""


def replace_luminance(
    colour: object, luminance: object, noise: tuple[float, float, float]
) -> tuple[F32, F32]:
    """Give a colour image the brightness of a luminance image.

    Parameters
    ----------
    colour : float32 array, shape (3, rows, columns)
        Linear, sky at 0.
    luminance : float32 array, shape (rows, columns)
        Linear, sky at 0, scaled to the colour image's own brightness (`brightness_of`).
    noise : three floats
        Sigma of the colour image's red, green and blue on the sky.

    Returns
    -------
    image : float32 array, shape (3, rows, columns)
        Where light is clear, ``L (R, G, B) / Y``: ratios of the colours, times the luminance. Where it is faint the
        ratio of two noisy numbers means nothing; there the mean of ``(R, G, B) - Y`` over some 13 pixels is added
        to L, which leaves a neutral sky neutral. Without luminance the colour image stays; NaN where neither knows.
    used : float32 array, shape (rows, columns)
        Share of the colour image's own noise that is in each pixel beside the luminance's.
    """
    rgb, light = plain(colour), plain(luminance)
    if rgb.ndim != 3 or len(rgb) != 3 or light.shape != rgb.shape[1:]:
        raise ShapeError(
            f"a colour image of shape {rgb.shape} and a luminance of {light.shape}", "sizes must agree"
        )
    own = brightness_of(rgb)
    light = _unsaturated(light, own)
    sigma = max(float(np.hypot.reduce([w * s for w, s in zip(WEIGHTS, noise, strict=True)])), 1e-30)
    belief = np.clip((own / np.float32(sigma) - np.float32(FAINT)) / np.float32(CLEAR - FAINT), 0, 1)
    belief = np.nan_to_num(belief * belief * (3 - 2 * belief), nan=0.0)
    floor: F32 = np.maximum(own, np.float32(FAINT * sigma))
    ratio = np.clip(light / floor, 0, GREATEST)
    out = np.empty_like(rgb)
    for channel in range(3):
        tint = rgb[channel] - own
        out[channel] = light + belief * ratio * tint + (1 - belief) * _smoothed(tint)
    unknown = ~np.isfinite(light)
    out[:, unknown] = rgb[:, unknown]
    used = belief * ratio + (1 - belief) * np.float32(SMOOTHED)
    return out, np.where(unknown, np.float32(1), used).astype(np.float32)


def _unsaturated(light: F32, own: F32) -> F32:
    """Luminance, with the colours' brightness in its place where it is full and they tell of more.

    Luminance saturates first; a bright star's core would be darker than its rim.
    """
    level = _full_level(light, own)
    full = np.clip((light / np.float32(level) - np.float32(NEARLY)) / np.float32(1 - NEARLY), 0, 1)
    more: F32 = light + full * np.fmax(own - light, np.float32(0))
    return more


def _full_level(light: F32, own: F32) -> float:
    """The luminance from which on it falls behind the colours; infinite where it never does.

    The lowest value, not the highest: wells that overflow fill to another level in every star.
    """
    known = np.isfinite(light) & np.isfinite(own)
    top = float(light[known].max()) if known.any() else 0.0
    if top <= 0:
        return np.inf
    bright = known & (light > LOWEST * top)
    down = np.argsort(-light[bright], kind="stable")
    values = light[bright][down]
    lost = np.cumsum(own[bright][down] > LOSS * values) / np.arange(1, values.size + 1)
    enough = np.flatnonzero((lost >= MOST)[MANY - 1 :])
    return float(values[enough[-1] + MANY - 1]) if enough.size else np.inf


def brightness_of(colour: F32) -> F32:
    """Weighted mean of red, green and blue."""
    red, green, blue = (np.float32(w) * plane for w, plane in zip(WEIGHTS, colour, strict=True))
    total: F32 = red + green + blue
    return total


def _smoothed(plane: F32) -> F32:
    for step in (1, 2):
        out = np.empty_like(plane)
        kernels.smooth(np.ascontiguousarray(plane), step, out)
        plane = out
    return plane
