"""Master frames, read: our own as they were, others' brought into ADU; and written while they are made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from sidera.errors import FrameError, Refusal
from sidera.io.atomic import atomic_write, begin_writing
from sidera.io.fits_canvas import blank
from sidera.io.fits_writer import BLOCK, Unit, header_of, sum32
from sidera.io.hdu import scan
from sidera.io.read import open_frame, refusals
from sidera.io.write import KEY, NO_BIAS, master_units
from sidera.model.frame import Frame
from sidera.model.header import Header, Kind
from sidera.model.masters import Master
from sidera.types import F32

CHUNK = 1 << 18
"""Words summed at a time: they stay in a core's cache."""
ROOM = 16 * BLOCK
"""Bytes that a master's headers and padding may take."""
WHITE = 65535.0
"""What 1.0 stands for where a program scales 16-bit data to 0 to 1."""


def read_master(path: Path | str) -> Master:
    """Read a master frame, ours or another program's.

    Parameters
    ----------
    path : Path or str
        Any format that `sidera.io.read.read` knows; ours are FITS.

    Returns
    -------
    Master
        Ours with its variance, kind and key; its arrays lie in the file still and are big-endian: NumPy reads
        them where they are asked for, `sidera.types.plain` brings a part into memory. Another's has an unknown
        variance (NaN) and no key; its flat counts as free of bias, and is not normalised here; its others hold
        their bias. Float darks and biases from 0 to 1 come back in ADU.

    Raises
    ------
    FrameError
        As `sidera.io.read.read`; and for a master of ours whose checksum is wrong.
    """
    path = Path(path)
    with open_frame(path) as reader:
        header = reader.header
        own = {card.keyword: card.value for card in header.cards if card.keyword in (KEY, NO_BIAS)}
        if NO_BIAS not in own:
            return master_from_frame(Frame(reader.window(slice(None), slice(None)), header))
    _check_whole(path)
    image, variance = _planes(path, header)
    return Master(header.kind, image, variance, header, own[NO_BIAS] is True, str(own.get(KEY) or ""))


def master_from_frame(frame: Frame) -> Master:
    """Take another program's frame for a master; see `read_master`."""
    image, header = frame.image, frame.header
    if header.kind is not Kind.FLAT and header.bits.startswith("float") and _is_unit(image):
        image = image * np.float32(WHITE)
        scaled = None if header.saturation is None else header.saturation * WHITE
        header = msgspec.structs.replace(header, saturation=scaled)
    unknown: F32 = np.broadcast_to(np.float32(np.nan), image.shape)
    return Master(header.kind, image, unknown, header, bias_removed=header.kind is Kind.FLAT)


def _is_unit(image: F32) -> bool:
    """All values are at most 1: no sensor gives a dark of less than one ADU, so 1 stands for white."""
    finite = np.isfinite(image)
    return bool(finite.any()) and float(image.max(where=finite, initial=-np.inf)) <= 1.0


def _planes(path: Path, header: Header) -> tuple[F32, F32]:
    """Image and variance of a master of ours, mapped; they are the float32 images of that size, in this order."""
    shape = (header.height, header.width) if header.planes == 1 else (3, header.height, header.width)
    with refusals(path):
        mapped = np.memmap(path, np.uint8, "r")
        with path.open("rb") as stream:
            units = [
                unit for unit in scan(_Opened(stream)) if unit.axes == shape[::-1] and unit.bitpix == -32
            ]
        if len(units) < 2:
            raise FrameError(
                Refusal.UNREADABLE, "its variance is missing, or has another size than its image"
            )
        image, variance = (
            np.frombuffer(mapped, ">f4", unit.size // 4, unit.start).reshape(shape) for unit in units[:2]
        )
    return image, variance


class MasterFile:
    """A master on its way onto the disk: bands of rows, put from any thread in any order.

    Nothing is held in memory. What is written has the very bytes of ``write(path, master)``.
    """

    def __init__(self, stream: BinaryIO, like: Master) -> None:
        """Begin a file for a master like this one, of which the arrays' shape counts and not their values."""
        self._stream, self._lock, self._like = stream, threading.Lock(), like
        self._size = like.image.size * 4
        self._width = like.image.shape[-1]
        self._height = like.image.shape[-2]
        self._sums = [0, 0]

    @cached_property
    def _layout(self) -> list[tuple[Unit, int]]:
        """What is written, and where its data begin; astropy, which makes the headers, loads while bands are made."""
        place, layout = 0, []
        for number, unit in enumerate(master_units(self._like)):
            place += len(header_of(unit, 0, primary=number == 0))
            layout.append((unit, place))
            place += self._size + -self._size % BLOCK
        return layout

    def put(self, plane: int, top: int, value: F32, variance: F32) -> None:
        """Write a band of whole rows, ``[row, column]``; each row of each plane once."""
        for number, rows in enumerate((value, variance)):
            data = rows.astype(">f4").tobytes()
            there = self._layout[number][1] + 4 * self._width * (plane * self._height + top)
            with self._lock:
                self._sums[number] = sum32(data, self._sums[number])
                self._stream.seek(there)
                self._stream.write(data)
                self._stream.flush()
            begin_writing(self._stream, there, len(data))

    def finish(self) -> None:
        """Write the headers, whose checksums are known now, and the padding."""
        for number, ((unit, place), total) in enumerate(zip(self._layout, self._sums, strict=True)):
            header = header_of(unit, total, primary=number == 0)
            self._stream.seek(place - len(header))
            self._stream.write(header)
            self._stream.seek(place + self._size)
            self._stream.write(bytes(-self._size % BLOCK))


@contextmanager
def write_master(path: Path, like: Master) -> Iterator[MasterFile]:
    """A file that takes a master's bands as they are made and gets its name, whole, when the ``with`` ends well.

    ``like`` is the master but for its pixels: see `unmade`. Errors as `sidera.io.atomic.atomic_write`.
    """
    with atomic_write(path, 2 * like.image.nbytes + ROOM) as stream:
        made = MasterFile(stream, like)
        yield made
        made.finish()


def unmade(kind: Kind, header: Header, *, bias_removed: bool, key: str) -> Master:
    """A master without pixels: arrays of its shape that take no memory."""
    shape = (
        (header.height, header.width) if header.planes == 1 else (header.planes, header.height, header.width)
    )
    nothing: F32 = blank(shape, np.float32)
    return Master(kind, nothing, nothing, header, bias_removed, key)


def written(path: Path, like: Master) -> Master:
    """A master that this process has just written, with its arrays in the file, as of `read_master`."""
    image, variance = _planes(path, like.header)
    return replace(like, image=image, variance=variance)


@dataclass(frozen=True)
class _Opened:
    """An open file, read where it is asked for."""

    stream: BinaryIO

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes."""
        self.stream.seek(offset)
        return self.stream.read(count)


def _check_whole(path: Path) -> None:
    """Each HDU of ours sums to ones (its CHECKSUM sees to that), and so does the file."""
    total = 0
    chunk = bytearray(4 * CHUNK)
    words = np.frombuffer(chunk, ">u4")
    with refusals(path), path.open("rb", buffering=0) as stream:
        while size := stream.readinto(chunk):
            chunk[size:] = bytes(len(chunk) - size)
            total += int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    if total != 0xFFFFFFFF:
        cure = "Delete it, and it is built anew from its frames"
        raise FrameError(Refusal.UNREADABLE, f"{path.name}: the checksum of this master is wrong", cure)
