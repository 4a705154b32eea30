"""How a star spreads over pixels."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from sidera.types import F64

BETA = 3.0
"""Moffat's exponent: measured seeing gives 2.5 to 4.765 (Trujillo et al. 2001)."""
MOFFAT_REACH = 10.0
"""Stamp half-width in units of alpha: (1 + 10²)^-2 = 1e-4 of the light lies farther out."""
GAUSSIAN_REACH = 5.5


def alpha(fwhm: float) -> float:
    """Moffat's scale: FWHM = 2 alpha sqrt(2^(1/beta) - 1)."""
    return fwhm / (2 * math.sqrt(2 ** (1 / BETA) - 1))


def half_width(psf: str, fwhm: float) -> int:
    """Pixels from a stamp's middle to its edge."""
    reach = MOFFAT_REACH * alpha(fwhm) if psf == "moffat" else GAUSSIAN_REACH * fwhm / 2.3548
    return math.ceil(reach) + 1


def stamp(psf: str, fwhm: float, x: float, y: float) -> F64:
    """A star of unit flux, integrated over pixels; (x, y) is its offset from the middle pixel's centre.

    The sum is exactly 1: the 1e-4 beyond the stamp is shared out in proportion.
    """
    half = half_width(psf, fwhm)
    pixels = np.arange(-half, half + 1, dtype=np.float64)
    spread = _moffat if psf == "moffat" else _gaussian
    light = spread(fwhm, pixels - x, pixels - y)
    unit: F64 = light / light.sum()
    return unit


def peak_fraction(psf: str, fwhm: float) -> float:
    """Share of a star's light that falls on the pixel it is centred on."""
    return float(stamp(psf, fwhm, 0.0, 0.0).max())


def mixture(psf: str, fwhms: Sequence[float], weights: Sequence[float], x: float, y: float) -> F64:
    """Weighted mean of stamps of several FWHM, as a stack of frames has it; weights sum to 1."""
    half = half_width(psf, max(fwhms))
    total = np.zeros((2 * half + 1, 2 * half + 1))
    for fwhm, weight in zip(fwhms, weights, strict=True):
        inner = half - half_width(psf, fwhm)
        total[inner : total.shape[0] - inner, inner : total.shape[1] - inner] += weight * stamp(
            psf, fwhm, x, y
        )
    return total


def placed(
    psf: str, fwhms: Sequence[float], weights: Sequence[float], x: F64, y: F64, shape: tuple[int, int]
) -> Iterator[tuple[int, tuple[slice, slice], F64]]:
    """Yield (star, area of the image, unit stamp cut to it) for the stars whose light reaches the image."""
    rows, columns = shape
    half = half_width(psf, max(fwhms))
    for star in range(len(x)):
        left, top = round(float(x[star])) - half, round(float(y[star])) - half
        area = (
            slice(max(top, 0), min(top + 2 * half + 1, rows)),
            slice(max(left, 0), min(left + 2 * half + 1, columns)),
        )
        if area[0].start >= area[0].stop or area[1].start >= area[1].stop:
            continue
        light = mixture(psf, fwhms, weights, float(x[star]) - left - half, float(y[star]) - top - half)
        yield (
            star,
            area,
            light[area[0].start - top : area[0].stop - top, area[1].start - left : area[1].stop - left],
        )


def _moffat(fwhm: float, dx: F64, dy: F64) -> F64:
    # Gauss-Legendre nodes inside each pixel: 3 x 3 leave 2e-5 of the peak at FWHM 2.5, 5 x 5 at 1.2 px.
    nodes, weights = np.polynomial.legendre.leggauss(3 if fwhm >= 2 else 5)
    scale = alpha(fwhm)
    u = ((dx[:, None] + nodes / 2) / scale) ** 2
    v = ((dy[:, None] + nodes / 2) / scale) ** 2
    light = np.zeros((dy.size, dx.size))
    for i, j in np.ndindex(nodes.size, nodes.size):
        base = 1.0 + v[:, i, None] + u[None, :, j]
        light += weights[i] * weights[j] / 4 / (base * base * base)
    return light


def _gaussian(fwhm: float, dx: F64, dy: F64) -> F64:
    return np.outer(_gaussian_share(fwhm, dy), _gaussian_share(fwhm, dx))


def _gaussian_share(fwhm: float, offsets: F64) -> F64:
    scale = math.sqrt(2) * fwhm / 2.354820045
    edges = np.append(offsets - 0.5, offsets[-1] + 0.5) / scale
    return np.diff(np.array([math.erf(edge) for edge in edges])) / 2
