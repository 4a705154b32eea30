"""Pictures made small, slowly and plainly."""

import numpy as np


def block_means(image, down, across, shape):
    """Mean of the finite pixels of each block; NaN where there are none."""
    out = np.full(shape, np.nan)
    for row, column in np.ndindex(shape):
        block = image[row * down : (row + 1) * down, column * across : (column + 1) * across]
        known = block[np.isfinite(block)].astype(np.float64)
        out[row, column] = known.mean() if known.size else np.nan
    return out
