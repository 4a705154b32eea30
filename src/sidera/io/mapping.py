"""Files mapped into memory. Hundreds may be at once: where the system permits, none of them stays open.

Mapped once, a frame's pages are found again at no cost, tile after tile; a process may hold only so many files open
(256 on macOS). Python's own ``mmap`` keeps its file open until version 3.13; before, the C library is asked.
"""

import ctypes
import mmap
import os
import sys
import weakref
from contextlib import suppress
from functools import cache
from pathlib import Path

_TRACKED = {"trackfd": False} if sys.version_info >= (3, 13) and sys.platform != "win32" else {}
_BY_LIBRARY = os.name == "posix" and not _TRACKED
KEEPS_OPEN = os.name != "posix"
"""Whether a file that is mapped counts as open."""


class MappedFile:
    """The bytes of a file, read page by page when they are looked at.

    Parameters
    ----------
    path : Path
        A file with at least one byte.

    Raises
    ------
    OSError
        When the system cannot open or map it.
    ValueError
        For an empty file.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise ValueError("an empty file cannot be mapped")
            self._held = None if _BY_LIBRARY else _mapped(file.fileno())
            self.view = (
                _mapped_by_library(file.fileno(), size) if self._held is None else memoryview(self._held)
            )
            """Read-only."""

    def __len__(self) -> int:
        return len(self.view)

    def read_at(self, offset: int, count: int) -> bytes:
        """A copy of up to ``count`` bytes; fewer at the end of the file."""
        return bytes(self.view[offset : offset + count])

    def close(self) -> None:
        """Let go of the file; what arrays still look at stays until they are gone. Done twice it does no harm."""
        self.view.release()
        if self._held is not None:
            with suppress(BufferError):
                self._held.close()


def _mapped(descriptor: int) -> mmap.mmap:
    made: mmap.mmap = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ, **_TRACKED)
    return made


def _mapped_by_library(descriptor: int, size: int) -> memoryview:
    """By the C library; unmapped when nothing looks at it any more."""
    library = _library()
    address = library.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address == ctypes.c_void_p(-1).value:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    pages = (ctypes.c_ubyte * size).from_address(address)
    weakref.finalize(pages, library.munmap, address, size).atexit = False
    return memoryview(pages).cast("B").toreadonly()


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return library
