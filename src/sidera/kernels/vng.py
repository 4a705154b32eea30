"""Variable Number of Gradients (E. Chang, S. Cheung & D. Pang, SPIE 3650, 1999); words as in `kernels.demosaic`."""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32

DIRECTIONS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)], np.int64)
"""Steps (row, column) of VNG's eight gradients: the four straight ones, then the four diagonal ones."""


@exact_kernel
def vng(mosaic: F32, linear: F32, chroma: F32, red_row: int, limits: tuple[float, float], rgb: F32) -> None:
    """Fill ``rgb``: the missing colours' differences to the measured one, averaged over smooth directions.

    ``mosaic`` has two pixels of margin, ``linear`` [channel, row, column] (its `bilinear`) has one.
    ``limits`` (k1, k2): a direction is smooth if its gradient is at most k1·least + k2·(greatest - least).
    """
    rows, columns = rgb.shape[1:]
    inner = slice(2, 2 + columns)
    weights = np.empty((8, columns), np.float32)
    sums = np.empty((3, columns), np.float32)  # of the measured colour, of the second, of the guest
    scratch = np.empty(columns, np.float32)
    for row in range(rows):
        home, mask = 0 if row % 2 == red_row else 2, chroma[row % 2, inner]
        _gradient_rows(mosaic, row + 2, mask, weights)
        _choose_row(weights, np.float32(limits[0]), np.float32(limits[1]))
        sums[:] = np.float32(0.0)
        for way in range(8):
            down, across = DIRECTIONS[way, 0], DIRECTIONS[way, 1]
            there = linear[:, row + 1 + down, 1 + across : 1 + across + columns]
            _measured_row(mosaic, row + 2, (down, across), mask, scratch)
            _add_row(weights[way], scratch, sums[0])
            _select_row(mask, there[1], there[home], scratch)
            _add_row(weights[way], scratch, sums[1])
            _add_row(weights[way], there[2 - home], sums[2])
        centre = mosaic[row + 2, inner]
        _settle_row(centre, weights, sums)
        _select_row(mask, centre, sums[1], rgb[home, row])
        _select_row(mask, sums[1], centre, rgb[1, row])
        copy_row(sums[2], rgb[2 - home, row])


@exact_kernel
def _gradient_rows(mosaic: F32, row: int, chroma: F32, gradients: F32) -> None:
    for way in range(4):
        _straight_gradient_row(mosaic, row, DIRECTIONS[way, 0], DIRECTIONS[way, 1], gradients[way])
    for way in range(4, 8):
        _diagonal_gradient_row(mosaic, row, DIRECTIONS[way, 0], DIRECTIONS[way, 1], chroma, gradients[way])


@exact_kernel
def _straight_gradient_row(mosaic: F32, row: int, down: int, across: int, out: F32) -> None:
    """Differences of like colours along (down, across), on the line and, at half weight, beside it."""
    half, p, q = np.float32(0.5), abs(across), abs(down)  # (p, q): one step to the side
    near, back = mosaic[row + down, 2 + across :], mosaic[row - down, 2 - across :]
    far, here = mosaic[row + 2 * down, 2 + 2 * across :], mosaic[row, 2:]
    near_a, back_a = mosaic[row + down + p, 2 + across + q :], mosaic[row - down + p, 2 - across + q :]
    near_b, back_b = mosaic[row + down - p, 2 + across - q :], mosaic[row - down - p, 2 - across - q :]
    far_a, here_a = mosaic[row + 2 * down + p, 2 + 2 * across + q :], mosaic[row + p, 2 + q :]
    far_b, here_b = mosaic[row + 2 * down - p, 2 + 2 * across - q :], mosaic[row - p, 2 - q :]
    for x in range(out.size):
        line = abs(near[x] - back[x]) + abs(far[x] - here[x])
        side_a = abs(near_a[x] - back_a[x]) + abs(far_a[x] - here_a[x])
        side_b = abs(near_b[x] - back_b[x]) + abs(far_b[x] - here_b[x])
        out[x] = line + half * (side_a + side_b)


@exact_kernel
def _diagonal_gradient_row(mosaic: F32, row: int, down: int, across: int, chroma: F32, out: F32) -> None:
    """As the straight one; what lies beside the diagonal differs between green sites and the others."""
    half = np.float32(0.5)
    near, back = mosaic[row + down, 2 + across :], mosaic[row - down, 2 - across :]
    far, here = mosaic[row + 2 * down, 2 + 2 * across :], mosaic[row, 2:]
    a, minus_a = mosaic[row + down, 2:], mosaic[row - down, 2:]
    b, minus_b = mosaic[row, 2 + across :], mosaic[row, 2 - across :]
    far_a, far_b = mosaic[row + 2 * down, 2 + across :], mosaic[row + down, 2 + 2 * across :]
    for x in range(out.size):
        line = abs(near[x] - back[x]) + abs(far[x] - here[x])
        inside = abs(a[x] - minus_b[x]) + abs(b[x] - minus_a[x])
        outside = abs(far_a[x] - a[x]) + abs(far_b[x] - b[x])
        at_green = abs(far_a[x] - minus_b[x]) + abs(far_b[x] - minus_a[x])
        out[x] = line + (half * (inside + outside) if chroma[x] > half else at_green)


@exact_kernel
def _choose_row(gradients: F32, k1: np.float32, k2: np.float32) -> None:
    """Turn each pixel's eight gradients into 1 for the smooth directions and 0 for the others."""
    one, zero = np.float32(1.0), np.float32(0.0)
    columns = gradients.shape[1]
    least, greatest = gradients[0].copy(), gradients[0].copy()
    for way in range(1, 8):
        gradient = gradients[way]
        for x in range(columns):
            least[x] = gradient[x] if gradient[x] < least[x] else least[x]
            greatest[x] = gradient[x] if gradient[x] > greatest[x] else greatest[x]
    for way in range(8):
        gradient = gradients[way]
        for x in range(columns):
            limit = k1 * least[x] + k2 * (greatest[x] - least[x])
            gradient[x] = one if gradient[x] <= limit else zero


@exact_kernel
def _measured_row(mosaic: F32, row: int, step: tuple[int, int], chroma: F32, out: F32) -> None:
    """The site's own colour one ``step`` (down, across) away: there if it is measured there, else halfway."""
    down, across = step
    half, diagonal = np.float32(0.5), down * across != 0
    near, far, here = (
        mosaic[row + down, 2 + across :],
        mosaic[row + 2 * down, 2 + 2 * across :],
        mosaic[row, 2:],
    )
    for x in range(out.size):
        between = half * (here[x] + far[x])
        out[x] = near[x] if diagonal and chroma[x] < half else between


@exact_kernel
def _select_row(mask: F32, yes: F32, no: F32, out: F32) -> None:
    for x in range(out.size):
        out[x] = yes[x] if mask[x] > np.float32(0.5) else no[x]


@exact_kernel
def _add_row(weight: F32, value: F32, total: F32) -> None:
    for x in range(total.size):
        total[x] += value[x] if weight[x] > np.float32(0.5) else np.float32(0.0)


@exact_kernel
def _settle_row(centre: F32, weights: F32, sums: F32) -> None:
    """Replace the second and the guest colour's sums by their values at the pixel."""
    own, second, guest = sums[0], sums[1], sums[2]
    for x in range(centre.size):
        count = np.float32(0.0)
        for way in range(8):
            count += weights[way, x]
        second[x] = centre[x] + (second[x] - own[x]) / count
        guest[x] = centre[x] + (guest[x] - own[x]) / count
