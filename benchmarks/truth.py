"""How true a picture is, whoever made it: laid onto the truth of the night by its stars, then measured.

Unlike the report of ``sidera stack`` this knows nothing of how the picture was made: it takes equal weights and
the true transforms, finds out by the stars which frame's grid the picture lies on, and brings its brightness to
that frame's.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from sidera.detection import find_stars
from sidera.io.read import read
from sidera.model.transform import Model, Transform
from sidera.pipeline.fidelity import ANNULUS, APERTURE, ChannelFidelity, aperture_sum, fidelity
from sidera.simulate.night import Truth
from sidera.simulate.psf import BETA, alpha
from sidera.simulate.sky import stars_in
from sidera.types import F32, F64

BRIGHT = 150
"""So many stars tell which frame a picture lies on, and a third of the sky's at most: the faint are not found."""
NEAR = 0.5
"""Pixels by which their median may miss."""


@dataclass(frozen=True)
class Judged:
    """A picture against the truth; ``reason`` says why there are no figures."""

    reference: str | None
    channels: tuple[ChannelFidelity, ...]
    reason: str | None = None


def judge(picture: Path, truth: Truth) -> Judged:
    """Measure a picture against its night."""
    image = read(picture).image
    planes = image[None] if image.ndim == 2 else image
    width, height = truth.settings.size
    if planes.shape != (1 if truth.settings.mono else 3, height, width):
        return Judged(None, (), f"a picture of shape {image.shape} is not on a frame's grid")
    reference, miss = _reference(planes[len(planes) // 2], truth)
    if not miss <= NEAR:
        return Judged(None, (), f"its stars miss those of every frame by {miss:.1f} pixels or more")
    bright = np.stack([plane * _scale(plane, truth, reference, band) for band, plane in enumerate(planes)])
    file = truth.frames[reference].file
    found = fidelity(
        bright[0] if len(bright) == 1 else bright, None, true_transforms(truth, reference), truth, file
    )
    return Judged(file, found.channels)


def true_transforms(truth: Truth, reference: int) -> dict[str, Transform]:
    """Map from a frame's pixels to those of each frame, by file."""
    return {
        frame.file: Transform(Model.AFFINE, np.vstack([truth.relative(reference, index), (0.0, 0.0, 1.0)]))
        for index, frame in enumerate(truth.frames)
    }


def _reference(plane: F32, truth: Truth) -> tuple[int, float]:
    """The frame whose true stars lie nearest to the picture's, and their median distance in pixels."""
    found = find_stars(plane)
    if len(found) < 5:
        return 0, math.inf
    tree = cKDTree(np.stack([found.x, found.y], axis=1))
    misses = [float(np.median(tree.query(_bright(truth, index)[0])[0])) for index in range(len(truth.frames))]
    best = int(np.argmin(misses))
    return best, misses[best]


def _bright(truth: Truth, frame: int) -> tuple[F64, F64]:
    """Places [star, (x, y)] and fluxes [star, band] of the brightest unsaturated stars well inside a frame."""
    x, y, flux = stars_in(truth, frame)
    width, height = truth.settings.size
    margin = 30
    inside = (x > margin) & (x < width - margin) & (y > margin) & (y < height - margin)
    inside &= ~np.array([star.saturates for star in truth.stars], np.bool_)
    order = np.flatnonzero(inside)[np.argsort(-flux[inside].sum(axis=1))][
        : min(BRIGHT, len(truth.stars) // 3)
    ]
    return np.stack([x[order], y[order]], axis=1), flux[order]


def _scale(plane: F32, truth: Truth, reference: int, band: int) -> float:
    """What brings a picture's stars to their true flux in ADU, by the median of bright stars.

    To 1 % or so: what is left shows as a common error of all fluxes, which no figure used here heeds.
    """
    places, flux = _bright(truth, reference)
    fwhm = float(np.median([frame.fwhm for frame in truth.frames]))
    ratios = []
    for (x, y), true in zip(places, flux[:, band] / truth.settings.gain, strict=True):
        inner, area = aperture_sum(plane, x, y, 0, APERTURE * fwhm)
        ring, ring_area = aperture_sum(plane, x, y, ANNULUS[0] * fwhm, ANNULUS[1] * fwhm)
        ratios.append((inner - ring / ring_area * area) / (_held(truth, fwhm) * true))
    return 1 / float(np.nanmedian(ratios))


def _held(truth: Truth, fwhm: float) -> float:
    """Share of a star's light that the aperture holds: 1 - (1 + (r / alpha)²)^(1 - beta) of a Moffat star."""
    if truth.settings.psf != "moffat":
        return 1.0
    return 1 - (1 + (APERTURE * fwhm / alpha(fwhm)) ** 2) ** (1 - BETA)
