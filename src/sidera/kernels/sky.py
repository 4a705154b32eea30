"""Sky level and noise: robust statistics of cells, and smooth surfaces through the cells."""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.clip import CLIPPED, HUGE, clip, mode, room
from sidera.types import F32, F64

STARLET = 0.8907
"""Standard deviation of the first B3 starlet layer of unit white noise (Starck & Murtagh 1998)."""


@kernel
def cell_levels(
    image: F32, down: int, right: int, stride: int, step: int, level: F32, spread: F32, share: F32
) -> None:
    """Clipped mode and standard deviation, and share of measured samples, of each cell of an image.

    The image is that of every ``stride``-th row and column from row ``down`` and column ``right`` on: all of
    them for 1, one kind of sites of a colour filter array for 2. It is cut evenly into as many cells as ``level``
    has, and of it each ``step``-th row and column is looked at.
    """
    rows = (image.shape[0] - down + stride - 1) // stride
    columns = (image.shape[1] - right + stride - 1) // stride
    cells, across = level.shape
    samples = np.empty((rows // cells + 2) * (columns // across + 2), np.float32)
    scratch = room(samples.size)
    for i in range(cells):
        top, bottom = i * rows // cells, (i + 1) * rows // cells
        for j in range(across):
            first, last = j * columns // across, (j + 1) * columns // across
            n = 0
            for row in range(top, bottom, step):
                line = image[down + stride * row, right + stride * first :]
                for column in range(0, last - first, step):
                    samples[n] = line[stride * column]
                    n += 1
            mean, median, deviation, count = clip(samples[:n], 3.0, 6, scratch)
            level[i, j] = mode(mean, median, deviation, count)
            spread[i, j] = deviation / CLIPPED if n > 16 else deviation
            share[i, j] = _measured(samples[:n]) / max(n, 1)


@kernel
def _measured(samples: F32) -> float:
    """Number of the finite samples."""
    count = np.float32(0)
    for i in range(samples.size):
        count += np.float32(1) if abs(samples[i]) <= HUGE else np.float32(0)
    return float(count)


@kernel
def _detail(image: F32, row: int, stride: int, padded: F32, out: F32) -> None:
    """First B3 starlet layer of one row: the pixel less its 5×5 neighbourhood, edges repeated outwards.

    Neighbours lie ``stride`` pixels apart, so that those of a colour filter array have the pixel's colour.
    """
    rows, columns = image.shape
    least, most = row % stride, rows - 1 - (rows - 1 - row) % stride
    a, b = image[max(row - 2 * stride, least)], image[max(row - stride, least)]
    c = image[row]
    d, e = image[min(row + stride, most)], image[min(row + 2 * stride, most)]
    six, four, scale = np.float32(6), np.float32(4), np.float32(1 / 16)
    edge = 2 * stride
    smooth = padded[edge : columns + edge]
    for x in range(columns):
        smooth[x] = (six * c[x] + four * (b[x] + d[x]) + a[x] + e[x]) * scale
    for x in range(edge):
        padded[x] = smooth[min(x % stride, columns - 1)]
        beyond = columns + x  # the last pixel of its kind
        padded[edge + beyond] = smooth[max(columns - stride + (x % stride), 0)]
    p, q = padded[0:columns], padded[stride : columns + stride]
    s, t = padded[3 * stride : columns + 3 * stride], padded[4 * stride : columns + 4 * stride]
    for x in range(columns):
        out[x] = c[x] - (six * smooth[x] + four * (q[x] + s[x]) + p[x] + t[x]) * scale


@kernel
def cell_noise(image: F32, down: int, stride: int, step: int, noise: F32) -> None:
    """Noise of each cell from its finest starlet layer, blind to gradients and nebulae; NaN where unknown.

    Fills ``noise`` [kind, mesh row, mesh column] for each kind of columns, ``stride`` apart; rows, kinds and cells
    are those of `cell_levels`. Every ``step``-th row is looked at.
    """
    rows = (image.shape[0] - down + stride - 1) // stride
    cells, across = noise.shape[1:]
    width = image.shape[1]
    samples = np.empty((rows // cells // step + 2) * (width // stride // across + 2), np.float32)
    scratch = room(samples.size)
    details = np.empty((rows // cells // step + 2, width), np.float32)
    padded = np.empty(width + 4 * stride, np.float32)
    for i in range(cells):
        top, bottom = i * rows // cells, (i + 1) * rows // cells
        lines = 0
        for row in range(top, bottom, step):
            _detail(image, down + stride * row, stride, padded, details[lines])
            lines += 1
        for right in range(stride):
            columns = (width - right + stride - 1) // stride
            for j in range(across):
                first, last = j * columns // across, (j + 1) * columns // across
                n = 0
                for k in range(lines):
                    line = details[k, right + stride * first :]
                    for column in range(last - first):
                        samples[n] = line[stride * column]
                        n += 1
                _, _, deviation, _ = clip(samples[:n], 3.0, 10, scratch)
                noise[right, i, j] = deviation / (CLIPPED * STARLET)


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
