"""Master frames, read: our own as they were, others' brought into ADU."""

from pathlib import Path

import msgspec
import numpy as np
from astropy.io import fits

from sidera.errors import FrameError, Refusal
from sidera.io.fits_writer import CHUNK, sum32
from sidera.io.read import read, refusals
from sidera.io.write import KEY, NO_BIAS
from sidera.model.frame import Frame
from sidera.model.header import Kind
from sidera.model.masters import Master
from sidera.types import F32

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
        Ours with its variance, kind and key. Another's has an unknown variance (NaN) and no key; its flat
        counts as free of bias, and is not normalised here; its others hold their bias. Float darks and biases
        from 0 to 1 come back in ADU.

    Raises
    ------
    FrameError
        As `sidera.io.read.read`; and for a master of ours whose checksum is wrong.
    """
    path = Path(path)
    frame = read(path)
    own = {card.keyword: card.value for card in frame.header.cards if card.keyword in (KEY, NO_BIAS)}
    if NO_BIAS not in own:
        return master_from_frame(frame)
    _check_whole(path)
    variance = _variance(path, frame.image.shape)
    key = str(own.get(KEY) or "")
    return Master(frame.header.kind, frame.image, variance, frame.header, own[NO_BIAS] is True, key)


def master_from_frame(frame: Frame) -> Master:
    """Take another program's frame for a master; see `read_master`."""
    image, header = frame.image, frame.header
    if header.kind is not Kind.FLAT and header.bits.startswith("float") and _is_unit(image):
        image = image * np.float32(WHITE)
        scaled = None if header.saturation is None else header.saturation * WHITE
        header = msgspec.structs.replace(header, saturation=scaled)
    unknown = np.full(image.shape, np.nan, np.float32)
    return Master(header.kind, image, unknown, header, bias_removed=header.kind is Kind.FLAT)


def _is_unit(image: F32) -> bool:
    """All values are at most 1: no sensor gives a dark of less than one ADU, so 1 stands for white."""
    finite = np.isfinite(image)
    return bool(finite.any()) and float(image.max(where=finite, initial=-np.inf)) <= 1.0


def _variance(path: Path, shape: tuple[int, ...]) -> F32:
    """The extension of that name."""
    with refusals(path):
        variance: F32 = np.ascontiguousarray(fits.getdata(path, "VARIANCE"), np.float32)
    if variance.shape != shape:
        raise FrameError(Refusal.UNREADABLE, f"{path.name}: its variance has another size than its image")
    return variance


def _check_whole(path: Path) -> None:
    """Each HDU of ours sums to ones (its CHECKSUM sees to that), and so does the file."""
    total = 0
    with refusals(path), path.open("rb") as stream:
        while data := stream.read(4 * CHUNK):
            total = sum32(data, total)
    if total != 0xFFFFFFFF:
        cure = "Delete it, and it is built anew from its frames"
        raise FrameError(Refusal.UNREADABLE, f"{path.name}: the checksum of this master is wrong", cure)
