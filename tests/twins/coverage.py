"""The plain twins of `sidera.kernels.coverage`."""

import itertools

import numpy as np


def close_gaps(good, widest):
    closed = good.copy()
    for lines, out in ((good, closed), (good.T, closed.T)):
        for line, filled in zip(lines, out, strict=True):
            places = np.flatnonzero(line)
            for before, after in itertools.pairwise(places):
                if after - before - 1 <= widest:
                    filled[before:after] = 1
    return closed


def largest_area(good):
    """Every rectangle there is, by brute force."""
    rows, columns = good.shape
    best = 0
    for top, left in np.ndindex(rows, columns):
        for bottom in range(top + 1, rows + 1):
            for right in range(left + 1, columns + 1):
                if good[top:bottom, left:right].all():
                    best = max(best, (bottom - top) * (right - left))
    return best
