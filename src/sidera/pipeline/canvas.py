"""Where the output arrays of a stack lie: in memory, or in the result's own file, and then a killed run goes on.

::

    .m31.fits.<key>.sidera-part            the result, of its final size, filled tile by tile
    .m31.fits.<key>.sidera-part.journal    how many tiles are done, their sums, and each frame's counts

The key holds everything that pixels depend on, so what is found under it is this very run's.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from sidera.integration.combine import Combined
from sidera.io.fits_canvas import FitsCanvas, blank
from sidera.io.write import stack_units
from sidera.model.stack import Stack
from sidera.pipeline.tiles import Tile
from sidera.types import F32, I64

PAUSE = 0.5
"""Seconds between two entries in the journal: a run that is killed loses no more work than that."""


@dataclass(frozen=True)
class Maps:
    """The output arrays, ``[channel, row, column]``; tiles are written into them by any thread."""

    image: F32
    noise: F32
    weight: F32
    coverage: npt.NDArray[Any]
    low: npt.NDArray[Any]
    high: npt.NDArray[Any]
    odd: F32 | None = None
    even: F32 | None = None

    def put(self, channel: int, tile: Tile, got: Combined, halves: Sequence[F32]) -> None:
        """Write one channel of a tile."""
        area = (channel, *tile.area)
        self.image[area], self.noise[area], self.weight[area] = got.mean, got.noise, got.weight
        self.coverage[area], self.low[area], self.high[area] = (
            got.coverage,
            got.rejected_low,
            got.rejected_high,
        )
        for plane, half in zip((self.odd, self.even), halves, strict=False):
            assert plane is not None  # halves are made where they were asked for
            plane[area] = half

    def sum_of(self, tile: Tile) -> int:
        """A number that tells whether a tile's values are those that were written."""
        return sum(_words(plane[:, *tile.area]) for plane in self.planes()) & (2**63 - 1)

    def planes(self) -> list[npt.NDArray[Any]]:
        """The arrays that there are."""
        return [plane for plane in vars(self).values() if plane is not None]


def _words(plane: npt.NDArray[Any]) -> int:
    return int(plane.view(f"u{plane.dtype.itemsize}").sum(dtype=np.uint64))


def count_type(frames: int) -> npt.DTypeLike:
    """The smallest type of FITS that counts so many frames without an offset."""
    return np.uint8 if frames <= 255 else np.int16 if frames <= 32767 else np.int32


class Canvas(Protocol):
    """Takes tiles in order, and gives the stack in the end."""

    maps: Maps
    path: Path | None
    """The file that the stack is written to, if it is."""

    def begun(self, tiles: Sequence[Tile]) -> tuple[int, I64 | None]:
        """How many of the tiles are done already, and the frames' counts of those."""

    def done(self, tiles: Sequence[Tile], counts: I64) -> None:
        """The tiles up to the last of these are done, with so many samples counted."""

    def finish(self, stack: Stack) -> Stack:
        """The stack with its pixels; ``stack`` says all the rest."""

    def discard(self) -> None:
        """Nothing is to be kept."""


class MemoryCanvas:
    """Arrays of the process, for Python and for formats that are written from a whole image."""

    path: Path | None = None

    def __init__(self, shape: tuple[int, int, int], frames: int, halves: bool) -> None:
        floats = [np.empty(shape, np.float32) for _ in range(3)]
        counts = [np.empty(shape, count_type(frames)) for _ in range(3)]
        split = [np.empty(shape, np.float32) for _ in range(2 if halves else 0)]
        self.maps = Maps(*floats, *counts, *split)

    def begun(self, tiles: Sequence[Tile]) -> tuple[int, I64 | None]:
        """Never any."""
        return 0, None

    def done(self, tiles: Sequence[Tile], counts: I64) -> None:
        """Nothing outlives the process."""

    def finish(self, stack: Stack) -> Stack:
        """The arrays themselves."""
        return with_pixels(stack, self.maps.planes())

    def discard(self) -> None:
        """Arrays go by themselves."""


class FileCanvas:
    """Arrays of the result's own FITS file."""

    def __init__(
        self, target: Path, key: str, stack: Stack, shape: tuple[int, int, int], halves: bool
    ) -> None:
        """Reserve the file's room, or find what a run with this key left behind; errors as `FitsCanvas`."""
        flat = shape if shape[0] == 3 else shape[1:]
        kinds = [np.float32] * 3 + [count_type(len(stack.table))] * 3 + [np.float32] * (2 if halves else 0)
        units = stack_units(with_pixels(stack, [blank(flat, kind) for kind in kinds]))[: len(kinds)]
        self._file = FitsCanvas(target, key, units)
        self.path: Path | None = self._file.target
        self._journal = Journal(self._file.path.with_name(f"{self._file.path.name}.journal"))
        self.maps = Maps(*(array.reshape(shape) for array in self._file.arrays))

    def begun(self, tiles: Sequence[Tile]) -> tuple[int, I64 | None]:
        """What the journal says, where the pixels bear it out."""
        entry = self._journal.read() if self._file.resumed else None
        if entry is None or entry.sums != [self.maps.sum_of(tile) for tile in tiles[: len(entry.sums)]]:
            return 0, None
        self._journal.sums = entry.sums
        return len(entry.sums), np.array(entry.counts, np.int64).reshape(-1, 2)

    def done(self, tiles: Sequence[Tile], counts: I64) -> None:
        """Note it, if it is time."""
        self._journal.note([self.maps.sum_of(tile) for tile in tiles], counts)

    def finish(self, stack: Stack) -> Stack:
        """Give the file its name; the stack's arrays are read from it, page by page."""
        whole = stack_units(with_pixels(stack, self.maps.planes()))
        del self.maps
        self._file.finish(whole)
        self._journal.remove()
        return with_pixels(stack, self._file.mapped())

    def discard(self) -> None:
        """Remove the file and its journal."""
        self._file.discard()
        self._journal.remove()


def with_pixels(stack: Stack, planes: Sequence[npt.NDArray[Any]]) -> Stack:
    """A stack that has these arrays, in the order of `Maps`; one channel loses its axis."""
    flat = [one[0] if one.ndim == 3 and len(one) == 1 else one for one in planes]
    image, noise, weight, coverage, low, high = flat[:6]
    halves = (flat[6], flat[7]) if len(flat) == 8 else None
    return replace(
        stack,
        image=image,
        noise=noise,
        weight=weight,
        coverage=coverage,
        rejected_low=low,
        rejected_high=high,
        halves=halves,
    )


class Entry(msgspec.Struct):
    """Sums of the tiles that are done, and [frame, 2] counts, flattened."""

    sums: list[int]
    counts: list[int]


class Journal:
    """How far a run got, in a small file that is always whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums: list[int] = []
        self._last = 0.0

    def read(self) -> Entry | None:
        """The last entry; None where there is none that can be read."""
        try:
            return msgspec.msgpack.decode(self.path.read_bytes(), type=Entry)
        except (OSError, msgspec.MsgspecError):
            return None

    def note(self, sums: Sequence[int], counts: I64) -> None:
        """Add tiles; written where the last entry is old enough. It helps who is killed, and may fail."""
        self.sums += sums
        if time.monotonic() - self._last < PAUSE:
            return
        self._last = time.monotonic()
        temporary = self.path.with_suffix(".tmp")
        try:
            temporary.write_bytes(msgspec.msgpack.encode(Entry(self.sums, counts.ravel().tolist())))
            os.replace(temporary, self.path)
        except OSError:
            temporary.unlink(missing_ok=True)

    def remove(self) -> None:
        """Done with."""
        self.path.unlink(missing_ok=True)
