"""Master frames."""

from dataclasses import dataclass

from sidera.model.header import Header, Kind
from sidera.types import F32


@dataclass(frozen=True)
class Master:
    """A master bias, dark, flat or flat-dark.

    ``image`` and ``variance`` are ``[row, column]`` (or ``[channel, row, column]``) in ADU and ADU²; a flat is
    normalised to a mean of 1 per CFA colour, its bias or flat-dark already removed. NaN where no frame measured.
    ``header.n_combined`` is the number of frames; ``bias_removed`` tells whether the pedestal is gone.
    """

    kind: Kind
    image: F32
    variance: F32
    header: Header
    bias_removed: bool = False
    key: str = ""
    """Content key of the frames and settings it was made from."""
