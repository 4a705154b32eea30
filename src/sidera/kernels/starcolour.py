"""One colour a star: what a point of light has, whatever optics and saturation made of it."""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, I64, U8

WEIGHTS = (0.2126, 0.7152, 0.0722)
"""What red, green and blue add to brightness (ITU-R BT.709)."""
OUTER, INNER = 1.0, 5.0
"""Sigma above its surroundings at which a star's light ends, and from which on its pixels are wholly its own."""
RING = 4
"""Width in pixels of the ring around a star's light from which the sky is taken."""
LEAST = 2
"""Pixels that a star's light reaches at least, and within which it tells its colour."""
BESIDE = 0.25
"""Where another star has this share of a star's modelled light, a pixel tells nothing of how far that light reaches."""
FULL, FOOT = 0.8, 0.25
"""Shares of the highest value at which a profile's width is taken to tell a flat top."""
FLAT = 0.3
"""Pixels above `FULL` over those above `FOOT`, from which a top is flat: 0.16 for a Gaussian, less for a Moffat, and
for galaxies; 0.34 for a Moffat (beta 2.5) that was cut off at half its height."""
FEWEST = 5
"""Pixels that make a flat top."""
FLANK = 0.6
"""A saturated star tells its colour where no channel is above this share of its highest value..."""
WHOLE = (0.5, 0.25)
"""...and what flanks are wont to tell is learnt from others at less, since their tops are whole: of stars that were
saturated in some frames, and of those with a flat top."""


class Field(NamedTuple):
    """Stars [star]: pixels, modelled height above the sky and its scale, and how far they reach at most.

    ``paint``: 0 leave it, 1 a star, 2 a star that may be saturated, 3 a star only if it is saturated. Stars that may
    come near star i are ``near[first[i] : first[i + 1]]``. Within ``inner`` pixels of its centre all is a star's own,
    beyond ``outer`` nothing; `star_reaches` fills them.
    """

    x: F64
    y: F64
    height: F64
    scale: F64
    reach: F64
    paint: U8
    first: I64
    near: I64
    inner: F64
    outer: F64


class Spot(NamedTuple):
    """The window around a star: rows top to bottom, columns left to right."""

    top: int
    bottom: int
    left: int
    right: int


@kernel
def modelled(field: Field, star: int, x: float, y: float) -> float:
    """Light of a star at a place: a Moffat profile of beta 4."""
    u, v = x - field.x[star], y - field.y[star]
    base = 1.0 + (u * u + v * v) / (field.scale[star] * field.scale[star])
    base *= base
    return float(field.height[star] / (base * base))


@kernel
def rival(field: Field, star: int, x: float, y: float) -> float:
    """The most light that any star near ``star`` has at a place."""
    most = 0.0
    for index in range(field.first[star], field.first[star + 1]):
        most = max(most, modelled(field, field.near[index], x, y))
    return most


@kernel
def owned(field: Field, star: int, x: float, y: float) -> float:
    """How far a pixel is the star's, 0 to 1; a pixel is at most one star's."""
    u, v = x - field.x[star], y - field.y[star]
    away = np.sqrt(u * u + v * v)
    if not away < field.outer[star] or rival(field, star, x, y) >= modelled(field, star, x, y):
        return 0.0
    t = min((field.outer[star] - away) / (field.outer[star] - field.inner[star]), 1.0)
    return float(t * t * (3.0 - 2.0 * t))


@kernel
def _brightness(image: F32, row: int, column: int) -> float:
    return float(
        WEIGHTS[0] * image[0, row, column]
        + WEIGHTS[1] * image[1, row, column]
        + WEIGHTS[2] * image[2, row, column]
    )


@kernel
def _window(image: F32, field: Field, star: int, reach: float) -> Spot:
    return Spot(
        max(int(np.floor(field.y[star] - reach)), 0),
        min(int(np.ceil(field.y[star] + reach)) + 1, image.shape[1]),
        max(int(np.floor(field.x[star] - reach)), 0),
        min(int(np.ceil(field.x[star] + reach)) + 1, image.shape[2]),
    )


@kernel
def star_reaches(image: F32, field: Field, sigma: float) -> None:
    """Fill ``inner`` and ``outer``: from the mean brightness in rings of one pixel.

    The light ends where four rings on it is no more than `OUTER` sigma darker.
    """
    longest = int(field.reach.max()) + RING + 2
    total, count = np.empty(longest), np.empty(longest)
    for star in range(field.x.size):
        limit = int(field.reach[star]) + RING + 1
        total[:], count[:] = 0.0, 0.0
        spot = _window(image, field, star, limit)
        for row in range(spot.top, spot.bottom):
            for column in range(spot.left, spot.right):
                u, v = column - field.x[star], row - field.y[star]
                ring = int(np.sqrt(u * u + v * v) + 0.5)
                light = _brightness(image, row, column)
                if ring > limit or np.isnan(light):
                    continue
                if rival(field, star, column, row) < BESIDE * modelled(field, star, column, row):
                    total[ring] += light
                    count[ring] += 1.0
        for ring in range(limit + 1):
            if count[ring] > 0.0:
                total[ring] /= count[ring]
            else:  # nothing is known of it: as bright as the one within
                total[ring] = total[max(ring - 1, 0)]
        _ends(total, limit, sigma, star, field.inner, field.outer)


@kernel
def _ends(profile: F64, limit: int, sigma: float, star: int, inner: F64, outer: F64) -> None:
    """Where the light in rings ends, at ``limit`` less a ring if it does not; and up to where it is wholly its own."""
    end = LEAST
    while end < limit - RING and not profile[end] - profile[end + RING] < OUTER * sigma:
        end += 1
    outer[star], inner[star] = end, 0.0
    for ring in range(end):
        if profile[ring] - profile[end + RING] > INNER * sigma:
            inner[star] = ring


@kernel
def _sky(image: F32, field: Field, star: int, room: F32, sky: F64) -> bool:
    """Median of the ring around a star in each channel, without what belongs to others; False where none is left."""
    spot = _window(image, field, star, field.outer[star] + RING)
    count = 0
    for row in range(spot.top, spot.bottom):
        for column in range(spot.left, spot.right):
            u, v = column - field.x[star], row - field.y[star]
            away = np.sqrt(u * u + v * v) - field.outer[star]
            if away < 0.0 or away > RING or _lit(field, star, column, row):
                continue
            if not np.isnan(_brightness(image, row, column)):
                for c in range(3):
                    room[c, count] = image[c, row, column]
                count += 1
    if count < FEWEST:
        return False
    for c in range(3):
        sky[c] = np.median(room[c, :count])
    return True


@kernel
def _lit(field: Field, star: int, x: float, y: float) -> bool:
    """Whether a place lies in the light of a star near ``star``."""
    for index in range(field.first[star], field.first[star + 1]):
        other = field.near[index]
        u, v = x - field.x[other], y - field.y[other]
        if u * u + v * v < field.outer[other] * field.outer[other]:
            return True
    return False


@kernel
def _crowded(field: Field, star: int) -> bool:
    """Whether another star's light reaches into a star's own."""
    for index in range(field.first[star], field.first[star + 1]):
        other = field.near[index]
        u, v = field.x[star] - field.x[other], field.y[star] - field.y[other]
        both = field.outer[star] + field.outer[other]
        if u * u + v * v < both * both:
            return True
    return False


@kernel
def _tops(image: F32, field: Field, star: int, sky: F64, top: F64, flat: U8) -> None:
    """Highest values above the sky of R, G, B and brightness; and in which of R, G, B the top is flat.

    What does not fall to `FOOT` within its reach is a galaxy's core or a nebula.
    """
    spot = _window(image, field, star, field.outer[star])
    for row in range(spot.top, spot.bottom):
        for column in range(spot.left, spot.right):
            light = _brightness(image, row, column) - sky[3]
            if owned(field, star, column, row) > 0.0 and not np.isnan(light):
                for c in range(3):
                    top[c] = max(top[c], image[c, row, column] - sky[c])
                top[3] = max(top[3], light)
    high, foot, open_ended = np.zeros(3), np.zeros(3), False
    for row in range(spot.top, spot.bottom):
        for column in range(spot.left, spot.right):
            if owned(field, star, column, row) > 0.0:
                u, v = column - field.x[star], row - field.y[star]
                rim = u * u + v * v > (field.outer[star] - 1.0) ** 2
                for c in range(3):
                    value = image[c, row, column] - sky[c]
                    high[c] += 1 if value >= FULL * top[c] else 0
                    foot[c] += 1 if value >= FOOT * top[c] else 0
                    open_ended = open_ended or (rim and value >= FOOT * top[c])
    for c in range(3):
        flat[c] = 1 if high[c] >= FEWEST and high[c] > FLAT * foot[c] and not open_ended else 0


@kernel
def star_tops(image: F32, field: Field, sky: F64, top: F64, flat: U8) -> None:
    """Fill ``sky`` and ``top`` [star, 4] of R, G, B and brightness, and ``flat`` [star, 3]; NaN sky: left alone."""
    widest = 2 * (int(field.reach.max()) + RING) + 6
    room = np.empty((3, widest * widest), np.float32)
    for star in range(field.x.size):
        sky[star], top[star], flat[star] = np.nan, 0.0, 0
        if field.paint[star] > 0 and _sky(image, field, star, room, sky[star]):
            sky[star, 3] = WEIGHTS[0] * sky[star, 0] + WEIGHTS[1] * sky[star, 1] + WEIGHTS[2] * sky[star, 2]
            _tops(image, field, star, sky[star], top[star], flat[star])


@kernel
def _told(image: F32, field: Field, star: int, sky: F64, top: F64, share: float, ratio: F64) -> None:
    """Fill ``ratio`` [3] with light of R, G, B per brightness where no channel is above ``share`` of its top."""
    spot = _window(image, field, star, field.outer[star])
    clear = field.outer[star]
    if _crowded(field, star):
        clear = max(field.inner[star], float(LEAST))
    light = np.zeros(4)
    for row in range(spot.top, spot.bottom):
        for column in range(spot.left, spot.right):
            u, v = column - field.x[star], row - field.y[star]
            bright = _brightness(image, row, column) - sky[3]
            if u * u + v * v > clear * clear or np.isnan(bright):
                continue
            own = owned(field, star, column, row)
            for c in range(3):
                if image[c, row, column] - sky[c] > share * top[c]:
                    own = 0.0
            for c in range(3):
                light[c] += own * (image[c, row, column] - sky[c])
            light[3] += own * bright
    for c in range(3):
        ratio[c] = light[c] / light[3] if light[3] > 0.0 else np.nan


@kernel
def _level(image: F32, field: Field, star: int, sky: F64, top: F64, room: F32) -> float:
    """Median brightness above the sky of what is above `FULL` of a star's top."""
    spot = _window(image, field, star, field.outer[star])
    count = 0
    for row in range(spot.top, spot.bottom):
        for column in range(spot.left, spot.right):
            bright = _brightness(image, row, column) - sky[3]
            if bright >= FULL * top[3] and owned(field, star, column, row) > 0.0:
                room[count] = bright
                count += 1
    return float(np.median(room[:count])) if count > 0 else np.nan


@kernel
def star_colours(
    image: F32, field: Field, sky: F64, top: F64, full: U8, ratio: F64, flank: F64, level: F64
) -> None:
    """Fill ``ratio`` [star, 3], light of R, G, B per brightness, ``flank`` [star, 2, 3] and ``level`` [star] of cores.

    ``full`` [star]: 0 all of a star tells its ratio, and what is under `WHOLE` of its top its flanks'; 1 its flank
    alone tells; 2 its core is to be made level, too. NaN where nothing tells.
    """
    widest = 2 * (int(field.reach.max()) + RING) + 6
    room = np.empty(widest * widest, np.float32)
    for star in range(field.x.size):
        ratio[star], flank[star], level[star] = np.nan, np.nan, np.nan
        if np.isnan(sky[star, 3]) or (field.paint[star] == 3 and full[star] == 0):
            continue
        _told(image, field, star, sky[star], top[star], FLANK if full[star] else 1.0, ratio[star])
        if full[star] == 0:
            _told(image, field, star, sky[star], top[star], WHOLE[0], flank[star, 0])
            _told(image, field, star, sky[star], top[star], WHOLE[1], flank[star, 1])
        if full[star] == 2:
            level[star] = _level(image, field, star, sky[star], top[star], room)


@kernel
def paint_stars(image: F32, field: Field, sky: F64, top: F64, ratio: F64, level: F64) -> None:
    """Give each star's pixels its colour in place; brightness stays, but where a core has a ``level``.

    Stars without ratios are left; no pixel is painted twice.
    """
    for star in range(field.x.size):
        if np.isnan(ratio[star, 0]):
            continue
        spot = _window(image, field, star, field.outer[star])
        for row in range(spot.top, spot.bottom):
            for column in range(spot.left, spot.right):
                own = owned(field, star, column, row)
                bright = _brightness(image, row, column) - sky[star, 3]
                if own == 0.0 or np.isnan(bright):
                    continue
                if bright >= FULL * top[star, 3] and not np.isnan(level[star]):
                    bright = level[star]
                for c in range(3):
                    value = image[c, row, column]
                    painted = sky[star, c] + bright * ratio[star, c]
                    image[c, row, column] = value + own * (painted - value)
