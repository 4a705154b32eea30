"""TIFF, read: tifffile finds the pixels, and this module unpacks them, never beyond their declared size.

Sources: TIFF 6.0 (Adobe, 1992); Adobe Photoshop TIFF Technical Note 3 (2005) for the float predictor.
"""

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import zstandard

from sidera.errors import FrameError
from sidera.io.cards import header_from_cards
from sidera.io.decoded import (
    DecodedReader,
    broken,
    check_ratio,
    check_size,
    exif_cards,
    not_an_image,
    opened,
    to_float,
)
from sidera.io.hdu import parse_card
from sidera.io.reader import Closing, FrameReader
from sidera.model.header import Card, Header
from sidera.types import F32

logging.getLogger("tifffile").addHandler(
    logging.NullHandler()
)  # its warnings would reach the terminal otherwise

NONE, DEFLATE, OLD_DEFLATE, ZSTD = 1, 8, 32946, 50000
READ = {NONE: "none", DEFLATE: "Deflate", OLD_DEFLATE: "Deflate", ZSTD: "Zstandard"}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CFA = 0, 1, 2, 32803
EXPOSURE, ISO, MAKE, MODEL, DATE, EXIF = 33434, 34855, 271, 272, 306, 34665
"""TIFF and EXIF tags."""

BROKEN = (
    tifffile.TiffFileError,
    struct.error,
    zlib.error,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    MemoryError,
)
"""What tifffile was seen to raise on damaged files."""


@dataclass(frozen=True)
class _Layout:
    """Where a page's pixels are and how they are packed."""

    height: int
    width: int
    samples: int
    """Values a pixel, alpha included."""
    dtype: np.dtype[Any]
    """In the file's byte order."""
    separate: bool
    """Plane after plane, rather than pixel after pixel."""
    tile: tuple[int, int]
    """Rows and columns of a strip or tile."""
    tiled: bool
    compression: int
    predictor: int
    inverted: bool
    segments: tuple[tuple[int, int], ...]
    """(offset, bytes) of each strip or tile."""

    @property
    def planes(self) -> int:
        """1 for grey, 3 for colour; alpha is left out."""
        return 3 if self.samples >= 3 else 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the stored array: planes, rows, columns, samples; either planes or samples is 1."""
        if self.separate:
            return self.samples, self.height, self.width, 1
        return 1, self.height, self.width, self.samples

    @property
    def size(self) -> int:
        """Bytes of all pixels."""
        return self.height * self.width * self.samples * self.dtype.itemsize

    def image(self, stored: npt.NDArray[np.generic], rows: slice, columns: slice) -> F32:
        """A window of the stored array, ``[row, column]`` or ``[3, row, column]``."""
        window = stored[:, rows, columns, :]
        planar = window[:, :, :, 0] if self.separate else np.moveaxis(window[0], 2, 0)
        image = to_float(planar[: self.planes] if self.planes > 1 else planar[0])
        if self.inverted:
            image = np.float32(np.iinfo(self.dtype).max) - image
        return image


def open(path: Path, index: int = 0) -> FrameReader:
    """The page of that index.

    Float values stay as they are stored, usually 0 to 1.

    Raises
    ------
    FrameError
        For a file that is damaged, unsafe, or holds no grey or RGB picture packed in a way that is read here.
    """
    with opened(path) as stream:
        length = stream.seek(0, 2)
    try:
        with tifffile.TiffFile(path) as tiff:
            if not 0 <= index < len(tiff.pages):
                raise not_an_image(
                    f"the file holds {len(tiff.pages)} pages, and number {index} was asked for"
                )
            page = tiff.pages[index].aspage()
            layout = _layout(page, tiff.byteorder, length)
            header = _header(page, layout, path)
            contiguous = bool(page.is_contiguous)
    except FrameError:
        raise
    except BROKEN as error:
        raise broken(f"the TIFF structure is damaged ({error})") from error
    if contiguous and layout.compression == NONE and layout.predictor == 1:
        return _MappedReader(header, path, layout)
    whole = slice(None)
    return DecodedReader(header, lambda: layout.image(_decode(path, layout), whole, whole))


class _MappedReader(Closing):
    """An uncompressed page, read by window straight from the file."""

    windowed = True

    def __init__(self, header: Header, path: Path, layout: _Layout) -> None:
        self.header = header
        self._layout = layout
        stored = np.memmap(path, layout.dtype, "r", layout.segments[0][0], layout.shape)
        self._stored: npt.NDArray[np.generic] | None = stored

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels ``[row, column]`` or ``[3, row, column]``."""
        if self._stored is None:
            raise ValueError("this reader is closed")
        return self._layout.image(self._stored, rows, columns)

    def close(self) -> None:
        """Let go of the file."""
        self._stored = None


# The header


def _layout(page: tifffile.TiffPage, byte_order: str, length: int) -> _Layout:
    """A page's storage, refused where it is not read, or not safe."""
    check_size(page.imagewidth, page.imagelength, page.samplesperpixel * page.imagedepth)
    _check_kind(page)
    tiled = bool(page.is_tiled)
    rows, columns = (page.tilelength, page.tilewidth) if tiled else (page.rowsperstrip, page.imagewidth)
    rows = rows if tiled else min(rows, page.imagelength)
    check_size(columns, rows, page.samplesperpixel)
    segments = tuple(zip(page.dataoffsets, page.databytecounts, strict=True))
    layout = _Layout(
        height=page.imagelength,
        width=page.imagewidth,
        samples=page.samplesperpixel,
        dtype=page.dtype.newbyteorder(byte_order),
        separate=page.planarconfig == 2 and page.samplesperpixel > 1,
        tile=(rows, columns),
        tiled=tiled,
        compression=int(page.compression),
        predictor=int(page.predictor),
        inverted=page.photometric == WHITE_IS_ZERO and page.dtype.kind in "ui",
        segments=segments,
    )
    _check_segments(layout, length)
    return layout


def _check_kind(page: tifffile.TiffPage) -> None:
    """Refuse what is no grey or RGB picture, and what is packed in a way not read here."""
    if page.photometric == CFA:
        raise not_an_image(
            "this TIFF holds a camera's RAW data", "Name it .dng and Sidera will read it as such"
        )
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) or page.imagedepth > 1:
        raise not_an_image(f"a TIFF of colour model {page.photometric!r} cannot be stacked")
    if page.samplesperpixel > 4:
        raise not_an_image(f"the page has {page.samplesperpixel} values a pixel")
    if page.dtype is None or page.dtype.kind not in "uif" or page.dtype.itemsize * 8 != page.bitspersample:
        cure = "Save it with 8, 16 or 32 bits a value, or as float"
        raise not_an_image(
            f"{page.bitspersample} bits a value of sample format {page.sampleformat} are not read", cure
        )
    if page.compression not in READ or page.fillorder != 1:
        cure = "Save it uncompressed or with Deflate (ZIP) compression"
        raise broken(
            f"TIFF compression {getattr(page.compression, 'name', page.compression)} is not read", cure
        )
    if page.predictor not in (1, 2, 3) or (page.predictor == 3) > (page.dtype.kind == "f"):
        raise broken(f"TIFF predictor {page.predictor} is not read")


def _check_segments(layout: _Layout, length: int) -> None:
    """The declared strips or tiles must cover the picture and lie in the file."""
    down, across = _grid(layout)
    wanted = down * across * (layout.samples if layout.separate else 1)
    if len(layout.segments) < wanted:
        raise broken(f"the page lists {len(layout.segments)} strips or tiles where {wanted} are needed")
    end = max(offset + count for offset, count in layout.segments)
    if end > length:
        raise broken(f"the pixels end at byte {end}, and the file has only {length}")
    packed = sum(count for _, count in layout.segments)
    if layout.compression != NONE:
        check_ratio(packed, layout.size)
    elif packed < layout.size:
        raise broken(f"the pixels take {packed} bytes where {layout.size} are needed")


def _header(page: tifffile.TiffPage, layout: _Layout, path: Path) -> Header:
    """What the file says of itself: FITS cards in its description (ASTRO-TIFF), or EXIF."""
    description = page.description[:1_000_000]
    cards = [parse_card(line) for line in description.splitlines() if line[8:9] == "="]
    bits = f"{'float' if layout.dtype.kind == 'f' else 'uint' if layout.dtype.kind == 'u' else 'int'}"
    return header_from_cards(
        cards or _exif(page),
        width=layout.width,
        height=layout.height,
        planes=layout.planes,
        path=path,
        format="TIFF",
        bits=f"{bits}{layout.dtype.itemsize * 8}",
    )


def _exif(page: tifffile.TiffPage) -> list[Card]:
    """Exposure, ISO, date and camera, where the program that wrote the file kept them."""
    exif = page.tags.valueof(EXIF)
    exif = exif if isinstance(exif, dict) else {}
    exposure, iso = exif.get("ExposureTime"), exif.get("PhotographicSensitivity")
    return exif_cards(
        exposure=exposure[0] / exposure[1] if isinstance(exposure, tuple) and exposure[1] else None,
        iso=iso if isinstance(iso, int) else None,
        date=str(exif.get("DateTimeOriginal") or page.tags.valueof(DATE) or ""),
        make=str(page.tags.valueof(MAKE) or ""),
        model=str(page.tags.valueof(MODEL) or ""),
    )


# The pixels


def _grid(layout: _Layout) -> tuple[int, int]:
    """Strips or tiles down and across."""
    return -(-layout.height // layout.tile[0]), -(-layout.width // layout.tile[1])


def _decode(path: Path, layout: _Layout) -> npt.NDArray[np.generic]:
    """Unpack all strips or tiles."""
    stored = np.empty(layout.shape, layout.dtype.newbyteorder("="))
    with opened(path) as stream:
        for index, (plane, top, left) in enumerate(_corners(layout)):
            offset, count = layout.segments[index]
            stream.seek(offset)
            block = _unpacked(stream.read(count), layout, top)
            rows, columns = layout.height - top, layout.width - left
            window = stored[plane, top : top + layout.tile[0], left : left + layout.tile[1]]
            window[:] = block[:rows, :columns]
    return stored


def _corners(layout: _Layout) -> Iterator[tuple[int, int, int]]:
    """Plane, first row and first column of each strip or tile, in the file's order."""
    for plane in range(layout.samples if layout.separate else 1):
        for top in range(0, layout.height, layout.tile[0]):
            for left in range(0, layout.width, layout.tile[1]):
                yield plane, top, left


def _unpacked(packed: bytes, layout: _Layout, top: int) -> npt.NDArray[np.generic]:
    """One strip or tile, ``[row, column, sample]``; only the last strip may be cut short."""
    rows = layout.tile[0] if layout.tiled else min(layout.tile[0], layout.height - top)
    shape = rows, layout.tile[1], 1 if layout.separate else layout.samples
    size = shape[0] * shape[1] * shape[2] * layout.dtype.itemsize
    raw = _decompressed(packed, layout.compression, size)
    if len(raw) < size:
        raise broken(f"a strip or tile unpacks to {len(raw)} bytes where {size} are needed")
    if layout.predictor == 3:
        return _unpredicted_floats(np.frombuffer(raw, np.uint8, size), shape, layout.dtype)
    block = np.frombuffer(raw, layout.dtype, size // layout.dtype.itemsize).reshape(shape)
    return _unpredicted(block) if layout.predictor == 2 else block


def _decompressed(packed: bytes, compression: int, size: int) -> bytes:
    """At most ``size`` bytes."""
    try:
        if compression == ZSTD:
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as reader:
                return bytes(reader.read(size))
        return packed if compression == NONE else zlib.decompressobj().decompress(packed, size)
    except (zlib.error, zstandard.ZstdError) as error:
        raise broken(f"the {READ[compression]} data are damaged ({error})") from error


def _unpredicted(block: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Undo the horizontal predictor: stored are differences from the pixel to the left, modulo the type."""
    native = block.dtype.newbyteorder("=")
    unsigned = np.dtype(f"u{native.itemsize}")
    differences = block.astype(native).view(unsigned)
    return np.add.accumulate(differences, axis=1, dtype=unsigned).view(native)


def _unpredicted_floats(
    raw: npt.NDArray[np.uint8], shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> npt.NDArray[np.generic]:
    """Undo the float predictor: a row holds all first bytes, all second bytes, ..., as differences."""
    rows, columns, samples = shape
    differences = raw.reshape(rows, -1, samples)
    shuffled = np.add.accumulate(differences, axis=1, dtype=np.uint8)
    planes = shuffled.reshape(rows, dtype.itemsize, columns * samples)  # most significant byte first
    joined = np.ascontiguousarray(np.moveaxis(planes, 1, 2))
    return joined.view(dtype.newbyteorder(">")).reshape(shape)
