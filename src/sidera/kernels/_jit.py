"""The one decorator, and so the one compile policy; and where compiled kernels are kept."""

import hashlib
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
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
FORTNIGHT = 14 * 86_400.0
_IMPORT = re.compile(r"^from sidera\.kernels\.(\w+) import", re.MULTILINE)
"""How a kernel's module takes kernels from another, and no other way: a rule of the house, which a test keeps."""
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
    folder = _folder_of(Path(function.__code__.co_filename))
    with _lending:
        before = config.CACHE_DIR
        config.CACHE_DIR = "" if folder is None else str(folder)
        try:
            made = numba.njit(nogil=True, cache=folder is not None, error_model="numpy", **options)(function)
        finally:
            config.CACHE_DIR = before
    return cast(Callable[P, R], made)


@lru_cache
def _folder_of(module: Path) -> Path | None:
    """The cache folder of a module's kernels.

    Its name carries a digest of all the sources that are compiled into them. Numba looks at the module's own alone,
    and would go on with a kernel into which an older one of another module was inlined.
    """
    if CACHE is None:
        return None
    folder = CACHE / f"{module.stem}-{source_digest(module)}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.utime(folder)  # used: `sweep` lets it stay
    return folder


@lru_cache
def source_digest(module: Path) -> str:
    """Digest of a module of kernels, of those that it imports, and of this one."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted({Path(__file__), *_closure(module)}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _closure(module: Path) -> set[Path]:
    """A module of kernels and all those that it imports, itself or through others."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = _IMPORT.findall(path.read_text(encoding="utf-8"))
            waiting += [path.with_name(f"{name}.py") for name in names]
    return found


def processor() -> str:
    """Name and features of the processor that is compiled for: the same bits are promised for the same ones."""
    features = ",".join(sorted(name for name, there in get_host_cpu_features().items() if there))
    return f"{get_host_cpu_name()} {features}"


def warm_mark() -> Path | None:
    """The file that says that all kernels, as they are now, are compiled and kept; None where none can be."""
    if CACHE is None:
        return None
    digest = hashlib.blake2b(digest_size=8)
    versions = f"{numba.__version__} {sys.version_info[:2]} {processor()}"
    digest.update(versions.encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source_digest(module).encode())
    return CACHE / f"warm-{digest.hexdigest()}"


def is_compiled() -> bool:
    """Whether all kernels, as they are now, were compiled and kept, so that a run need not begin by compiling."""
    mark = warm_mark()
    return mark is not None and mark.is_file()


def sweep() -> None:
    """Remove what older kernels left in our folder, once it was of no use for a fortnight.

    Another checkout, or a process that began before an update, may live on older ones for a while. A folder that the
    user named is left alone: others may keep things there.
    """
    if CACHE is None or config.CACHE_DIR:
        return
    now = {_folder_of(module) for module in Path(__file__).parent.glob("*.py")} | {warm_mark()}
    for path in CACHE.iterdir():
        with suppress(OSError):
            if path not in now and time.time() - path.stat().st_mtime > FORTNIGHT:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
