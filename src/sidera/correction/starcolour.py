"""Star colours: a star is a point, and has one colour from its core to its rim."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import label
from scipy.spatial import cKDTree

from sidera.errors import ShapeError
from sidera.kernels import starcolour as kernels
from sidera.model.finishing import StarColourSettings
from sidera.model.stars import Stars
from sidera.types import F32, F64, I64, U8

MOFFAT = 2 * float(np.sqrt(2**0.25 - 1))
"""FWHM over scale of the Moffat profile by which stars are told apart, of beta 4."""
WINGS = 2 * float(np.sqrt(2**0.4 - 1))
"""The same of beta 2.5, which has all the wings that seeing makes: how far to look for a star's light."""
WIDE = 1.6
"""A source so many times wider than the typical star is a galaxy, a knot of a nebula, or a saturated star."""
CORE = 2.5
"""The same for cores in which no star was found, whose width is taken lower."""
BRIGHT = 0.25
"""Saturated stars are at least this share as high as the highest."""
NEARLY = 0.8
"""Stars that come so near to the level of flat tops were saturated in some of the frames."""
TELLING, FEWEST = 100.0, 10
"""Sigma that a star is high whose flank can be compared with the whole, and how many of them are enough."""
FARTHEST = 60.0
"""Pixels that a star may reach."""


@dataclass(frozen=True)
class Unified:
    """How many stars were given their one colour, and how many of them were saturated."""

    stars: int
    saturated: int


def unify_colours(
    image: F32, stars: Stars, noise: tuple[float, float, float], settings: StarColourSettings | None = None
) -> Unified:
    """Give every clear star one colour, in place.

    Parameters
    ----------
    image : float32 array, shape (3, rows, columns)
        Linear and balanced; changed in place. NaN stays NaN.
    stars : Stars
        Found on its green plane, in its unit.
    noise : three floats
        Sigma of each channel on the sky.
    settings : StarColourSettings
        From which SNR, and whether saturated cores are mended.

    Raises
    ------
    ShapeError
        For anything but three planes.

    Notes
    -----
    With Y the brightness (BT.709), s the sky around a star, and w its share in a pixel (1 where its light stands 5
    sigma above the sky, falling to 0 where that light ends, and 0 where another star has more), its colour is
    ``r_c = Σ w (c - s_c) / Σ w (Y - s_Y)`` and its pixels become ``c + w (s_c + r_c (Y - s_Y) - c)``. So every pixel
    keeps its brightness, every star its light in each channel, and what is no star stays bit for bit. (Where lights
    of stars overlap, the sums go over the 5-sigma pixels alone.)

    A star with a flat top is saturated: its colour is that of its flank, where no channel is above 0.6 of the
    highest, times what flanks of whole stars are wont to miss; what is brighter than 0.8 of its brightness gets the
    median of that. A star that reaches 0.8 of the least flat top gets its flank's colour, too.
    """
    settings = settings or StarColourSettings()
    if image.ndim != 3 or len(image) != 3 or image.dtype != np.float32:
        raise ShapeError(f"an image of shape {image.shape} has no colours", "give [3, row, column], float32")
    sigma = float(np.hypot.reduce([w * n for w, n in zip(kernels.WEIGHTS, noise, strict=True)]))
    found = stars[np.isfinite(stars.x) & (stars.peak > kernels.INNER * sigma)]
    found = _with_cores(image[1], found) if settings.cores else found
    if not (np.isfinite(sigma) and sigma > 0) or not len(found):
        return Unified(0, 0)
    field = _field(found, sigma, settings)
    many = len(found)
    sky, top, flat = np.empty((many, 4)), np.empty((many, 4)), np.empty((many, 3), np.uint8)
    kernels.star_reaches(image, field, sigma)
    kernels.star_tops(image, field, sky, top, flat)
    full = _full(field, top, flat)
    ratio, flank, level = np.empty((many, 3)), np.empty((many, 2, 3)), np.empty(many)
    kernels.star_colours(image, field, sky, top, full, ratio, flank, level)
    clear = (full == 0) & (top[:, 3] > TELLING * sigma)
    for kind in (1, 2):
        ratio[full == kind] = _of_flanks(ratio[full == kind], ratio[clear] / flank[clear, kind - 1])
    ratio[~(ratio > 0).all(axis=1)] = np.nan
    kernels.paint_stars(image, field, sky, top, ratio, level)
    done = np.isfinite(ratio[:, 0])
    return Unified(int(done.sum()), int((done & (full > 0)).sum()))


def _full(field: kernels.Field, top: F64, flat: U8) -> U8:
    """2 for stars with a flat top, 1 for those that come near to where such tops lie, 0 for the others."""
    level = (flat > 0) & (field.paint > 1)[:, np.newaxis]
    lowest = np.where(level, top[:, :3], np.inf).min(axis=0)
    near = (top[:, :3] >= NEARLY * lowest).any(axis=1) & (field.paint == 2)
    return np.where(level.any(axis=1), 2, np.where(near, 1, 0)).astype(np.uint8)


def _of_flanks(ratio: F64, wont: F64) -> F64:
    """Colours that flanks tell, corrected by what the flanks of whole stars are wont to miss."""
    known = wont[(wont > 0).all(axis=1) & np.isfinite(wont).all(axis=1)]
    if len(known) >= FEWEST:
        ratio = ratio * np.median(known, axis=0)
    whole: F64 = ratio / (ratio @ np.array(kernels.WEIGHTS))[:, np.newaxis]
    return whole


def _with_cores(green: F32, stars: Stars) -> Stars:
    """The stars, and before them cores so broad, or so near the border, that none was found in them."""
    if not len(stars):
        return stars
    sky = float(np.nanmedian(green[::5, ::5]))
    high = green > np.float32(sky + BRIGHT * stars.peak.max())
    labels, count = label(high)
    taken = labels[_index(stars.y, green.shape[0]), _index(stars.x, green.shape[1])]
    row, column = np.nonzero(high)
    which = labels[row, column]
    size = np.bincount(which, minlength=count + 1)
    lost = np.setdiff1d(np.flatnonzero(size >= kernels.FEWEST), taken)
    if not lost.size:
        return stars
    y, x = (np.bincount(which, place, count + 1)[lost] / size[lost] for place in (row, column))
    peak = np.full(count + 1, -np.inf)
    np.maximum.at(peak, which, green[row, column] - sky)
    width = 2 * np.sqrt(size[lost] / np.pi)
    none, sure = np.zeros(lost.size), np.full(lost.size, np.inf)
    more = Stars(x, y, none, peak[lost], sure, width, width / 2, none, none, none, none > 0)
    return Stars(*(np.concatenate([getattr(one, f.name) for one in (more, stars)]) for f in fields(Stars)))


def _index(places: F64, size: int) -> I64:
    return np.clip(np.rint(places), 0, size - 1).astype(np.int64)


def _field(stars: Stars, sigma: float, settings: StarColourSettings) -> kernels.Field:
    """What the kernels must know of the stars."""
    own = np.where(np.isfinite(stars.fwhm), stars.fwhm, 0)
    known = own[own > 0]
    typical = float(np.median(known)) if known.size else 3.0
    wide = own > np.where(np.isinf(stars.snr), CORE, WIDE) * typical
    width = np.where(wide, own, typical)
    scale = width / MOFFAT
    reach = width / WINGS * np.sqrt(np.maximum(stars.peak / (kernels.OUTER * sigma), 1) ** 0.4 - 1)
    paint = np.where(stars.snr >= settings.snr, np.where(wide, 3, 1), 0)
    bright = stars.peak >= BRIGHT * stars.peak.max()
    paint = np.where(bright & (paint == 1), 2, paint) if settings.cores else np.where(paint == 3, 0, paint)
    paint = np.where((paint == 3) & ~bright, 0, paint)
    reach = np.clip(reach, kernels.LEAST, FARTHEST)
    first, near = _neighbours(stars.x, stars.y, reach)
    empty = np.full_like(reach, np.nan)
    return kernels.Field(
        stars.x, stars.y, stars.peak, scale, reach, paint.astype(np.uint8), first, near, empty, empty.copy()
    )


def _neighbours(x: F64, y: F64, reach: F64) -> tuple[I64, I64]:
    """Of each star those whose reaches touch its own and the ring around it, one after the other."""
    places = np.column_stack([x, y])
    found = cKDTree(places).query_ball_point(places, reach + float(reach.max()) + kernels.RING)
    lists = []
    for star, others in enumerate(found):
        others = np.array([other for other in others if other != star], np.int64)
        away = np.hypot(x[others] - x[star], y[others] - y[star])
        lists.append(np.sort(others[away < reach[star] + reach[others] + kernels.RING]))
    first = np.cumsum([0, *(len(one) for one in lists)])
    return first.astype(np.int64), np.concatenate([np.empty(0, np.int64), *lists])
