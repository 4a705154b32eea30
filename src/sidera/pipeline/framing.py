"""Which part of the sky the output shows."""

from collections.abc import Sequence

import numpy as np

from sidera.errors import NothingToStackError
from sidera.pipeline.decide import Measured, Placed
from sidera.pipeline.samples import Grid
from sidera.types import I64, Bool

COARSE = 8
"""Pixels between the points at which the frames' common area is looked for."""


def output_grid(base: Measured, frames: Sequence[Placed], framing: str) -> Grid:
    """The output's pixels, on the reference's own: the reference, what all frames share, or what any saw.

    Raises
    ------
    NothingToStackError
        When the frames share nothing.
    """
    rows, columns = base.light.shape
    if framing == "union":
        return _union(frames)
    if framing == "intersection":
        return _intersection(frames, rows, columns)
    return Grid(0, 0, rows, columns)


def _union(frames: Sequence[Placed]) -> Grid:
    edges = []
    for one in frames:
        rows, columns = one.light.shape
        side_x, side_y = np.linspace(0, columns - 1, 33), np.linspace(0, rows - 1, 33)
        x, y = one.transform.invert_points(*np.meshgrid(side_x, side_y))
        edges.append((np.nanmin(y), np.nanmin(x), np.nanmax(y), np.nanmax(x)))
    low, high = np.array(edges)[:, :2].min(axis=0), np.array(edges)[:, 2:].max(axis=0)
    top, left = np.floor(low + 1e-6).astype(int)
    bottom, right = np.ceil(high - 1e-6).astype(int)
    return Grid(int(top), int(left), int(bottom - top) + 1, int(right - left) + 1)


def _intersection(frames: Sequence[Placed], rows: int, columns: int) -> Grid:
    y, x = np.arange(0, rows, COARSE, dtype=np.float64), np.arange(0, columns, COARSE, dtype=np.float64)
    grid_x, grid_y = np.meshgrid(x, y)
    shared = np.ones(grid_x.shape, np.bool_)
    for one in frames:
        there_x, there_y = one.transform.apply(grid_x, grid_y)
        height, width = one.light.shape
        shared &= (there_x >= 0) & (there_x <= width - 1) & (there_y >= 0) & (there_y <= height - 1)
    top, left, bottom, right = largest_rectangle(shared)
    if bottom <= top or right <= left:
        raise NothingToStackError("the frames share no part of the sky", "use --framing reference or union")
    return Grid(top * COARSE, left * COARSE, (bottom - top - 1) * COARSE + 1, (right - left - 1) * COARSE + 1)


def largest_rectangle(mask: Bool) -> tuple[int, int, int, int]:
    """(top, left, bottom, right), half-open, of the largest rectangle of True; all 0 where there is none.

    Row by row, each column's run of True above is a bar; the largest rectangle under the bars is found with a
    stack of rising bars, in time proportional to the pixels.
    """
    best, found = 0, (0, 0, 0, 0)
    heights = np.zeros(mask.shape[1] + 1, np.int64)
    for row in range(mask.shape[0]):
        heights[:-1] = np.where(mask[row], heights[:-1] + 1, 0)
        area, left, right, height = _under_bars(heights)
        if area > best:
            best, found = area, (row + 1 - height, left, row + 1, right)
    return found


def _under_bars(heights: I64) -> tuple[int, int, int, int]:
    """(area, left, right, height) of the largest rectangle under bars; the last bar is 0."""
    best = (0, 0, 0, 0)
    rising: list[tuple[int, int]] = []
    for column, height in enumerate(heights.tolist()):
        start = column
        while rising and rising[-1][1] >= height:
            start, tall = rising.pop()
            best = max(best, (tall * (column - start), start, column, tall))
        rising.append((start, height))
    return best
