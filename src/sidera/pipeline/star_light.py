"""The stars of a stack: their light in each colour, for the white balance, and their width."""

from collections.abc import Sequence

import numpy as np

from sidera.detection.find import colour_fluxes, find_stars
from sidera.loading import loading
from sidera.model.stack import Row, Stack
from sidera.pipeline.recipe import Recipe
from sidera.types import F32, F64

CLEAR = 30.0
"""SNR from which a star's colour counts."""
BRIGHTEST = 0.6
"""Stars whose peak is above this part of the brightest one's may be saturated in some frame."""
FEWEST = 25
"""Rows of the table of star colours that are enough to go by."""


def star_light(stack: Stack, table: Sequence[Row], recipe: Recipe) -> tuple[F64, str]:
    """Fluxes of unsaturated stars, shape (stars, 3), and where they are from, in words.

    Its table where it has one (measured on the raw sites of each colour); else apertures on the stack, where
    colours are near enough if the demosaicing conserved flux.
    """
    rows = [(row["R"], row["G"], row["B"]) for row in table if {"R", "G", "B"} <= row.keys()]
    if len(rows) >= FEWEST:
        return np.array(rows, np.float64), "measured on the raw frames"
    stars = find_stars(np.ascontiguousarray(stack.image[1]), recipe.detection)
    bright = stars.peak.max() if len(stars) else 0.0
    good = stars[(stars.snr > CLEAR) & ~stars.saturated & (stars.peak < BRIGHTEST * bright)]
    widths = good.fwhm[np.isfinite(good.fwhm)]
    width = float(np.median(widths)) if widths.size else 3.0
    fluxes = colour_fluxes(stack.image, None, good, 2.5 * width, (4 * width, 6 * width))
    return fluxes, "measured on the stack"


def typical_width(before: F32, after: F32, recipe: Recipe) -> tuple[float, ...]:
    """Median FWHM of the same clear stars in two versions of one plane, in pixels; nothing where there are none.

    Parameters
    ----------
    before, after : float32 array, shape (rows, columns)
        Linear, on one grid.
    """
    stars, found = (find_stars(plane, recipe.detection) for plane in (before, after))
    clear = stars[(stars.snr > CLEAR) & ~stars.saturated & np.isfinite(stars.fwhm)]
    if not len(clear) or not len(found):
        return ()
    with loading:
        from scipy.spatial import cKDTree  # loads slowly, and only finishing needs it

    away, match = cKDTree(np.column_stack([found.x, found.y])).query(np.column_stack([clear.x, clear.y]))
    same = (away < 1) & np.isfinite(found.fwhm[match])
    if not same.any():
        return ()
    return float(np.median(clear.fwhm[same])), float(np.median(found.fwhm[match][same]))
