"""Loops that combine raw calibration frames into a master.

A *phase* is a pixel's place in the 2×2 cell of a colour filter array, ``2 * (row % 2) + column % 2``.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.lanes import ABSENT, GAUSSIAN_MAD, HALF, LANES, ONE, ZERO, middle_of, sort, spread_of
from sidera.types import F32, F64, I32, U16

TWO, FIVE = np.float32(2), np.float32(5)


@exact_kernel
def hybrid_mean(
    samples: F32,
    offset: F32,
    unit: F32,
    model: F32,
    kappa: np.float32,
    network: I32,
    top: int,
    left: int,
    value: F32,
    variance: F32,
    count: U16,
) -> None:
    """Clipped weighted mean of ``(sample - offset) * unit`` over frames; weights ``1 / unit``.

    ``offset`` and ``unit`` are [phase, frame]; ``model`` holds floor, slope and level: a sample of S ADU has
    the variance ``floor + slope * max(S - level, 0)``. ``network`` sorts as many values as there are frames.
    Infinite samples count as missing.

    Sums are float64 of float32 terms of like size, and so exact: the order of the frames changes no bit.

    Of nearly every run of pixels all samples are kept. That is seen by the lowest and the highest one, and then
    the sums are plain: the same bits for half the work.
    """
    frames, rows, columns = samples.shape
    less, times, inverse = _by_lane(offset, unit, left)
    weights, alike = _weights(inverse), unit.min() == unit.max()
    blocks, scratch = np.empty((4, frames, LANES), np.float32), np.zeros((11, LANES), np.float32)
    raw, scaled, sigma = blocks[0], blocks[1], blocks[2]
    ordered = take = blocks[3]  # sorted samples first, then what each counts for
    zero, present, middle, mad, kept = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    least, limits = scratch[5], scratch[6:11]
    mean_sigma, sums = np.empty(LANES, np.float64), np.empty((3, LANES), np.float64)
    for row in range(rows):
        parity = (top + row) % 2
        own_times, own_inverse = times[parity], inverse[parity]
        for first in range(0, columns, LANES):
            _gather(samples, row, first, less[parity], own_times, raw, scaled, ordered, present)
            sort(ordered, network)
            here = slice(first, min(first + LANES, columns))
            out = value[row, here], variance[row, here], count[row, here]
            if frames > 2 and _are_all_there(present, frames):
                _middle_of_all(ordered, middle)
                spread_of(ordered, middle, present, kept, mad)  # kept is free until the samples are summed
                if alike:
                    _one_sigma(middle, own_times[0], own_inverse[0], model, mean_sigma, least)
                else:
                    _sigmas(scaled, middle, own_times, own_inverse, model, present, sigma, mean_sigma)
                    _least_of(sigma, least)
                _set_limits(ordered, middle, mad, present, mean_sigma, kappa, limits)
                if _all_within(ordered, least, limits):
                    _sum_all(raw, weights[parity], sums, limits[0])
                    if _all_within(ordered, least, limits):
                        _sum_all_variances(limits[3], own_inverse, model, alike, sums[2])
                        _write_all(frames, limits[4], sums, *out)
                        continue
            else:
                middle_of(ordered, zero, present, middle)
                spread_of(ordered, middle, present, kept, mad)
            _sigmas(scaled, middle, own_times, own_inverse, model, present, sigma, mean_sigma)
            _set_limits(ordered, middle, mad, present, mean_sigma, kappa, limits)
            _keep(scaled, sigma, limits, take, kept)
            _sum_kept(raw, own_inverse, take, sums[0], sums[1])
            _move_centre(present, kept, sums, limits[0])
            _keep(scaled, sigma, limits, take, kept)
            _sum_kept(raw, own_inverse, take, sums[0], sums[1])
            _sum_variances(limits[3], own_inverse, model, take, sums[2])
            _write(present, middle, mean_sigma, limits[4], sums, kept, *out)


@exact_kernel
def _by_lane(offset: F32, unit: F32, left: int) -> tuple[F32, F32, F32]:
    """Offsets, units and their inverses spread over the lanes, each [row % 2, frame, lane].

    A run of lanes begins at a multiple of their even number, so that a lane's phase is that of its row.
    """
    frames = offset.shape[1]
    less, times = np.empty((2, frames, LANES), np.float32), np.empty((2, frames, LANES), np.float32)
    inverse = np.empty((2, frames, LANES), np.float32)
    for parity in range(2):
        for frame in range(frames):
            for lane in range(LANES):
                phase = 2 * parity + (left + lane) % 2
                less[parity, frame, lane] = offset[phase, frame]
                times[parity, frame, lane] = unit[phase, frame]
                inverse[parity, frame, lane] = ONE / unit[phase, frame]
    return less, times, inverse


@exact_kernel
def _weights(inverse: F32) -> F64:
    """Sum of all frames' weights, [row % 2, lane]."""
    total = np.zeros((2, LANES), np.float64)
    for parity in range(2):
        for frame in range(inverse.shape[1]):
            for lane in range(LANES):
                total[parity, lane] += np.float64(inverse[parity, frame, lane])
    return total


@exact_kernel
def _are_all_there(present: F32, frames: int) -> bool:
    """No sample of the run is missing."""
    least = present[0]
    for lane in range(LANES):
        least = min(least, present[lane])
    there: bool = least == np.float32(frames)
    return there


@exact_kernel
def _middle_of_all(ordered: F32, middle: F32) -> None:
    """Median of sorted samples of which none is missing, as `middle_of`."""
    lower, upper = ordered[(ordered.shape[0] - 1) // 2], ordered[ordered.shape[0] // 2]
    for lane in range(LANES):
        middle[lane] = HALF * lower[lane] + HALF * upper[lane]


@exact_kernel
def _one_sigma(middle: F32, times: F32, inverse: F32, model: F32, mean: F64, least: F32) -> None:
    """`_sigmas` of frames that all have one unit: their mean, and their least, is each one's."""
    floor, slope, dark = model[0], model[1], model[2]
    for lane in range(LANES):
        deviation = times[lane] * np.sqrt(_expected(middle[lane], inverse[lane], floor, slope, dark))
        least[lane] = deviation
        mean[lane] = np.float64(deviation)


@exact_kernel
def _least_of(sigma: F32, least: F32) -> None:
    """Each lane's least deviation."""
    least[:] = ABSENT
    for frame in range(sigma.shape[0]):
        own = sigma[frame]
        for lane in range(LANES):
            least[lane] = least[lane] if least[lane] < own[lane] else own[lane]  # NaN stays, and keeps all


@exact_kernel
def _all_within(ordered: F32, least: F32, limits: F32) -> bool:
    """Not even the lowest or the highest sample of a lane lies outside its limits; see `_keep`."""
    low, high = ordered[0], ordered[ordered.shape[0] - 1]
    centre, factor, extra = limits[0], limits[1], limits[2]
    outside = ZERO
    for lane in range(LANES):
        below, above = abs(low[lane] - centre[lane]), abs(high[lane] - centre[lane])
        limit = factor[lane] * least[lane] + extra[lane]
        outside += ONE if (below > limit) | (above > limit) else ZERO
    none: bool = outside == ZERO
    return none


@exact_kernel
def _sum_all(raw: F32, weights: F64, sums: F64, centre: F32) -> None:
    """`_sum_kept` and `_move_centre` where every sample is kept."""
    total, weight = sums[0], sums[1]
    total[:] = 0.0
    for frame in range(raw.shape[0]):
        lanes = raw[frame]
        for lane in range(LANES):
            total[lane] += np.float64(lanes[lane])
    for lane in range(LANES):
        weight[lane] = weights[lane]
        centre[lane] = total[lane] / weights[lane]


@exact_kernel
def _sum_all_variances(level: F32, inverse: F32, model: F32, alike: bool, total: F64) -> None:
    """`_sum_variances` where every sample is kept; of frames with one unit, one stands for all."""
    total[:] = 0.0
    floor, slope, dark = model[0], model[1], model[2]
    for frame in range(1 if alike else inverse.shape[0]):
        share = inverse[frame]
        for lane in range(LANES):
            total[lane] += np.float64(_expected(level[lane], share[lane], floor, slope, dark))
    if alike:
        for lane in range(LANES):
            total[lane] *= inverse.shape[0]


@exact_kernel
def _write_all(frames: int, widen: F32, sums: F64, value: F32, variance: F32, count: U16) -> None:
    """`_write` where every sample is kept."""
    total, weight, noise = sums[0], sums[1], sums[2]
    for lane in range(value.size):
        error = widen[lane] / weight[lane]
        value[lane] = total[lane] / weight[lane]
        variance[lane] = noise[lane] * error * error
        count[lane] = np.uint16(frames)


@exact_kernel
def _gather(
    samples: F32,
    row: int,
    left: int,
    less: F32,
    times: F32,
    raw: F32,
    scaled: F32,
    ordered: F32,
    present: F32,
) -> None:
    """Copy a run of pixels into lanes, less their offsets; ``scaled`` twice, once to be sorted."""
    width = min(LANES, samples.shape[2] - left)
    present[:] = ZERO
    for frame in range(samples.shape[0]):
        source = samples[frame, row, left : left + width]
        own_raw, own_scaled, own_ordered = raw[frame], scaled[frame], ordered[frame]
        own_less, own_times = less[frame], times[frame]
        for lane in range(width):
            sample = source[lane]
            seen = abs(sample) < ABSENT
            difference = sample - own_less[lane] if seen else ZERO
            result = difference * own_times[lane] if seen else ABSENT
            own_raw[lane] = difference
            own_scaled[lane] = result
            own_ordered[lane] = result
            present[lane] += ONE if seen else ZERO
        for lane in range(width, LANES):
            own_raw[lane] = ZERO
            own_scaled[lane] = ABSENT
            own_ordered[lane] = ABSENT


@exact_kernel
def _expected(
    level: np.float32, inverse: np.float32, floor: np.float32, slope: np.float32, dark: np.float32
) -> np.float32:
    """Variance in ADU² that the noise model expects of a frame at a pixel of this scaled level."""
    light = level * inverse - dark
    variance: np.float32 = floor + slope * (light if light > ZERO else ZERO)
    return variance


@exact_kernel
def _sigmas(
    scaled: F32, middle: F32, times: F32, inverse: F32, model: F32, present: F32, sigma: F32, mean: F64
) -> None:
    """Each sample's deviation by the noise model, in scaled units, and the mean of the present ones'."""
    mean[:] = 0.0
    floor, slope, dark = model[0], model[1], model[2]
    for frame in range(scaled.shape[0]):
        lanes, own, one_times, one_inverse = scaled[frame], sigma[frame], times[frame], inverse[frame]
        for lane in range(LANES):
            deviation = one_times[lane] * np.sqrt(
                _expected(middle[lane], one_inverse[lane], floor, slope, dark)
            )
            own[lane] = deviation
            mean[lane] += np.float64(deviation) if lanes[lane] < ABSENT else 0.0
    for lane in range(LANES):
        mean[lane] /= max(present[lane], ONE)


@exact_kernel
def _set_limits(
    ordered: F32, middle: F32, mad: F32, present: F32, sigma: F64, kappa: np.float32, limits: F32
) -> None:
    """Fill ``limits``: centre, how many sigma and how much more a sample may be off it, level of the noise, widening.

    The scatter has a say from 5 samples on, shrunk as it is itself uncertain. Two samples cannot outvote each
    other; a cosmic ray only ever adds, so the lower one is the centre.
    """
    for lane in range(LANES):
        n, pair = present[lane], present[lane] == TWO
        scatter = GAUSSIAN_MAD * mad[lane] / sigma[lane] / (1 + 1.5 / np.sqrt(n))
        widen = scatter if (n >= FIVE) & (sigma[lane] > 0) & (scatter > 1.0) else 1.0
        centre = ordered[0, lane] if pair else middle[lane]
        limits[0, lane], limits[3, lane], limits[4, lane] = centre, centre, widen
        limits[1, lane] = 0.0 if pair else kappa * widen
        limits[2, lane] = 6 * sigma[lane] if pair else 0.0


@exact_kernel
def _keep(scaled: F32, sigma: F32, limits: F32, take: F32, kept: F32) -> None:
    """Set ``take`` [frame, lane] to 1 for samples within the limits, else 0; ``kept`` counts them."""
    centre, factor, extra = limits[0], limits[1], limits[2]
    kept[:] = ZERO
    for frame in range(scaled.shape[0]):
        lanes, own, mine = scaled[frame], sigma[frame], take[frame]
        for lane in range(LANES):
            outside = abs(lanes[lane] - centre[lane]) > factor[lane] * own[lane] + extra[lane]  # never by NaN
            result = ZERO if outside | (lanes[lane] >= ABSENT) else ONE
            mine[lane] = result
            kept[lane] += result


@exact_kernel
def _sum_kept(raw: F32, inverse: F32, take: F32, total: F64, weight: F64) -> None:
    """Sums of the kept samples in ADU and of their weights."""
    total[:] = 0.0
    weight[:] = 0.0
    for frame in range(raw.shape[0]):
        lanes, share, mine = raw[frame], inverse[frame], take[frame]
        for lane in range(LANES):
            total[lane] += np.float64(lanes[lane] * mine[lane])
            weight[lane] += np.float64(share[lane] * mine[lane])


@exact_kernel
def _sum_variances(level: F32, inverse: F32, model: F32, take: F32, total: F64) -> None:
    """Sum of the kept samples' variances in ADU² by the noise model."""
    total[:] = 0.0
    floor, slope, dark = model[0], model[1], model[2]
    for frame in range(take.shape[0]):
        share, mine = inverse[frame], take[frame]
        for lane in range(LANES):
            variance = _expected(level[lane], share[lane], floor, slope, dark)
            total[lane] += np.float64(variance * mine[lane])


@exact_kernel
def _move_centre(present: F32, kept: F32, sums: F64, centre: F32) -> None:
    """Move the centre to the mean of the kept; it stays where these are not half, and so are not the next time."""
    for lane in range(LANES):
        if present[lane] > TWO and TWO * kept[lane] >= present[lane]:
            centre[lane] = sums[0, lane] / sums[1, lane]


@exact_kernel
def _write(
    present: F32,
    middle: F32,
    sigma: F64,
    widen: F32,
    sums: F64,
    kept: F32,
    value: F32,
    variance: F32,
    count: U16,
) -> None:
    """Mean, its variance and number kept; where these are not half, median, its variance and all."""
    for lane in range(value.size):
        number = kept[lane]
        if present[lane] == ZERO:
            value[lane], variance[lane] = np.nan, np.nan
        elif TWO * number < present[lane]:
            number, error = present[lane], sigma[lane] * widen[lane]
            value[lane], variance[lane] = middle[lane], np.pi / 2 * error * error / number
        else:
            error = widen[lane] / sums[1, lane]
            value[lane], variance[lane] = sums[0, lane] / sums[1, lane], sums[2, lane] * error * error
        count[lane] = np.uint16(number)
