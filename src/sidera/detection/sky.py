"""Sky: level and noise of each part of a frame, and the smooth surface through them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.kernels import sky as kernels
from sidera.loading import loading
from sidera.model.header import Bayer
from sidera.types import F32, F64, Bool, plain

INTERPOLATED = 0.565
"""Noise of a green plane over that of a raw green site, in the starlet layer that it is measured by (white noise of
1 Mpx; the same for every pattern): half of its pixels are means of four."""

MEASURED = 0.5
"""A cell counts when this share of its pixels was measured."""


@dataclass(frozen=True)
class Sky:
    """Sky of one plane, on a mesh of equal cells.

    Attributes
    ----------
    level, noise : float32 array, shape (mesh rows, mesh columns)
        Clipped mode, and noise of one pixel, in ADU. All NaN when no pixel of the plane was measured.
    shape : tuple of int
        Rows and columns of the frame that the mesh covers.
    """

    level: F32
    noise: F32
    shape: tuple[int, int]

    @property
    def x(self) -> F64:
        """Columns of the cells' centres."""
        return _centres(self.level.shape[1], self.shape[1])

    @property
    def y(self) -> F64:
        """Rows of the cells' centres."""
        return _centres(self.level.shape[0], self.shape[0])

    @cached_property
    def median_level(self) -> float:
        """Level of the middle cell, in ADU."""
        return float(np.median(self.level))

    @cached_property
    def median_noise(self) -> float:
        """Noise of the middle cell, in ADU."""
        return float(np.median(self.noise))

    def surface(self, shape: tuple[int, int] | None = None) -> F32:
        """Level at each pixel, bicubic (Catmull-Rom) through the mesh, stretched to ``shape`` if given."""
        out = np.empty(shape or self.shape, np.float32)
        kernels.surface(_widened(self.level, out.shape[1]), out)
        return out

    def subtract(self, image: F32) -> F32:
        """Image [row, column] less the surface; NaN stays NaN."""
        plane = plain(image)
        if plane.shape != self.shape:
            raise ShapeError(f"this sky was measured on a frame of shape {self.shape}, not {plane.shape}")
        out = np.empty_like(plane)
        kernels.subtract_surface(plane, self.widened(), out)
        return out

    def widened(self) -> F32:
        """The level's mesh, two nodes more at either end, interpolated to the frame's columns: for the kernels."""
        return _widened(self.level, self.shape[1])

    def interpolated(self) -> "Sky":
        """Sky of the green plane: green sites as they are, the mean of their four neighbours between them."""
        return replace(self, noise=self.noise * np.float32(INTERPOLATED))

    def level_at(self, x: F64, y: F64) -> F64:
        """Level in ADU at positions in pixels, held at the frame's border beyond it."""
        return _at(self.level, self.shape, x, y)

    def noise_at(self, x: F64, y: F64) -> F64:
        """Noise of one pixel in ADU at positions in pixels, held at the frame's border beyond it."""
        return np.maximum(_at(self.noise, self.shape, x, y), float(self.noise.min()))


def sky_mesh(image: object, cell: int = 64) -> Sky:
    """Level and noise of the sky on a mesh.

    Parameters
    ----------
    image : float32 array, shape (rows, columns)
        One plane, in ADU; NaN where not measured.
    cell : int
        Side of a cell in pixels, at least 8 times the stars' FWHM to be sure that stars are clipped.

    Returns
    -------
    Sky
        Cells with less than half of their pixels measured take the nearest cell's values.

    Raises
    ------
    ShapeError
        If the image is not one plane of at least one pixel.
    UsageError
        If the cell is smaller than a pixel.

    Notes
    -----
    The level is the clipped mode 2.5·median - 1.5·mean of a quarter of the pixels, κ = 3 (Bertin & Arnouts
    1996), or their mean where the two agree, median-filtered 3×3; the noise is the clipped deviation of the
    first B3 starlet layer over 0.8907 (Starck & Murtagh 1998), which neither gradients nor nebulae widen.
    """
    plane = plain(image)
    if plane.ndim != 2 or plane.size == 0:
        raise ShapeError(f"the sky is measured on one plane (rows, columns); got shape {plane.shape}")
    return _kinds(plane, 1, cell)[0][0]


def _kinds(plane: F32, stride: int, cell: int) -> list[list[Sky]]:
    """Sky of each kind of sites ``[row % stride][column % stride]``; a cell has ``cell`` sites a side."""
    if cell < 1:
        raise UsageError(f"a cell of {cell} pixels holds nothing", "give one of 16 to 256")
    rows, columns = (size // stride for size in plane.shape)
    mesh = (max(1, round(rows / cell)), max(1, round(columns / cell)))
    return [[*_row_kinds(plane, down, stride, mesh)] for down in range(stride)]


def _row_kinds(plane: F32, down: int, stride: int, mesh: tuple[int, int]) -> Iterator[Sky]:
    """Sky of each kind of columns, on every ``stride``-th row from ``down`` on."""
    rows, columns = (size // stride for size in plane.shape)
    noises = np.empty((stride, *mesh), np.float32)
    kernels.cell_noise(plane, down, stride, 8 if rows >= 512 else 4 if rows >= 128 else 1, noises)
    for right, noise in enumerate(noises):
        level, spread, share = (np.empty(mesh, np.float32) for _ in range(3))
        step = 2 if min(rows, columns) >= 64 else 1
        kernels.cell_levels(plane, down, right, stride, step, level, spread, share)
        noise = np.where(np.isfinite(noise), noise, spread)  # no pixel had all its neighbours
        known = (share >= MEASURED) & np.isfinite(level)
        if not known.any():
            known = np.isfinite(level)
        shape = (-(-(plane.shape[0] - down) // stride), -(-(plane.shape[1] - right) // stride))
        yield Sky(_smoothed(level, known, "odd"), _smoothed(noise, known, "even"), shape)


def sky_meshes(image: object, pattern: Bayer | None = None, cell: int = 64) -> tuple[Sky, ...]:
    """Sky of each colour: of a filter array's R, G, B on the raw sites, of each channel, or of the one plane.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        In ADU; NaN where not measured.
    pattern : Bayer or None
        Colour filter array at row 0, column 0; None for mono and for demosaiced images.
    cell : int
        Side of a cell in pixels of the frame.

    Returns
    -------
    tuple of Sky
        Three for colour, one for mono. ``noise`` is that of one raw site. Green is the mean of its two sites.
    """
    frame = plain(image)
    if pattern is None:
        planes = frame if frame.ndim == 3 else frame[np.newaxis]
        return tuple(sky_mesh(plane, cell) for plane in planes)
    if frame.ndim != 2 or min(frame.shape) < 2:
        raise ShapeError(
            f"a colour filter array is one plane of at least 2×2 pixels; got shape {frame.shape}"
        )
    sites: tuple[list[Sky], ...] = ([], [], [])
    skies = _kinds(frame, 2, max(1, cell // 2))
    for row, column in np.ndindex(2, 2):
        sites[pattern.colour(row, column)].append(skies[row][column])
    return tuple(_merged(skies, (frame.shape[0], frame.shape[1])) for skies in sites)


def noise(image: object, pattern: Bayer | None = None) -> tuple[float, ...]:
    """Noise of one pixel in ADU, per colour: the middle cell's starlet noise (see `sky_mesh`)."""
    return tuple(sky.median_noise for sky in sky_meshes(image, pattern))


def _centres(cells: int, size: int) -> F64:
    """Centres of equal cells along an axis."""
    centres: F64 = (np.arange(cells) + 0.5) * size / cells - 0.5
    return centres


def _merged(skies: list[Sky], shape: tuple[int, int]) -> Sky:
    """Skies of a colour's sites as one of the frame.

    Sites lie half a pixel from the centre of their 2×2 block: on a mesh of 64 pixels that is 1/128 of the
    difference between neighbouring cells, far below the cells' own error.
    """
    level = np.mean([sky.level for sky in skies], axis=0)
    squares = np.mean([sky.noise.astype(np.float64) ** 2 for sky in skies], axis=0)
    return Sky(level.astype(np.float32), np.sqrt(squares).astype(np.float32), shape)


def _smoothed(mesh: F32, known: Bool, beyond: Literal["odd", "even"]) -> F32:
    """Mesh with unknown cells filled from the nearest known one, median-filtered 3×3.

    Levels go on in a straight line (odd) beyond the border: mirrored, gradients would end flat.
    """
    with loading:
        from scipy import ndimage  # loads slowly, and a run whose skies are known has no need of it

    if not known.any():
        return mesh
    if not known.all():
        nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        mesh = mesh[tuple(nearest)]
    grown = np.pad(mesh, 1, mode="reflect", reflect_type=beyond)
    return np.ascontiguousarray(ndimage.median_filter(grown, size=3)[1:-1, 1:-1])


def padded(mesh: F32) -> F32:
    """Mesh with two nodes more on every side, continued in a straight line."""
    return np.ascontiguousarray(np.pad(mesh, 2, mode="reflect", reflect_type="odd"))


def _widened(mesh: F32, columns: int) -> F32:
    """Mesh interpolated to full width."""
    grown = padded(mesh)
    wide = np.empty((grown.shape[0], columns), np.float32)
    kernels.widen(grown, wide)
    return wide


def _at(mesh: F32, shape: tuple[int, int], x: F64, y: F64) -> F64:
    """Surface through a mesh at positions of any shape."""
    columns = np.clip(np.asarray(x, np.float64), -0.5, shape[1] - 0.501)
    rows = np.clip(np.asarray(y, np.float64), -0.5, shape[0] - 0.501)
    out = np.empty(columns.size, np.float64)
    kernels.surface_at(padded(mesh), shape[0], shape[1], columns.ravel(), rows.ravel(), out)
    return out.reshape(columns.shape)
