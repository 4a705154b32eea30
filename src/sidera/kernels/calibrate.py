"""Loops of calibration: apply masters, combine masters, find pixels that stand alone.

A *phase* is a pixel's place in the 2×2 cell of a colour filter array, ``2 * (row % 2) + column % 2``.
"""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, I64, U16


@kernel
def apply_masters(raw: F32, dark: F32, inverse: F32, top: int, left: int, out: F32) -> None:
    """Fill ``out`` with ``(raw - dark) * inverse``, all ``[channel, row, column]``.

    ``raw`` is a window whose first pixel lies at (top, left) of the masters. A master of a single row
    serves every row.
    """
    channels, rows, columns = raw.shape
    for channel in range(channels):
        for row in range(rows):
            there = raw[channel, row]
            less = dark[channel, top + row if dark.shape[1] > 1 else 0, left : left + columns]
            times = inverse[channel, top + row if inverse.shape[1] > 1 else 0, left : left + columns]
            result = out[channel, row]
            for column in range(columns):
                result[column] = (there[column] - less[column]) * times[column]


@kernel
def moments(
    image: F32, top: int, left: int, step: int, shift: float, low: float, high: float
) -> tuple[int, float, float]:
    """Count, sum and sum of squares of ``value - shift`` over every ``step``-th pixel within [low, high]."""
    count, total, squares = 0, 0.0, 0.0
    for row in range(top, image.shape[0], step):
        line = image[row]
        for column in range(left, image.shape[1], step):
            value = np.float64(line[column])
            if low <= value <= high:  # false for NaN
                count += 1
                total += value - shift
                squares += (value - shift) * (value - shift)
    return count, total, squares


@kernel
def hybrid_mean(
    samples: F32,
    offset: F64,
    unit: F64,
    model: F64,
    kappa: float,
    top: int,
    left: int,
    value: F32,
    variance: F32,
    count: U16,
) -> None:
    """Clipped weighted mean of ``(sample - offset) * unit`` over frames; weights ``1 / unit``.

    ``offset`` and ``unit`` are [phase, frame]; ``model`` holds floor, slope and level: a sample of S ADU has
    the variance ``floor + slope * max(S - level, 0)``.
    """
    frames, rows, columns = samples.shape
    pixel, units = np.empty(frames, np.float64), np.empty(frames, np.float64)  # scratch: one a band
    for row in range(rows):
        for column in range(columns):
            phase = 2 * ((top + row) % 2) + (left + column) % 2
            stop = _gather(samples[:, row, column], offset[phase], unit[phase], pixel, units)
            mean, error, kept = _clip(pixel[:stop], units[:stop], model, kappa)
            value[row, column] = mean
            variance[row, column] = error
            count[row, column] = kept


@kernel
def _gather(samples: F32, offset: F64, unit: F64, pixel: F64, units: F64) -> int:
    """Measured samples in rising order into ``pixel``, their units beside them; how many there are."""
    stop = 0
    for frame in range(samples.size):
        if samples[frame] == samples[frame]:
            pixel[stop] = (samples[frame] - offset[frame]) * unit[frame]
            units[stop] = unit[frame]
            stop += 1
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):  # Shell sort, gaps of Ciura 2001
        for i in range(gap, stop):
            here, its, j = pixel[i], units[i], i
            while j >= gap and pixel[j - gap] > here:
                pixel[j], units[j] = pixel[j - gap], units[j - gap]
                j -= gap
            pixel[j], units[j] = here, its
    return stop


@kernel
def _clip(pixel: F64, units: F64, model: F64, kappa: float) -> tuple[float, float, int]:
    """Mean, variance and number of the sorted samples within κ·max(σ_model, shrunk MAD) of the centre."""
    size = pixel.size
    if size == 0:
        return np.nan, np.nan, 0
    middle = (pixel[(size - 1) // 2] + pixel[size // 2]) / 2
    sigma = 0.0
    for i in range(size):
        sigma += _sigma(units[i], middle, model)
    sigma /= size
    if size == 2:  # two cannot outvote each other; a cosmic ray only ever adds
        stop = 1 if pixel[1] - pixel[0] > 6 * sigma else 2
        return _mean(pixel, units, 0, stop, pixel[0], model, 1.0)
    widen = 1.0
    if size >= 5 and sigma > 0:
        widen = max(1.0, 1.4826 * _mad(pixel, middle) / sigma / (1 + 1.5 / np.sqrt(size)))
    centre, start, stop = middle, 0, size
    for _ in range(2):
        start, stop = 0, size
        while start < stop and centre - pixel[start] > kappa * widen * _sigma(units[start], middle, model):
            start += 1
        while stop > start and pixel[stop - 1] - centre > kappa * widen * _sigma(
            units[stop - 1], middle, model
        ):
            stop -= 1
        if stop - start < (size + 1) // 2:
            return middle, np.pi / 2 * sigma * sigma * widen * widen / size, size
        centre = _mean(pixel, units, start, stop, middle, model, widen)[0]
    return _mean(pixel, units, start, stop, middle, model, widen)


@kernel
def _sigma(unit: float, level: float, model: F64) -> float:
    """Standard deviation that the noise model expects of a sample in the samples' own unit."""
    sigma: float = unit * np.sqrt(model[0] + model[1] * max(level / unit - model[2], 0.0))
    return sigma


@kernel
def _mad(pixel: F64, middle: float) -> float:
    """Median absolute deviation of sorted samples: walk outwards from the middle, to the nearer side."""
    size = pixel.size
    left, right = (size - 1) // 2, (size - 1) // 2 + 1
    last, before = 0.0, 0.0
    for _ in range(size // 2 + 1):
        below = middle - pixel[left] if left >= 0 else np.inf
        above = pixel[right] - middle if right < size else np.inf
        before = last
        if below <= above:
            last = below
            left -= 1
        else:
            last = above
            right += 1
    return last if size % 2 else (last + before) / 2


@kernel
def _mean(
    pixel: F64, units: F64, start: int, stop: int, level: float, model: F64, widen: float
) -> tuple[float, float, int]:
    """Mean weighted by ``1 / unit``, its variance, and the number of samples from ``start`` to ``stop``."""
    total, weights, variance = 0.0, 0.0, 0.0
    for i in range(start, stop):
        sigma = widen * _sigma(units[i], level, model)
        total += pixel[i] / units[i]
        weights += 1 / units[i]
        variance += (sigma / units[i]) ** 2
    return total / weights, variance / (weights * weights), stop - start


@kernel
def local_median(padded: F32, step: int, pairs: I64, scratch: F32, out: F32) -> None:
    """Median of the 24 neighbours at 1 and 2 steps; ``padded`` has ``2 * step`` pixels more a side.

    A missing neighbour counts as the pixel itself. ``pairs`` [comparison, 2] is a sorting network of 24
    inputs, ``scratch`` is [24, lane].
    """
    rows, columns = out.shape
    lanes = scratch.shape[1]
    for row in range(rows):
        for left in range(0, columns, lanes):
            width = min(lanes, columns - left)
            _neighbours(padded, row, left, step, width, scratch)
            for pair in range(len(pairs)):  # a network sorts all lanes at once, by vector min and max
                first, second = scratch[pairs[pair, 0]], scratch[pairs[pair, 1]]
                for lane in range(lanes):
                    one, other = first[lane], second[lane]
                    first[lane], second[lane] = min(one, other), max(one, other)
            centre = padded[row + 2 * step, left + 2 * step : left + 2 * step + width]
            result, low, high = out[row, left : left + width], scratch[11], scratch[12]
            for lane in range(width):
                median = np.float32(0.5) * (low[lane] + high[lane])
                result[lane] = median if centre[lane] == centre[lane] else centre[lane]


@kernel
def _neighbours(padded: F32, row: int, left: int, step: int, width: int, scratch: F32) -> None:
    """Put the 24 neighbours of ``width`` pixels into the rows of ``scratch``."""
    centre = padded[row + 2 * step, left + 2 * step : left + 2 * step + width]
    for place in range(25):
        if place != 12:
            y, x = row + (place // 5) * step, left + (place % 5) * step
            source, lane_of = padded[y, x : x + width], scratch[place - (place > 12)]
            for lane in range(width):
                lane_of[lane] = _or(source[lane], centre[lane])


@kernel
def excess(padded: F32, step: int, out: F32) -> None:
    """Each pixel less the median of its 8 same-colour neighbours; ``padded`` has ``step`` pixels more a side.

    A missing neighbour counts as the pixel itself: too few neighbours make nothing stand out.
    """
    rows, columns = out.shape
    for row in range(rows):
        above, here, below = padded[row], padded[row + step], padded[row + 2 * step]
        centre = here[step : step + columns]
        a, b, c = above[0:columns], above[step : step + columns], above[2 * step : 2 * step + columns]
        d, e = here[0:columns], here[2 * step : 2 * step + columns]
        f, g, h = below[0:columns], below[step : step + columns], below[2 * step : 2 * step + columns]
        result = out[row]
        for i in range(columns):
            x = centre[i]
            p = _four(_or(a[i], x), _or(b[i], x), _or(c[i], x), _or(d[i], x))
            q = _four(_or(e[i], x), _or(f[i], x), _or(g[i], x), _or(h[i], x))
            # Fourth and fifth of eight from two sorted fours: what Batcher's merge does to these two.
            low = max(min(p[2], q[2]), max(p[0], q[0]))
            high = min(min(p[3], q[3]), max(p[1], q[1]))
            result[i] = x - np.float32(0.5) * (low + high)


@kernel
def _or(value: np.float32, otherwise: np.float32) -> np.float32:
    return value if value == value else otherwise


@kernel
def _four(
    a: np.float32, b: np.float32, c: np.float32, d: np.float32
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Four numbers in rising order, without a branch."""
    a, b = min(a, b), max(a, b)
    c, d = min(c, d), max(c, d)
    a, c = min(a, c), max(a, c)
    b, d = min(b, d), max(b, d)
    return a, min(b, c), max(b, c), d


@kernel
def lone_pixels(image: F32, padded: F32, noise: F32, kappa: float, factor: float, out: F32) -> None:
    """Copy ``image``, NaN where a pixel stands out and no two of the 8 that touch it do, up or down.

    ``padded`` is the excess with one pixel more a side; ``noise`` is [row % 2, column].
    """
    rows, columns = image.shape
    least, times = np.float32(kappa), np.float32(factor)
    for row in range(rows):
        above, here, below = padded[row], padded[row + 1], padded[row + 2]
        a, b, c = above[0:columns], above[1 : columns + 1], above[2 : columns + 2]
        d, x, e = here[0:columns], here[1 : columns + 1], here[2 : columns + 2]
        f, g, h = below[0:columns], below[1 : columns + 1], below[2 : columns + 2]
        sigma, source, result = noise[row % 2], image[row], out[row]
        for i in range(columns):
            company = _second(a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i])
            alone = abs(x[i]) > max(least * sigma[i], times * company)
            result[i] = np.float32(np.nan) if alone else source[i]


@kernel
def _second(
    a: np.float32,
    b: np.float32,
    c: np.float32,
    d: np.float32,
    e: np.float32,
    f: np.float32,
    g: np.float32,
    h: np.float32,
) -> np.float32:
    """Second largest size of eight, NaN ignored."""
    first, second = np.float32(0), np.float32(0)
    for value in (a, b, c, d, e, f, g, h):
        known = abs(value) if value == value else np.float32(0)
        second = max(second, min(first, known))
        first = max(first, known)
    return second
