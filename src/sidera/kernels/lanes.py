"""Pixels side by side: samples ``[frame, row, column]`` are sorted 64 neighbouring pixels at a time.

Sixty-four pixels are copied side by side into scratch ``[frame, lane]``; every step then runs over the lanes,
which LLVM turns into vector instructions: sorting with a network this way is some ten times faster than
sorting pixel by pixel. Missing samples sort last as ``ABSENT``.

All are exact kernels: nothing may re-order a lane's sums, so a pixel has the same bits in whatever lane, tile
or thread it is computed.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32, I32

LANES = 64
BLOCKS = 4
"""Blocks that are loaded together: a run of 256 pixels of each frame the processor fetches ahead, one of 64 it does
not, and then waits for memory as long as it computes."""
ABSENT = np.float32(3e38)
"""Stands for "missing" in a kernel's own scratch only; samples this large, or infinite, count as missing."""
ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
GAUSSIAN_MAD = np.float32(1.4826)
"""Standard deviation of a Gaussian over its median absolute deviation."""


@exact_kernel
def load(samples: F32, row: int, left: int, blocks: F32, present: F32) -> None:
    """Copy a run of pixels into the lanes of `BLOCKS` blocks [block, frame, lane], absent past the edge.

    ``present`` [block, lane] counts each lane's samples.
    """
    present[:] = ZERO
    for frame in range(samples.shape[0]):
        for number in range(blocks.shape[0]):
            first = left + number * LANES
            width = max(min(LANES, samples.shape[2] - first), 0)
            source, lanes, seen_in = (
                samples[frame, row, first : first + width],
                blocks[number, frame],
                present[number],
            )
            lanes[width:] = ABSENT
            for lane in range(width):
                value = source[lane]
                seen = abs(value) < ABSENT
                lanes[lane] = value if seen else ABSENT
                seen_in[lane] += ONE if seen else ZERO


@exact_kernel
def sort(block: F32, network: I32) -> None:
    """Sort every lane upwards over the frames, by a network of compare-and-swap pairs.

    Unsigned indices and no slices: a slice for each pair takes a fifth of the time.
    """
    for pair in range(network.shape[0]):
        i, j = np.uint64(network[pair, 0]), np.uint64(network[pair, 1])
        for lane in range(LANES):
            one, other = block[i, lane], block[j, lane]
            block[i, lane] = one if one < other else other
            block[j, lane] = other if one < other else one


@exact_kernel
def middle_of(block: F32, start: F32, number: F32, middle: F32) -> None:
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
def spread_of(block: F32, centre: F32, number: F32, other: F32, spread: F32) -> None:
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
    blocks, presents = np.empty((BLOCKS, frames, LANES), np.float32), np.empty((BLOCKS, LANES), np.float32)
    scratch = np.zeros((4, LANES), np.float32)
    start, middle, other, mad = scratch[0], scratch[1], scratch[2], scratch[3]
    for row in range(rows):
        for left in range(0, columns, LANES):
            place = left // LANES % BLOCKS
            if place == 0:
                load(samples, row, left, blocks, presents)
            block, present = blocks[place], presents[place]
            sort(block, network)
            middle_of(block, start, present, middle)
            spread_of(block, middle, present, other, mad)
            width = min(LANES, columns - left)
            copy_row(middle, centre[row, left : left + width])
            copy_row(mad, spread[row, left : left + width])
            copy_row(present, count[row, left : left + width])
