"""Demosaicing in plain NumPy: whole planes moved about, in the order of operations the kernels promise."""

import numpy as np

PAD = 12
F = np.float32


def padded(cfa, pad=PAD):
    """Mirrored about the outermost pixels; an even pad keeps every site's colour."""
    return np.pad(np.asarray(cfa, F), pad, mode="reflect")


def colours(shape, pattern):
    return np.array([[pattern.colour(row, column) for column in range(shape[1])] for row in range(shape[0])])


def at(plane, down, across):
    """The plane as seen ``down`` rows and ``across`` columns away."""
    return np.roll(plane, (-down, -across), (0, 1))


def mean_of_finite(*planes):
    """Summed in pairs, as the kernels do."""
    good = [np.where(np.isnan(plane), F(0), plane) for plane in planes]
    count = [np.where(np.isnan(plane), F(0), F(1)) for plane in planes]
    while len(good) > 1:
        good = [a + b for a, b in zip(good[::2], good[1::2], strict=True)]
        count = [a + b for a, b in zip(count[::2], count[1::2], strict=True)]
    with np.errstate(invalid="ignore"):
        return good[0] / count[0]


def bilinear(cfa, pattern, pad=PAD, keep=0):
    """``keep``: how many of the padded pixels to keep around the result."""
    plane = padded(cfa, pad)
    site = colours(plane.shape, pattern)
    line = mean_of_finite(at(plane, 0, -1), at(plane, 0, 1))
    column = mean_of_finite(at(plane, -1, 0), at(plane, 1, 0))
    cross = mean_of_finite(at(plane, -1, 0), at(plane, 1, 0), at(plane, 0, -1), at(plane, 0, 1))
    corners = mean_of_finite(at(plane, -1, -1), at(plane, -1, 1), at(plane, 1, -1), at(plane, 1, 1))
    rgb = np.empty((3, *plane.shape), F)
    rgb[1] = np.where(site == 1, plane, cross)
    for colour in (0, 2):
        in_row = np.any(site == colour, axis=1)[:, np.newaxis]
        beside = np.where(in_row, line, column)
        rgb[colour] = np.where(site == colour, plane, np.where(site == 1, beside, corners))
    return cropped(rgb, pad - keep)


def cropped(planes, pad):
    return planes[..., pad : planes.shape[-2] - pad, pad : planes.shape[-1] - pad]


def superpixel(cfa, pattern):
    rgb = np.empty((3, cfa.shape[0] // 2, cfa.shape[1] // 2), F)
    for row, column in np.ndindex(rgb.shape[1:]):
        seen = {0: [], 1: [], 2: []}
        for down, across in np.ndindex(2, 2):
            seen[pattern.colour(down, across)].append(cfa[2 * row + down, 2 * column + across])
        for colour in range(3):
            finite = [value for value in seen[colour] if not np.isnan(value)]
            rgb[colour, row, column] = sum(finite, F(0)) / F(len(finite)) if finite else np.nan
    return rgb


def scaled(cfa, pattern, gains, pedestal):
    return cfa * np.asarray(gains, F)[colours(cfa.shape, pattern)] + F(pedestal)


def unscaled(cfa, pattern, gains, pedestal, rgb):
    site = colours(cfa.shape, pattern)
    undone = [(plane - F(pedestal)) * (F(1) / F(gain)) for plane, gain in zip(rgb, gains, strict=True)]
    return np.stack([np.where(site == colour, cfa, plane) for colour, plane in enumerate(undone)])


def high_pass_energy(plane, down, across):
    def c(k):
        return at(plane, k * down, k * across)

    high = ((c(-3) + c(3)) - (c(-1) + c(1))) - F(3) * (c(-2) + c(2)) + F(6) * c(0)
    return high * high


def share(plane, first, second, least):
    """Part of the energy along ``first``, each summed over three pixels along its own direction."""

    def energy(down, across):
        square = high_pass_energy(plane, down, across)
        total = at(square, -down, -across) + square + at(square, down, across)
        return np.maximum(total, F(least))

    along, across = energy(*first), energy(*second)
    return along / (along + across)


def surer(plane):
    mean = F(0.25) * ((at(plane, -1, -1) + at(plane, -1, 1)) + (at(plane, 1, -1) + at(plane, 1, 1)))
    return np.where(abs(F(0.5) - plane) < abs(F(0.5) - mean), mean, plane)


def trusted(first, second, first_gradient, second_gradient):
    """Two estimates, each weighted by the other's gradient."""
    return (second_gradient * first + first_gradient * second) / (first_gradient + second_gradient)


def green_estimate(plane, low, down, across, tiny):
    def c(k):
        return at(plane, k * down, k * across)

    def gradient(s):
        return (
            F(tiny)
            + abs(c(-1) - c(1))
            + abs(c(0) - c(2 * s))
            + abs(c(s) - c(3 * s))
            + abs(c(2 * s) - c(4 * s))
        )

    def side(s):
        return c(s) * (F(2) * low) / (low + at(low, 2 * s * down, 2 * s * across))

    return trusted(side(-1), side(1), gradient(-1), gradient(1))


def difference(plane, green, down, across, tiny):
    """Colour less green, from both sides along a direction."""

    def c(k):
        return at(plane, k * down, k * across)

    def g(k):
        return at(green, k * down, k * across)

    def gradient(s):
        return F(tiny) + abs(c(-1) - c(1)) + abs(c(s) - c(3 * s)) + abs(g(0) - g(2 * s))

    return trusted(c(-1) - g(-1), c(1) - g(1), gradient(-1), gradient(1))


def rcd(cfa, pattern, gains=(1, 1, 1), pedestal=0.0, full_scale=65535.0):
    tiny = 1e-5 * full_scale
    plane = padded(scaled(cfa, pattern, gains, pedestal))
    site = colours(plane.shape, pattern)
    upright = surer(share(plane, (1, 0), (0, 1), tiny * tiny))
    diagonal = surer(share(plane, (1, 1), (1, -1), tiny * tiny))
    straight = (at(plane, -1, 0) + at(plane, 1, 0)) + (at(plane, 0, -1) + at(plane, 0, 1))
    corners = (at(plane, -1, -1) + at(plane, 1, 1)) + (at(plane, -1, 1) + at(plane, 1, -1))
    low = np.maximum(plane + F(0.5) * straight + F(0.25) * corners, F(tiny))
    column, line = green_estimate(plane, low, 1, 0, tiny), green_estimate(plane, low, 0, 1, tiny)
    green = np.where(site == 1, plane, upright * line + (F(1) - upright) * column)
    main, other = difference(plane, green, 1, 1, tiny), difference(plane, green, 1, -1, tiny)
    opposite = green + ((F(1) - diagonal) * main + diagonal * other)
    planes = [None, green, None]
    for colour in (0, 2):
        known = np.where(site == colour, plane, opposite)  # at red and blue sites
        column, line = difference(known, green, 1, 0, tiny), difference(known, green, 0, 1, tiny)
        beside = green + ((F(1) - upright) * column + upright * line)
        planes[colour] = np.where(site == 1, beside, known)
    return unscaled(cfa, pattern, gains, pedestal, cropped(np.stack(planes), PAD))


STRAIGHT = [(-1, 0), (0, 1), (1, 0), (0, -1)]
DIAGONAL = [(-1, 1), (1, 1), (1, -1), (-1, -1)]


def vng(cfa, pattern, gains=(1, 1, 1), pedestal=0.0):
    """Pixel by pixel, as the paper has it."""
    work = scaled(cfa, pattern, gains, pedestal)
    linear, plane = bilinear(work, pattern, keep=2), padded(work, 2)
    rgb = np.empty((3, *cfa.shape), F)
    for row, column in np.ndindex(cfa.shape):
        rgb[:, row, column] = vng_pixel(plane, linear, row + 2, column + 2, pattern)
    return unscaled(cfa, pattern, gains, pedestal, rgb)


def vng_pixel(plane, linear, row, column, pattern):
    own = pattern.colour(row, column)
    ways = STRAIGHT + DIAGONAL
    gradients = [vng_gradient(plane, row, column, *way, own == 1) for way in ways]
    least, greatest = min(gradients), max(gradients)
    limit = F(1.5) * least + F(0.5) * (greatest - least)
    smooth = [way for way, gradient in zip(ways, gradients, strict=True) if gradient <= limit]
    sums = np.zeros(3, F)
    for down, across in smooth:
        seen = linear[:, row + down, column + across].copy()
        between = F(0.5) * (plane[row, column] + plane[row + 2 * down, column + 2 * across])
        seen[own] = plane[row + down, column + across] if own == 1 and down * across else between
        sums += seen
    value = plane[row, column] + (sums - sums[own]) / F(len(smooth))
    value[own] = plane[row, column]
    return value


def vng_gradient(plane, row, column, down, across, at_green):
    def gap(a, b):
        return abs(plane[row + a[0], column + a[1]] - plane[row + b[0], column + b[1]])

    ahead, back, far = (down, across), (-down, -across), (2 * down, 2 * across)
    line = gap(ahead, back) + gap(far, (0, 0))
    if down * across == 0:
        p, q = abs(across), abs(down)
        sides = [
            gap((down + s * p, across + s * q), (s * p - down, s * q - across))
            + gap((2 * down + s * p, 2 * across + s * q), (s * p, s * q))
            for s in (1, -1)
        ]
        return line + F(0.5) * (sides[0] + sides[1])
    a, b, far_a, far_b = (down, 0), (0, across), (2 * down, across), (down, 2 * across)
    minus_a, minus_b = (-down, 0), (0, -across)
    if at_green:
        return line + (gap(far_a, minus_b) + gap(far_b, minus_a))
    inside, outside = gap(a, minus_b) + gap(b, minus_a), gap(far_a, a) + gap(far_b, b)
    return line + F(0.5) * (inside + outside)


def fill_defects(image, step, reach):
    filled = image.copy()
    for row, column in np.argwhere(np.isnan(image)):
        filled[row, column] = 0
        for radius in range(1, reach + 1):
            ring = [
                image[row + down * step, column + across * step]
                for down in range(-radius, radius + 1)
                for across in range(-radius, radius + 1)
                if max(abs(down), abs(across)) == radius
                and 0 <= row + down * step < image.shape[0]
                and 0 <= column + across * step < image.shape[1]
            ]
            if not np.all(np.isnan(ring)):
                filled[row, column] = np.nanmedian(ring)
                break
    return filled


def conserve_flux(rgb, cfa, colours):
    """Smoothed samples less smoothed colours, added; ``colours`` [row, column] says what each pixel sees."""
    spline = np.array([1, 4, 6, 4, 1]) / 16
    weights = np.outer(spline, spline)
    out = rgb.astype(np.float64)
    for colour, share in enumerate((4, 2, 4)):
        missing = np.pad(np.where(colours == colour, share * cfa, 0) - rgb[colour], 2, mode="reflect")
        for row, column in np.ndindex(cfa.shape):
            out[colour, row, column] += (weights * missing[row : row + 5, column : column + 5]).sum()
    return out
