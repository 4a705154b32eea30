"""Stretching: linear pixels to 0 to 1 for the screen.

A curve is a harmonic bend, one division that flattens any stretch used in practice, and a table of what is left of
it, read with linear interpolation: exact for the midtones transfer function, whose table is a straight line, and to
better than 1e-6 for the others.
"""

from typing import NamedTuple

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, I64


class Shape(NamedTuple):
    """A curve from 0..1 to 0..1.

    ``u = (h - start) * scale`` with ``h = t / (1 + bend |t|)`` and ``t = x - centre``; then ``table``, which holds
    the curve at even steps of u.
    """

    centre: float
    bend: float
    start: float
    scale: float
    table: F64


@kernel
def _looked_up(table: F64, u: float) -> float:
    """The table at u, 0 to 1, linear between its entries."""
    place = u * (table.size - 1)
    index = min(max(int(place), 0), table.size - 2)
    return float(table[index] + (place - index) * (table[index + 1] - table[index]))


@kernel
def curved(x: float, shape: Shape) -> float:
    """The curve at x, 0 to 1."""
    t = x - shape.centre
    u = (t / (1.0 + shape.bend * abs(t)) - shape.start) * shape.scale
    return u if shape.table.size == 2 else _looked_up(shape.table, u)


@kernel
def stretch_plane(image: F32, black: float, gain: float, shape: Shape, out: F32, clipped: I64) -> None:
    """Each channel by itself: ``out`` [row, column] from ``image``; NaN stays NaN.

    ``clipped`` [3] gains the numbers of pixels below black, above white, and known.
    """
    rows, columns = image.shape
    dark, bright, known = 0, 0, 0
    straight = shape.table.size == 2
    for row in range(rows):
        line, target = image[row], out[row]
        for x in range(columns):
            value = (line[x] - black) * gain
            dark += 1 if value < 0.0 else 0
            bright += 1 if value > 1.0 else 0
            known += 1 if value == value else 0
            value = 0.0 if value < 0.0 else (1.0 if value > 1.0 else value)
            t = value - shape.centre
            target[x] = (t / (1.0 + shape.bend * abs(t)) - shape.start) * shape.scale
        if not straight:
            for x in range(columns):
                u = target[x]
                target[x] = _looked_up(shape.table, u) if u == u else np.nan
    clipped[0] += dark
    clipped[1] += bright
    clipped[2] += known


@kernel
def count_clipped(image: F32, black: float, gain: float, clipped: I64) -> None:
    """What `stretch_plane` would add to ``clipped``, without stretching."""
    rows, columns = image.shape
    dark, bright, known = 0, 0, 0
    for row in range(rows):
        line = image[row]
        for x in range(columns):
            value = (line[x] - black) * gain
            dark += 1 if value < 0.0 else 0
            bright += 1 if value > 1.0 else 0
            known += 1 if value == value else 0
    clipped[0] += dark
    clipped[1] += bright
    clipped[2] += known


@kernel
def stretch_colour(
    image: F32, black: F64, gain: F64, weights: F64, keep: float, shape: Shape, out: F32, clipped: I64
) -> None:
    """Three channels together, ``[channel, row, column]``: their brightness is bent, and their ratios are kept.

    ``keep`` of the result has the ratios of the linear light, and the rest is each channel bent by itself. What
    would be brighter than white is dimmed as a whole, so that it keeps its hue. ``clipped`` as `stretch_plane`.
    """
    rows, columns = image.shape[1:]
    x = np.empty(3, np.float64)
    for row in range(rows):
        for column in range(columns):
            light, share = 0.0, 0.0
            for c in range(3):
                value = (image[c, row, column] - black[c]) * gain[c]
                clipped[0] += 1 if value < 0.0 else 0
                clipped[1] += 1 if value > 1.0 else 0
                clipped[2] += 1 if value == value else 0
                x[c] = 0.0 if value < 0.0 else value
                if value == value:
                    light += weights[c] * x[c]
                    share += weights[c]
            light = light / share if share > 0.0 else 0.0
            lift = curved(min(light, 1.0), shape) / light if light > 0.0 else 0.0
            peak = 1.0
            for c in range(3):
                if x[c] * lift > peak:
                    peak = x[c] * lift
            for c in range(3):
                alone = curved(min(x[c], 1.0), shape) if x[c] == x[c] else np.nan
                out[c, row, column] = keep * x[c] * lift / peak + (1.0 - keep) * alone
