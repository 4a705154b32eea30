"""The result of a run: image, maps and header cards."""

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from sidera.model.header import Card
from sidera.types import F32

Counts = npt.NDArray[Any]

Row = dict[str, str | int | float]
"""A row of a table, by the names of its columns."""


@dataclass(frozen=True)
class Stack:
    """One integrated image on the output grid, linear, with what is known of every pixel.

    Arrays of a stack that lies in a file are read from it page by page, in the file's byte order.

    Attributes
    ----------
    image : float32, shape (rows, columns) or (3, rows, columns)
        ADU of the reference frame; NaN where no frame saw the sky.
    noise : float32, same shape
        Standard error per pixel in ADU.
    weight : float32, same shape
        Sum of the weights of the samples kept.
    coverage : uint8, int16 or int32, same shape
        Number of samples that were there before rejection.
    rejected_low, rejected_high : of the same type and shape
        Number of samples rejected below and above.
    halves : pair of float32 arrays or None
        Stacks of the odd and of the even frames.
    """

    image: F32
    noise: F32
    weight: F32
    coverage: Counts
    rejected_low: Counts
    rejected_high: Counts
    halves: tuple[F32, F32] | None = None
    cards: tuple[Card, ...] = ()
    history: tuple[str, ...] = ()
    bottom_up: bool = False
    table: tuple[Row, ...] = field(default=())
    """One row a frame: figures, transform, weight, verdict."""
    star_colours: tuple[Row, ...] = field(default=())
    """One row a star: X, Y on the image, and its fluxes R, G, B in ADU, measured on the raw sites of each colour and
    never on interpolated ones; empty for mono."""
