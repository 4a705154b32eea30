"""Separable convolutions."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32

CHUNK = 512
"""Columns that are worked on at a time: the rows that a filter spans stay in the nearest cache."""


@kernel
def separable(image: F32, taps: F32, first: int, out: F32) -> None:
    """Convolve with the symmetric ``taps`` along both axes; edges are repeated outwards. NaN spreads.

    The first row of ``out`` is that of row ``first`` of the image. Equivalent to weighted sums, but pixels of like
    weight are added first.
    """
    columns = image.shape[1]
    half = taps.size // 2
    padded = np.empty(CHUNK + 2 * half, np.float32)
    for left in range(0, columns, CHUNK):
        right = min(left + CHUNK, columns)
        start, stop = max(left - half, 0), min(right + half, columns)
        before, after = start - (left - half), stop - (left - half)
        middle = padded[before:after]
        for row in range(out.shape[0]):
            _down(image, first + row, start, taps, middle)
            padded[:before] = middle[0]
            padded[after:] = middle[middle.size - 1]
            _across(padded, taps, out[row, left:right])


@kernel
def _down(image: F32, row: int, start: int, taps: F32, line: F32) -> None:
    """Fill a line with the weighted sum of the rows about ``row``, from column ``start`` on."""
    last, half = image.shape[0] - 1, taps.size // 2
    stop = start + line.size
    _times(image[min(max(row, 0), last), start:stop], taps[half], line)
    for k in range(1, half, 2):  # two pairs a pass: half the loads and stores of the sum
        a, b = image[min(max(row - k, 0), last), start:stop], image[min(max(row + k, 0), last), start:stop]
        c = image[min(max(row - k - 1, 0), last), start:stop]
        d = image[min(max(row + k + 1, 0), last), start:stop]
        _add_two(a, b, taps[half + k], c, d, taps[half + k + 1], line)
    if half % 2:
        a = image[min(max(row - half, 0), last), start:stop]
        b = image[min(max(row + half, 0), last), start:stop]
        _add(a, b, taps[2 * half], line)


@kernel
def _across(padded: F32, taps: F32, line: F32) -> None:
    """Fill a line with the weighted sums along ``padded``, which has half a filter more on either side."""
    half, width = taps.size // 2, line.size
    _times(padded[half : half + width], taps[half], line)
    for k in range(1, half, 2):
        a, b = padded[half - k : half - k + width], padded[half + k : half + k + width]
        c, d = padded[half - k - 1 : half - k - 1 + width], padded[half + k + 1 : half + k + 1 + width]
        _add_two(a, b, taps[half + k], c, d, taps[half + k + 1], line)
    if half % 2:
        _add(padded[:width], padded[2 * half : 2 * half + width], taps[2 * half], line)


@kernel
def _times(source: F32, weight: np.float32, line: F32) -> None:
    """Fill a line with weighted pixels."""
    for x in range(line.size):
        line[x] = weight * source[x]


@kernel
def _add(a: F32, b: F32, weight: np.float32, line: F32) -> None:
    """Add a pair of pixels of one weight."""
    for x in range(line.size):
        line[x] += weight * (a[x] + b[x])


@kernel
def _add_two(a: F32, b: F32, weight: np.float32, c: F32, d: F32, other: np.float32, line: F32) -> None:
    """Add two pairs of pixels, each of one weight."""
    for x in range(line.size):
        line[x] += weight * (a[x] + b[x]) + other * (c[x] + d[x])
