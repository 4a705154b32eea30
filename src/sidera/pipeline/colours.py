"""The colours of a stack's stars, as each colour's own pixels saw them on the raw frames."""

from collections.abc import Sequence

import numpy as np

from sidera.model.stack import Row
from sidera.pipeline.decide import CLEAR, Measured, Placed
from sidera.pipeline.samples import Grid

FRAMES = 50
"""Frames that are looked at, those of the greatest weight: more would not tell more."""


def star_colours(placed: Sequence[Placed], base: Measured, grid: Grid) -> tuple[Row, ...]:
    """One row a star of the reference: place on the stack, flux in R, G and B, and in how many frames it was measured.

    Only stars that are bright and not saturated count, frame by frame. Nothing for mono.

    Notes
    -----
    Fluxes are those that Measure took on the raw sites (`colour_fluxes`), times each frame's photometric scale; no
    interpolation between colours has touched them. Colours are the median of the frames', since nothing has rejected
    cosmic rays on the way: of a mean, one hit makes a red star. A star of a single frame of several is left out.
    """
    if not placed or any(one.found.fluxes.shape[1] != 3 for one in placed):
        return ()
    best = sorted(placed, key=lambda one: -one.weight)[:FRAMES]
    light = np.full((len(best), len(base.found.stars), 3), np.nan)
    for one, fluxes in zip(best, light, strict=True):
        there, here = one.solution.pairs.T
        stars, own = one.found.stars, one.found.fluxes[here]
        good = (stars.snr[here] > CLEAR) & ~stars.saturated[here] & (own > 0).all(axis=1)
        fluxes[there[good]] = own[good] * one.scale.value
    count = np.isfinite(light[:, :, 1]).sum(axis=0)
    x, y = base.found.stars.x - grid.left, base.found.stars.y - grid.top
    inside = (x >= 0) & (x < grid.columns) & (y >= 0) & (y < grid.rows)
    seen = np.flatnonzero(inside & (count >= min(2, len(best))))
    green = np.nanmedian(light[:, seen, 1], axis=0)
    ratios = np.nanmedian(light[:, seen] / light[:, seen, 1:2], axis=0)
    rows = np.column_stack([x[seen], y[seen], ratios * green[:, None], count[seen]]).tolist()
    return tuple(
        {"X": x, "Y": y, "R": red, "G": green, "B": blue, "FRAMES": int(frames)}
        for x, y, red, green, blue, frames in rows
    )
