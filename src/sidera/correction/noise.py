"""Noise of a stack as the corrections need it: a figure a channel, where it is more or less, and its texture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidera.errors import ShapeError
from sidera.kernels import starlet as kernels
from sidera.types import F32, plain

FINE, STARLET = 3, 0.917
"""So many layers are noise; and that of unit white noise in them: 0.8906, 0.2006 and 0.0857 (Starck & Murtagh 1998)."""
WINDOW = 1024
"""Statistics of a large image are taken from a window of so many pixels a side in its middle."""
FLAT = 5
"""Scales that are taken away before the texture of the sky is looked at."""


@dataclass(frozen=True)
class Noise:
    """Standard error of a pixel.

    Attributes
    ----------
    sigma : tuple of float
        On the sky, of each channel, in the image's unit; 0 where a channel holds nothing.
    local : float32 array, shape (channels, rows, columns), or None
        The same of each pixel, where a map was given; it may lie in a file.
    factors : tuple of float
        By which the image was scaled, channel by channel, since the map was made; empty for none.
    """

    sigma: tuple[float, ...]
    local: F32 | None = None
    factors: tuple[float, ...] = ()

    def share(self, channel: int, rows: slice) -> F32 | float:
        """Noise of some rows over that of the sky; 1 where unknown."""
        if self.local is None or not self.sigma[channel]:
            return 1.0
        factor = self.factors[channel] if self.factors else 1.0
        ratio = self.local[channel, rows] * np.float32(factor / self.sigma[channel])
        share: F32 = np.nan_to_num(np.maximum(ratio, np.float32(0.05)), nan=1.0, posinf=1.0)
        return share

    def scaled(self, factors: tuple[float, ...]) -> "Noise":
        """Of the image with each channel scaled; the map itself is left as it is."""
        sigma = tuple(one * factor for one, factor in zip(self.sigma, factors, strict=True))
        return Noise(sigma, self.local, factors)


@dataclass(frozen=True)
class Texture:
    """How the sky looks: noise of a pixel in the image's unit, and correlation of neighbouring pixels."""

    noise: tuple[float, ...]
    correlation: tuple[float, ...]


def noise_of(image: F32, noise: object = None) -> Noise:
    """Noise as it was given, or as the image shows it.

    Parameters
    ----------
    image : float32 array, shape (channels, rows, columns)
        Linear.
    noise : float, one a channel, a map of the image's shape, Noise, or None
        Standard errors in the image's unit.

    Raises
    ------
    ShapeError
        When the noise fits the image in none of these ways.
    """
    if isinstance(noise, Noise):
        return noise
    if noise is None:
        return Noise(tuple(starlet_noise(plane) for plane in image))
    if isinstance(noise, int | float):
        return Noise((float(noise),) * len(image))
    given: F32 = noise if isinstance(noise, np.ndarray) else plain(noise)
    if given.size == len(image) and given.ndim == 1:
        return Noise(tuple(float(one) for one in given))
    planes = given if given.ndim == 3 else given[np.newaxis]
    if planes.shape != image.shape:
        raise ShapeError(
            f"noise of shape {given.shape} for an image of {image.shape}", "give a map of the same shape"
        )
    return Noise(tuple(_median(middle(plane)) for plane in planes), planes)


def middles(planes: F32) -> F32:
    """`middle` of each channel, ``[channel, row, column]``."""
    return np.stack([middle(plane) for plane in planes])


def starlet_noise(plane: F32) -> float:
    """Noise of one pixel by the finest starlet layers, which neither gradients nor nebulae widen; 0 for none.

    The first layer alone would be too little: stacks are not white.
    """
    fine = [deviation(layer) for layer in layers(middle(plane), FINE)[:-1]]
    return float(np.hypot.reduce(fine)) / STARLET


def middle(plane: F32) -> F32:
    """A window in the middle, no larger than statistics need."""
    rows, columns = plane.shape
    top, left = max(0, (rows - WINDOW) // 2), max(0, (columns - WINDOW) // 2)
    return np.ascontiguousarray(plane[top : top + WINDOW, left : left + WINDOW], np.float32)


def _median(values: F32) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def layers(plane: F32, scales: int) -> list[F32]:
    """Starlet layers from the finest on, and last what is left: their sum is the plane, NaN where it is NaN."""
    found = []
    for scale in range(scales):
        smoothed = np.empty_like(plane)
        kernels.smooth(plane, 1 << scale, smoothed)
        found.append(plane - smoothed)
        plane = smoothed
    return [*found, plane]


def deviation(values: F32) -> float:
    """Standard deviation about 0 of what is noise: clipped at 3 sigma until that changes nothing, from the MAD on."""
    size = np.abs(values[np.isfinite(values)])
    sigma = 1.4826 * float(np.median(size)) if size.size else 0.0
    for _ in range(10):
        inside = size[size < 3 * sigma]
        now = float(np.sqrt(np.mean(inside * inside, dtype=np.float64))) / 0.9866 if inside.size else sigma
        if abs(now - sigma) <= 0.001 * sigma:
            break
        sigma = now
    return sigma


def texture(image: object) -> Texture:
    """Noise of the sky and correlation of pixels side by side (lag 1, mean of both directions).

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        Linear.
    """
    pixels = plain(image)
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    pairs: Sequence[tuple[float, float]] = [_texture(middle(plane)) for plane in planes]
    return Texture(tuple(one for one, _ in pairs), tuple(other for _, other in pairs))


def _texture(plane: F32) -> tuple[float, float]:
    """Of pixels that stand out of no layer."""
    found = layers(plane, FLAT)
    sky = plane - found[-1]
    for layer in found[:-1]:
        sky[~(np.abs(layer) <= 3 * deviation(layer))] = np.nan
    sigma = deviation(sky)
    if not sigma:
        return 0.0, 0.0
    products = [sky[:, 1:] * sky[:, :-1], sky[1:] * sky[:-1]]
    together = [_mean(product) for product in products if product.size]
    return sigma, float(np.mean(together)) / max(_mean(sky * sky), 1e-30) if together else 0.0


def _mean(values: F32) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if known.size else 0.0
