"""RCD: green along the smoother axis, corrected by ratios of low-pass brightness (Sanz Rodríguez, 2015)."""

import numpy as np

from sidera.demosaic.mosaic import Core, Layout, cut, layout, mirrored
from sidera.kernels import demosaic
from sidera.kernels import rcd as kernels
from sidera.model.header import Bayer
from sidera.types import F32

SUPPORT = kernels.MARGIN
EPSILON = 1e-5
"""Smallest gradient, as a share of full scale (Sanz Rodríguez)."""


def rcd(
    cfa: F32,
    pattern: Bayer,
    gains: tuple[float, float, float],
    pedestal: float,
    full_scale: float,
    core: Core | None = None,
) -> F32:
    """Colour ``[3, row, column]`` of a checked colour filter array without NaN."""
    margin, tiny = kernels.MARGIN, EPSILON * full_scale
    plan = layout(pattern, cfa.shape[1] + 2 * margin)
    mosaic, own = mirrored(cfa, margin, plan.sites, gains, pedestal, core), cut(cfa, core)
    rgb = np.empty((3, *own.shape), np.float32)
    _interpolate(mosaic, plan, tiny, rgb)
    demosaic.unscaled(own, plan.sites, np.asarray(gains, np.float32), float(pedestal), rgb)
    return rgb


def _interpolate(mosaic: F32, plan: Layout, tiny: float, rgb: F32) -> None:
    """Steps 1 to 5; the planes are reused as soon as they are done with."""
    upright, diagonal, surer, low, green = np.empty((5, *mosaic.shape), np.float32)
    kernels.shares(mosaic, tiny * tiny, upright, diagonal)
    kernels.surer(upright, surer)
    kernels.low_pass(mosaic, tiny, low)
    kernels.green(mosaic, plan.chroma, surer, low, tiny, green)
    surer_diagonal, opposite = upright, low
    kernels.surer(diagonal, surer_diagonal)
    kernels.opposite(mosaic, green, surer_diagonal, tiny, opposite)
    kernels.colours(mosaic, opposite, green, surer, plan.chroma, plan.red_row, tiny, rgb)
