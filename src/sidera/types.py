"""Array names, and the one page on axes, units, pixel centres and NaN.

Axes
    Images are ``[row, column]`` or ``[channel, row, column]``, stacks of samples ``[frame, row, column]``;
    C-contiguous, float32, linear light.
Positions
    ``(x, y)`` is (column, row); pixel centres lie at whole numbers, so the first pixel spans -0.5 to 0.5.
Row order
    Row 0 is the first row stored in the file, and a Bayer pattern is the one at stored row 0, column 0.
    ``Header.bottom_up`` tells which end of the picture is up.
Values
    ADU as the file means them (BSCALE and BZERO applied), or electrons where it is said.
NaN
    Nobody measured this pixel. No number, such as 0, ever stands for "missing".
Times
    UTC. Angles in degrees. Sizes in pixels unless it is said.
"""

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]


def plain(data: object) -> F32:
    """Any array-like, or astropy's NDData and CCDData, as a C-contiguous float32 array with NaN where masked.

    No copy is made of what is in that form already. Public wrappers take their images through this door.
    """
    mask = None
    if hasattr(data, "uncertainty") and hasattr(
        data, "data"
    ):  # NDData, known by its shape: astropy loads slowly
        data, mask = data.data, getattr(data, "mask", None)
    image: F32 = np.ascontiguousarray(data, dtype=np.float32)
    if mask is None or not np.any(mask):
        return image
    return np.where(mask, np.float32(np.nan), image)
