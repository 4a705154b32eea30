"""Which interpolated pixels rest too much on bad ones. Few do, and runs of places far from all are passed over.

The six pixels of a footprint's row are one of 64 patterns of good and bad, so that the share of a row's weights that
is bad is looked up, and a footprint takes six sums instead of 36.
"""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.warp import BEFORE, TAPS, Frame, _positions
from sidera.types import F32, F64, U8, U64

RUN = 8
"""Columns of the image that are looked at together, as one number of 64 bits."""
ONE, TWO, THREE, FOUR, FIVE = (np.uint64(k) for k in range(1, 6))
ONE8, TWO8, THREE8, FOUR8, FIVE8 = (np.uint8(k) for k in range(1, 6))


class Mask(NamedTuple):
    """How much of a result may rest on bad and missing pixels.

    ``shares`` [phase, tap] are the absolute weights over their sum, ``sums`` [phase, pattern] their sum over the bad
    ones of six pixels, the first of which is the pattern's lowest bit; ``limit`` is the share from which a result is
    missing.
    """

    shares: F32
    sums: F32
    limit: float


@kernel
def mask_bad(frame: Frame, grids: F64, step: int, mask: Mask, index: int, out: F32) -> None:
    """Take back all of ``out`` [channel, index, row, column] that rests too much on bad pixels.

    Set apart from `warp.warp`: compiled into it, these few lines take four times as long.
    """
    height, width = frame.careful.shape
    whole = (width + RUN - 1) // RUN * RUN
    patterns, near = np.zeros((height, whole), np.uint8), np.zeros((height, whole), np.uint8)
    if not footprints(frame.bad, patterns, near):
        return
    runs = near.view(np.uint64)
    x = np.empty(out.shape[3], np.int32)
    y = np.empty(out.shape[3], np.int32)
    for row in range(out.shape[2]):
        for first in range(0, x.size, step):
            last = min(first + step, x.size)
            if _far_from_all(runs, grids, step, row, first, width):
                continue
            _positions(grids, step, row, first, last, width, height, x, y)
            for k in range(np.uint64(first), np.uint64(last)):
                if min(x[k], y[k]) >= 0 and near[np.uint64(y[k] >> 11), np.uint64(x[k] >> 11)]:
                    leans = _share_of_bad(patterns, x[k], y[k], mask.shares, mask.sums) > mask.limit
                    if leans and not frame.careful[y[k] >> 11, x[k] >> 11]:
                        for channel in range(out.shape[0]):
                            out[channel, index, row, k] = np.nan


@kernel
def footprints(bad: U8, patterns: U8, near: U8) -> bool:
    """Fill in what the six pixels of a row are, and whether a footprint holds a bad one, not 0; tell if any does.

    Both are 0 before, and stay so where the footprint is not wholly on the image.
    """
    rows, columns = np.uint64(bad.shape[0]), np.uint64(bad.shape[1])
    found = np.uint8(0)
    if min(bad.shape) < TAPS:
        return False
    for row in range(rows):
        for x in range(columns - FIVE):
            pattern = bad[row, x] | bad[row, x + ONE] << ONE8 | bad[row, x + TWO] << TWO8
            pattern |= (
                bad[row, x + THREE] << THREE8 | bad[row, x + FOUR] << FOUR8 | bad[row, x + FIVE] << FIVE8
            )
            patterns[row, x + TWO] = pattern
            found |= pattern
    if not found:
        return False
    for row in range(rows - FIVE):
        for x in range(columns):
            above = patterns[row, x] | patterns[row + ONE, x] | patterns[row + TWO, x]
            below = patterns[row + THREE, x] | patterns[row + FOUR, x] | patterns[row + FIVE, x]
            near[row + TWO, x] = above | below
    return True


@kernel
def _far_from_all(runs: U64, grids: F64, step: int, row: int, first: int, width: int) -> bool:
    """Whether the straight run of places from a node's column to the next's is on the image, and near nothing bad."""
    i, j = row // step, first // step
    down = (row - i * step) / step
    x0, y0 = (
        grids[0, i, j] + down * (grids[0, i + 1, j] - grids[0, i, j]),
        grids[1, i, j] + down * (grids[1, i + 1, j] - grids[1, i, j]),
    )
    x1 = grids[0, i, j + 1] + down * (grids[0, i + 1, j + 1] - grids[0, i, j + 1])
    y1 = grids[1, i, j + 1] + down * (grids[1, i + 1, j + 1] - grids[1, i, j + 1])
    low, high = min(y0, y1), max(y0, y1)
    left, right = min(x0, x1), max(x0, x1)
    if not (low >= 1.0 and high < runs.shape[0] - 2.0 and left >= 1.0 and right < width - 2.0):
        return False
    found = np.uint64(0)  # rounding may move a place by a pixel
    for line in range(np.uint64(low + 0.0), np.uint64(high + 2.0)):
        for run in range(
            np.uint64(left) // np.uint64(RUN), np.uint64(right + 1.0) // np.uint64(RUN) + np.uint64(1)
        ):
            found |= runs[line, run]
    return bool(found == 0)


@kernel
def _share_of_bad(patterns: U8, x: np.int32, y: np.int32, shares: F32, sums: F32) -> np.float32:
    """Share of the absolute weights that lie on bad pixels, of a footprint inside the image.

    Indices are unsigned and no slice is made, each of which costs as much as the sum itself.
    """
    top, column = np.uint64((y >> 11) - BEFORE), np.uint64(x >> 11)
    down, across = np.uint64(y & 2047), np.uint64(x & 2047)
    spoilt = np.float32(0.0)
    for i in range(np.uint64(TAPS)):
        spoilt += shares[down, i] * sums[across, patterns[top + i, column]]
    return spoilt
