"""Finding stars and measuring them: maxima, windowed centroids and moments, apertures, curves of growth.

Positions are (x, y) = (column, row). ``use`` is a 2×2 table, by parity of row and column, of the pixels that
count: all ones for a plane, the sites of one colour for a colour filter array.
"""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.kernels.clip import clip, mode, room
from sidera.kernels.sky import surface_row
from sidera.types import F32, F64, I64, U8, Bool

FINE = 5
"""Pixels on an aperture's edge are cut into FINE × FINE."""
BINS = 400
"""Bins of squared radius in a curve of growth."""
INNER_PART = 0.45
"""Part of the aperture's radius in which a star's half-light radius is looked for first."""


@kernel
def level_off(image: F32, wide: F32, first: int, out: F32) -> int:
    """Fill ``out`` with rows of an image less the surface through a widened mesh, 0 where NaN; count these.

    Its first row is row ``first`` of the image; beyond the edges the outermost rows are repeated.
    """
    rows = image.shape[0]
    missing = 0
    for i in range(out.shape[0]):
        row = min(max(first + i, 0), rows - 1)
        source, line = image[row], out[i]
        surface_row(wide, row, rows, line)
        for x in range(line.size):
            less = source[x] - line[x]
            unknown = less != less
            missing += 1 if unknown else 0
            line[x] = np.float32(0) if unknown else less
    return missing


@kernel
def maxima(image: F32, threshold: F32, above: int, beside: int, rows: I64, columns: I64) -> int:
    """Strict maxima of their 5×5 neighbourhood above a threshold that is constant in each cell of a mesh.

    Of equal neighbours the first in row-major order counts; none lies within ``above`` rows or ``beside`` columns
    of the border, which are 2 or more. Returns how many there are; where that is more than ``rows`` and ``columns``
    can hold, the rest is counted only.
    """
    height, width = image.shape
    down, across = threshold.shape
    found = 0
    for row in range(above, height - above):
        cell = row * down // height
        for j in range(across):
            start = max(j * width // across, beside)
            stop = max(min((j + 1) * width // across, width - beside), start)
            limit = threshold[cell, j]
            # A plain look at the whole run, which vectorises: most runs hold nothing.
            lit = np.uint64(0)
            for column in range(np.uint64(start), np.uint64(stop)):
                lit += np.uint64(1) if image[np.uint64(row), column] > limit else np.uint64(0)
            if lit == 0:
                continue
            for column in range(start, stop):
                if image[np.uint64(row), np.uint64(column)] > limit and _highest(image, row, column):
                    if found < rows.size:
                        rows[found] = row
                        columns[found] = column
                    found += 1
    return found


@kernel
def _highest(image: F32, row: int, column: int) -> bool:
    """Whether a pixel is the first highest of its 5×5 neighbourhood."""
    value = image[row, column]
    top, left = np.uint64(row - 2), np.uint64(column - 2)
    for i in range(np.uint64(5)):
        for j in range(np.uint64(5)):
            other = image[top + i, left + j]
            earlier = i * np.uint64(5) + j < np.uint64(12)
            if other > value or (earlier and other == value):
                return False
    return True


@kernel
def cores(
    image: F32, sky: F64, rows: I64, columns: I64, limit: F64, peak: F64, surround: F64, lit: I64
) -> None:
    """Highest pixel of each 3×3 core, the mean of the 8 about it, and how many of the core exceed ``limit``.

    All are above the sky, which missing pixels count as. Cores lie at least 2 pixels from the border.
    """
    for n in range(rows.size):
        best, row, column = -np.inf, rows[n], columns[n]
        lit[n] = 0
        for i in range(rows[n] - 1, rows[n] + 2):
            for j in range(columns[n] - 1, columns[n] + 2):
                value = _above_sky(image[i, j], sky[n])
                lit[n] += 1 if value > limit[n] else 0
                if value > best:
                    best, row, column = value, i, j
        total = 0.0
        for i in range(row - 1, row + 2):
            for j in range(column - 1, column + 2):
                total += _above_sky(image[i, j], sky[n])
        peak[n] = best
        surround[n] = (total - best) / 8


@kernel
def _above_sky(value: np.float32, sky: float) -> float:
    return float(value) - sky if value == value else 0.0


@kernel
def annuli(
    image: F32, x: F64, y: F64, inner: float, outer: float, use: U8, level: F64, spread: F64, count: F64
) -> None:
    """Sky about each position: level, deviation and number of the clipped pixels from ``inner`` to ``outer``.

    Without a measured pixel level and deviation are NaN.
    """
    side = 2 * int(np.ceil(outer)) + 3
    scratch = np.empty(side * side, np.float32)
    bins = room(scratch.size)
    for n in range(x.size):
        size = _ring(image, x[n], y[n], inner, outer, use, scratch)
        mean, median, spread[n], count[n] = clip(scratch[:size], 3.0, 8, bins)
        level[n] = mode(mean, median, spread[n], count[n])


@kernel
def _ring(image: F32, x: float, y: float, inner: float, outer: float, use: U8, scratch: F32) -> int:
    """Gather the pixels from ``inner`` to ``outer`` about a position that count, row by row; their number.

    They lie side by side, on either side of the hole: to ask each pixel for its distance, or to cut a slice for
    each row, takes longer than the clipping.
    """
    height, width = image.shape
    top, bottom = _span(y, outer, height)
    size = np.uint64(0)
    for row in range(top, bottom):
        both = use[row & 1, 0] and use[row & 1, 1]
        if not (both or use[row & 1, 0] or use[row & 1, 1]):
            continue
        step = 1 if both else 2
        odd = 0 if use[row & 1, 0] else 1
        off = (row - y) ** 2
        first, last = _nearer(x, outer * outer - off)
        start, stop = _nearer(x, inner * inner - off)
        first, last = max(first, 0), min(last, width)
        start, stop = min(start, last), max(stop, first)
        if not both:
            first, stop = first + ((first ^ odd) & 1), stop + ((stop ^ odd) & 1)
        for column in range(first, start, step):
            scratch[size] = image[np.uint64(row), np.uint64(column)]
            size += np.uint64(1)
        for column in range(stop, last, step):
            scratch[size] = image[np.uint64(row), np.uint64(column)]
            size += np.uint64(1)
    return int(size)


@kernel
def _nearer(x: float, square: float) -> tuple[int, int]:
    """Half-open range of the columns whose squared distance from x is less than ``square``."""
    reach = np.sqrt(max(square, 0.0))
    first, last = int(np.ceil(x - reach)) - 1, int(np.floor(x + reach)) + 2
    # The square decides, whatever the root was rounded to.
    while first < last and not (first - x) ** 2 < square:
        first += 1
    while last > first and not (last - 1 - x) ** 2 < square:
        last -= 1
    return first, last


@kernel
def _span(centre: float, radius: float, size: int) -> tuple[int, int]:
    """Half-open range of the pixels within ``radius`` of ``centre``, inside the image."""
    start = max(int(np.ceil(centre - radius)), 0)
    return start, max(min(int(np.floor(centre + radius)) + 1, size), start)


@kernel
def centroids(image: F32, sky: F64, sigma: float, gain: float, reach: float, x: F64, y: F64) -> None:
    """Move positions onto the Gaussian-windowed centroid, in place; NaN where none is found within ``reach``.

    The step is ``gain`` Σ w I (x - x₀) / Σ w I, w = exp(-r² / 2 sigma²). With a gain of 1 + (the star's sigma /
    sigma)² it lands on the centre of a Gaussian star; SExtractor's 2 (Bertin, XWIN) does so where the two are one,
    and goes to and fro about it in wider windows. Where it ends does not depend on the gain.
    """
    weights = np.empty(2 * int(np.ceil(4 * sigma)) + 3, np.float64)
    for n in range(x.size):
        column, row = x[n], y[n]
        for _ in range(16):
            total, right, down = _windowed(image, sky[n], sigma, column, row, weights)
            if not total > 0:
                column = np.nan
                break
            step_x, step_y = gain * right / total, gain * down / total
            column += step_x
            row += step_y
            if not (column - x[n]) ** 2 + (row - y[n]) ** 2 <= reach * reach:
                column = np.nan
                break
            if step_x * step_x + step_y * step_y < 1e-8:
                break
        x[n] = column
        y[n] = row if column == column else np.nan


@kernel
def _windowed(
    image: F32, sky: float, sigma: float, x: float, y: float, weights: F64
) -> tuple[float, float, float]:
    """Windowed sums of light, and of light times distance along x and along y; NaN counts as sky."""
    top, bottom = _span(y, 4 * sigma, image.shape[0])
    left, right = _span(x, 4 * sigma, image.shape[1])
    for j in range(right - left):
        weights[j] = np.exp(-((left + j - x) ** 2) / (2 * sigma * sigma))
    total, along, down = 0.0, 0.0, 0.0
    for row in range(top, bottom):
        line = image[row, left:right]
        light, moment = 0.0, 0.0
        for j in range(line.size):
            value = weights[j] * (line[j] - sky) if line[j] == line[j] else 0.0
            light += value
            moment += value * (left + j - x)
        factor = np.exp(-((row - y) ** 2) / (2 * sigma * sigma))
        total += factor * light
        along += factor * moment
        down += factor * light * (row - y)
    return total, along, down


@kernel
def marked(mask: U8, reach: int, x: F64, y: F64, out: Bool) -> None:
    """Fill ``out`` with whether a pixel up to ``reach`` rows and columns from each position is marked."""
    for n in range(x.size):
        out[n] = False
        if not (x[n] == x[n] and y[n] == y[n]):
            continue
        row, column = int(np.rint(y[n])), int(np.rint(x[n]))
        for i in range(max(row - reach, 0), min(row + reach + 1, mask.shape[0])):
            for j in range(max(column - reach, 0), min(column + reach + 1, mask.shape[1])):
                out[n] = out[n] or mask[i, j] != 0


@kernel
def holed(image: F32, radius: float, x: F64, y: F64, out: Bool) -> None:
    """Fill ``out`` with whether a pixel within ``radius`` of each position, along rows and columns, is NaN."""
    for n in range(x.size):
        top, bottom = _span(y[n], radius, image.shape[0])
        left, right = _span(x[n], radius, image.shape[1])
        out[n] = _any_missing(image, top, bottom, left, right)


@kernel
def fillings(
    image: F32, sky: F64, sigma: float, radius: float, x: F64, y: F64, rows: I64, columns: I64, values: F32
) -> int:
    """Fill ``rows``, ``columns``, ``values`` with what Gaussian stars have where pixels of theirs are NaN.

    Of each star the pixels within ``radius`` are looked at; its height is the one that fits those that were
    measured. Returns how many there are; where that is more than ``rows`` can hold, the rest is counted only.
    """
    height, width = image.shape
    found = 0
    for n in range(x.size):
        top, bottom = _span(y[n], radius, height)
        left, right = _span(x[n], radius, width)
        if not _any_missing(image, top, bottom, left, right):
            continue
        fit = _height_of(image[top:bottom, left:right], sky[n], sigma, x[n] - left, y[n] - top)
        for row in range(top, bottom):
            for column in range(left, right):
                if image[row, column] == image[row, column] or fit != fit:
                    continue
                if found < rows.size:
                    shape = np.exp(-((row - y[n]) ** 2 + (column - x[n]) ** 2) / (2 * sigma * sigma))
                    rows[found], columns[found] = row, column
                    values[found] = sky[n] + fit * shape
                found += 1
    return found


@kernel
def _any_missing(image: F32, top: int, bottom: int, left: int, right: int) -> bool:
    """Whether a pixel is NaN: few stars have one, and nearly all time would go into the others."""
    missing = 0
    for row in range(top, bottom):
        line = image[row, left:right]
        for x in range(line.size):
            missing += 1 if line[x] != line[x] else 0
    return missing > 0


@kernel
def _height_of(window: F32, sky: float, sigma: float, x: float, y: float) -> float:
    """Height of the Gaussian that fits the measured pixels best, at least 0; NaN where there are none."""
    fit, norm = 0.0, 0.0
    for row in range(window.shape[0]):
        for column in range(window.shape[1]):
            value = window[row, column]
            if value == value:
                shape = np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * sigma * sigma))
                fit += shape * (value - sky)
                norm += shape * shape
    return max(fit / norm, 0.0) if norm > 0 else np.nan


@kernel
def moments(image: F32, sky: F64, sigma: float, x: F64, y: F64, out: F64) -> None:
    """Windowed second moments (xx, yy, xy) of each star in ``out`` [star, 3]; NaN pixels count as sky."""
    weights = np.empty(2 * int(np.ceil(4 * sigma)) + 3, np.float64)
    for n in range(x.size):
        top, bottom = _span(y[n], 4 * sigma, image.shape[0])
        left, right = _span(x[n], 4 * sigma, image.shape[1])
        for j in range(right - left):
            weights[j] = np.exp(-((left + j - x[n]) ** 2) / (2 * sigma * sigma))
        total, xx, yy, xy = 0.0, 0.0, 0.0, 0.0
        for row in range(top, bottom):
            line, v = image[row, left:right], row - y[n]
            light, once, twice = 0.0, 0.0, 0.0
            for j in range(line.size):
                u = left + j - x[n]
                value = weights[j] * (line[j] - sky[n]) if line[j] == line[j] else 0.0
                light += value
                once += value * u
                twice += value * u * u
            factor = np.exp(-v * v / (2 * sigma * sigma))
            total += factor * light
            xx += factor * twice
            yy += factor * light * v * v
            xy += factor * once * v
        out[n, 0], out[n, 1], out[n, 2] = xx / total, yy / total, xy / total


@kernel
def inside(u: float, v: float, radius: float) -> float:
    """Share of the pixel at (u, v) that lies within ``radius`` of (0, 0), to 1/25 on the edge."""
    square, within, beyond = u * u + v * v, radius - 0.7072, radius + 0.7072
    if within >= 0.0 and square <= within * within:
        return 1.0
    if square >= beyond * beyond:
        return 0.0
    hits = 0
    for i in range(FINE):
        for j in range(FINE):
            p, q = u + (i + 0.5) / FINE - 0.5, v + (j + 0.5) / FINE - 0.5
            hits += 1 if p * p + q * q <= radius * radius else 0
    return hits / (FINE * FINE)


@kernel
def apertures(
    image: F32, sky: F64, radius: float, core: float, use: U8, x: F64, y: F64, flux: F64, area: F64
) -> None:
    """Light above the sky within ``radius`` of each position, and the sum of the pixels' shares.

    A missing pixel counts as sky, except within ``core`` of the centre, where the flux is NaN; so is that of
    an aperture which leaves the image.
    """
    height, width = image.shape
    for n in range(x.size):
        flux[n], area[n] = np.nan, 0.0
        if not (
            radius - 0.5 <= x[n] <= width - 0.5 - radius and radius - 0.5 <= y[n] <= height - 0.5 - radius
        ):
            continue
        total, unknown = 0.0, False
        top, bottom = _span(y[n], radius + 0.7072, height)
        left, right = _span(x[n], radius + 0.7072, width)
        for row in range(top, bottom):
            for column in range(left, right):
                if not use[row & 1, column & 1]:
                    continue
                u, v = column - x[n], row - y[n]
                share = inside(u, v, radius)
                value = image[row, column] - sky[n]
                area[n] += share
                if value == value:
                    total += share * value
                elif u * u + v * v < core * core:
                    unknown = True
        flux[n] = np.nan if unknown else total


@kernel
def half_light(image: F32, sky: F64, flux: F64, radius: float, x: F64, y: F64, out: F64) -> None:
    """Radius that holds half of each star's ``flux``, which is its light within ``radius``, by its curve of growth.

    Pixels are cut into 5×5 of equal light, binned by squared radius. NaN pixels count as sky. Half of a star's
    light lies far inside: only where it does not are the outer pixels, which are most, cut too.
    """
    growth = np.empty(BINS, np.float64)
    for n in range(x.size):
        out[n] = _half_within(image, sky[n], flux[n] / 2, radius, INNER_PART * radius, x[n], y[n], growth)
        if out[n] != out[n]:
            out[n] = _half_within(image, sky[n], flux[n] / 2, radius, radius, x[n], y[n], growth)


@kernel
def _half_within(
    image: F32, sky: float, half: float, radius: float, reach: float, x: float, y: float, growth: F64
) -> float:
    """Radius up to ``reach`` that holds the light ``half``; NaN where none does."""
    growth[:] = 0.0
    scale = BINS / (radius * radius)
    top, bottom = _span(y, reach + 0.5, image.shape[0])
    left, right = _span(x, reach + 0.5, image.shape[1])
    for row in range(top, bottom):
        for column in range(left, right):
            value = image[row, column] - sky
            if value == value:
                _grow(growth, scale, column - x, row - y, value / (FINE * FINE))
    reached = 0.0
    for k in range(min(int(reach * reach * scale), BINS)):
        if half > 0 and reached + growth[k] >= half:
            return float(np.sqrt((k + (half - reached) / growth[k]) / scale))
        reached += growth[k]
    return np.nan


@kernel
def _grow(growth: F64, scale: float, u: float, v: float, light: float) -> None:
    """Add the parts of a pixel to the bins of their squared radii."""
    for i in range(FINE):
        q = v + (i + 0.5) / FINE - 0.5
        for j in range(FINE):
            p = u + (j + 0.5) / FINE - 0.5
            k = int((p * p + q * q) * scale)
            if k < growth.size:
                growth[k] += light
