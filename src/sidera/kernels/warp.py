"""Moving pixels onto another grid: each output pixel is a weighted mean of 6×6 source pixels.

Positions are rounded to 1/2048 pixel, and a table of six weights a phase says what interpolation it is:
Lanczos-3, bilinear and nearest are one loop with three tables. A position held as a whole number of 1/2048
pixels has its pixel in the upper bits and its phase in the lower eleven.
"""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, I32, U8

PHASES = 2048
TAPS = 6
FAR = 2.0**32
"""Positions are held within this, so that they can be whole numbers."""
BEFORE = 2
"""Taps before the pixel that holds the position; three lie after it."""


class Frame(NamedTuple):
    """What is read.

    ``image`` [channel, row, column]; and [row, column]: ``bad``, 1 where the image holds a guess, and ``careful``, 1
    where the 6×6 pixels about a place are not all there.
    """

    image: F32
    bad: U8
    careful: U8


@kernel
def warp(
    frame: Frame, grids: F64, step: int, table: F32, limits: F32, mask: float, index: int, out: F32
) -> None:
    """Fill ``out`` [channel, index, row, column] from a frame.

    ``grids`` [2, i, j] holds source x and y of output row i·step and column j·step. ``limits`` [channel + 1]: how
    far a result may fall below its neighbours, see `_held`. ``out`` is NaN beyond the image, and where bad and
    missing pixels hold more than the share ``mask`` of the absolute weights; of bad pixels alone
    `warp_bad.mask_bad` sees to that.
    """
    channels, _, rows, columns = out.shape
    height, width = frame.careful.shape
    x = np.empty(columns, np.int32)
    y = np.empty(columns, np.int32)
    for row in range(rows):
        _positions_row(grids, step, row, width, height, x, y)
        for channel in range(channels):
            image, target = frame.image[channel], out[channel, index, row]
            _plain_row(image, frame.careful, x, y, table, limits[channel], limits[-1], target)
            _careful_row(image, frame.bad, frame.careful, x, y, table, mask, target)


@kernel
def mark_cells(marks: U8, grids: F64, step: int, cells: U8) -> None:
    """Fill ``cells`` with 1 where places between four nodes may lie beyond the image, or on what is marked there.

    What lies between is bilinear, so that no place is further out than the nodes; rounding may move it by a pixel.
    """
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            low, high = np.empty(2), np.empty(2)
            for axis in range(2):
                a, b, c, d = (
                    grids[axis, i, j],
                    grids[axis, i, j + 1],
                    grids[axis, i + 1, j],
                    grids[axis, i + 1, j + 1],
                )
                low[axis] = max(min(min(a, b), min(c, d)), -FAR)
                high[axis] = min(max(max(a, b), max(c, d)), FAR)
            left, top = int(np.floor(low[0])), int(np.floor(low[1]))
            right, bottom = int(np.floor(high[0])) + 1, int(np.floor(high[1])) + 1
            if left < 0 or top < 0 or right >= marks.shape[1] or bottom >= marks.shape[0]:
                cells[i, j] = np.uint8(1)
            else:
                cells[i, j] = np.uint8(_any_in(marks, top, bottom, left, right))


@kernel
def _any_in(marks: U8, top: int, bottom: int, left: int, right: int) -> bool:
    """Whether anything is marked in these rows and columns, the last ones included."""
    found = np.uint8(0)
    for row in range(np.uint64(top), np.uint64(bottom + 1)):
        for column in range(np.uint64(left), np.uint64(right + 1)):
            found |= marks[row, column]
    return bool(found)


@kernel
def _positions_row(grids: F64, step: int, row: int, width: int, height: int, x: I32, y: I32) -> None:
    """Fill positions in 1/2048 pixel along an output row, bilinear between the nodes.

    Rounded; -1 where NaN or beyond the outermost centres. No slice is made for the few pixels between two nodes.
    """
    _positions(grids, step, row, 0, x.size, width, height, x, y)


@kernel
def _positions(
    grids: F64, step: int, row: int, begin: int, end: int, width: int, height: int, x: I32, y: I32
) -> None:
    """`_positions_row` of the columns from ``begin``, a node's, until ``end``."""
    i = row // step
    down = (row - i * step) / step
    for j in range(begin // step, (end + step - 1) // step):
        x0 = grids[0, i, j] + down * (grids[0, i + 1, j] - grids[0, i, j])
        y0 = grids[1, i, j] + down * (grids[1, i + 1, j] - grids[1, i, j])
        x1 = grids[0, i, j + 1] + down * (grids[0, i + 1, j + 1] - grids[0, i, j + 1])
        y1 = grids[1, i, j + 1] + down * (grids[1, i + 1, j + 1] - grids[1, i, j + 1])
        first, size = np.uint64(j * step), np.uint64(min(step, end - j * step))
        for k in range(size):
            along = float(np.int64(k)) / step
            x[first + k] = _fixed(x0 + along * (x1 - x0), width)
            y[first + k] = _fixed(y0 + along * (y1 - y0), height)


@kernel
def _fixed(place: float, size: int) -> np.int32:
    """A position in 1/2048 pixel, rounded; -1 where NaN or beyond the outermost of ``size`` centres."""
    scaled = PHASES * place + 0.5
    inside = (scaled >= 0.0) & (scaled < PHASES * (size - 1) + 1.0)
    return np.int32(scaled if inside else -1.0)


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
def mark(image: F32, spoilt: U8, careful: U8) -> None:
    """Fill ``careful`` of a `Frame`; ``spoilt`` is scratch, both [row, column].

    A pixel is missing beyond the image, or where any channel is NaN.
    """
    missing = False
    for row in range(careful.shape[0]):
        missing |= _missing_row(image, row, spoilt[row])
    careful[:] = np.uint8(1)
    if missing:
        _spread_out(spoilt, careful)
    elif min(careful.shape) >= TAPS:
        careful[BEFORE : BEFORE - TAPS + 1, BEFORE : BEFORE - TAPS + 1] = np.uint8(0)


@kernel
def _missing_row(image: F32, row: int, out: U8) -> bool:
    """Fill ``out`` with 1 where any channel of a row is NaN; tell whether one is. Few rows hold any."""
    out[:] = np.uint8(0)
    missing = False
    for channel in range(image.shape[0]):
        source = image[channel, row]
        count = np.float32(0)
        for x in range(source.size):
            count += np.float32(1) if source[x] != source[x] else np.float32(0)
        if count > 0:
            missing = True
            for x in range(out.size):
                out[x] |= np.uint8(1) if source[x] != source[x] else np.uint8(0)
    return missing


@kernel
def _spread_out(spoilt: U8, out: U8) -> None:
    """Fill ``out`` with whether a 6×6 footprint holds a spoilt pixel, where it lies inside the image."""
    rows, columns = out.shape
    width = columns - TAPS + 1
    if width < 1:
        return
    for row in range(BEFORE, rows - TAPS + BEFORE + 1):
        _any_row(spoilt[row - BEFORE : row - BEFORE + TAPS], out[row, BEFORE : BEFORE + width])


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
