"""Mono stacks brought onto one grid by their stars."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sidera.detection.find import find_stars
from sidera.detection.sky import sky_mesh
from sidera.errors import FrameError, UsageError
from sidera.integration.normalise import Scale
from sidera.integration.resample import resample
from sidera.model.stack import Counts, Stack
from sidera.model.stars import Stars
from sidera.model.transform import Transform
from sidera.pipeline.progress import Progress
from sidera.registration.solve import solve
from sidera.types import F32

ON_GRID = 0.1
"""Pixels: stacks that lie no further apart than this are taken as they are, since resampling softens."""
STEP = 32
"""Positions are exact every so many pixels, and linear between."""
SHARP = 25.0
"""SNR from which a star's place helps a fit."""
ENOUGH = 80
"""Where fewer stars are that bright, so many of the brightest are used."""
UNSCALED = Scale(1.0, float("inf"), 0)


@dataclass(frozen=True)
class Channel:
    """A stack on the common grid, what was measured on it, and how it came there."""

    name: str
    stack: Stack
    sky: float
    noise: float
    moved: str
    scale: Scale = UNSCALED

    def light(self, rows: slice) -> F32:
        """Light above the sky, scaled."""
        light: F32 = (self.stack.image[rows] - np.float32(self.sky)) * np.float32(self.scale.value)
        return light


def on_one_grid(stacks: Mapping[str, Stack], progress: Progress) -> dict[str, Channel]:
    """Every stack on the pixels of one of them."""
    stars = {name: find_stars(np.ascontiguousarray(stack.image)) for name, stack in stacks.items()}
    first = "l" if "l" in stacks else max(stacks, key=lambda name: len(stars[name]))
    placed = {}
    for name, stack in stacks.items():
        moved, told = (
            (stack, "the grid") if name == first else _moved(name, stack, stacks[first], stars, first)
        )
        sky = sky_mesh(moved.image)
        placed[name] = Channel(name, moved, finite(sky.median_level), finite(sky.median_noise), told)
        progress.step(name)
    return placed


def finite(value: float) -> float:
    """The value; 0 where nothing was measured."""
    return value if np.isfinite(value) else 0.0


def _moved(name: str, stack: Stack, first: Stack, stars: Mapping[str, Stars], onto: str) -> tuple[Stack, str]:
    """A stack on another's grid; as it is where it lies there already."""
    same = stack.image.shape == first.image.shape
    here, there = _placing(stars[onto]), _placing(stars[name])
    shapes = (first.image.shape[0], first.image.shape[1]), (stack.image.shape[0], stack.image.shape[1])
    try:
        found = solve(here, there, shape_reference=shapes[0], shape_frame=shapes[1])
    except FrameError as error:
        if same:  # stacks of one run, too few stars to prove it
            return stack, f"taken to lie on the grid: {error.what}"
        raise UsageError(
            f"{name} measures {shapes[1]}, {onto} {shapes[0]}, and their stars do not match ({error.what})",
            "Stack both onto one grid: sidera stack, with all filters in one folder",
        ) from error
    away = _furthest(found.transform, shapes[0])
    if same and away < ON_GRID:
        return stack, f"on the grid to {away:.3f} px"
    x, y = found.transform.shift
    told = f"moved by {x:.2f}, {y:.2f} px, turned by {found.transform.rotation:.3f}°, {found.inliers} stars"
    return _resampled(stack, found.transform, shapes[0]), told


def _placing(stars: Stars) -> Stars:
    """The stars that a fit can rest on."""
    sharp = stars.snr >= SHARP
    return stars[sharp] if sharp.sum() >= ENOUGH else stars[:ENOUGH]


def _furthest(transform: Transform, shape: tuple[int, int]) -> float:
    """How far the transform moves any of nine places of the image, in pixels."""
    y, x = (
        axis.ravel() for axis in np.meshgrid(*(np.linspace(0, size - 1, 3) for size in shape), indexing="ij")
    )
    there_x, there_y = transform.apply(x, y)
    return float(np.hypot(there_x - x, there_y - y).max())


def _resampled(stack: Stack, transform: Transform, shape: tuple[int, int]) -> Stack:
    """Image by Lanczos-3, noise and weight between pixels, counts by the nearest."""
    x, y = transform.grid(0, 0, *shape, STEP)
    noise = finite(sky_mesh(stack.image).median_noise)

    def at(plane: F32, how: Literal["lanczos3", "bilinear", "nearest"]) -> F32:
        sigma = noise if how == "lanczos3" else None
        moved: F32 = resample(plane, None, x, y, STEP, shape, how, noise=sigma)[0]
        return moved

    def counted(plane: Counts) -> Counts:
        return np.nan_to_num(at(np.asarray(plane, np.float32), "nearest"), nan=0.0).astype(np.uint16)

    return replace(
        stack,
        image=at(stack.image, "lanczos3"),
        noise=at(np.asarray(stack.noise, np.float32), "bilinear"),
        weight=at(np.asarray(stack.weight, np.float32), "bilinear"),
        coverage=counted(stack.coverage),
        rejected_low=counted(stack.rejected_low),
        rejected_high=counted(stack.rejected_high),
        halves=None,
    )
