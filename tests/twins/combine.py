"""Rejection and combination of one pixel's samples, in plain NumPy and float64."""

import numpy as np

KEPT, LOW, HIGH, MISSING = 0, 1, 2, 3


def middle_and_spread(column):
    seen = column[np.isfinite(column)].astype(np.float64)
    if not seen.size:
        return np.nan, np.nan, 0
    return np.median(seen), np.median(np.abs(seen - np.median(seen))), seen.size


def deviation(survivors, winsorised):
    sd = survivors.std()
    if not winsorised:
        return sd
    median, drawn = np.median(survivors), survivors.copy()
    for _ in range(60):
        drawn = np.clip(drawn, median - 1.5 * sd, median + 1.5 * sd)
        fresh = 1.134 * drawn.std()
        if abs(fresh - sd) <= 5e-4 * sd:
            break
        sd = fresh
    return sd


def clip_limits(column, winsorised, kappa_low, kappa_high, rounds):
    seen = column[np.isfinite(column)].astype(np.float64)
    low, high = -np.inf, np.inf
    for _ in range(rounds):
        survivors = seen[(seen >= low) & (seen <= high)]
        if survivors.size <= 3:
            break
        median, sd = np.median(survivors), deviation(survivors, winsorised)
        low, high = max(low, median - kappa_low * sd), min(high, median + kappa_high * sd)
    return low, high


def judge(column, low, high, centre):
    verdicts = np.full(column.shape, KEPT, np.uint8)
    verdicts[column < low] = LOW
    verdicts[column > high] = HIGH
    verdicts[~np.isfinite(column)] = MISSING
    return keep_half(column, verdicts, centre)


def keep_half(column, verdicts, centre):
    present = np.count_nonzero(verdicts != MISSING)
    while 2 * np.count_nonzero(verdicts == KEPT) < present:
        rejected = np.flatnonzero((verdicts == LOW) | (verdicts == HIGH))
        away = np.abs(column[rejected] - np.float32(centre))
        verdicts[rejected[np.argmin(away)]] = KEPT
    return verdicts


def hybrid(column, a, b, blur, level, kappa_low, kappa_high, rounds, slack=0.0, bend=0.0):
    median, mad, n = middle_and_spread(column)
    seen = np.isfinite(column)
    if n == 0:
        return np.full(column.shape, MISSING, np.uint8)
    sigma = np.sqrt(a + b * max(median - level, 0))
    limit, centre = sigma, median
    if n == 2:
        limit, centre = np.full(len(a), np.sqrt(np.sum(sigma[seen] ** 2))), median - mad
    elif n >= 5:
        harmonic = n / np.sum(1 / sigma[seen])
        limit = sigma * max(1.0, 1.4826 * mad / harmonic / (1 + 1.5 / np.sqrt(n)))
    allowance = slack + blur * bend
    highest, lowest = kappa_high * limit + allowance, kappa_low * limit + allowance
    if rounds > 1:
        away = column - centre
        inside = seen & (away <= highest) & (away >= -lowest)
        centre = centre + away[inside].mean() if inside.any() else centre
    away = column - centre
    verdicts = np.full(column.shape, KEPT, np.uint8)
    verdicts[away < -lowest] = LOW
    verdicts[away > highest] = HIGH
    verdicts[~seen] = MISSING
    return keep_half(column, verdicts, median)


def structure(image, sigma):
    gradient, curvature = np.zeros_like(image), np.zeros_like(image)
    for row, column in np.ndindex(image.shape):
        steps = []
        for y, x in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= y < image.shape[0] and 0 <= x < image.shape[1]
            if inside and np.isfinite(image[y, x]):
                steps.append(float(image[y, x]) - float(image[row, column]))
        steep, bent = max(map(abs, steps), default=0.0), abs(sum(steps))
        if np.isfinite(image[row, column]):
            gradient[row, column] = max(steep - 3.5 * sigma[row, column], 0)
            curvature[row, column] = max(bent - 18.0 * sigma[row, column], 0)
    return gradient, curvature


def weighted_mean(column, verdicts, weights):
    kept = (verdicts == KEPT) & np.isfinite(column) & (weights > 0)
    if not kept.any():
        return np.nan, 0.0
    return np.average(column[kept].astype(np.float64), weights=weights[kept]), weights[kept].sum()


def kept_median(column, verdicts, weights):
    kept = (verdicts == KEPT) & np.isfinite(column) & (weights > 0)
    return np.median(column[kept]) if kept.any() else np.nan


def model_error(verdicts, weights, a, b, level, mean):
    kept = (verdicts == KEPT) & (weights > 0)
    if not kept.any():
        return np.nan
    variance = a + b * max(mean - level, 0)
    return np.sqrt(np.sum((weights**2 * variance)[kept])) / weights[kept].sum()


def scatter_error(column, verdicts, weights, mean):
    kept = (verdicts == KEPT) & (weights > 0)
    n = np.count_nonzero(kept)
    if n < 2:
        return np.nan
    squares = np.sum((weights[kept] * (column[kept] - mean)) ** 2)
    return np.sqrt(squares * n / (n - 1)) / weights[kept].sum()


def surface(image, scale, coefficients, x0, y0):
    c = coefficients
    out = np.empty_like(image)
    for row, column in np.ndindex(image.shape):
        u, v = (x0 + column) / 1024, (y0 + row) / 1024
        sky = c[0] + c[1] * u + c[2] * v + c[3] * u * u + c[4] * u * v + c[5] * v * v
        out[row, column] = scale * float(image[row, column]) + sky
    return out
