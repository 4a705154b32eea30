"""One frame's part of one output tile: read just that window, calibrate, demosaic, warp, normalise."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sidera.demosaic import conserve
from sidera.demosaic.demosaic import SUPPORT, demosaic
from sidera.demosaic.mosaic import Core, cut, fill_defects, grown
from sidera.errors import FrameError
from sidera.integration.normalise import apply
from sidera.integration.resample import HALO, resample_into
from sidera.model.frame import FrameId
from sidera.model.header import Bayer
from sidera.pipeline.decide import Placed
from sidera.pipeline.measure import Light, calibrated, half_size
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.tiles import STEP, Tile
from sidera.types import F32, U8

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
    back: bool = False
    """Whether the thread's next tile goes through the frames backwards."""

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
        return self.near + DEFECTS + (SUPPORT[method] if colour else 0)

    @cached_property
    def near(self) -> int:
        """Of these, the pixels that must be had in colour: an even number."""
        return HALO + conserve.SUPPORT + 1

    def tile(self, tile: Tile, scratch: "Scratch | None" = None) -> F32:
        """Samples ``[channel, frame, row, column]`` of a tile; NaN where a frame saw nothing.

        With ``scratch`` they lie there, until the next tile does.
        """
        shape = (self.channels, len(self.frames), tile.rows, tile.columns)
        out = np.empty(shape, np.float32) if scratch is None else scratch.array(shape)
        for index in _to_and_fro(len(self.frames), scratch):
            self.check()
            self._sample(self.frames[index], tile, index, out)
        return out

    def patches(self, tiles: Sequence[Tile], index: int) -> F32:
        """Samples ``[channel, row, column]`` of one frame's part of tiles of one height, laid side by side."""
        parts = [np.empty((self.channels, 1, tile.rows, tile.columns), np.float32) for tile in tiles]
        for tile, part in zip(tiles, parts, strict=True):
            self.check()
            self._sample(self.frames[index], tile, 0, part)
        return np.concatenate(parts, axis=3)[:, 0]

    def _sample(self, one: Placed, tile: Tile, index: int, out: F32) -> None:
        top, left = tile.top + self.grid.top, tile.left + self.grid.left
        needed = one.transform.bounds(top, left, tile.rows, tile.columns)
        window = _window(one, needed, self.halo)
        if window is None:
            out[:, index] = np.nan
            return
        mosaic = one.light.pattern is not None and not one.light.superpixel
        near = (_window(one, needed, self.near) or window) if mosaic else window
        image, bad = self._planes(one, window, near)
        x, y = one.transform.grid(top, left, tile.rows, tile.columns, STEP)
        resample_into(
            out,
            index,
            image,
            bad if len(self.frames) >= FEW else None,
            x - near[1],
            y - near[0],
            STEP,
            self.recipe.registration.interpolation,
            noise=one.found.figures.noise,
        )
        for channel, surface in enumerate(one.surfaces):
            apply(out[channel, index], one.scale.value, surface, left, top)

    def _planes(self, one: Placed, window: Core, near: Core) -> tuple[F32, U8]:
        """Calibrated, filled, demosaiced planes of what is ``near``, and which pixels were never measured.

        The rest of the window is looked at for defects and interpolation only.
        """
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
        core = (near[0] - top, near[1] - left, near[2] - top, near[3] - left)
        own = slice(core[0], core[2]), slice(core[1], core[3])
        return self._colour(one, light, filled_image, light.pattern, core), grown(bad)[own]

    def _colour(self, one: Placed, light: Light, image: F32, pattern: Bayer, core: Core) -> F32:
        figures = one.found.figures
        # Ratio methods need positive low-pass values: ten sigma above zero is never crossed by noise.
        lowest = min(
            gain * (sky - 10 * noise)
            for gain, sky, noise in zip(self.gains, figures.sky, figures.noise, strict=True)
        )
        settings = self.recipe.demosaic
        pedestal = max(0.0, -lowest)
        rgb = demosaic(image, pattern, settings.method, gains=self.gains, pedestal=pedestal, core=core)
        if settings.conserve_flux and settings.method in ("rcd", "vng"):
            conserve.conserve_flux(rgb, cut(image, core), pattern)
        return rgb


def _to_and_fro(frames: int, scratch: Scratch | None) -> range:
    """The frames in turn; for every other tile of a thread backwards, as those still open then come first."""
    if scratch is None:
        return range(frames)
    scratch.back = not scratch.back
    return range(frames) if scratch.back else range(frames - 1, -1, -1)


def _window(one: Placed, needed: tuple[float, float, float, float], halo: int) -> Core | None:
    """Top, left, bottom, right of a frame with what is needed and a halo, from even rows and columns on.

    None where the frame does not see what is needed.
    """
    first_y, first_x, last_y, last_x = needed
    rows, columns = one.light.shape
    if not (first_y <= rows - 1 and first_x <= columns - 1 and last_y >= 0 and last_x >= 0):
        return None
    return (
        max(int(np.floor(first_y)) - halo, 0) // 2 * 2,
        max(int(np.floor(first_x)) - halo, 0) // 2 * 2,
        min(int(np.ceil(last_y)) + halo + 1, rows),
        min(int(np.ceil(last_x)) + halo + 1, columns),
    )
