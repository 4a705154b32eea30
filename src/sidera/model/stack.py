"""The result of a run: image, maps and header cards."""

from dataclasses import dataclass, field

from sidera.model.header import Card
from sidera.types import F32, U16


@dataclass(frozen=True)
class Stack:
    """One integrated image on the output grid, linear, with what is known of every pixel.

    Attributes
    ----------
    image : float32, shape (rows, columns) or (3, rows, columns)
        ADU of the reference frame; NaN where no frame saw the sky.
    noise : float32, same shape
        Standard error per pixel in ADU.
    weight : float32, same shape
        Sum of the weights of the samples kept.
    coverage : uint16, same shape
        Number of samples that were there before rejection.
    rejected_low, rejected_high : uint16, same shape
        Number of samples rejected below and above.
    halves : pair of float32 arrays or None
        Stacks of the odd and of the even frames.
    """

    image: F32
    noise: F32
    weight: F32
    coverage: U16
    rejected_low: U16
    rejected_high: U16
    halves: tuple[F32, F32] | None = None
    cards: tuple[Card, ...] = ()
    history: tuple[str, ...] = ()
    bottom_up: bool = False
    table: tuple[dict[str, str | int | float], ...] = field(default=())
    """One row a frame: figures, transform, weight, verdict."""
