"""Measure: each frame once, whole: calibrate, sky, noise, stars, figures. Lists are kept, pixels are not."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from sidera.calibration.apply import Calibrator, calibrator, saturated, saturation_level
from sidera.calibration.defects import cosmetic, pixel_noise
from sidera.demosaic.mosaic import fill_defects, green_plane
from sidera.demosaic.superpixel import superpixel
from sidera.detection.find import colour_fluxes, find_stars
from sidera.detection.quality import figures
from sidera.detection.sky import Sky, sky_meshes
from sidera.errors import FrameError, Refusal
from sidera.model.frame import Figures, FrameId
from sidera.model.header import Bayer, Header
from sidera.model.stars import Stars
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Found
from sidera.types import F32, F64, U8

THUMBNAIL = 160
"""Pixels along the longer side."""


@dataclass(frozen=True)
class Light:
    """A light and what it takes to calibrate it."""

    id: FrameId
    header: Header
    pattern: Bayer | None
    """Colour filter array in force: the header's, or the one given by hand; None for mono and three planes."""
    calibrator: Calibrator
    cosmetic: bool
    """Look for hot and cold pixels in the frame itself: no dark shows them."""
    superpixel: bool = False
    """Quads become pixels of half the size at once, before anything is measured."""

    @classmethod
    def of(
        cls, frame: Found, recipe: Recipe, masters: Calibrator | None = None, has_dark: bool = False
    ) -> Self:
        """A light as the recipe wants it read; without masters, only the file's own black level goes."""
        header = frame.header
        pattern = _pattern(header, recipe)
        wanted = recipe.calibration.cosmetic
        search = wanted == "on" or (wanted == "auto" and not has_dark)
        half = pattern is not None and recipe.demosaic.method == "superpixel"
        shape = (header.height, header.width) if header.planes == 1 else (3, header.height, header.width)
        used = masters or calibrator(shape, black=header.black)
        return cls(frame.id, header, pattern, used, search and header.planes == 1, half)

    @property
    def channels(self) -> int:
        """1 for mono, 3 for colour."""
        return 3 if self.pattern is not None or self.header.planes == 3 else 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid that stars are measured on."""
        factor = 2 if self.superpixel else 1
        return self.header.height // factor, self.header.width // factor


@dataclass(frozen=True)
class Measurement:
    """What is kept of a frame: stars, sky meshes and fluxes, a few hundred kilobytes."""

    stars: Stars
    skies: tuple[Sky, ...]
    """One a channel."""
    fluxes: F64
    """Aperture flux ``[star, channel]`` in ADU, measured on the raw sites of each colour."""
    figures: Figures
    thumbnail: F32
    """The frame, small: ``[row, column]``, at most `THUMBNAIL` wide, for people."""
    noise: F64 | None = None
    """`pixel_noise`, where hot and cold pixels are to be found in the frame itself."""


def _pattern(header: Header, recipe: Recipe) -> Bayer | None:
    if header.planes == 3 or recipe.demosaic.bayer == "none":
        return None
    return header.bayer if recipe.demosaic.bayer == "auto" else Bayer(recipe.demosaic.bayer)


def calibrated(light: Light, raw: F32, top: int, left: int, noise: F64 | None) -> F32:
    """Calibrated window whose first pixel lies at (top, left) of the frame; NaN at defects.

    ``noise`` is the frame's `pixel_noise`; None leaves out the search for hot and cold pixels.
    """
    image = light.calibrator.window(raw, top, left)
    if not light.cosmetic or noise is None:
        return image
    pattern = None if light.pattern is None else light.pattern.shifted(top, left)
    places = np.roll(noise, (-(top % 2), -(left % 2)), axis=(0, 1))
    return cosmetic(image, pattern, places)


def half_size(image: F32, pattern: Bayer) -> tuple[F32, U8]:
    """Superpixels of a calibrated window that begins on an even row and column, and which rest on a filled pixel."""
    filled, bad = fill_defects(image, pattern)
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    quads = bad[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return superpixel(filled, pattern), np.ascontiguousarray(quads.max(axis=(1, 3)))


def measure(light: Light, readers: Readers, recipe: Recipe) -> Measurement:
    """Stars, sky and figures of one light.

    Raises
    ------
    FrameError
        When it cannot be read, or holds nothing.
    """
    raw = readers.window(light.id)
    if not _varies(raw):
        raise FrameError(Refusal.NO_PIXELS, "every pixel is missing or has one value", "leave the frame out")
    full = saturated(raw, saturation_level(light.header, raw))
    noise = pixel_noise(light.calibrator.window(raw), light.pattern) if light.cosmetic else None
    image = calibrated(light, raw, 0, 0, noise)
    pattern = light.pattern
    if light.superpixel and pattern is not None:
        image, _ = half_size(image, pattern)
        full, pattern = _quads_any(full), None
    plane = image if image.ndim == 2 else image[1]
    if pattern is not None:
        plane = green_plane(image, pattern)
    mask = full if full.ndim == 2 else full.max(axis=0)
    skies = sky_meshes(image, pattern, recipe.detection.mesh)
    stars = find_stars(
        plane, recipe.detection, saturation=mask, electrons_per_adu=light.header.electrons_per_adu
    )
    found = figures(stars, skies)
    fluxes = _fluxes(image, pattern, stars, found.fwhm)
    return Measurement(stars, skies, fluxes, found, shrunk(plane, THUMBNAIL), noise)


def shrunk(plane: F32, width: int) -> F32:
    """Mean of square blocks, NaN passed over, so that no more than ``width`` columns are left."""
    side = max(1, -(-plane.shape[1] // width), -(-plane.shape[0] // width))
    rows, columns = (max(1, size // side) for size in plane.shape)
    blocks = plane[: rows * side, : columns * side]
    blocks = blocks[: rows * min(side, plane.shape[0]), : columns * min(side, plane.shape[1])]
    cells = blocks.reshape(rows, -1, columns, blocks.shape[1] // columns)
    known = np.isfinite(cells)
    count = known.sum(axis=(1, 3))
    total = np.where(known, cells, 0).sum(axis=(1, 3), dtype=np.float64)
    mean: F32 = (total / np.where(count > 0, count, np.nan)).astype(np.float32)
    return mean


def _fluxes(image: F32, pattern: Bayer | None, stars: Stars, fwhm: float) -> F64:
    """Light of each star in each channel within 2.5 FWHM, so that seeing takes the same share from every frame."""
    width = fwhm if np.isfinite(fwhm) else 3.0
    return colour_fluxes(image, pattern, stars, 2.5 * width, (4 * width, 6 * width))


def _varies(raw: F32) -> bool:
    known = raw[np.isfinite(raw)]
    return known.size > 0 and bool(known.max() > known.min())


def _quads_any(mask: U8) -> U8:
    rows, columns = mask.shape[0] // 2, mask.shape[1] // 2
    quads = mask[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return np.ascontiguousarray(quads.max(axis=(1, 3)))
