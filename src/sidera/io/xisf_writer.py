"""XISF written: one image a file, in 32-bit float, from the public specification (XISF 1.0, 2017)."""

import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO, Literal
from xml.etree import ElementTree

import lz4.block
import numpy as np
import zstandard

from sidera.model.header import Bayer, Card
from sidera.types import F32

Compression = Literal["none", "zlib", "lz4", "zstd"]

SIGNATURE = b"XISF0100"
NAMESPACE = "http://www.pixinsight.com/xisf"
ALIGNMENT = 4096
"""Blocks start at multiples of this, so that they can be memory-mapped."""


def write_xisf(
    stream: BinaryIO,
    image: F32,
    cards: Sequence[Card] = (),
    *,
    bayer: Bayer | None = None,
    bounds: tuple[float, float] | None = None,
    compression: Compression = "none",
) -> None:
    """Write one float32 image.

    Parameters
    ----------
    stream : binary file
        Where to; need not be seekable.
    image : float32 array, shape (rows, columns) or (3, rows, columns)
        Linear pixels; NaN stays NaN.
    cards : sequence of Card
        Become FITSKeyword elements.
    bounds : pair of float or None
        What is black and what is white; the finite minimum and maximum where None.
    compression : {"none", "zlib", "lz4", "zstd"}
        With byte shuffling, as floats pack badly without.
    """
    planar = image[np.newaxis] if image.ndim == 2 else image
    channels, height, width = planar.shape
    raw = np.ascontiguousarray(planar, "<f4").tobytes()
    element = ElementTree.Element("Image", {"id": "integration", "geometry": f"{width}:{height}:{channels}"})
    element.set("sampleFormat", "Float32")
    element.set("bounds", "{!r}:{!r}".format(*(bounds or _span(planar))))
    element.set("colorSpace", "Gray" if channels == 1 else "RGB")
    if compression != "none":
        element.set("compression", f"{compression}+sh:{len(raw)}:4")
        raw = _compressed(_shuffled(raw, 4), compression)
    if bayer is not None:
        cells = {"pattern": bayer.value, "width": "2", "height": "2"}
        ElementTree.SubElement(element, "ColorFilterArray", cells)
    for card in cards:
        ElementTree.SubElement(element, "FITSKeyword", _keyword_attributes(card))
    head, offset = _placed(element, len(raw))
    stream.write(head)
    stream.write(bytes(offset - len(head)))
    stream.write(raw)


def _span(image: F32) -> tuple[float, float]:
    """Finite minimum and maximum, the second always the greater."""
    finite = np.isfinite(image)
    if not finite.any():
        return 0.0, 1.0
    low = float(image.min(where=finite, initial=np.inf))
    high = float(image.max(where=finite, initial=-np.inf))
    return low, high if high > low else low + 1.0


def _compressed(raw: bytes, codec: str) -> bytes:
    """A block as one part."""
    if codec == "zlib":
        return zlib.compress(raw, 6)
    if codec == "lz4":
        return bytes(lz4.block.compress(raw, store_size=False))
    return bytes(zstandard.ZstdCompressor(level=3).compress(raw))


def _placed(element: ElementTree.Element, size: int) -> tuple[bytes, int]:
    """Signature and XML header, and the aligned place of the block, whose number stands in that header."""
    root = ElementTree.Element("xisf", {"version": "1.0", "xmlns": NAMESPACE})
    root.append(element)
    metadata = ElementTree.SubElement(root, "Metadata")
    name = {"id": "XISF:CreatorApplication", "type": "String"}
    creator = ElementTree.SubElement(metadata, "Property", name)
    creator.text = "Sidera"
    offset = 0
    while True:  # the number's own length moves the block at most once
        element.set("location", f"attachment:{offset}:{size}")
        xml = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8")
        aligned = -(-(16 + len(xml)) // ALIGNMENT) * ALIGNMENT
        if aligned <= offset:
            return SIGNATURE + struct.pack("<II", len(xml), 0) + xml, offset
        offset = aligned


def _keyword_attributes(card: Card) -> dict[str, str]:
    """A card as XISF has it: text in quotes, truth as T or F."""
    value = card.value
    if card.keyword in ("HISTORY", "COMMENT", ""):
        return {"name": card.keyword, "value": "", "comment": _xml_text(str(value or ""))}
    if value is None:
        text = ""
    elif isinstance(value, bool):
        text = "T" if value else "F"
    elif isinstance(value, str):
        text = "'" + _xml_text(value).replace("'", "''") + "'"
    else:
        text = repr(value)
    return {"name": _xml_text(card.keyword), "value": text, "comment": _xml_text(card.comment)}


def _xml_text(text: str) -> str:
    """Without the control characters and surrogates that XML cannot carry."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _shuffled(raw: bytes, item: int) -> bytes:
    """All first bytes of the items, then all second bytes, and so on: like with like packs better."""
    count = len(raw) // item
    items = np.frombuffer(raw, np.uint8, count * item).reshape(count, item)
    return np.ascontiguousarray(items.T).tobytes() + raw[count * item :]
