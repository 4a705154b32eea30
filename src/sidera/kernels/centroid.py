"""Stars' places by least squares: one profile, fitted to the raw pixels of a frame.

Positions are (x, y) = (column, row). ``colours`` is a 2×2 table, by parity of row and column, of the colour that a
pixel measures, 0 to 2; pixels of any other value are passed over.
"""

import numpy as np

from sidera.kernels._jit import kernel
from sidera.types import F32, F64, U8

ROUNDS = 15
"""From a windowed centroid 4 or 5 suffice."""
MISFIT = 0.02
"""Of a star's height, what the profile may be wrong by: else the brightest stars would be fitted by their steepest
pixels, where it is most. On simulated Moffat and Gaussian stars of 1.6 to 4.5 px, 0.01 to 0.04 differ little."""
PLIANT = 0.1
"""Standard deviation of the logarithm of stars' widths in a frame, before a star was looked at."""
SUMS = 18
"""Numbers a colour, see `_add`."""


@kernel
def star_places(
    image: F32,
    colours: U8,
    profile: F64,
    noise: F64,
    photons: float,
    places: F64,
    pulls: F64,
    weights: F64,
) -> None:
    """Move ``places`` [star, (x, y)] to where the profile fits best, in place; NaN where it fits nowhere near.

    ``profile`` holds a, b, c and a radius: within it a star of height h on a level sky is h / (1 + q)⁴ + sky, with
    q = a u² + 2 b u v + c v² at (u, v) from its place. Height and sky are each colour's own, the place is common, and
    so is a factor on the width, about 1 to `PLIANT`: the frame's typical star may have been a cosmic ray. A pixel
    counts by the inverse of its variance: ``noise`` [colour] squared, ``photons`` (1 / gain, 0 where that is not
    known) times the star's light there, and what the profile may be wrong by.

    ``pulls`` [star, colour, (x, y)] and ``weights`` [star, colour, (xx, xy, yy)] tell what each colour has to say at
    the place where all of them balance: alone it would move the star by the solution d of weights d = pulls.
    """
    sums, light = np.empty((3, SUMS), np.float64), np.empty((3, 2), np.float64)
    width, own = np.empty(2, np.float64), np.empty(4, np.float64)
    for n in range(places.shape[0]):
        x, y = places[n]
        wider = 0.0
        light[:] = 0.0
        for _ in range(ROUNDS):
            for k in range(3):
                own[k] = profile[k] * np.exp(-2 * wider)
            own[3] = profile[3] * np.exp(wider)
            sums[:] = 0.0
            _gather(image, colours, own, noise, photons, x, y, light, sums)
            step_x, step_y = _step(sums, light, pulls[n], weights[n], width)
            stretch = (width[0] - wider / PLIANT**2) / (width[1] + 1 / PLIANT**2)
            x += step_x
            y += step_y
            wider = min(max(wider + min(max(stretch, -0.2), 0.2), -0.7), 0.7)
            if not (x - places[n, 0]) ** 2 + (y - places[n, 1]) ** 2 <= profile[3] * profile[3] / 4:
                x = y = np.nan
                break
            if step_x * step_x + step_y * step_y < 1e-6 and abs(stretch) < 0.03:  # the next would be a tenth
                break
        places[n, 0], places[n, 1] = x, y


@kernel
def _gather(
    image: F32,
    colours: U8,
    profile: F64,
    noise: F64,
    photons: float,
    x: float,
    y: float,
    light: F64,
    sums: F64,
) -> None:
    """Add the measured pixels about a place to their colours' sums."""
    a, b, c, radius = profile
    top = max(int(np.ceil(y - radius)), 0)
    left = max(int(np.ceil(x - radius)), 0)
    for row in range(top, min(int(np.floor(y + radius)) + 1, image.shape[0])):
        v = row - y
        for column in range(left, min(int(np.floor(x + radius)) + 1, image.shape[1])):
            u = column - x
            colour = colours[row & 1, column & 1]
            value = image[row, column]
            if colour > 2 or value != value or u * u + v * v > radius * radius:
                continue
            far = a * u * u + 2 * b * u * v + c * v * v
            near = 1 / (1 + far)
            shape = near * near * near * near
            bright = max(light[colour, 0], 0.0) * shape
            variance = noise[colour] * noise[colour] + (photons + MISFIT * MISFIT * light[colour, 0]) * bright
            slope = 8 * shape * near
            along, down = slope * (a * u + b * v), slope * (b * u + c * v)
            _add(sums[colour], 1 / variance, value, shape, along, down, slope * far)


@kernel
def _add(
    sums: F64, weight: float, value: float, shape: float, along: float, down: float, wider: float
) -> None:
    """Weighted products of 1, the shape, its slopes along x, y and the width, and the value."""
    sums[0] += weight
    sums[1] += weight * shape
    sums[2] += weight * along
    sums[3] += weight * down
    sums[4] += weight * shape * shape
    sums[5] += weight * shape * along
    sums[6] += weight * shape * down
    sums[7] += weight * along * along
    sums[8] += weight * along * down
    sums[9] += weight * down * down
    sums[10] += weight * value
    sums[11] += weight * value * shape
    sums[12] += weight * value * along
    sums[13] += weight * value * down
    sums[14] += weight * wider
    sums[15] += weight * wider * shape
    sums[16] += weight * wider * wider
    sums[17] += weight * wider * value


@kernel
def _step(sums: F64, light: F64, pulls: F64, weights: F64, width: F64) -> tuple[float, float]:
    """Fill each colour's height, sky, pulls and weights, and solve for the step of the common place."""
    pull_x = pull_y = xx = xy = yy = 0.0
    width[:] = 0.0
    for colour in range(3):
        _eliminate(sums[colour], light[colour], pulls[colour], weights[colour], width)
        pull_x += pulls[colour, 0]
        pull_y += pulls[colour, 1]
        xx += weights[colour, 0]
        xy += weights[colour, 1]
        yy += weights[colour, 2]
    determinant = xx * yy - xy * xy
    if not determinant > 1e-6 * xx * yy:
        return np.nan, np.nan
    return (pull_x * yy - pull_y * xy) / determinant, (pull_y * xx - pull_x * xy) / determinant


@kernel
def _eliminate(sums: F64, light: F64, pulls: F64, weights: F64, width: F64) -> None:
    """Height and sky of one colour that fit best, and what is left to be said about place and width.

    A colour without light, or with too few pixels to tell light from sky, says nothing.
    """
    light[:], pulls[:], weights[:] = 0.0, 0.0, 0.0
    one, shape, along, down, square = sums[0], sums[1], sums[2], sums[3], sums[4]
    determinant = one * square - shape * shape
    if not determinant > 1e-9 * one * square:
        return
    height = (sums[11] * one - sums[10] * shape) / determinant
    sky = (sums[10] * square - sums[11] * shape) / determinant
    light[0], light[1] = height, sky
    if not height > 0:
        return
    pulls[0] = height * (sums[12] - sky * along - height * sums[5])
    pulls[1] = height * (sums[13] - sky * down - height * sums[6])
    # Of a slope, what sky and height can imitate does not count.
    sky_x, height_x = along * square - sums[5] * shape, sums[5] * one - along * shape
    sky_y, height_y = down * square - sums[6] * shape, sums[6] * one - down * shape
    weights[0] = height * height * (sums[7] - (along * sky_x + sums[5] * height_x) / determinant)
    weights[1] = height * height * (sums[8] - (along * sky_y + sums[5] * height_y) / determinant)
    weights[2] = height * height * (sums[9] - (down * sky_y + sums[6] * height_y) / determinant)
    sky_w, height_w = sums[14] * square - sums[15] * shape, sums[15] * one - sums[14] * shape
    width[0] += height * (sums[17] - sky * sums[14] - height * sums[15])
    width[1] += height * height * (sums[16] - (sums[14] * sky_w + sums[15] * height_w) / determinant)
