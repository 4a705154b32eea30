"""A stretched image for people to look at."""

from dataclasses import dataclass

from sidera.types import F32


@dataclass(frozen=True)
class Picture:
    """Values 0 to 1, display-referred, ``[row, column]`` or ``[channel, row, column]``, top row first."""

    image: F32
    stretch: str = "linear"
    """What was done, for the file's metadata."""
