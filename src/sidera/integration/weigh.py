"""How much each frame counts."""

import math

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.model.settings import IntegrationSettings
from sidera.types import F64, Bool

WIDEST = 20.0
"""Heaviest over lightest weight at most: no one frame should be the stack."""
DROPPED = 0.05
"""A frame lighter than this share of the median weight adds more trouble than light."""


def weights(noise: F64, scale: F64, fwhm: F64, settings: IntegrationSettings | None = None) -> F64:
    """Weight of each frame, 1 on average over those that stay; 0 flags a frame to leave out.

    Parameters
    ----------
    noise : float64, shape (frames,)
        Sky noise of each frame in its own ADU.
    scale : float64, shape (frames,)
        What each frame is multiplied by in normalisation.
    fwhm : float64, shape (frames,)
        Star widths in pixels; NaN, where no star could be measured, counts as the median.
    settings : IntegrationSettings
        ``weights`` chooses the formula, ``keep`` the share of the best frames that stay.

    Returns
    -------
    float64, shape (frames,)
        ``1 / (scale noise)²`` times, for "noise-fwhm", ``median FWHM / FWHM``; equal for "none". Capped at 20
        times the lightest. Frames below 5 % of the median and those beyond ``keep`` get 0; the better half
        always stays.

    Notes
    -----
    Inverse variance is the best weight for faint extended light, and one power of the FWHM costs under 3 % of
    it while serving point sources nearly as well as their own optimum does (King 1983; Zackay and Ofek 2017).
    """
    settings = settings or IntegrationSettings()
    noise, scale, fwhm = (np.asarray(values, np.float64) for values in (noise, scale, fwhm))
    _check(noise, scale, fwhm)
    if not noise.size:
        return np.empty(0)
    merit = 1 / (scale * noise) ** 2
    if settings.weights != "noise":
        merit = merit * _sharpness(fwhm)
    stays = merit >= DROPPED * np.median(merit)
    if settings.weights == "none":
        stays[:] = True
    stays &= _best(merit, settings.keep)
    result = np.ones_like(merit) if settings.weights == "none" else merit
    result = np.where(stays, np.minimum(result, WIDEST * result[stays].min()), 0.0)
    return np.asarray(result / result[stays].mean())


def _check(noise: F64, scale: F64, fwhm: F64) -> None:
    """Refuse what has no weight."""
    if not noise.ndim == 1 or not noise.shape == scale.shape == fwhm.shape:
        raise ShapeError(
            f"noise, scale and FWHM of shapes {noise.shape}, {scale.shape}, {fwhm.shape}",
            "Give one of each a frame",
        )
    for name, values in (("noise", noise), ("scale", scale)):
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            raise UsageError(
                f"frame {int(np.argmax(bad))} has a {name} of {values[bad][0]}", "It is a number above 0"
            )


def _sharpness(fwhm: F64) -> F64:
    """Median FWHM over each frame's; 1 where it is unknown."""
    known = np.isfinite(fwhm) & (fwhm > 0)
    if not known.any():
        return np.ones_like(fwhm)
    typical = np.median(fwhm[known])
    return np.asarray(typical / np.where(known, fwhm, typical))


def _best(merit: F64, share: float) -> Bool:
    """Which frames are among the best ``share``, the earlier of equals first."""
    number = max(1, math.ceil(share * merit.size - 1e-9))
    chosen = np.zeros(merit.size, np.bool_)
    chosen[np.argsort(-merit, kind="stable")[:number]] = True
    return chosen
