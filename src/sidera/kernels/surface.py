"""Sky surfaces, applied to frames and stacks; and the means that they are found from."""

import numpy as np

from sidera.kernels._jit import exact_kernel, kernel
from sidera.kernels.clip import HUGE
from sidera.kernels.sky import surface_row
from sidera.types import F32, F64

UNIT = 1024.0
"""Pixels to one unit of a surface's coordinates: a power of two, so that no position is rounded."""


@exact_kernel
def apply_surface(scale: float, coefficients: F64, x0: int, y0: int, window: F32) -> None:
    """``value <- scale value + o(x, y)`` in place, ``window[0, 0]`` lying at ``(x0, y0)`` of the reference.

    ``o = c0 + c1 u + c2 v + c3 u² + c4 u v + c5 v²`` with ``u = x / UNIT``, ``v = y / UNIT``; NaN stays NaN.
    Float64 at whole positions and no fast-math: a pixel has the same bits in whatever window it lies.
    """
    rows, columns = window.shape
    for row in range(rows):
        v = (y0 + row) / UNIT
        flat = coefficients[0] + v * (coefficients[2] + v * coefficients[5])
        slope = coefficients[1] + v * coefficients[4]
        curve = coefficients[3]
        line = window[row]
        for column in range(columns):
            u = (x0 + column) / UNIT
            line[column] = scale * line[column] + (flat + u * (slope + u * curve))


@kernel
def block_means(image: F32, out: F32) -> None:
    """Mean of the measured pixels of each block; NaN where fewer than half were measured.

    The image is cut evenly into as many blocks as ``out`` has.
    """
    rows, columns = image.shape
    down, across = out.shape
    total = np.empty(columns, np.float32)
    count = np.empty(columns, np.float32)
    zero, one = np.float32(0), np.float32(1)
    for i in range(down):
        top, bottom = i * rows // down, (i + 1) * rows // down
        total[:] = zero
        count[:] = zero
        for row in range(top, bottom):
            line = image[row]
            for x in range(columns):
                known = abs(line[x]) < HUGE
                total[x] += line[x] if known else zero
                count[x] += one if known else zero
        for j in range(across):
            left, right = j * columns // across, (j + 1) * columns // across
            seen = count[left:right].sum()
            enough = 2 * seen >= (bottom - top) * (right - left)
            out[i, j] = total[left:right].sum() / seen if enough else np.nan


@kernel
def level_rows(wide: F32, top: int, whole: int, divide: bool, image: F32) -> None:
    """Take the surface through a widened mesh from the rows of ``image`` in place; NaN stays.

    ``image[0]`` is row ``top`` of the ``whole`` rows that the mesh covers. With ``divide`` the pixels are divided.
    """
    light = np.empty(image.shape[1], np.float32)
    for row in range(image.shape[0]):
        surface_row(wide, top + row, whole, light)
        line = image[row]
        if divide:
            for x in range(line.size):
                line[x] = line[x] / light[x]
        else:
            for x in range(line.size):
                line[x] = line[x] - light[x]
