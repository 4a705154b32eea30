"""The camera: from light to raw ADU, with all that is wrong with real ones."""

from dataclasses import dataclass

import numpy as np

from sidera.simulate.draw import truth_of
from sidera.simulate.night import NightSettings, TrailTruth, Truth, band_weights, colour_map
from sidera.simulate.sky import light_electrons
from sidera.types import F32, U16

SENSOR, LIGHT, DARK, FLAT, BIAS = 10, 11, 12, 13, 14
"""Streams of random numbers, see `sidera.simulate.draw`."""
LAMP_COLOUR = (0.8, 1.0, 0.6)
FLAT_EXPOSURE = 2.0
MANY = 1000.0
"""From this many electrons Poisson's law is drawn as a Gaussian; its skew is 1/sqrt(1000) there."""


@dataclass(frozen=True)
class Sensor:
    """What stays the same in every exposure.

    ``response`` has a mean of 1 for each colour of the mosaic, so that calibrated fluxes are those of
    the truth; ``dark_rate`` is in e⁻ per second, ``pattern`` in ADU about the bias, ``hot`` rows of x, y.
    """

    response: F32
    dark_rate: F32
    pattern: F32
    hot: U16


def sensor_of(settings: NightSettings) -> Sensor:
    """The sensor that a night's settings and seed describe."""
    rng = np.random.default_rng([settings.seed, SENSOR])
    width, height = settings.size
    pattern = settings.bias_pattern * rng.standard_normal((height, width), dtype=np.float32)
    dark = np.full((height, width), settings.dark_current, np.float32)
    where = rng.choice(width * height, round(settings.hot_pixels * width * height), replace=False)
    low, high = np.log(settings.hot_rate)
    dark.ravel()[where] += np.exp(rng.uniform(low, high, where.size)).astype(np.float32)
    hot = np.stack([where % width, where // width], axis=1).astype(np.uint16)
    return Sensor(_response(settings, rng), dark, pattern, hot)


def light(truth: Truth, index: int, sensor: Sensor) -> U16:
    """Raw light frame [row, column] in ADU."""
    rng = np.random.default_rng([truth.settings.seed, LIGHT, index])
    at = truth.frames[index]
    electrons = light_electrons(truth, index)
    for trail in at.trails:
        add_trail(electrons, trail)
    return _exposed(
        electrons * sensor.response, sensor, truth.settings, truth.settings.exposure, at.cosmic_rays, rng
    )


def dark(settings: NightSettings, index: int, sensor: Sensor) -> U16:
    """Raw dark frame of the lights' exposure, cosmic rays included."""
    rng = np.random.default_rng([settings.seed, DARK, index])
    return _exposed(
        np.zeros_like(sensor.response), sensor, settings, settings.exposure, settings.cosmic_rays, rng
    )


def flat(settings: NightSettings, index: int, sensor: Sensor, band: int = 0) -> U16:
    """Raw flat frame; the lamp is reddish and flickers by a few percent. All filters share the dust."""
    rng = np.random.default_rng([settings.seed, FLAT, band, index])
    level = settings.flat_level * settings.gain * float(rng.uniform(0.97, 1.03))
    if settings.mono:
        lamp = np.float32(level)
    else:
        lamp = (
            level * (band_weights(settings) @ np.array(LAMP_COLOUR)).astype(np.float32)[colour_map(settings)]
        )
    return _exposed(lamp * sensor.response, sensor, settings, FLAT_EXPOSURE, 0, rng)


def bias(settings: NightSettings, index: int, sensor: Sensor) -> U16:
    """Raw bias frame."""
    rng = np.random.default_rng([settings.seed, BIAS, index])
    return _read_out(np.zeros_like(sensor.response), sensor, settings, rng)


def add_trail(electrons: F32, trail: TrailTruth) -> None:
    """Draw a satellite's trail into an image, in place."""
    rows, columns = electrons.shape
    dx, dy = trail.x1 - trail.x0, trail.y1 - trail.y0
    length = float(np.hypot(dx, dy))
    x, y = np.arange(columns, dtype=np.float32)[None, :], np.arange(rows, dtype=np.float32)[:, None]
    off = (
        (x - np.float32(trail.x0)) * np.float32(dy) - (y - np.float32(trail.y0)) * np.float32(dx)
    ) / np.float32(length * trail.width)
    near = np.abs(off) < 6
    electrons[near] += np.float32(trail.peak) * np.exp(np.float32(-0.5) * off[near] ** 2)


def add_cosmic_rays(electrons: F32, count: int, rng: np.random.Generator) -> None:
    """Draw hits of 300 to 30,000 e⁻ along short straight tracks into an image, in place."""
    rows, columns = electrons.shape
    lengths = np.minimum(rng.geometric(0.45, count), 12)
    angles, energies = (
        rng.uniform(0, 2 * np.pi, count),
        np.exp(rng.uniform(np.log(300), np.log(30_000), count)),
    )
    x, y = rng.uniform(0, columns - 1, count), rng.uniform(0, rows - 1, count)
    hit = np.repeat(np.arange(count), lengths)
    step = np.arange(hit.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    column = np.rint(x[hit] + step * np.cos(angles[hit])).astype(np.int64)
    row = np.rint(y[hit] + step * np.sin(angles[hit])).astype(np.int64)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    np.add.at(electrons, (row[inside], column[inside]), (energies / lengths)[hit][inside].astype(np.float32))


def simulated_light(settings: NightSettings, index: int = 0) -> U16:
    """One raw light of a night, for examples and quick looks."""
    return light(truth_of(settings), index, sensor_of(settings))


def _exposed(
    electrons: F32,
    sensor: Sensor,
    settings: NightSettings,
    seconds: float,
    cosmic_rays: int,
    rng: np.random.Generator,
) -> U16:
    counted = _counted(electrons + sensor.dark_rate * np.float32(seconds), rng)
    add_cosmic_rays(counted, cosmic_rays, rng)
    return _read_out(counted, sensor, settings, rng)


def _counted(expected: F32, rng: np.random.Generator) -> F32:
    """Electrons as they were counted: Poisson's law."""
    many = expected > MANY
    counted = rng.poisson(np.where(many, np.float32(0), expected)).astype(np.float32)
    high = expected[many]
    counted[many] = high + np.sqrt(high) * rng.standard_normal(high.size, dtype=np.float32)
    return counted


def _read_out(electrons: F32, sensor: Sensor, settings: NightSettings, rng: np.random.Generator) -> U16:
    noise = np.float32(settings.read_noise) * rng.standard_normal(electrons.shape, dtype=np.float32)
    adu = (electrons + noise) / np.float32(settings.gain) + np.float32(settings.bias) + sensor.pattern
    return np.clip(np.rint(adu), 0, settings.saturation).astype(np.uint16)


def _response(settings: NightSettings, rng: np.random.Generator) -> F32:
    width, height = settings.size
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    corner = np.float32(((width - 1) ** 2 + (height - 1) ** 2) / 4 + 1e-9)
    radius = ((x - (width - 1) / 2) ** 2 + (y - (height - 1) / 2) ** 2) / corner
    response = 1 - np.float32(settings.vignetting) * radius
    for _ in range(settings.motes):
        response *= 1 - _mote(x * np.float32(1), y, settings, rng)
    response *= 1 + np.float32(settings.pixel_response) * rng.standard_normal(
        (height, width), dtype=np.float32
    )
    return _levelled(np.maximum(response, np.float32(0.01)), settings)


def _mote(x: F32, y: F32, settings: NightSettings, rng: np.random.Generator) -> F32:
    """Shadow of a speck out of focus: a soft ring, since the telescope's pupil has a hole."""
    width, height = settings.size
    size = max(4.0, min(width, height) * float(rng.uniform(0.012, 0.04)))
    depth = float(rng.uniform(0.02, 0.07))
    radius = np.hypot(
        x - np.float32(rng.uniform(0, width)), y - np.float32(rng.uniform(0, height))
    ) / np.float32(size)
    outer, hole = (1 / (1 + np.exp(np.minimum((radius - edge) * 12, 60))) for edge in (1.0, 0.35))
    shadow: F32 = (depth * (outer - 0.8 * hole)).astype(np.float32)
    return shadow


def _levelled(response: F32, settings: NightSettings) -> F32:
    """Mean 1 for each colour of the mosaic, as master flats are normalised."""
    colours = np.zeros(response.shape, np.uint8) if settings.mono else colour_map(settings)
    means = np.bincount(colours.ravel(), response.ravel()) / np.bincount(colours.ravel())
    level: F32 = response / means.astype(np.float32)[colours]
    return level
