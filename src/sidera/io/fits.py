"""FITS: plain (memory-mapped, read by window), gzipped, or tile-compressed."""

import gzip
import io
import math
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sidera.errors import FrameError, Refusal, UsageError
from sidera.io.cards import as_number, header_from_cards
from sidera.io.decoded import MOST_RATIO, check_size
from sidera.io.hdu import BLOCK, CARD, Source, Unit, first_values, scan, whole
from sidera.io.mapping import KEEPS_OPEN, MappedFile
from sidera.io.reader import Closing, span
from sidera.loading import load, loading
from sidera.model.header import Card, Header
from sidera.types import F32

Words = npt.NDArray[Any]
"""Stored words [plane, row, column], big-endian, seen as little-endian unsigned integers."""

_WORD = {8: "<u1", 16: "<u2", 32: "<u4", 64: "<u8", -32: "<u4", -64: "<u8"}
_STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_DECODE = {
    8: "decode_8",
    16: "decode_16",
    32: "decode_32",
    64: "decode_64",
    -32: "decode_float",
    -64: "decode_double",
}
_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|THEAP|EXTEND|EXTNAME|EXTVER|INHERIT"
    r"|T(TYPE|FORM|UNIT|SCAL|ZERO|NULL|DIM|DISP)\d+|Z(IMAGE|TENSION|BITPIX|NAXIS\d*|TILE\d+|CMPTYPE|NAME\d+|VAL\d+"
    r"|SCALE|ZERO|BLANK|QUANTIZ|DITHER0|SIMPLE|EXTEND|PCOUNT|GCOUNT|HECKSUM|DATASUM)|CHECKSUM|DATASUM"
)
_EMPTY = "a header without pixels"
RATIO_FREE = 64 << 20
"""Up to this many bytes any ratio will do: blank and simulated frames compress a thousandfold."""
_astropy = threading.Lock()
"""Silencing warnings is global to the process, so tile-compressed images are unpacked one at a time."""


@dataclass(frozen=True)
class Scaling:
    """Stored value to ADU; ``blank`` is the stored value of missing pixels, NaN for none."""

    scale: float = 1.0
    zero: float = 0.0
    blank: float = float("nan")


class FitsReader(Closing):
    """One FITS image. ``words`` gives the stored pixels, at once where the file is mapped."""

    def __init__(
        self,
        header: Header,
        unit: Unit,
        words: Callable[[], Words],
        mapped: MappedFile | None,
        path: Path | None = None,
    ) -> None:
        self.header = header
        self.windowed = mapped is not None
        self.keeps_open = KEEPS_OPEN
        self._unit = unit
        self._scaling = _scaling(unit)
        self._words: Callable[[], Words] | None = words
        self._mapped = mapped
        self._path = path
        self._size = 0 if mapped is None else len(mapped)

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels in ADU, ``[row, column]``, or ``[3, row, column]`` for colour; NaN where blank."""
        if self._words is None:
            raise UsageError("the frame is closed", "Read its windows before")
        top, bottom = span(rows, self.header.height)
        left, right = span(columns, self.header.width)
        out = np.empty((self.header.planes, bottom - top, right - left), np.float32)
        # Loads Numba, for which those who ask for headers alone need not wait.
        scaling, loop = self._scaling, getattr(load("sidera.kernels.decode"), _DECODE[self._unit.bitpix])
        for plane, target in zip(self._words(), out, strict=True):
            loop(plane, top, left, scaling.scale, scaling.zero, scaling.blank, target)
        return out if self.header.planes == 3 else out[0]

    def wake(self) -> None:
        """Map the file again after `close`, without reading its header anew.

        Raises
        ------
        FrameError
            When it is gone, or not the file that it was.
        """
        assert self._path is not None  # only what is windowed is woken
        mapped = MappedFile(self._path)
        if len(mapped) != self._size:
            mapped.close()
            raise FrameError(Refusal.UNREADABLE, "its size has changed since it was opened", "run again")
        words = _words(self._unit, mapped.view, self._unit.start)
        self._mapped, self._words = mapped, lambda: words

    def close(self) -> None:
        """Unmap the file."""
        self._words = None
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None


def open(path: Path, index: int = 0) -> FitsReader:
    """Open the first HDU that holds a 2-D image, or a 3-D one of 1 or 3 planes.

    Parameters
    ----------
    path : Path
        Plain, gzipped or tile-compressed FITS.
    index : int
        0; a FITS file is one frame.

    Raises
    ------
    FrameError
        With the reason, for a file without such an image, broken, cut short, or of absurd declared size.
    """
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return _open_gzipped(path)
    mapped = MappedFile(path)
    try:
        unit, cards = choose(mapped)
        if unit.kind == "compressed":
            blob = _held(unit, mapped.read_at(unit.start, unit.size))
            mapped.close()
            return FitsReader(_header(unit, cards, path), unit, lambda: _unpacked(unit, blob), None)
        _check_held(unit, len(mapped) - unit.start)
        words = _words(unit, mapped.view, unit.start)
        return FitsReader(_header(unit, cards, path), unit, lambda: words, mapped, path)
    except BaseException:
        mapped.close()
        raise


def _open_gzipped(path: Path) -> FitsReader:
    def read() -> Words:
        with GzippedSource(path) as source:
            blob = _held(unit, source.read_at(unit.start, unit.size))
        return _unpacked(unit, blob) if unit.kind == "compressed" else _words(unit, blob, 0)

    with GzippedSource(path) as source:
        unit, cards = choose(source)
        source.check(unit.start + unit.size)
    return FitsReader(_header(unit, cards, path, "FITS (gzip)"), unit, read, None)


class GzippedSource:
    """A gzipped file, unpacked from front to back and never further than asked."""

    def __init__(self, path: Path) -> None:
        self._limit = max(RATIO_FREE, MOST_RATIO * path.stat().st_size)
        self._file = gzip.open(path)  # noqa: SIM115 (closed by our own __exit__)

    def check(self, end: int) -> None:
        """Refuse to unpack further than a sane compression can reach."""
        if end > self._limit:
            what = f"declares {end:,} bytes, over {MOST_RATIO} times its compressed size"
            raise FrameError(Refusal.UNSAFE, what, "Unpack it with gunzip if you trust it")

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes; going back starts anew, as only header blocks do."""
        self.check(offset + count)
        self._file.seek(offset)
        return self._file.read(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def choose(source: Source) -> tuple[Unit, tuple[Card, ...]]:
    """The image to use, and its cards with the primary header's behind them.

    Raises
    ------
    FrameError
        ``NOT_AN_IMAGE`` naming all that the file does hold; ``UNSAFE`` over 4 axes or 1 Gpx.
    """
    found: list[str] = []
    primary: tuple[Card, ...] = ()
    for unit in scan(source):
        if not found and first_values(unit.cards).get("SIMPLE") is False:
            what = "says of itself that it does not conform to FITS (SIMPLE = F)"
            raise FrameError(Refusal.NOT_AN_IMAGE, what, "Export the frame again as standard FITS")
        if _is_frame(unit):
            inner = {card.keyword for card in unit.cards}
            return unit, unit.cards + tuple(card for card in primary if card.keyword not in inner)
        found.append(_described(unit))
        primary = primary or unit.cards
    something = [what for what in found if what != _EMPTY] or [_EMPTY]
    named = ", ".join(dict.fromkeys(something))
    cure = "A frame is a 2-D image, or 3-D with 1 or 3 planes"
    raise FrameError(Refusal.NOT_AN_IMAGE, f"is a FITS file that holds no 2-D image, but {named}", cure)


def _is_frame(unit: Unit) -> bool:
    if unit.kind not in ("image", "compressed"):
        return False
    if len(unit.axes) > 4:
        what = f"declares an image of {len(unit.axes)} axes"
        raise FrameError(Refusal.UNSAFE, what, "A frame is a 2-D image, or 3-D with 1 or 3 planes")
    if 0 in unit.axes or len(unit.axes) < 2:
        return False
    planes = unit.axes[2:]
    return planes in ((), (1,), (3,), (1, 1), (3, 1))


def _described(unit: Unit) -> str:
    if unit.kind not in ("image", "compressed"):
        return unit.kind if unit.kind == "random groups" else f"a {unit.kind}"
    if not unit.axes:
        return _EMPTY
    if 0 in unit.axes:
        return "an image of no pixels"
    size = " × ".join(map(str, unit.axes))
    return f"1-D data ({size} values)" if len(unit.axes) == 1 else f"a cube ({size})"


def _header(unit: Unit, cards: tuple[Card, ...], path: Path, container: str = "FITS") -> Header:
    """Check what is declared, before any allocation, and translate the cards."""
    scaling = _scaling(unit)
    applied = ("BSCALE", "BZERO", "BLANK")
    kept = tuple(
        card for card in cards if not _STRUCTURE.fullmatch(card.keyword) and card.keyword not in applied
    )
    integer = "uint" if unit.bitpix == 8 or scaling.zero > 0 else "int"
    bits = f"{'float' if unit.bitpix < 0 else integer}{abs(unit.bitpix)}"
    width, height, planes = _size(unit)
    return header_from_cards(
        kept,
        width=width,
        height=height,
        planes=planes,
        path=path,
        format="FITS (tile-compressed)" if unit.kind == "compressed" else container,
        bits=bits,
    )


def _size(unit: Unit) -> tuple[int, int, int]:
    width, height = unit.axes[:2]
    planes = unit.axes[2] if len(unit.axes) > 2 else 1
    check_size(width, height, planes)
    return width, height, planes


def _check_held(unit: Unit, held: int) -> None:
    _size(unit)
    if held < unit.size:
        what = f"declares {unit.size:,} bytes of pixels, holds {max(0, held):,}"
        cure = "It was cut short" if held > 0 else "It is a FITS header alone"
        raise FrameError(Refusal.UNREADABLE, what, f"{cure}: copy the whole file again")


def _held(unit: Unit, blob: bytes) -> bytes:
    _check_held(unit, len(blob))
    return blob


def _scaling(unit: Unit) -> Scaling:
    """BSCALE, BZERO and BLANK; blanks mean something for integers only (FITS 4.0, 4.4.2.5)."""
    values = first_values(unit.cards)

    def number(keyword: str, default: float) -> float:
        value = as_number(values.get(keyword))
        return default if value is None else value

    blank = number("BLANK", number("ZBLANK", float("nan"))) if unit.bitpix > 0 else float("nan")
    return Scaling(number("BSCALE", 1.0), number("BZERO", 0.0), blank)


def _words(unit: Unit, data: memoryview | bytes, start: int) -> Words:
    """The stored pixels, uncopied; read-only, so that each kernel is compiled once."""
    width, height, planes = _size(unit)
    flat = np.frombuffer(data, _WORD[unit.bitpix], width * height * planes, start)
    words = flat.reshape(planes, height, width)
    words.flags.writeable = False
    return words


def _unpacked(unit: Unit, blob: bytes) -> Words:
    """Pixels of a tile-compressed image, big-endian as a plain file would have them.

    Only the cards that say how the tiles are packed are shown to astropy: it refuses whole files for a
    camera's decimal comma.
    """
    with loading:
        from astropy.io import fits  # it takes half a second to load, and few files need it

    width, height, planes = _size(unit)
    if unit.size * MOST_RATIO + RATIO_FREE < width * height * planes * abs(unit.bitpix) // 8:
        what = f"declares {width} × {height} pixels in {unit.size:,} compressed bytes, over {MOST_RATIO}:1"
        raise FrameError(Refusal.UNSAFE, what, "Unpack it with funpack if you trust it")
    _check_packing(unit)
    file = _PRIMARY + _padded(_packing(unit.blob)) + blob + bytes(-len(blob) % BLOCK)
    with _astropy, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(file), do_not_scale_image_data=True, memmap=False) as units:
            image = np.asarray(units[1].data)
    if image.size != width * height * planes:
        what = f"declares {width} × {height} pixels, but its tiles hold {image.size:,}"
        raise FrameError(Refusal.UNREADABLE, what, "Unpack it with funpack, or copy it again")
    stored = image.astype(_STORED[unit.bitpix])
    words = stored.view(_WORD[unit.bitpix]).reshape(planes, height, width)
    words.flags.writeable = False
    return words


_METHODS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")
_SANE = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8), "SMOOTH": (0, 1)}


def _check_packing(unit: Unit) -> None:
    """Refuse parameters of the compression that make no sense: a negative BYTEPIX crashed the interpreter."""
    values = first_values(unit.cards)
    method = values.get("ZCMPTYPE")
    if method not in _METHODS:
        raise FrameError(Refusal.UNREADABLE, f"ZCMPTYPE is {method!r}", f"FITS knows {', '.join(_METHODS)}")
    for number in range(1, 10):
        name, value = str(values.get(f"ZNAME{number}", "")), values.get(f"ZVAL{number}")
        if name in _SANE and value not in _SANE[name]:
            raise FrameError(Refusal.UNREADABLE, f"{name} is {value!r}", f"It must be one of {_SANE[name]}")
    sides = [
        whole(values, f"ZTILE{axis}", length if axis == 1 else 1) for axis, length in enumerate(unit.axes, 1)
    ]
    if min(sides) < 1:
        raise FrameError(Refusal.UNREADABLE, f"its tiles measure {sides}", "A tile has one pixel at least")
    tiles = math.prod(-(-length // side) for length, side in zip(unit.axes, sides, strict=True))
    if tiles != whole(values, "NAXIS2", 0) or any(
        side > length for side, length in zip(sides, unit.axes, strict=True)
    ):
        what = f"its {values.get('NAXIS2')} tiles of {sides} pixels do not make up {unit.axes}"
        raise FrameError(Refusal.UNREADABLE, what, "Copy the whole file again")


def _packing(blob: bytes) -> bytes:
    cards = (blob[place : place + CARD] for place in range(0, len(blob), CARD))
    return b"".join(
        card for card in cards if _STRUCTURE.fullmatch(card[:8].decode("latin-1").strip().upper())
    )


def _padded(header: bytes) -> bytes:
    full = header + b"END".ljust(CARD)
    return full + b" " * (-len(full) % BLOCK)


_PRIMARY = _padded(b"".join(card.ljust(CARD) for card in (b"SIMPLE  = T", b"BITPIX  = 8", b"NAXIS   = 0")))
