"""Noise reduction in linear light, with the stars left out of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sidera.correction.noise import (
    WINDOW,
    Noise,
    Texture,
    deviation,
    layers,
    middle,
    middles,
    noise_of,
    texture,
)
from sidera.errors import ShapeError
from sidera.kernels import starlet as kernels
from sidera.model.finishing import DenoiseSettings
from sidera.types import F32, F64, Bool, plain

STAR, SURE = 4.0, 7.0
"""Sigma of a fine layer between which something comes to be protected."""
FINE = 3
"""Layers in which stars are looked for."""
GROWN = (3, 5, 9)
"""Pixels a side by which what stands out of each of them is grown."""
ROUNDS = 3
"""Times that what was taken is searched for light: one round leaves a bright ring of some 30 pixels around stars."""
SKY = 5.0
"""The median works on what is under so many sigma above the sky."""
FADING = (1.0, 0.6, 0.55, 0.55, 0.55, 0.55, 0.55)
"""Noise of a layer is no more than this of the one before; white noise has 0.23 to 0.5, and more is nebula."""
STRENGTHS = np.arange(0.0, 5.01, 0.5)
SAMPLES = 1 << 24
"""Values worked on together, layers and all."""


@dataclass(frozen=True)
class Denoised:
    """An image with less noise, the sky's texture before and after, and how strongly it was smoothed."""

    image: F32
    before: Texture
    after: Texture
    strength: float


def denoise(
    image: object,
    noise: object = None,
    settings: DenoiseSettings | None = None,
    *,
    halves: tuple[object, object] | None = None,
    in_place: bool = False,
) -> Denoised:
    """Lower the noise of the sky and of faint light, not that of stars.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (3, rows, columns)
        Linear; NaN stays NaN and has no part in anything.
    noise : float, one a channel, a map of the image's shape, Noise, or None
        Standard errors in the image's unit. A map says where there is more of it.
    settings : DenoiseSettings
        Method and strength.
    halves : pair of arrays of the image's shape, or of its `middle`'s, optional
        Stacks of the odd and of the even frames, on the image's grid and in its unit: half their difference has
        exactly the image's noise, however correlated it is, and one tells what is noise in the other.
    in_place : bool
        The image itself is changed, if it is a float32 array, instead of a copy.

    Returns
    -------
    Denoised
        With the texture of the sky before and after. What was smoothed looks better than it was measured.

    Raises
    ------
    ShapeError
        For arrays that are no images, and halves or noise of another shape.

    Notes
    -----
    starlet: the image is the sum of its B3 starlet layers (Starck & Murtagh 1998); in each, coefficients under
    ``strength`` times the layer's own noise shrink (Gao 1998 for the garrote). Colour is treated as (R + G + B) / 3,
    R - G and B - G, the latter two ``chroma`` times more strongly. The strength that makes each half the best
    prediction of the other is taken where halves are given (Noise2Noise, Lehtinen et al. 2018, as validation).

    median: 3×3 on pixels under sky + 5 sigma.

    Both leave alone what stands out of a fine layer, and pixels beside it.
    """
    settings = settings or DenoiseSettings()
    pixels = plain(image)
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise ShapeError(f"images are (rows, columns) or (channels, rows, columns); got shape {pixels.shape}")
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    known = noise_of(planes, noise)
    pair = None if halves is None else _pair(halves, pixels.shape)
    plan = _plan(planes, known, settings, pair)
    before = texture(pixels)
    out = planes if in_place else planes.copy()
    rows = max(64, SAMPLES // (planes.shape[0] * planes.shape[2] * (plan.scales + 4)))
    halo = _halo(plan.scales)
    above = planes[:, :0]
    for top in range(0, planes.shape[1], rows):
        bottom = min(top + rows, planes.shape[1])
        wide = np.concatenate((above, out[:, top : bottom + halo]), axis=1)  # of what is not smoothed yet
        first = top - above.shape[1]
        above = wide[:, max(bottom - halo - first, 0) : bottom - first].copy()
        out[:, top:bottom] = _smoothed(wide, slice(first, first + wide.shape[1]), plan, settings)[
            :, top - first : bottom - first
        ]
    strength = plan.strength if settings.method == "starlet" else 1.0
    made = out.reshape(pixels.shape)
    return Denoised(made, before, texture(made), strength)


def _halo(scales: int) -> int:
    """Rows around a strip that the largest layer sees in every round."""
    return max(ROUNDS * 2 * ((1 << scales) - 1), 2 * ((1 << FINE) - 1) + max(GROWN) // 2)


@dataclass(frozen=True)
class _Plan:
    """What was learnt of the whole image."""

    noise: Noise
    together: bool
    """Colours are treated as brightness and two differences."""
    scales: int
    sigma: F64
    """Noise [plane, layer]."""
    strength: float
    sky: tuple[tuple[float, float], ...]
    """Level and noise of the sky, a channel."""


def _pair(halves: tuple[object, object], shape: tuple[int, ...]) -> tuple[F32, F32]:
    """The middles of the halves."""
    windows = []
    seen = (*shape[:-2], *(min(size, WINDOW) for size in shape[-2:]))
    for half in halves:
        pixels: F32 = half if isinstance(half, np.ndarray) else plain(half)
        if pixels.shape not in (shape, seen):
            raise ShapeError(f"a half of shape {pixels.shape}", f"give the image's, {shape}")
        windows.append(middles(pixels.reshape(-1, *pixels.shape[-2:])))
    return windows[0], windows[1]


def _plan(planes: F32, noise: Noise, settings: DenoiseSettings, halves: tuple[F32, F32] | None) -> _Plan:
    together = len(planes) == 3 and all(np.isfinite(plane).any() for plane in planes)
    scales = max(1, min(settings.scales, int(np.log2(max(min(planes.shape[1:]), 2)))))
    window = _mixed(middles(planes), together)
    pair = None if halves is None else [_mixed(half, together) for half in halves]
    shown = window if pair is None else (pair[0] - pair[1]) / np.float32(2)
    sigma = np.array([_layer_noise(plane, max(scales, FINE), pair is None) for plane in shown])
    strength = settings.strength
    if pair is not None and settings.auto and settings.method == "starlet":
        fine = [layers(plane, max(scales, FINE)) for plane in window]
        hidden = _protected(fine, [1.0] * len(window), sigma) > 0
        strength = _validated(pair[0], pair[1], hidden, sigma[:, :scales], settings, together) or strength
    sky = tuple(_sky(middle(plane)) for plane in planes)
    return _Plan(noise, together, scales, sigma, strength, sky)


def _mixed(planes: F32, together: bool) -> F32:
    """Brightness and two differences of colour, or the planes as they are."""
    if not together:
        return planes
    red, green, blue = planes
    return np.stack([(red + green + blue) / np.float32(3), red - green, blue - green])


def _unmixed(planes: F32, together: bool) -> F32:
    if not together:
        return planes
    light, red, blue = planes
    green = light - (red + blue) / np.float32(3)
    return np.stack([green + red, green, green + blue])


def _layer_noise(plane: F32, scales: int, capped: bool) -> F64:
    """Noise of each layer. Of an image itself, large scales also hold nebula, and are not trusted above a limit."""
    found: list[float] = []
    for scale, layer in enumerate(layers(plane, scales)[:-1]):
        sigma = deviation(layer)
        found.append(min(sigma, FADING[scale] * found[-1]) if capped and found else sigma)
    return np.array(found)


def _validated(
    one: F32, other: F32, hidden: Bool, sigma: F64, settings: DenoiseSettings, together: bool
) -> float:
    """The strength with which each half comes nearest to the other, stars aside; 0 where neither tells anything."""
    error = np.zeros(STRENGTHS.size)
    for first, second in ((one, other), (other, one)):
        for plane, (given, wanted) in enumerate(zip(first, second, strict=True)):
            weak = settings.chroma if together and plane else 1.0
            for index, strength in enumerate(STRENGTHS):
                limits = [
                    np.full(given.shape, strength * weak * level * np.sqrt(2), np.float32)
                    for level in sigma[plane]
                ]
                miss = (_without_noise(given, limits, settings.shrink == "soft") - wanted)[~hidden]
                size = miss[np.isfinite(miss)] / max(sigma[plane, 0], 1e-30)
                error[index] += float(np.mean(size * size, dtype=np.float64)) if size.size else 0.0
    return float(STRENGTHS[error.argmin()]) if error.any() else 0.0


def _sky(plane: F32) -> tuple[float, float]:
    """Median and noise about it."""
    known = plane[np.isfinite(plane)]
    if not known.size:
        return 0.0, 0.0
    level = float(np.median(known))
    return level, deviation(known - np.float32(level))


def _smoothed(wide: F32, around: slice, plan: _Plan, settings: DenoiseSettings) -> F32:
    """Some rows with less noise; those at the edges of it, by `_halo`, as far as they can be known."""
    mixed = _mixed(wide, plan.together)
    parts = [layers(plane, max(plan.scales, FINE)) for plane in mixed]
    share = [plan.noise.share(channel, around) for channel in range(len(wide))]
    keep = _protected(parts, share, plan.sigma)
    if settings.method == "median":
        smooth = np.stack([_medians(plane) for plane in wide])
        for channel, (level, sigma) in enumerate(plan.sky):
            smooth[channel] = np.where(
                wide[channel] < level + SKY * sigma * share[channel], smooth[channel], wide[channel]
            )
    else:
        smooth = _unmixed(_shrunk(mixed, share, plan, settings), plan.together)
    smooth -= wide
    smooth *= np.float32(settings.amount) * (1 - keep)
    np.copyto(smooth, np.float32(0), where=~np.isfinite(smooth))
    smooth += wide
    return smooth


def _shrunk(planes: F32, share: list[F32 | float], plan: _Plan, settings: DenoiseSettings) -> F32:
    """The planes again, of layers without what is noise in them."""
    out = []
    for plane, image in enumerate(planes):
        weak = settings.chroma if plan.together and plane else 1.0
        limits = [
            np.ascontiguousarray(
                np.broadcast_to(np.float32(plan.strength * weak * sigma) * share[plane], image.shape),
                np.float32,
            )
            for sigma in plan.sigma[plane, : plan.scales]
        ]
        out.append(_without_noise(image, limits, settings.shrink == "soft"))
    return np.stack(out)


def _without_noise(image: F32, limits: list[F32], soft: bool) -> F32:
    """Layers shrunk and summed; then the same of what that took, so that no light is lost from larger scales.

    A star's layers are rings, of which the faint ones would go and the others stay. What was taken is noise where
    it has no mean over the largest scale; the mean that it has is light, and is given back.
    """
    made = np.zeros_like(image)
    for _ in range(ROUNDS):
        *found, rest = layers(image - made, len(limits))
        for layer, limit in zip(found, limits, strict=True):
            kernels.shrink(layer, limit, soft, rest)
        made += rest
    return made


def _protected(parts: list[list[F32]], share: Sequence[F32 | float], noise: F64) -> F32:
    """0 to 1, by how far a pixel or one beside it stands out of a fine layer of any plane."""
    grown = np.zeros(parts[0][0].shape, np.float32)
    for scale in range(FINE):
        height = np.zeros_like(grown)
        for plane, found in enumerate(parts):
            sigma = noise[plane, scale]
            if sigma > 0:
                np.fmax(height, np.abs(found[scale]) / (np.float32(sigma) * share[plane]), out=height)
        np.fmax(grown, ndimage.maximum_filter(height, size=GROWN[scale]), out=grown)
    t = np.clip((grown - STAR) / (SURE - STAR), 0, 1)
    keep: F32 = t * t * (3 - 2 * t)
    return keep


def _medians(plane: F32) -> F32:
    """Median of the known pixels of each 3×3; NaN stays NaN."""
    grown = np.pad(plane, 1, mode="edge")
    rows, columns = plane.shape
    around = [grown[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    return _middle_of_nine(around) if np.isfinite(plane).all() else _middle_of_known(plane, np.stack(around))


def _middle_of_nine(around: list[F32]) -> F32:
    """Sorted columns, then the greatest of the lows, the middle of the middles and the least of the highs."""
    columns = [_sorted(*around[start::3]) for start in range(3)]
    low, middle, high = ([column[place] for column in columns] for place in range(3))
    greatest, least = (
        np.maximum(np.maximum(low[0], low[1]), low[2]),
        np.minimum(np.minimum(high[0], high[1]), high[2]),
    )
    return _sorted(greatest, _sorted(*middle)[1], least)[1]


def _sorted(a: F32, b: F32, c: F32) -> tuple[F32, F32, F32]:
    """Three planes, pixel by pixel from the least to the greatest."""
    less, more = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(less, c), np.maximum(less, np.minimum(more, c)), np.maximum(more, c)


def _middle_of_known(plane: F32, around: F32) -> F32:
    around.sort(axis=0)  # NaN goes last
    count = np.isfinite(around).sum(axis=0)
    low = np.take_along_axis(around, np.maximum((count - 1) // 2, 0)[np.newaxis], 0)[0]
    high = np.take_along_axis(around, (count // 2).clip(max=8)[np.newaxis], 0)[0]
    median: F32 = np.where(np.isfinite(plane), (low + high) / np.float32(2), plane)
    return median
