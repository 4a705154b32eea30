"""Which frame gives the grid."""

from collections.abc import Sequence

import numpy as np

from sidera.errors import NothingToStackError, ShapeError
from sidera.model.frame import Figures
from sidera.types import F64, I64, Bool

ENOUGH_STARS = 0.5
"""A reference shows at least this share of the most stars that any frame shows."""


def choose_reference(
    figures: Sequence[Figures], pointings: Sequence[tuple[float, float] | None] | None = None
) -> int:
    """Index of the frame that all others are brought onto: sharp, dark-skied, rich in stars, amid the others.

    Each frame with at least half of the greatest number of stars is ranked by FWHM, by sky level and, where
    pointings are known, by distance from the median pointing. The lowest sum wins, the first of equals.

    Parameters
    ----------
    figures : sequence of Figures
        One a frame, in the run's order.
    pointings : sequence of (right ascension, declination) in degrees or None, optional
        Used where every frame has one.

    Raises
    ------
    ShapeError
        If there are not as many pointings as frames.
    NothingToStackError
        If no frame shows a star.
    """
    if pointings is not None and len(pointings) != len(figures):
        raise ShapeError(f"{len(pointings)} pointings for {len(figures)} frames", "Give one a frame, or none")
    stars = np.array([figure.stars for figure in figures])
    if not stars.any():
        raise NothingToStackError(
            f"none of {len(figures)} frames shows a star", "Check focus and frame types"
        )
    eligible = stars >= ENOUGH_STARS * stars.max()
    fwhm = np.array([figure.fwhm for figure in figures])
    sky = np.array([np.mean(figure.sky) if figure.sky else np.nan for figure in figures])
    penalty = _ranks(fwhm, eligible) + _ranks(sky, eligible)
    if pointings is not None and all(pointing is not None for pointing in pointings):
        penalty += _ranks(_distances(np.array(pointings, np.float64)), eligible)
    return int(np.argmin(np.where(eligible, penalty, np.iinfo(np.int64).max)))


def _ranks(values: F64, eligible: Bool) -> I64:
    """How many eligible frames are better (smaller); NaN is worse than any number."""
    known = np.where(np.isfinite(values), values, np.inf)
    return np.searchsorted(np.sort(known[eligible]), known).astype(np.int64)


def _distances(pointings: F64) -> F64:
    """Degrees from the median pointing, on the plane that touches the sky there."""
    first = pointings[0, 0]
    right_ascension = (pointings[:, 0] - first + 180) % 360 - 180  # a target at 0 h is not torn apart
    declination = pointings[:, 1]
    middle = np.median(declination)
    along = (right_ascension - np.median(right_ascension)) * np.cos(np.radians(middle))
    distance: F64 = np.hypot(along, declination - middle)
    return distance
