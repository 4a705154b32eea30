"""Scale and sky surface, applied to a window of a frame."""

from sidera.kernels._jit import exact_kernel
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
