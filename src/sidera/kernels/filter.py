"""Separable convolutions."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32


@kernel
def separable(image: F32, taps: F32, out: F32) -> None:
    """Convolve with the symmetric ``taps`` along both axes; edges are repeated outwards. NaN spreads."""
    rows, columns = image.shape
    half = taps.size // 2
    padded = np.empty(columns + 2 * half, np.float32)
    middle = padded[half : half + columns]
    for row in range(rows):
        middle[:] = np.float32(0)
        for tap in range(taps.size):
            source = image[min(max(row + tap - half, 0), rows - 1)]
            _add(source, taps[tap], middle)
        padded[:half] = middle[0]
        padded[half + columns :] = middle[columns - 1]
        line = out[row]
        line[:] = np.float32(0)
        for tap in range(taps.size):
            _add(padded[tap : tap + columns], taps[tap], line)


@kernel
def _add(source: F32, weight: np.float32, line: F32) -> None:
    """Add weighted pixels to a row."""
    for x in range(line.size):
        line[x] += weight * source[x]
