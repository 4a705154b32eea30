"""Sums over blocks, slowly and plainly."""

import numpy as np


def halved(sums):
    """Sums of 2×2 blocks of a plane."""
    out = np.zeros(((sums.shape[0] + 1) // 2, (sums.shape[1] + 1) // 2))
    for row, column in np.ndindex(sums.shape):
        out[row // 2, column // 2] += sums[row, column]
    return out


def means(total, count, reach, least):
    """Total over count within ``reach`` of each pixel of a plane; NaN where the count is less than ``least``."""
    out = np.full(total.shape, np.nan)
    for row, column in np.ndindex(total.shape):
        near = np.s_[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
        number = count[near].sum(dtype=float)
        if number >= least:
            out[row, column] = total[near].sum(dtype=float) / max(number, 1)
    return out


def begun(planes, units):
    """Planes in their units, and the mean of several; 0 where not measured. And 1 where measured."""
    views = [plane / unit for plane, unit in zip(planes, units, strict=True)]
    views = np.array([*views, np.mean(views, axis=0)] if len(views) > 1 else views)
    known = np.isfinite(views)
    return np.where(known, views, 0), known


def take_out(hits, reach, side, total, count, shape):
    """Total and count without the blocks near a hit, and which pixels these are."""
    near = np.zeros(hits.shape, bool)
    for row, column in np.argwhere(hits):
        near[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = True
    found = np.zeros(shape, bool)
    for row, column in np.argwhere(near):
        found[row * side : (row + 1) * side, column * side : (column + 1) * side] = True
    return np.where(near, 0, total), np.where(near, 0, count), found
