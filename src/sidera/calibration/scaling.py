"""How much of a master dark a light holds, measured by the hot pixels that they share."""

import math

import msgspec
import numpy as np

from sidera.calibration.defects import pixel_noise
from sidera.errors import ShapeError
from sidera.model.header import Bayer
from sidera.types import F32, F64, Bool, plain


class DarkScale(msgspec.Struct, frozen=True):
    """How much dark current of a master dark a light holds."""

    value: float
    error: float
    """Formal standard error."""
    pixels: int
    trusted: bool
    reason: str = ""
    """Why it is not trusted."""


def dark_scale_from_light(
    light: object,
    dark: object,
    pattern: Bayer | None = None,
    *,
    dark_variance: float = 0.0,
    read_noise: float | None = None,
    expected: float | None = None,
    saturation: float | None = None,
) -> DarkScale:
    """Measure the factor on a master dark from the hot pixels that it shares with a light.

    Parameters
    ----------
    light, dark : array, shape (rows, columns)
        ADU, the bias taken off both.
    dark_variance : float
        Variance of a pixel of the master dark, ADU².
    read_noise : float, optional
        Of the light, ADU; measured in it by default.
    expected : float, optional
        Ratio of exposures; a factor 0.25 or more away from it is not trusted.
    saturation : float, optional
        Level in ADU (without bias) from which pixels of light or dark are left out.

    Notes
    -----
    Least squares on ``l = k·d`` for the linear same-colour Laplacian (centre 1, eight neighbours -1/8) over
    the pixels where the dark's stands out by 4σ, with the model variance max(D, 0) + median(L) + RN² as
    inverse weight, 3σ clipping, and d² less its noise 1.125·Var(D) (errors in variables). Not trusted where
    amplifier glow asks for another factor than the rest by more than 3 %: it does not grow with the same law.
    """
    lights, darks = plain(light), plain(dark)
    if lights.ndim != 2 or lights.shape != darks.shape:
        raise ShapeError(
            f"light {lights.shape} and dark {darks.shape} are one (rows, columns) each, of one size"
        )
    step = 1 if pattern is None else 2
    if min(lights.shape) <= 2 * step:
        raise ShapeError(
            f"a frame of {lights.shape} has no pixel with all its neighbours", "Give a larger one"
        )
    l, d = _laplacian(lights, step), _laplacian(darks, step)  # noqa: E741 (the symbol of the formula)
    core = darks[step:-step, step:-step]
    chosen = _telling(l, d, core, lights[step:-step, step:-step], saturation)
    if np.count_nonzero(chosen) < 50:
        return DarkScale(
            math.nan, math.nan, int(chosen.sum()), False, "fewer than 50 hot pixels to measure by"
        )
    sigma = float(np.nanmean(pixel_noise(lights, pattern))) if read_noise is None else read_noise
    variance = np.maximum(core, 0) + max(float(np.nanmedian(lights)), 0.0) + sigma**2
    noise = 1.125 * dark_variance
    value, error, pixels = _regress(l[chosen], d[chosen], variance[chosen], noise)
    glow = _glow(core)
    reason = "" if expected is None or abs(value - expected) < 0.25 else f"{expected:g} was expected"
    if min(np.count_nonzero(chosen & glow), np.count_nonzero(chosen & ~glow)) >= 50:
        parts = [
            _regress(l[part], d[part], variance[part], noise) for part in (chosen & glow, chosen & ~glow)
        ]
        apart = abs(parts[0][0] - parts[1][0])
        if apart > max(0.03 * abs(value), 3 * math.hypot(parts[0][1], parts[1][1])):
            reason = f"amplifier glow asks for {parts[0][0]:.3g}, the rest for {parts[1][0]:.3g}"
    return DarkScale(value, error, pixels, not reason, reason)


def _laplacian(image: F32, step: int) -> F64:
    rows, columns = image.shape[0] - 2 * step, image.shape[1] - 2 * step
    wide = image.astype(np.float64)
    total = sum(
        wide[r * step : r * step + rows, c * step : c * step + columns]
        for r, c in np.ndindex(3, 3)
        if (r, c) != (1, 1)
    )
    return np.asarray(wide[step:-step, step:-step] - total / 8)


def _telling(l: F64, d: F64, dark: F32, light: F32, saturation: float | None) -> Bool:  # noqa: E741
    """Pixels whose dark current stands out, without the very brightest and the saturated."""
    finite = np.isfinite(l) & np.isfinite(d)
    if not finite.any():
        return finite
    seen = d[finite]
    spread = 1.4826 * float(np.median(np.abs(seen - np.median(seen))))
    chosen = finite & (d > 4 * spread) & (d < np.quantile(seen, 0.9999))
    if saturation is None:
        return chosen
    return chosen & (dark < saturation) & (light < saturation)


def _regress(l: F64, d: F64, variance: F64, noise: float) -> tuple[float, float, int]:  # noqa: E741
    """Factor, its formal error and the number of pixels kept."""
    kept = np.ones(l.size, np.bool_)
    value, error = math.nan, math.nan
    for _ in range(12):
        weight = kept / variance
        power = float((weight * (d * d - noise)).sum())
        if power <= 0:
            return math.nan, math.nan, 0
        value, error = float((weight * d * l).sum()) / power, 1 / math.sqrt(power)
        off = np.abs(l - value * d) / np.sqrt(variance)
        scale = max(1.4826 * float(np.median(off)), 1e-12)
        inside = off <= 3 * scale
        if np.array_equal(inside, kept):
            break
        kept = inside
    return value, error * scale, int(kept.sum())


def _glow(dark: F32, block: int = 32) -> Bool:
    """Where the dark's smooth level lies over that of most of the frame by 5σ."""
    rows, columns = -(-dark.shape[0] // block), -(-dark.shape[1] // block)
    cells = np.full((rows, columns), np.nan)
    for row, column in np.ndindex(rows, columns):
        cell = dark[row * block : (row + 1) * block, column * block : (column + 1) * block]
        cells[row, column] = np.median(cell[np.isfinite(cell)]) if np.isfinite(cell).any() else np.nan
    middle = np.nanmedian(cells)
    high = cells > middle + 5 * 1.4826 * np.nanmedian(np.abs(cells - middle))
    return np.asarray(np.kron(high, np.ones((block, block)))[: dark.shape[0], : dark.shape[1]] > 0)
