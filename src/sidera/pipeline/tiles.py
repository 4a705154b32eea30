"""How the output is cut, and how much fits in memory at once."""

from collections.abc import Iterator
from dataclasses import dataclass

LATTICE = 64
"""Tiles begin at multiples of this in output coordinates, whatever the budget, so that results never depend on it."""
SIDES = {512: 192 << 20, 256: 192 << 20, 128: 192 << 20, 64: 384 << 20}
"""Sides that a tile may have, and how many bytes of samples it may then hold. A small tile needs a margin several
times its own size of every frame: better one with more bytes, until there is no other way."""
SAMPLE_BYTES_AT_MOST = 96 << 20
"""Memory for the samples that the noise is learned from."""
SMALLEST = 32
SAMPLE_BYTES = 5
"""A sample is a float32 and a one-byte verdict."""


@dataclass(frozen=True)
class Tile:
    """A rectangle of the output: first row and column, and size."""

    top: int
    left: int
    rows: int
    columns: int

    @property
    def area(self) -> tuple[slice, slice]:
        """Index of this tile in an image."""
        return slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns)

    def widened(self, halo: int) -> "Tile":
        """The tile with a margin on every side, also beyond the output's edges."""
        return Tile(self.top - halo, self.left - halo, self.rows + 2 * halo, self.columns + 2 * halo)


def tile_side(frames: int, channels: int) -> int:
    """Largest side that `SIDES` permits; a function of the run alone, not of the budget."""
    sample = frames * channels * SAMPLE_BYTES
    return next((side for side, most in SIDES.items() if sample * side * side <= most), SMALLEST)


def tile_bytes(frames: int, channels: int) -> int:
    """Memory that one tile under way takes: samples of all channels, verdicts of one."""
    side = tile_side(frames, channels)
    return frames * side * side * (4 * channels + 1)


def tiles(rows: int, columns: int, side: int) -> Iterator[Tile]:
    """Tiles that cover an image, row by row."""
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            yield Tile(top, left, min(side, rows - top), min(side, columns - left))


def sample_side(frames: int, channels: int) -> int:
    """Side of `sample_tiles`: as large as memory permits, and never under 16."""
    sample = 16 * frames * channels * 4
    sides = (side for side in (LATTICE, 48, 32, 24) if sample * side * side <= SAMPLE_BYTES_AT_MOST)
    return next(sides, 16)


def sample_bytes(frames: int, channels: int) -> int:
    """Memory that one channel's samples on these tiles take."""
    return 16 * sample_side(frames, channels) ** 2 * frames * 4


def sample_tiles(rows: int, columns: int, side: int = LATTICE) -> list[Tile]:
    """Sixteen small tiles, evenly spread, on which the noise model is calibrated; of small images, one large one."""
    if min(rows, columns) < 4 * LATTICE:
        return [Tile(0, 0, min(rows, 4 * side), min(columns, 4 * side))]
    tops = [_aligned((2 * i + 1) * rows // 8 - side // 2) for i in range(4)]
    lefts = [_aligned((2 * i + 1) * columns // 8 - side // 2) for i in range(4)]
    return [Tile(top, left, side, side) for top in tops for left in lefts]


def _aligned(start: int) -> int:
    return max(start, 0) // LATTICE * LATTICE
