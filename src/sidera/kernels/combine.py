"""Combination of the samples ``[frame, row, column]`` that rejection kept.

``halo`` is a margin of rows and columns about the samples that rejection needed to look at, and that is left
out of the result. All are exact kernels: sums run in the order of the frames, so a pixel has the same bits in
whatever tile or thread it is computed.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.lanes import ABSENT, LANES, ONE, ZERO, middle_of, sort
from sidera.kernels.reject import HIGH, KEPT, LOW, MISSING
from sidera.kernels.rows import copy_row
from sidera.types import F32, F64, I32, I64, U8, U16

ROWS = 4
"""Rows of the mean that are done together."""


@exact_kernel
def weighted_mean(samples: F32, verdicts: U8, weights: F64, halo: int, mean: F32, weight: F32) -> None:
    """Weighted mean of the kept samples and the sum of their weights; NaN and 0 where none was kept.

    Sums are float64 and run in the order of the frames. Some rows are done together: of each frame the processor then
    reads a longer run.
    """
    columns, edge = np.uint64(mean.shape[1]), np.uint64(halo)
    total, share = np.empty((ROWS, mean.shape[1]), np.float64), np.empty((ROWS, mean.shape[1]), np.float64)
    for first in range(0, mean.shape[0], ROWS):
        top, rows = np.uint64(first), np.uint64(min(ROWS, mean.shape[0] - first))
        total[:] = 0.0
        share[:] = 0.0
        for frame in range(np.uint64(weights.size)):
            own = weights[frame]
            for row in range(rows):
                for column in range(columns):
                    value = samples[frame, edge + top + row, edge + column]
                    verdict = verdicts[frame, edge + top + row, edge + column]
                    kept = (verdict == KEPT) & (abs(value) < ABSENT)
                    total[row, column] += own * value if kept else 0.0
                    share[row, column] += own if kept else 0.0
        for row in range(rows):
            for column in range(columns):
                seen = share[row, column] > 0.0
                mean[top + row, column] = total[row, column] / share[row, column] if seen else np.nan
                weight[top + row, column] = share[row, column]


@exact_kernel
def kept_median(
    samples: F32, verdicts: U8, weights: F64, network: I32, halo: int, median: F32, weight: F32
) -> None:
    """Median of the kept samples of frames with weight, and the sum of those weights."""
    rows, columns = median.shape
    frames = weights.size
    block, scratch = np.empty((frames, LANES), np.float32), np.zeros((3, LANES), np.float32)
    start, number, middle = scratch[0], scratch[1], scratch[2]
    share = np.empty(LANES, np.float64)
    for row in range(rows):
        for left in range(0, columns, LANES):
            first, width = halo + left, min(LANES, columns - left)
            number[:] = ZERO
            share[:] = 0.0
            for frame in range(frames):
                lanes, line = block[frame], samples[frame, halo + row, first : first + width]
                verdict = verdicts[frame, halo + row, first : first + width]
                lanes[width:] = ABSENT
                for lane in range(width):
                    kept = (verdict[lane] == KEPT) & (abs(line[lane]) < ABSENT) & (weights[frame] > 0.0)
                    lanes[lane] = line[lane] if kept else ABSENT
                    number[lane] += ONE if kept else ZERO
                    share[lane] += weights[frame] if kept else 0.0
            sort(block, network)
            middle_of(block, start, number, middle)
            copy_row(middle, median[row, left : left + width])
            for lane in range(width):
                weight[row, left + lane] = share[lane]


@exact_kernel
def model_error(
    verdicts: U8, weights: F64, a: F64, b: F64, level: float, halo: int, mean: F32, weight: F32, error: F32
) -> None:
    """Standard error of a weighted mean by the noise model ``a + b max(mean - level, 0)`` of each frame."""
    rows, columns, edge = np.uint64(mean.shape[0]), np.uint64(mean.shape[1]), np.uint64(halo)
    flat, slope = np.empty(mean.shape[1], np.float64), np.empty(mean.shape[1], np.float64)
    for row in range(rows):
        flat[:] = 0.0
        slope[:] = 0.0
        for frame in range(np.uint64(weights.size)):
            square = weights[frame] * weights[frame]
            on_sky, above = square * a[frame], square * b[frame]
            for column in range(columns):
                kept = verdicts[frame, edge + row, edge + column] == KEPT
                flat[column] += on_sky if kept else 0.0
                slope[column] += above if kept else 0.0
        for column in range(columns):
            variance = flat[column] + slope[column] * max(mean[row, column] - level, 0.0)
            share = weight[row, column]
            error[row, column] = np.sqrt(variance) / share if share > 0.0 else np.nan


@exact_kernel
def scatter_error(
    samples: F32, verdicts: U8, weights: F64, halo: int, mean: F32, weight: F32, error: F32
) -> None:
    """Standard error of a weighted mean by the kept samples' scatter; NaN for fewer than two."""
    rows, columns = mean.shape
    squares, number = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for row in range(rows):
        squares[:] = 0.0
        number[:] = 0.0
        for frame in range(weights.size):
            line = samples[frame, halo + row, halo : halo + columns]
            verdict, own = verdicts[frame, halo + row, halo : halo + columns], weights[frame]
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
def tally(verdicts: U8, weights: F64, halo: int, coverage: U16, low: U16, high: U16, counted: I64) -> None:
    """Count samples by pixel and by frame.

    The maps receive, over the frames with weight, the samples there were and those rejected below and above;
    ``counted`` [frame, 2] each frame's own rejected samples, and those there were.
    """
    rows, columns = coverage.shape
    coverage[:] = 0
    low[:] = 0
    high[:] = 0
    for frame in range(weights.size):
        own, rejected, present = np.uint16(weights[frame] > 0.0), 0, 0
        for row in range(rows):
            verdict = verdicts[frame, halo + row, halo : halo + columns]
            there, below, above = coverage[row], low[row], high[row]
            for column in range(columns):
                there[column] += own * np.uint16(verdict[column] != MISSING)
                below[column] += own * np.uint16(verdict[column] == LOW)
                above[column] += own * np.uint16(verdict[column] == HIGH)
            inside, outside = np.int32(0), np.int32(0)
            for column in range(columns):
                inside += np.int32(verdict[column] != MISSING)
                outside += np.int32((verdict[column] == LOW) | (verdict[column] == HIGH))
            present += int(inside)
            rejected += int(outside)
        counted[frame, 0], counted[frame, 1] = rejected, present
