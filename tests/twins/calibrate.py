"""Calibration in plain NumPy: slow, obvious, and what the kernels must agree with."""

import numpy as np


def apply_masters(raw, dark, inverse):
    return (raw - dark) * inverse


def invert(flat, defects):
    with np.errstate(all="ignore"):
        return np.where((flat > 0) & (defects == 0), 1 / flat, np.nan)


def extremes(image):
    known = image[np.isfinite(image)]
    return (known.min(), known.max()) if known.size else (np.inf, -np.inf)


def mark_full(raw, level):
    out = np.zeros(raw.shape, np.uint8)
    for row, column in np.argwhere(raw >= level):
        out[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = 1
    return out


def moments(image, shift, low, high):
    kept = image[(image >= low) & (image <= high)].astype(float) - shift
    return kept.size, kept.sum(), (kept**2).sum()


def hybrid_mean(samples, offset, unit, model, kappa):
    """One pixel: value, variance and number kept; everything is a 1-D array over frames."""
    samples, offset, unit = (np.asarray(a, float) for a in (samples, offset, unit))
    seen = np.isfinite(samples)
    unit = unit[seen]
    pixel = (samples[seen] - offset[seen]) * unit
    size = pixel.size
    if size == 0:
        return np.nan, np.nan, 0
    level = np.median(pixel)

    def sigmas(at):
        return unit * np.sqrt(model[0] + model[1] * np.maximum(at / unit - model[2], 0))

    sigma = sigmas(level)

    def mean(kept, widen, at):
        weight = 1 / unit[kept]
        value = (weight * pixel[kept]).sum() / weight.sum()
        return value, ((widen * sigmas(at)[kept] * weight) ** 2).sum() / weight.sum() ** 2, int(kept.sum())

    if size == 2:
        lower = pixel == pixel.min() if np.ptp(pixel) > 6 * sigma.mean() else np.ones(2, bool)
        return mean(lower, 1, pixel.min())
    widen = 1.0
    if size >= 5 and sigma.mean() > 0:
        mad = 1.4826 * np.median(np.abs(pixel - level))
        widen = max(1.0, mad / sigma.mean() / (1 + 1.5 / np.sqrt(size)))
    centre = level
    for _ in range(2):
        kept = np.abs(pixel - centre) <= kappa * widen * sigma
        if kept.sum() < (size + 1) // 2:
            return level, np.pi / 2 * (sigma.mean() * widen) ** 2 / size, size
        centre = mean(kept, widen, level)[0]
    return mean(kept, widen, level)


def normalise(flat, variance, factor, least):
    """``factor`` and ``least`` are [row % 2, column % 2]."""
    rows, columns = np.indices(flat.shape) % 2
    low = ~(flat >= least[rows, columns])
    times = np.where(low, np.nan, factor[rows, columns])
    return flat * times, variance * times[: len(variance)] ** 2


def _ring(image, row, column, reach, step):
    rows, columns = image.shape

    def seen(y, x):
        return image[y, x] if 0 <= y < rows and 0 <= x < columns else np.nan

    steps = range(-reach * step, reach * step + 1, step)
    return np.array([seen(row + y, column + x) for y in steps for x in steps if (y, x) != (0, 0)])


def local_median(image, step):
    out = np.full(image.shape, np.nan, np.float32)
    for row, column in np.ndindex(image.shape):
        near = _ring(image, row, column, 2, step)
        out[row, column] = np.median(np.where(np.isnan(near), image[row, column], near))
    return out


def stand_out(image, step, low, high):
    median = local_median(image, step)
    return np.where(median < low[0] * image + low[1], 1, np.where(median > high[0] * image + high[1], 2, 0))


def excess(image, step):
    out = np.empty_like(image)
    for row, column in np.ndindex(image.shape):
        near = _ring(image, row, column, 1, step)
        out[row, column] = image[row, column] - np.median(np.where(np.isnan(near), image[row, column], near))
    return out


def lone_pixels(image, standing, noise, kappa, factor):
    """``standing`` is the excess, ``noise`` [row % 2, column % 2]."""
    out = image.copy()
    for row, column in np.ndindex(image.shape):
        company = np.sort(np.abs(np.nan_to_num(_ring(standing, row, column, 1, 1), nan=0)))[-2]
        if abs(standing[row, column]) > max(kappa * noise[row % 2, column % 2], factor * company):
            out[row, column] = np.nan
    return out
