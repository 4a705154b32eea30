"""Rejection and combination of samples ``[frame, row, column]``, 64 neighbouring pixels at a time.

Sixty-four pixels are copied side by side into scratch ``[frame, lane]``; every step then runs over the lanes,
which LLVM turns into vector instructions: sorting with a network this way is some ten times faster than
sorting pixel by pixel. Missing samples sort last as ``ABSENT``.

All are exact kernels: nothing may re-order a lane's sums, so a pixel has the same bits in whatever lane, tile
or thread it is computed.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.types import F32, F64, I32, U8, U16

LANES = 64
ABSENT = np.float32(3e38)
"""Stands for "missing" in a kernel's own scratch only; samples this large, or infinite, count as missing."""
KEPT, LOW, HIGH, MISSING = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)
ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
GAUSSIAN_MAD = np.float32(1.4826)
"""Standard deviation of a Gaussian over its median absolute deviation."""
WINSOR_REACH, WINSOR_GAIN, WINSOR_TOLERANCE = np.float32(1.5), np.float32(1.134), np.float32(5e-4)
"""Huber (1981): clipping at 1.5 sigma lowers a Gaussian's deviation by 1.134; a change of 0.05 % is none."""
GRADIENT_NOISE, CURVATURE_NOISE = np.float32(3.5), np.float32(18.0)
"""2.5 sigma of a difference (sqrt 2), 4 sigma of a five-point Laplacian (sqrt 20), for white noise of 1."""
WINSOR_ROUNDS = 60  # a trail of 2000 sigma in 6 frames shrinks by 0.63 a round and needs 25


@exact_kernel
def _load(samples: F32, row: int, left: int, block: F32, present: F32) -> None:
    """Copy a run of pixels into lanes, absent past the edge; ``present`` counts each lane's samples."""
    width = min(LANES, samples.shape[2] - left)
    present[:] = ZERO
    for frame in range(samples.shape[0]):
        source = samples[frame, row, left : left + width]
        lanes = block[frame]
        lanes[width:] = ABSENT
        for lane in range(width):
            value = source[lane]
            seen = abs(value) < ABSENT
            lanes[lane] = value if seen else ABSENT
            present[lane] += ONE if seen else ZERO


@exact_kernel
def _sort(block: F32, network: I32) -> None:
    """Sort every lane upwards over the frames, by a network of compare-and-swap pairs."""
    for pair in range(network.shape[0]):
        first, second = block[network[pair, 0]], block[network[pair, 1]]
        for lane in range(LANES):
            one, other = first[lane], second[lane]
            first[lane] = one if one < other else other
            second[lane] = other if one < other else one


@exact_kernel
def _middle(block: F32, start: F32, number: F32, middle: F32) -> None:
    """Median of each lane's ``number`` sorted samples from ``start`` on; NaN where there is none."""
    for lane in range(LANES):
        first, n = int(start[lane]), int(number[lane])
        if n > 0:
            middle[lane] = HALF * block[first + (n - 1) // 2, lane] + HALF * block[first + n // 2, lane]
        else:
            middle[lane] = np.nan


@exact_kernel
def _nth_deviation(block: F32, lane: int, centre: np.float32, number: int, nth: int) -> np.float32:
    """The ``nth`` smallest distance from ``centre`` among sorted samples.

    The nth nearest samples stand side by side, so it is the least of what a window of nth samples needs. No
    second sort.
    """
    least = ABSENT
    for first in range(number - nth + 1):
        reach = max(centre - block[first, lane], block[first + nth - 1, lane] - centre)
        least = min(least, reach)
    return least


@exact_kernel
def _nth_deviations(block: F32, centre: F32, number: int, nth: int, least: F32) -> None:
    """`_nth_deviation` of all lanes at once, for lanes with equally many samples."""
    least[:] = ABSENT
    for first in range(number - nth + 1):
        lower, upper = block[first], block[first + nth - 1]
        for lane in range(LANES):
            below, above = centre[lane] - lower[lane], upper[lane] - centre[lane]
            reach = below if below > above else above
            least[lane] = reach if reach < least[lane] else least[lane]


@exact_kernel
def _spread(block: F32, centre: F32, number: F32, other: F32, spread: F32) -> None:
    """Median absolute deviation of each lane's sorted samples."""
    n = int(number[0])
    even = True
    for lane in range(LANES):
        even = even and number[lane] == number[0]
    if even and n > 0:
        _nth_deviations(block, centre, n, (n + 1) // 2, spread)
        _nth_deviations(block, centre, n, n // 2 + 1, other)
        for lane in range(LANES):
            spread[lane] = HALF * spread[lane] + HALF * other[lane]
        return
    for lane in range(LANES):
        n = int(number[lane])
        spread[lane] = np.nan
        if n > 0:
            one = _nth_deviation(block, lane, centre[lane], n, (n + 1) // 2)
            two = _nth_deviation(block, lane, centre[lane], n, n // 2 + 1)
            spread[lane] = HALF * one + HALF * two


@exact_kernel
def centre_and_spread(samples: F32, network: I32, centre: F32, spread: F32, count: F32) -> None:
    """Fill median, median absolute deviation and number of samples, each ``[row, column]``."""
    frames, rows, columns = samples.shape
    block, scratch = np.empty((frames, LANES), np.float32), np.empty((5, LANES), np.float32)
    start, present, middle, other, mad = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    start[:] = ZERO
    for row in range(rows):
        for left in range(0, columns, LANES):
            _load(samples, row, left, block, present)
            _sort(block, network)
            _middle(block, start, present, middle)
            _spread(block, middle, present, other, mad)
            width = min(LANES, columns - left)
            centre[row, left : left + width] = middle[:width]
            spread[row, left : left + width] = mad[:width]
            count[row, left : left + width] = present[:width]


@exact_kernel
def _survivors(block: F32, pivot: F32, low: F32, high: F32, below: F32, number: F32, sd: F32) -> None:
    """Per lane: samples below ``low``, samples between the limits, and these ones' standard deviation."""
    total, squares = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    below[:] = ZERO
    number[:] = ZERO
    for frame in range(block.shape[0]):
        lanes = block[frame]
        for lane in range(LANES):
            value = lanes[lane]
            inside = (value >= low[lane]) & (value <= high[lane]) & (value < ABSENT)
            deviation = value - pivot[lane] if inside else ZERO
            below[lane] += ONE if value < low[lane] else ZERO
            number[lane] += ONE if inside else ZERO
            total[lane] += deviation
            squares[lane] += deviation * deviation
    for lane in range(LANES):
        mean = total[lane] / number[lane]
        variance = squares[lane] / number[lane] - mean * mean
        sd[lane] = np.sqrt(variance if variance > ZERO else ZERO)


@exact_kernel
def _winsorised_sums(
    block: F32, pivot: F32, low: F32, high: F32, floor: F32, ceiling: F32, total: F32, squares: F32
) -> None:
    """Sums of the survivors' deviations from ``pivot``, drawn in to ``floor`` and ``ceiling``."""
    total[:] = ZERO
    squares[:] = ZERO
    for frame in range(block.shape[0]):
        lanes = block[frame]
        for lane in range(LANES):
            value = lanes[lane]
            inside = (value >= low[lane]) & (value <= high[lane]) & (value < ABSENT)
            drawn = value if value > floor[lane] else floor[lane]
            drawn = drawn if drawn < ceiling[lane] else ceiling[lane]
            deviation = drawn - pivot[lane] if inside else ZERO
            total[lane] += deviation
            squares[lane] += deviation * deviation


@exact_kernel
def _winsorise(block: F32, median: F32, low: F32, high: F32, number: F32, sd: F32) -> None:
    """Replace ``sd`` by the winsorised deviation: draw in at 1.5 sigma, measure anew, until it stands still.

    A lane that stands still is left alone while its neighbours go on, else its result would depend on them.
    """
    scratch = np.zeros((4, LANES), np.float32)
    floor, ceiling, total, squares = scratch[0], scratch[1], scratch[2], scratch[3]
    floor[:] = -ABSENT
    ceiling[:] = ABSENT
    for _ in range(WINSOR_ROUNDS):
        for lane in range(LANES):
            floor[lane] = max(floor[lane], median[lane] - WINSOR_REACH * sd[lane])
            ceiling[lane] = min(ceiling[lane], median[lane] + WINSOR_REACH * sd[lane])
        _winsorised_sums(block, median, low, high, floor, ceiling, total, squares)
        moving = False
        for lane in range(LANES):
            mean = total[lane] / number[lane]
            variance = squares[lane] / number[lane] - mean * mean
            fresh = WINSOR_GAIN * np.sqrt(variance if variance > ZERO else ZERO)
            moves = abs(fresh - sd[lane]) > WINSOR_TOLERANCE * sd[lane]
            # Once still it stays so: the limits follow from sd, and sd changes no more.
            sd[lane] = fresh if moves else sd[lane]
            moving = moving or moves
        if not moving:
            return


@exact_kernel
def _narrow(
    median: F32, sd: F32, number: F32, kappa_low: np.float32, kappa_high: np.float32, low: F32, high: F32
) -> None:
    """Draw the limits in to ``median - kappa_low sd`` and ``median + kappa_high sd``; never out."""
    for lane in range(LANES):
        if number[lane] > 3:  # three samples cannot outvote one another
            low[lane] = max(low[lane], median[lane] - kappa_low * sd[lane])
            high[lane] = min(high[lane], median[lane] + kappa_high * sd[lane])


@exact_kernel
def clip_limits(
    samples: F32,
    network: I32,
    winsorised: bool,
    kappa_low: np.float32,
    kappa_high: np.float32,
    rounds: int,
    low: F32,
    high: F32,
    centre: F32,
) -> None:
    """Fill the limits ``[row, column]`` that survive ``rounds`` of clipping about the survivors' median.

    The deviation is the standard one, or the winsorised; ``centre`` receives the median of all samples.
    """
    frames, rows, columns = samples.shape
    block, scratch = np.empty((frames, LANES), np.float32), np.zeros((9, LANES), np.float32)
    present, pivot, median, below = scratch[0], scratch[1], scratch[2], scratch[3]
    number, before, sd, lowest, highest = scratch[4], scratch[5], scratch[6], scratch[7], scratch[8]
    for row in range(rows):
        for left in range(0, columns, LANES):
            width = min(LANES, columns - left)
            _load(samples, row, left, block, present)
            _sort(block, network)
            below[:] = ZERO
            _middle(block, below, present, pivot)
            lowest[:] = -ABSENT
            highest[:] = ABSENT
            before[:] = -ONE
            for _ in range(rounds):
                _survivors(block, pivot, lowest, highest, below, number, sd)
                if not np.any(number != before):
                    break
                before[:] = number
                _middle(block, below, number, median)
                if winsorised:
                    _winsorise(block, median, lowest, highest, number, sd)
                _narrow(median, sd, number, kappa_low, kappa_high, lowest, highest)
            low[row, left : left + width] = lowest[:width]
            high[row, left : left + width] = highest[:width]
            centre[row, left : left + width] = pivot[:width]


@exact_kernel
def _bring_back(samples: F32, row: int, column: int, centre: np.float32, kept: int, verdicts: U8) -> None:
    """Keep again the rejected samples nearest to ``centre`` until half of those present are kept."""
    frames = samples.shape[0]
    present = 0
    for frame in range(frames):
        present += 1 if verdicts[frame, row, column] != MISSING else 0
    for _ in range((present + 1) // 2 - kept):
        nearest, distance = -1, ABSENT
        for frame in range(frames):
            verdict = verdicts[frame, row, column]
            away = abs(samples[frame, row, column] - centre)
            if KEPT < verdict < MISSING and (away < distance or nearest < 0):
                nearest, distance = frame, away
        verdicts[nearest, row, column] = KEPT


@exact_kernel
def _keep_half(samples: F32, row: int, centre: F32, kept: I32, absent: I32, verdicts: U8) -> None:
    """See to it that no pixel of a row loses more than half of its samples."""
    frames, _, columns = samples.shape
    for column in range(columns):
        present = frames - absent[column]
        if 2 * kept[column] < present:
            _bring_back(samples, row, column, centre[column], kept[column], verdicts)


@exact_kernel
def judge(samples: F32, low: F32, high: F32, centre: F32, verdicts: U8) -> None:
    """Verdict on every sample by its pixel's limits ``[row, column]``; half are always kept."""
    frames, rows, columns = samples.shape
    kept, absent = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for row in range(rows):
        kept[:] = 0
        absent[:] = 0
        lowest, highest = low[row], high[row]
        for frame in range(frames):
            line, out = samples[frame, row], verdicts[frame, row]
            for column in range(columns):
                value = line[column]
                seen = abs(value) < ABSENT
                verdict = LOW if value < lowest[column] else KEPT
                verdict = HIGH if value > highest[column] else verdict
                out[column] = verdict if seen else MISSING
                kept[column] += 1 if seen & (verdict == KEPT) else 0
                absent[column] += 0 if seen else 1
        _keep_half(samples, row, centre[row], kept, absent, verdicts)


@exact_kernel
def _known(value: np.float32, centre: np.float32) -> np.float32:
    """A neighbour, or the centre itself where it is missing: then there is no difference."""
    return value if value == value else centre


@exact_kernel
def structure(image: F32, sigma: F32, gradient: F32, curvature: F32) -> None:
    """Fill the largest difference from the four neighbours, and the size of the five-point Laplacian.

    Less what noise of ``sigma`` makes of a level sky, so that they are 0 there but for one pixel in
    thousands.
    """
    rows, columns = image.shape
    padded = np.empty(columns + 2, np.float32)
    for row in range(rows):
        line, above, below = image[row], image[max(row - 1, 0)], image[min(row + 1, rows - 1)]
        padded[1 : columns + 1] = line
        padded[0], padded[columns + 1] = line[0], line[columns - 1]
        before, after = padded[:columns], padded[2:]
        noise, steep_line, bent_line = sigma[row], gradient[row], curvature[row]
        for column in range(columns):
            c = line[column]
            left, right = _known(before[column], c) - c, _known(after[column], c) - c
            up, down = _known(above[column], c) - c, _known(below[column], c) - c
            across = abs(left) if abs(left) > abs(right) else abs(right)
            along = abs(up) if abs(up) > abs(down) else abs(down)
            steepest = (across if across > along else along) - GRADIENT_NOISE * noise[column]
            bent = abs(left + right + up + down) - CURVATURE_NOISE * noise[column]
            steep_line[column] = steepest if steepest > ZERO else ZERO
            bent_line[column] = bent if bent > ZERO else ZERO


@exact_kernel
def _model_sigmas(block: F32, excess: F32, a: F32, b: F32, sigma: F32, inverses: F32, variances: F32) -> None:
    """Each sample's sigma by the noise model, and the present ones' sums of 1/sigma and of sigma²."""
    inverses[:] = ZERO
    variances[:] = ZERO
    for frame in range(block.shape[0]):
        lanes, own, a_frame, b_frame = block[frame], sigma[frame], a[frame], b[frame]
        for lane in range(LANES):
            seen = lanes[lane] < ABSENT
            variance = a_frame + b_frame * excess[lane]
            one = np.sqrt(variance)
            own[lane] = one
            inverses[lane] += ONE / one if seen else ZERO
            variances[lane] += variance if seen else ZERO


@exact_kernel
def _recentre(
    block: F32,
    sigma: F32,
    centre: F32,
    factor: F32,
    extra: F32,
    blur: F32,
    kappa_low: np.float32,
    kappa_high: np.float32,
) -> None:
    """Move ``centre`` to the mean of the samples within the limits about it."""
    total, number = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    for frame in range(block.shape[0]):
        lanes, own = block[frame], sigma[frame]
        for lane in range(LANES):
            deviation = lanes[lane] - centre[lane]
            limit = factor[lane] * own[lane] + extra[0, lane]
            slack = extra[1, lane] + blur[frame] * extra[2, lane]
            inside = (deviation <= kappa_high * limit + slack) & (deviation >= -(kappa_low * limit + slack))
            total[lane] += deviation if inside else ZERO
            number[lane] += ONE if inside else ZERO
    for lane in range(LANES):
        centre[lane] += total[lane] / number[lane] if number[lane] > ZERO else ZERO


@exact_kernel
def _judge_block(
    block: F32,
    sigma: F32,
    centre: F32,
    factor: F32,
    extra: F32,
    blur: F32,
    kappa_low: np.float32,
    kappa_high: np.float32,
    row: int,
    left: int,
    kept: I32,
    absent: I32,
    verdicts: U8,
) -> None:
    """Verdicts on a run of pixels by the limits about ``centre``."""
    width = min(LANES, verdicts.shape[2] - left)
    counted, missed = kept[left : left + width], absent[left : left + width]
    counted[:] = 0
    missed[:] = 0
    for frame in range(block.shape[0]):
        lanes, own, out = block[frame], sigma[frame], verdicts[frame, row, left : left + width]
        for lane in range(width):
            deviation = lanes[lane] - centre[lane]
            limit = factor[lane] * own[lane] + extra[0, lane]
            slack = extra[1, lane] + blur[frame] * extra[2, lane]
            seen = lanes[lane] < ABSENT
            verdict = HIGH if deviation > kappa_high * limit + slack else KEPT
            verdict = LOW if deviation < -(kappa_low * limit + slack) else verdict
            out[lane] = verdict if seen else MISSING
            counted[lane] += 1 if seen & (verdict == KEPT) else 0
            missed[lane] += 0 if seen else 1


@exact_kernel
def hybrid_verdicts(
    samples: F32,
    median: F32,
    spread: F32,
    count: F32,
    slack: F32,
    bend: F32,
    a: F32,
    b: F32,
    blur: F32,
    level: np.float32,
    kappa_low: np.float32,
    kappa_high: np.float32,
    rounds: int,
    shrink: F32,
    verdicts: U8,
) -> None:
    """Verdicts by the larger of the noise model and the samples' own scatter.

    ``shrink[n]`` is what the scatter of n samples counts for, 0 where n is too small to have a say. ``slack``
    and, times each frame's ``blur``, ``bend`` widen the limits, both ``[row, column]``. Of two samples the
    lower is the centre.
    """
    frames, rows, columns = samples.shape
    block, sigma = np.empty((frames, LANES), np.float32), np.empty((frames, LANES), np.float32)
    scratch, extra = np.zeros((6, LANES), np.float32), np.zeros((3, LANES), np.float32)
    present, excess, inverses, variances = scratch[0], scratch[1], scratch[2], scratch[3]
    centre, factor = scratch[4], scratch[5]
    kept, absent = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for row in range(rows):
        for left in range(0, columns, LANES):
            _load(samples, row, left, block, present)
            width = min(LANES, columns - left)
            for lane in range(width):
                excess[lane] = max(median[row, left + lane] - level, ZERO) if present[lane] > 0 else ZERO
            _model_sigmas(block, excess, a, b, sigma, inverses, variances)
            for lane in range(width):
                n = int(count[row, left + lane])
                pair = n == 2
                mad = spread[row, left + lane]
                scatter = (
                    GAUSSIAN_MAD * mad * inverses[lane] / count[row, left + lane]
                )  # over the harmonic mean sigma
                centre[lane] = median[row, left + lane] - (mad if pair else ZERO)
                factor[lane] = ZERO if pair else max(ONE, scatter * shrink[n])
                extra[0, lane] = np.sqrt(variances[lane]) if pair else ZERO
                extra[1, lane] = slack[row, left + lane]
                extra[2, lane] = bend[row, left + lane]
            if rounds > 1:
                _recentre(block, sigma, centre, factor, extra, blur, kappa_low, kappa_high)
            _judge_block(
                block,
                sigma,
                centre,
                factor,
                extra,
                blur,
                kappa_low,
                kappa_high,
                row,
                left,
                kept,
                absent,
                verdicts,
            )
        _keep_half(samples, row, median[row], kept, absent, verdicts)


@exact_kernel
def weighted_mean(samples: F32, verdicts: U8, weights: F64, mean: F32, weight: F32) -> None:
    """Weighted mean of the kept samples and the sum of their weights; NaN and 0 where none was kept.

    Sums are float64 and run in the order of the frames.
    """
    frames, rows, columns = samples.shape
    total, share = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for row in range(rows):
        total[:] = 0.0
        share[:] = 0.0
        for frame in range(frames):
            line, verdict, own = samples[frame, row], verdicts[frame, row], weights[frame]
            for column in range(columns):
                kept = (verdict[column] == KEPT) & (abs(line[column]) < ABSENT)
                total[column] += own * line[column] if kept else 0.0
                share[column] += own if kept else 0.0
        for column in range(columns):
            mean[row, column] = total[column] / share[column] if share[column] > 0.0 else np.nan
            weight[row, column] = share[column]


@exact_kernel
def kept_median(samples: F32, verdicts: U8, weights: F64, network: I32, median: F32, weight: F32) -> None:
    """Median of the kept samples of frames with weight, and the sum of those weights."""
    frames, rows, columns = samples.shape
    block, scratch = np.empty((frames, LANES), np.float32), np.zeros((3, LANES), np.float32)
    start, number, middle = scratch[0], scratch[1], scratch[2]
    share = np.empty(LANES, np.float64)
    for row in range(rows):
        for left in range(0, columns, LANES):
            width = min(LANES, columns - left)
            _load(samples, row, left, block, number)
            number[:] = ZERO
            share[:] = 0.0
            for frame in range(frames):
                lanes, verdict = block[frame], verdicts[frame, row, left : left + width]
                for lane in range(width):
                    kept = (verdict[lane] == KEPT) & (lanes[lane] < ABSENT) & (weights[frame] > 0.0)
                    lanes[lane] = lanes[lane] if kept else ABSENT
                    number[lane] += ONE if kept else ZERO
                    share[lane] += weights[frame] if kept else 0.0
            _sort(block, network)
            _middle(block, start, number, middle)
            median[row, left : left + width] = middle[:width]
            for lane in range(width):
                weight[row, left + lane] = share[lane]


@exact_kernel
def model_error(
    verdicts: U8, weights: F64, a: F64, b: F64, level: float, mean: F32, weight: F32, error: F32
) -> None:
    """Standard error of a weighted mean by the noise model ``a + b max(mean - level, 0)`` of each frame."""
    frames, rows, columns = verdicts.shape
    flat, slope = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for row in range(rows):
        flat[:] = 0.0
        slope[:] = 0.0
        for frame in range(frames):
            verdict, square = verdicts[frame, row], weights[frame] * weights[frame]
            for column in range(columns):
                flat[column] += square * a[frame] if verdict[column] == KEPT else 0.0
                slope[column] += square * b[frame] if verdict[column] == KEPT else 0.0
        for column in range(columns):
            variance = flat[column] + slope[column] * max(mean[row, column] - level, 0.0)
            share = weight[row, column]
            error[row, column] = np.sqrt(variance) / share if share > 0.0 else np.nan


@exact_kernel
def scatter_error(samples: F32, verdicts: U8, weights: F64, mean: F32, weight: F32, error: F32) -> None:
    """Standard error of a weighted mean by the kept samples' scatter; NaN for fewer than two."""
    frames, rows, columns = samples.shape
    squares, number = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for row in range(rows):
        squares[:] = 0.0
        number[:] = 0.0
        for frame in range(frames):
            line, verdict, own = samples[frame, row], verdicts[frame, row], weights[frame]
            for column in range(columns):
                kept = (verdict[column] == KEPT) & (own > 0.0)
                deviation = own * (line[column] - mean[row, column])
                squares[column] += deviation * deviation if kept else 0.0
                number[column] += 1.0 if kept else 0.0
        for column in range(columns):
            n = number[column]
            variance = squares[column] * n / (n - 1.0)
            error[row, column] = np.sqrt(variance) / weight[row, column] if n > 1.0 else np.nan


@exact_kernel
def tally(verdicts: U8, weights: F64, coverage: U16, low: U16, high: U16) -> None:
    """Count, over the frames with weight, the samples there were and those rejected below and above."""
    frames, rows, columns = verdicts.shape
    coverage[:] = 0
    low[:] = 0
    high[:] = 0
    for frame in range(frames):
        if weights[frame] <= 0.0:
            continue
        for row in range(rows):
            verdict, there, below, above = verdicts[frame, row], coverage[row], low[row], high[row]
            for column in range(columns):
                there[column] += np.uint16(verdict[column] != MISSING)
                below[column] += np.uint16(verdict[column] == LOW)
                above[column] += np.uint16(verdict[column] == HIGH)
