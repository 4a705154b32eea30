"""Starlet transform (à trous, B3 spline), which leaves out what was not measured."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32

OUTER, INNER, MIDDLE = np.float32(1 / 16), np.float32(4 / 16), np.float32(6 / 16)
"""B3 spline (Starck & Murtagh 1998)."""
HUGE = np.float32(3e38)


@kernel
def _weighed(source: F32, weight: np.float32, total: F32, share: F32) -> None:
    """Add a row's known pixels, and the weight that they have."""
    zero = np.float32(0)
    for x in range(source.size):
        known = abs(source[x]) < HUGE  # false for NaN and infinity
        total[x] += weight * source[x] if known else zero
        share[x] += weight if known else zero


@kernel
def _level(total: F32, share: F32, step: int, centre: F32, out: F32) -> None:
    """One row of the smoothed image from sums down the columns, which begin two steps to the left."""
    size = out.size
    a, b, c = total[0:size], total[step : step + size], total[2 * step : 2 * step + size]
    d, e = total[3 * step : 3 * step + size], total[4 * step : 4 * step + size]
    p, q, r = share[0:size], share[step : step + size], share[2 * step : 2 * step + size]
    s, t = share[3 * step : 3 * step + size], share[4 * step : 4 * step + size]
    nothing = np.float32(np.nan)
    for x in range(size):
        value = OUTER * (a[x] + e[x]) + INNER * (b[x] + d[x]) + MIDDLE * c[x]
        weight = OUTER * (p[x] + t[x]) + INNER * (q[x] + s[x]) + MIDDLE * r[x]
        out[x] = value / weight if abs(centre[x]) < HUGE else nothing


@kernel
def smooth(image: F32, step: int, out: F32) -> None:
    """Mean of the known pixels on a 5×5 grid ``step`` apart, weighed by the B3 spline; unknown pixels stay NaN.

    What lies beyond the border counts as unknown.
    """
    rows, columns = image.shape
    margin = 2 * step
    total = np.zeros(columns + 2 * margin, np.float32)
    share = np.zeros(columns + 2 * margin, np.float32)
    inside, weight = total[margin : margin + columns], share[margin : margin + columns]
    for row in range(rows):
        inside[:] = np.float32(0)
        weight[:] = np.float32(0)
        if row >= margin:
            _weighed(image[row - margin], OUTER, inside, weight)
        if row >= step:
            _weighed(image[row - step], INNER, inside, weight)
        _weighed(image[row], MIDDLE, inside, weight)
        if row + step < rows:
            _weighed(image[row + step], INNER, inside, weight)
        if row + margin < rows:
            _weighed(image[row + margin], OUTER, inside, weight)
        _level(total, share, step, image[row], out[row])


@kernel
def shrink(layer: F32, threshold: F32, soft: bool, total: F32) -> None:
    """Add a layer to ``total`` less what is under its threshold (a plane of the same shape).

    Garrote, ``w - t² / w`` (Gao 1998), leaves large coefficients as they are; soft, ``w - t``, lowers all alike.
    """
    rows, columns = layer.shape
    zero, one = np.float32(0), np.float32(1)
    for row in range(rows):
        w, t, out = layer[row], threshold[row], total[row]
        for x in range(columns):
            size = abs(w[x])
            ratio = t[x] / size
            left = one - (ratio if soft else ratio * ratio)
            out[x] += w[x] * left if left > zero and size > zero else (zero if size == size else w[x])
