"""From a colour filter array to colour, one row at a time.

Every quantity is computed at every pixel and chosen by a mask of the site's parity, since loops that step
by two do not vectorise. The kernels are exact: each value is a fixed sequence of roundings, so a window gives
the bits of the whole.

Arrays called ``mosaic`` are ``[row, column]`` with a margin on all sides (`mirrored`); ``chroma`` is
``[row % 2, column]``, 1 at red and blue sites and 0 at green ones; ``red_row`` is the parity of the rows that
hold red. In a row, the *home* colour is the one its red or blue sites see, the *guest* the other of the two.
"""

import numpy as np

from sidera.kernels._jit import exact_kernel
from sidera.kernels.rows import copy_row
from sidera.types import F32, I64, U8

MARGIN_RCD = 10
MARGIN_LINEAR = 2
DIRECTIONS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)], np.int64)
"""Steps (row, column) of VNG's eight gradients: the four straight ones, then the four diagonal ones."""


@exact_kernel
def mirrored(cfa: F32, scale: F32, pedestal: float, margin: int, mosaic: F32) -> None:
    """Fill ``mosaic`` with ``cfa`` · ``scale`` [row % 2, column] + ``pedestal``, mirrored at the edges.

    The mirror stands on the first and last pixel (2 1 | 0 1 2), so a site keeps its colour.
    """
    rows, columns = cfa.shape
    lift = np.float32(pedestal)
    for row in range(rows):
        source, gain = cfa[row], scale[row % 2]
        target = mosaic[row + margin]
        inner = target[margin : margin + columns]
        for column in range(columns):
            inner[column] = source[column] * gain[column] + lift
        for step in range(1, margin + 1):
            target[margin - step] = inner[mirror(-step, columns)]
            target[margin + columns - 1 + step] = inner[mirror(columns - 1 + step, columns)]
    for step in range(1, margin + 1):
        copy_row(mosaic[margin + mirror(-step, rows)], mosaic[margin - step])
        copy_row(mosaic[margin + mirror(rows - 1 + step, rows)], mosaic[margin + rows - 1 + step])


@exact_kernel
def mirror(index: int, size: int) -> int:
    """Where ``index`` falls within 0 to ``size`` - 1, reflected as often as needed; ``size`` is 2 or more."""
    period = 2 * (size - 1)
    index = abs(index) % period
    return index if index < size else period - index


@exact_kernel
def unscaled(cfa: F32, sites: F32, gains: F32, pedestal: float, rgb: F32) -> None:
    """Take pedestal and gains out of ``rgb``; a measured sample comes back as it was, bit for bit.

    ``sites`` [channel, row % 2, column] is 1 where the colour was measured.
    """
    lift = np.float32(pedestal)
    for channel in range(3):
        undo = np.float32(1.0) / gains[channel]
        for row in range(cfa.shape[0]):
            raw, measured, out = cfa[row], sites[channel, row % 2], rgb[channel, row]
            for column in range(raw.size):
                value = (out[column] - lift) * undo
                out[column] = raw[column] if measured[column] > np.float32(0.5) else value


# ---------------------------------------------------------------------------------------------- linear


@exact_kernel
def _mean_of_2(a: np.float32, b: np.float32) -> np.float32:
    """Mean of the finite ones."""
    zero, one = np.float32(0.0), np.float32(1.0)
    total = (a if a == a else zero) + (b if b == b else zero)
    return total / ((one if a == a else zero) + (one if b == b else zero))


@exact_kernel
def _mean_of_4(a: np.float32, b: np.float32, c: np.float32, d: np.float32) -> np.float32:
    """Mean of the finite ones."""
    zero, one = np.float32(0.0), np.float32(1.0)
    total = ((a if a == a else zero) + (b if b == b else zero)) + (
        (c if c == c else zero) + (d if d == d else zero)
    )
    count = ((one if a == a else zero) + (one if b == b else zero)) + (
        (one if c == c else zero) + (one if d == d else zero)
    )
    return total / count


@exact_kernel
def bilinear(mosaic: F32, chroma: F32, red_row: int, margin: int, rgb: F32) -> None:
    """Fill ``rgb`` [channel, row, column]: each missing colour is the mean of its finite nearest neighbours.

    ``rgb`` lacks ``margin`` pixels of ``mosaic`` on each side.
    """
    rows, columns = rgb.shape[1:]
    for row in range(rows):
        home = 0 if (row + margin) % 2 == red_row else 2
        above, here, below = mosaic[row + margin - 1], mosaic[row + margin], mosaic[row + margin + 1]
        centre, own = here[margin : margin + columns], chroma[(row + margin) % 2, margin : margin + columns]
        west, east = here[margin - 1 : margin - 1 + columns], here[margin + 1 : margin + 1 + columns]
        north, south = above[margin : margin + columns], below[margin : margin + columns]
        north_west, north_east = (
            above[margin - 1 : margin - 1 + columns],
            above[margin + 1 : margin + 1 + columns],
        )
        south_west, south_east = (
            below[margin - 1 : margin - 1 + columns],
            below[margin + 1 : margin + 1 + columns],
        )
        _home_row(centre, west, east, own, rgb[home, row])
        _green_row(centre, north, south, west, east, own, rgb[1, row])
        guest = rgb[2 - home, row]
        for x in range(columns):
            corners = _mean_of_4(north_west[x], north_east[x], south_west[x], south_east[x])
            upright = _mean_of_2(north[x], south[x])
            guest[x] = corners if own[x] > np.float32(0.5) else upright


@exact_kernel
def _home_row(centre: F32, west: F32, east: F32, chroma: F32, out: F32) -> None:
    for x in range(out.size):
        out[x] = centre[x] if chroma[x] > np.float32(0.5) else _mean_of_2(west[x], east[x])


@exact_kernel
def _green_row(centre: F32, north: F32, south: F32, west: F32, east: F32, chroma: F32, out: F32) -> None:
    for x in range(out.size):
        cross = _mean_of_4(north[x], south[x], west[x], east[x])
        out[x] = cross if chroma[x] > np.float32(0.5) else centre[x]


@exact_kernel
def green_plane(cfa: F32, chroma: F32, out: F32) -> None:
    """Fill ``out`` [row, column] with green: measured, or the mean of its finite neighbours."""
    rows, columns = cfa.shape
    for row in range(rows):
        north, centre, south = cfa[mirror(row - 1, rows)], cfa[row], cfa[mirror(row + 1, rows)]
        own, line, inner = chroma[row % 2], out[row], columns - 2
        _green_row(
            centre[1 : 1 + inner],
            north[1 : 1 + inner],
            south[1 : 1 + inner],
            centre[0:inner],
            centre[2 : 2 + inner],
            own[1 : 1 + inner],
            line[1 : 1 + inner],
        )
        for x in (0, columns - 1):
            west, east = centre[mirror(x - 1, columns)], centre[mirror(x + 1, columns)]
            cross = _mean_of_4(north[x], south[x], west, east)
            line[x] = cross if own[x] > np.float32(0.5) else centre[x]


@exact_kernel
def superpixel(cfa: F32, places: I64, rgb: F32) -> None:
    """Fill ``rgb`` at half size: each 2×2 quad is one pixel, its green the mean of the finite two.

    ``places`` [4, 2] holds the (row, column) within the quad of red, of both greens and of blue.
    """
    for row in range(rgb.shape[1]):
        for column in range(rgb.shape[2]):
            rgb[0, row, column] = cfa[2 * row + places[0, 0], 2 * column + places[0, 1]]
            rgb[1, row, column] = _mean_of_2(
                cfa[2 * row + places[1, 0], 2 * column + places[1, 1]],
                cfa[2 * row + places[2, 0], 2 * column + places[2, 1]],
            )
            rgb[2, row, column] = cfa[2 * row + places[3, 0], 2 * column + places[3, 1]]


# ------------------------------------------------------------------------------------------------- RCD
# Ratio Corrected Demosaicing (L. Sanz Rodríguez, 2015 to 2017). Planes keep the mosaic's shape and margin;
# each step leaves a wider rim of them unset, and ten pixels serve them all.


@exact_kernel
def rcd_shares(mosaic: F32, floor: float, upright: F32, diagonal: F32) -> None:
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
def rcd_surer(share: F32, out: F32) -> None:
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
def rcd_low_pass(mosaic: F32, floor: float, out: F32) -> None:
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
def rcd_green(mosaic: F32, chroma: F32, upright: F32, low: F32, tiny: float, green: F32) -> None:
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
def rcd_opposite(mosaic: F32, green: F32, diagonal: F32, tiny: float, opposite: F32) -> None:
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
def rcd_colours(
    mosaic: F32, opposite: F32, green: F32, upright: F32, chroma: F32, red_row: int, tiny: float, rgb: F32
) -> None:
    """Fill step 5, red and blue at green sites, and so ``rgb`` [channel, row, column] without the margin.

    In a red row a green site has red at its sides and, by step 4, blue there too; above and below they swap.
    """
    margin, epsilon = MARGIN_RCD, np.float32(tiny)
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


# ------------------------------------------------------------------------------------------------- VNG
# Variable Number of Gradients (E. Chang, S. Cheung & D. Pang, SPIE 3650, 1999).


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


# --------------------------------------------------------------------------------------------- defects


@exact_kernel
def mark_missing(image: F32, bad: U8) -> int:
    """Fill ``bad`` [row, column] with 1 where ``image`` is NaN, else 0; how many there are."""
    count = 0
    for row in range(image.shape[0]):
        source, target = image[row], bad[row]
        for column in range(source.size):
            missing = np.uint8(1) if source[column] != source[column] else np.uint8(0)
            target[column] = missing
            count += int(missing)
    return count


@exact_kernel
def fill_missing(image: F32, bad: U8, step: int, reach: int, filled: F32) -> None:
    """Replace each bad pixel of ``filled``, a copy of ``image``, by the median of its nearest finite ring."""
    ring = np.empty(8 * reach, np.float32)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            if bad[row, column]:
                filled[row, column] = _nearest_ring(image, row, column, step, reach, ring)


@exact_kernel
def _nearest_ring(image: F32, row: int, column: int, step: int, reach: int, ring: F32) -> np.float32:
    """Median of the finite pixels on the first square ring that has any, ``step`` apart; 0 if none has."""
    for radius in range(1, reach + 1):
        count = 0
        for down in range(-radius, radius + 1):
            stride = 1 if abs(down) == radius else 2 * radius
            y = row + down * step
            if 0 <= y < image.shape[0]:
                for across in range(-radius, radius + 1, stride):
                    x = column + across * step
                    if 0 <= x < image.shape[1] and image[y, x] == image[y, x]:
                        ring[count] = image[y, x]
                        count += 1
        if count:
            return np.float32(np.median(ring[:count]))
    return np.float32(0.0)


# ---------------------------------------------------------------------------------------- conserving flux


@exact_kernel
def missing_light(cfa: F32, site: F32, share: np.float32, plane: F32, missing: F32) -> None:
    """Fill ``missing`` with ``share`` · sample - ``plane`` at sites of the colour, -``plane`` elsewhere.

    ``site`` [row % 2, column] is 1 at the colour's sites. ``missing`` has a margin of 2, mirrored.
    """
    rows, columns = cfa.shape
    for row in range(rows):
        raw, measured, made = cfa[row], site[row % 2], plane[row]
        inner = missing[row + 2][2 : 2 + columns]
        for column in range(columns):
            inner[column] = share * measured[column] * raw[column] - made[column]
        for step in range(1, 3):
            missing[row + 2, 2 - step] = inner[mirror(-step, columns)]
            missing[row + 2, columns + 1 + step] = inner[mirror(columns - 1 + step, columns)]
    for step in range(1, 3):
        copy_row(missing[2 + mirror(-step, rows)], missing[2 - step])
        copy_row(missing[2 + mirror(rows - 1 + step, rows)], missing[rows + 1 + step])


@exact_kernel
def add_smoothed(missing: F32, plane: F32) -> None:
    """Add ``missing``, smoothed by the B3 spline (1 4 6 4 1)/16 along both axes, to ``plane``."""
    four, six, whole = np.float32(4.0), np.float32(6.0), np.float32(1 / 256)
    line = np.empty(missing.shape[1], np.float32)
    for row in range(plane.shape[0]):
        a, b, c, d, e = missing[row], missing[row + 1], missing[row + 2], missing[row + 3], missing[row + 4]
        for x in range(line.size):
            line[x] = (a[x] + e[x]) + four * (b[x] + d[x]) + six * c[x]
        out = plane[row]
        f, g, h, i, j = line, line[1:], line[2:], line[3:], line[4:]
        for x in range(out.size):
            out[x] += whole * ((f[x] + j[x]) + four * (g[x] + i[x]) + six * h[x])


@exact_kernel
def grow(bad: U8, out: U8) -> None:
    """Fill ``out`` [row, column] with 1 where a pixel or one that touches it is bad."""
    rows, columns = bad.shape
    tall = np.zeros(columns + 2, np.uint8)
    for row in range(rows):
        above, here, below = bad[max(row - 1, 0)], bad[row], bad[min(row + 1, rows - 1)]
        middle, line = tall[1 : columns + 1], out[row]
        for x in range(columns):
            middle[x] = above[x] | here[x] | below[x]
        before, after = tall[:columns], tall[2:]
        for x in range(columns):
            line[x] = before[x] | middle[x] | after[x]
