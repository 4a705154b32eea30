"""Where enough frames saw the sky: gaps closed, and the largest rectangle without one."""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import I64, U8, U16


@exact_kernel
def covered(coverage: U16, least: float, good: U8) -> None:
    """Clear ``good`` [row, column] where ``coverage`` is below ``least``; call it once a channel."""
    rows, columns = coverage.shape
    for row in range(rows):
        line, seen = good[row], coverage[row]
        for x in range(columns):
            line[x] = line[x] if seen[x] >= least else np.uint8(0)


@exact_kernel
def close_gaps(good: U8, widest: int, closed: U8) -> None:
    """Fill ``closed`` with ``good`` and the runs of 0 up to ``widest`` long between good pixels, along either axis.

    A run that reaches the border is no gap. A convex region gains nothing, since a line meets it once.
    """
    rows, columns = good.shape
    for row in range(rows):
        copy_row(good[row], closed[row])
        last = -1
        for x in range(columns):
            if good[row, x]:
                if last >= 0 and x - last - 1 <= widest:
                    closed[row, last + 1 : x] = 1
                last = x
    seen = np.full(columns, -1, np.int64)  # the last good row of each column
    for row in range(rows):
        for x in range(columns):
            if good[row, x]:
                last = seen[x]
                if last >= 0 and row - last - 1 <= widest:
                    closed[last + 1 : row, x] = 1
                seen[x] = row


@exact_kernel
def largest_rectangle(good: U8, found: I64) -> None:
    """Top, left, bottom and right (half-open) of the largest rectangle of pixels that are not 0; zeros for none.

    Of equal ones the first in reading order of their last rows and columns. Each row is the ground of a
    histogram, whose bars are the runs of good pixels above; the stack holds the bars that may still grow
    (Morgan, *Programming from Specifications*, 1994, chapter 21):

                 #
         #   #   #        open bars rise from left to right; a lower bar closes those above it, and
         #   # # #        inherits their left end
    """
    rows, columns = good.shape
    height = np.zeros(columns + 1, np.int64)  # the last stays 0: it closes every bar
    start, level = np.empty(columns + 1, np.int64), np.empty(columns + 1, np.int64)
    found[:] = 0
    best = 0
    for row in range(rows):
        for x in range(columns):
            height[x] = height[x] + 1 if good[row, x] else 0
        top = 0
        for x in range(columns + 1):
            left = x
            while top > 0 and level[top - 1] >= height[x]:
                top -= 1
                left = start[top]
                area = level[top] * (x - left)
                if area > best:
                    best = area
                    found[0], found[1] = row + 1 - level[top], left
                    found[2], found[3] = row + 1, x
            start[top], level[top] = left, height[x]
            top += 1
