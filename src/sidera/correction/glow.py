"""The glow of an amplifier in a corner of the frame, told from a nebula that lies there."""

from collections.abc import Sequence

import numpy as np

from sidera.correction.background import (
    Cells,
    Glow,
    Polynomial,
    above,
    cells_of,
    count_terms,
    lattice,
    surface,
    terms,
)
from sidera.types import F32, Bool

CORNER, OCCUPIED = 0.25, 0.8
"""A corner, where half of the frame is 1; and the share of it that is masked where something may glow."""
REACH, LEFT = 0.6, 4.0
"""How far a glow is looked at; and nine in ten cells there lie within so many median deviations of the others."""
DEGREE, FEWEST = 2, 20
"""Of the sky about a glow; and cells that must show it."""
CLEAR = 15.0
"""Errors of a cell by which it stands out in the corner."""
SMALLEST = 64
"""Pixels a side of the small image below which no corner is looked at."""
LENGTHS = (0.15, 0.2, 0.27, 0.36, 0.48)
"""In which a glow falls off."""
ALIKE = 1.3
"""A glow in one channel is no brighter than this many times that in another."""


def corner_glow(planes: F32, mask: Bool, bases: Sequence[Polynomial]) -> tuple[Glow, list[float]] | None:
    """The glow in a corner that is masked as an object, and its height in each channel; None where there is none.

    Parameters
    ----------
    planes : float32 array, shape (channels, rows, columns)
        A small image; NaN where not measured.
    mask : bool array, shape (rows, columns)
        Objects.
    bases : sequence of Polynomial
        The sky as it is known so far, one a channel.

    Notes
    -----
    An amplifier's glow falls off exponentially from the very corner and is about as bright in every channel: no sky
    is. Around the corner no more may be left of it than is left of the sky elsewhere. Of one channel nobody can tell
    it from a nebula.
    """
    if len(planes) != 3 or min(mask.shape) < SMALLEST:
        return None
    v, u = np.meshgrid(*(np.linspace(-1, 1, size) for size in mask.shape), indexing="ij")
    for corner in ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)):
        away = np.maximum(np.abs(u - corner[0]), np.abs(v - corner[1]))
        if mask[away < CORNER].mean() < OCCUPIED:
            continue
        found = _glowing(planes, mask & (away > REACH), bases, corner)
        if found is not None:
            return found
    return None


def _glowing(
    planes: F32, mask: Bool, bases: Sequence[Polynomial], corner: tuple[float, float]
) -> tuple[Glow, list[float]] | None:
    """The glow of this corner, if there is one; nothing wide is masked around it."""
    shape = (planes.shape[1], planes.shape[2])
    grounds = [surface(lattice(base, shape), shape) for base in bases]
    cells = cells_of(above(planes, grounds, mask), bases)
    near = np.maximum(np.abs(cells.u - corner[0]), np.abs(cells.v - corner[1])) < REACH
    unit = np.maximum(np.median(cells.error, axis=1), 1e-30)
    best, least = None, LEFT
    if np.count_nonzero(~near) < 3 * count_terms(DEGREE) or np.count_nonzero(near) < FEWEST:
        return None
    for length in LENGTHS:
        glow = Glow(*corner, length)
        models = [_fitted(cells, channel, glow, near) for channel in range(len(planes))]
        sky = np.array([model.at(cells.u, cells.v) for model in models])
        left = np.abs(cells.level - sky) / unit[:, None]
        share = float(np.quantile(left[:, near], 0.9) / max(float(np.median(left[:, ~near])), 1e-30))
        heights = [float(model.coefficients[-1]) for model in models]
        if share < least and min(heights / unit) > CLEAR and max(heights) < ALIKE * min(heights):
            best, least = (glow, heights), share
    return best


def _fitted(cells: Cells, channel: int, glow: Glow, near: Bool) -> Polynomial:
    """Least squares; of the cells away from the corner those that stand out are dropped."""
    level = cells.level[channel]
    design, kept = terms(cells.u, cells.v, DEGREE, glow), np.ones(len(cells), np.bool_)
    for _ in range(4):
        coefficients = np.linalg.lstsq(design[kept], level[kept], rcond=None)[0]
        left = np.abs(level - design @ coefficients)
        kept = near | (left < 3 * 1.4826 * np.median(left[~near]))
    return Polynomial(DEGREE, coefficients, glow)
