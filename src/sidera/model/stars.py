"""A star list."""

from dataclasses import dataclass, fields

import numpy as np

from sidera.types import F64, Bool


@dataclass(frozen=True)
class Stars:
    """Stars of one frame, brightest first; every field is an array of one length.

    Attributes
    ----------
    x, y : float64
        Centroids in pixels of the full-resolution frame, pixel centres at whole numbers.
    flux : float64
        Sky-subtracted aperture flux in ADU (green, for colour frames).
    peak : float64
        Highest sky-subtracted pixel in ADU.
    snr : float64
        Flux over its standard error.
    fwhm, hfr : float64
        Full width at half maximum, and radius of half the flux, in pixels; NaN where not measurable.
    eccentricity : float64
        sqrt(1 - b²/a²): 0 is round.
    angle : float64
        Position angle of the major axis in degrees from +x towards +y.
    sigma : float64
        Standard error of the position in pixels, per axis.
    saturated : bool
        True where a pixel of the core is saturated.
    """

    x: F64
    y: F64
    flux: F64
    peak: F64
    snr: F64
    fwhm: F64
    hfr: F64
    eccentricity: F64
    angle: F64
    sigma: F64
    saturated: Bool

    def __len__(self) -> int:
        return self.x.size

    def __getitem__(self, chosen: "slice | Bool | np.ndarray") -> "Stars":
        """Some of the stars, by slice, mask or index array."""
        return Stars(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @staticmethod
    def none() -> "Stars":
        """No star."""
        empty = np.empty(0)
        return Stars(*(empty,) * 10, saturated=np.empty(0, np.bool_))
