"""Rows copied one value after the other: to assign slices takes Numba a second to compile, in every kernel anew."""

from sidera.kernels._jit import kernel
from sidera.types import F32


@kernel
def copy_row(source: F32, target: F32) -> None:
    """Fill ``target`` with as many values of ``source``; any type that fits."""
    for i in range(target.size):
        target[i] = source[i]
