"""The one decorator, and so the one compile policy."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

FLAGS = {"reassoc", "contract", "arcp", "nsz"}
"""Fast-math without ``nnan`` and ``ninf``: NaN means "not measured" and must survive every kernel."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a serial loop.

    Kernels release the GIL (threads live in ``pipeline/workers.py``), are cached on disk, divide as NumPy does,
    never raise and never spawn threads: two Python threads inside a ``parallel=True`` kernel abort the process
    under Numba's default threading layer.
    """
    return cast(
        Callable[P, R],
        numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=FLAGS)(function),
    )


def exact_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `kernel`, with no fast-math: for sums whose order of operations is part of the result."""
    return cast(Callable[P, R], numba.njit(nogil=True, cache=True, error_model="numpy")(function))
