"""Sums over blocks of blocks, for looking at a picture at one size after the other."""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32


@exact_kernel
def halved(sums: F32, out: F32) -> None:
    """Sums of 2×2 blocks ``[view, row, column]``; the last ones of a row or column may hold fewer."""
    _, rows, columns = sums.shape
    line = np.empty(2 * out.shape[2], np.float32)
    for view in range(out.shape[0]):
        for row in range(out.shape[1]):
            upper, lower = sums[view, 2 * row], sums[view, min(2 * row + 1, rows - 1)]
            double = 2 * row + 1 < rows
            line[columns:] = np.float32(0)
            for x in range(columns):
                line[x] = upper[x] + (lower[x] if double else np.float32(0))
            left, right, target = line[::2], line[1::2], out[view, row]
            for x in range(target.size):
                target[x] = left[x] + right[x]


@exact_kernel
def means(total: F32, count: F32, reach: int, least: float, out: F32) -> None:
    """Fill ``out`` with total over count, each summed over the blocks up to ``reach`` (0 or 1) away on every side.

    NaN where the count is less than ``least``. Beyond the border there is nothing.
    """
    _, rows, columns = out.shape
    sums, numbers = np.zeros(columns + 2, np.float32), np.zeros(columns + 2, np.float32)
    light, number = sums[1 : columns + 1], numbers[1 : columns + 1]
    enough, one = np.float32(least), np.float32(1)
    for view in range(out.shape[0]):
        for row in range(rows):
            copy_row(total[view, row], light)
            copy_row(count[view, row], number)
            for other in (row - 1, row + 1):
                if reach == 1 and 0 <= other < rows:
                    more, further = total[view, other], count[view, other]
                    for x in range(columns):
                        light[x] += more[x]
                        number[x] += further[x]
            target = out[view, row]
            for x in range(columns):
                above, below = light[x], number[x]
                if reach == 1:
                    above, below = sums[x] + above + sums[x + 2], numbers[x] + below + numbers[x + 2]
                target[x] = above / max(below, one) if below >= enough else np.float32(np.nan)
