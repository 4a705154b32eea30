"""Loops of calibration: apply masters, find pixels that stand alone."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.lanes import ABSENT, HALF, ONE, ZERO
from sidera.types import F32, I32, U8

TWELVE = np.float32(12)
RUN = 512
"""Pixels whose neighbours are counted together: few enough for the nearest cache."""


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
def invert(flat: F32, defects: U8, out: F32) -> None:
    """Fill ``out`` with 1 / flat; NaN where the flat is not above 0, and at defects (not 0)."""
    for row in range(out.shape[0]):
        line, bad, result = flat[row], defects[row], out[row]
        for x in range(line.size):
            sound = (line[x] > ZERO) & (bad[x] == 0)
            result[x] = ONE / line[x] if sound else np.float32(np.nan)


@kernel
def extremes(values: F32) -> tuple[float, float]:
    """Lowest and highest of the finite values of a window [row, column]; inf and -inf where there are none.

    By column first: where NaN counts, that vectorises, and the extreme of a row does not.
    """
    low, high = np.full(RUN, np.inf, np.float32), np.full(RUN, -np.inf, np.float32)
    for left in range(0, values.shape[1], RUN):
        width = min(RUN, values.shape[1] - left)
        lowest, highest = low[:width], high[:width]
        for row in range(values.shape[0]):
            line = values[row, left : left + width]
            for lane in range(width):
                value = line[lane]
                lowest[lane] = value if (value < lowest[lane]) & (value > -ABSENT) else lowest[lane]
                highest[lane] = value if (value > highest[lane]) & (value < ABSENT) else highest[lane]
    return float(low.min()), float(high.max())


@kernel
def mark_full(raw: F32, level: float, top: int, mask: U8) -> None:
    """Set ``mask`` [row, column] to 1 where a raw pixel, or one that touches it, reaches the level.

    The first row of ``raw`` is row ``top`` of the mask; nothing is ever set to 0.
    """
    height, width = mask.shape
    for row in range(raw.shape[0]):
        line = raw[row]
        full = np.float32(0)
        for x in range(width):
            full += ONE if line[x] >= level else ZERO
        if full == ZERO:
            continue
        above, below = max(top + row - 1, 0), min(top + row + 2, height)
        for x in range(width):
            if line[x] >= level:
                mask[above:below, max(x - 1, 0) : min(x + 2, width)] = 1


@kernel
def moments(values: F32, shift: float, low: float, high: float) -> tuple[float, float, float]:
    """Count, sum and sum of squares of ``value - shift`` over the values within [low, high]."""
    count, total, squares = 0.0, 0.0, 0.0
    for i in range(values.size):
        value = np.float64(values[i])
        inside = (value >= low) & (value <= high)  # false for NaN
        deviation = value - shift if inside else 0.0
        count += 1.0 if inside else 0.0
        total += deviation
        squares += deviation * deviation
    return count, total, squares


@kernel
def normalise(flat: F32, variance: F32, factor: F32, least: F32) -> None:
    """Multiply a flat by ``factor`` in place and its variance by the square; NaN where it is under ``least``.

    ``factor`` and ``least`` (in the flat's own unit) are [row % 2, column]; ``variance`` may have no rows.
    """
    for row in range(flat.shape[0]):
        line, times, floor = flat[row], factor[row % 2], least[row % 2]
        if variance.shape[0] > 0:
            error = variance[row]
            for column in range(line.size):
                low = not line[column] >= floor[column]
                error[column] = np.float32(np.nan) if low else error[column] * times[column] * times[column]
        for column in range(line.size):
            line[column] = (
                line[column] * times[column] if line[column] >= floor[column] else np.float32(np.nan)
            )


@kernel
def local_median(padded: F32, step: int, pairs: I32, scratch: F32, out: F32) -> None:
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
                    first[lane] = one if one < other else other
                    second[lane] = other if one < other else one
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
def stand_out(padded: F32, step: int, low: F32, high: F32, out: U8) -> None:
    """Fill 1 where the median of the 24 neighbours is under ``low``, 2 where it is over ``high``, else 0.

    ``low`` and ``high`` are (factor, offset) of a bound ``factor * pixel + offset``. ``padded`` is as of
    `local_median`, and this equivalent to comparing with it, but nothing is sorted: a median lies under a bound
    where at least half of the neighbours do.
    """
    rows, columns = out.shape
    scratch = np.empty((4, RUN), np.float32)
    under, over, below, above = scratch[0], scratch[1], scratch[2], scratch[3]
    for row in range(rows):
        middle, result = padded[row + 2 * step, 2 * step : 2 * step + columns], out[row]
        for left in range(0, columns, RUN):
            width = min(RUN, columns - left)
            centre = middle[left : left + width]
            for lane in range(width):
                under[lane] = low[0] * centre[lane] + low[1]
                over[lane] = high[0] * centre[lane] + high[1]
            _count_beyond(padded, row, left, step, centre, under, over, below, above)
            verdict, ties = result[left : left + width], ZERO
            for lane in range(width):
                under_it, over_it = below[lane] > TWELVE, above[lane] > TWELVE
                verdict[lane] = np.uint8(1) if under_it else np.uint8(2) if over_it else np.uint8(0)
                ties += ONE if (below[lane] == TWELVE) | (above[lane] == TWELVE) else ZERO
            if ties > ZERO:  # rare: a bound lies between the two middle ones
                _settle_ties(padded, row, left, step, under, over, below, above, verdict)


@kernel
def _settle_ties(
    padded: F32,
    row: int,
    left: int,
    step: int,
    under: F32,
    over: F32,
    below: F32,
    above: F32,
    verdict: U8,
) -> None:
    """Judge by their median the pixels that have 12 neighbours beyond a bound, 12 within."""
    for lane in range(verdict.size):
        if below[lane] == TWELVE or above[lane] == TWELVE:
            median = _median_about(padded, row, left + lane, step, under[lane], over[lane])
            verdict[lane] = 1 if median < under[lane] else 2 if median > over[lane] else 0


@kernel
def _count_beyond(
    padded: F32, row: int, left: int, step: int, centre: F32, under: F32, over: F32, below: F32, above: F32
) -> None:
    """Count, of each pixel's 24 neighbours, those under and over its bounds."""
    width = centre.size
    for lane in range(width):  # the centre is counted with its row below
        below[lane] = -ONE if centre[lane] < under[lane] else ZERO
        above[lane] = -ONE if centre[lane] > over[lane] else ZERO
    for y in range(row, row + 5 * step, step):
        line = padded[y, left : left + width + 4 * step]
        a, b, c = line[:width], line[step : step + width], line[2 * step : 2 * step + width]
        d, e = line[3 * step : 3 * step + width], line[4 * step : 4 * step + width]
        for lane in range(width):
            x, low, high = centre[lane], under[lane], over[lane]
            p, q, r = _or(a[lane], x), _or(b[lane], x), _or(c[lane], x)
            s, t = _or(d[lane], x), _or(e[lane], x)
            below[lane] += _less(p, low) + _less(q, low) + _less(r, low) + _less(s, low) + _less(t, low)
            above[lane] += _less(high, p) + _less(high, q) + _less(high, r) + _less(high, s) + _less(high, t)


@kernel
def _less(one: np.float32, other: np.float32) -> np.float32:
    return ONE if one < other else ZERO


@kernel
def _median_about(
    padded: F32, row: int, column: int, step: int, under: np.float32, over: np.float32
) -> np.float32:
    """Median of 24 neighbours of which 12 lie beyond a bound: the mean of the two nearest to the bound."""
    centre = padded[row + 2 * step, column + 2 * step]
    nearest = np.array(
        [-ABSENT, ABSENT, -ABSENT, ABSENT], np.float32
    )  # below and not below, not above and above
    number = 0
    for place in range(25):
        if place != 12:
            value = _or(padded[row + (place // 5) * step, column + (place % 5) * step], centre)
            if value < under:
                nearest[0] = max(nearest[0], value)
                number += 1
            else:
                nearest[1] = min(nearest[1], value)
            if value > over:
                nearest[3] = min(nearest[3], value)
            else:
                nearest[2] = max(nearest[2], value)
    median: np.float32 = HALF * (nearest[0] + nearest[1] if number == 12 else nearest[2] + nearest[3])
    return median


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
