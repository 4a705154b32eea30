"""Star lists whose true map is known."""

import math
from dataclasses import dataclass

import numpy as np

from sidera.model.stars import Stars

SHAPE = (580, 752)


def star_list(x, y, flux, sigma=0.05):
    """Stars, brightest first, of which only place and flux matter."""
    order = np.argsort(-np.asarray(flux), kind="stable")
    x, y, flux = (np.asarray(values, np.float64)[order] for values in (x, y, flux))
    unknown = np.full(x.size, np.nan)
    sigmas, whole = np.full(x.size, sigma), np.zeros(x.size, np.bool_)
    return Stars(x, y, flux, flux / 10, flux / 5, unknown, unknown, unknown, unknown, sigmas, whole)


def noise_list(seed, count, shape=SHAPE):
    """As many stars anywhere."""
    rng = np.random.default_rng(seed)
    return star_list(
        rng.uniform(0, shape[1], count), rng.uniform(0, shape[0], count), rng.pareto(1.2, count) + 1
    )


@dataclass(frozen=True)
class Truth:
    """Turn and scale about the field's centre, mirroring before, shift after; ``bend`` in px at a corner."""

    degrees: float = 0.0
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0
    mirrored: bool = False
    bend: float = 0.0
    shape: tuple[int, int] = SHAPE

    def apply(self, x, y):
        rows, columns = self.shape
        centre, reach = complex(columns - 1, rows - 1) / 2, math.hypot(rows, columns) / 2
        from_centre = x + 1j * y - centre
        from_centre = from_centre * (1 + self.bend / reach * np.abs(from_centre / reach) ** 2)
        from_centre = from_centre.conj() if self.mirrored else from_centre
        turn = self.scale * np.exp(1j * math.radians(self.degrees))
        there = turn * from_centre + centre + complex(self.x, self.y)
        return there.real, there.imag


def two_frames(truth, seed=0, count=120, noise=0.05, missing=0.15, spurious=0.2, colour=0.1):
    """Lists of a reference and a frame of the same sky.

    ``count`` stars lie on the reference; of each list a share is missing and a share is no star at all;
    ``noise`` is that of centroids in pixels, ``colour`` that of fluxes in e-folds.
    """
    rng = np.random.default_rng(seed)
    (rows, columns), margin = truth.shape, max(truth.shape)
    total = int(count * (rows + 2 * margin) * (columns + 2 * margin) / (rows * columns))
    x = rng.uniform(-margin, columns + margin, total)
    y = rng.uniform(-margin, rows + margin, total)
    flux = rng.pareto(1.2, total) + 1

    def seen(x, y):
        kept = (x > 0) & (x < columns) & (y > 0) & (y < rows) & (rng.random(total) >= missing)
        n = int(kept.sum())
        false = int(spurious * n)
        x = np.append(x[kept] + rng.normal(0, noise, n), rng.uniform(0, columns, false))
        y = np.append(y[kept] + rng.normal(0, noise, n), rng.uniform(0, rows, false))
        bright = flux[kept] * np.exp(rng.normal(0, colour, n))
        return star_list(x, y, np.append(bright, rng.choice(bright, false)), max(noise, 0.01))

    return seen(x, y), seen(*truth.apply(x, y))


def error(transform, truth):
    """Rms and greatest miss in pixels over the part of the reference that the frame shows."""
    rows, columns = truth.shape
    x, y = np.meshgrid(np.linspace(0, columns - 1, 30), np.linspace(0, rows - 1, 20))
    true_x, true_y = truth.apply(x, y)
    on_frame = (true_x > 0) & (true_x < columns) & (true_y > 0) & (true_y < rows)
    got_x, got_y = transform.apply(x, y)
    miss = np.hypot(got_x - true_x, got_y - true_y)[on_frame]
    return math.sqrt((miss**2).mean()), miss.max()
