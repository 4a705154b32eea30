"""Camera RAW and DNG by LibRaw: the sensor's own numbers, not demosaiced, not turned, not white-balanced."""

from datetime import datetime
from pathlib import Path

import numpy as np
import rawpy
import tifffile

from sidera.errors import FrameError, Refusal
from sidera.io.cards import header_from_cards
from sidera.io.decoded import DecodedReader, broken, check_size, exif_cards, not_an_image, opened, to_float
from sidera.io.reader import FrameReader
from sidera.model.header import Bayer, Card, Header
from sidera.types import F32, U8

MAKE, MODEL, UNIQUE_MODEL = 271, 272, 50708
"""TIFF tags that name the camera."""


def open(path: Path, index: int = 0) -> FrameReader:
    """The sensor's image of a camera RAW or DNG file.

    Values are as stored: the level that the file declares as black stays in them and travels in
    ``header.black``. Where a camera declares another black for each colour, what exceeds the smallest is
    taken off its colour, so that one number is true for all.

    Raises
    ------
    FrameError
        For a file that LibRaw cannot read, and for sensors that are not a 2×2 Bayer matrix.
    """
    if index:
        raise not_an_image(f"a camera RAW file holds one image, and number {index} was asked for")
    with _opened_raw(path) as raw:
        header = _header(raw, path)
    return DecodedReader(header, lambda: _decode(path))


def _opened_raw(path: Path) -> rawpy.RawPy:
    """A RAW file whose metadata are read and whose pixels are not yet."""
    with opened(path):  # LibRaw's own message for a missing file says less
        pass
    raw = rawpy.RawPy()
    try:
        raw.open_file(str(path))
    except (rawpy.LibRawError, OSError, ValueError) as error:
        raw.close()
        raise broken(f"LibRaw cannot read this file ({_reason(error)})") from error
    return raw


def _reason(error: Exception) -> str:
    """LibRaw's errors carry bytes."""
    said = error.args[0] if error.args else ""
    return said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)


def _header(raw: rawpy.RawPy, path: Path) -> Header:
    """What the file says of itself."""
    try:
        check_size(raw.sizes.raw_width, raw.sizes.raw_height)
        check_size(raw.sizes.width, raw.sizes.height)
        bayer = _bayer(raw)
        blacks, white = _blacks(raw), float(raw.white_level or 0)
        cards = _cards(raw, path)
    except rawpy.LibRawError as error:
        raise broken(f"LibRaw cannot read this file ({_reason(error)})") from error
    return header_from_cards(
        cards,
        width=raw.sizes.width,
        height=raw.sizes.height,
        planes=1,
        path=path,
        format="DNG" if path.suffix.lower() == ".dng" else f"RAW ({path.suffix.lstrip('.').upper()})",
        bits="uint16",
        bayer=bayer,
        black=min(blacks),
        saturation=white if white > 0 else None,
    )


def _bayer(raw: rawpy.RawPy) -> Bayer | None:
    """Pattern of the visible area's first rows; None for a camera without colour filters."""
    if raw.raw_type != rawpy.RawType.Flat:
        cure = "Give the camera's own RAW file, not a converted or reduced one"
        raise FrameError(Refusal.UNREADABLE, "this RAW file is demosaiced already (linear DNG, sRAW)", cure)
    pattern = raw.raw_pattern
    if pattern is None or raw.num_colors == 1:
        return None
    if pattern.shape != (2, 2):
        cure = "Convert it to a linear 3-plane TIFF or FITS with the program of your choice"
        raise FrameError(Refusal.UNREADABLE, "X-Trans sensors (6 x 6 colour filters) are not read yet", cure)
    letters = raw.color_desc.decode("ascii", "replace")
    name = "".join(letters[colour] for colour in pattern.flat)
    if name not in Bayer.__members__:
        raise FrameError(
            Refusal.UNREADABLE, f"colour filters {name!r} are not read", "Sidera reads RGB Bayer sensors"
        )
    return Bayer[name]


def _blacks(raw: rawpy.RawPy) -> list[float]:
    """Black level of each of LibRaw's colours (red, green, blue, second green)."""
    return [float(level) for level in raw.black_level_per_channel]


def _cards(raw: rawpy.RawPy, path: Path) -> list[Card]:
    """Exposure, ISO, date and camera."""
    other = raw.other
    taken = other.timestamp
    make, model = _camera(path)
    return exif_cards(
        exposure=other.shutter_speed,
        iso=other.iso_speed,
        date=f"{taken:%Y:%m:%d %H:%M:%S}" if isinstance(taken, datetime) and taken.year > 1970 else None,
        make=make,
        model=model,
        focal_length=other.focal_length,
    )


def _camera(path: Path) -> tuple[str, str]:
    """Make and model from the TIFF structure that most RAW formats share, empty for those that do not."""
    try:
        with tifffile.TiffFile(path) as tiff:
            tags = tiff.pages[0].tags
            model = tags.valueof(MODEL) or tags.valueof(UNIQUE_MODEL) or ""
            return str(tags.valueof(MAKE) or ""), str(model)
    except (tifffile.TiffFileError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""


def _decode(path: Path) -> F32:
    """Pixels of the visible area."""
    with _opened_raw(path) as raw:
        try:
            stored = raw.raw_image_visible
            blacks, pattern = _blacks(raw), raw.raw_pattern
        except rawpy.LibRawError as error:
            raise broken(f"the pixels cannot be read ({_reason(error)})") from error
        image = to_float(stored)
    if pattern is not None and min(blacks) != max(blacks):
        _level_blacks(image, blacks, pattern)
    return image


def _level_blacks(image: F32, blacks: list[float], pattern: U8) -> None:
    """Take off each colour what its black exceeds the smallest by, in place."""
    for (row, column), colour in np.ndenumerate(pattern):
        image[row::2, column::2] -= np.float32(blacks[colour] - min(blacks))
