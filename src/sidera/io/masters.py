"""Master frames, read: our own as they were, others' brought into ADU."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from sidera.errors import FrameError, Refusal
from sidera.io.hdu import scan
from sidera.io.read import open_frame, refusals
from sidera.io.write import KEY, NO_BIAS
from sidera.model.frame import Frame
from sidera.model.header import Header, Kind
from sidera.model.masters import Master
from sidera.types import F32

CHUNK = 1 << 18
"""Words summed at a time: they stay in a core's cache."""
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
