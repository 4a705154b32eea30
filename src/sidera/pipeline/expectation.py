"""What a perfect stack of a simulated night would show, and how noisy it would have to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidera.errors import UsageError
from sidera.model.transform import Transform
from sidera.simulate.draw import background_variance
from sidera.simulate.night import Truth
from sidera.simulate.sky import SKY_COLOUR, band_colour, expected_planes
from sidera.types import F32, F64, Bool

GROUPS = 8
"""Seeing of the frames is mixed in this many groups when the expected stack is drawn."""
EMPTY = 0.3
"""Sky is empty where stars and nebula stay under this part of the photon limit of a pixel."""


@dataclass(frozen=True)
class Kept:
    """The kept frames as truth knows them: indices, weights (sum 1), and the reference's index."""

    indices: tuple[int, ...]
    weights: tuple[float, ...]
    reference: int


def kept_frames(
    transforms: Mapping[str, Transform], truth: Truth, reference: str, weights: Mapping[str, float] | None
) -> Kept:
    """Find the kept frames in the truth by their file names."""
    known = {Path(frame.file).name: index for index, frame in enumerate(truth.frames)}
    names = [Path(name).name for name in transforms]
    strangers = [name for name in (*names, Path(reference).name) if name not in known]
    if strangers:
        raise UsageError(
            f"the truth knows no frame {strangers[0]!r}", "compare a stack of this night's own lights"
        )
    if not names:
        raise UsageError("no frame was kept", "give the transforms of the frames that were stacked")
    given = {Path(name).name: value for name, value in (weights or {}).items()}
    raw = np.array([given.get(name, 1.0) for name in names])
    return Kept(
        tuple(known[name] for name in names), tuple((raw / raw.sum()).tolist()), known[Path(reference).name]
    )


def bands(truth: Truth, kept: Kept) -> Sequence[int]:
    """Indices of the stack's channels among the night's bands."""
    band = truth.frames[kept.reference].band
    return range(3) if band is None else (band,)


@dataclass(frozen=True)
class Expected:
    """What the stack would show without noise, [channel, row, column] in ADU, and where that is empty sky."""

    light: F32
    """Stars and nebula."""
    sky: F32
    empty: Bool


def expected_stack(truth: Truth, kept: Kept, shape: tuple[int, ...], origin: tuple[float, float]) -> Expected:
    """Draw the noiseless stack on a grid whose first pixel is the reference's (x, y) ``origin``."""
    fwhms, weights = _seeing(truth, kept)
    light = expected_planes(truth, kept.reference, fwhms, weights, sky=False)
    sky = expected_planes(truth, kept.reference, fwhms, weights, stars=False, nebula=False)
    limit = min(pixel_limit(truth, kept, band) for band in bands(truth, kept))
    empty = _seen_by_all(truth, kept) & (light.max(axis=0) < EMPTY * limit)
    column, row = round(origin[0]), round(origin[1])
    if max(abs(column - origin[0]), abs(row - origin[1])) > 1e-6:
        raise UsageError(
            f"origin {origin} lies between pixels", "compare stacks on the reference's own pixel grid"
        )
    inside = _window(empty.astype(np.float32), row, column, shape, 0.0) > 0.5
    planes = _window(light, row, column, shape, np.nan), _window(sky, row, column, shape, np.nan)
    return Expected(*planes, inside)


def _seeing(truth: Truth, kept: Kept) -> tuple[list[float], list[float]]:
    """The kept frames' FWHM in a few groups, with the weight of each."""
    order = np.argsort([truth.frames[index].fwhm for index in kept.indices])
    fwhm = np.array([truth.frames[index].fwhm for index in kept.indices])[order]
    weight = np.array(kept.weights)[order]
    groups = [group for group in np.array_split(np.arange(order.size), GROUPS) if group.size]
    sums = [float(weight[group].sum()) for group in groups]
    used = [(group, total) for group, total in zip(groups, sums, strict=True) if total > 0]
    return [float((fwhm[g] * weight[g]).sum() / total) for g, total in used], [total for _, total in used]


def _window(image: F32, row: int, column: int, shape: tuple[int, ...], fill: float) -> F32:
    """The part of an image that begins at (row, column), ``fill`` where it reaches beyond."""
    rows, columns = shape[-2:]
    out = np.full((*image.shape[:-2], rows, columns), fill, image.dtype)
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + rows, image.shape[-2]), min(column + columns, image.shape[-1])
    if top < bottom and left < right:
        out[..., top - row : bottom - row, left - column : right - column] = image[
            ..., top:bottom, left:right
        ]
    return out


def _seen_by_all(truth: Truth, kept: Kept) -> Bool:
    """Pixels of the reference that lie at least 4 pixels inside every kept frame."""
    width, height = truth.settings.size
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    seen = np.ones((height, width), np.bool_)
    for index in kept.indices:
        for side, row in zip((width, height), truth.relative(kept.reference, index), strict=True):
            place = row[0] * x + row[1] * y + row[2]
            seen &= (place >= 4) & (place <= side - 5)
    return seen


def _share_of_pixels(truth: Truth, band: int) -> float:
    """Part of the pixels that sees a band: on a mosaic a quarter, of green a half."""
    return 1.0 if truth.settings.mono else (0.25, 0.5, 0.25)[band]


def _frame_variances(truth: Truth, kept: Kept, band: int, flux: F64, area: float) -> F64:
    """Variance in ADU² of a sum over ``area`` pixels that holds ``flux`` e⁻; a row a frame."""
    settings = truth.settings
    colour = band_colour(truth, SKY_COLOUR)[band]
    scale = truth.frames[kept.reference].transparency / settings.gain
    rows = []
    for index in kept.indices:
        frame = truth.frames[index]
        electrons = flux * frame.transparency + area * background_variance(settings, frame.sky * colour)
        rows.append(electrons / _share_of_pixels(truth, band) * (scale / frame.transparency) ** 2)
    return np.array(rows)


def frames_that_see(truth: Truth, kept: Kept, x: F64, y: F64, reach: float) -> Bool:
    """Whether each kept frame holds all within ``reach`` pixels of places of the reference, [frame, place]."""
    width, height = truth.settings.size
    places = np.stack([x, y, np.ones_like(x)])
    seen = np.empty((len(kept.indices), x.size), np.bool_)
    for row, index in enumerate(kept.indices):
        there_x, there_y = truth.relative(kept.reference, index) @ places
        across = (there_x >= reach) & (there_x <= width - 1 - reach)
        seen[row] = across & (there_y >= reach) & (there_y <= height - 1 - reach)
    return seen


def photon_limit(
    truth: Truth, kept: Kept, band: int, flux: F64, area: float, seen: Bool | None = None
) -> F64:
    """Standard error of the inverse-variance mean of all kept frames: no stack can do better.

    Of those that are ``seen`` [frame, star], where that is given; infinite where none is.
    """
    information = 1 / _frame_variances(truth, kept, band, flux, area)
    if seen is not None:
        information = np.where(seen, information, 0.0)
    with np.errstate(divide="ignore"):
        limit: F64 = 1 / np.sqrt(information.sum(axis=0))
    return limit


def pixel_limit(truth: Truth, kept: Kept, band: int) -> float:
    """Photon limit of one pixel of empty sky."""
    return float(photon_limit(truth, kept, band, np.zeros(1), 1.0)[0])
