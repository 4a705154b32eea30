"""A stretched image for people to look at: whole, or some rows at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sidera.model.header import Card
from sidera.types import F32

ROWS = 256
"""Rows of a picture that are worked on together, so that what is between two steps stays small."""


@dataclass(frozen=True)
class Picture:
    """Values 0 to 1, display-referred, ``[row, column]`` or ``[channel, row, column]``, top row first."""

    image: F32
    stretch: str = "linear"
    """What was done, for the file's metadata."""
    cards: tuple[Card, ...] = ()
    """What is known of the object, the exposure and the stretch, as header cards."""
    history: tuple[str, ...] = ()
    """What was done to the image, the recipe with it."""
    clipped: tuple[float, float] = (0.0, 0.0)
    """Shares of the known samples that lay under black and over white."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image."""
        return self.image.shape

    def rows(self, top: int, bottom: int) -> F32:
        """Some rows of the image."""
        return self.image[..., top:bottom, :]


@dataclass(frozen=True)
class Strips:
    """A picture that is made as it is written, so that it never lies in memory as a whole.

    Attributes
    ----------
    shape : tuple of int
        Of the whole image.
    rows : callable
        ``rows(top, bottom)`` makes those rows, as `Picture` has them.
    """

    shape: tuple[int, ...]
    rows: Callable[[int, int], F32]
    stretch: str = "linear"
    cards: tuple[Card, ...] = ()
    history: tuple[str, ...] = ()
    clipped: tuple[float, float] = (0.0, 0.0)

    def whole(self) -> Picture:
        """The picture in one piece."""
        image = np.empty(self.shape, np.float32)
        for top in range(0, self.shape[-2], ROWS):
            image[..., top : top + ROWS, :] = self.rows(top, min(top + ROWS, self.shape[-2]))
        return Picture(image, self.stretch, self.cards, self.history, self.clipped)
