"""XISF, PixInsight's format: read from its public specification (XISF 1.0, 2017)."""

import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal
from xml.etree import ElementTree

import lz4.block
import numpy as np
import numpy.typing as npt
import zstandard

from sidera.io.cards import header_from_cards
from sidera.io.decoded import (
    MOST_HEADER,
    DecodedReader,
    broken,
    check_ratio,
    check_size,
    not_an_image,
    opened,
    to_float,
    unsafe,
)
from sidera.io.hdu import plain_value
from sidera.io.reader import Closing, FrameReader
from sidera.model.header import Bayer, Card, Header
from sidera.types import F32

Raw = bytes | memoryview

SIGNATURE = b"XISF0100"
FORMATS: dict[str, np.dtype[Any]] = {
    "UInt8": np.dtype("u1"),
    "UInt16": np.dtype("u2"),
    "UInt32": np.dtype("u4"),
    "UInt64": np.dtype("u8"),
    "Float32": np.dtype("f4"),
    "Float64": np.dtype("f8"),
}
PLANES = {"Gray": 1, "RGB": 3}
HASHES = {
    "sha-1": "sha1",
    "sha1": "sha1",
    "sha-256": "sha256",
    "sha256": "sha256",
    "sha-512": "sha512",
    "sha512": "sha512",
    "sha3-256": "sha3_256",
    "sha3-512": "sha3_512",
}
"""Names of checksums in XISF, and in hashlib."""

PROPERTIES = {
    "Instrument:ExposureTime": ("EXPTIME", 1.0),
    "Instrument:Camera:Name": ("INSTRUME", 1.0),
    "Instrument:Camera:Gain": ("EGAIN", 1.0),
    "Instrument:Camera:ISOSpeed": ("GAIN", 1.0),
    "Instrument:Camera:XBinning": ("XBINNING", 1.0),
    "Instrument:Camera:YBinning": ("YBINNING", 1.0),
    "Instrument:Sensor:Temperature": ("CCD-TEMP", 1.0),
    "Instrument:Sensor:XPixelSize": ("XPIXSZ", 1.0),
    "Instrument:Sensor:YPixelSize": ("YPIXSZ", 1.0),
    "Instrument:Telescope:Name": ("TELESCOP", 1.0),
    "Instrument:Telescope:FocalLength": ("FOCALLEN", 1000.0),  # metres in XISF, millimetres in FITS
    "Instrument:Filter:Name": ("FILTER", 1.0),
    "Observation:Object:Name": ("OBJECT", 1.0),
    "Observation:Time:Start": ("DATE-OBS", 1.0),
    "Observation:Center:RA": ("RA", 1.0),
    "Observation:Center:Dec": ("DEC", 1.0),
}
"""XISF property, the FITS keyword of the same meaning, and the factor between their units."""


@dataclass(frozen=True)
class _Block:
    """Where the pixels are and how they were packed."""

    size: int
    """Bytes they take when unpacked."""
    offset: int | None
    """Place in the file; None when they stand in the XML itself."""
    packed: bytes | int
    """The bytes in the XML, or their number in the file."""
    codec: str = ""
    shuffle: int = 0
    """Bytes of an item whose bytes were shuffled; 0 for not shuffled."""
    parts: tuple[tuple[int, int], ...] = ()
    """(packed, unpacked) bytes of each block compressed on its own."""
    checksum: str = ""


@dataclass(frozen=True)
class _Layout:
    """How to make an image of the unpacked bytes."""

    width: int
    height: int
    channels: int
    planes: int
    """Channels that are colour; those after them are alpha, and left out."""
    dtype: np.dtype[Any]
    interleaved: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the stored array."""
        if self.interleaved:
            return self.height, self.width, self.channels
        return self.channels, self.height, self.width

    def image(self, stored: npt.NDArray[np.generic], rows: slice, columns: slice) -> F32:
        """A window of the stored array, ``[row, column]`` or ``[3, row, column]``."""
        planar = np.moveaxis(stored, 2, 0) if self.interleaved else stored
        window = planar[: self.planes, rows, columns]
        return to_float(window if self.planes > 1 else window[0])


def open(path: Path, index: int = 0) -> FrameReader:
    """The image of that index; the header is read now, the pixels later.

    Raises
    ------
    FrameError
        For a file that is broken, unsafe or holds no such image.
    """
    with opened(path) as stream:
        images = _images(_read_xml(stream))
        length = stream.seek(0, 2)
    if not 0 <= index < len(images):
        raise not_an_image(f"the file holds {len(images)} images, and number {index} was asked for")
    element = images[index]
    layout = _layout(element)
    block = _block(element, layout, length)
    header = _header(element, layout, path)
    if block.codec or block.checksum or block.offset is None:
        whole = slice(None)
        return DecodedReader(header, lambda: layout.image(_decode(path, block, layout), whole, whole))
    return _MappedReader(header, path, block.offset, layout)


class _MappedReader(Closing):
    """An uncompressed image, read by window straight from the file."""

    windowed = True

    def __init__(self, header: Header, path: Path, offset: int, layout: _Layout) -> None:
        self.header = header
        self._layout = layout
        stored = np.memmap(path, layout.dtype, "r", offset, layout.shape)
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


def _read_xml(stream: BinaryIO) -> ElementTree.Element:
    """The XML header, refused if it is not safe to parse."""
    start = stream.read(16)
    if len(start) < 16 or start[:8] != SIGNATURE:
        raise broken(f"an XISF file starts with XISF0100, this one with {start[:8]!r}")
    (length,) = struct.unpack("<I", start[8:12])
    if length > MOST_HEADER:
        raise unsafe(f"the XISF header claims {length} bytes; the limit is {MOST_HEADER}")
    raw = stream.read(length)
    if len(raw) < length:
        raise broken(f"the file ends within its XISF header, after {len(raw)} of {length} bytes")
    try:
        text = raw.rstrip(b"\0").decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities can expand without end, or name other files
            raise unsafe("the XISF header defines XML entities")
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise broken(f"the XISF header is not sound XML ({error})") from error


def _name(element: ElementTree.Element) -> str:
    """Tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _images(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The images of a file, not their thumbnails."""
    if _name(root) != "xisf":
        raise broken(f"the XISF header's root is {_name(root)!r}, not 'xisf'")
    return [element for element in root if _name(element) == "Image"]


def _layout(element: ElementTree.Element) -> _Layout:
    """Size, number type and storage of an image."""
    geometry = element.get("geometry", "")
    if not re.fullmatch(r"\d{1,9}(:\d{1,9})+", geometry):
        raise broken(f"the image's geometry is {geometry!r}, not width:height:channels")
    sizes = [int(size) for size in geometry.split(":")]
    if len(sizes) != 3:
        raise not_an_image(f"the image has {len(sizes) - 1} axes (geometry {geometry})")
    width, height, channels = sizes
    check_size(width, height, channels)
    kind = element.get("sampleFormat", "")
    if kind not in FORMATS:
        raise not_an_image(f"pixels of type {kind!r} cannot be stacked", f"Sidera reads {', '.join(FORMATS)}")
    space = element.get("colorSpace", "Gray")
    if space not in PLANES:
        raise not_an_image(f"the colour space {space!r} cannot be stacked")
    if channels < PLANES[space]:
        raise broken(f"an image in {space} has {channels} channels")
    order: Literal["<", ">"] = ">" if element.get("byteOrder", "little") == "big" else "<"
    storage = element.get("pixelStorage", "Planar")
    if storage not in ("Planar", "Normal"):
        raise broken(f"pixel storage {storage!r} is not known")
    dtype = FORMATS[kind].newbyteorder(order)
    return _Layout(width, height, channels, PLANES[space], dtype, storage == "Normal")


def _block(element: ElementTree.Element, layout: _Layout, length: int) -> _Block:
    """Where the pixels are; their declared sizes are checked against the geometry and the file."""
    size = int(np.prod(layout.shape, dtype=object)) * layout.dtype.itemsize
    where, attributes = element.get("location", ""), element
    kind, _, rest = where.partition(":")
    offset: int | None = None
    packed: bytes | int
    if kind == "attachment" and re.fullmatch(r"\d{1,18}:\d{1,18}", rest):
        offset, packed = (int(number) for number in rest.split(":"))
        if offset + packed > length:
            raise broken(f"the pixels end at byte {offset + packed}, and the file has only {length}")
    elif kind == "inline":
        packed = _text_bytes(element.text, rest)
    elif kind == "embedded":
        attributes = next((child for child in element if _name(child) == "Data"), element)
        packed = _text_bytes(attributes.text, attributes.get("encoding", ""))
    else:
        raise broken(f"the pixels' location is {where!r}", "Sidera reads pixels that are in the file itself")
    count = packed if isinstance(packed, int) else len(packed)
    codec, shuffle, parts = _compression(attributes, count, size)
    if not codec and count != size:
        raise broken(f"the pixels take {count} bytes where the geometry needs {size}")
    return _Block(size, offset, packed, codec, shuffle, parts, attributes.get("checksum", ""))


def _text_bytes(text: str | None, encoding: str) -> bytes:
    """Bytes written as base64 or hexadecimal within the XML."""
    try:
        squeezed = "".join((text or "").split())
        return bytes.fromhex(squeezed) if encoding == "hex" else base64.b64decode(squeezed, validate=True)
    except (ValueError, binascii.Error) as error:
        raise broken(f"the pixels within the XISF header are not sound {encoding} ({error})") from error


def _compression(
    element: ElementTree.Element, packed: int, size: int
) -> tuple[str, int, tuple[tuple[int, int], ...]]:
    """Codec, bytes of a shuffled item (0: not shuffled), and the parts that were compressed one by one."""
    text = element.get("compression", "")
    if not text:
        return "", 0, ()
    match = re.fullmatch(r"(zlib|lz4hc|lz4|zstd)(\+sh)?:(\d{1,18})(?::(\d{1,3}))?", text)
    if match is None:
        raise broken(f"the compression {text!r} is not known", "Sidera reads zlib, lz4, lz4hc and zstd")
    if int(match[3]) != size:
        raise broken(f"compressed pixels claim {match[3]} bytes where the geometry needs {size}")
    check_ratio(packed, size)
    shuffle = int(match[4] or 1) if match[2] else 0
    return match[1], shuffle, _parts(element.get("subblocks", ""), packed, size)


def _parts(text: str, packed: int, size: int) -> tuple[tuple[int, int], ...]:
    """Sizes (packed, unpacked) of each part; they must add up."""
    if not text:
        return ((packed, size),)
    if not re.fullmatch(r"\d{1,18},\d{1,18}(:\d{1,18},\d{1,18})*", text):
        raise broken(f"the sub-blocks are {text[:80]!r}, not packed,unpacked:...")
    pairs = [pair.split(",") for pair in text.split(":")]
    parts = tuple((int(one), int(other)) for one, other in pairs)
    if sum(one for one, _ in parts) != packed or sum(other for _, other in parts) != size:
        raise broken("the sub-blocks' sizes do not add up to the block's")
    return parts


def _header(element: ElementTree.Element, layout: _Layout, path: Path) -> Header:
    """What the file says of the image."""
    cards = [_card(child) for child in element if _name(child) == "FITSKeyword"]
    cards += _property_cards(element, {card.keyword for card in cards})
    overrides: dict[str, object] = {}
    pattern = next((child for child in element if _name(child) == "ColorFilterArray"), None)
    if pattern is not None and layout.planes == 1:
        overrides["bayer"] = _bayer(pattern)
    if layout.dtype.kind == "f" and (top := _upper_bound(element.get("bounds", ""))) is not None:
        overrides["saturation"] = top
    return header_from_cards(
        cards,
        width=layout.width,
        height=layout.height,
        planes=layout.planes,
        path=path,
        format="XISF",
        bits=element.get("sampleFormat", "").lower(),
        **overrides,
    )


def _bayer(element: ElementTree.Element) -> Bayer:
    """The colour filter array, which XISF names from the first stored pixel."""
    name, size = element.get("pattern", ""), (element.get("width"), element.get("height"))
    if name not in Bayer.__members__ or size != ("2", "2"):
        cure = "Sidera reads RGGB, BGGR, GRBG and GBRG"
        raise broken(f"the colour filter array {name[:40]!r} ({size[0]} x {size[1]}) is not read yet", cure)
    return Bayer[name]


def _upper_bound(bounds: str) -> float | None:
    """The value that is white in a float image."""
    try:
        return float(bounds.partition(":")[2])
    except ValueError:
        return None


def _card(element: ElementTree.Element) -> Card:
    """A FITS card; HISTORY and COMMENT keep their text in the comment here, and as the value in FITS."""
    keyword = element.get("name", "").strip().upper()
    value, comment = element.get("value", ""), element.get("comment", "").strip()
    if keyword in ("HISTORY", "COMMENT", "") and not value.strip():
        return Card(keyword, comment)
    return Card(keyword, _value(value), comment)


def _value(text: str) -> str | int | float | bool | None:
    """A value as FITS writes it; what is no number and has no quotes is text all the same."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'").rstrip()
    return plain_value(text)


def _property_cards(element: ElementTree.Element, known: set[str]) -> Iterator[Card]:
    """Cards for what stands in XISF's own properties only."""
    kind = element.get("imageType")
    if kind and not known & {"IMAGETYP", "FRAME"}:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind)  # MasterDark -> Master Dark
        yield Card("IMAGETYP", spaced, "imageType")
    for child in element:
        keyword, factor = PROPERTIES.get(child.get("id", ""), ("", 1.0))
        if _name(child) != "Property" or not keyword or keyword in known:
            continue
        value = _value(child.get("value") or child.text or "")
        if isinstance(value, float | int) and factor != 1.0:
            value = value * factor
        if value is not None:
            yield Card(keyword, value, child.get("id", ""))


# The pixels


def _decode(path: Path, block: _Block, layout: _Layout) -> npt.NDArray[np.generic]:
    """Unpack a block: checksum, decompress, unshuffle."""
    packed = block.packed if isinstance(block.packed, bytes) else _read(path, block.offset or 0, block.packed)
    _check_hash(packed, block.checksum)
    raw: Raw = _decompress(packed, block) if block.codec else packed
    if block.shuffle > 1:
        raw = _unshuffled(raw, block.shuffle)
    return np.frombuffer(raw, layout.dtype).reshape(layout.shape)


def _read(path: Path, offset: int, size: int) -> bytes:
    """Bytes of a file."""
    with opened(path) as stream:
        stream.seek(offset)
        packed = stream.read(size)
    if len(packed) < size:
        raise broken(f"the file ends within the pixels, after {len(packed)} of {size} bytes")
    return packed


def _check_hash(packed: bytes, checksum: str) -> None:
    """Refuse pixels that are not those whose checksum the writer noted."""
    kind, _, digest = checksum.partition(":")
    name = HASHES.get(kind.strip().lower())
    if name and hashlib.new(name, packed).hexdigest() != digest.strip().lower():
        raise broken(f"the pixels do not match their {kind} checksum: the file is damaged")


def _decompress(packed: bytes, block: _Block) -> bytes:
    """Unpack part by part, never more than what was declared."""
    pieces, start, view = [], 0, memoryview(packed)
    for size, unpacked in block.parts:
        piece = _decompress_part(view[start : start + size], block.codec, unpacked)
        if len(piece) != unpacked:
            raise broken(f"{block.codec} data unpack to {len(piece)} bytes where {unpacked} were declared")
        pieces.append(piece)
        start += size
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _decompress_part(packed: memoryview, codec: str, size: int) -> bytes:
    """At most ``size`` + 1 bytes, so that a lie is noticed and costs nothing."""
    try:
        if codec == "zlib":
            return zlib.decompressobj().decompress(packed, size + 1)
        if codec == "zstd":
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as reader:
                return bytes(reader.read(size + 1))
        return bytes(lz4.block.decompress(packed, uncompressed_size=size))
    except (zlib.error, zstandard.ZstdError, lz4.block.LZ4BlockError, ValueError, MemoryError) as error:
        raise broken(f"the {codec} data are damaged ({error})") from error


def _unshuffled(raw: Raw, item: int) -> Raw:
    """Bytes in the order of the items; stored were all first bytes, then all second bytes, and so on."""
    count = len(raw) // item
    planes = np.frombuffer(raw, np.uint8, count * item).reshape(item, count)
    return np.ascontiguousarray(planes.T).tobytes() + bytes(raw[count * item :])
