"""White balance from the stars' own colours, without a catalogue or a network."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from sidera.correction.masks import own, planes_of
from sidera.errors import ShapeError, UsageError
from sidera.model.finishing import WhiteBalanceSettings
from sidera.types import F32, F64

FEWEST = 25
"""Stars below which their colours say more about them than about the camera."""
HOT_CONSTANT = 1.438777e7
"""Second radiation constant h c / k in nm K (CODATA 2018)."""
BANDS = {"R": (610.0, 38.0), "G": (535.0, 38.0), "B": (460.0, 36.0)}
"""Nominal colour filters of a one-shot camera: centre and standard deviation of a Gaussian in nm. Round numbers:
dyes differ by more from maker to maker, and what they differ by is what is being measured."""
SLOPE = 0.6
"""Exponent by which a silicon sensor's efficiency falls from green to red, as (535 nm / wavelength)^SLOPE."""
TEMPERATURES = 1e6 / np.linspace(1e6 / 14000, 1e6 / 2800, 20)
"""Kelvin of the table's stars, evenly spaced in reciprocal temperature, in which colours are nearly straight."""
TYPICAL, WIDTH = 185.0, 45.0
"""Reciprocal temperature of the stars of a picture in 10⁶ / K, and its scatter. An assumption: those that a magnitude
limit picks are mostly F to K, 5400 K in the middle. A black body's locus is nearly straight: it fixes the colours
across itself, and only this fixes them along; 10 in the middle is 3 % in red and 5 % in blue."""
TUKEY = 4.685
LEAST_SCATTER = 0.02
"""Magnitudes (e-folds, nearly) to which no locus is known better than."""
WIDEST = 5.0
"""No colour is scaled by more than this: beyond it is no camera, but a filter."""


@dataclass(frozen=True)
class Balance:
    """Factors on red, green and blue, and where they are from."""

    factors: tuple[float, float, float]
    method: str
    """"stars", "manual", or "none"."""
    stars: int = 0
    """That the factors rest on."""
    scatter: float = float("nan")
    """Of those stars about the locus, in e-folds of colour."""
    reason: str = ""
    """Why the balance was left alone."""


def locus(temperatures: F64 = TEMPERATURES) -> F64:
    """Colours ln(R/G), ln(B/G) of black bodies through nominal filters, shape (temperatures, 2).

    Photons counted: ``N(λ) ∝ λ⁻⁴ / (exp(h c / λ k T) - 1)`` (Planck 1901), times filter and sensor, summed every
    2 nm from 380 to 780 nm. In these units a camera whose filters are the nominal ones sees a body of equal photons at
    all wavelengths as (0, 0).
    """
    wavelength = np.arange(380.0, 781.0, 2.0)
    sensor = (535.0 / wavelength) ** SLOPE
    seen = [sensor * np.exp(-0.5 * ((wavelength - centre) / width) ** 2) for centre, width in BANDS.values()]
    photons = wavelength**-4 / np.expm1(HOT_CONSTANT / (wavelength * np.asarray(temperatures)[:, None]))
    red, green, blue = (photons @ (band / band.sum()) for band in seen)
    return np.column_stack([np.log(red / green), np.log(blue / green)])


def star_balance(fluxes: object, settings: WhiteBalanceSettings | None = None) -> Balance:
    """Factors on red, green and blue found from star colours by stellar-locus regression.

    Parameters
    ----------
    fluxes : float array, shape (stars, 3)
        Light of unsaturated stars in R, G and B, in any one unit; best measured on a filter array's raw sites. Stars
        without a positive flux in all three are passed over.
    settings : WhiteBalanceSettings
        ``white``: temperature in kelvin of the star that becomes white.

    Returns
    -------
    Balance
        With green's factor 1; all factors 1 and the reason where fewer than 25 stars tell.

    Notes
    -----
    The offsets (κ₁, κ₂) between measured and nominal colours minimise Tukey's biweight of the distances to the locus
    (High et al. 2009, AJ 138, 110), plus ``((10⁶/T - 185) / 45)²`` of each star at its nearest point. Interstellar
    dust reddens along the locus and is balanced away with the rest, which is what most pictures want.
    """
    settings = settings or WhiteBalanceSettings()
    colours = _colours(fluxes)
    if len(colours) < FEWEST:
        reason = f"{len(colours)} stars with colours are too few: {FEWEST} are needed"
        return Balance((1.0, 1.0, 1.0), "none", len(colours), reason=reason)
    offset, scatter, used = _fit(colours)
    white = locus(np.array([settings.white]))[0] + offset
    red, blue = np.exp(-white)
    if not (1 / WIDEST <= red <= WIDEST and 1 / WIDEST <= blue <= WIDEST):
        reason = (
            f"the factors would be {red:.3g} on red and {blue:.3g} on blue: no one-shot camera needs such"
        )
        return Balance((1.0, 1.0, 1.0), "none", used, scatter, reason)
    return Balance((float(red), 1.0, float(blue)), "stars", used, scatter)


def _colours(fluxes: object) -> F64:
    """Colours of the stars that have any."""
    light = np.asarray(fluxes, np.float64)
    if light.ndim != 2 or light.shape[1] != 3:
        raise ShapeError(f"star fluxes are (stars, 3); got shape {light.shape}")
    known = light[np.isfinite(light).all(axis=1) & (light > 0).all(axis=1)]
    return np.column_stack([np.log(known[:, 0] / known[:, 1]), np.log(known[:, 2] / known[:, 1])])


def _fit(colours: F64) -> tuple[F64, float, int]:
    """Offsets, scatter about the locus, and number of stars that count."""
    line, reciprocal = _fine_locus()
    near = cKDTree(line)
    middle = np.median(colours, axis=0)
    offset: F64 = middle - line[np.argmin(np.abs(reciprocal - TYPICAL))]
    scatter = 0.1
    for _ in range(6):
        result = minimize(_loss, offset, args=(colours, near, reciprocal, scatter), method="Nelder-Mead")
        offset = result.x
        distance, _ = near.query(colours - offset)
        scatter = max(1.4826 * float(np.median(distance)), LEAST_SCATTER)
    used = int(np.count_nonzero(distance < TUKEY * scatter))
    return offset, scatter, used


def _fine_locus() -> tuple[F64, F64]:
    """The table of 20 drawn out finely: points, and their reciprocal temperatures in 10⁶ / K."""
    table, reciprocal = locus(), 1e6 / TEMPERATURES
    fine = np.linspace(reciprocal[0], reciprocal[-1], 300)
    return np.column_stack([np.interp(fine, reciprocal, table[:, axis]) for axis in (0, 1)]), fine


def _loss(offset: F64, colours: F64, near: cKDTree, reciprocal: F64, scatter: float) -> float:
    """What `star_balance` minimises; ``near`` finds each star's nearest point of the locus."""
    distance, place = near.query(colours - offset)
    warmth = reciprocal[place]
    across = np.minimum(distance / (TUKEY * scatter), 1.0)
    along = np.clip((warmth - TYPICAL) / WIDTH, -2.0, 2.0)
    return float(np.sum(TUKEY**2 / 6 * (1 - (1 - across**2) ** 3)) + 0.5 * np.sum(along**2))


def manual_balance(settings: WhiteBalanceSettings) -> Balance:
    """The factors that were set by hand."""
    return Balance((settings.red, settings.green, settings.blue), "manual")


def scale_light(image: F32, factors: tuple[float, ...], levels: tuple[float, ...]) -> None:
    """Scale each channel's light above its sky in place; the sky stays where it is, NaN too.

    Raises
    ------
    UsageError
        When a factor is not above zero.
    """
    if not all(factor > 0 for factor in factors):
        raise UsageError(f"white balance by {factors} leaves no light", "give factors above 0")
    for plane, factor, level in zip(planes_of(image), factors, levels, strict=True):
        if factor == 1.0 or not np.isfinite(level):
            continue
        plane *= np.float32(factor)
        plane += np.float32(level * (1 - factor))


def white_balance(image: object, balance: Balance, levels: tuple[float, ...]) -> F32:
    """An image [3, row, column] with its light above the sky's ``levels`` balanced."""
    pixels = own(image)
    if pixels.ndim == 3 and len(pixels) == 3:
        scale_light(pixels, balance.factors, levels)
    return pixels
