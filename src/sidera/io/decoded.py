"""What formats share that decode a whole image at once, and the limits that keep hostile files out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from sidera.errors import FrameError, Refusal
from sidera.io.reader import Closing, span
from sidera.model.header import Card, Header
from sidera.types import F32

MOST_PIXELS = 1_000_000_000
"""Pixels (times planes) that a file may declare."""
MOST_HEADER = 1 << 20
"""Bytes of header that are read."""
MOST_RATIO = 200
"""Bytes that one compressed byte may become; noise, and so every real frame, stays under 10."""
RATIO_FREE = 64 << 20
"""Up to this many bytes any ratio will do: an empty frame packs a thousandfold and harms nobody."""


def broken(what: str, cure: str = "Copy the file again, or leave it out") -> FrameError:
    """The error of a file that is damaged or not what it claims to be."""
    return FrameError(Refusal.UNREADABLE, what, cure)


def unsafe(what: str) -> FrameError:
    """The error of a file that asks for more than is sane."""
    return FrameError(Refusal.UNSAFE, what, "No camera writes such a file; leave it out")


def not_an_image(what: str, cure: str = "Sidera stacks 2-D images in grey or RGB") -> FrameError:
    """The error of a sound file that holds nothing to stack."""
    return FrameError(Refusal.NOT_AN_IMAGE, what, cure)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file open for reading; what the system refuses becomes a `FrameError`."""
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise broken(
            f"the file cannot be read ({error.strerror or error})", "Check that it is there"
        ) from error


def check_size(width: int, height: int, planes: int = 1) -> None:
    """Refuse an image without pixels, or with more than any sensor has, before memory is asked for."""
    if min(width, height, planes) < 1:
        raise broken(f"the image is {width} x {height} with {planes} planes: it has no pixels")
    if width * height * planes > MOST_PIXELS:
        claim = f"{width} x {height} pixels in {planes} planes"
        raise unsafe(f"the image claims {claim}; the limit is {MOST_PIXELS}")


def check_ratio(packed: int, unpacked: int) -> None:
    """Refuse data that would swell like no image does: a decompression bomb."""
    if unpacked > RATIO_FREE and unpacked > MOST_RATIO * packed:
        raise unsafe(f"{packed} bytes claim to hold {unpacked}: more than {MOST_RATIO} to 1")


def to_float(values: npt.NDArray[np.generic]) -> F32:
    """A window of any number type as C-contiguous float32 of its own; infinities become NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        image: F32 = np.array(values, dtype=np.float32, order="C")
    if values.dtype.kind == "f":
        image[np.isinf(image)] = np.nan  # also what float64 has beyond float32's range
    return image


def exif_cards(
    *,
    exposure: float | None = None,
    iso: float | None = None,
    date: str | None = None,
    make: str = "",
    model: str = "",
    focal_length: float | None = None,
) -> list[Card]:
    """What EXIF tells, as FITS cards.

    EXIF dates (``2026:03:01 22:15:00``) name no time zone: the camera's clock is taken as UTC.
    """
    make, model = make.strip(" \0"), model.strip(" \0")
    camera = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    cards = []
    if exposure is not None and exposure > 0:
        cards.append(Card("EXPTIME", float(exposure), "[s] exposure"))
    if iso is not None and iso > 0:
        cards.append(Card("GAIN", float(iso), "ISO speed"))
    if date is not None and (day_and_time := _iso_date(date)):
        cards.append(Card("DATE-OBS", day_and_time, "camera's clock"))
    if camera:
        cards.append(Card("INSTRUME", camera, "camera"))
    if focal_length is not None and focal_length > 0:
        cards.append(Card("FOCALLEN", float(focal_length), "[mm] focal length"))
    return cards


def _iso_date(date: str) -> str | None:
    """ISO 8601 of an EXIF date, None for the blanks and zeros that cameras without a clock write."""
    day, _, time = date.strip(" \0").partition(" ")
    digits = day.replace(":", "").replace("-", "")
    if len(digits) != 8 or not digits.isdigit() or digits.startswith("0000"):
        return None
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}T{time or '00:00:00'}"


class DecodedReader(Closing):
    """A frame whose format cannot be read by window: decoded at the first window, then kept until closed.

    Parameters
    ----------
    header : Header
        What the file says of itself.
    decode : callable
        Gives all pixels, ``[row, column]`` or ``[3, row, column]``; raises `FrameError`.
    """

    windowed = False

    def __init__(self, header: Header, decode: Callable[[], F32]) -> None:
        self.header = header
        self._decode = decode
        self._image: F32 | None = None

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels ``[row, column]`` or ``[3, row, column]``, in an array of their own."""
        if self._image is None:
            self._image = self._decode()
        height, width = self._image.shape[-2:]
        part = self._image[..., slice(*span(rows, height)), slice(*span(columns, width))]
        return part.copy()

    def close(self) -> None:
        """Forget the pixels."""
        self._image = None
