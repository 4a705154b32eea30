"""Bilinear: each missing colour is the mean of its nearest neighbours. Soft, and true to star colours."""

import numpy as np

from sidera.demosaic.mosaic import Core, cut, layout, mirrored
from sidera.kernels import demosaic as kernels
from sidera.model.header import Bayer
from sidera.types import F32

SUPPORT = 1


def bilinear(cfa: F32, pattern: Bayer, core: Core | None = None) -> F32:
    """Colour ``[3, row, column]`` of a checked colour filter array; NaN is left out of the means."""
    margin = kernels.MARGIN_LINEAR
    mosaic, plan = mirrored(cfa, margin, core=core), layout(pattern, cfa.shape[1] + 2 * margin)
    rgb = np.empty((3, *cut(cfa, core).shape), np.float32)
    kernels.bilinear(mosaic, plan.chroma, plan.red_row, margin, rgb)
    return rgb
