"""Gradient extraction: the sky's own light, found between the objects and taken away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidera.correction.background import (
    Cells,
    Model,
    Polynomial,
    above,
    cells_of,
    count_terms,
    darkest,
    fit_mesh,
    fit_polynomial,
    fit_spline,
    lattice,
    losses,
    simplest,
    surface,
    widened,
)
from sidera.correction.glow import corner_glow
from sidera.correction.masks import Small, median_of, objects, own, pixel_noise, planes_of, small
from sidera.errors import UsageError
from sidera.kernels import surface as kernels
from sidera.model.finishing import GradientSettings
from sidera.types import F32, F64, Bool

ROUNDS = 6
"""Mask and model are found in turn at most so often."""
GOOD = 0.7
"""A loss that only the cells' own errors make is 0.455, the median of chi square: up to this no degree is missing."""
SETTLED = 0.002
"""They have settled when no more than this share of the mask changes."""


@dataclass(frozen=True)
class Gradient:
    """The sky's light over an image.

    Attributes
    ----------
    lattices : tuple of float32 arrays
        One a channel: the sky at the centres of equal cells and two more on every side; all NaN for a channel in
        which nothing was measured.
    shape : tuple of int
        Rows and columns of the image.
    levels : tuple of float
        Median of the sky's model, per channel: what is left where the sky was.
    name : str
        The model, in words.
    degree : int
        Of the polynomial that lies under it.
    mask : bool array
        Objects, on the small copy of the image that the sky was judged on.
    noise : tuple of float
        Of one pixel, per channel.
    residual : tuple of float
        Robust deviation of the cells from the model, per channel.
    """

    lattices: tuple[F32, ...]
    shape: tuple[int, int]
    levels: tuple[float, ...]
    name: str
    degree: int
    mask: Bool
    noise: tuple[float, ...]
    residual: tuple[float, ...]

    @property
    def span(self) -> tuple[float, ...]:
        """Highest less lowest sky of each channel."""
        return tuple(float(np.ptp(nodes[2:-2, 2:-2])) for nodes in self.lattices)

    @property
    def masked(self) -> float:
        """Share of the image that is no sky."""
        return float(self.mask.mean())

    def image(self) -> F32:
        """The model as an image, ``[row, column]`` or ``[channel, row, column]``."""
        planes = np.stack([surface(nodes, self.shape) for nodes in self.lattices])
        return planes[0] if len(planes) == 1 else planes

    def take_from(self, image: F32, method: str = "subtract") -> None:
        """Level the sky of an image of this shape, in place; its median stays.

        Raises
        ------
        UsageError
            Where one divides by a sky that is not above zero everywhere.
        """
        for plane, nodes, level in zip(planes_of(image), self.lattices, self.levels, strict=True):
            if not np.isfinite(level):
                continue
            if method == "divide" and not (level > 0 and nodes.min() > 0):
                raise UsageError(
                    f"the sky falls to {nodes.min():.4g}: one cannot divide by it",
                    "set gradient.method=subtract; divide is for light lost, with the sky well above zero",
                )
            share = nodes / np.float32(level) if method == "divide" else nodes - np.float32(level)
            kernels.level_rows(widened(share, plane.shape[1]), 0, plane.shape[0], method == "divide", plane)


def find_gradient(image: object, settings: GradientSettings | None = None) -> Gradient:
    """The sky's light over an image, found between its objects.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        Linear, any unit; NaN where not measured.
    settings : GradientSettings
        The model and its strength.

    Returns
    -------
    Gradient
        Subtract it by `Gradient.take_from`.

    Notes
    -----
    On a copy of 640 pixels objects are masked (`sidera.correction.masks.objects`), the sky of 24 cells a side is
    fitted, and so on until the mask stands. Channels share the mask and the degree. The degree is the lowest that
    foretells parts of the sky from the rest (`supported_degree`); under a nebula the model is what the sky around
    it says.
    """
    settings = settings or GradientSettings()
    planes = planes_of(image)
    copy = small(planes)
    alive = [channel for channel, plane in enumerate(copy.planes) if np.isfinite(plane).any()]
    noise = pixel_noise(planes)
    if not alive:
        nothing = tuple(np.full((5, 5), np.nan, np.float32) for _ in planes)
        unknown = (float("nan"),) * len(planes)
        return Gradient(
            nothing,
            planes.shape[1:],
            unknown,
            "none",
            0,
            np.zeros(copy.planes.shape[1:], np.bool_),
            unknown,
            unknown,
        )
    seen = Small(np.ascontiguousarray(copy.planes[alive]), copy.side)
    mask, bases = _with_glow(seen.planes, *_settled(seen, settings), settings)
    models, mask, name = _chosen(seen, mask, bases, settings)
    shape = (planes.shape[1], planes.shape[2])
    nodes = [lattice(model, seen.planes.shape[1:]) for model in models]
    grounds = [surface(one, seen.planes.shape[1:]) for one in nodes]
    residual = _residual(seen.planes, mask, grounds, models)
    nowhere = np.full((5, 5), np.nan, np.float32)
    order = {channel: place for place, channel in enumerate(alive)}
    return Gradient(
        tuple(nodes[order[channel]] if channel in order else nowhere for channel in range(len(planes))),
        shape,
        tuple(
            float(np.median(grounds[order[channel]])) if channel in order else float("nan")
            for channel in range(len(planes))
        ),
        name,
        bases[0].degree,
        mask,
        tuple(float(one) for one in noise),
        tuple(
            residual[order[channel]] if channel in order else float("nan") for channel in range(len(planes))
        ),
    )


@dataclass(frozen=True)
class _View:
    """One reading of an image: what is sky in it, and what the sky is."""

    mask: Bool
    models: list[Polynomial]
    loss: F64
    """How well each part of the sky is foretold from the rest; see `losses`."""

    @property
    def typical(self) -> float:
        """Of the middle part."""
        return median_of(self.loss)


def _settled(seen: Small, settings: GradientSettings) -> tuple[Bool, list[Polynomial]]:
    """Mask and polynomials that belong together.

    Each degree is brought to rest with a mask of its own: were the degree free meanwhile, a bent model would take
    a nebula for sky before the mask has found it. It starts from the degree below, and where that leads to a poor
    end, from the cells that agree best among the darkest.
    """
    planes, shape = seen.planes, (seen.planes.shape[1], seen.planes.shape[2])
    flat = [Polynomial(0, np.array([median_of(plane)])) for plane in planes]
    cells = cells_of(above(planes, _grounds(flat, shape)), flat)
    views: list[_View] = []
    for degree in range(settings.degree + 1):
        if len(cells) < 3 * count_terms(degree):
            break
        starts = [views[-1].models] if views else []
        found = [_at_rest(planes, start, degree, settings.protection) for start in starts]
        if not found or found[0] is None or found[0].typical > GOOD:
            found.append(_at_rest(planes, darkest(cells, degree), degree, settings.protection))
        ends = [view for view in found if view is not None]
        if not ends:
            break
        views.append(min(ends, key=lambda view: view.typical))
        if views[-1].typical <= GOOD:
            break
    if not views:
        return np.zeros(shape, np.bool_), flat
    chosen = views[simplest([view.loss for view in views])]
    return chosen.mask, chosen.models


def _at_rest(planes: F32, models: list[Polynomial], degree: int, protection: float) -> _View | None:
    """Mask and polynomial of a degree, in turn until they stand; None where too little sky is left to tell."""
    shape = (planes.shape[1], planes.shape[2])
    mask = np.zeros(shape, np.bool_)
    seen: Cells | None = None
    for _ in range(ROUNDS):
        sky = above(planes, _grounds(models, shape))
        fresh = objects(sky, protection)
        for plane in sky:
            plane[fresh] = np.nan
        cells = cells_of(sky, models)
        if len(cells) < 3 * count_terms(degree):
            break
        changed, mask = float((fresh != mask).mean()), fresh
        models, seen = [fit_polynomial(cells, channel, degree) for channel in range(len(planes))], cells
        if changed <= SETTLED:
            break
    return None if seen is None else _View(mask, models, losses(seen, degree))


def _with_glow(
    planes: F32, mask: Bool, bases: list[Polynomial], settings: GradientSettings
) -> tuple[Bool, list[Polynomial]]:
    """Mask and polynomials with the glow of a corner among them, if what was masked there is one.

    The glow is taken away, and mask and polynomials are found anew.
    """
    found = corner_glow(planes, mask, bases)
    if found is None:
        return mask, bases
    glow, heights = found
    light = surface(lattice(Polynomial(0, np.array([0.0, 1.0]), glow), planes.shape[1:]), planes.shape[1:])
    clear = planes - light * np.array(heights, np.float32)[:, None, None]
    mask, models = _settled(Small(clear, 1.0), settings)
    return mask, [
        Polynomial(one.degree, np.append(one.coefficients, height), glow)
        for one, height in zip(models, heights, strict=True)
    ]


def _chosen(
    seen: Small, mask: Bool, bases: list[Polynomial], settings: GradientSettings
) -> tuple[list[Model], Bool, str]:
    """The model that was asked for, on the mask that the polynomials found."""
    planes, shape = seen.planes, (seen.planes.shape[1], seen.planes.shape[2])
    sky = above(planes, _grounds(bases, shape), mask)
    cells = cells_of(sky, bases)
    channels = range(len(planes))
    if settings.model == "mesh":
        return fit_mesh(sky, bases), mask, "mesh of 16 cells a side"
    if settings.model == "tps" and len(cells):
        splines = [fit_spline(cells, channel, settings.smoothing, bases[channel]) for channel in channels]
        return splines, mask, "thin-plate spline"
    if (
        settings.model == "polynomial"
        and len(cells) >= 3 * (settings.degree + 1) * (settings.degree + 2) // 2
    ):
        bases = [fit_polynomial(cells, channel, settings.degree, bases[0].glow) for channel in channels]
    glow = "" if bases[0].glow is None else " and a glow in one corner"
    return list(bases), mask, f"polynomial of degree {bases[0].degree}{glow}"


def _grounds(models: Sequence[Model], shape: tuple[int, int]) -> list[F32]:
    return [surface(lattice(model, shape), shape) for model in models]


def _residual(planes: F32, mask: Bool, grounds: Sequence[F32], models: Sequence[Model]) -> list[float]:
    """How far the cells lie from the model."""
    cells = cells_of(above(planes, grounds, mask), models)
    if not len(cells):
        return [float("nan")] * len(planes)
    return [
        1.4826 * median_of(np.abs(level - model.at(cells.u, cells.v)))
        for level, model in zip(cells.level, models, strict=True)
    ]


def remove_gradient(image: object, settings: GradientSettings | None = None) -> tuple[F32, Gradient]:
    """An image with a level sky, and the gradient that was taken.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        Linear, any unit; NaN where not measured, and stays.
    settings : GradientSettings
        Model, strength, and whether to subtract or to divide.

    Returns
    -------
    image : float32 array, same shape
        The sky keeps its median level, so that nothing is clipped.
    gradient : Gradient
    """
    settings = settings or GradientSettings()
    pixels = own(image)
    gradient = find_gradient(pixels, settings)
    gradient.take_from(pixels, settings.method)
    return pixels, gradient
