"""Ratio Corrected Demosaicing (L. Sanz Rodríguez, 2015 to 2017), one row at a time; words as in `kernels.demosaic`.

Planes keep the mosaic's shape and margin; each step leaves a wider rim of them unset, and ten pixels serve them all.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32

MARGIN = 10


@exact_kernel
def shares(mosaic: F32, floor: float, upright: F32, diagonal: F32) -> None:
    """Fill step 1: the vertical share of the high-pass energy, and that of the main diagonal, both 0 to 1.

    A share near 1 says that the picture varies along that direction: interpolate across it.
    """
    rows, columns = mosaic.shape
    size, least = columns - 8, np.float32(floor)
    squares = np.empty((4, 3, columns), np.float32)  # the last three rows, in turn
    for row in range(3, rows - 3):
        turn = row % 3
        _curvature_row(mosaic, row, 1, 0, squares[0, turn, 3 : columns - 3])
        _curvature_row(mosaic, row, 0, 1, squares[1, turn, 3 : columns - 3])
        _curvature_row(mosaic, row, 1, 1, squares[2, turn, 3 : columns - 3])
        _curvature_row(mosaic, row, 1, -1, squares[3, turn, 3 : columns - 3])
        if row >= 5:
            old, mid = (row - 2) % 3, (row - 1) % 3
            _share_row(
                (squares[0, old, 4:], squares[0, mid, 4:], squares[0, turn, 4:]),
                (squares[1, mid, 3:], squares[1, mid, 4:], squares[1, mid, 5:]),
                least,
                upright[row - 1, 4 : 4 + size],
            )
            _share_row(
                (squares[2, old, 3:], squares[2, mid, 4:], squares[2, turn, 5:]),
                (squares[3, old, 5:], squares[3, mid, 4:], squares[3, turn, 3:]),
                least,
                diagonal[row - 1, 4 : 4 + size],
            )


@exact_kernel
def _curvature_row(mosaic: F32, row: int, down: int, across: int, out: F32) -> None:
    """Square of the high-pass along (down, across), which no flat colour excites."""
    size = out.size
    a = mosaic[row - 3 * down, 3 - 3 * across : 3 - 3 * across + size]
    b = mosaic[row - 2 * down, 3 - 2 * across : 3 - 2 * across + size]
    c = mosaic[row - down, 3 - across : 3 - across + size]
    d = mosaic[row, 3 : 3 + size]
    e = mosaic[row + down, 3 + across : 3 + across + size]
    f = mosaic[row + 2 * down, 3 + 2 * across : 3 + 2 * across + size]
    g = mosaic[row + 3 * down, 3 + 3 * across : 3 + 3 * across + size]
    for x in range(size):
        high = ((a[x] + g[x]) - (c[x] + e[x])) - np.float32(3.0) * (b[x] + f[x]) + np.float32(6.0) * d[x]
        out[x] = high * high


@exact_kernel
def _share_row(
    along: tuple[F32, F32, F32], across: tuple[F32, F32, F32], least: np.float32, out: F32
) -> None:
    """What part of the energy lies in ``along``; never 0/0, since each energy is at least ``least``."""
    a0, a1, a2 = along
    b0, b1, b2 = across
    for x in range(out.size):
        a, b = a0[x] + a1[x] + a2[x], b0[x] + b1[x] + b2[x]
        a = least if a < least else a
        b = least if b < least else b
        out[x] = a / (a + b)


@exact_kernel
def surer(share: F32, out: F32) -> None:
    """Fill ``out`` with the share, or its mean over the four diagonal neighbours if that is more decided."""
    half, size = np.float32(0.5), share.shape[1] - 10
    for row in range(5, share.shape[0] - 5):
        above, below = share[row - 1], share[row + 1]
        own, target = share[row, 5 : 5 + size], out[row, 5 : 5 + size]
        a, b = above[4 : 4 + size], above[6 : 6 + size]
        c, d = below[4 : 4 + size], below[6 : 6 + size]
        for x in range(size):
            mean = np.float32(0.25) * ((a[x] + b[x]) + (c[x] + d[x]))
            target[x] = mean if abs(half - own[x]) < abs(half - mean) else own[x]


@exact_kernel
def low_pass(mosaic: F32, floor: float, out: F32) -> None:
    """Fill step 2, brightness whatever the colour; at least ``floor``, so that ratios lie between 0 and 2."""
    half, quarter, least = np.float32(0.5), np.float32(0.25), np.float32(floor)
    size = mosaic.shape[1] - 2
    for row in range(1, mosaic.shape[0] - 1):
        above, here, below, target = mosaic[row - 1], mosaic[row], mosaic[row + 1], out[row, 1 : 1 + size]
        n, w, c, e, s = above[1:], here[0:], here[1:], here[2:], below[1:]
        nw, ne, sw, se = above[0:], above[2:], below[0:], below[2:]
        for x in range(size):
            straight, corners = (n[x] + s[x]) + (w[x] + e[x]), (nw[x] + se[x]) + (ne[x] + sw[x])
            value = c[x] + half * straight + quarter * corners
            target[x] = least if value < least else value


@exact_kernel
def green(mosaic: F32, chroma: F32, upright: F32, low: F32, tiny: float, green: F32) -> None:
    """Fill step 3, green everywhere: both axes' estimates, blended by the vertical share."""
    size, epsilon = mosaic.shape[1] - 10, np.float32(tiny)
    one = np.float32(1.0)
    column = np.empty(size, np.float32)
    line = np.empty(size, np.float32)
    for row in range(5, mosaic.shape[0] - 5):
        _green_estimate_row(mosaic, low, row, (1, 0), epsilon, column)
        _green_estimate_row(mosaic, low, row, (0, 1), epsilon, line)
        own, share = mosaic[row, 5 : 5 + size], upright[row, 5 : 5 + size]
        mask, target = chroma[row % 2, 5 : 5 + size], green[row, 5 : 5 + size]
        for x in range(size):
            value = share[x] * line[x] + (one - share[x]) * column[x]
            target[x] = value if mask[x] > np.float32(0.5) else own[x]


@exact_kernel
def _green_estimate_row(
    mosaic: F32, low: F32, row: int, step: tuple[int, int], epsilon: np.float32, out: F32
) -> None:
    """Green at red and blue sites along ``step`` (down, across), each side trusted as the other varies."""
    down, across = step
    size, two = out.size, np.float32(2.0)
    c = mosaic[row, 5 : 5 + size]
    n1, s1 = mosaic[row - down, 5 - across :], mosaic[row + down, 5 + across :]
    n2, s2 = mosaic[row - 2 * down, 5 - 2 * across :], mosaic[row + 2 * down, 5 + 2 * across :]
    n3, s3 = mosaic[row - 3 * down, 5 - 3 * across :], mosaic[row + 3 * down, 5 + 3 * across :]
    n4, s4 = mosaic[row - 4 * down, 5 - 4 * across :], mosaic[row + 4 * down, 5 + 4 * across :]
    low_n, low_c, low_s = (
        low[row - 2 * down, 5 - 2 * across :],
        low[row, 5:],
        low[row + 2 * down, 5 + 2 * across :],
    )
    for x in range(size):
        slope = epsilon + abs(n1[x] - s1[x])
        north = slope + abs(c[x] - n2[x]) + abs(n1[x] - n3[x]) + abs(n2[x] - n4[x])
        south = slope + abs(c[x] - s2[x]) + abs(s1[x] - s3[x]) + abs(s2[x] - s4[x])
        from_north = n1[x] * (two * low_c[x]) / (low_c[x] + low_n[x])
        from_south = s1[x] * (two * low_c[x]) / (low_c[x] + low_s[x])
        out[x] = (south * from_north + north * from_south) / (north + south)


@exact_kernel
def opposite(mosaic: F32, green: F32, diagonal: F32, tiny: float, opposite: F32) -> None:
    """Fill step 4, blue at red sites and red at blue ones (elsewhere nothing of use), by differences."""
    size, epsilon, one = mosaic.shape[1] - 14, np.float32(tiny), np.float32(1.0)
    main = np.empty(size, np.float32)
    other = np.empty(size, np.float32)
    for row in range(7, mosaic.shape[0] - 7):
        _difference_row(mosaic, green, row, (1, 1), epsilon, main)
        _difference_row(mosaic, green, row, (1, -1), epsilon, other)
        share, base = diagonal[row, 7 : 7 + size], green[row, 7 : 7 + size]
        target = opposite[row, 7 : 7 + size]
        for x in range(size):
            target[x] = base[x] + ((one - share[x]) * main[x] + share[x] * other[x])


@exact_kernel
def _difference_row(
    colour: F32, green: F32, row: int, step: tuple[int, int], epsilon: np.float32, out: F32
) -> None:
    """Colour less green along ``step`` (down, across), each side trusted as the other varies.

    ``out`` leaves (columns - its size) / 2 columns unset on each side.
    """
    down, across = step
    size = out.size
    left = (green.shape[1] - size) // 2
    n1, s1 = colour[row - down, left - across :], colour[row + down, left + across :]
    n3, s3 = colour[row - 3 * down, left - 3 * across :], colour[row + 3 * down, left + 3 * across :]
    green_n1, green_s1 = green[row - down, left - across :], green[row + down, left + across :]
    green_n2, green_s2 = (
        green[row - 2 * down, left - 2 * across :],
        green[row + 2 * down, left + 2 * across :],
    )
    green_c = green[row, left:]
    for x in range(size):
        slope = epsilon + abs(n1[x] - s1[x])
        north = slope + abs(n1[x] - n3[x]) + abs(green_c[x] - green_n2[x])
        south = slope + abs(s1[x] - s3[x]) + abs(green_c[x] - green_s2[x])
        from_north, from_south = n1[x] - green_n1[x], s1[x] - green_s1[x]
        out[x] = (south * from_north + north * from_south) / (north + south)


@exact_kernel
def colours(
    mosaic: F32, opposite: F32, green: F32, upright: F32, chroma: F32, red_row: int, tiny: float, rgb: F32
) -> None:
    """Fill step 5, red and blue at green sites, and so ``rgb`` [channel, row, column] without the margin.

    In a red row a green site has red at its sides and, by step 4, blue there too; above and below they swap.
    """
    margin, epsilon = MARGIN, np.float32(tiny)
    rows, columns = rgb.shape[1:]
    strips = np.empty((4, columns), np.float32)  # home's column and line, guest's column and line
    for row in range(margin, margin + rows):
        home = 0 if row % 2 == red_row else 2
        _difference_row(opposite, green, row, (1, 0), epsilon, strips[0])
        _difference_row(mosaic, green, row, (0, 1), epsilon, strips[1])
        _difference_row(mosaic, green, row, (1, 0), epsilon, strips[2])
        _difference_row(opposite, green, row, (0, 1), epsilon, strips[3])
        inner = slice(margin, margin + columns)
        base, share, mask = green[row, inner], upright[row, inner], chroma[row % 2, inner]
        copy_row(base, rgb[1, row - margin])
        _blend_row(mosaic[row, inner], base, strips[0], strips[1], share, mask, rgb[home, row - margin])
        _blend_row(opposite[row, inner], base, strips[2], strips[3], share, mask, rgb[2 - home, row - margin])


@exact_kernel
def _blend_row(known: F32, green: F32, column: F32, line: F32, share: F32, chroma: F32, out: F32) -> None:
    """What is known at red and blue sites; at green ones, green plus the two axes' differences."""
    one = np.float32(1.0)
    for x in range(out.size):
        value = green[x] + ((one - share[x]) * column[x] + share[x] * line[x])
        out[x] = known[x] if chroma[x] > np.float32(0.5) else value
