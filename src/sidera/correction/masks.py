"""What is sky and what is not: a small copy of an image, and a mask of all that stands above the sky in it."""

from dataclasses import dataclass

import numpy as np

from sidera.errors import ShapeError
from sidera.kernels import blocks
from sidera.kernels import sky as sky_kernels
from sidera.kernels import surface as kernels
from sidera.types import F32, F64, Bool, plain

SMALL = 640
"""Pixels along the longer side of the small copy."""
LEVELS = 7
"""Objects are looked for in blocks of 1, 2, 4 ... 64 pixels of the small copy: from a star to a tenth of the field."""
WIDE = 8
"""Objects found in blocks of so many pixels have faint wings: they are grown by two blocks, others by one."""
ENOUGH = 60_000
"""Pixels that tell a sigma to half a per cent."""
MEASURED = 0.25
"""Share of a block that must be sky so far, to be judged by it."""
FEWEST = 12
"""Blocks along the longer side below which there is no surrounding left to stand out of."""
HALF_NORMAL = 1.4826
"""A normal distribution's sigma over the median size of its lower half."""


@dataclass(frozen=True)
class Small:
    """Means of blocks of an image, cut evenly.

    Attributes
    ----------
    planes : float32 array, shape (channels, rows, columns)
        NaN where fewer than half of a block's pixels were measured.
    side : float
        Of a block, in pixels of the image; the blocks' own sides differ by a pixel where this is not whole.
    """

    planes: F32
    side: float


def planes_of(image: object) -> F32:
    """An image as ``[channel, row, column]``.

    Raises
    ------
    ShapeError
        When it is no image, or has no pixel.
    """
    pixels = plain(image)
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ShapeError(f"images are (rows, columns) or (channels, rows, columns); got shape {pixels.shape}")
    return pixels.reshape(-1, *pixels.shape[-2:])


def own(image: object) -> F32:
    """A copy of an image to work on in place, in the image's shape; errors as `planes_of`."""
    planes_of(image)
    return np.array(plain(image))


def small(image: object, longest: int = SMALL) -> Small:
    """The small copy that the sky is judged on: no more than ``longest`` pixels wide or high."""
    planes = planes_of(image)
    rows, columns = planes.shape[1:]
    side = max(1.0, max(rows, columns) / longest)
    shape = max(1, round(rows / side)), max(1, round(columns / side))
    out = np.empty((len(planes), *shape), np.float32)
    for plane, means in zip(planes, out, strict=True):
        kernels.block_means(plane, means)
    return Small(out, side)


def pixel_noise(image: object) -> F64:
    """Noise of one pixel of each channel, blind to gradients and nebulae; NaN where nothing was measured.

    The clipped deviation of the finest starlet layer over 0.8907 (Starck & Murtagh 1998), the median of the cells.
    """
    planes = planes_of(image)
    rows, columns = planes.shape[1:]
    found = np.empty((len(planes), 1, max(1, rows // 256), max(1, columns // 256)), np.float32)
    for plane, noise in zip(planes, found, strict=True):
        sky_kernels.cell_noise(plane, 0, 1, 8 if rows >= 1024 else 2 if rows >= 128 else 1, noise)
    return np.array([median_of(noise) for noise in found])


def median_of(values: F32 | F64) -> float:
    """Median of what was measured; NaN where nothing was."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def objects(residual: F32, kappa: float = 3.0) -> Bool:
    """Where stars, galaxies and nebulae stand above the sky, in any channel.

    Parameters
    ----------
    residual : float32 array, shape (channels, rows, columns)
        A small image less its sky: zero where there is only sky, NaN where not measured.
    kappa : float
        What stands this many sigma above zero is an object.

    Returns
    -------
    bool array, shape (rows, columns)
        True on objects and, since their light goes on beyond what is significant, one block around them.

    Notes
    -----
    Blocks of 1, 2, 4 ... pixels are judged one size after the other, each by the mean of those of its pixels that
    are no object yet, so that a star does not make a nebula of its surroundings. Sigma is that of the blocks *below*
    zero: light only ever adds, so the lower half knows the noise and how far the sky is from its model, and a
    nebula over half of the field does not widen it. The channels' mean is judged as well as each channel.
    """
    shape = residual.shape[1:]
    found = np.zeros(shape, np.bool_)
    spreads = np.array([_lower_sigma(plane) for plane in residual], np.float32)
    if not (spreads > 0).any():
        return found
    judged = residual if (spreads > 0).all() else residual[spreads > 0]
    views = len(judged) + (len(judged) > 1)
    total, count = np.empty((views, *shape), np.float32), np.empty((views, *shape), np.float32)
    blocks.begun(judged, spreads[spreads > 0], total, count)
    for level in range(LEVELS):
        side = 1 << level
        if level:
            total, count = _halved(total), _halved(count)
        if level and max(shape) < FEWEST * side:
            break
        hits = _standing_out(total, count, side, kappa)
        # Whole blocks leave, so the next larger blocks are sums of what is left.
        blocks.take_out(hits, 2 if side >= WIDE else 1, side, total, count, found)
    return found


def _standing_out(total: F32, count: F32, side: int, kappa: float) -> Bool:
    """Blocks whose mean, with their neighbours', stands above zero in any view ``[view, row, column]``."""
    reach = 1 if side > 1 else 0
    means = np.empty_like(total)
    blocks.means(total, count, reach, MEASURED * side * side * (1 + 2 * reach) ** 2, means)
    hits = np.zeros(total.shape[1:], np.bool_)
    for mean in means:
        spread = _lower_sigma(mean)
        with np.errstate(invalid="ignore"):
            hits |= mean > (kappa * spread if spread > 0 else np.inf)
    return hits


def _lower_sigma(values: F32) -> float:
    """Sigma by what lies below zero; 0 where nothing does."""
    step = max(1, values.size // ENOUGH)
    below = np.empty(values.size // step + 1, np.float32)
    below = below[: blocks.below_zero(values.ravel(), step, below)]
    return -HALF_NORMAL * float(np.median(below)) if below.size else 0.0


def _halved(sums: F32) -> F32:
    """Sums of 2×2 blocks ``[view, row, column]``; the last ones of a row or column may hold fewer."""
    out = np.empty((len(sums), (sums.shape[1] + 1) // 2, (sums.shape[2] + 1) // 2), np.float32)
    blocks.halved(sums, out)
    return out
