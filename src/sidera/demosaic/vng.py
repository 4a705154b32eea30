"""VNG: colours are taken from the directions in which the picture is smooth (Chang, Cheung & Pang, 1999)."""

import numpy as np

from sidera.demosaic.mosaic import Core, cut, layout, mirrored
from sidera.kernels import demosaic as kernels
from sidera.kernels.vng import vng as fill
from sidera.model.header import Bayer
from sidera.types import F32

SUPPORT = 2
LIMITS = (1.5, 0.5)
"""k1 and k2 of the threshold k1·least + k2·(greatest - least) (Chang, Cheung & Pang 1999, eq. 2)."""


def vng(
    cfa: F32, pattern: Bayer, gains: tuple[float, float, float], pedestal: float, core: Core | None = None
) -> F32:
    """Colour ``[3, row, column]`` of a checked colour filter array."""
    margin = kernels.MARGIN_LINEAR
    plan = layout(pattern, cfa.shape[1] + 2 * margin)
    mosaic, own = mirrored(cfa, margin, plan.sites, gains, pedestal, core), cut(cfa, core)
    linear = np.empty((3, mosaic.shape[0] - 2, mosaic.shape[1] - 2), np.float32)
    kernels.bilinear(mosaic, plan.chroma, plan.red_row, 1, linear)
    rgb = np.empty((3, *own.shape), np.float32)
    fill(mosaic, linear, plan.chroma, plan.red_row, LIMITS, rgb)
    kernels.unscaled(own, plan.sites, np.asarray(gains, np.float32), float(pedestal), rgb)
    return rgb
