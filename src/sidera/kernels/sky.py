"""Sky level and noise: robust statistics of samples and of cells, and smooth surfaces through the cells."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64

HUGE = np.float32(3e38)
"""Stands for no limit; not infinity, so that infinite pixels fall outside it."""
CLIPPED = 0.985
"""Standard deviation that clipping at 3 sigma, repeated until nothing changes, leaves of a normal one."""
STARLET = 0.8907
"""Standard deviation of the first B3 starlet layer of unit white noise (Starck & Murtagh 1998)."""
HALVINGS = 12


@kernel
def _moments(samples: F32, low: np.float32, high: np.float32) -> tuple[float, float, float]:
    """Mean, standard deviation and number of the samples from ``low`` to ``high``; NaN is never counted."""
    zero = np.float32(0)
    one = np.float32(1)
    count = np.float32(0)
    total = 0.0
    for i in range(samples.size):
        inside = (samples[i] >= low) & (samples[i] <= high)
        count += one if inside else zero
        total += float(samples[i]) if inside else 0.0
    if count == zero:
        return np.nan, np.nan, 0.0
    mean = total / float(count)
    squares = 0.0
    for i in range(samples.size):
        inside = (samples[i] >= low) & (samples[i] <= high)
        off = samples[i] - mean
        squares += off * off if inside else 0.0
    return mean, np.sqrt(squares / float(count)), float(count)


@kernel
def _up_to(samples: F32, low: np.float32, high: np.float32) -> float:
    """Number of the samples from ``low`` to ``high``."""
    zero = np.float32(0)
    one = np.float32(1)
    count = np.float32(0)
    for i in range(samples.size):
        count += one if (samples[i] >= low) & (samples[i] <= high) else zero
    return float(count)


@kernel
def _neighbours(
    samples: F32, low: np.float32, high: np.float32, value: np.float32
) -> tuple[float, float, float]:
    """Half the smaller gap to the next value on either side; how many samples are less, how many equal."""
    zero = np.float32(0)
    one = np.float32(1)
    before, after = low, high
    below, equal = np.float32(0), np.float32(0)
    for i in range(samples.size):
        v = samples[i]
        under = (v >= low) & (v < value)
        over = (v <= high) & (v > value)
        below += one if under else zero
        equal += one if v == value else zero
        before = max(before, v if under else low)
        after = min(after, v if over else high)
    alone = (before == low) | (after == high)
    gap = 0.0 if alone else float(min(value - before, after - value))
    return gap / 2, float(below), float(equal)


@kernel
def _quantile(
    samples: F32, low: np.float32, high: np.float32, rank: float, left: float, right: float
) -> float:
    """Value in [left, right] that ``rank`` of the samples between ``low`` and ``high`` lie under.

    Counting what lies under a guess vectorises where sorting does not, so halving a bracket is several times
    faster. Tied values (whole ADU) are taken as spread evenly over half the gap to the next value on either
    side: else the median of a quiet camera's sky moves in steps of a whole ADU.
    """
    for _ in range(HALVINGS):
        middle = 0.5 * (left + right)
        if _up_to(samples, low, np.float32(middle)) >= rank:
            right = middle
        else:
            left = middle
    value = low
    limit = np.float32(right)
    for i in range(samples.size):
        v = samples[i]
        value = max(value, v if (v >= low) & (v <= limit) else low)
    half, below, equal = _neighbours(samples, low, high, value)
    share = min(max((rank - below) / max(equal, 1.0), 0.0), 1.0)
    return float(value) + half * (2.0 * share - 1.0)


@kernel
def clipped(samples: F32, kappa: float, rounds: int) -> tuple[float, float, float, float]:
    """Mean, median, standard deviation and number of the samples within ``kappa`` sigma of their median.

    Equivalent to clipping at median ± kappa·std until nothing changes, started from the half-width below the
    median, which stars cannot widen. NaN and infinities are left out; without a finite sample all but the
    number are NaN.
    """
    low, high = -HUGE, HUGE
    mean, spread, count = _moments(samples, low, high)
    if not spread > 0:
        return mean, mean, spread, count
    # A quantile p lies within sqrt((1 - p) / p) standard deviations of the mean, whatever the distribution.
    median = _quantile(samples, low, high, 0.5 * count, mean - 1.001 * spread, mean + 1.001 * spread)
    sixth = _quantile(samples, low, high, 0.1587 * count, mean - 2.31 * spread, median)
    width = median - sixth if median > sixth else spread
    for _ in range(rounds):
        low, high = np.float32(median - kappa * width), np.float32(median + kappa * width)
        before = count
        mean, spread, count = _moments(samples, low, high)
        if not spread > 0:
            return mean, mean, spread, count
        median = _quantile(samples, low, high, 0.5 * count, mean - 1.001 * spread, mean + 1.001 * spread)
        width = spread / CLIPPED
        if count == before:
            break
    return mean, median, spread, count


@kernel
def mode(mean: float, median: float, spread: float, count: float) -> float:
    """Most frequent level of a clipped distribution (Bertin & Arnouts 1996).

    Where nothing speaks against a symmetric one it is the mean, which is half as noisy: the difference of
    mean and median of n normal samples scatters by 0.756 sigma / sqrt(n).
    """
    if abs(mean - median) <= 2.0 * spread / np.sqrt(count):
        return mean
    if abs(mean - median) < 0.3 * spread:
        return 2.5 * median - 1.5 * mean
    return median


@kernel
def cell_levels(image: F32, step: int, level: F32, spread: F32, share: F32) -> None:
    """Clipped mode and standard deviation, and share of measured samples, of each cell of an image.

    The image is cut evenly into as many cells as ``level`` has; each ``step``-th row and column is looked at.
    """
    rows, columns = image.shape
    down, across = level.shape
    scratch = np.empty((rows // down + 2) * (columns // across + 2), np.float32)
    for i in range(down):
        top, bottom = i * rows // down, (i + 1) * rows // down
        for j in range(across):
            left, right = j * columns // across, (j + 1) * columns // across
            n = 0
            for row in range(top, bottom, step):
                line = image[row, left:right]
                for column in range(0, line.size, step):
                    scratch[n] = line[column]
                    n += 1
            mean, median, deviation, count = clipped(scratch[:n], 3.0, 6)
            level[i, j] = mode(mean, median, deviation, count)
            spread[i, j] = deviation / CLIPPED if n > 16 else deviation
            share[i, j] = _up_to(scratch[:n], -HUGE, HUGE) / n


@kernel
def _detail(image: F32, row: int, padded: F32, out: F32) -> None:
    """First B3 starlet layer of one row: the pixel less its 5×5 neighbourhood, edges repeated outwards."""
    rows, columns = image.shape
    smooth = padded[2 : columns + 2]
    a, b = image[max(row - 2, 0)], image[max(row - 1, 0)]
    c = image[row]
    d, e = image[min(row + 1, rows - 1)], image[min(row + 2, rows - 1)]
    six, four, scale = np.float32(6), np.float32(4), np.float32(1 / 16)
    for x in range(columns):
        smooth[x] = (six * c[x] + four * (b[x] + d[x]) + a[x] + e[x]) * scale
    padded[0] = padded[1] = smooth[0]
    padded[columns + 2] = padded[columns + 3] = smooth[columns - 1]
    p, q, r, s, t = (
        padded[0:columns],
        padded[1 : columns + 1],
        smooth,
        padded[3 : columns + 3],
        padded[4 : columns + 4],
    )
    for x in range(columns):
        out[x] = c[x] - (six * r[x] + four * (q[x] + s[x]) + p[x] + t[x]) * scale


@kernel
def cell_noise(image: F32, step: int, noise: F32) -> None:
    """Noise of each cell from its finest starlet layer, blind to gradients and nebulae; NaN where unknown.

    Every ``step``-th row is looked at.
    """
    rows, columns = image.shape
    down, across = noise.shape
    scratch = np.empty((rows // down // step + 2) * (columns + across), np.float32)
    details = np.empty((rows // down // step + 2, columns), np.float32)
    padded = np.empty(columns + 4, np.float32)
    for i in range(down):
        top, bottom = i * rows // down, (i + 1) * rows // down
        lines = 0
        for row in range(top, bottom, step):
            _detail(image, row, padded, details[lines])
            lines += 1
        for j in range(across):
            left, right = j * columns // across, (j + 1) * columns // across
            n = lines * (right - left)
            scratch[:n].reshape(lines, right - left)[:] = details[:lines, left:right]
            _, _, deviation, _ = clipped(scratch[:n], 3.0, 10)
            noise[i, j] = deviation / (CLIPPED * STARLET)


@kernel
def _cubic(position: float) -> tuple[int, float, float, float, float]:
    """Index of the first of four nodes about a position, and their Catmull-Rom weights."""
    first = int(np.floor(position))
    t = position - first
    return (
        first - 1,
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )


@kernel
def widen(mesh: F32, wide: F32) -> None:
    """Interpolate each row of a mesh, padded by two nodes on every side, to the full width of ``wide``."""
    columns = wide.shape[1]
    nodes = mesh.shape[1] - 4
    for column in range(columns):
        first, p, q, r, s = _cubic((column + 0.5) * nodes / columns - 0.5)
        for row in range(mesh.shape[0]):
            m = mesh[row, first + 2 : first + 6]
            wide[row, column] = p * m[0] + q * m[1] + r * m[2] + s * m[3]


@kernel
def surface_row(wide: F32, row: int, rows: int, out: F32) -> None:
    """One row of the surface through a widened mesh."""
    first, before, left, right, after = _cubic((row + 0.5) * (wide.shape[0] - 4) / rows - 0.5)
    p, q, r, s = np.float32(before), np.float32(left), np.float32(right), np.float32(after)
    a, b, c, d = wide[first + 2], wide[first + 3], wide[first + 4], wide[first + 5]
    for x in range(out.size):
        out[x] = p * a[x] + q * b[x] + r * c[x] + s * d[x]


@kernel
def surface(wide: F32, out: F32) -> None:
    """Fill ``out`` with the surface through a widened mesh."""
    for row in range(out.shape[0]):
        surface_row(wide, row, out.shape[0], out[row])


@kernel
def subtract_surface(image: F32, wide: F32, out: F32) -> None:
    """Image less the surface through a widened mesh; NaN stays."""
    for row in range(out.shape[0]):
        line, source = out[row], image[row]
        surface_row(wide, row, out.shape[0], line)
        for x in range(line.size):
            line[x] = source[x] - line[x]


@kernel
def surface_at(mesh: F32, rows: int, columns: int, x: F64, y: F64, out: F64) -> None:
    """The surface through a mesh, padded by two nodes on every side, at positions inside the image."""
    down, across = mesh.shape[0] - 4, mesh.shape[1] - 4
    for i in range(x.size):
        column, p, q, r, s = _cubic((x[i] + 0.5) * across / columns - 0.5)
        row, a, b, c, d = _cubic((y[i] + 0.5) * down / rows - 0.5)
        total = 0.0
        for k, weight in enumerate((a, b, c, d)):
            m = mesh[row + 2 + k, column + 2 : column + 6]
            total += weight * (p * m[0] + q * m[1] + r * m[2] + s * m[3])
        out[i] = total
