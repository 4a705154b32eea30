"""FITS structure: 80-byte cards, header blocks and where each HDU's data lie. No pixels here.

Camera programs write headers that strict readers choke on (``EXPTIME = 6,4E-05``, unquoted dates, non-ASCII
bytes), so every card is read by the tolerant rules of `parse_card`, and only what the structure stands on is
strict. Source: FITS Standard 4.0 (Pence et al. 2010, A&A 524, A42; IAU FITS Working Group 2018), 3, 4 and 7.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sidera.errors import FrameError, Refusal
from sidera.io.decoded import MOST_HEADER
from sidera.model.header import Card

BLOCK = 2880
CARD = 80
UNIT_LIMIT = 1000
"""HDUs looked through for an image."""

Value = str | int | float | bool | None

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eEdD][+-]?\d+)?")
_HIERARCH = re.compile(r"HIERARCH\s+([^=]{1,70}?)\s*=\s*(.*)", re.IGNORECASE)


class Source(Protocol):
    """Bytes of a file, plain or unpacked on the way."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes; fewer at the end of the file."""
        ...


@dataclass(frozen=True)
class Unit:
    """One HDU: its cards, and its data's place and declared size in bytes."""

    cards: tuple[Card, ...]
    blob: bytes
    """The header as stored, without what follows END."""
    start: int
    size: int
    bitpix: int
    axes: tuple[int, ...]
    """NAXIS1 first; for a tile-compressed image the axes of the image inside."""
    kind: str
    """"image", "compressed", "table", "random groups", or the extension's own name."""


def parse_card(text: str) -> Card:
    """Read one card of 80 characters, whatever program wrote it."""
    keyword = text[:8].strip().upper()
    if keyword == "HIERARCH" and (match := _HIERARCH.match(text)):
        value, comment = parse_value(match[2])
        return Card(match[1].upper(), value, comment)
    if keyword in ("COMMENT", "HISTORY", "") or text[8:9] != "=":
        return Card(keyword, text[8:].rstrip())
    value, comment = parse_value(text[9:])
    return Card(keyword, value, comment)


def parse_value(text: str) -> tuple[Value, str]:
    """Value and comment of what follows the equals sign."""
    text = text.strip()
    if text.startswith("'"):
        return _quoted(text)
    raw, _, comment = text.partition("/")
    return plain_value(raw.strip()), comment.strip()


def plain_value(text: str) -> Value:
    """Boolean, number (Fortran's D and the decimal comma too), or the text itself: dates come unquoted."""
    if text in ("T", "F"):
        return text == "T"
    if _NUMBER.fullmatch(text):
        number = text.replace(",", ".").replace("D", "E").replace("d", "e")
        return int(number) if number.lstrip("+-").isdigit() else float(number)
    return text or None


def _quoted(text: str) -> tuple[str, str]:
    """String in quotes, where two quotes mean one; one that never closes runs to the end of the card."""
    letters, place = [], 1
    while place < len(text):
        if text[place] == "'":
            if text[place + 1 : place + 2] != "'":
                break
            place += 1
        letters.append(text[place])
        place += 1
    comment = text[place + 1 :].partition("/")[2].strip()
    return "".join(letters).rstrip(), comment


def parse_cards(blob: bytes) -> tuple[Card, ...]:
    """All cards of a header, long strings (CONTINUE) joined, blank cards left out."""
    cards: list[Card] = []
    for start in range(0, len(blob), CARD):
        card = parse_card(blob[start : start + CARD].decode("latin-1"))
        if card.keyword == "CONTINUE" and cards and isinstance(cards[-1].value, str):
            before, more = cards[-1], parse_value(str(card.value or ""))[0]
            joined = before.value.removesuffix("&") + str(more or "")  # type: ignore[union-attr]
            cards[-1] = Card(before.keyword, joined, before.comment)
        elif card.keyword or card.value:
            cards.append(card)
    return tuple(cards)


def scan(source: Source) -> Iterator[Unit]:
    """Each HDU in turn. It ends where the file does, or where no header follows.

    Raises
    ------
    FrameError
        For a header without END, one longer than 1 MiB, or one that contradicts itself.
    """
    start = 0
    for number in range(UNIT_LIMIT):
        first = source.read_at(start, CARD)
        if number and not first[:8].upper().startswith(b"XTENSION"):
            return
        blob, data = _header(source, start)
        unit = _unit(blob, data)
        yield unit
        start = data + -(-unit.size // BLOCK) * BLOCK


def _header(source: Source, start: int) -> tuple[bytes, int]:
    """A header's bytes up to END, and where its data start: at the next multiple of 2880."""
    blob = bytearray()
    while len(blob) < MOST_HEADER:
        block = source.read_at(start + len(blob), BLOCK)
        for place in range(0, len(block), CARD):
            if block[place : place + CARD].strip().upper() == b"END":
                end = len(blob) + place
                return bytes(blob + block[:place]), start + -(-(end + CARD) // BLOCK) * BLOCK
        blob += block
        if len(block) < BLOCK:
            what = f"its FITS header breaks off after {start + len(blob):,} bytes without an END card"
            raise FrameError(Refusal.UNREADABLE, what, "Copy the whole file again")
    raise FrameError(
        Refusal.UNSAFE, "its FITS header has no END card within 1 MiB", "Real headers have a few kilobytes"
    )


def _unit(blob: bytes, start: int) -> Unit:
    """Understand one header's structure."""
    cards = parse_cards(blob)
    values = first_values(cards)
    bitpix = whole(values, "BITPIX", 8)
    if bitpix not in (8, 16, 32, 64, -32, -64):
        raise FrameError(Refusal.UNREADABLE, f"BITPIX is {bitpix}", "FITS knows 8, 16, 32, 64, -32 and -64")
    axes = _axes(values, "NAXIS")
    kind = _kind(values, axes)
    if kind == "random groups":
        axes = axes[1:]
    count = math.prod(axes) if axes else 0
    size = (
        abs(bitpix) // 8 * max(1, whole(values, "GCOUNT", 1)) * (max(0, whole(values, "PCOUNT", 0)) + count)
    )
    if kind == "compressed":
        return Unit(cards, blob, start, size, whole(values, "ZBITPIX", 8), _axes(values, "ZNAXIS"), kind)
    return Unit(cards, blob, start, size, bitpix, axes, kind)


def _kind(values: dict[str, Value], axes: Sequence[int]) -> str:
    extension = str(values.get("XTENSION", "IMAGE")).upper()
    if extension in ("BINTABLE", "A3DTABLE"):
        return "compressed" if values.get("ZIMAGE") is True else "table"
    if extension == "TABLE":
        return "table"
    if extension not in ("IMAGE", "IUEIMAGE"):
        return f"{extension} extension"
    return "random groups" if axes and axes[0] == 0 and values.get("GROUPS") is True else "image"


def _axes(values: dict[str, Value], name: str) -> tuple[int, ...]:
    count = whole(values, name, 0)
    if not 0 <= count <= 999:
        raise FrameError(
            Refusal.UNREADABLE, f"{name} is {count}", "FITS knows 0 to 999 axes, an image has 2 or 3"
        )
    axes = tuple(whole(values, f"{name}{axis}", -1) for axis in range(1, count + 1))
    if any(length < 0 for length in axes):
        raise FrameError(
            Refusal.UNREADABLE, f"an axis of {axes} is missing or negative", "NAXIS1, NAXIS2 … count pixels"
        )
    return axes


def first_values(cards: Sequence[Card]) -> dict[str, Value]:
    """Keyword to value; of a repeated keyword the first counts."""
    values: dict[str, Value] = {}
    for card in cards:
        values.setdefault(card.keyword, card.value)
    return values


def whole(values: dict[str, Value], keyword: str, default: int) -> int:
    """A whole number that the structure stands on."""
    value = values.get(keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise FrameError(Refusal.UNREADABLE, f"{keyword} is {value!r}", "It must be a whole number")
    return int(value)
