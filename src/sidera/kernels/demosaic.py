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

MARGIN_LINEAR = 2


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
