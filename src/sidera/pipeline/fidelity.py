"""How true a stack is: measured against a simulated night, where the truth is known."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.loading import loading
from sidera.model.transform import Transform
from sidera.pipeline.expectation import (
    Expected,
    Kept,
    bands,
    expected_stack,
    frames_that_see,
    kept_frames,
    photon_limit,
    pixel_limit,
)
from sidera.simulate.night import Truth
from sidera.simulate.psf import peak_fraction
from sidera.simulate.sky import stars_in
from sidera.types import F32, F64, I64, Bool, plain

APERTURE = 2.5
"""Radius in FWHM."""
ANNULUS = (4.0, 6.0)
"""Inner and outer radius in FWHM."""
APART = 8.0
"""Stars are measured when their nearest neighbour is farther than this, in FWHM."""
SNR = 50.0
"""Stars are measured from this SNR in the stack on."""
GRID = (30, 20)
BLOCK = 4
"""Background noise is measured on means of 4 x 4 pixels: the scale of a star, past interpolation."""
MESH = 64


class FrameFidelity(msgspec.Struct, frozen=True, kw_only=True):
    """One kept frame: rms error of its transform over a 30 x 20 grid, pixels."""

    file: str
    transform_rms: float


class ChannelFidelity(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of the stack. NaN where there was nothing to measure."""

    band: str
    stars: int
    """Stars measured: isolated, unsaturated, SNR > 50 in the stack."""
    flux_bias: float
    """Median error of star fluxes, %."""
    flux_scatter: float
    """Scatter of star fluxes over what photon and read noise alone would give (1 is perfect)."""
    flux_scatter_percent: float
    """The same scatter in %."""
    flux_slope: float
    """Slope of the flux error over the field, % edge to edge, along its steepest direction."""
    fwhm_growth: float
    """Growth of the diameter that holds half of a star's light over that of the frames' own mixture, %."""
    empty_pixels: int
    """Background pixels examined: where the truth is empty and every kept frame sees the sky."""
    false_pixels: int
    """Of these, how many stand out by more than 6 sigma."""
    false_ppm: float
    noise_ratio: float
    """Background noise of 4 x 4 pixel means over the photon limit (1 is perfect)."""
    pixel_noise_ratio: float
    """The same for single pixels; interpolation smooths, so that it may lie under 1."""
    noise: float
    """Background noise of single pixels, ADU of the reference."""
    noise_map_ratio: float
    """Median of the stack's own noise map over the measured noise."""


class Fidelity(msgspec.Struct, frozen=True, kw_only=True):
    """A stack against the truth."""

    frames: tuple[FrameFidelity, ...]
    transform_rms: float
    """Over all kept frames, pixels."""
    worst_transform_rms: float
    channels: tuple[ChannelFidelity, ...]


def fidelity(
    image: object,
    noise: object | None,
    transforms: Mapping[str, Transform],
    truth: Truth,
    reference: str,
    *,
    origin: tuple[float, float] = (0.0, 0.0),
    weights: Mapping[str, float] | None = None,
) -> Fidelity:
    """Compare a stack with the truth of the night it was made from.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (3, rows, columns)
        Linear stack in ADU on the reference's grid and photometric scale; NaN where not measured.
    noise : array of the same shape, or None
        The stack's own standard error per pixel; pixels are judged by it. None: by the measured noise.
    transforms : mapping of file name to Transform
        The frames that were kept, each with its map from the reference's pixels to its own.
    truth : Truth
        The night.
    reference : str
        File name of the reference; only the last part of each name counts.
    origin : pair of float
        Reference pixel (x, y) at the stack's first pixel, where it is cropped or larger; whole numbers.
    weights : mapping of file name to weight, optional
        With which the frames were averaged; equal when not given. They mix the seeing expected in the stack.

    Returns
    -------
    Fidelity
        Figures a frame and a channel.

    Raises
    ------
    UsageError
        For a file that the truth does not know.
    ShapeError
        When the image's channels are not those of the night.
    """
    stack, sigma = plain(image), None if noise is None else plain(noise)
    kept = kept_frames(transforms, truth, reference, weights)
    planes, maps = _channels(stack, truth, kept), [None] if sigma is None else _channels(sigma, truth, kept)
    frames = _transform_errors(transforms, truth, kept)
    squares = [frame.transform_rms**2 for frame in frames]
    expected = expected_stack(truth, kept, planes[0].shape, origin)
    channels = tuple(
        _channel(plane, maps[index % len(maps)], expected, truth, kept, origin, index)
        for index, plane in enumerate(planes)
    )
    return Fidelity(
        frames=frames,
        transform_rms=math.sqrt(sum(squares) / len(squares)),
        worst_transform_rms=math.sqrt(max(squares)),
        channels=channels,
    )


def table(result: Fidelity) -> str:
    """The figures as text for people, one column a channel."""
    rows = [
        ("star flux bias, %", "flux_bias", "+.2f"),
        ("star flux scatter / photon limit", "flux_scatter", ".2f"),
        ("star flux scatter, %", "flux_scatter_percent", ".2f"),
        ("star flux slope, % edge to edge", "flux_slope", ".2f"),
        ("star growth, %", "fwhm_growth", "+.2f"),
        ("stars measured", "stars", "d"),
        ("false pixels beyond 6 sigma", "false_pixels", "d"),
        ("  of empty pixels, ppm", "false_ppm", ".1f"),
        ("background noise / photon limit, 4x4 px", "noise_ratio", ".3f"),
        ("background noise / photon limit, 1 px", "pixel_noise_ratio", ".3f"),
        ("noise map / measured noise", "noise_map_ratio", ".3f"),
    ]
    lines = [
        f"{'transforms, rms px':40}{result.transform_rms:10.4f}",
        f"{'  worst frame':40}{result.worst_transform_rms:10.4f}",
        f"{'':40}" + "".join(f"{channel.band:>10}" for channel in result.channels),
    ]
    for label, name, style in rows:
        lines.append(
            f"{label:40}" + "".join(f"{format(getattr(c, name), style):>10}" for c in result.channels)
        )
    return "\n".join(lines)


def aperture_sum(image: F32, x: float, y: float, inner: float, outer: float) -> tuple[float, float]:
    """Sum of an image between two radii about a point, and the area in pixels.

    Pixels on an edge count by the part of their 5 x 5 sub-pixels inside. NaN when it reaches off the image.
    """
    left, right = math.floor(x - outer), math.ceil(x + outer) + 1
    top, bottom = math.floor(y - outer), math.ceil(y + outer) + 1
    if left < 0 or top < 0 or right > image.shape[1] or bottom > image.shape[0]:
        return math.nan, math.nan
    share = _inside(right - left, bottom - top, x - left, y - top, outer)
    if inner > 0:
        share -= _inside(right - left, bottom - top, x - left, y - top, inner)
    used = np.where(share > 0, image[top:bottom, left:right], 0)
    return float((share * used).sum()), float(share.sum())


def _inside(columns: int, rows: int, x: float, y: float, radius: float) -> F64:
    offsets = (np.arange(5) - 2) / 5
    dx = (np.arange(columns)[:, None] + offsets).ravel() - x
    dy = (np.arange(rows)[:, None] + offsets).ravel() - y
    inside = dx[None, :] ** 2 + dy[:, None] ** 2 <= radius**2
    share: F64 = inside.reshape(rows, 5, columns, 5).mean(axis=(1, 3))
    return share


def _channels(image: F32, truth: Truth, kept: Kept) -> list[F32]:
    colours = 1 if truth.settings.mono else 3
    planes = image[None] if image.ndim == 2 else image
    if planes.ndim != 3 or planes.shape[0] != colours:
        raise ShapeError(
            f"stack of shape {image.shape} for a night of {colours} channel(s)", "one plane a channel"
        )
    seen = {truth.frames[index].band for index in (*kept.indices, kept.reference)}
    if len(seen) > 1:
        raise UsageError(
            "the kept frames are of more than one filter", "compare one filter's stack at a time"
        )
    return list(planes)


def _transform_errors(
    transforms: Mapping[str, Transform], truth: Truth, kept: Kept
) -> tuple[FrameFidelity, ...]:
    width, height = truth.settings.size
    x, y = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(0, width - 1, GRID[0]), np.linspace(0, height - 1, GRID[1]))
    )
    frames = []
    for transform, index in zip(transforms.values(), kept.indices, strict=True):
        got_x, got_y = transform.apply(x, y)
        true_x, true_y = truth.relative(kept.reference, index) @ np.stack([x, y, np.ones_like(x)])
        rms = math.sqrt(float(np.mean((got_x - true_x) ** 2 + (got_y - true_y) ** 2)))
        frames.append(FrameFidelity(file=truth.frames[index].file, transform_rms=rms))
    return tuple(frames)


def _channel(
    plane: F32,
    noise: F32 | None,
    expected: Expected,
    truth: Truth,
    kept: Kept,
    origin: tuple[float, float],
    index: int,
) -> ChannelFidelity:
    band = bands(truth, kept)[index]
    excess = plane - expected.light[index] - expected.sky[index]
    background = _background(excess, noise, expected.empty, pixel_limit(truth, kept, band))
    stars = _star_figures(plane, excess, expected.light[index], truth, kept, origin, band)
    return ChannelFidelity(band=truth.bands[band], **background, **stars)


def _background(excess: F32, noise: F32 | None, empty: Bool, limit: float) -> dict[str, Any]:
    """Figures of the empty sky, once what is smooth over 64 pixels has been taken off."""
    used = empty & np.isfinite(excess)
    level = excess - _quadratic(excess, used)  # else the mesh would err where a cell is seen off its centre
    flat = np.where(used, level - _smooth(level, used), np.float32(np.nan))
    sigma = _spread(flat[used])
    count = int(used.sum())
    wrong = int((np.abs(flat[used]) > 6 * (sigma if noise is None else noise[used])).sum())
    return {
        "empty_pixels": count,
        "false_pixels": wrong,
        "false_ppm": 1e6 * wrong / count if count else math.nan,
        "noise": sigma,
        "pixel_noise_ratio": sigma / limit,
        "noise_ratio": _spread(_block_means(flat)) * BLOCK / limit,
        "noise_map_ratio": math.nan if noise is None or not count else float(np.median(noise[used])) / sigma,
    }


def _spread(values: F32) -> float:
    """Robust standard deviation: 1.4826 MAD; NaN of nothing."""
    if values.size == 0:
        return math.nan
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _quadratic(excess: F32, used: Bool) -> F32:
    """Least-squares quadratic surface through every tenth used pixel."""
    row, column = (index[::10] for index in np.nonzero(used))
    if row.size < 100:
        return np.zeros_like(excess)
    factors = np.linalg.lstsq(_terms(row, column), excess[row, column], rcond=None)[0]
    rows, columns = (index.ravel() for index in np.indices(excess.shape))
    surface: F32 = (_terms(rows, columns) @ factors).reshape(excess.shape).astype(np.float32)
    return surface


def _terms(row: I64, column: I64) -> F64:
    x, y = column / 1000, row / 1000
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _smooth(excess: F32, used: Bool) -> F32:
    """Medians of 64-pixel cells, interpolated bilinearly; empty cells take the overall median."""
    rows, columns = excess.shape
    tall, wide = -(-rows // MESH), -(-columns // MESH)
    level = np.median(excess[used]) if used.any() else np.float32(0)
    mesh = np.full((tall, wide), level)
    for i, j in np.ndindex(tall, wide):
        cell = slice(i * MESH, (i + 1) * MESH), slice(j * MESH, (j + 1) * MESH)
        if used[cell].sum() > MESH:
            mesh[i, j] = np.median(excess[cell][used[cell]])
    at_rows = np.clip((np.arange(rows) + 0.5) / MESH - 0.5, 0, tall - 1)
    at_columns = np.clip((np.arange(columns) + 0.5) / MESH - 0.5, 0, wide - 1)
    smooth: F32 = _between(_between(mesh, at_rows).T, at_columns).T.astype(np.float32)
    return smooth


def _between(mesh: F64, at: F64) -> F64:
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, mesh.shape[0] - 1)
    part = (at - low)[:, None]
    between: F64 = mesh[low] * (1 - part) + mesh[high] * part
    return between


def _block_means(image: F32) -> F32:
    """Means of 4 x 4 blocks that are wholly measured."""
    rows, columns = (side // BLOCK * BLOCK for side in image.shape)
    blocks: F32 = (
        image[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3))
    )
    return blocks[np.isfinite(blocks)]


def _star_figures(
    plane: F32, excess: F32, light: F32, truth: Truth, kept: Kept, origin: tuple[float, float], band: int
) -> dict[str, Any]:
    fwhm = float(np.dot(kept.weights, [truth.frames[index].fwhm for index in kept.indices]))
    x, y, true, limit = _chosen_stars(truth, kept, origin, band, fwhm)
    wrong = np.array([_net(excess, a, b, fwhm) for a, b in zip(x, y, strict=True)])
    held = np.array([_net(light, a, b, fwhm) for a, b in zip(x, y, strict=True)])
    good = np.isfinite(wrong) & np.isfinite(held)
    share = _centre(
        held[good] / true[good]
    )  # of a star's light the aperture holds this much more than the annulus
    error, relative = wrong[good] / (share * true[good]), limit[good] / true[good]
    bias, scatter = _centre(error), _spread(((error - _centre(error)) / relative).astype(np.float32))
    growth = [_growth(plane, light, a, b, fwhm) for a, b in zip(x[good], y[good], strict=True)]
    return {
        "stars": int(good.sum()),
        "flux_bias": 100 * bias,
        "flux_scatter": scatter,
        "flux_scatter_percent": 100 * _spread(error.astype(np.float32)),
        "flux_slope": 100 * _slope(x[good], y[good], error, relative, plane.shape),
        "fwhm_growth": 100 * (_centre(np.array(growth)) - 1),
    }


def _centre(values: F64) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


def _chosen_stars(
    truth: Truth, kept: Kept, origin: tuple[float, float], band: int, fwhm: float
) -> tuple[F64, F64, F64, F64]:
    """x, y in the stack, true flux in ADU and photon limit, of isolated, unsaturated stars of SNR > 50."""
    x, y, flux = stars_in(truth, kept.reference)
    true = flux[:, band] / truth.settings.gain
    aperture = math.pi * (APERTURE * fwhm) ** 2
    # The sky's own error, from the annulus, comes on top of the aperture's noise.
    area = aperture * (1 + APERTURE**2 / (ANNULUS[1] ** 2 - ANNULUS[0] ** 2))
    margin = APERTURE * fwhm
    electrons = flux[:, band] / truth.frames[kept.reference].transparency
    limit = photon_limit(truth, kept, band, electrons, area, frames_that_see(truth, kept, x, y, margin))
    width, height = truth.settings.size
    inside = (x > margin) & (x < width - 1 - margin) & (y > margin) & (y < height - 1 - margin)
    chosen = (
        inside & (true > SNR * limit) & (_neighbour(x, y) > APART * fwhm) & ~_saturates(truth, kept, band)
    )
    return x[chosen] - origin[0], y[chosen] - origin[1], true[chosen], limit[chosen]


def _neighbour(x: F64, y: F64) -> F64:
    """Distance to the nearest other star."""
    with loading:
        from scipy.spatial import cKDTree  # loads slowly, and only comparisons need it

    if x.size < 2:
        return np.full(x.size, np.inf)
    places = np.stack([x, y], axis=1)
    nearest: F64 = np.asarray(cKDTree(places).query(places, k=2)[0])[:, 1]
    return nearest


def _saturates(truth: Truth, kept: Kept, band: int) -> Bool:
    """Stars whose peak comes within 20 % of saturation: vignetting leaves the middle brighter."""
    settings = truth.settings
    flux = np.array([star.flux[band] for star in truth.stars]).reshape(-1)
    peaks = [
        truth.frames[index].transparency * peak_fraction(settings.psf, truth.frames[index].fwhm)
        for index in kept.indices
    ]
    room = settings.saturation - settings.bias - settings.sky / settings.gain
    saturates: Bool = flux * max(peaks) / settings.gain > 0.8 * room
    return saturates


def _net(image: F32, x: float, y: float, fwhm: float) -> float:
    """Aperture sum above the mean of the annulus."""
    inner, area = aperture_sum(image, x, y, 0, APERTURE * fwhm)
    ring, ring_area = aperture_sum(image, x, y, ANNULUS[0] * fwhm, ANNULUS[1] * fwhm)
    return inner - ring / ring_area * area if ring_area > 0 else math.nan


def _growth(plane: F32, light: F32, x: float, y: float, fwhm: float) -> float:
    return _half_light(plane, x, y, fwhm) / _half_light(light, x, y, fwhm)


def _half_light(image: F32, x: float, y: float, fwhm: float) -> float:
    """Radius that holds half of the light inside the aperture."""
    ring, ring_area = aperture_sum(image, x, y, ANNULUS[0] * fwhm, ANNULUS[1] * fwhm)
    radii = np.linspace(0.2, APERTURE, 47) * fwhm
    sums = [aperture_sum(image, x, y, 0, radius) for radius in radii]
    light = np.array([total - ring / ring_area * area for total, area in sums])
    if not np.isfinite(light).all() or light[-1] <= 0:
        return math.nan
    return float(np.interp(0.5 * light[-1], np.maximum.accumulate(light), radii))


def _slope(x: F64, y: F64, error: F64, relative: F64, shape: tuple[int, ...]) -> float:
    """Weighted least-squares plane through the flux errors; its steepest rise from edge to edge."""
    if error.size < 6:
        return math.nan
    keep = np.abs(error - np.median(error)) < 5 * np.maximum(relative, _spread(error.astype(np.float32)))
    design = np.stack([np.ones_like(x), x / shape[1] - 0.5, y / shape[0] - 0.5], axis=1)[keep]
    # 0.3 %: what position in a pixel does to an aperture; else the brightest star alone would set the slope.
    weight = 1 / np.hypot(relative[keep], 0.003)
    plane = np.linalg.lstsq(design * weight[:, None], error[keep] * weight, rcond=None)[0]
    return float(np.hypot(plane[1], plane[2]))
