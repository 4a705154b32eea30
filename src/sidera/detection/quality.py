"""The figures that a frame is judged by."""

from collections.abc import Sequence

import numpy as np

from sidera.detection.sky import Sky
from sidera.model.frame import Figures
from sidera.model.stars import Stars
from sidera.types import F64

CLEAR = 30.0
"""SNR from which a star's shape counts."""


def figures(stars: Stars, skies: Sequence[Sky]) -> Figures:
    """Medians over the unsaturated stars of SNR > 30, and level and noise of each channel's sky.

    Parameters
    ----------
    stars : Stars
        All that were found on the frame.
    skies : sequence of Sky
        One a channel: one for mono, R, G, B for colour.

    Returns
    -------
    Figures
        NaN for the medians of a frame that has no such star.
    """
    clear = stars[(stars.snr > CLEAR) & ~stars.saturated]
    return Figures(
        stars=len(stars),
        sky=tuple(sky.median_level for sky in skies),
        noise=tuple(sky.median_noise for sky in skies),
        fwhm=_median(clear.fwhm),
        hfr=_median(clear.hfr),
        eccentricity=_median(clear.eccentricity),
        snr=_median(clear.snr),
        saturated=int(np.count_nonzero(stars.saturated)),
    )


def _median(values: F64) -> float:
    """Median of what was measured; NaN if nothing was."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
