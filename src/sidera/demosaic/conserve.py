"""Bring each colour's light back to what its own pixels saw.

RCD and VNG take the fine detail of all colours for alike. A star redder than most then loses a third of what
sets it apart, in every frame alike, and no stack averages that out. Its own red pixels know better: smoothed over
a star's width they tell how much red there was.
"""

import numpy as np

from sidera.demosaic.mosaic import checked, layout
from sidera.errors import ShapeError
from sidera.kernels import demosaic as kernels
from sidera.model.header import Bayer
from sidera.types import F32

SUPPORT = 2
SHARES = (4.0, 2.0, 4.0)
"""Pixels per red, green and blue sample."""


def conserve_flux(rgb: F32, cfa: object, pattern: Bayer) -> None:
    """Correct a demosaiced image in place so that its colours, smoothed, agree with the samples, smoothed alike.

    Parameters
    ----------
    rgb : float32 array, shape (3, rows, columns)
        What `demosaic` made of ``cfa``; changed in place. NaN spreads by `SUPPORT`.
    cfa : float32 array, shape (rows, columns)
        The colour filter array.
    pattern : Bayer
        The one at row 0, column 0.

    Raises
    ------
    ShapeError
        If the two do not belong together.

    Notes
    -----
    ``rgb + w * (k·samples - rgb)`` with k = 4, 2, 4 and w the B3 spline (1 4 6 4 1)/16 along both axes. The spline
    has a fourfold zero where the filter array's pattern has its frequencies, so the samples' gaps leave no trace,
    and of an error e of the demosaicing ``e - w * e`` remains: nothing of its light.
    """
    image = checked(cfa)
    if rgb.shape != (3, *image.shape) or rgb.dtype != np.float32:
        raise ShapeError(
            f"colours of shape {rgb.shape} for a filter array of {image.shape}", "Give demosaic's own"
        )
    sites = layout(pattern, image.shape[1]).sites
    missing = np.empty((image.shape[0] + 4, image.shape[1] + 4), np.float32)
    for plane, site, share in zip(rgb, sites, SHARES, strict=True):
        kernels.missing_light(image, site, np.float32(share), plane, missing)
        kernels.add_smoothed(missing, plane)
