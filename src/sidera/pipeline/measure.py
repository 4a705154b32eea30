"""Measure: each frame once, whole: calibrate, sky, noise, stars, figures. Lists are kept, pixels are not."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeVar

import numpy as np

from sidera.calibration.apply import Calibrator, calibrator, piled_level
from sidera.calibration.defects import COSMETIC_SUPPORT, cosmetic, pixel_noise
from sidera.demosaic.mosaic import REACH, fill_defects, green_plane
from sidera.demosaic.superpixel import superpixel
from sidera.detection.centroid import refined
from sidera.detection.find import colour_fluxes, find_stars
from sidera.detection.quality import figures
from sidera.detection.sky import Sky, sky_meshes
from sidera.errors import FrameError, Refusal
from sidera.kernels.calibrate import extremes, mark_full
from sidera.kernels.shrink import block_means
from sidera.model.frame import Figures, FrameId
from sidera.model.header import Bayer, Header
from sidera.model.stars import Stars
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Found
from sidera.pipeline.thumbnail import thumbnail
from sidera.types import F32, F64, U8

LIT = 600
"""Stars whose light is measured in every colour."""
THUMBNAIL = 160
"""Pixels along the longer side."""
STRIP = 1 << 19
"""Pixels that are read and calibrated together: they stay in a core's cache."""
EVEN_SUPPORT = COSMETIC_SUPPORT // 2 * 2 + 2
"""Rows above a strip that the search for hot pixels sees: even, so that colours stay in place."""
SAMPLE = 65536
"""Pixels that tell a frame's usual level well enough."""

Number = TypeVar("Number", np.float32, np.uint8)


class Workspace:
    """Arrays of a frame's size, a set for each thread, used for frame after frame.

    Fresh memory is cleared by the system page by page, at 30 ms for a frame of 24 Mpx: more than it takes to fill.
    They go when the Workspace goes, or its threads do.
    """

    def __init__(self) -> None:
        self._own = threading.local()

    def array(
        self, name: str, shape: tuple[int, ...], kind: type[Number]
    ) -> np.ndarray[tuple[int, ...], np.dtype[Number]]:
        """The array of this name, with whatever was left in it."""
        held: np.ndarray[tuple[int, ...], np.dtype[Number]] | None = getattr(self._own, name, None)
        if held is None or held.shape != shape or held.dtype != kind:
            held = np.empty(shape, kind)
            setattr(self._own, name, held)
        return held


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
    calibration: str = ""
    """Content key of the masters that serve it."""

    @classmethod
    def of(
        cls,
        frame: Found,
        recipe: Recipe,
        masters: Calibrator | None = None,
        has_dark: bool = False,
        calibration: str = "",
    ) -> Self:
        """A light as the recipe wants it read; without masters, only the file's own black level goes."""
        header = frame.header
        pattern = _pattern(header, recipe)
        wanted = recipe.calibration.cosmetic
        search = wanted == "on" or (wanted == "auto" and not has_dark)
        half = pattern is not None and recipe.demosaic.method == "superpixel"
        shape = (header.height, header.width) if header.planes == 1 else (3, header.height, header.width)
        used = masters or calibrator(shape, black=header.black)
        return cls(frame.id, header, pattern, used, search and header.planes == 1, half, calibration)

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
    """Aperture flux ``[star, channel]`` in ADU, measured on the raw sites of each colour; NaN for faint stars."""
    figures: Figures
    thumbnail: bytes
    """The frame for people to look at: a JPEG at most `THUMBNAIL` wide."""
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


def measure(
    light: Light, readers: Readers, recipe: Recipe, workspace: Workspace | None = None
) -> Measurement:
    """Stars, sky and figures of one light.

    The frame is read in strips; whole are only the calibrated image, its green plane and the saturation mask, in
    the ``workspace`` where one is given.

    Raises
    ------
    FrameError
        When it cannot be read, or holds nothing.
    """
    space = workspace or Workspace()
    image, mask = _calibrated_whole(light, readers, space)
    noise = None
    if light.cosmetic:
        noise = pixel_noise(image, light.pattern)
        _clean(image, light.pattern, noise)
    pattern = light.pattern
    if light.superpixel and pattern is not None:
        image, mask = _halved(image, pattern, space), _quads_any(mask)
        pattern = None
    skies = sky_meshes(image, pattern, recipe.detection.mesh)
    plane = image if image.ndim == 2 else image[1]
    if pattern is not None:
        plane = green_plane(image, pattern, space.array("green", image.shape, np.float32))
    small = thumbnail(shrunk(plane, THUMBNAIL), light.header.bottom_up)
    stars = find_stars(
        plane,
        recipe.detection,
        saturation=mask,
        sky=skies[len(skies) // 2] if pattern is None else skies[1].interpolated(),
        electrons_per_adu=light.header.electrons_per_adu,
        in_place=True,
    )
    if pattern is not None:
        noise_of_sites = np.array([sky.median_noise for sky in skies])
        stars = refined(image, pattern, stars, noise_of_sites, light.header.electrons_per_adu)
    found = figures(stars, skies)
    fluxes = _fluxes(image, pattern, stars, found.fwhm)
    return Measurement(stars, skies, fluxes, found, small, noise)


def _strips(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Tops and bottoms of strips that begin on even rows."""
    height = max(2 * EVEN_SUPPORT, STRIP // columns // 2 * 2)
    yield from pairwise([*range(0, rows, height), rows])


def _calibrated_whole(light: Light, readers: Readers, space: Workspace) -> tuple[F32, U8]:
    """The whole calibrated image, and not 0 where the raw one is saturated in a channel."""
    header = light.header
    shape = (header.height, header.width)
    image = space.array("image", shape if header.planes == 1 else (3, *shape), np.float32)
    strips = list(_strips(*shape))
    highest: list[float] = []
    low, some, seen = np.inf, [], 0
    step = max(1, image.size // SAMPLE)
    for top, bottom in strips:
        raw = readers.window(light.id, slice(top, bottom))
        light.calibrator.window(raw, top, 0, image[..., top:bottom, :])
        least, most = extremes(raw.reshape(-1, raw.shape[-1]))
        low, highest = min(low, least), [*highest, most]
        some.append(raw.ravel()[-seen % step :: step].copy())
        seen += raw.size
    if not low < max(highest):
        raise FrameError(Refusal.NO_PIXELS, "every pixel is missing or has one value", "leave the frame out")

    def reaching(value: float) -> Iterator[tuple[int, F32]]:
        for (top, bottom), most in zip(strips, highest, strict=True):
            if most >= value:
                yield top, readers.window(light.id, slice(top, bottom))

    level = piled_level(
        header, low, max(highest), np.concatenate(some), lambda value: (raw for _, raw in reaching(value))
    )
    mask = space.array("mask", shape, np.uint8)
    mask[:] = 0
    for top, raw in reaching(np.inf if level is None else level):
        for plane in raw.reshape(-1, *raw.shape[-2:]):
            mark_full(plane, np.inf if level is None else level, top, mask)
    return image, mask


def _clean(image: F32, pattern: Bayer | None, noise: F64) -> None:
    """`cosmetic`, in place: strip after strip, with what lay above each as it was before."""
    above = image[:0].copy()
    for top, bottom in _strips(*image.shape):
        strip = np.concatenate([above, image[top : bottom + COSMETIC_SUPPORT]])
        kept = image[max(bottom - EVEN_SUPPORT, top) : bottom].copy()
        image[top:bottom] = cosmetic(strip, pattern, noise)[len(above) : len(above) + bottom - top]
        above = kept


def _halved(image: F32, pattern: Bayer, space: Workspace) -> F32:
    """`half_size` of a whole image, in strips that see as far as a defect's filling does."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    out = space.array("halved", (3, rows, columns), np.float32)
    for top, bottom in _strips(2 * rows, image.shape[1]):
        first = max(top - 2 * REACH, 0)
        part, _ = half_size(image[first : bottom + 2 * REACH], pattern)
        out[:, top // 2 : bottom // 2] = part[:, (top - first) // 2 : (bottom - first) // 2]
    return out


def shrunk(plane: F32, width: int) -> F32:
    """Mean of square blocks, NaN passed over, so that no more than ``width`` columns are left."""
    side = max(1, -(-plane.shape[1] // width), -(-plane.shape[0] // width))
    rows, columns = (max(1, size // side) for size in plane.shape)
    mean = np.empty((rows, columns), np.float32)
    block_means(plane, min(side, plane.shape[0]), min(side, plane.shape[1]), mean)
    return mean


def _fluxes(image: F32, pattern: Bayer | None, stars: Stars, fwhm: float) -> F64:
    """Light of each star in each channel within 2.5 FWHM, so that seeing takes the same share from every frame.

    NaN for all but the brightest `LIT`: the others would add nothing but noise to scales and colours.
    """
    width = fwhm if np.isfinite(fwhm) else 3.0
    lit = colour_fluxes(image, pattern, stars[:LIT], 2.5 * width, (4 * width, 6 * width))
    out = np.full((len(stars), lit.shape[1]), np.nan)
    out[:LIT] = lit
    return out


def _quads_any(mask: U8) -> U8:
    rows, columns = mask.shape[0] // 2, mask.shape[1] // 2
    quads = mask[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return np.ascontiguousarray(quads.max(axis=(1, 3)))
