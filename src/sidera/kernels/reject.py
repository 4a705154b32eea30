"""Rejection: which samples ``[frame, row, column]`` are outliers among those of their pixel, 64 pixels at a time."""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.lanes import ABSENT, BLOCKS, GAUSSIAN_MAD, LANES, ONE, ZERO, load, middle_of, sort
from sidera.kernels.rows import copy_row
from sidera.types import F32, I32, I64, U8

KEPT, LOW, HIGH, MISSING = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)
WINSOR_REACH, WINSOR_GAIN, WINSOR_TOLERANCE = np.float32(1.5), np.float32(1.134), np.float32(5e-4)
"""Huber (1981): clipping at 1.5 sigma lowers a Gaussian's deviation by 1.134; a change of 0.05 % is none."""
GRADIENT_NOISE, CURVATURE_NOISE = np.float32(3.5), np.float32(18.0)
"""2.5 sigma of a difference (sqrt 2), 4 sigma of a five-point Laplacian (sqrt 20), for white noise of 1."""
WINSOR_ROUNDS = 60  # a trail of 2000 sigma in 6 frames shrinks by 0.63 a round and needs 25


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


class Clip(NamedTuple):
    """How to clip: by the winsorised deviation or the plain one, at so many of them, in so many rounds."""

    winsorised: bool
    kappa_low: np.float32
    kappa_high: np.float32
    rounds: int


class Queue(NamedTuple):
    """Pixels that wait to be clipped: sorted samples [frame, lane], limits so far, place, and rounds done."""

    block: F32
    low: F32
    high: F32
    places: I64
    rounds: I64


@exact_kernel
def clip_limits(samples: F32, network: I32, clip: Clip, low: F32, high: F32, centre: F32) -> None:
    """Fill the limits ``[row, column]`` that survive ``clip.rounds`` of clipping about the survivors' median.

    ``centre`` receives the median of all samples. Most pixels lose nothing, and it shows at a glance (`_calm`):
    their limits are infinite. The others queue until they fill the lanes, and again after each round; finding the
    winsorised deviation costs several times what sorting does.
    """
    frames, rows, columns = samples.shape
    blocks, presents = np.empty((BLOCKS, frames, LANES), np.float32), np.empty((BLOCKS, LANES), np.float32)
    scratch = np.zeros((7, LANES), np.float32)
    start, pivot, calm = scratch[0], scratch[1], scratch[2]
    lowest, highest, number, sd = scratch[3], scratch[4], scratch[5], scratch[6]
    lowest[:] = -ABSENT
    highest[:] = ABSENT
    queue = Queue(
        np.full((frames, 2 * LANES), ABSENT),
        np.full(2 * LANES, -ABSENT),
        np.full(2 * LANES, ABSENT),
        np.zeros((2 * LANES, 2), np.int64),
        np.zeros(2 * LANES, np.int64),
    )
    waiting = 0
    for row in range(rows):
        for left in range(0, columns, LANES):
            width, place = min(LANES, columns - left), left // LANES % BLOCKS
            if place == 0:
                load(samples, row, left, blocks, presents)
            block, present = blocks[place], presents[place]
            sort(block, network)
            middle_of(block, start, present, pivot)
            _survivors(block, pivot, lowest, highest, start, number, sd)
            _calm(block, pivot, lowest, highest, start, number, sd, clip, calm)
            low[row, left : left + width] = -np.inf
            high[row, left : left + width] = np.inf
            copy_row(pivot, centre[row, left : left + width])
            for lane in range(width):
                if calm[lane] == ZERO:
                    queue.block[:, waiting] = block[:, lane]
                    queue.low[waiting], queue.high[waiting] = -ABSENT, ABSENT
                    queue.places[waiting, 0], queue.places[waiting, 1] = row, left + lane
                    queue.rounds[waiting] = 0
                    waiting += 1
            while waiting >= LANES:
                waiting = _clip_round(queue, waiting, clip, low, high)
    while waiting > 0:
        queue.block[:, waiting:] = ABSENT
        waiting = _clip_round(queue, waiting, clip, low, high)


@exact_kernel
def _clip_round(queue: Queue, waiting: int, clip: Clip, low: F32, high: F32) -> int:
    """One round for the first lanes of the queue; who may lose more goes to its end. Returns how many wait."""
    frames, count = queue.block.shape[0], min(waiting, LANES)
    block, scratch = np.empty((frames, LANES), np.float32), np.empty((9, LANES), np.float32)
    pivot, lowest, highest, below = scratch[0], scratch[1], scratch[2], scratch[3]
    number, sd, median, left, calm = scratch[4], scratch[5], scratch[6], scratch[7], scratch[8]
    block[:] = queue.block[:, :LANES]
    lowest[:], highest[:], pivot[:] = queue.low[:LANES], queue.high[:LANES], queue.block[0, :LANES]
    places, rounds = queue.places[:count].copy(), queue.rounds[:count] + 1
    _survivors(block, pivot, lowest, highest, below, number, sd)
    middle_of(block, below, number, median)
    _survivors(block, median, lowest, highest, below, number, sd)  # about their median: sums stay small
    if clip.winsorised:
        _winsorise(block, median, lowest, highest, number, sd)
    _narrow(median, sd, number, clip.kappa_low, clip.kappa_high, lowest, highest)
    _survivors(block, median, lowest, highest, below, left, sd)
    middle_of(block, below, left, median)
    _calm(block, median, lowest, highest, below, left, sd, clip, calm)
    rest = waiting - count
    queue.block[:, :rest] = queue.block[:, count:waiting].copy()
    queue.low[:rest], queue.high[:rest] = queue.low[count:waiting].copy(), queue.high[count:waiting].copy()
    queue.places[:rest] = queue.places[count:waiting].copy()
    queue.rounds[:rest] = queue.rounds[count:waiting].copy()
    for lane in range(count):
        low[places[lane, 0], places[lane, 1]] = lowest[lane]
        high[places[lane, 0], places[lane, 1]] = highest[lane]
        if calm[lane] == ZERO and left[lane] != number[lane] and rounds[lane] < clip.rounds:
            queue.block[:, rest] = block[:, lane]
            queue.low[rest], queue.high[rest] = lowest[lane], highest[lane]
            queue.places[rest], queue.rounds[rest] = places[lane], rounds[lane]
            rest += 1
    return rest


@exact_kernel
def _calm(
    block: F32, median: F32, low: F32, high: F32, below: F32, number: F32, sd: F32, clip: Clip, calm: F32
) -> None:
    """1 for the lanes of whose survivors clipping can reject no more, 0 for those that must be looked at.

    Let t be the deviation at which the outermost survivor would just stay. The plain deviation s₀ is at least t for
    calm lanes, so a plain clip ends there. The winsorised one goes on, sₖ₊₁ = g(sₖ) with g(s) = 1.134 sd(samples
    drawn in to median ± 1.5 s). A wider draw only adds variance, so g grows with s: where g(t) is at least t too,
    no sₖ can fall below t, whatever the number of rounds. A thousandth is left for rounding.
    """
    scratch = np.empty((5, LANES), np.float32)
    reach, floor, ceiling, total, squares = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    for lane in range(LANES):
        first, last = int(below[lane]), int(below[lane] + number[lane]) - 1
        under = (median[lane] - block[first if first <= last else 0, lane]) / clip.kappa_low
        over = (block[max(last, 0), lane] - median[lane]) / clip.kappa_high
        reach[lane] = np.float32(1.001) * (under if under > over else over)
        calm[lane] = ONE if (sd[lane] >= reach[lane]) | (number[lane] <= 3) else ZERO
    if not clip.winsorised:
        return
    for lane in range(LANES):
        floor[lane] = median[lane] - WINSOR_REACH * reach[lane]
        ceiling[lane] = median[lane] + WINSOR_REACH * reach[lane]
    _winsorised_sums(block, median, low, high, floor, ceiling, total, squares)
    for lane in range(LANES):
        mean = total[lane] / number[lane]
        variance = squares[lane] / number[lane] - mean * mean
        drawn = WINSOR_GAIN * np.sqrt(variance if variance > ZERO else ZERO)
        calm[lane] = calm[lane] if (drawn >= reach[lane]) | (number[lane] <= 3) else ZERO


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
        copy_row(line, padded[1 : columns + 1])
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
    blocks, presents = np.empty((BLOCKS, frames, LANES), np.float32), np.empty((BLOCKS, LANES), np.float32)
    sigma = np.empty((frames, LANES), np.float32)
    scratch, extra = np.zeros((5, LANES), np.float32), np.zeros((3, LANES), np.float32)
    excess, inverses, variances, centre, factor = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    kept, absent = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for row in range(rows):
        for left in range(0, columns, LANES):
            place = left // LANES % BLOCKS
            if place == 0:
                load(samples, row, left, blocks, presents)
            block, present = blocks[place], presents[place]
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
