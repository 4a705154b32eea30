"""The plain twins of `sidera.kernels.surface`."""

import numpy as np

from twins.sky import surface


def block_means(image, shape):
    out = np.full(shape, np.nan, np.float32)
    rows, columns = image.shape
    for i, j in np.ndindex(shape):
        block = image[
            i * rows // shape[0] : (i + 1) * rows // shape[0],
            j * columns // shape[1] : (j + 1) * columns // shape[1],
        ]
        if 2 * np.isfinite(block).sum() >= block.size:
            out[i, j] = np.nanmean(block)
    return out


def levelled(image, mesh, divide):
    light = surface(mesh, image.shape)
    return image / light if divide else image - light
