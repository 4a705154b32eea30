"""Bring frames to one scale and one sky: ``value <- scale value + o(x, y)``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.kernels.surface import UNIT, apply_surface
from sidera.types import F32, F64

TERMS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
"""Powers of x and y of a surface's coefficients, in order."""
OF_ORDER = (1, 3, 6)
CELLS_PER_TERM = 3
SETTLED = 1e-3
"""A fit has settled when no coefficient moves by more than this share of a cell mean's error."""
TUKEY = 4.685
"""Tukey's biweight at 95 % efficiency on Gaussian data, in robust deviations (Holland and Welsch 1977)."""
BRIGHT = 50.0
ENOUGH_STARS = 20


@dataclass(frozen=True)
class Scale:
    """What a frame is multiplied by to have the reference's fluxes.

    Attributes
    ----------
    value : float
        Reference flux over frame flux.
    error : float
        Its standard error; infinite where fewer than two stars tell.
    stars : int
        Stars that were not outliers.
    """

    value: float
    error: float
    stars: int


def photometric_scale(
    reference_flux: F64, frame_flux: F64, reference_snr: F64 | None = None, frame_snr: F64 | None = None
) -> Scale:
    """Scale from matched stars' fluxes, measured in one fixed radius.

    Parameters
    ----------
    reference_flux, frame_flux : float64 arrays of one length
        Sky-subtracted fluxes in ADU of the same stars, neither saturated nor blended.
    reference_snr, frame_snr : float64 arrays, optional
        Flux over its error. With them stars count by their errors, and those of SNR below 50 are left out as
        long as 20 brighter ones remain.

    Returns
    -------
    Scale
        (1, infinity, 0) where no star has a flux in both.

    Notes
    -----
    Tukey's biweight mean of ln(reference / frame), started from the weighted median.
    """
    if reference_flux.shape != frame_flux.shape or reference_flux.ndim != 1:
        raise ShapeError(
            f"fluxes of shapes {reference_flux.shape} and {frame_flux.shape}",
            "Give one a matched star, in order",
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(reference_flux / frame_flux)
    error = _ratio_errors(ratio.shape, reference_snr, frame_snr)
    usable = np.isfinite(ratio) & np.isfinite(error) & (frame_flux > 0)
    ratio, error = ratio[usable], error[usable]
    if not ratio.size:
        return Scale(1.0, np.inf, 0)
    bright = error < 1 / BRIGHT
    if bright.sum() >= ENOUGH_STARS:
        ratio, error = ratio[bright], error[bright]
    return _robust_mean(ratio, error)


def _ratio_errors(shape: tuple[int, ...], reference_snr: F64 | None, frame_snr: F64 | None) -> F64:
    """Standard error of each ln ratio: 1/SNR of both in quadrature, and 0.2 % for what is not noise."""
    square = np.zeros(shape)
    for snr in (reference_snr, frame_snr):
        if snr is None:
            continue
        if snr.shape != shape:
            raise ShapeError(f"SNR of shape {snr.shape} for fluxes of {shape}", "Give one a star")
        with np.errstate(divide="ignore", invalid="ignore"):
            square = square + np.where(snr > 0, 1 / snr**2, np.inf)
    return np.sqrt(square + 0.002**2)


def _robust_mean(ratio: F64, error: F64) -> Scale:
    """Biweight mean of ln ratios, and the error that their scatter shows."""
    weight = 1 / error**2
    centre = _weighted_median(ratio, weight)
    biweight = np.ones_like(ratio)
    for _ in range(20):
        pull = np.abs(ratio - centre) / error
        biweight = _tukey(pull / max(1.4826 * float(np.median(pull)), 1e-6))
        fresh = float(np.average(ratio, weights=weight * biweight))
        if abs(fresh - centre) < 1e-9:
            break
        centre = fresh
    used = int((biweight > 0).sum())
    if used < 2:
        return Scale(float(np.exp(centre)), np.inf, used)
    full = weight * biweight
    scatter = np.sqrt(np.sum((full * (ratio - centre)) ** 2) * used / (used - 1)) / full.sum()
    value = float(np.exp(centre))
    return Scale(value, float(value * scatter), used)


def _weighted_median(values: F64, weights: F64) -> float:
    """The value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def _tukey(pull: F64) -> F64:
    """Biweight of deviations in robust sigmas: 1 at 0, 0 from 4.685 on."""
    return np.where(np.abs(pull) < TUKEY, (1 - (pull / TUKEY) ** 2) ** 2, 0.0)


@dataclass(frozen=True)
class Surface:
    """A polynomial of up to second order over the reference's pixels; surfaces add.

    Attributes
    ----------
    coefficients : tuple of 6 floats
        Of 1, u, v, u², u v, v², in ADU, where u = x / 1024 and v = y / 1024, (x, y) in reference pixels.
    """

    coefficients: tuple[float, ...] = (0.0,) * len(TERMS)

    def __post_init__(self) -> None:
        if len(self.coefficients) != len(TERMS) or not np.all(np.isfinite(self.coefficients)):
            raise UsageError(f"a surface of coefficients {self.coefficients}", f"Give {len(TERMS)} numbers")

    @staticmethod
    def constant(value: float) -> "Surface":
        """The same everywhere."""
        return Surface((float(value), *(0.0,) * (len(TERMS) - 1)))

    def evaluate(self, x: F64, y: F64) -> F64:
        """Height in ADU at positions of any one shape."""
        u, v = np.asarray(x, np.float64) / UNIT, np.asarray(y, np.float64) / UNIT
        total = np.zeros(np.broadcast_shapes(u.shape, v.shape))
        for value, (i, j) in zip(self.coefficients, TERMS, strict=True):
            total = total + value * u**i * v**j
        return total

    def grid(self, rows: int, columns: int, x0: int = 0, y0: int = 0) -> F64:
        """Heights ``[row, column]`` of a window whose first pixel lies at (x0, y0)."""
        x, y = np.arange(x0, x0 + columns, dtype=np.float64), np.arange(y0, y0 + rows, dtype=np.float64)
        return self.evaluate(x[None, :], y[:, None])

    def __add__(self, other: "Surface") -> "Surface":
        """The sum of two surfaces."""
        return Surface(tuple(a + b for a, b in zip(self.coefficients, other.coefficients, strict=True)))

    def __mul__(self, factor: float) -> "Surface":
        """The surface times a number."""
        return Surface(tuple(value * factor for value in self.coefficients))


def sky_difference(
    reference_mesh: F32 | F64, frame_mesh: F32 | F64, x: F64, y: F64, scale: float, order: int = 2
) -> Surface:
    """The smooth surface that takes a scaled frame's sky to the reference's.

    Parameters
    ----------
    reference_mesh, frame_mesh : arrays of one shape
        Sky in ADU of the reference at cell centres, and of the frame where it sees the same places. NaN where
        either does not know.
    x, y : float64 arrays of the same shape
        Centres of the cells in reference pixels.
    scale : float
        What the frame's pixels are multiplied by.
    order : {0, 1, 2}
        0 is one constant. Fewer cells than three a term lower it.

    Returns
    -------
    Surface
        ``o(x, y) = reference - scale frame``, fitted with Tukey's biweight; zero where no cell is known to
        both.

    Notes
    -----
    The difference of two frames of one sky holds only sky: nebulae cancel, so a second order cannot eat them.
    """
    meshes = [np.asarray(mesh, np.float64) for mesh in (reference_mesh, frame_mesh, x, y)]
    if len({mesh.shape for mesh in meshes}) != 1:
        raise ShapeError(
            f"meshes and positions of shapes {[mesh.shape for mesh in meshes]}", "Give one shape"
        )
    if order not in (0, 1, 2):
        raise UsageError(f"a sky surface of order {order}", "Choose 0, 1 or 2")
    if not np.isfinite(scale):
        raise UsageError(f"a scale of {scale}", "Give what the frame is multiplied by")
    difference = meshes[0] - scale * meshes[1]
    known = np.isfinite(difference) & np.isfinite(meshes[2]) & np.isfinite(meshes[3])
    if not known.any():
        return Surface()
    while order > 0 and known.sum() < CELLS_PER_TERM * OF_ORDER[order]:
        order -= 1
    return _fit(meshes[2][known], meshes[3][known], difference[known], order)


def _fit(x: F64, y: F64, height: F64, order: int) -> Surface:
    """Robust polynomial through the points, by reweighted least squares in centred coordinates."""
    middle_x, middle_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    reach = max(float(np.ptp(x)), float(np.ptp(y)), 1.0) / 2
    u, v = (x - middle_x) / reach, (y - middle_y) / reach
    terms = TERMS[: OF_ORDER[order]]
    design = np.stack([u**i * v**j for i, j in terms], axis=1)
    centre = float(np.median(height))
    weight, error = np.ones_like(height), 0.0
    solution = np.full(len(terms), np.inf)
    for _ in range(15):
        heavy = (design * weight[:, None]).T
        # Normal equations do in these coordinates, at a thirtieth of the cost; lstsq gives 0 to what a single row or
        # column of cells cannot tell.
        fresh = np.linalg.lstsq(heavy @ design, heavy @ (height - centre), rcond=1e-12)[0]
        moved, solution = float(np.abs(fresh - solution).max()), fresh
        if moved <= SETTLED * error:
            break
        residual = height - centre - design @ solution
        spread = 1.4826 * float(np.median(np.abs(residual)))
        error = spread / np.sqrt(height.size)
        weight = _tukey(residual / max(spread, 1e-9 * max(1.0, abs(centre))))
    return _rebased(solution, middle_x, middle_y, reach) + Surface.constant(centre)


def _rebased(solution: F64, middle_x: float, middle_y: float, reach: float) -> Surface:
    """The same polynomial in a surface's own coordinates, x / 1024 and y / 1024."""
    c0, cx, cy, cxx, cxy, cyy = np.pad(solution, (0, len(TERMS) - len(solution)))
    g = UNIT / reach
    p, q = -middle_x / reach, -middle_y / reach  # u = g X + p, v = g Y + q
    return Surface(
        (
            float(c0 + cx * p + cy * q + cxx * p * p + cxy * p * q + cyy * q * q),
            float(g * (cx + 2 * cxx * p + cxy * q)),
            float(g * (cy + cxy * p + 2 * cyy * q)),
            float(g * g * cxx),
            float(g * g * cxy),
            float(g * g * cyy),
        )
    )


def apply(window: F32, scale: float, surface: Surface, x0: int = 0, y0: int = 0) -> None:
    """``value <- scale value + surface`` in place.

    Parameters
    ----------
    window : float32 array, shape (rows, columns), C-contiguous
        Samples of one frame and channel on the reference's grid; NaN stays NaN.
    scale : float
        The frame's photometric scale.
    surface : Surface
        Of this frame and channel.
    x0, y0 : int
        Where the window's first pixel lies in the reference. A pixel's result does not depend on the window.
    """
    if window.ndim != 2 or window.dtype != np.float32 or not window.flags.c_contiguous:
        raise ShapeError(
            f"a window of {window.dtype} and shape {window.shape}",
            "Give C-contiguous float32 (rows, columns)",
        )
    apply_surface(float(scale), np.array(surface.coefficients), int(x0), int(y0), window)


def total(surfaces: Sequence[Surface]) -> Surface:
    """The sum of surfaces."""
    return sum(surfaces, Surface())
