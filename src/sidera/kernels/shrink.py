"""Pictures made small."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.clip import HUGE
from sidera.types import F32


@kernel
def block_means(image: F32, down: int, across: int, out: F32) -> None:
    """Fill each pixel of ``out`` with the mean of a block of ``down`` × ``across`` pixels; NaN is passed over."""
    columns = out.shape[1]
    total, count = np.empty(columns * across, np.float32), np.empty(columns * across, np.float32)
    zero, one = np.float32(0), np.float32(1)
    for row in range(out.shape[0]):
        total[:] = zero
        count[:] = zero
        for i in range(row * down, (row + 1) * down):
            line = image[i, : total.size]
            for x in range(
                total.size
            ):  # pixel by pixel of a row, which vectorises where sums of short blocks do not
                known = abs(line[x]) <= HUGE
                total[x] += line[x] if known else zero
                count[x] += one if known else zero
        for column in range(columns):
            light, number = 0.0, 0.0
            for x in range(column * across, (column + 1) * across):
                light += float(total[x])
                number += float(count[x])
            out[row, column] = light / number if number > 0 else np.nan
