"""Curves that make linear light visible."""

from dataclasses import dataclass

import numpy as np

from sidera.types import F32

ROWS = 256
"""Rows worked on together, so that what is between two steps stays small."""


@dataclass(frozen=True)
class Curve:
    """A screen transfer function: two clipping points and a bend, over a range of values.

    ``low`` and ``high`` are the values that become 0 and 1; ``shadows`` and ``highlights`` lie in that 0 to 1
    and are clipped to black and white; ``midtones`` is the point between them that becomes one half.
    """

    low: float = 0.0
    high: float = 1.0
    shadows: float = 0.0
    midtones: float = 0.5
    highlights: float = 1.0


def mtf(x: F32, midtones: float) -> F32:
    """Bend 0 to 1 so that ``midtones`` becomes one half; 0 and 1 stay.

    Parameters
    ----------
    x : float32 array
        Values 0 to 1; NaN stays NaN.
    midtones : float
        Under one half brightens, over it darkens.

    Notes
    -----
    The midtones transfer function of PixInsight (XISF 1.0 specification, 2017, "display functions"): this is
    equivalent to ``(m - 1) * x / ((2 * m - 1) * x - m)``.
    """
    m = min(max(midtones, 1e-6), 1 - 1e-6)  # at 0 and 1 themselves the curve is a step
    bent: F32 = np.float32(m - 1) * x / (np.float32(2 * m - 1) * x - np.float32(m))
    return np.minimum(bent, np.float32(1))  # rounding may lift 1 by one bit


def stretch(image: F32, *curves: Curve) -> F32:
    """Bring linear pixels to 0 to 1 for the screen.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        Any unit; NaN stays NaN.
    curves : Curve
        One for all channels, or one each.

    Returns
    -------
    float32 array, same shape
        0 to 1.
    """
    channels = image.reshape(-1, *image.shape[-2:])
    each = curves if len(curves) > 1 else curves * len(channels)
    stretched = np.empty(channels.shape, np.float32)
    for channel, curve, out in zip(channels, each, stretched, strict=True):
        for top in range(0, channel.shape[0], ROWS):
            out[top : top + ROWS] = _stretched(channel[top : top + ROWS], curve)
    return stretched.reshape(image.shape)


def _stretched(x: F32, curve: Curve) -> F32:
    """Some rows of one channel."""
    width = curve.high - curve.low
    black = curve.low + curve.shadows * width
    white = curve.low + curve.highlights * width
    clipped = np.clip((x - np.float32(black)) / np.float32(max(white - black, 1e-30)), 0, 1)
    return mtf(clipped, curve.midtones)
