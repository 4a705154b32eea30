"""Sigma clipping of a handful of samples: deal them into bins, and look into the few bins that matter.

A sort would do, at 15 to 40 ns a sample; dealing costs 3 to 5, and no clipping limit and no median ever asks for
the order within the other bins. Bins::

    0          1   2   3    ...    BINS - 3    BINS - 2    BINS - 1
    too low    equal widths                    too high    not measured
"""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, I32

HUGE = np.float32(3e38)
"""Samples up to this size are finite."""
CLIPPED = 0.985
"""Standard deviation that clipping at 3 sigma, repeated until nothing changes, leaves of a normal one."""
BINS = 256
LOOK = 16
"""Samples that tell where the bins should lie; a poor guess costs time, never accuracy."""
STRIDE = 16
"""Bins that a search for a rank first passes over at once."""
GAPS = (701, 301, 132, 57, 23, 10, 4, 1)
"""Of Shell's sort (Ciura 2001)."""


@kernel
def room(size: int) -> tuple[F32, I32, I32]:
    """Scratch for `clip` of up to ``size`` samples: the dealt samples, each sample's bin, the bins' ends."""
    most = max(size, 2 * LOOK)
    return np.empty(most, np.float32), np.empty(most, np.int32), np.empty(BINS, np.int32)


@kernel
def clipped(samples: F32, kappa: float, rounds: int) -> tuple[float, float, float, float]:
    """As `clip`, with scratch of its own."""
    return clip(samples, kappa, rounds, room(samples.size))


@kernel
def clip(
    samples: F32, kappa: float, rounds: int, scratch: tuple[F32, I32, I32]
) -> tuple[float, float, float, float]:
    """Mean, median, standard deviation and number of the samples within ``kappa`` sigma of their median.

    Equivalent to clipping at median ± kappa·std until nothing changes, started from the half-width below the
    median, which stars cannot widen. NaN and infinities are left out; without a finite sample all but the
    number are NaN. ``scratch`` is `room` for as many samples or more.
    """
    dealt, ends = scratch[0], scratch[2]
    start, scale = _deal(samples, scratch[1], ends, dealt)
    count = float(ends[BINS - 2])
    if scale == 0:  # all alike, or none
        same = float(start) if count > 0 else np.nan
        return same, same, 0.0 * same, count
    low, high = -HUGE, HUGE
    median = _ranked(dealt, ends, low, high, 0, 0.5 * count)
    sixth = _ranked(dealt, ends, low, high, 0, 0.1587 * count)
    mean, spread = 0.0, 0.0
    width = median - sixth
    if not width > 0:
        _, width, _, _ = _moments(dealt[: ends[BINS - 2]], low, high)
    for _ in range(rounds):
        low, high = np.float32(median - kappa * width), np.float32(median + kappa * width)
        before = count
        below = ends[_bin(low, start, scale) - 1] if _bin(low, start, scale) > 0 else 0
        mean, spread, count, lower = _moments(dealt[below : ends[_bin(high, start, scale)]], low, high)
        if not spread > 0:
            return mean, mean, spread, count
        median = _ranked(dealt, ends, low, high, below + lower, 0.5 * count)
        width = spread / CLIPPED
        if count == before:
            break
    return mean, median, spread, count


@kernel
def _deal(samples: F32, places: I32, ends: I32, dealt: F32) -> tuple[np.float32, np.float32]:
    """Fill ``dealt`` with the samples bin by bin, and ``ends`` with each bin's end; start and bins per ADU.

    The bins cover five times the inner two thirds of a few samples; a scale of 0 says that all are alike.
    """
    start, scale = _bins_for(samples, dealt[:LOOK], places[:LOOK], dealt[LOOK : 2 * LOOK])
    last = np.int32(BINS - 1)
    for i in range(samples.size):
        value = samples[i]
        known = abs(value) <= HUGE
        place = _bin(value if known else start, start, scale)
        places[i] = place if known else last
    ends[:] = 0
    for i in range(samples.size):
        ends[places[i]] += 1
    total = np.int32(0)
    for k in range(BINS):
        number = ends[k]
        ends[k] = total
        total += number
    for i in range(samples.size):
        place = places[i]
        dealt[ends[place]] = samples[i]
        ends[place] += 1
    return start, scale


@kernel
def _bin(value: np.float32, start: np.float32, scale: np.float32) -> np.int32:
    """Bin of a finite value; rises with it, whatever the rounding."""
    place = min(max((value - start) * scale + np.float32(1), np.float32(0)), np.float32(BINS - 2))
    return np.int32(place)


@kernel
def _bins_for(samples: F32, look: F32, ranks: I32, ordered: F32) -> tuple[np.float32, np.float32]:
    """Where the first narrow bin starts, and how many there are to one ADU."""
    known = 0
    for i in range(LOOK if samples.size else 0):
        value = samples[i * samples.size // LOOK]
        if abs(value) <= HUGE:
            look[known] = value
            known += 1
    if known >= 8:
        _order(look[:known], ranks[:known], ordered)
        middle = ordered[known // 2]
        width = max(middle - ordered[known // 6], ordered[known - 1 - known // 6] - middle)
        if width > 0:
            return middle - np.float32(5) * width, np.float32(BINS - 3) / (np.float32(10) * width)
    low, high = HUGE, -HUGE
    for i in range(samples.size):
        value = samples[i]
        finite = abs(value) <= HUGE
        low = min(low, value if finite else low)
        high = max(high, value if finite else high)
    return low, np.float32(BINS - 3) / (high - low) if high > low else np.float32(0)


@kernel
def _order(values: F32, ranks: I32, ordered: F32) -> None:
    """Fill ``ordered`` with a few values sorted: each is compared with all, side by side, without a branch."""
    ranks[:] = 0
    for other in range(values.size):
        pivot = values[other]
        for i in range(values.size):
            ahead = (pivot < values[i]) | ((pivot == values[i]) & (other < i))
            ranks[i] += np.int32(1) if ahead else np.int32(0)
    for i in range(values.size):
        ordered[ranks[i]] = values[i]


@kernel
def _sort(values: F32) -> None:
    """Sort in place: Shell's, which is quick on the few values of a bin and never slow on many."""
    risen = 1
    while risen < values.size and values[risen - 1] <= values[risen]:
        risen += 1
    if risen >= values.size:  # tied values, mostly
        return
    for gap in GAPS:
        for i in range(gap, values.size):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@kernel
def _moments(dealt: F32, low: np.float32, high: np.float32) -> tuple[float, float, float, int]:
    """Mean, deviation and number of the samples from ``low`` to ``high``; how many are lower."""
    shift = 0.0
    for i in range(dealt.size):
        if low <= dealt[i] <= high:
            shift = float(dealt[i])
            break
    count, lower, total, squares = 0, 0, 0.0, 0.0
    for i in range(dealt.size):
        inside = (dealt[i] >= low) & (dealt[i] <= high)
        off = float(dealt[i]) - shift if inside else 0.0
        count += 1 if inside else 0
        lower += 1 if dealt[i] < low else 0
        total += off
        squares += off * off
    if count == 0:
        return np.nan, np.nan, 0.0, lower
    mean = total / count
    return shift + mean, np.sqrt(max(squares / count - mean * mean, 0.0)), float(count), lower


@kernel
def _ranked(dealt: F32, ends: I32, low: np.float32, high: np.float32, lower: int, rank: float) -> float:
    """Value that ``rank`` of the samples between ``low`` and ``high`` lie under; ``lower`` are less than ``low``.

    Tied values (whole ADU) are taken as spread evenly over half the gap to the next value on either side: else
    the median of a quiet camera's sky moves in steps of a whole ADU.
    """
    place = lower + max(int(np.ceil(rank)) - 1, 0)
    k = 0
    while ends[k + STRIDE - 1] <= place:  # the last bins hold the rest, so one of them ends the search
        k += STRIDE
    while ends[k] <= place:
        k += 1
    start = ends[k - 1] if k > 0 else 0
    own = dealt[start : ends[k]]
    _sort(own)
    value = own[place - start]
    first, last = place - start, place - start
    while first > 0 and own[first - 1] == value:
        first -= 1
    while last + 1 < own.size and own[last + 1] == value:
        last += 1
    before = own[first - 1] if first > 0 else _highest(dealt[_start_of(ends, start) : start], -HUGE)
    after = own[last + 1] if last + 1 < own.size else _lowest(dealt[ends[k] : _end_of(ends, ends[k])], HUGE)
    alone = (before < low) | (before == -HUGE) | (after > high) | (after == HUGE)
    gap = 0.0 if alone else float(min(value - before, after - value))
    share = min(max((rank - (start + first - lower)) / (last + 1 - first), 0.0), 1.0)
    return float(value) + gap / 2 * (2.0 * share - 1.0)


@kernel
def _start_of(ends: I32, end: int) -> int:
    """Where the last bin that is not empty starts among those that end at ``end`` or before."""
    k = 0
    start = 0
    while ends[k] < end:
        start = int(ends[k])
        k += 1
    return start


@kernel
def _end_of(ends: I32, start: int) -> int:
    """Where the first bin ends that is not empty and starts at ``start``; measured samples only."""
    k = 0
    while k < BINS - 2 and ends[k] <= start:
        k += 1
    return int(ends[k])


@kernel
def _highest(values: F32, otherwise: np.float32) -> np.float32:
    for i in range(values.size):
        otherwise = max(otherwise, values[i])
    return otherwise


@kernel
def _lowest(values: F32, otherwise: np.float32) -> np.float32:
    for i in range(values.size):
        otherwise = min(otherwise, values[i])
    return otherwise


@kernel
def mode(mean: float, median: float, spread: float, count: float) -> float:
    """Most frequent level of a clipped distribution (Bertin & Arnouts 1996).

    Where nothing speaks against a symmetric one it is the mean, which is half as noisy: the difference of
    mean and median of n normal samples scatters by 0.756 sigma / sqrt(n).
    """
    if abs(mean - median) <= 2.0 * spread / np.sqrt(count):
        return mean
    if abs(mean - median) < 0.3 * spread:
        return 2.5 * median - 1.5 * mean
    return median
