"""Moving pixels in two passes, where output and image lie nearly alike: 6 + 6 weights a pixel instead of 36.

After E. Catmull and A. R. Smith, 3-D transformations of images in scanline order, SIGGRAPH 1980::

    pass 1: image rows, read where the            pass 2: columns of what pass 1 made,
    output's columns (slanted) cross them         read where the output's rows (slanted) lie

    r      . x . . x . . x .                      r      x   x   x   x
    r + 1  . .x. . .x. . .x.                                     o   o   an output row
    r + 2  . . x . . x . . x                      r + 1  x   x   x   x
                                                         o   o
    along a row phases hardly change: six         r + 2  x   x   x   x
    weights, and their change a pixel,            down a column phases hardly change: six
    serve a block of neighbours                   rows of weights serve a band of output rows

No slice is made a block or run of pixels, since one costs as much as ten pixels, and their indices are unsigned:
Numba lets signed ones wrap, which keeps LLVM from vectorising. What few places need, near edges and bad pixels, is
done by the direct kernels of `warp`.
"""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.rows import copy_row
from sidera.kernels.warp import (
    BEFORE,
    PHASES,
    TAPS,
    Frame,
    _careful_row,
    _plain_row,
    _positions,
    mark_cells,
)
from sidera.types import F32, F64, I32, I64, U8

EXTRA = 64
"""Phases below 0 and above 1 in the table, in 1/2048: a block may run a little past the pixel it begins in."""
PAD = 48
"""Columns of nothing on either side of an image row, so that a block half outside needs no care."""
OUTSIDE = 2.0**32
"""Positions in 1/2048 pixel are held within this, so that they can be whole numbers."""
ONE, TWO, THREE, FOUR, FIVE = (np.uint64(k) for k in range(1, 6))


class Course(NamedTuple):
    """Where it is read.

    ``grids`` [2, i, j] are nodes as in `warp.warp`; ``upright`` the same in the image flipped so that both axes
    run forwards. The weights of ``block`` neighbours change evenly, and ``band`` output rows share theirs.
    ``slots``, a power of two, is how many rows of pass 1 are kept at a time.
    """

    grids: F64
    upright: F64
    flip_x: bool
    flip_y: bool
    step: int
    block: int
    band: int
    slots: int


class Form(NamedTuple):
    """How far a map is from a shift, each at its worst; see `form`."""

    slant: float
    growth: float
    stretch: float
    bend: float
    fall: float


class Blocks(NamedTuple):
    """Of each block of an image row: where it begins in the padded row, six weights, and their change a pixel."""

    begin: I64
    weights: F32
    slopes: F32


class Lines(NamedTuple):
    """Image row r after pass 1 in slot r modulo their number: [channel, slot, column].

    Beside the values: the least and greatest of the four nearest pixels of the row.
    """

    values: F32
    least: F32
    greatest: F32


@kernel
def form(upright: F64, step: int) -> Form:
    """How far a map with nodes [2, i, j] is from a shift.

    ``slant``: pixels across per pixel along. ``growth``, ``stretch``: change of size down the columns, and along the
    rows once columns are slanted. ``bend``: pixels by which a node's step differs from the next one's. ``fall``: image
    rows that an output row crosses.
    """
    slant = growth = stretch = bend = fall = 0.0
    _, rows, columns = upright.shape
    for i in range(rows):
        fall = max(fall, upright[1, i].max() - upright[1, i].min())
        for j in range(columns):
            if i + 1 < rows and j + 1 < columns:
                ax, ay = upright[0, i, j + 1] - upright[0, i, j], upright[1, i, j + 1] - upright[1, i, j]
                dx, dy = upright[0, i + 1, j] - upright[0, i, j], upright[1, i + 1, j] - upright[1, i, j]
                slant = max(slant, abs(ay) / step, abs(dx) / step)
                growth = max(growth, abs(dy / step - 1.0))
                stretch = max(stretch, abs(ax / step - 1.0 - dx / step * ay / dy))
            for axis in range(2):
                g = upright[axis]
                if j > 1:
                    bend = max(bend, abs(g[i, j] - 2.0 * g[i, j - 1] + g[i, j - 2]))
                if i > 1:
                    bend = max(bend, abs(g[i, j] - 2.0 * g[i - 1, j] + g[i - 2, j]))
                if i > 0 and j > 0:
                    bend = max(bend, abs(g[i, j] - g[i - 1, j] - g[i, j - 1] + g[i - 1, j - 1]))
    return Form(slant, growth, stretch, bend, fall)


@kernel
def warp_separable(
    frame: Frame, rough: U8, course: Course, table: F32, limits: F32, mask: float, index: int, out: F32
) -> None:
    """Fill ``out`` [channel, index, row, column] as `warp.warp` does.

    ``rough`` is `mark_rough`'s. ``table`` holds `EXTRA` phases more at either end. What falls below its neighbours
    is held by the 4 by 4 pixels along the slanted columns.
    """
    channels, _, rows, columns = out.shape
    height, width = frame.image.shape[1:]
    wide = (columns + course.step - 1) // course.step * course.step
    count, shape = wide // course.block, (channels, course.slots, wide)
    crossings = np.empty((height, course.grids.shape[2]))
    _crossings(course.upright, crossings)
    blocks = Blocks(
        np.empty(count, np.int64), np.empty((count, TAPS), np.float32), np.empty((count, TAPS), np.float32)
    )
    lines = Lines(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32))
    padded = np.zeros((channels, width + 2 * PAD), np.float32)
    weights = np.empty((TAPS, columns), np.float32)
    offset = np.empty(columns, np.int32)
    x = np.empty(columns, np.int32)
    y = np.empty(columns, np.int32)
    cells = np.empty(((rows + course.step - 1) // course.step, wide // course.step), np.uint8)
    mark_cells(rough, course.grids, course.step, cells)
    done = 0
    for first in range(0, rows, course.band):
        last = min(first + course.band, rows)
        _offsets(course.upright[1], course.step, (first + last) // 2, height, table[EXTRA:], offset, weights)
        until = min(last + offset.max() + TAPS - BEFORE - 1, height)
        for r in range(max(first + offset.min() - BEFORE, done), until):
            _load(frame.image, height - 1 - r if course.flip_y else r, course.flip_x, padded)
            _place(crossings[r], course.step, course.block, table, padded.shape[1], blocks)
            _across(padded, blocks, lines, r & (course.slots - 1))
        done = max(done, until)
        for row in range(first, last):
            _down(lines, row, offset, weights, limits, out, index)
            j, line = 0, cells[row // course.step]
            while j < line.size:
                begin = j
                while j < line.size and line[j]:
                    j += 1
                if j > begin:
                    run = begin * course.step, min(j * course.step, columns)
                    _positions(course.grids, course.step, row, run[0], run[1], width, height, x, y)
                    _redo(frame, rough, x, y, run, table[EXTRA:], limits, mask, row, out, index)
                j += 1


@kernel
def _crossings(upright: F64, crossings: F64) -> None:
    """Fill where the lines of the node columns cross the image rows, x [row, j]; past their ends, prolonged."""
    for j in range(crossings.shape[1]):
        x, y = upright[0, :, j], upright[1, :, j]
        i = 0
        for row in range(crossings.shape[0]):
            while i < y.size - 2 and y[i + 1] <= row:
                i += 1
            crossings[row, j] = x[i] + (row - y[i]) / (y[i + 1] - y[i]) * (x[i + 1] - x[i])


@kernel
def _load(image: F32, row: int, flip: bool, padded: F32) -> None:
    """Fill the middle of ``padded`` [channel, column] with an image row, from its end if ``flip``."""
    size = image.shape[2]
    for channel in range(padded.shape[0]):
        line, out = image[channel, row], padded[channel, PAD : PAD + size]
        if flip:
            copy_row(line[::-1], out)
        else:
            copy_row(line, out)


@kernel
def _place(crossings: F64, step: int, block: int, table: F32, width: int, blocks: Blocks) -> None:
    """Fill where each block of an image row begins, and its weights; ``width`` counts the padding."""
    for i in range(blocks.begin.size):
        j = i * block // step
        slope = (crossings[j + 1] - crossings[j]) / step
        here = PHASES * (crossings[j] + (i * block - j * step) * slope) + 0.5
        first = int(np.floor(min(max(here, -OUTSIDE), OUTSIDE)))
        phase = (first & 2047) + EXTRA
        ahead = phase + int(np.floor(PHASES * block * (slope - 1.0) + (here - first)))
        start, end = table[phase], table[min(max(ahead, 0), table.shape[0] - 1)]
        blocks.begin[i] = min(max((first >> 11) - BEFORE + PAD, 0), width - block - TAPS)
        for tap in range(TAPS):
            blocks.weights[i, tap] = start[tap]
            blocks.slopes[i, tap] = (end[tap] - start[tap]) / np.float32(block)


@kernel
def _across(padded: F32, blocks: Blocks, lines: Lines, slot: int) -> None:
    """Pass 1: fill a slot of ``lines``. Over 0.03 pixel a weight's change is even to 4e-4."""
    for channel in range(padded.shape[0]):
        line, out = padded[channel], lines.values[channel, slot]
        least, greatest = lines.least[channel, slot], lines.greatest[channel, slot]
        size = np.uint64(out.size // blocks.begin.size)
        for i in range(blocks.begin.size):
            at, to, w, v = (
                np.uint64(blocks.begin[i]),
                np.uint64(i) * size,
                blocks.weights[i],
                blocks.slopes[i],
            )
            p, q, r, s, t, u = w[0], w[1], w[2], w[3], w[4], w[5]
            dp, dq, dr, ds, dt, du = v[0], v[1], v[2], v[3], v[4], v[5]
            for k in range(size):
                f = np.float32(np.int32(k))
                b, c, d, e = line[at + k + ONE], line[at + k + TWO], line[at + k + THREE], line[at + k + FOUR]
                left = (p + f * dp) * line[at + k] + (q + f * dq) * b + (r + f * dr) * c
                right = (s + f * ds) * d + (t + f * dt) * e + (u + f * du) * line[at + k + FIVE]
                out[to + k] = left + right
                least[to + k] = min(min(b, c), min(d, e))
                greatest[to + k] = max(max(b, c), max(d, e))


@kernel
def _offsets(grid: F64, step: int, row: int, height: int, table: F32, offset: I32, weights: F32) -> None:
    """Fill, along output row ``row``, the image row less the output row, and six weights [tap, column]."""
    i = row // step
    down = (row - i * step) / step
    for j in range((offset.size + step - 1) // step):
        start = grid[i, j] + down * (grid[i + 1, j] - grid[i, j])
        slope = (grid[i, j + 1] + down * (grid[i + 1, j + 1] - grid[i, j + 1]) - start) / step
        for x in range(j * step, min((j + 1) * step, offset.size)):
            here = min(max(start + (x - j * step) * slope, -PAD + 0.0), height + PAD + 0.0)
            counts = int(np.floor(PHASES * here + 0.5))
            offset[x] = (counts >> 11) - row
            line = table[counts & 2047]
            for tap in range(TAPS):
                weights[tap, x] = line[tap]


@kernel
def _down(lines: Lines, row: int, offset: I32, weights: F32, limits: F32, out: F32, index: int) -> None:
    """Pass 2: fill output row ``row``. Along a run of columns the six slots stay the same."""
    end = 0
    while end < offset.size:
        begin, end = end, end + 1
        while end < offset.size and offset[end] == offset[begin]:
            end += 1
        top = row + offset[begin] - BEFORE
        for channel in range(out.shape[0]):
            target = out[channel, index, row]
            _upper(lines.values[channel], top, (begin, end), weights, target)
            _lower(lines.values[channel], top, (begin, end), weights, target)
            if limits[channel] < np.inf:
                least, greatest = lines.least[channel], lines.greatest[channel]
                _hold(least, greatest, top + 1, (begin, end), limits[channel], limits[-1], target)


@kernel
def _upper(lines: F32, top: int, run: tuple[int, int], weights: F32, out: F32) -> None:
    """The first three slots of six over a run of columns; six at once LLVM does not vectorise."""
    last = lines.shape[0] - 1
    a, b, c = np.uint64(top & last), np.uint64((top + 1) & last), np.uint64((top + 2) & last)
    for k in range(np.uint64(run[0]), np.uint64(run[1])):
        out[k] = weights[0, k] * lines[a, k] + weights[1, k] * lines[b, k] + weights[2, k] * lines[c, k]


@kernel
def _lower(lines: F32, top: int, run: tuple[int, int], weights: F32, out: F32) -> None:
    """The other three."""
    last = lines.shape[0] - 1
    d, e, f = np.uint64((top + 3) & last), np.uint64((top + 4) & last), np.uint64((top + 5) & last)
    for k in range(np.uint64(run[0]), np.uint64(run[1])):
        out[k] += weights[3, k] * lines[d, k] + weights[4, k] * lines[e, k] + weights[5, k] * lines[f, k]


@kernel
def _hold(
    least: F32, greatest: F32, top: int, run: tuple[int, int], margin: np.float32, depth: np.float32, out: F32
) -> None:
    """`warp._held` over a run of columns."""
    last = least.shape[0] - 1
    a, b = np.uint64(top & last), np.uint64((top + 1) & last)
    c, d = np.uint64((top + 2) & last), np.uint64((top + 3) & last)
    for k in range(np.uint64(run[0]), np.uint64(run[1])):
        low = min(min(least[a, k], least[b, k]), min(least[c, k], least[d, k]))
        span = max(max(greatest[a, k], greatest[b, k]), max(greatest[c, k], greatest[d, k])) - low
        limit = low - max(np.float32(0.0), margin - np.float32(0.125) * span) - depth * span
        out[k] = limit if out[k] < limit else out[k]


@kernel
def _redo(
    frame: Frame,
    rough: U8,
    x: I32,
    y: I32,
    columns: tuple[int, int],
    table: F32,
    limits: F32,
    mask: float,
    row: int,
    out: F32,
    index: int,
) -> None:
    """Do the rough places among some columns of an output row directly, a run of them at a time."""
    end = columns[0]
    while end < columns[1]:
        begin, end = end, end + 1
        if rough[y[begin] >> 11, x[begin] >> 11]:  # -1, off the image, reads the last row or column: rough
            while end < columns[1] and rough[y[end] >> 11, x[end] >> 11]:
                end += 1
            across, down = x[begin:end], y[begin:end]
            for channel in range(out.shape[0]):
                image, target = frame.image[channel], out[channel, index, row, begin:end]
                margin = limits[channel]
                _plain_row(image, frame.careful, across, down, table, margin, limits[-1], target)
                _careful_row(image, frame.bad, frame.careful, across, down, table, mask, target)


@kernel
def mark_rough(careful: U8, rough: U8) -> None:
    """Fill ``rough`` with 1 where ``careful`` is, or beside it: lines on a slant reach one column further."""
    rows, columns = careful.shape
    rough[:] = np.uint8(1)
    either = np.empty(columns, np.uint8)
    for row in range(1, rows - 1):
        above, here, below, out = careful[row - 1], careful[row], careful[row + 1], rough[row, 1:]
        for x in range(columns):
            either[x] = above[x] | here[x] | below[x]
        left, middle, right = either, either[1:], either[2:]
        for x in range(columns - 2):
            out[x] = left[x] | middle[x] | right[x]
