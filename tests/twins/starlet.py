"""Starlet smoothing and shrinking, pixel by pixel."""

import numpy as np

TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def smooth(image, step):
    """Weighted mean of the known pixels of a 5×5 grid."""
    rows, columns = image.shape
    out = np.full(image.shape, np.nan)
    for row, column in np.ndindex(rows, columns):
        if not np.isfinite(image[row, column]):
            continue
        total = weight = 0.0
        for i, p in enumerate(TAPS):
            for j, q in enumerate(TAPS):
                y, x = row + (i - 2) * step, column + (j - 2) * step
                if 0 <= y < rows and 0 <= x < columns and np.isfinite(image[y, x]):
                    total += p * q * float(image[y, x])
                    weight += p * q
        out[row, column] = total / weight
    return out


def shrink(w, t, soft):
    """One coefficient."""
    if w != w or w == 0:
        return w
    left = 1 - (t / abs(w) if soft else (t / w) ** 2)
    return w * max(left, 0)
