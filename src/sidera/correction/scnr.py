"""Subtractive chromatic noise reduction: green that stands out of red and blue goes, the sky's noise stays."""

import numpy as np

from sidera.correction.noise import Noise, deviation, layers, middles, noise_of
from sidera.errors import ShapeError
from sidera.kernels import starlet as kernels
from sidera.model.finishing import ScnrSettings
from sidera.types import F32, plain

LOW, HIGH = 3.0, 6.0
"""Sigma between which an excess comes to be believed."""
ROWS, HALO = 512, 6
"""Rows worked on together, and those around them that the mean excess looks at."""


def scnr(
    image: object,
    noise: object = None,
    settings: ScnrSettings | None = None,
    protect: object = None,
) -> F32:
    """Take away green where it stands out of red and blue by more than the noise.

    Parameters
    ----------
    image : float32 array, shape (3, rows, columns)
        Linear, balanced, its sky neutral; NaN stays NaN. Mono images come back as they are.
    noise : float, one a channel, a map of the image's shape, or None
        Standard errors in the image's unit; measured where None.
    settings : ScnrSettings
        Method and amount.
    protect : array, shape (rows, columns), optional
        0 to 1: the share of each pixel that stays as it is.

    Returns
    -------
    float32 array, shape (3, rows, columns)
        Red and blue are untouched, and so is green wherever its excess is not above the noise.

    Raises
    ------
    ShapeError
        For arrays that are no images, and a mask of another size.

    Notes
    -----
    PixInsight's average neutral and maximum neutral, ``G' = min(G, m)`` with m the mean or the greater of red and
    blue, cut off the upper half of a neutral sky's noise: a third of its pixels change and its mean falls by 0.3
    sigma. Here the excess ``e = G - m`` is believed by itself from 3 to 6 of its sigma; below that the mean excess
    of the pixels around is taken, where it stands out of its own noise: that moves a faint green cast as a whole,
    noise and all, and a neutral sky not at all. The maximum of two noisy values is above their mean by 0.56 sigma,
    so its excess in a neutral sky is below zero, where nothing is done.
    """
    pixels, settings = plain(image), settings or ScnrSettings()
    _check(pixels)
    if pixels.ndim == 2 or len(pixels) == 1 or not settings.amount:
        return pixels
    out = pixels.copy()
    scnr_in_place(out, noise, settings, protect)
    return out


def scnr_in_place(
    image: F32, noise: object = None, settings: ScnrSettings | None = None, protect: object = None
) -> float:
    """As `scnr`, of the image itself; and the share of its pixels that changed."""
    settings = settings or ScnrSettings()
    mask = None if protect is None else plain(protect)
    if mask is not None and mask.shape != image.shape[-2:]:
        raise ShapeError(f"the mask has shape {mask.shape}", f"give {image.shape[-2:]}")
    if not settings.amount:
        return 0.0
    known = noise_of(image, noise)
    sign = np.float32(-1 if settings.colour == "magenta" else 1)
    broad = _broad_noise(middles(image), known, settings, sign)
    changed, above = 0, image[:, :0]
    for top in range(0, image.shape[1], ROWS):
        rows = slice(top, min(top + ROWS, image.shape[1]))
        wide = np.concatenate((above, image[:, top : rows.stop + HALO]), axis=1)  # green as it was
        around = slice(top - above.shape[1], top - above.shape[1] + wide.shape[1])
        above = wide[:, rows.stop - around.start - HALO : rows.stop - around.start].copy()
        taken = _taken(wide, around, rows, known, broad, settings, sign)
        if mask is not None:
            taken *= 1 - mask[rows]
        np.copyto(taken, np.float32(0), where=~np.isfinite(taken))
        image[1, rows] -= sign * taken
        changed += int(np.count_nonzero(taken))
    return float(changed / image[1].size)


def _check(pixels: F32) -> None:
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and len(pixels) not in (1, 3)):
        raise ShapeError(f"SCNR works on (3, rows, columns); got shape {pixels.shape}")


def _taken(
    image: F32,
    around: slice,
    rows: slice,
    noise: Noise,
    broad: float,
    settings: ScnrSettings,
    sign: np.float32,
) -> F32:
    """What is taken from some rows, of which ``image`` has those ``around`` too."""
    wide = _excess(image, settings, sign)
    sigma = np.float32(_sigma(noise)) * _local(noise, around)
    alone = wide / sigma
    mean = _mean_excess(np.where(np.abs(alone) < HIGH, wide, np.float32(np.nan)))
    own = slice(rows.start - around.start, rows.stop - around.start)
    excess, alone, mean = wide[own], alone[own], mean[own]
    local = sigma[own] if isinstance(sigma, np.ndarray) and sigma.ndim == 2 else sigma
    believed = _ramp(alone, LOW, HIGH)
    around_it = _ramp(mean / (np.float32(broad) * local), LOW, HIGH)
    red_or_blue = _ramp(alone, -HIGH, -LOW)  # far below zero: a pixel with a colour of its own
    taken: F32 = believed * excess + (1 - believed) * around_it * red_or_blue * np.maximum(mean, 0)
    taken *= np.float32(settings.amount)
    return taken


def _excess(image: F32, settings: ScnrSettings, sign: np.float32) -> F32:
    """Green above what it may reach; of magenta, the other way round."""
    red, green, blue = image
    if settings.method == "average":
        neutral: F32 = (red + blue) / np.float32(2)
    else:
        neutral = np.maximum(red, blue) if sign > 0 else np.minimum(red, blue)
    excess: F32 = sign * (green - neutral)
    return excess


def _sigma(noise: Noise) -> float:
    """Noise of the excess on the sky; never 0."""
    red, green, blue = noise.sigma
    return max(float(np.sqrt(green**2 + (red**2 + blue**2) / 4)), 1e-30)


def _local(noise: Noise, rows: slice) -> F32 | np.float32:
    share = noise.share(1, rows)
    return share if isinstance(share, np.ndarray) else np.float32(share)


def _mean_excess(excess: F32) -> F32:
    """Smoothed over some 13 pixels; NaN where the pixel itself is left out."""
    filled: F32 = np.nan_to_num(excess, nan=0.0)
    weight: F32 = np.isfinite(excess).astype(np.float32)
    for step in (1, 2):
        filled, weight = _smooth(filled, step), _smooth(weight, step)
    floor: F32 = np.maximum(weight, np.float32(1e-6))
    mean: F32 = filled / floor
    return mean


def _smooth(plane: F32, step: int) -> F32:
    out = np.empty_like(plane)
    kernels.smooth(np.ascontiguousarray(plane), step, out)
    return out


def _ramp(x: F32, low: float, high: float) -> F32:
    """0 up to ``low``, 1 from ``high`` on, smooth at both ends; 0 for NaN."""
    t = np.clip(np.nan_to_num((x - np.float32(low)) / np.float32(high - low), nan=0.0), 0, 1)
    ramp: F32 = t * t * (3 - 2 * t)
    return ramp


def _broad_noise(image: F32, noise: Noise, settings: ScnrSettings, sign: np.float32) -> float:
    """Noise of the mean excess over that of a pixel's, as the image has it: stacks are not white.

    The third starlet layer holds most of what two smoothings leave of any noise (of white noise all but a tenth),
    and hardly anything of nebulae.
    """
    excess = _excess(image, settings, sign)
    return max(1.15 * deviation(layers(excess, 3)[2]) / _sigma(noise), 0.12)
