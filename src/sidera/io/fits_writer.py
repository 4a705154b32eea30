"""FITS written: images and a table, with checksums, in chunks; the same values give the same bytes.

Astropy formats the cards. It does not write the pixels: it would swap their bytes in place, or copy them all.
Source: FITS Standard 4.0 (IAU FITS Working Group 2018), chapters 4, 7 and appendix J.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sidera.loading import loading
from sidera.model.header import Card

if TYPE_CHECKING:
    from astropy.io import fits

Value = str | int | float | bool | None

BLOCK = 2880
CHUNK = 1 << 20
"""Values converted at a time."""
COMMENTARY = ("COMMENT", "HISTORY", "")
STRUCTURE = re.compile(
    "SIMPLE|XTENSION|BITPIX|NAXIS[0-9]*|EXTEND|PCOUNT|GCOUNT|GROUPS|BZERO|BSCALE|BLANK|END|CONTINUE|LONGSTRN|"
    "CHECKSUM|DATASUM|EXTNAME|EXTVER|EXTLEVEL|INHERIT|DATAMIN|DATAMAX|THEAP|TFIELDS|"
    "T(TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)[0-9]+|"
    "Z(IMAGE|CMPTYPE|BITPIX|NAXIS[0-9]*|TILE[0-9]+|NAME[0-9]+|VAL[0-9]+|QUANTIZ|DITHER0|SIMPLE|EXTEND|TENSION|"
    "PCOUNT|GCOUNT|BLANK|SCALE|ZERO|HECKSUM|DATASUM|MASKCMP)"
)
"""Keywords that describe how a file stores its pixels: never carried into another."""
LETTERS = str.maketrans(
    {"°": "deg", "µ": "u", "μ": "u", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L"}
    | {"×": "x", "–": "-", "—": "-", "−": "-", "²": "2", "³": "3", "’": "'", "σ": "sigma"}
)
"""What Unicode's own decomposition leaves no ASCII letter of."""


@dataclass(frozen=True)
class Unit:
    """One HDU: an image (float32, uint8, int16, int32 or uint16), or a table (structured array), and its cards."""

    data: npt.NDArray[Any]
    cards: Sequence[Card] = field(default=())
    name: str = ""


def write_units(stream: BinaryIO, units: Iterable[Unit], *, first: bool = True) -> None:
    """Write the HDUs, the ``first`` as the primary one; each carries DATASUM and CHECKSUM."""
    for number, unit in enumerate(units):
        _write_unit(stream, unit, primary=first and number == 0)


def size_of(units: Iterable[Unit]) -> int:
    """Bytes the units will take, to within some blocks."""
    return sum(unit.data.nbytes + 80 * len(unit.cards) + 4 * BLOCK for unit in units)


def ascii_text(text: str) -> str:
    """Transliterated to printable ASCII; what has no likeness there is left out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(LETTERS))
    plain = "".join(" " if letter.isspace() else letter for letter in decomposed)
    return "".join(letter for letter in plain if " " <= letter <= "~")


def table(rows: Sequence[Mapping[str, Value]]) -> npt.NDArray[Any]:
    """Rows of named values as a structured array; a column's type is the widest met in it.

    A missing number is NaN, and so its column float; missing text is empty.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {ascii_text(name): _column([row.get(name) for row in rows]) for name in names}
    records = np.zeros(len(rows), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        records[name] = column
    return records


def _column(values: list[Value]) -> npt.NDArray[Any]:
    """One column in FITS's types: logical, 64-bit integer, double or text."""
    if all(isinstance(value, bool) for value in values):
        return np.array([ord("T" if value else "F") for value in values], np.uint8)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values, ">i8")
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([math.nan if value is None else float(value) for value in values], ">f8")
    return np.array(
        [b"" if value is None else ascii_text(str(value)).encode("ascii") for value in values], "S"
    )


# Cards


def fits_cards(cards: Iterable[Card], dropped: re.Pattern[str] = STRUCTURE) -> list["fits.Card"]:
    """Cards as FITS can carry them; the first of a repeated keyword stays, those ``dropped`` matches go."""
    kept, seen = [], set()
    for card in cards:
        keyword = ascii_text(card.keyword).strip().upper()
        if dropped.fullmatch(keyword) or (keyword in seen and keyword not in COMMENTARY):
            continue
        seen.add(keyword)
        kept += _fits_card(keyword, card.value, card.comment)
    return kept


def _card(keyword: str, value: Value = None, comment: str = "") -> "fits.Card":
    """Astropy's card; it loads when something is written, for who only reads need not wait for it."""
    with loading:
        from astropy.io import fits

    return fits.Card(keyword, value, comment)


def _fits_card(keyword: str, value: Value, comment: str) -> list["fits.Card"]:
    """One card, or some for a long comment."""
    if keyword in COMMENTARY:
        text = ascii_text(str(value or comment))
        return [_card(keyword, text[start : start + 72]) for start in range(0, max(len(text), 1), 72)]
    if isinstance(value, str):
        value = ascii_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        value = None  # FITS has no such numbers; a keyword without a value says "unknown"
    comment = ascii_text(comment)
    if re.fullmatch("[A-Z0-9_-]{1,8}", keyword):
        return [_short(keyword, value, comment)]
    return _hierarch(keyword, value, comment)


def _short(keyword: str, value: Value, comment: str) -> "fits.Card":
    """A card with a standard keyword; long text runs on in CONTINUE cards, else the comment is cut to fit."""
    if isinstance(value, str) and len(value.replace("'", "''")) > 60:
        return _card(keyword, value, comment)
    room = 80 - len(str(_card(keyword, value)).rstrip()) - len(" / ")
    room = min(room, 80 - 30 - len(" / "))  # values are padded to column 30
    return _card(keyword, value, comment[: max(room, 0)])


def _hierarch(keyword: str, value: Value, comment: str) -> list["fits.Card"]:
    """A card with a longer keyword (ESO's convention), its comment and then its text cut to fit."""
    keyword = "HIERARCH " + re.sub(r"[^A-Z0-9_ -]", "_", keyword)
    room = 80 - len(keyword) - len(" = ")
    if isinstance(value, str):
        value = value.replace("'", "")[: max(room - 2, 0)]
    shown = len(str(value)) + 2
    if shown > room:
        return []
    return [_card(keyword, value, comment[: max(room - shown - 3 - 8, 0)])]


# HDUs


def _write_unit(stream: BinaryIO, unit: Unit, *, primary: bool) -> None:
    """Header with checksums, data, padding."""
    total = 0
    for data in _chunks(unit.data):
        total = sum32(data, total)
    stream.write(header_of(unit, total, primary=primary))
    written = 0
    for data in _chunks(unit.data):
        written += stream.write(data)
    stream.write(bytes(-written % BLOCK))


def header_of(unit: Unit, total: int, *, primary: bool) -> bytes:
    """The header of an HDU whose data sum up to ``total``, which does not change the header's length."""
    with loading:
        from astropy.io import fits  # loads slowly, see `_card`

    cards = _structure(unit.data, primary)
    if unit.name:
        cards.append(_card("EXTNAME", unit.name))
    header = fits.Header(cards + fits_cards(unit.cards))
    header["CHECKSUM"] = ("0" * 16, "of this HDU")
    header["DATASUM"] = (str(total), "of its data")
    header["CHECKSUM"] = (_encoded(sum32(header.tostring().encode("ascii"), total)), "of this HDU")
    told: bytes = header.tostring().encode("ascii")
    return told


BITS = {"float32": -32, "uint8": 8, "int16": 16, "int32": 32, "uint16": 16}


def _structure(data: npt.NDArray[Any], primary: bool) -> list["fits.Card"]:
    """The cards that say how the data are stored."""
    if data.dtype.names is not None:
        return _table_structure(data)
    cards: list[tuple[str, Value, str]]
    cards = [("SIMPLE", True, "FITS 4.0") if primary else ("XTENSION", "IMAGE", "image")]
    cards += [("BITPIX", BITS[data.dtype.newbyteorder("=").name], "bits of a value, negative for float")]
    cards += [("NAXIS", data.ndim, "axes")]
    cards += [(f"NAXIS{number}", size, "") for number, size in enumerate(reversed(data.shape), 1)]
    cards += [("EXTEND", True, "more may follow")] if primary else [("PCOUNT", 0, ""), ("GCOUNT", 1, "")]
    if data.dtype.newbyteorder("=") == np.uint16:
        cards += [("BZERO", 32768, "values are unsigned"), ("BSCALE", 1, "")]
    return [_card(*card) for card in cards]


def _table_structure(data: npt.NDArray[Any]) -> list["fits.Card"]:
    """The same of a binary table."""
    names = data.dtype.names or ()
    cards: list[tuple[str, Value, str]] = [
        ("XTENSION", "BINTABLE", "table"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", data.dtype.itemsize, "bytes a row"),
        ("NAXIS2", data.size, "rows"),
        ("PCOUNT", 0, ""),
        ("GCOUNT", 1, ""),
        ("TFIELDS", len(names), "columns"),
    ]
    for number, name in enumerate(names, 1):
        kind = data.dtype[name]
        form = {"i": "K", "f": "D", "u": "L"}.get(kind.kind) or f"{kind.itemsize}A"
        cards += [(f"TTYPE{number}", name, ""), (f"TFORM{number}", form, "")]
    return [_card(*card) for card in cards]


def _chunks(data: npt.NDArray[Any]) -> Iterator[bytes]:
    """The data as they are stored: big-endian, unsigned shifted to signed."""
    flat = np.ascontiguousarray(data).reshape(-1)
    if data.dtype.names is not None:
        yield flat.tobytes()
        return
    for start in range(0, flat.size, CHUNK):
        values = flat[start : start + CHUNK]
        stored = values ^ np.uint16(0x8000) if values.dtype == np.uint16 else values
        yield stored.astype(stored.dtype.newbyteorder(">")).tobytes()


def sum32(data: bytes, total: int) -> int:
    """Ones' complement sum of 32-bit words, carried on from ``total``."""
    words = np.frombuffer(data + bytes(-len(data) % 4), ">u4")
    total += int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _encoded(total: int) -> str:
    """The complement of a sum as 16 letters and digits that bring the HDU's own sum to zero (appendix J)."""
    complement = 0xFFFFFFFF - total
    letters = [0] * 16
    for place in range(4):
        byte = (complement >> (24 - 8 * place)) & 0xFF
        four = [byte // 4 + 48 + byte % 4, byte // 4 + 48, byte // 4 + 48, byte // 4 + 48]
        for pair in (0, 2):  # punctuation is avoided: move one up, its partner down
            while any(not chr(code).isalnum() for code in four[pair : pair + 2]):
                four[pair] += 1
                four[pair + 1] -= 1
        for row, code in enumerate(four):
            letters[4 * row + place] = code
    return "".join(map(chr, letters[-1:] + letters[:-1]))
