"""What came of each stack, and how good it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidera.detection.find import find_stars
from sidera.detection.quality import figures
from sidera.detection.sky import sky_mesh
from sidera.model.frame import Figures
from sidera.model.stack import Stack
from sidera.pipeline.combine import Integrated
from sidera.pipeline.decide import Placed
from sidera.pipeline.groups import StackGroup
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.samples import Grid
from sidera.types import F32, Bool

ENOUGH = 2_000_000
"""Pixels that tell a median to a thousandth of their scatter."""
SKY_SIGMA = 3.0
"""Pixels that stand out by no more than this are sky."""


@dataclass(frozen=True)
class Outcome:
    """One stack, and what it was made of."""

    group: StackGroup
    stack: Stack
    placed: tuple[Placed, ...]
    grid: Grid
    made: Integrated
    file: Path | None = None
    """Where the stack lies already, if it was made in a file."""

    @property
    def planes(self) -> F32:
        """The image as ``[channel, row, column]``; in a file's byte order where it lies in one."""
        image = self.stack.image
        return image if image.ndim == 3 else image[np.newaxis]


def stack_figures(outcome: Outcome, recipe: Recipe) -> Figures:
    """Stars, sky and sharpness of the stack itself, as those of a frame."""
    planes = outcome.planes
    middle = planes[len(planes) // 2]
    stars = find_stars(middle, recipe.detection)
    return figures(stars, [sky_mesh(plane, recipe.detection.mesh) for plane in planes])


def noise_of_one(outcome: Outcome) -> list[float]:
    """Noise of a typical registered frame on the sky, per channel, in ADU; NaN where there were too few frames."""
    return [
        float("nan") if model is None else float(np.sqrt(np.median(model.a))) for model in outcome.made.noise
    ]


def noise_map_median(outcome: Outcome) -> list[float]:
    """Median of the stack's own noise map, per channel, in ADU; of a large one's every third or so row and column."""
    noise = outcome.stack.noise if outcome.stack.noise.ndim == 3 else outcome.stack.noise[np.newaxis]
    step = max(1, int(np.sqrt(noise[0].size / ENOUGH)))
    noise = noise[:, ::step, ::step]
    return [
        float(np.median(plane[known])) if (known := np.isfinite(plane)).any() else float("nan")
        for plane in noise
    ]


def noise_by_halves(outcome: Outcome) -> list[float]:
    """Noise of the stack on the sky from the difference of its halves, per channel, in ADU.

    ``(A - B) √(W_A W_B) / (W_A + W_B)`` has exactly the noise of the whole stack, correlated or not; its robust
    deviation is taken where the stack shows sky. Empty where no halves were made.
    """
    if outcome.stack.halves is None:
        return []
    odd, even = (half if half.ndim == 3 else half[np.newaxis] for half in outcome.stack.halves)
    weights = np.array([one.weight for one in outcome.placed])
    first, second = weights[::2].sum(), weights[1::2].sum()
    if not second:
        return []
    share = np.float32(np.sqrt(first * second) / (first + second))
    return [
        _deviation((share * (one - other))[_sky(plane)])
        for one, other, plane in zip(odd, even, outcome.planes, strict=True)
    ]


def _sky(plane: F32) -> Bool:
    mesh = sky_mesh(plane)
    flat = mesh.subtract(plane)
    return np.isfinite(flat) & (np.abs(flat) < SKY_SIGMA * mesh.median_noise)


def _deviation(values: F32) -> float:
    known = values[np.isfinite(values)]
    return 1.4826 * float(np.median(np.abs(known - np.median(known)))) if known.size else float("nan")
