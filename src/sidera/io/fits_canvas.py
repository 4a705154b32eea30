"""A FITS file that is filled in place, tile by tile, and takes its name when it is whole.

Nothing is held in memory and nothing written twice: the file's own pages are the output arrays. It lies beside its
target under a hidden name that carries the content key of the run, so that a run which was killed finds it again.
"""

import mmap
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sidera.errors import UnwritableError
from sidera.io.atomic import check_space, explained, sync_folder
from sidera.io.fits_writer import BLOCK, Unit, header_of, write_units
from sidera.io.lock import take

SUFFIX = ".sidera-part"
CHUNK = 4 << 20
WEEK = 7 * 86_400.0


class FitsCanvas:
    """Images of a FITS file to be, as arrays that any thread may write to.

    Attributes
    ----------
    arrays : list of array
        One an image HDU, in order; big-endian, mapped from the file.
    resumed : bool
        Whether the file was there, left behind by a run with the same key.
    """

    def __init__(self, target: Path, key: str, units: Sequence[Unit]) -> None:
        """Make the file, or open the one that was left behind.

        Parameters
        ----------
        target : Path
            The name it is to have in the end.
        key : str
            Says what the pixels depend on; letters and digits.
        units : sequence of Unit
            Image HDUs: shapes, types and cards count, values do not (`blank` makes arrays without memory).

        Raises
        ------
        DiskFullError, UnwritableError
            Before anything was computed: the whole file's room is reserved now.
        """
        self.target = Path(os.path.realpath(target))
        self.path = self.target.with_name(f".{self.target.name}.{key}{SUFFIX}")
        self._headers = [len(header_of(unit, 0, primary=n == 0)) for n, unit in enumerate(units)]
        size = sum(self._headers) + sum(_padded(unit.data.nbytes) for unit in units)
        try:
            self._sweep()
            self._stream = self.path.open("r+b" if self.path.exists() else "xb+")
        except OSError as error:
            raise explained(error, target, size) from error
        if not take(self._stream):
            self._stream.close()
            raise UnwritableError(f"another run is writing {target} now", "Wait for it, or name another file")
        self.resumed = self.path.stat().st_size == size
        try:
            if not self.resumed:
                check_space(self.target.parent, size)
                _reserve(self._stream, size)
            self._map = mmap.mmap(self._stream.fileno(), size)
        except OSError as error:
            self._stream.close()
            self.path.unlink(missing_ok=True)
            raise explained(error, target, size) from error
        self._units = list(units)
        self.arrays = self._placed(self._map)

    def _placed(self, source: mmap.mmap) -> list[npt.NDArray[Any]]:
        """The images as arrays in a map of the file."""
        arrays, place = [], 0
        for unit, header in zip(self._units, self._headers, strict=True):
            stored = unit.data.dtype.newbyteorder(">")
            arrays.append(np.ndarray(unit.data.shape, stored, source, place + header))
            place += header + _padded(unit.data.nbytes)
        return arrays

    def _sweep(self) -> None:
        """Remove what runs with other keys left behind for this target, and for any after a week."""
        for path in self.target.parent.glob(f".*{SUFFIX}"):
            old = time.time() - path.stat().st_mtime > WEEK
            if path != self.path and (old or path.name.startswith(f".{self.target.name}.")):
                with suppress(OSError), path.open("r+b") as stream:
                    if take(stream):
                        path.unlink()
                        path.with_name(f"{path.name}.journal").unlink(missing_ok=True)

    def finish(self, units: Sequence[Unit]) -> None:
        """Write headers, checksums and what follows the images (tables), and give the file its name.

        ``units`` are those of the beginning, with their final cards (as many as then), and then the tables.
        """
        images, tables = units[: len(self.arrays)], units[len(self.arrays) :]
        try:
            place = 0
            for number, (unit, header) in enumerate(zip(images, self._headers, strict=True)):
                data = _padded(unit.data.nbytes)
                told = header_of(unit, self._sum(place + header, data), primary=number == 0)
                assert len(told) == header, "cards were added while the file was filled"
                self._map[place : place + header] = told
                place += header + data
            self._map.flush()
            self._unmap()
            self._stream.seek(0, os.SEEK_END)
            write_units(self._stream, tables, first=False)
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            os.replace(self.path, self.target)
            sync_folder(self.target.parent)
        except OSError as error:
            raise explained(error, self.target, 0) from error

    def mapped(self) -> list[npt.NDArray[Any]]:
        """The images of the finished file, read from it page by page."""
        with self.target.open("rb") as stream:
            return self._placed(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))

    def discard(self) -> None:
        """Close the file and remove it."""
        self._unmap()
        self._stream.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _sum(self, start: int, size: int) -> int:
        """Checksum of some bytes of the file, as `sum32`, without a copy of them."""
        total = int(np.frombuffer(self._map, ">u4", size // 4, start).sum(dtype=np.uint64))
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        return total

    def _unmap(self) -> None:
        self.arrays = []
        with suppress(BufferError):  # somebody still looks at an array: then the map goes when that does
            self._map.close()


def blank(shape: tuple[int, ...], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of zeros that takes no memory, to say a shape and a type with."""
    return np.broadcast_to(np.zeros((), kind), shape)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _reserve(stream: BinaryIO, size: int) -> None:
    """Make the file's room on the disk: running out of it later, in a map, would kill the process."""
    stream.truncate(0)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(stream.fileno(), 0, size)
        return
    zeros = bytes(CHUNK)  # macOS and Windows: written, and so surely there
    for at in range(0, size, CHUNK):
        stream.write(zeros[: min(CHUNK, size - at)])
    stream.flush()
