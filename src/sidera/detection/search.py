"""Candidates: where a plane, seen through a filter as wide as its stars, rises above its noise.

The plane is walked in strips, one row of the sky's mesh at a time: neither the plane less its sky nor the filtered
plane is ever held as a whole.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sidera.detection.sky import Sky
from sidera.kernels import detect as kernels
from sidera.kernels.filter import separable
from sidera.kernels.sky import cell_levels
from sidera.types import F32, F64, I64, Bool

FWHM = 2.354820045  # of a Gaussian of sigma 1
PIXEL = 1 / 12  # variance that a square pixel adds to a profile
EDGE = 3
"""Pixels along the border of the image that hold no candidate."""
REACH = 2
"""Pixels about a maximum that it must exceed."""


@dataclass(frozen=True)
class Peaks:
    """Maxima of the filtered plane, brightest first."""

    row: I64
    column: I64
    significance: F64
    """In sigma of the filtered plane."""
    surround: F64
    """Mean of the 8 neighbours over the peak."""
    lit: I64
    """Pixels of the 3×3 core that stand out of the noise."""

    def __getitem__(self, chosen: "I64 | Bool | slice") -> "Peaks":
        return Peaks(
            self.row[chosen],
            self.column[chosen],
            self.significance[chosen],
            self.surround[chosen],
            self.lit[chosen],
        )

    def with_neighbours(self, hot: float) -> "Peaks":
        """Those that have neighbours, as stars do and hot pixels do not."""
        return self[(self.lit >= 3) & (self.surround > hot)]


def sigma_of(fwhm: float) -> float:
    """Sigma that a star of this FWHM has in pixels that integrate."""
    return float(np.sqrt((fwhm / FWHM) ** 2 + PIXEL))


def search(plane: F32, sky: Sky, threshold: float, fwhm: float) -> tuple[Peaks, bool]:
    """Maxima above ``threshold`` sigma after the filter; and whether a pixel of the plane is missing."""
    taps = _gaussian(sigma_of(fwhm))
    power = float(np.sum(taps**2) ** 2)
    # Cells mostly unmeasured are mostly 0; planes without noise have rounding only.
    least = np.maximum(0.5 * np.sqrt(power) * sky.noise, 2e-6 * abs(sky.median_level)).astype(np.float32)
    walk = _Walk(plane, sky, taps.astype(np.float32), threshold, least)
    walk.all()
    if not walk.noise.any():
        least = np.maximum(least, np.float32(1e-4 * walk.highest))
        walk = _Walk(plane, sky, taps.astype(np.float32), threshold, least)
        walk.all()
    noise = replace(sky, noise=np.maximum(walk.noise, least))
    return _peaks(plane, sky, noise, *walk.found()), walk.missing


def _gaussian(sigma: float) -> F64:
    half = int(np.ceil(3.2 * sigma))
    taps = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    taps /= taps.sum()
    return taps


def _peaks(plane: F32, sky: Sky, noise: Sky, rows: I64, columns: I64, value: F64) -> Peaks:
    """Everything about the maxima at these pixels, which have this value after the filter."""
    peak, surround, lit = np.empty(rows.size), np.empty(rows.size), np.empty(rows.size, np.int64)
    x, y = columns.astype(np.float64), rows.astype(np.float64)
    kernels.cores(plane, sky.level_at(x, y), rows, columns, 2 * sky.noise_at(x, y), peak, surround, lit)
    share = np.divide(surround, peak, out=np.zeros(rows.size), where=peak > 0)
    peaks = Peaks(rows, columns, value / noise.noise_at(x, y), share, lit)
    return peaks[np.argsort(-value, kind="stable")]


class _Walk:
    """Strip after strip: less the sky, filtered, its noise, its maxima."""

    def __init__(self, plane: F32, sky: Sky, taps: F32, threshold: float, least: F32) -> None:
        self._plane, self._wide, self._taps = plane, sky.widened(), taps
        self._threshold, self._least = threshold, least
        self.noise = np.empty(sky.noise.shape, np.float32)
        """Of the filtered plane, in ADU, by cell."""
        self.highest = -np.inf
        """Of the filtered plane, in ADU, where a row of cells has no noise."""
        self.missing = False
        tall = -(-plane.shape[0] // len(self.noise)) + 2 * REACH
        self._flat = np.empty((tall + taps.size - 1, plane.shape[1]), np.float32)
        self._filtered = np.empty((tall, plane.shape[1]), np.float32)
        self._found: list[tuple[I64, I64, F64]] = []

    def all(self) -> None:
        """Walk the whole plane."""
        rows = self._plane.shape[0]
        edges = [number * rows // len(self.noise) for number in range(len(self.noise) + 1)]
        for number, (top, bottom) in enumerate(pairwise(edges)):
            self._strip(number, top, bottom)

    def found(self) -> tuple[I64, I64, F64]:
        """Row, column and filtered value of each maximum."""
        rows, columns, value = (np.concatenate(part) for part in zip(*self._found, strict=True))
        return rows, columns, value

    def _strip(self, number: int, top: int, bottom: int) -> None:
        first = top - REACH
        half = self._taps.size // 2
        filtered = self._filtered[: bottom - top + 2 * REACH]
        flat = self._flat[: len(filtered) + 2 * half]
        self.missing |= kernels.level_off(self._plane, self._wide, first - half, flat) > 0
        separable(flat, self._taps, half, filtered)
        cells, own = slice(number, number + 1), filtered[REACH : REACH + bottom - top]
        level, share = np.empty_like(self.noise[cells]), np.empty_like(self.noise[cells])
        step = 3 if min(self._plane.shape) >= 256 else 1
        cell_levels(own, 0, 0, 1, step, level, self.noise[cells], share)
        if not self.noise[cells].any():
            self.highest = max(self.highest, float(own.max()))
        limits = self._threshold * np.maximum(self.noise[cells], self._least[cells])
        top, bottom = max(top, EDGE), min(bottom, self._plane.shape[0] - EDGE)
        window = filtered[top - REACH - first : bottom + REACH - first]
        self._found.append(_maxima(window, limits.astype(np.float32), top - REACH))


def _maxima(window: F32, limits: F32, top: int) -> tuple[I64, I64, F64]:
    """Row, column and value of a window's maxima; its first row is row ``top`` of the image."""
    room = 4096
    while True:
        rows, columns = np.empty(room, np.int64), np.empty(room, np.int64)
        found = kernels.maxima(window, limits, REACH, EDGE, rows, columns)
        if found <= room:
            break
        room = found
    rows, columns = rows[:found].copy(), columns[:found].copy()
    return rows + top, columns, window[rows, columns].astype(np.float64)
