"""One frame's part of one output tile: read just that window, calibrate, demosaic, warp, normalise."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sidera.demosaic import conserve
from sidera.demosaic.demosaic import SUPPORT, demosaic
from sidera.demosaic.mosaic import fill_defects, grown
from sidera.errors import FrameError
from sidera.integration.normalise import apply
from sidera.integration.resample import HALO, resample_into
from sidera.model.frame import FrameId
from sidera.model.header import Bayer
from sidera.pipeline.decide import Placed
from sidera.pipeline.measure import Light, calibrated, half_size
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.tiles import Tile
from sidera.types import F32, U8

STEP = 32
"""Positions are exact every so many pixels and linear between: a cubic distortion of 2 px bends 1e-4 px in that."""
FEW = 5
"""From so many frames on, a defect is left to the other frames; fewer keep the value filled in."""
DEFECTS = 10
"""Pixels that filling a defect and searching for defects look around."""


class LostFrameError(FrameError):
    """A frame that was measured can no longer be read."""

    def __init__(self, frame: FrameId, error: FrameError) -> None:
        super().__init__(error.code, error.what, error.cure)
        self.frame = frame


@dataclass(frozen=True)
class Grid:
    """The output's pixels: row 0, column 0 lies at (top, left) of the reference."""

    top: int
    left: int
    rows: int
    columns: int


class Scratch(threading.local):
    """Room for a tile's samples, one a thread: fresh memory for each tile costs a quarter of the warp's time."""

    room: F32 = np.empty(0, np.float32)

    def array(self, shape: tuple[int, ...]) -> F32:
        """An array of that shape, holding anything."""
        size = math.prod(shape)
        if self.room.size < size:
            self.room = np.empty(size, np.float32)
        return self.room[:size].reshape(shape)


@dataclass(frozen=True)
class Sampler:
    """Makes samples of any tile of a run. Frames and recipe are frozen, so tiles can be made in any order."""

    frames: tuple[Placed, ...]
    grid: Grid
    recipe: Recipe
    readers: Readers
    gains: tuple[float, float, float]
    check: Callable[[], None] = lambda: None
    """Raises where the run was asked to stop; called between frames."""

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.frames[0].light.channels

    @cached_property
    def halo(self) -> int:
        """Frame pixels to read around the pixels that a tile needs."""
        method = self.recipe.demosaic.method
        colour = any(one.light.pattern is not None for one in self.frames)
        return HALO + DEFECTS + (SUPPORT[method] + conserve.SUPPORT if colour else 0)

    def tile(self, tile: Tile, scratch: "Scratch | None" = None) -> F32:
        """Samples ``[channel, frame, row, column]`` of a tile; NaN where a frame saw nothing.

        With ``scratch`` they lie there, until the next tile does.
        """
        shape = (self.channels, len(self.frames), tile.rows, tile.columns)
        out = np.empty(shape, np.float32) if scratch is None else scratch.array(shape)
        for index, one in enumerate(self.frames):
            self.check()
            self._sample(one, tile, index, out)
        return out

    def _sample(self, one: Placed, tile: Tile, index: int, out: F32) -> None:
        top, left = tile.top + self.grid.top, tile.left + self.grid.left
        window = self._window(one, top, left, tile)
        if window is None:
            out[:, index] = np.nan
            return
        image, bad = self._planes(one, window)
        x, y = one.transform.grid(top, left, tile.rows, tile.columns, STEP)
        resample_into(
            out,
            index,
            image,
            bad if len(self.frames) >= FEW else None,
            x - window[1],
            y - window[0],
            STEP,
            self.recipe.registration.interpolation,
            noise=one.found.figures.noise,
        )
        for channel, surface in enumerate(one.surfaces):
            apply(out[channel, index], one.scale.value, surface, left, top)

    def _window(self, one: Placed, top: int, left: int, tile: Tile) -> tuple[int, int, int, int] | None:
        """Top, left, bottom, right of the frame that the tile needs, from even rows and columns on; None for none."""
        first_y, first_x, last_y, last_x = one.transform.bounds(top, left, tile.rows, tile.columns)
        rows, columns = one.light.shape
        if not (first_y <= rows - 1 and first_x <= columns - 1 and last_y >= 0 and last_x >= 0):
            return None
        halo = self.halo
        return (
            max(int(np.floor(first_y)) - halo, 0) // 2 * 2,
            max(int(np.floor(first_x)) - halo, 0) // 2 * 2,
            min(int(np.ceil(last_y)) + halo + 1, rows),
            min(int(np.ceil(last_x)) + halo + 1, columns),
        )

    def _planes(self, one: Placed, window: tuple[int, int, int, int]) -> tuple[F32, U8]:
        """Calibrated, filled, demosaiced planes of a window, and which pixels were never measured."""
        light = one.light
        top, left, bottom, right = (edge * (2 if light.superpixel else 1) for edge in window)
        try:
            raw = self.readers.window(light.id, slice(top, bottom), slice(left, right))
        except FrameError as error:
            raise LostFrameError(light.id, error) from error
        image = calibrated(light, raw, top, left, one.found.noise)
        if light.superpixel and light.pattern is not None:
            return half_size(image, light.pattern)
        if image.ndim == 3:
            filled = [fill_defects(plane) for plane in image]
            return np.stack([plane for plane, _ in filled]), np.max([bad for _, bad in filled], axis=0)
        filled_image, bad = fill_defects(image, light.pattern)
        if light.pattern is None:
            return filled_image[np.newaxis], bad
        return self._colour(one, light, filled_image, light.pattern), grown(bad)

    def _colour(self, one: Placed, light: Light, image: F32, pattern: Bayer) -> F32:
        figures = one.found.figures
        # Ratio methods need positive low-pass values: ten sigma above zero is never crossed by noise.
        lowest = min(
            gain * (sky - 10 * noise)
            for gain, sky, noise in zip(self.gains, figures.sky, figures.noise, strict=True)
        )
        settings = self.recipe.demosaic
        rgb = demosaic(image, pattern, settings.method, gains=self.gains, pedestal=max(0.0, -lowest))
        if settings.conserve_flux and settings.method in ("rcd", "vng"):
            conserve.conserve_flux(rgb, image, pattern)
        return rgb
