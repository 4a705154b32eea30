"""PNG and JPEG, read; PNG written.

Pillow reduces 16-bit colour to 8 bits without a word, so PNG is decoded and encoded here (8 and 16 bits, grey
and RGB, alpha left out); Pillow decodes JPEG and the rest (palette, interlaced, under 8 bits).
Source: PNG Specification, third edition (W3C 2025), chapters 5, 7, 9 and 11.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from sidera.errors import FrameError
from sidera.io.about import About
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
from sidera.io.icc import srgb_profile
from sidera.io.reader import FrameReader
from sidera.model.header import Card
from sidera.types import F32, U8, U16

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Values a pixel of each PNG colour type: grey, RGB, palette, grey and alpha, RGB and alpha."""
SUB, UP, AVERAGE, PAETH = 1, 2, 3, 4
"""PNG's row filters: what a byte is the difference from."""
EXPOSURE, ISO, MAKE, MODEL, DATE, DATE_TAKEN, EXIF = 33434, 34855, 271, 272, 306, 36867, 34665
"""EXIF tags."""

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow was seen to raise on damaged files."""


@dataclass(frozen=True)
class _Layout:
    """What IHDR says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def plain(self) -> bool:
        """Decoded here; the others by Pillow."""
        return self.depth >= 8 and not self.interlaced and self.colour != 3

    @property
    def pixel(self) -> int:
        """Bytes a pixel."""
        return SAMPLES[self.colour] * self.depth // 8

    @property
    def planes(self) -> int:
        """1 for grey, 3 for colour."""
        return 3 if self.colour in (2, 3, 6) else 1


def open(path: Path, index: int = 0) -> FrameReader:
    """The picture in a PNG or JPEG file; values as stored, 0 to 255 or 65535.

    Raises
    ------
    FrameError
        For a file that is damaged, unsafe or of another colour model than grey and RGB.
    """
    if index:
        raise not_an_image(f"a picture holds one image, and number {index} was asked for")
    with opened(path) as stream:
        start = stream.read(33)
        length = stream.seek(0, 2)
    if start.startswith(b"\xff\xd8"):
        return _open_jpeg(path)
    return _open_png(path, _ihdr(start), length)


# PNG


def _open_png(path: Path, layout: _Layout, length: int) -> FrameReader:
    """A PNG file whose IHDR was read."""
    check_size(layout.width, layout.height, SAMPLES[layout.colour])
    check_ratio(length, layout.height * layout.width * layout.pixel)
    header = header_from_cards(
        (),
        width=layout.width,
        height=layout.height,
        planes=layout.planes,
        path=path,
        format="PNG",
        bits=f"uint{max(layout.depth, 8)}",
    )
    if layout.plain:
        return DecodedReader(header, lambda: _decode_png(path, layout))
    if layout.depth == 16:
        raise broken("interlaced 16-bit PNG is not read", "Save it without interlacing")
    return DecodedReader(header, lambda: _decode_by_pillow(path, PngImageFile, layout.planes))


def _ihdr(start: bytes) -> _Layout:
    """Size and kind of a PNG from its first 33 bytes."""
    if len(start) < 33 or start[:8] != SIGNATURE or start[12:16] != b"IHDR":
        raise broken("this is neither a PNG nor a JPEG file")
    width, height, depth, colour, method, filtering, interlaced = struct.unpack(">IIBBBBB", start[16:29])
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    if depth not in depths.get(colour, ()) or method or filtering or interlaced > 1:
        raise broken(f"a PNG of colour type {colour} with {depth} bits does not exist")
    if zlib.crc32(start[12:29]) != int.from_bytes(start[29:33], "big"):
        raise broken("the PNG's header does not match its checksum")
    return _Layout(width, height, depth, colour, bool(interlaced))


def _decode_png(path: Path, layout: _Layout) -> F32:
    """Pixels of a plain PNG, ``[row, column]`` or ``[3, row, column]``."""
    row = layout.width * layout.pixel
    size = layout.height * (row + 1)  # each row has its filter's number in front
    with opened(path) as stream:
        raw = _inflated(stream, size)
    lines = np.frombuffer(raw, np.uint8).reshape(layout.height, row + 1)
    filters, stored = lines[:, 0], lines[:, 1:].reshape(layout.height, layout.width, layout.pixel)
    if filters.max() > PAETH:
        raise broken(f"PNG row filter {filters.max()} does not exist")
    pixels = _unfiltered_rows(stored, filters) if filters.max() <= UP else _unfiltered(stored, filters)
    values = pixels.view(f">u{layout.depth // 8}")
    planar = np.moveaxis(values, 2, 0)[: layout.planes]
    return to_float(planar if layout.planes > 1 else planar[0])


def _inflated(stream: BinaryIO, size: int) -> bytes:
    """Exactly ``size`` bytes out of the IDAT chunks."""
    unpacker = zlib.decompressobj()
    raw = bytearray()
    try:
        for data in _image_data(stream):
            raw += unpacker.decompress(data, size - len(raw))
            if len(raw) >= size:
                break
    except zlib.error as error:
        raise broken(f"the PNG's pixels are damaged ({error})") from error
    if len(raw) < size:
        raise broken(f"the PNG ends after {len(raw)} of {size} bytes of pixels")
    return bytes(raw)


def _image_data(stream: BinaryIO) -> Iterator[bytes]:
    """The IDAT chunks' bytes; each must match its checksum."""
    stream.seek(len(SIGNATURE))
    while len(head := stream.read(8)) == 8:
        size, name = int.from_bytes(head[:4], "big"), head[4:]
        if name == b"IEND":
            return
        if name != b"IDAT":
            stream.seek(size + 4, 1)
            continue
        data, checksum = stream.read(size), stream.read(4)
        if len(data) < size or zlib.crc32(name + data) != int.from_bytes(checksum, "big"):
            raise broken("a part of the PNG's pixels does not match its checksum: the file is damaged")
        yield data


def _unfiltered_rows(stored: U8, filters: U8) -> U8:
    """Undo filters 0 to 2, row by row; ``stored`` is ``[row, column, byte of the pixel]``."""
    pixels = stored.copy()
    for row, kind in enumerate(filters):
        if kind == SUB:
            np.add.accumulate(stored[row], axis=0, dtype=np.uint8, out=pixels[row])
        elif kind == UP and row:
            pixels[row] += pixels[row - 1]
    return pixels


def _unfiltered(stored: U8, filters: U8) -> U8:
    """Undo all filters, diagonal by diagonal.

    A pixel is a difference from those to its left, above and above left::

        0 1 2 3      pixels of one number depend on smaller numbers alone,
        1 2 3 4      so all of them are done in one go: width + height steps
        2 3 4 5      instead of width times height
    """
    height, width, count = stored.shape
    # A row of zeros above and a column to the left stand for what lies outside.
    pixels = np.zeros((height + 1, width + 1, count), np.uint8)
    pixels[1:, 1:] = stored
    flat = pixels.reshape(-1, count)
    for step in range(width + height - 1):
        first, last = max(0, step - width + 1), min(height - 1, step)  # rows that this diagonal crosses
        start = (first + 1) * (width + 1) + step - first + 1
        stop = start + (last - first) * width + 1
        here, left = flat[start:stop:width], flat[start - 1 : stop - 1 : width]
        above = flat[start - width - 1 : stop - width - 1 : width]
        corner = flat[start - width - 2 : stop - width - 2 : width]
        here += _predicted(filters[first : last + 1, np.newaxis], left, above, corner)
    return np.ascontiguousarray(pixels[1:, 1:])


def _predicted(filters: U8, left: U8, above: U8, corner: U8) -> U8:
    """What each row's filter predicts of a pixel from its neighbours."""
    average = (left.astype(np.uint16) + above) // 2
    a, b, c = (byte.astype(np.int16) for byte in (left, above, corner))
    to_left, to_above, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    paeth = np.where(to_above <= to_corner, above, corner)
    paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left, paeth)
    choices = [np.zeros_like(left), left, above, average.astype(np.uint8), paeth]
    return np.choose(filters, choices)


# Pillow's part


def _decode_by_pillow(path: Path, plugin: type[PngImageFile] | type[JpegImageFile], planes: int) -> F32:
    """Pixels of what is not decoded here."""
    try:
        with opened(path) as stream, plugin(stream) as picture:
            values = np.asarray(picture.convert("RGB" if planes == 3 else "L"))
    except FrameError:
        raise
    except BROKEN as error:
        raise broken(f"the picture is damaged ({error})") from error
    return to_float(np.moveaxis(values, 2, 0) if planes == 3 else values)


def _open_jpeg(path: Path) -> FrameReader:
    """A JPEG file. Not by ``Image.open``, whose limit of pixels is one setting for the whole process."""
    try:
        with opened(path) as stream, JpegImageFile(stream) as picture:
            (width, height), mode = picture.size, picture.mode
            check_size(width, height, 3)
            cards = _exif(picture)
    except FrameError:
        raise
    except BROKEN as error:
        raise broken(f"the JPEG's header is damaged ({error})") from error
    if mode not in ("L", "RGB"):
        raise not_an_image(f"a JPEG of colour model {mode} cannot be stacked")
    planes = 1 if mode == "L" else 3
    header = header_from_cards(
        cards, width=width, height=height, planes=planes, path=path, format="JPEG", bits="8-bit JPEG"
    )
    return DecodedReader(header, lambda: _decode_by_pillow(path, JpegImageFile, planes))


def _exif(picture: JpegImageFile) -> list[Card]:
    """Exposure, ISO, date and camera."""
    exif = picture.getexif()
    details = exif.get_ifd(EXIF)
    exposure, iso = details.get(EXPOSURE), details.get(ISO)
    return exif_cards(
        exposure=float(exposure) if exposure else None,
        iso=float(iso) if isinstance(iso, int) else None,
        date=str(details.get(DATE_TAKEN) or exif.get(DATE) or ""),
        make=str(exif.get(MAKE) or ""),
        model=str(exif.get(MODEL) or ""),
    )


# The writer


def write_png(stream: BinaryIO, values: U8 | U16, about: About | None = None) -> None:
    """Write an sRGB picture.

    Parameters
    ----------
    stream : binary file
        Where to; need not be seekable.
    values : uint8 or uint16 array, shape (rows, columns) or (3, rows, columns)
        Top row first.
    about : About, optional
        What the file says of itself.
    """
    pixels = values[..., np.newaxis] if values.ndim == 2 else np.moveaxis(values, 0, 2)
    height, width, samples = pixels.shape
    depth = values.dtype.itemsize * 8
    colour = 2 if samples == 3 else 0
    stream.write(SIGNATURE)
    _write_chunk(stream, b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    profile = zlib.compress(srgb_profile(grey=samples == 1), 9)
    _write_chunk(stream, b"iCCP", b"sRGB\0\0" + profile)
    for keyword, words in _told(about or About()):
        _write_text(stream, keyword, words)
    packer = zlib.compressobj(4)
    for data in _filtered_rows(pixels):
        _write_chunk(stream, b"IDAT", packer.compress(data))
    _write_chunk(stream, b"IDAT", packer.flush())
    _write_chunk(stream, b"IEND", b"")


def _told(about: About) -> Iterator[tuple[str, str]]:
    """The format's own keywords (clause 11.3.3.1), those of which something is known."""
    yield "Software", about.software
    if about.title:
        yield "Title", about.title
    if about.exposure is not None:
        yield "Exposure", f"{about.exposure:g} s"
    if about.date:
        yield "Creation Time", about.date
    if about.details:
        yield "Description", about.text()


def _write_text(stream: BinaryIO, keyword: str, words: str) -> None:
    """Latin-1 where that is enough, for the many programs that read no other; else UTF-8."""
    name, words = keyword.encode("ascii"), words.replace("\0", " ")
    try:
        _write_chunk(stream, b"tEXt", name + b"\0" + words.encode("latin-1"))
    except UnicodeEncodeError:
        data = words.encode("utf-8", "replace")
        _write_chunk(stream, b"iTXt", name + b"\0\0\0\0\0" + data)


def _filtered_rows(pixels: npt.NDArray[np.unsignedinteger]) -> Iterator[bytes]:
    """Each row as its difference from the row above, 256 rows at a time."""
    height = pixels.shape[0]
    above = np.zeros((1, pixels[0].nbytes), np.uint8)
    for top in range(0, height, 256):
        block = np.ascontiguousarray(pixels[top : top + 256], f">u{pixels.dtype.itemsize}")
        rows = block.view(np.uint8).reshape(block.shape[0], -1)
        lines = np.full((rows.shape[0], rows.shape[1] + 1), UP, np.uint8)
        lines[:, 1:] = rows - np.concatenate((above, rows[:-1]))
        above = rows[-1:]
        yield lines.tobytes()


def _write_chunk(stream: BinaryIO, name: bytes, data: bytes) -> None:
    """Length, name, data, checksum; a chunk without data only where the format wants one."""
    if data or name == b"IEND":
        stream.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
