"""One frame's part of one output tile: read just that window, calibrate, demosaic, warp, normalise."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sidera.demosaic import conserve
from sidera.demosaic.demosaic import SUPPORT, demosaic
from sidera.demosaic.mosaic import fill_defects
from sidera.integration.normalise import apply
from sidera.integration.resample import HALO, resample
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


@dataclass(frozen=True)
class Grid:
    """The output's pixels: row 0, column 0 lies at (top, left) of the reference."""

    top: int
    left: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Sampler:
    """Makes samples of any tile of a run. Frames and recipe are frozen, so tiles can be made in any order."""

    frames: tuple[Placed, ...]
    grid: Grid
    recipe: Recipe
    readers: Readers
    gains: tuple[float, float, float]

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

    def tile(self, tile: Tile) -> F32:
        """Samples ``[channel, frame, row, column]`` of a tile; NaN where a frame saw nothing."""
        out = np.empty((self.channels, len(self.frames), tile.rows, tile.columns), np.float32)
        for index, one in enumerate(self.frames):
            out[:, index] = self._sample(one, tile)
        return out

    def _sample(self, one: Placed, tile: Tile) -> F32:
        top, left = tile.top + self.grid.top, tile.left + self.grid.left
        window = self._window(one, top, left, tile)
        if window is None:
            return np.full((self.channels, tile.rows, tile.columns), np.nan, np.float32)
        image, bad = self._planes(one, window)
        x, y = one.transform.grid(top, left, tile.rows, tile.columns, STEP)
        moved = resample(
            image,
            bad if len(self.frames) >= FEW else None,
            x - window[1],
            y - window[0],
            STEP,
            (tile.rows, tile.columns),
            self.recipe.registration.interpolation,
            noise=one.found.figures.noise,
        )
        for channel, surface in enumerate(one.surfaces):
            apply(moved[channel], one.scale.value, surface, left, top)
        return moved

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
        raw = self.readers.window(light.id, slice(top, bottom), slice(left, right))
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


def grown(bad: U8) -> U8:
    """The mask and every pixel that touches it: the colours of those rest on the value that was filled in."""
    if not bad.any():
        return bad
    wide = np.pad(bad, 1)
    tall = wide[:-2] | wide[1:-1] | wide[2:]
    touched: U8 = tall[:, :-2] | tall[:, 1:-1] | tall[:, 2:]
    return touched
