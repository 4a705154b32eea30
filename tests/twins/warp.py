"""Resampling in plain Python: every pixel on its own, in double precision."""

import math

import numpy as np


def position(grid, step, row, column):
    """Bilinear between the four nodes around an output pixel."""
    i, j = row // step, column // step
    down, across = row / step - i, column / step - j
    upper = grid[i, j] + across * (grid[i, j + 1] - grid[i, j])
    lower = grid[i + 1, j] + across * (grid[i + 1, j + 1] - grid[i + 1, j])
    return upper + down * (lower - upper)


def sinc(x):
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def weights(phase, interpolation):
    distance = [tap - phase for tap in (-2, -1, 0, 1, 2, 3)]
    if phase == 0:
        return [float(d == 0) for d in distance]
    if interpolation == "nearest":
        return [float(-0.5 < d <= 0.5) for d in distance]
    if interpolation == "bilinear":
        return [max(0.0, 1 - abs(d)) for d in distance]
    raw = [sinc(d) * sinc(d / 3) for d in distance]
    taps = [w / sum(raw) for w in raw]
    moment = sum(w * d for w, d in zip(taps, distance, strict=True))
    taps[0] += moment / 5
    taps[5] -= moment / 5
    return taps


def split(x):
    """The pixel that holds a position rounded to 1/2048, and the phase within it."""
    counts = math.floor(x * 2048 + 0.5)
    return counts // 2048, counts % 2048 / 2048


def value(plane, bad, x, y, interpolation, noise, clamp):
    rows, columns = plane.shape
    half = 0.5 / 2048
    if not (-half <= x < columns - 1 + half and -half <= y < rows - 1 + half):
        return np.nan
    (column, across), (row, down) = split(x), split(y)
    total = weight = spoilt = whole = 0.0
    clean = True
    for i, wy in enumerate(weights(down, interpolation)):
        for j, wx in enumerate(weights(across, interpolation)):
            r, c = row + i - 2, column + j - 2
            clean = clean and 0 <= r < rows and 0 <= c < columns
            r, c = min(max(r, 0), rows - 1), min(max(c, 0), columns - 1)
            missing = np.isnan(plane[r, c])
            clean = clean and not missing
            whole += abs(wy * wx)
            spoilt += abs(wy * wx) if missing or bad[r, c] else 0
            if not missing:
                weight += wy * wx
                total += wy * wx * float(plane[r, c])
    if spoilt > 0.3 * whole:
        return np.nan
    result = total / weight
    if clean and noise is not None:
        inner = plane[row - 1 : row + 3, column - 1 : column + 3].astype(float)
        span = inner.max() - inner.min()
        result = max(result, inner.min() - max(0, 3 * noise - span / 8) - clamp * span)
    return result


def resample(image, bad, grid_x, grid_y, step, shape, interpolation, noise, clamp):
    out = np.empty((image.shape[0], *shape))
    for channel, row, column in np.ndindex(out.shape):
        x, y = position(grid_x, step, row, column), position(grid_y, step, row, column)
        out[channel, row, column] = value(image[channel], bad, x, y, interpolation, noise, clamp)
    return out
