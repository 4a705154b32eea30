"""Sums over blocks of blocks, for looking at a picture at one size after the other."""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32, Bool


@exact_kernel
def begun(planes: F32, units: F32, total: F32, count: F32) -> None:
    """Sums over blocks of one pixel: every plane in its unit, and last the mean of several, ``[view, row, column]``.

    ``total`` is 0 and so is ``count`` where a plane was not measured.
    """
    channels, rows, columns = planes.shape
    mean = np.empty(columns, np.float32)
    for row in range(rows):
        mean[:] = np.float32(0)
        for plane in range(channels):
            values, unit = planes[plane, row], units[plane]
            light, number = total[plane, row], count[plane, row]
            for x in range(columns):
                value = values[x] / unit
                mean[x] += value
                light[x], number[x] = _counted(value)
        if total.shape[0] > channels:
            light, number = total[channels, row], count[channels, row]
            for x in range(columns):
                light[x], number[x] = _counted(mean[x] / np.float32(channels))


@exact_kernel
def _counted(value: np.float32) -> tuple[np.float32, np.float32]:
    measured = np.abs(value) < np.float32(np.inf)
    return (value if measured else np.float32(0)), (np.float32(1) if measured else np.float32(0))


@exact_kernel
def below_zero(values: F32, step: int, out: F32) -> int:
    """Gather the negative ones of every ``step``-th value of a row; returns how many."""
    number = 0
    for i in range(0, values.size, step):
        out[number] = values[i]
        number += 1 if values[i] < 0 else 0
    return number


@exact_kernel
def take_out(hits: Bool, reach: int, side: int, total: F32, count: F32, found: Bool) -> None:
    """Blocks that were hit, and those up to ``reach`` away, lose their light; their pixels are marked as found."""
    rows, columns = hits.shape
    gone = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for x in range(columns):
            if hits[row, x]:
                for i in range(max(row - reach, 0), min(row + reach + 1, rows)):
                    for j in range(max(x - reach, 0), min(x + reach + 1, columns)):
                        gone[i, j] = True
    for row in range(rows):
        for x in range(columns):
            if gone[row, x]:
                for view in range(total.shape[0]):
                    total[view, row, x] = count[view, row, x] = np.float32(0)
                for i in range(row * side, min((row + 1) * side, found.shape[0])):
                    for j in range(x * side, min((x + 1) * side, found.shape[1])):
                        found[i, j] = True


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
