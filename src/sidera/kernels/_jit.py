"""The one decorator, and so the one compile policy; and where compiled kernels are kept."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba.core import config

from sidera._version import __version__

P = ParamSpec("P")
R = TypeVar("R")

FLAGS = {"reassoc", "contract", "arcp", "nsz"}
"""Fast-math without ``nnan`` and ``ninf``: NaN means "not measured" and must survive every kernel."""


def cache_folder() -> Path | None:
    """Where compiled kernels are kept: a folder of this user and this version that nobody else may enter.

    Who can write there can run code as this user, so a folder that cannot be made private is not used.
    NUMBA_CACHE_DIR, where it is set, is obeyed. None: kernels are compiled anew in every run.
    """
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR)
    try:
        folder = _caches() / "sidera" / f"kernels-{__version__}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_private(folder) else None
    except (OSError, RuntimeError):  # read-only, or a user without a home
        return None


def _caches() -> Path:
    """The folder that the system keeps for caches of this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".cache"


def _is_private(folder: Path) -> bool:
    """Ours, writable, and closed to others (on Windows the user's own folders are so by themselves)."""
    if os.name == "posix":
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        folder.chmod(0o700)
    return os.access(folder, os.W_OK | os.X_OK)


CACHE = cache_folder()
_lending = threading.Lock()
"""Two threads that import kernels at once would restore each other's setting: kernels landed in the working folder."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a serial loop.

    Kernels release the GIL (threads live in ``pipeline/workers.py``), are cached on disk, divide as NumPy does,
    never raise and never spawn threads: two Python threads inside a ``parallel=True`` kernel abort the process
    under Numba's default threading layer.
    """
    return _compiled(function, fastmath=FLAGS)


def exact_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile like `kernel`, with no fast-math: for sums whose order of operations is part of the result."""
    return _compiled(function)


def _compiled(function: Callable[P, R], **options: object) -> Callable[P, R]:
    """With our cache folder for this function alone: Numba's setting is the whole process's, not ours to keep."""
    with _lending:
        before = config.CACHE_DIR
        config.CACHE_DIR = "" if CACHE is None else str(CACHE)
        try:
            made = numba.njit(nogil=True, cache=CACHE is not None, error_model="numpy", **options)(function)
        finally:
            config.CACHE_DIR = before
    return cast(Callable[P, R], made)


def processor() -> str:
    """Name and features of the processor that is compiled for: the same bits are promised for the same ones."""
    features = ",".join(sorted(name for name, there in get_host_cpu_features().items() if there))
    return f"{get_host_cpu_name()} {features}"


def is_compiled() -> bool:
    """Whether kernels of this version were kept before, so that a run need not begin by compiling."""
    return CACHE is not None and next(CACHE.rglob("*.nbi"), None) is not None
