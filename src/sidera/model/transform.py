"""A map from the reference's pixels to a frame's."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.types import F64


class Model(StrEnum):
    """Kinds of map, from the stiffest to the most pliant."""

    SHIFT = "shift"
    SIMILARITY = "similarity"
    AFFINE = "affine"
    HOMOGRAPHY = "homography"
    QUADRATIC = "quadratic"
    CUBIC = "cubic"

    @property
    def parameters(self) -> int:
        """Numbers that a fit has to find; each star gives two equations."""
        return {"shift": 2, "similarity": 4, "affine": 6, "homography": 8, "quadratic": 12, "cubic": 20}[
            self.value
        ]

    @property
    def degree(self) -> int:
        """Degree of a polynomial map; 0 for those that a 3 × 3 matrix describes."""
        return {"quadratic": 2, "cubic": 3}.get(self.value, 0)


STIFFEST_FIRST = tuple(Model)


def polynomial_terms(x: F64, y: F64, degree: int) -> F64:
    """1, x, y, x², xy, y², ... up to ``degree``, along a new last axis."""
    terms = [np.ones_like(x)]
    for n in range(1, degree + 1):
        terms += [term * x for term in terms[-n:]] + [terms[-1] * y]
    return np.stack(terms, axis=-1)


def polynomial_slopes(x: F64, y: F64, degree: int) -> tuple[F64, F64]:
    """Derivatives of `polynomial_terms` along x and along y."""
    powers = [(n - k, k) for n in range(degree + 1) for k in range(n + 1)]
    along_x = [i * x ** max(i - 1, 0) * y**j for i, j in powers]
    along_y = [j * x**i * y ** max(j - 1, 0) for i, j in powers]
    return np.stack(along_x, axis=-1), np.stack(along_y, axis=-1)


@dataclass(frozen=True, eq=False)
class Transform:
    """Where a point of the reference lies in a frame: reference (x, y) -> frame (x, y), for pull-warping.

    Attributes
    ----------
    model : Model
        Kind of map.
    coefficients : float64
        Shape (3, 3) for shift, similarity, affine and homography: the matrix that takes (x, y, 1) of the
        reference to (x, y, 1) of the frame, up to a factor for a homography. Shape (2, 6) or (2, 10) for
        quadratic and cubic: factors of `polynomial_terms` of ((x, y) - centre) / extent, in frame pixels.
    centre : (x, y)
        Point of the reference where rotation, scale and shift are told, and a polynomial's origin.
    extent : float
        Unit of length of a polynomial, in pixels of the reference.
    """

    model: Model
    coefficients: F64
    centre: tuple[float, float] = (0.0, 0.0)
    extent: float = 1.0

    def __post_init__(self) -> None:
        coefficients = np.array(self.coefficients, dtype=np.float64)
        degree = self.model.degree
        shape = (2, (degree + 1) * (degree + 2) // 2) if degree else (3, 3)
        if coefficients.shape != shape:
            raise ShapeError(
                f"{self.model} has coefficients of shape {coefficients.shape}", f"It takes {shape}"
            )
        if not np.isfinite(coefficients).all() or not self.extent > 0:
            raise ShapeError(
                f"{self.model} has coefficients {coefficients.tolist()} and extent {self.extent}",
                "All must be finite, and the extent above 0",
            )
        coefficients.setflags(write=False)
        object.__setattr__(self, "coefficients", coefficients)

    @staticmethod
    def identity() -> "Transform":
        """Every point where it was."""
        return Transform(Model.SHIFT, np.eye(3))

    @staticmethod
    def moved(x: float, y: float) -> "Transform":
        """A shift: the point (0, 0) of the reference lies at (x, y) of the frame."""
        return Transform(Model.SHIFT, np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]]))

    def __eq__(self, other: object) -> bool:
        """Same model and the same numbers, to the last bit."""
        return isinstance(other, Transform) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.model, self.coefficients.tobytes(), self.centre, self.extent))

    def apply(self, x: F64, y: F64) -> tuple[F64, F64]:
        """Positions in the frame, float64, of positions in the reference; any shapes that go together."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        m = self.coefficients
        if self.model.degree:
            u, v = np.broadcast_arrays(*self._normalised(x, y))
            terms = polynomial_terms(u, v, self.model.degree)
            return terms @ m[0], terms @ m[1]
        along_x, along_y = m[0, 0] * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + m[1, 1] * y + m[1, 2]
        if self.model is not Model.HOMOGRAPHY:
            return along_x, along_y
        depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        return along_x / depth, along_y / depth

    def jacobian(self, x: F64, y: F64) -> F64:
        """Derivatives of the frame's (x, y) by the reference's, shape (..., 2, 2): row d(x), row d(y)."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        m = self.coefficients
        if self.model.degree:
            slopes = polynomial_slopes(*self._normalised(x, y), self.model.degree)
            columns = [np.stack([slope @ m[0], slope @ m[1]], axis=-1) / self.extent for slope in slopes]
            return np.stack(columns, axis=-1)
        if self.model is not Model.HOMOGRAPHY:
            return np.broadcast_to(m[:2, :2], (*x.shape, 2, 2)).copy()
        depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        there = np.stack(self.apply(x, y), axis=-1)
        slope: F64 = (m[:2, :2] - there[..., :, None] * m[2, :2]) / depth[..., None, None]
        return slope

    def area(self, x: F64, y: F64) -> F64:
        """Frame pixels that one pixel of the reference covers at (x, y)."""
        covered: F64 = np.abs(np.linalg.det(self.jacobian(x, y)))
        return covered

    def tangent(self) -> "Transform":
        """The affine map that agrees with this one in value and slope at the centre."""
        slope = self.jacobian(*_point(self.centre))
        there = np.array(self.apply(*_point(self.centre)))
        matrix = np.eye(3)
        matrix[:2, :2] = slope
        matrix[:2, 2] = there - slope @ np.array(self.centre)
        return Transform(Model.AFFINE, matrix, self.centre, self.extent)

    def inverse(self) -> "Transform":
        """Frame -> reference, for the models that a matrix describes.

        Raises
        ------
        UsageError
            For a polynomial, whose inverse is none (use `invert_points`), and for a map that is flat.
        """
        if self.model.degree:
            raise UsageError(f"a {self.model} map has no inverse of its kind", "Use invert_points")
        try:
            matrix: F64 = np.linalg.inv(self.coefficients).astype(np.float64)
        except np.linalg.LinAlgError:
            raise UsageError("this map is flat and has no inverse", "Its determinant must not be 0") from None
        if self.model is not Model.HOMOGRAPHY:
            matrix[2] = (0.0, 0.0, 1.0)  # exactly, whatever the rounding of the inversion
        centre_x, centre_y = self.apply(*_point(self.centre))
        return Transform(self.model, matrix, (float(centre_x), float(centre_y)), self.extent)

    def invert_points(self, x: F64, y: F64, rounds: int = 30) -> tuple[F64, F64]:
        """Positions in the reference of positions in the frame, by Newton's method; NaN where none is."""
        there_x, there_y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        here_x, here_y = self.tangent().inverse().apply(there_x, there_y)
        if self.model in (Model.SHIFT, Model.SIMILARITY, Model.AFFINE):
            return here_x, here_y
        with np.errstate(
            all="ignore"
        ):  # a point with no way back runs off to infinity, and is NaN in the end
            for _ in range(rounds):
                step_x, step_y = self._newton_step(here_x, here_y, there_x, there_y)
                here_x, here_y = here_x - step_x, here_y - step_y
                if not np.any(np.hypot(step_x, step_y) > 1e-9):
                    break
            miss = np.hypot(*np.subtract(self.apply(here_x, here_y), (there_x, there_y)))
            arrived = miss < 1e-6
        return np.where(arrived, here_x, np.nan), np.where(arrived, here_y, np.nan)

    def _newton_step(self, here_x: F64, here_y: F64, there_x: F64, there_y: F64) -> tuple[F64, F64]:
        got_x, got_y = self.apply(here_x, here_y)
        miss_x, miss_y = got_x - there_x, got_y - there_y
        slope = self.jacobian(here_x, here_y)
        (a, b), (c, d) = (slope[..., 0, 0], slope[..., 0, 1]), (slope[..., 1, 0], slope[..., 1, 1])
        determinant = a * d - b * c
        return (d * miss_x - b * miss_y) / determinant, (a * miss_y - c * miss_x) / determinant

    def compose(self, inner: "Transform") -> "Transform":
        """``inner`` first, then this: ``t.compose(inner).apply(x, y)`` is ``t.apply(*inner.apply(x, y))``.

        Raises
        ------
        UsageError
            Where the result is no map of a known kind: two polynomials, or a polynomial and a homography.
        """
        pliant = max(self.model, inner.model, key=STIFFEST_FIRST.index)
        if not self.model.degree and not inner.model.degree:
            return Transform(pliant, self.coefficients @ inner.coefficients, inner.centre, inner.extent)
        if (self.model.degree and inner.model.degree) or Model.HOMOGRAPHY in (self.model, inner.model):
            raise UsageError(
                f"{self.model} after {inner.model} is no map of a known kind", "Apply one after the other"
            )
        if inner.model.degree:
            return self._after_polynomial(inner)
        return self._after_affine(inner)

    def _after_polynomial(self, inner: "Transform") -> "Transform":
        coefficients = self.coefficients[:2, :2] @ inner.coefficients
        coefficients[:, 0] += self.coefficients[:2, 2]
        return Transform(inner.model, coefficients, inner.centre, inner.extent)

    def _after_affine(self, inner: "Transform") -> "Transform":
        """A polynomial of an affine map is one of the same degree: 5 × 5 points determine it."""
        back = inner.inverse()
        centre_x, centre_y = back.apply(*_point(self.centre))
        extent = self.extent / math.sqrt(abs(np.linalg.det(inner.coefficients)))
        u, v = (part.ravel() for part in np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)))
        there = np.stack(self.apply(*inner.apply(centre_x + extent * u, centre_y + extent * v)), axis=-1)
        terms = polynomial_terms(u, v, self.model.degree)
        coefficients = np.linalg.lstsq(terms, there, rcond=None)[0].T.astype(np.float64)
        return Transform(self.model, coefficients, (float(centre_x), float(centre_y)), extent)

    def grid(self, top: int, left: int, rows: int, columns: int, step: int) -> tuple[F64, F64]:
        """Positions in the frame of a lattice that covers a tile of the reference's grid.

        Parameters
        ----------
        top, left, rows, columns : int
            The tile, in pixels of the reference.
        step : int
            Pixels between points of the lattice.

        Returns
        -------
        grid_x, grid_y : float64, shape ((rows - 1) // step + 2, (columns - 1) // step + 2)
            Entry [i, j] is the place of row ``top + i * step``, column ``left + j * step``. The last ones lie
            past the tile, so that every pixel has a point on each side.

        Raises
        ------
        ShapeError
            For a tile without pixels, or a step under 1.
        """
        if min(rows, columns, step) < 1:
            raise ShapeError(
                f"a tile of {rows} × {columns} pixels in steps of {step}", "All three must be 1 or more"
            )
        row = top + step * np.arange((rows - 1) // step + 2, dtype=np.float64)
        column = left + step * np.arange((columns - 1) // step + 2, dtype=np.float64)
        return self.apply(column, row[:, np.newaxis])

    def bounds(self, top: int, left: int, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Smallest (top, left, bottom, right) of the frame that holds a reference tile's pixel centres.

        Both ends are inclusive positions, not counts. An interpolation kernel's reach is to be added.
        """
        points = 17 if self.model.degree else 2  # straight lines stay straight: the corners say it all
        side_x = np.linspace(left, left + columns - 1, points)
        side_y = np.linspace(top, top + rows - 1, points)
        x, y = self.apply(side_x, side_y[:, np.newaxis])
        return float(y.min()), float(x.min()), float(y.max()), float(x.max())

    @property
    def mirrored(self) -> bool:
        """The frame shows the sky as in a mirror, compared with the reference."""
        return bool(np.linalg.det(self._slope()) < 0)

    @property
    def scale(self) -> float:
        """Pixels of the frame per pixel of the reference, at the centre."""
        return float(math.sqrt(abs(np.linalg.det(self._slope()))))

    @property
    def rotation(self) -> float:
        """Degrees, from +x towards +y, by which the reference is turned into the frame, -180 to 180.

        A mirrored map is taken as a flip of y, then a turn.
        """
        (a, b), (c, d) = self._slope()
        return math.degrees(math.atan2(c + b, a - d) if self.mirrored else math.atan2(c - b, a + d))

    @property
    def shift(self) -> tuple[float, float]:
        """How far, in pixels (x, y), the reference's centre lies from that same position in the frame."""
        x, y = self.apply(*_point(self.centre))
        return float(x) - self.centre[0], float(y) - self.centre[1]

    @property
    def shear(self) -> float:
        """Longest over shortest stretch at the centre, less 1: 0 for every similarity."""
        long, short = np.linalg.svd(self._slope(), compute_uv=False)
        return float(long / short - 1) if short > 0 else math.inf

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same map to the last bit."""
        return {
            "model": self.model.value,
            "coefficients": self.coefficients.tolist(),
            "centre": list(self.centre),
            "extent": self.extent,
        }

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "Transform":
        """What `as_dict` wrote."""
        centre_x, centre_y = plain["centre"]
        return Transform(
            Model(plain["model"]),
            np.array(plain["coefficients"], dtype=np.float64),
            (float(centre_x), float(centre_y)),
            float(plain["extent"]),
        )

    def _normalised(self, x: F64, y: F64) -> tuple[F64, F64]:
        return (x - self.centre[0]) / self.extent, (y - self.centre[1]) / self.extent

    def _slope(self) -> F64:
        return self.jacobian(*_point(self.centre))


def _point(centre: tuple[float, float]) -> tuple[F64, F64]:
    return np.asarray(centre[0], np.float64), np.asarray(centre[1], np.float64)
