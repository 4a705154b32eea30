"""Moving pixels onto another grid: each output pixel is a weighted mean of 6×6 source pixels.

Positions are rounded to 1/2048 pixel, and a table of six weights a phase says what interpolation it is:
Lanczos-3, bilinear and nearest are one loop with three tables. A position held as a whole number of 1/2048
pixels has its pixel in the upper bits and its phase in the lower eleven.
"""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, I32, U8

PHASES = 2048
TAPS = 6
BEFORE = 2
"""Taps before the pixel that holds the position; three lie after it."""


@kernel
def warp(
    image: F32, bad: U8, careful: U8, grids: F64, step: int, table: F32, limits: F32, mask: float, out: F32
) -> None:
    """Fill ``out`` [channel, row, column] from ``image`` [channel, row, column].

    ``grids`` [2, i, j] holds source x and y of output row i·step and column j·step. ``bad`` [row, column]
    is 1 where the image is not to be trusted, ``careful`` (`mark_careful`) 1 where the plain loop will not
    do. ``limits`` [channel + 1]: how far a result may fall below its neighbours, see `_held`. Beyond the
    image and where bad pixels hold more than the share ``mask`` of the absolute weights, ``out`` is NaN.
    """
    channels, rows, columns = out.shape
    x = np.empty(columns, np.int32)
    y = np.empty(columns, np.int32)
    for row in range(rows):
        _positions_row(grids, step, row, image.shape[2], image.shape[1], x, y)
        for channel in range(channels):
            target = out[channel, row]
            _plain_row(image[channel], careful, x, y, table, limits[channel], limits[-1], target)
            _careful_row(image[channel], bad, careful, x, y, table, mask, target)


@kernel
def _positions_row(grids: F64, step: int, row: int, width: int, height: int, x: I32, y: I32) -> None:
    """Fill positions in 1/2048 pixel along an output row, bilinear between the nodes, -1 off the image."""
    i = row // step
    down = (row - i * step) / step
    for j in range((x.size + step - 1) // step):
        first, last = j * step, min((j + 1) * step, x.size)
        x0 = grids[0, i, j] + down * (grids[0, i + 1, j] - grids[0, i, j])
        y0 = grids[1, i, j] + down * (grids[1, i + 1, j] - grids[1, i, j])
        x1 = grids[0, i, j + 1] + down * (grids[0, i + 1, j + 1] - grids[0, i, j + 1])
        y1 = grids[1, i, j + 1] + down * (grids[1, i + 1, j + 1] - grids[1, i, j + 1])
        _fixed_row(x0, (x1 - x0) / step, width, x[first:last])
        _fixed_row(y0, (y1 - y0) / step, height, y[first:last])


@kernel
def _fixed_row(start: float, slope: float, size: int, out: I32) -> None:
    """Positions start + k·slope in 1/2048 pixel, rounded; -1 where NaN or beyond the outermost centres."""
    last = PHASES * (size - 1)
    for k in range(out.size):
        scaled = PHASES * (start + k * slope) + 0.5
        inside = (scaled >= 0.0) & (scaled < last + 1.0)
        out[k] = np.int32(scaled if inside else -1.0)


@kernel
def _plain_row(
    image: F32, careful: U8, x: I32, y: I32, table: F32, margin: np.float32, depth: np.float32, out: F32
) -> None:
    """Interpolate where the whole footprint is good; NaN elsewhere.

    One body on purpose: handing the 6×6 slice to a function of its own cost a factor of four.
    """
    for k in range(out.size):
        out[k] = np.float32(np.nan)
        column, row = x[k] >> 11, y[k] >> 11
        if x[k] >= 0 and y[k] >= 0 and not careful[row, column]:
            part = image[row - 2 : row + 4, column - 2 : column + 4]
            across, down = table[x[k] & 2047], table[y[k] & 2047]
            value = np.float32(0.0)
            for i in range(TAPS):
                line = np.float32(0.0)
                for j in range(TAPS):
                    line += across[j] * part[i, j]
                value += down[i] * line
            nearest = min(min(part[2, 2], part[2, 3]), min(part[3, 2], part[3, 3]))
            if value < nearest:  # one pixel in twenty on sky: only then is it worth a closer look
                value = _held(value, image, row, column, margin, depth)
            out[k] = value


@kernel
def _held(
    value: np.float32, image: F32, row: int, column: int, margin: np.float32, depth: np.float32
) -> np.float32:
    """``value``, but no lower than the least of the central 4×4 less a margin and ``depth`` of their range.

    Lanczos undershoots beside what it cannot resolve: dark rings around sharp stars. The whole ``margin`` is left
    to sky; it shrinks as the range grows, to nothing from 8 margins on: a ring of one sigma of a frame is lost in
    that frame's noise, and plain to see in a stack of many.
    """
    least = greatest = image[row, column]
    for i in range(row - 1, row + 3):
        for j in range(column - 1, column + 3):
            least = min(least, image[i, j])
            greatest = max(greatest, image[i, j])
    span = greatest - least
    left = max(np.float32(0.0), margin - np.float32(0.125) * span)
    return max(value, least - left - depth * span)


@kernel
def _careful_row(image: F32, bad: U8, careful: U8, x: I32, y: I32, table: F32, mask: float, out: F32) -> None:
    """Interpolate where the footprint is not wholly good or not wholly on the image."""
    for k in range(out.size):
        if x[k] >= 0 and y[k] >= 0:
            column, row = x[k] >> 11, y[k] >> 11
            if careful[row, column]:
                out[k] = _normalised(image, bad, (row, column), table[x[k] & 2047], table[y[k] & 2047], mask)


@kernel
def _normalised(
    image: F32, bad: U8, place: tuple[int, int], across: F32, down: F32, mask: float
) -> np.float32:
    """Weighted mean that repeats edge pixels and leaves NaN out; NaN where too much of its weight is bad."""
    row, column = place
    total = weight = spoilt = whole = 0.0
    for i in range(TAPS):
        y = min(max(row + i - BEFORE, 0), image.shape[0] - 1)
        for j in range(TAPS):
            x = min(max(column + j - BEFORE, 0), image.shape[1] - 1)
            share, value = down[i] * across[j], image[y, x]
            missing = value != value
            whole += abs(share)
            spoilt += abs(share) if missing or bad[y, x] else 0.0
            weight += 0.0 if missing else share
            total += 0.0 if missing else share * value
    return np.float32(total / weight if spoilt <= mask * whole else np.nan)


@kernel
def mark_careful(image: F32, bad: U8, spoilt: U8, careful: U8) -> None:
    """Fill ``careful`` [row, column] with 1 where the 6×6 pixels around a position there are not all good.

    ``spoilt`` is scratch of the same shape. Good are pixels on the image, not bad and not NaN in any channel.
    """
    rows, columns = careful.shape
    for row in range(rows):
        _spoilt_row(image, bad, row, spoilt[row])
    careful[:] = np.uint8(1)
    width = columns - TAPS + 1
    if width < 1:
        return
    for row in range(BEFORE, rows - TAPS + BEFORE + 1):
        _any_row(spoilt[row - BEFORE : row - BEFORE + TAPS], careful[row, BEFORE : BEFORE + width])


@kernel
def _spoilt_row(image: F32, bad: U8, row: int, out: U8) -> None:
    out[:] = bad[row]
    for channel in range(image.shape[0]):
        source = image[channel, row]
        for x in range(out.size):
            out[x] |= np.uint8(1) if source[x] != source[x] else np.uint8(0)


@kernel
def _any_row(spoilt: U8, out: U8) -> None:
    """Fill ``out`` with whether any of ``spoilt`` [6, column .. column + 5] is."""
    either = np.zeros(spoilt.shape[1], np.uint8)
    for i in range(TAPS):
        line = spoilt[i]
        for x in range(either.size):
            either[x] |= line[x]
    a, b, c, d, e, f = either, either[1:], either[2:], either[3:], either[4:], either[5:]
    for x in range(out.size):
        out[x] = a[x] | b[x] | c[x] | d[x] | e[x] | f[x]
