"""Simulated linear skies whose truth is known: gradient, nebula, stars, noise."""

from dataclasses import dataclass

import numpy as np

SIGMA = 10.0
LEVEL = 1000.0


@dataclass(frozen=True)
class Sky:
    """An image and what it is made of."""

    image: np.ndarray
    ground: np.ndarray
    nebula: np.ndarray


def sky(shape=(360, 480), rise=0.3, curved=False, nebula=0.0, peak=60.0, stars=120, seed=3):
    """``rise``: gradient from end to end as part of the level; ``nebula``: share of the field that one covers."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    slope = 0.5 * u + 0.3 * v + 0.4 * u * u - 0.3 * u * v + 0.2 * v * v if curved else 0.8 * u + 0.6 * v
    slope = (slope - slope.mean()) / max(np.ptp(slope), 1e-9)
    ground = LEVEL * (1 + rise * slope)
    cloud = np.zeros(shape)
    if nebula:
        distance = ((u - 0.1) ** 2 + (v + 0.05) ** 2) * np.pi / 4 / nebula
        cloud = peak * np.clip(1 - distance, 0, None) * (1 + 0.4 * np.sin(9 * u) * np.cos(7 * v))
    image = ground + cloud + rng.normal(0, SIGMA, shape) + starlight(shape, stars, rng)
    return Sky(image.astype(np.float32), ground, cloud)


def starlight(shape, count, rng):
    """Moffat stars of 10 to 1000 sigma in all."""
    light = np.zeros((shape[0] + 20, shape[1] + 20))
    rows, columns = np.mgrid[:20, :20]
    for flux in 10 ** rng.uniform(2, 4, count):
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        profile = (1 + ((rows - 10 - y % 1) ** 2 + (columns - 10 - x % 1) ** 2) / 4) ** -3
        light[int(y) : int(y) + 20, int(x) : int(x) + 20] += flux * profile / profile.sum()
    return light[10:-10, 10:-10]


def at_mesh_scale(plane, cells=12):
    """Means of cells."""
    rows, columns = (size // cells for size in plane.shape)
    cut = plane[: rows * cells, : columns * cells]
    return cut.reshape(cells, rows, cells, columns).mean(axis=(1, 3))
