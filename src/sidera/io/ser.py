"""SER films: many small frames in one file, each a frame of its own.

Source: Grischa Hahn, "SER Format Description", version 3 (2014).
"""

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sidera.errors import FrameError, Refusal, UsageError
from sidera.io.cards import header_from_cards
from sidera.io.decoded import check_size
from sidera.io.mapping import KEEPS_OPEN, MappedFile
from sidera.io.reader import Closing, span
from sidera.model.header import Card, Header
from sidera.types import F32

HEADER = struct.Struct("<14s7i40s40s40sqq")
"""Signature, LuID, ColorID, LittleEndian, width, height, depth, frames, three names, local and UTC start."""

BAYER = {8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR"}
COLOUR = {100: "RGB", 101: "BGR"}

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class Film:
    """What a SER file's header declares."""

    colour: int
    big_endian: bool
    width: int
    height: int
    depth: int
    frames: int
    """Declared."""
    held: int
    """Whole frames that the file has room for."""
    instrument: str
    telescope: str
    started: int

    @property
    def planes(self) -> int:
        """1, or 3 for RGB and BGR."""
        return 3 if self.colour in COLOUR else 1

    @property
    def word(self) -> np.dtype[Any]:
        """How one sample is stored."""
        if self.depth <= 8:
            return np.dtype("u1")
        return np.dtype(">u2" if self.big_endian else "<u2")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.width * self.height * self.planes * self.word.itemsize


class SerReader(Closing):
    """One frame of a film, memory-mapped."""

    windowed = True
    keeps_open = KEEPS_OPEN

    def __init__(self, header: Header, pixels: Pixels, mapped: MappedFile) -> None:
        self.header = header
        self._pixels: Pixels | None = pixels
        self._mapped = mapped

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels in ADU, ``[row, column]``, or ``[3, row, column]`` for RGB films."""
        if self._pixels is None:
            raise UsageError("the frame is closed", "Read its windows before")
        top, bottom = span(rows, self.header.height)
        left, right = span(columns, self.header.width)
        part = self._pixels[..., top:bottom, left:right]
        return np.array(part, np.float32, order="C")

    def close(self) -> None:
        """Unmap the film."""
        if self._pixels is not None:
            self._pixels = None
            self._mapped.close()


def count(path: Path) -> int:
    """Frames to ask for: those held, and where some are missing one more, whose error says how many."""
    with path.open("rb") as file:
        film = parse(file.read(HEADER.size), path.stat().st_size)
    return min(film.frames, film.held + 1)


def open(path: Path, index: int = 0) -> SerReader:
    """Open frame ``index`` of a film.

    Raises
    ------
    FrameError
        For a broken header, a frame that the file does not hold, or a colour filter array that is not Bayer.
    UsageError
        For an index that the film does not declare.
    """
    mapped = MappedFile(path)
    try:
        film = parse(mapped.read_at(0, HEADER.size), len(mapped))
        _check_index(film, index)
        header = _header(film, index, path, _stamp(film, index, mapped))
        return SerReader(header, _pixels(film, index, mapped), mapped)
    except BaseException:
        mapped.close()
        raise


def parse(head: bytes, size: int) -> Film:
    """Read and check the 178 bytes in front, of a file of ``size`` bytes."""
    if len(head) < HEADER.size:
        raise FrameError(
            Refusal.UNREADABLE, f"its SER header holds {len(head)} of 178 bytes", "Copy the whole file again"
        )
    _, _, colour, endian, width, height, depth, frames, _, instrument, telescope, _, started = HEADER.unpack(
        head
    )
    check_size(width, height, 3 if colour in COLOUR else 1)
    if not 1 <= depth <= 16:
        raise FrameError(Refusal.UNREADABLE, f"declares {depth} bits a sample", "SER holds 1 to 16")
    if colour != 0 and colour not in BAYER and colour not in COLOUR:
        cure = "Sidera reads mono, RGGB, GRBG, GBRG, BGGR, RGB and BGR films"
        raise FrameError(Refusal.UNREADABLE, f"its ColorID {colour} is no Bayer matrix", cure)
    if frames < 1:
        raise FrameError(
            Refusal.NOT_AN_IMAGE, f"is a SER film that declares {frames} frames", "Its recording failed"
        )
    # The specification has it the other way round, but nearly every program writes 0 for little-endian.
    film = Film(
        colour, endian != 0, width, height, depth, frames, 0, _text(instrument), _text(telescope), started
    )
    held = max(0, size - HEADER.size) // film.frame_bytes
    return Film(**{**vars(film), "held": min(held, frames)})


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("latin-1").strip()


def _check_index(film: Film, index: int) -> None:
    if not 0 <= index < film.frames:
        raise UsageError(f"the film has no frame {index}", f"It declares 0 to {film.frames - 1}")
    if index >= film.held:
        what = f"declares {film.frames:,} frames of {film.frame_bytes:,} bytes, holds {film.held:,}"
        raise FrameError(Refusal.UNREADABLE, what, "It was cut short: copy the whole file again")


def _pixels(film: Film, index: int, mapped: MappedFile) -> Pixels:
    """One frame as ``[row, column]`` or ``[3, row, column]``, uncopied."""
    samples = film.width * film.height * film.planes
    flat = np.frombuffer(mapped.view, film.word, samples, HEADER.size + index * film.frame_bytes)
    if film.planes == 1:
        return flat.reshape(film.height, film.width)
    planes = flat.reshape(film.height, film.width, 3).transpose(2, 0, 1)
    return planes[::-1] if COLOUR[film.colour] == "BGR" else planes


def _stamp(film: Film, index: int, mapped: MappedFile) -> str | None:
    """When the frame was taken: from the trailer, or for the first frame from the header."""
    place = HEADER.size + film.frames * film.frame_bytes + 8 * index
    ticks = mapped.read_at(place, 8) if film.held == film.frames else b""
    if len(ticks) == 8 and (found := moment(int.from_bytes(ticks, "little", signed=True))):
        return found
    return moment(film.started) if index == 0 else None


def moment(ticks: int) -> str | None:
    """ISO 8601 of 100-nanosecond ticks since the year 1; None for clocks that were never set."""
    try:
        when = datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None
    return when.isoformat() if when.year >= 1900 else None


def _header(film: Film, index: int, path: Path, date: str | None) -> Header:
    told = {
        "INSTRUME": film.instrument,
        "TELESCOP": film.telescope,
        "DATE-OBS": date,
        "BAYERPAT": BAYER.get(film.colour),
    }
    return header_from_cards(
        [Card(keyword, value) for keyword, value in told.items() if value],
        width=film.width,
        height=film.height,
        planes=film.planes,
        path=path,
        format="SER",
        bits="uint8" if film.depth <= 8 else "uint16",
    )
