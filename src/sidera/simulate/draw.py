"""Drawing a night: from settings and seed to the truth."""

import math
from datetime import datetime, timedelta

import numpy as np

from sidera.errors import UsageError
from sidera.simulate.night import (
    Blob,
    FrameTruth,
    NightSettings,
    StarTruth,
    TrailTruth,
    Truth,
    band_weights,
    checked,
)
from sidera.simulate.psf import peak_fraction
from sidera.types import F64

STARS, CLOUDS, TRAILS, FRAMES = 1, 2, 3, 4
"""Streams of random numbers: every thing and frame draws from its own, and depends on no other."""
PAUSE = 8.0
"""Seconds between exposures, for download and dithering."""


def truth_of(settings: NightSettings) -> Truth:
    """Draw a night. The same settings give the same truth.

    Raises
    ------
    UsageError
        For settings that make no sense.
    """
    checked(settings)
    clouds, lanes = _nebula(settings)
    width, height = settings.size
    return Truth(
        settings=settings,
        bands=settings.bands,
        stars=_stars(settings),
        clouds=clouds,
        lanes=lanes,
        frames=tuple(_frame(settings, index) for index in range(settings.lights)),
        hot_pixels=round(settings.hot_pixels * width * height),
    )


def background_variance(settings: NightSettings, sky: float) -> float:
    """Variance of a pixel without stars in e⁻², the camera's rounding to whole ADU included."""
    return sky + settings.dark_current * settings.exposure + settings.read_noise**2 + settings.gain**2 / 12


def _stars(settings: NightSettings) -> tuple[StarTruth, ...]:
    rng = np.random.default_rng([settings.seed, STARS])
    width, height = settings.size
    margin = settings.maximum_shift + math.hypot(width, height) / 2 * math.sin(
        math.radians(min(settings.maximum_rotation, 90))
    )
    count = round(settings.stars * (width + 2 * margin) * (height + 2 * margin) / (width * height))
    x = rng.uniform(-margin - 0.5, width + margin - 0.5, count)
    y = rng.uniform(-margin - 0.5, height + margin - 0.5, count)
    flux = _fluxes(settings, rng.uniform(size=count))
    warmth = rng.normal(size=count + settings.saturated) * settings.star_colours
    x, y = (
        np.append(_inside(rng, side, settings.saturated), all_) for side, all_ in ((width, x), (height, y))
    )
    flux = np.append(_saturating(settings, rng), flux)
    bands = (flux[:, None] * np.exp(np.outer(warmth, (0.22, 0.0, -0.28)))) @ band_weights(settings).T
    return tuple(
        StarTruth(x=float(a), y=float(b), flux=tuple(map(float, row)), saturates=star < settings.saturated)
        for star, (a, b, row) in enumerate(zip(x, y, bands, strict=True))
    )


def _fluxes(settings: NightSettings, uniform: F64) -> F64:
    """Fluxes in e⁻ of a truncated power law, N(>F) ~ F^-slope, whose ends have the SNR of the settings."""
    noise = 2.27 * settings.fwhm**2 * background_variance(settings, settings.sky)
    low, high = (
        (s * s + math.sqrt(s**4 + 4 * s * s * noise)) / 2
        for s in (settings.faintest_snr, settings.brightest_snr)
    )
    falloff = (high / low) ** -settings.flux_slope
    drawn: F64 = low * (1 - uniform * (1 - falloff)) ** (-1 / settings.flux_slope)
    return drawn


def _saturating(settings: NightSettings, rng: np.random.Generator) -> F64:
    full = settings.saturation * settings.gain
    return rng.uniform(3, 9, settings.saturated) * full / peak_fraction(settings.psf, settings.fwhm)


def _inside(rng: np.random.Generator, side: int, count: int) -> F64:
    return rng.uniform(0.15 * side, 0.85 * side, count)


def _nebula(settings: NightSettings) -> tuple[tuple[Blob, ...], tuple[Blob, ...]]:
    if not settings.nebula or settings.nebula_peak == 0:
        return (), ()
    rng = np.random.default_rng([settings.seed, CLOUDS])
    peak = settings.nebula_peak
    broad = [_blob(settings, rng, (0.10, 0.20), (0.45, 0.8), (0.25 * peak, 0.5 * peak)) for _ in range(7)]
    fine = [_blob(settings, rng, (0.012, 0.06), (0.2, 0.6), (0.05 * peak, 0.3 * peak)) for _ in range(36)]
    lanes = [_blob(settings, rng, (0.03, 0.12), (0.12, 0.35), (0.15, 0.5)) for _ in range(10)]
    return tuple(broad + fine), tuple(lanes)


def _blob(
    settings: NightSettings,
    rng: np.random.Generator,
    sizes: tuple[float, float],
    flatness: tuple[float, float],
    strengths: tuple[float, float],
) -> Blob:
    """A blob near the middle; ``sizes`` are parts of the frame's shorter side."""
    width, height = settings.size
    side = min(width, height)
    major = max(6.0, side * float(rng.uniform(*sizes)))
    return Blob(
        x=width / 2 + 0.15 * side * float(rng.normal()),
        y=height / 2 + 0.10 * side * float(rng.normal()),
        major=major,
        minor=max(6.0, major * float(rng.uniform(*flatness))),
        angle=float(rng.uniform(0, 180)),
        strength=float(rng.uniform(*strengths)),
    )


def _frame(settings: NightSettings, index: int) -> FrameTruth:
    rng = np.random.default_rng([settings.seed, FRAMES, index])
    matrix = _pointing(settings, index, rng)
    fwhm, transparency, sky = (
        _scattered(rng, centre, scatter)
        for centre, scatter in (
            (settings.fwhm, settings.seeing_scatter),
            (1.0, settings.transparency_scatter),
            (settings.sky, settings.sky_scatter),
        )
    )
    band = index // settings.frames if settings.mono else None
    return FrameTruth(
        file=_name(settings, index),
        band=band,
        matrix=matrix,
        fwhm=max(fwhm, 1.0),
        transparency=transparency,
        sky=sky,
        gradient=_gradient(settings, index),
        date=_date(settings, index),
        trails=_trails(settings, index, max(fwhm, 1.0), sky),
        cosmic_rays=settings.cosmic_rays,
    )


def _scattered(rng: np.random.Generator, centre: float, scatter: float) -> float:
    return centre * math.exp(scatter * float(np.clip(rng.normal(), -2.5, 2.5)))


def _name(settings: NightSettings, index: int) -> str:
    if not settings.mono:
        return f"lights/light_{index + 1:04d}.fits"
    return f"lights/light_{settings.filters[index // settings.frames]}_{index % settings.frames + 1:04d}.fits"


def _pointing(
    settings: NightSettings, index: int, rng: np.random.Generator
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Rotation about the frame's middle, then a shift evenly spread over a disc."""
    width, height = settings.size
    turn = math.radians(
        settings.maximum_rotation * float(rng.uniform(-1, 1)) + 180.0 * (index == settings.flipped)
    )
    reach, heading = (
        settings.maximum_shift * math.sqrt(float(rng.uniform())),
        float(rng.uniform(0, 2 * math.pi)),
    )
    x, y, c, s = (width - 1) / 2, (height - 1) / 2, math.cos(turn), math.sin(turn)
    return (
        (c, -s, x - c * x + s * y + reach * math.cos(heading)),
        (s, c, y - s * x - c * y + reach * math.sin(heading)),
    )


def _gradient(settings: NightSettings, index: int) -> tuple[float, float]:
    start = float(np.random.default_rng([settings.seed, FRAMES]).uniform(0, 2 * math.pi))
    angle = start + math.radians(settings.gradient_turn) * index / max(settings.lights - 1, 1)
    return settings.gradient * math.cos(angle), settings.gradient * math.sin(angle)


def _date(settings: NightSettings, index: int) -> str:
    try:
        start = datetime.fromisoformat(settings.date)
    except ValueError as error:
        raise UsageError(f"{settings.date!r} is not a date", "for example 2026-01-15T20:00:00") from error
    return (start + timedelta(seconds=index * (settings.exposure + PAUSE))).isoformat(timespec="milliseconds")


def _trails(settings: NightSettings, index: int, fwhm: float, sky: float) -> tuple[TrailTruth, ...]:
    crossed, strengths = _schedule(settings)
    noise = math.sqrt(background_variance(settings, sky))
    return tuple(
        _trail(settings, number, strengths[number], noise, fwhm)
        for number, frame in enumerate(crossed)
        if frame == index
    )


def _schedule(settings: NightSettings) -> tuple[list[int], list[float]]:
    """Which frame each trail crosses, and its strength in sigma, spread evenly in log."""
    rng = np.random.default_rng([settings.seed, TRAILS])
    given = settings.trail_frames or tuple(rng.permutation(settings.lights).tolist())
    low, high = np.log(settings.trail_sigma)
    strengths = rng.permutation(np.exp(np.linspace(low, high, settings.trails)))
    return [given[number % len(given)] for number in range(settings.trails)], strengths.tolist()


def _trail(settings: NightSettings, number: int, sigma: float, noise: float, fwhm: float) -> TrailTruth:
    """From one edge to the one opposite, so that it crosses the whole frame."""
    rng = np.random.default_rng([settings.seed, TRAILS, number])
    width, height = settings.size
    a, b = rng.uniform(0, 1, 2).tolist()
    across = bool(rng.integers(2))
    x0, x1 = (-1.0, float(width)) if across else (a * width, b * width)
    y0, y1 = (a * height, b * height) if across else (-1.0, float(height))
    width_of_trail = math.hypot(fwhm / 2.3548, float(rng.uniform(0.2, 0.8)))
    return TrailTruth(x0=x0, y0=y0, x1=x1, y1=y1, peak=sigma * noise, sigma=sigma, width=width_of_trail)
