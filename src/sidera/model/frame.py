"""A frame: pixels and what they say of themselves; and the figures that Measure finds."""

from dataclasses import dataclass

import msgspec

from sidera.model.header import Header
from sidera.types import F32


class FrameId(msgspec.Struct, frozen=True, order=True):
    """A file, and the index of one image in it (SER films; 0 elsewhere)."""

    path: str
    index: int = 0


@dataclass(frozen=True)
class Frame:
    """Pixels ``[row, column]`` (mono, CFA) or ``[channel, row, column]`` in ADU, NaN where not measured."""

    image: F32
    header: Header


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on one calibrated frame. Lengths in pixels, levels in ADU.

    ``sky`` and ``noise`` have one entry a channel (one for mono, R, G, B for colour). The other figures are
    medians over unsaturated stars of SNR > 30, NaN where there are none.
    """

    stars: int
    sky: tuple[float, ...]
    noise: tuple[float, ...]
    fwhm: float
    hfr: float
    eccentricity: float
    snr: float
    saturated: int = 0
    """Number of saturated stars."""
