"""Superpixel: each 2×2 quad becomes one pixel, so nothing is interpolated and the size is halved."""

import numpy as np

from sidera.kernels import demosaic as kernels
from sidera.model.header import Bayer
from sidera.types import F32, F64

SUPPORT = 1


def superpixel(cfa: F32, pattern: Bayer) -> F32:
    """Colour ``[3, rows // 2, columns // 2]`` of a checked colour filter array; an odd last line is lost."""
    quad = [(row, column) for row in (0, 1) for column in (0, 1)]
    places = np.array(sorted(quad, key=lambda place: pattern.colour(*place)), np.int64)
    rgb = np.empty((3, cfa.shape[0] // 2, cfa.shape[1] // 2), np.float32)
    kernels.superpixel(cfa, places, rgb)
    return rgb


def to_full(x: F64, y: F64) -> tuple[F64, F64]:
    """Where the centre of a superpixel lies in the full frame: 2x + 0.5, 2y + 0.5."""
    return 2 * x + 0.5, 2 * y + 0.5
