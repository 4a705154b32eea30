"""Places of a colour frame's stars by the light of all of its pixels, where the colours agree on them."""

from dataclasses import replace

import numpy as np

from sidera.detection.search import FWHM, PIXEL
from sidera.errors import ShapeError
from sidera.kernels.centroid import star_places
from sidera.model.header import Bayer
from sidera.model.stars import Stars
from sidera.types import F32, F64, I64, U8, plain

REACH = 1.5
"""Radius in FWHM within which a star is fitted: less loses light, more lets neighbours in."""
WIDEST = 5.0
"""FWHM in pixels up to which the fit is the better one: of wider stars pixels enough are lit to be interpolated, and
neighbours and clouds reach into the fit."""
CLEAR = 30.0
"""SNR from which a star's shape counts."""
MOST = 400
"""Of the brightest stars that are fitted: with so many a frame lies right to 0.002 px, and more would only cost."""
FURTHEST = 0.5
"""FWHM by which a fit may move a star; what wants more has found something else."""
ALIKE = (9.49, 21.03)
"""By how much the two colours' offsets, as shifts (4 terms) or as planes (12), may lower chi²: 19 times in 20 chance
alone lowers it by less. What is overlooked then moves a frame by no more than green's own error."""
CLIP = 4.0
"""Deviations beyond which an offset counts no more."""
FEWEST = 12
"""Stars that can tell whether the colours agree."""
GREEN, NONE = 1, 3


def refined(
    cfa: object, pattern: Bayer, stars: Stars, noise: F64, electrons_per_adu: float | None = None
) -> Stars:
    """Stars moved to where a profile fits the raw pixels of a colour frame best.

    Parameters
    ----------
    cfa : float32 array, shape (rows, columns)
        Colour filter array in ADU; NaN where not measured.
    pattern : Bayer
        The one at row 0, column 0.
    stars : Stars
        As `find_stars` finds them on the green plane.
    noise : float64 array, shape (3,)
        Of a pixel of empty sky, each colour's own, in ADU.
    electrons_per_adu : float, optional
        With it the stars' own photon noise counts as well.

    Returns
    -------
    Stars
        The same ones, with new ``x``, ``y`` and ``sigma``. Saturated stars, and those that nothing fits, stay
        where they were.

    Raises
    ------
    ShapeError
        For anything but one plane, or noise of other than three colours.

    Notes
    -----
    Green alone has half of the pixels, and interpolated between them it is wrong by 0.007 px where stars have a FWHM
    of 2.5 px, by 0.02 px at 2.1. The fit to all pixels knows places 1.5 times better. Where a lens or the air spreads
    the colours, red and blue would pull stars by their colour: their offsets from green are fitted by a plane over
    the field, and unless these are as small as chance makes them, green pixels alone are used.
    """
    image = plain(cfa)
    if image.ndim != 2:
        raise ShapeError(f"shape {image.shape} is no colour filter array", "give one plane, [row, column]")
    if noise.shape != (3,):
        raise ShapeError(f"noise of shape {noise.shape} for three colours", "give one number a colour")
    profile = _profile(stars)
    if profile is None or profile[3] > REACH * WIDEST or not np.all(noise > 0):
        return stars
    photons = 0.0 if electrons_per_adu is None else 1 / electrons_per_adu
    table = np.array([[pattern.colour(row, column) for column in (0, 1)] for row in (0, 1)], np.uint8)
    chosen = np.flatnonzero(~stars.saturated)[:MOST]
    before = np.column_stack([stars.x, stars.y])[chosen]
    fitted = _fitted(image, table, profile, noise, photons, before)
    if not colours_agree(*fitted):
        green = np.where(table == GREEN, table, np.uint8(NONE))
        fitted = _fitted(image, green, profile, noise, photons, before)
    return _moved(stars, chosen, fitted[0], fitted[2].sum(axis=1), FURTHEST * profile[3] / REACH)


def _profile(stars: Stars) -> F64 | None:
    """The kernel's profile: the frame's typical star, as wide and long as pixels make it; None without one."""
    known = (stars.snr > CLEAR) & ~stars.saturated & np.isfinite(stars.fwhm) & (stars.eccentricity < 1)
    if not known.any():
        return None
    square = stars.fwhm[known] ** 2
    flat = np.sqrt(1 - stars.eccentricity[known] ** 2)  # minor over major axis
    turn = 2 * np.radians(stars.angle[known])
    middle, half = square * (1 / flat + flat) / 2, square * (1 / flat - flat) / 2
    along, across = np.median(half * np.cos(turn)), np.median(half * np.sin(turn))
    widened = float(np.median(middle)) + PIXEL * FWHM**2
    shape = np.array([[widened + along, across], [across, widened - along]])
    inverse = np.linalg.inv(shape) * (4 * (2**0.25 - 1))  # of a Moffat profile of exponent 4
    radius = max(REACH * np.sqrt(widened), 2.5)
    return np.array([inverse[0, 0], inverse[0, 1], inverse[1, 1], radius])


def _fitted(
    image: F32, table: U8, profile: F64, noise: F64, photons: float, before: F64
) -> tuple[F64, F64, F64]:
    """Places, and each colour's pulls and weights there."""
    places = before.copy()
    pulls, weights = np.empty((len(places), 3, 2)), np.empty((len(places), 3, 3))
    star_places(image, table, profile, noise, photons, places, pulls, weights)
    return places, pulls, weights


def colours_agree(places: F64, pulls: F64, weights: F64) -> bool:
    """Whether red and blue lie on green all over the field, as far as chance lets one tell.

    Parameters
    ----------
    places : float64 array, shape (stars, 2)
        NaN where nothing was found.
    pulls, weights : float64 arrays, shape (stars, 3, 2) and (stars, 3, 3)
        As `star_places` gives them.

    Returns
    -------
    bool
        False too where so few stars show both colours that nobody could tell.
    """
    offset, spread = _own_steps(pulls, weights)
    shifts = planes = 0.0
    for colour in (0, 2):
        apart = offset[:, colour] - offset[:, GREEN]
        error = np.sqrt(spread[:, colour] + spread[:, GREEN])
        clear = np.all(np.isfinite(apart / error) & (error < 1), axis=1) & np.isfinite(places[:, 0])
        if np.count_nonzero(clear) < FEWEST:
            return False
        for axis in (0, 1):
            shift, plane = _explained(places[clear], apart[clear, axis], error[clear, axis])
            shifts, planes = shifts + shift, planes + plane
    return shifts < ALIKE[0] and planes < ALIKE[1]


def _own_steps(pulls: F64, weights: F64) -> tuple[F64, F64]:
    """Where each colour alone would have a star, from the common place, and the variance of that; NaN if nowhere."""
    xx, xy, yy = np.moveaxis(weights, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.stack([yy, xx], axis=-1) / (xx * yy - xy * xy)[..., None]
        cross = -xy / (xx * yy - xy * xy)
        step = variance * pulls + cross[..., None] * pulls[..., ::-1]
    return step, np.where(variance > 0, variance, np.nan)


def _explained(places: F64, values: F64, errors: F64) -> tuple[float, float]:
    """By how much a shift, and a plane over the field, lower chi² (1 and 3 by chance).

    Errors are scaled to what scatters about the plane, for the gain may be unknown.
    """
    away = places - places.mean(axis=0)
    terms = (
        np.column_stack([np.ones(len(places)), away / max(float(np.abs(away).max()), 1.0)]) / errors[:, None]
    )
    pull = values / errors
    left = pull - terms @ np.linalg.lstsq(terms, pull, rcond=None)[0]
    pull = pull / max(1.4826 * float(np.median(np.abs(left))), 0.1)
    pull = np.clip(pull, -CLIP, CLIP)  # a blend that one colour shows must not decide for all
    lowered = []
    for some in (terms[:, :1], terms):
        rest = pull - some @ np.linalg.lstsq(some, pull, rcond=None)[0]
        lowered.append(float(pull @ pull - rest @ rest))
    return lowered[0], lowered[1]


def _moved(stars: Stars, chosen: I64, places: F64, weights: F64, furthest: float) -> Stars:
    """Stars at their new places, less those that went astray."""
    x, y, sigma = stars.x.copy(), stars.y.copy(), stars.sigma.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(
            (weights[:, 0] + weights[:, 2]) / 2 / (weights[:, 0] * weights[:, 2] - weights[:, 1] ** 2)
        )
        good = np.hypot(places[:, 0] - x[chosen], places[:, 1] - y[chosen]) < furthest
    good &= np.isfinite(error)
    x[chosen[good]], y[chosen[good]] = places[good].T
    sigma[chosen[good]] = error[good]
    return replace(stars, x=x, y=y, sigma=sigma)
