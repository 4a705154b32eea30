"""Smooth surfaces through the sky's cells: polynomial, thin-plate spline, mesh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import ndimage
from scipy.interpolate import RBFInterpolator

from sidera.kernels import sky as kernels
from sidera.types import F32, F64, I64, Bool

LATTICE = 128
"""Nodes along the longer side at which a model is computed; between them it is interpolated bicubically."""
CELLS = 24
"""Cells along the longer side that the sky is sampled by."""
MESH = 16
"""Cells a side of the mesh."""
SKY_SHARE = 0.3
"""A cell counts where this share of it is sky."""
FOLDS = 4
"""Cells are left out by blocks of the field, 4 × 4 of them: a model must bridge what it has not seen."""
AGREEING = 0.25
"""Share of the cells that are taken for sky at the start; a nebula may cover the rest."""
BELOW = 3.0
TRIALS, KEPT = 500, 10
"""Random fits tried, and how many of them are followed."""
DROP_HIGH, DROP_LOW = 2.5, 4.0
"""Cells so many sigma above or below a fit are dropped: above, there may be faint nebula."""


class Model(Protocol):
    """A smooth surface; coordinates run from -1 to 1 over the image, from edge to edge."""

    def at(self, u: F64, v: F64) -> F64:
        """Level at places (u across, v down), also a little outside."""
        ...


@dataclass(frozen=True)
class Glow:
    """Light that falls off exponentially from a corner of the frame, as an amplifier's does."""

    u: float
    v: float
    """The corner: each -1 or 1."""
    length: float
    """In which it falls to 1/e, where half of the frame is 1."""

    def at(self, u: F64, v: F64) -> F64:
        """1 in the corner."""
        light: F64 = np.exp(-np.hypot(u - self.u, v - self.v) / self.length)
        return light


@dataclass(frozen=True)
class Polynomial:
    """Sum of Legendre products of a total degree; the last coefficient is the glow's, where there is one."""

    degree: int
    coefficients: F64
    glow: Glow | None = None

    def at(self, u: F64, v: F64) -> F64:
        """Level at places."""
        level: F64 = terms(u.ravel(), v.ravel(), self.degree, self.glow) @ self.coefficients
        return level.reshape(u.shape)


@dataclass(frozen=True)
class Spline:
    """A polynomial, and over it a smoothing thin-plate spline (Duchon 1977), which is a plane far from all cells."""

    base: Polynomial
    surface: RBFInterpolator

    def at(self, u: F64, v: F64) -> F64:
        """Level at places."""
        over: F64 = self.surface(np.column_stack([u.ravel(), v.ravel()]))
        return self.base.at(u, v) + over.reshape(u.shape)


@dataclass(frozen=True)
class Mesh:
    """A polynomial, and bicubic through cells what is left above it."""

    base: Polynomial
    nodes: F32
    """Padded by two nodes on every side."""

    def at(self, u: F64, v: F64) -> F64:
        """Level at places; held at the border beyond it."""
        place = [np.clip((w.ravel() + 1) / 2, 0.0, 1 - 1e-9) for w in (u, v)]
        out = np.empty(u.size, np.float64)
        size = 1 << 20  # the kernel asks for pixels: so many make a place as fine as need be
        kernels.surface_at(self.nodes, size, size, place[0] * size - 0.5, place[1] * size - 0.5, out)
        return self.base.at(u, v) + out.reshape(u.shape)


@dataclass(frozen=True)
class Cells:
    """The sky's level in cells.

    Attributes
    ----------
    u, v : float64 array, shape (cells,)
        Centres, -1 to 1.
    level, error : float64 array, shape (channels, cells)
        Clipped mode of a cell's sky, and its standard error.
    share : float64 array, shape (cells,)
        Share of the cell that is sky.
    """

    u: F64
    v: F64
    level: F64
    error: F64
    share: F64

    def __len__(self) -> int:
        return self.u.size


def terms(u: F64, v: F64, degree: int, glow: Glow | None = None) -> F64:
    """Legendre products ``P_i(u) P_j(v)``, i + j up to ``degree``, and the glow; shape (places, terms)."""
    across = np.polynomial.legendre.legvander(u, degree)
    down = np.polynomial.legendre.legvander(v, degree)
    columns = [across[:, i] * down[:, n - i] for n in range(degree + 1) for i in range(n + 1)]
    return np.stack(columns if glow is None else [*columns, glow.at(u, v)], axis=1)


def count_terms(degree: int) -> int:
    """Terms of a polynomial in two coordinates."""
    return (degree + 1) * (degree + 2) // 2


def lattice(model: Model, shape: tuple[int, int]) -> F32:
    """The model at the centres of a lattice over the image, two nodes more on every side; see `widened`."""
    longest = max(shape)
    down, across = (min(size, max(4, round(LATTICE * size / longest))) for size in shape)
    if isinstance(model, Mesh):  # its own nodes: bicubic through bicubic would soften it
        down, across = model.nodes.shape[0] - 4, model.nodes.shape[1] - 4
    u, v = np.meshgrid(_nodes(across), _nodes(down))
    base = model.base if isinstance(model, Mesh) else model
    level = base.at(u, v)
    if isinstance(model, Mesh):
        level = level + model.nodes
    return np.ascontiguousarray(level, np.float32)


def _nodes(count: int) -> F64:
    """Centres of equal cells from -1 to 1, and two more on either side."""
    centres: F64 = (np.arange(-2, count + 2) + 0.5) * 2 / count - 1
    return centres


def widened(nodes: F32, columns: int) -> F32:
    """A lattice interpolated to full width."""
    wide = np.empty((nodes.shape[0], columns), np.float32)
    kernels.widen(nodes, wide)
    return wide


def surface(nodes: F32, shape: tuple[int, int]) -> F32:
    """Level at each pixel of an image of this shape."""
    out = np.empty(shape, np.float32)
    kernels.surface(widened(nodes, shape[1]), out)
    return out


def above(planes: F32, grounds: Sequence[F32], mask: Bool | None = None) -> F32:
    """Planes ``[channel, row, column]`` less their grounds; NaN where masked."""
    out = np.empty_like(planes)
    for plane, ground, difference in zip(planes, grounds, out, strict=True):
        np.subtract(plane, ground, difference)
        if mask is not None:
            difference[mask] = np.nan
    return out


def measure_cells(sky: F32, grid: tuple[int, int]) -> tuple[F64, F64, F64]:
    """Level, its error, and share of sky, of each cell of a grid.

    Parameters
    ----------
    sky : float32 array, shape (channels, rows, columns)
        Less what it is about at each pixel: so a cell whose one half is hidden is not tilted towards the other. NaN
        where something else stands before it.

    Returns
    -------
    level, error : float64 array, shape (channels, cell rows, cell columns)
    share : float64 array, shape (cell rows, cell columns)
    """
    found = np.empty((3, len(sky), *grid), np.float32)
    for channel, plane in enumerate(sky):
        level, spread, share = found[:, channel]
        kernels.cell_levels(plane, 0, 0, 1, 1, level, spread, share)
    least: F64 = found[2].min(axis=0).astype(np.float64)
    pixels = sky[0].size / (grid[0] * grid[1])
    error = found[1] / np.sqrt(np.maximum(found[2] * pixels, 1.0))
    return found[0].astype(np.float64), error.astype(np.float64), least


def cells_of(sky: F32, models: Sequence[Model]) -> Cells:
    """The cells that hold enough of the sky, which is given less these models (see `above`)."""
    rows, columns = sky.shape[1:]
    longest = max(rows, columns)
    grid = tuple(min(size, max(1, round(CELLS * size / longest))) for size in (rows, columns))
    level, error, share = measure_cells(sky, (grid[0], grid[1]))
    u, v = np.meshgrid(_nodes(grid[1])[2:-2], _nodes(grid[0])[2:-2])
    known = (share >= SKY_SHARE) & np.isfinite(level).all(axis=0)
    u, v = u[known], v[known]
    ground = np.array([model.at(u, v) for model in models])
    return Cells(u, v, level[:, known] + ground, error[:, known], share[known])


def fit_polynomial(cells: Cells, channel: int, degree: int, glow: Glow | None = None) -> Polynomial:
    """Least squares on the cells, those that stand out dropped."""
    level: F64 = cells.level[channel]
    share: F64 = np.sqrt(cells.share)
    design = terms(cells.u, cells.v, degree, glow)
    kept = np.ones(len(cells), np.bool_)
    coefficients = _solved(design, level, share)
    for _ in range(8):
        fresh = _agreeing(level - design @ coefficients, cells.error[channel], kept, design.shape[1])
        if (fresh == kept).all():
            break
        kept = fresh
        coefficients = _solved(design[kept], level[kept], share[kept])
    return Polynomial(degree, coefficients, glow)


def _solved(design: F64, level: F64, weight: F64) -> F64:
    solution: F64 = np.asarray(
        np.linalg.lstsq(design * weight[:, None], level * weight, rcond=None)[0], np.float64
    )
    return solution


def _agreeing(residual: F64, error: F64, kept: np.ndarray, least: int) -> np.ndarray:
    """Cells near a fit; all those kept so far where too few would be left to carry one."""
    spread = max(1.4826 * float(np.median(np.abs(residual[kept]))), float(np.median(error)))
    fresh: np.ndarray = (residual < DROP_HIGH * spread) & (residual > -DROP_LOW * spread)
    return fresh if np.count_nonzero(fresh) >= 2 * least else kept


def darkest(cells: Cells, degree: int) -> list[Polynomial]:
    """Polynomials, one a channel, through the dark cells that agree best: no more than a start.

    With nothing masked yet, a nebula over half of the field would lift and bend a mean. So random cells, as few as
    carry a polynomial, are tried many times, and the one is kept that comes nearest to `AGREEING` of all cells,
    those below it counted as `BELOW` times as far: light only adds. (Least quantile of squares, Rousseeuw 1984;
    then his concentration steps.)
    """
    unit = np.maximum(np.median(cells.error, axis=1), 1e-30)
    brightness = (cells.level / unit[:, None]).mean(axis=0)
    design = terms(cells.u, cells.v, degree)
    rank = max(design.shape[1], int(AGREEING * len(cells)))
    rng = np.random.default_rng(degree)
    draws = np.argsort(rng.random((TRIALS, len(cells))), axis=1)[:, : design.shape[1]]
    best, least = np.arange(len(cells)), np.inf
    for start in _promising(design, brightness, draws, rank):
        kept = start
        for _ in range(10):
            far = _distance(
                brightness - design @ _solved(design[kept], brightness[kept], cells.share[kept] ** 0.5)
            )
            fresh = np.argsort(far, kind="stable")[:rank]
            if set(fresh) == set(kept):
                break
            kept = fresh
        reach = float(far[kept].max())
        if reach < least:
            best, least = kept, reach
    weight = np.sqrt(cells.share[best])
    return [Polynomial(degree, _solved(design[best], level[best], weight)) for level in cells.level]


def _distance(residual: F64) -> F64:
    """How far cells lie from a surface; what is below it, farther."""
    return np.where(residual < 0, -BELOW * residual, residual)


def _promising(design: F64, level: F64, draws: I64, rank: int) -> list[I64]:
    """The nearest cells of the few best of many exact fits."""
    ridge = 1e-9 * np.eye(design.shape[1])
    chosen = design[draws]
    coefficients = np.linalg.solve(
        chosen.transpose(0, 2, 1) @ chosen + ridge, np.einsum("tij,ti->tj", chosen, level[draws])[..., None]
    )[..., 0]
    far = _distance(level[None, :] - coefficients @ design.T)
    reach = np.partition(far, rank - 1, axis=1)[:, rank - 1]
    nearest: list[I64] = [np.argsort(far[trial], kind="stable")[:rank] for trial in np.argsort(reach)[:KEPT]]
    return nearest


def losses(cells: Cells, degree: int) -> F64:
    """How well each sixteenth of the field is foretold from the rest by a polynomial.

    Returns
    -------
    float64 array, shape (16,)
        Median squared error in units of the cells' own, mean of the channels: about 0.5 is as good as can be. NaN
        where a part of the field holds no sky.
    """
    fold = _fold(cells.v) * FOLDS + _fold(cells.u)
    found = np.full(FOLDS * FOLDS, np.nan)
    for part in range(found.size):
        left = fold == part
        if np.count_nonzero(left) >= 2:
            found[part] = _loss(cells, left, degree)
    return found


def simplest(candidates: Sequence[F64]) -> int:
    """Index of the first of rising degrees that foretells the sky about as well as the best.

    Within one standard error (Breiman et al. 1984, section 3.4.3): a model that bends more than the sky asks for
    would bend into the nebula that it must bridge.
    """
    typical = np.array([np.nanmedian(one) if np.isfinite(one).any() else np.inf for one in candidates])
    best = int(np.argmin(typical))
    known = candidates[best][np.isfinite(candidates[best])]
    spread = float(np.std(known) / np.sqrt(known.size)) if known.size else 0.0
    return int(np.flatnonzero(typical <= typical[best] + spread)[0])


def _fold(w: F64) -> I64:
    part: I64 = np.clip((w + 1) / 2 * FOLDS, 0, FOLDS - 1).astype(np.int64)
    return part


def _loss(cells: Cells, left: np.ndarray, degree: int) -> float:
    rest = Cells(
        cells.u[~left], cells.v[~left], cells.level[:, ~left], cells.error[:, ~left], cells.share[~left]
    )
    if len(rest) < count_terms(degree):
        return float("nan")
    total = 0.0
    for channel in range(len(cells.level)):
        foretold = fit_polynomial(rest, channel, degree).at(cells.u[left], cells.v[left])
        unit = max(float(np.median(cells.error[channel])), 1e-30)
        total += float(np.median(((cells.level[channel, left] - foretold) / unit) ** 2))
    return total / len(cells.level)


def fit_spline(cells: Cells, channel: int, smoothing: float, base: Polynomial) -> Model:
    """A spline over a polynomial, through the cells that do not stand out; the polynomial where these are too few.

    ``smoothing`` 0 to 1 is λ = 10^(5 s - 4), in coordinates from -1 to 1; 0 itself goes through every cell.
    """
    level = cells.level[channel] - base.at(cells.u, cells.v)
    strength = 10 ** (5 * smoothing - 4) if smoothing > 0 else 0.0
    kept = np.ones(len(cells), np.bool_)
    model: Model = base
    for _ in range(4):
        places = np.column_stack([cells.u[kept], cells.v[kept]])
        if len(places) < 12 or np.ptp(places, axis=0).min() == 0:  # of cells in a row, no surface
            return model
        weight = np.clip(1 / cells.share[kept], 1.0, 4.0)
        over = RBFInterpolator(
            places, level[kept], smoothing=strength * weight, kernel="thin_plate_spline", degree=1
        )
        model = Spline(base, over)
        fresh = _agreeing(cells.level[channel] - model.at(cells.u, cells.v), cells.error[channel], kept, 6)
        if (fresh == kept).all():
            break
        kept = fresh
    return model


def fit_mesh(sky: F32, bases: Sequence[Polynomial]) -> list[Model]:
    """16 cells a side over polynomials, which the sky is given less; cells without enough follow a spline.

    Median-filtered 3×3, and continued in a straight line beyond the border: mirrored, a gradient would end flat.
    """
    rows, columns = sky.shape[1:]
    level, _, share = measure_cells(sky, (min(MESH, rows), min(MESH, columns)))
    models: list[Model] = []
    for channel, base in zip(level, bases, strict=True):
        filled = _filled(channel, (share >= SKY_SHARE) & np.isfinite(channel))
        grown = np.pad(filled, 1, mode="reflect", reflect_type="odd")
        nodes = ndimage.median_filter(grown, 3)[1:-1, 1:-1]
        padded = (
            np.pad(nodes, 2, mode="reflect", reflect_type="odd")
            if min(nodes.shape) > 2
            else np.pad(nodes, 2, "edge")
        )
        models.append(Mesh(base, np.ascontiguousarray(padded, np.float32)))
    return models


def _filled(level: F64, known: np.ndarray) -> F64:
    """Cells that are not known, interpolated; zero, which is the polynomial alone, where too few are."""
    if known.all():
        return level
    v, u = np.nonzero(known)
    if u.size < 12 or np.ptp(u) == 0 or np.ptp(v) == 0:
        return np.where(known, level, 0.0)
    spline = RBFInterpolator(np.column_stack([u, v]), level[known], kernel="thin_plate_spline", smoothing=0.1)
    there_v, there_u = np.nonzero(~known)
    full = np.where(known, level, 0.0)
    full[~known] = spline(np.column_stack([there_u, there_v]))
    return full
