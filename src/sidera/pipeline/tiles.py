"""How the output is cut, and how much fits in memory at once."""

from collections.abc import Iterator
from dataclasses import dataclass

STEP = 32
"""Positions are exact every so many pixels and linear between: a cubic distortion of 2 px bends 1e-4 px in that.
Tiles begin at multiples of it, so that a pixel's position does not depend on its tile."""
LATTICE = 64
"""The tiles on which the noise is learned begin at multiples of this."""
LARGEST = 512
"""Pixels along a tile's side at most, so that a run soon notices that it was cancelled."""
TILE_BYTES_AT_MOST = 288 << 20
"""Memory for the samples of a tile, unless the smallest takes more."""
MARGIN = 44
"""Pixels about a tile, both sides together, that every frame is read and interpolated for in vain."""
SAMPLE_BYTES_AT_MOST = 96 << 20
"""Memory for the samples that the noise is learned from."""
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


def tile_shape(rows: int, columns: int, frames: int, channels: int) -> tuple[int, int]:
    """Rows and columns of the tiles that cover an image with the fewest pixels read in vain.

    Of as equal parts as `STEP` permits, as large as memory does; a function of the run alone, not of its budget, so
    that results never depend on that.
    """
    most = TILE_BYTES_AT_MOST // (frames * channels * SAMPLE_BYTES)
    shapes = []
    for height in range(STEP, LARGEST + 1, STEP):
        width = min(max(most // height // STEP * STEP, STEP), LARGEST)
        if height * width <= most or height == width == STEP:
            shapes.append((_evenly(rows, height), _evenly(columns, width)))
    return min(shapes, key=lambda shape: _seen(rows, shape[0]) * _seen(columns, shape[1]))


def _evenly(size: int, side: int) -> int:
    """The side of as many parts as have this one, the parts as equal as `STEP` permits."""
    return -(-size // (-(-size // side) * STEP)) * STEP


def _seen(size: int, side: int) -> int:
    """Pixels along a line that its parts are read from."""
    return size + -(-size // side) * MARGIN


def tile_bytes(shape: tuple[int, int], frames: int, channels: int) -> int:
    """Memory that one tile under way takes: samples of all channels, verdicts of one."""
    return frames * shape[0] * shape[1] * (4 * channels + 1)


def tiles(rows: int, columns: int, shape: tuple[int, int]) -> Iterator[Tile]:
    """Tiles that cover an image, row by row."""
    for top in range(0, rows, shape[0]):
        for left in range(0, columns, shape[1]):
            yield Tile(top, left, min(shape[0], rows - top), min(shape[1], columns - left))


def sample_side(frames: int, channels: int) -> int:
    """Side of `sample_tiles`: as large as memory permits, and never under 16."""
    sample = _sample_rows(frames, channels) ** 2 * frames * channels * 4
    sides = range(LATTICE, 16, -8)
    return next((side for side in sides if sample * side * side <= SAMPLE_BYTES_AT_MOST), 16)


def sample_bytes(frames: int, channels: int) -> int:
    """Memory that one channel's samples on these tiles take."""
    return (_sample_rows(frames, channels) * sample_side(frames, channels)) ** 2 * frames * 4


def sample_tiles(rows: int, columns: int, frames: int, channels: int) -> list[Tile]:
    """Small tiles, evenly spread, on which the noise model is calibrated; of small images, one large one."""
    side, across = sample_side(frames, channels), _sample_rows(frames, channels)
    if min(rows, columns) < across * LATTICE:
        return [Tile(0, 0, min(rows, across * side), min(columns, across * side))]
    tops, lefts = (
        [_aligned((2 * place + 1) * size // (2 * across) - side // 2) for place in range(across)]
        for size in (rows, columns)
    )
    return [Tile(top, left, side, side) for top in tops for left in lefts]


def _sample_rows(frames: int, channels: int) -> int:
    """Rows of sample tiles: four, or three where memory permits no four of full size. Each costs a margin."""
    return 4 if 16 * LATTICE**2 * frames * channels * 4 <= SAMPLE_BYTES_AT_MOST else 3


def _aligned(start: int) -> int:
    return max(start, 0) // LATTICE * LATTICE
