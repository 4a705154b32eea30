"""Decide: measurements in, decisions out: reference, transforms, scales, sky surfaces, weights, who stays. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sidera.errors import FrameError, NothingToStackError, Refusal, UsageError
from sidera.integration.normalise import Scale, Surface, photometric_scale, sky_difference
from sidera.integration.weigh import weights
from sidera.model.header import Kind
from sidera.model.transform import Transform
from sidera.pipeline.measure import Light, Measurement
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Refused, refusal
from sidera.registration.reference import choose_reference
from sidera.registration.solve import Solution, solve
from sidera.types import F64, I64

CLEAR = 30.0
"""SNR from which a star's colour counts."""
WIDEST_GAIN = 5.0
MESH = 64
"""Pixels between the points at which two frames' skies are compared."""
SHARP = 25.0
"""SNR from which a star's place is known to a tenth of a pixel or so: fainter ones add noise to a fit, and no proof."""
ENOUGH = 80
"""Where fewer stars are that bright, so many of the brightest are used."""
UNSCALED = Scale(1.0, 0.0, 0)
REFERENCES = 3
"""So many frames are tried as reference before the rest is given up."""


@dataclass(frozen=True)
class Measured:
    """A light with its figures."""

    light: Light
    found: Measurement


@dataclass(frozen=True)
class Placed:
    """A light that goes into a stack: where it lies, how it is normalised, how much it counts."""

    light: Light
    found: Measurement
    solution: Solution
    scale: Scale = UNSCALED
    surfaces: tuple[Surface, ...] = ()
    weight: float = 1.0

    @property
    def transform(self) -> Transform:
        """Reference (x, y) -> frame (x, y)."""
        return self.solution.transform


@dataclass(frozen=True)
class Registered:
    """All lights on one reference: those that fit, and those that do not."""

    reference: Measured
    solutions: dict[int, Solution]
    """By index of the light in the run."""
    refused: tuple[Refused, ...]


def register(lights: Sequence[Measured], recipe: Recipe, progress: Progress) -> Registered:
    """Choose the reference and bring every light onto it.

    A reference that fewer than half of the lights fit is itself suspect; then the best of those that did not fit
    is tried, and the reference that most lights fit is kept.

    Raises
    ------
    NothingToStackError
        When no light shows a star.
    UsageError
        When the reference that was asked for is not among the lights.
    """
    if recipe.registration.reference != "auto":
        return _onto(_named(lights, recipe.registration.reference), lights, recipe, progress)
    pool = list(range(len(lights)))
    best: Registered | None = None
    for _ in range(REFERENCES):
        chosen = pool[choose_reference([lights[index].found.figures for index in pool])]
        attempt = _onto(chosen, lights, recipe, progress)
        if best is None or len(attempt.solutions) > len(best.solutions):
            best = attempt
        pool = [index for index in pool if index not in attempt.solutions]
        starry = any(lights[index].found.figures.stars for index in pool)
        if 2 * len(attempt.solutions) >= len(lights) or not starry:
            break
    assert best is not None  # REFERENCES is at least 1
    return best


def _named(lights: Sequence[Measured], name: str) -> int:
    for index, one in enumerate(lights):
        path = Path(one.light.id.path)
        if name in (path.name, path.stem, str(path)) or Path(name).expanduser().absolute() == path:
            return index
    raise UsageError(
        f"the reference {name!r} is not among the {len(lights)} lights", "give the name of one of them"
    )


def _onto(reference: int, lights: Sequence[Measured], recipe: Recipe, progress: Progress) -> Registered:
    base = lights[reference]
    anchors = _placing(base)
    progress.stage("register", len(lights), f"onto {Path(base.light.id.path).name}")
    solutions: dict[int, Solution] = {}
    refused: list[Refused] = []
    prediction: Transform | None = None
    for index, one in enumerate(lights):
        chosen = _placing(one)
        try:
            solution = solve(
                base.found.stars[anchors],
                one.found.stars[chosen],
                recipe.registration,
                shape_reference=base.light.shape,
                shape_frame=one.light.shape,
                prediction=prediction,
            )
        except FrameError as error:
            refused.append(refusal(one.light.id, error, Kind.LIGHT))
        else:
            pairs = np.column_stack([anchors[solution.pairs[:, 0]], chosen[solution.pairs[:, 1]]])
            solution = replace(solution, pairs=pairs)
            if index == reference:  # its own grid, exactly: no rounding of a fit may blur the best frame
                solution = replace(solution, transform=Transform.identity())
            solutions[index] = solution
            prediction = solution.transform
        progress.step(Path(one.light.id.path).name)
    return Registered(base, solutions, tuple(refused))


def _placing(one: Measured) -> I64:
    """Indices of the stars that a frame is registered by, brightest first."""
    snr = one.found.stars.snr
    least = min(SHARP, float(np.sort(snr)[-ENOUGH])) if snr.size > ENOUGH else 0.0
    return np.flatnonzero(snr >= least)


def place(members: Sequence[Placed], base: Measured, recipe: Recipe) -> tuple[list[Placed], list[Refused]]:
    """Scale, sky surfaces and weights of the lights of one stack; those too poor to help are refused.

    Raises
    ------
    NothingToStackError
        When there are none.
    """
    if not members:
        raise NothingToStackError("no light of this stack could be registered", "see why each was refused")
    anchor = _anchor(members, base)
    scaled = [_normalised(one, anchor, base, recipe) for one in members]
    noise = np.array([np.mean(one.found.figures.noise) for one in scaled])
    scale = np.array([one.scale.value for one in scaled])
    fwhm = np.array([one.found.figures.fwhm for one in scaled])
    share = weights(_positive(noise), scale, fwhm, recipe.integration)
    kept = [
        replace(one, weight=float(weight)) for one, weight in zip(scaled, share, strict=True) if weight > 0
    ]
    refused = [_poor(one, recipe) for one, weight in zip(scaled, share, strict=True) if not weight > 0]
    return kept, refused


def _positive(noise: F64) -> F64:
    """Noise of a frame that shows none (a synthetic one) counts as the least that there is."""
    least = noise[noise > 0].min() if (noise > 0).any() else 1.0
    return np.where(noise > 0, noise, least)


def _poor(one: Placed, recipe: Recipe) -> Refused:
    share = (
        f"the best {100 * recipe.integration.keep:.0f} % are kept"
        if recipe.integration.keep < 1
        else "its weight is under 5 % of the median"
    )
    figures = one.found.figures
    reason = (
        f"{share}; it has a FWHM of {figures.fwhm:.2f} px and a noise of {np.mean(figures.noise):.1f} ADU"
    )
    return Refused(
        one.light.id, Refusal.POOR_QUALITY, reason, "keep more with --keep, or leave it out", Kind.LIGHT
    )


def _anchor(members: Sequence[Placed], base: Measured) -> Placed:
    """The light whose brightness and sky the stack takes: the reference, or else the best of the stack."""
    for one in members:
        if one.light.id == base.light.id:
            return one
    return members[choose_reference([one.found.figures for one in members])]


def _normalised(one: Placed, anchor: Placed, base: Measured, recipe: Recipe) -> Placed:
    channels = len(one.found.skies)
    if recipe.integration.normalisation == "none":
        return replace(one, surfaces=(Surface(),) * channels)
    scale = UNSCALED if one is anchor else _scale(one, anchor)
    order = 2 if recipe.integration.normalisation == "local" else 0
    x, y = _mesh_points(base.light.shape)
    surfaces = tuple(
        sky_difference(_sky_at(anchor, channel, x, y), _sky_at(one, channel, x, y), x, y, scale.value, order)
        for channel in range(channels)
    )
    return replace(one, scale=scale, surfaces=surfaces)


def _scale(one: Placed, anchor: Placed) -> Scale:
    """From stars that both frames share with the reference, in green (or the one channel)."""
    theirs = dict(anchor.solution.pairs.tolist())
    shared = [(theirs[star], own) for star, own in one.solution.pairs.tolist() if star in theirs]
    if not shared:
        return Scale(1.0, float("inf"), 0)
    there, here = np.array(shared).T
    clear = ~(anchor.found.stars.saturated[there] | one.found.stars.saturated[here])
    there, here = there[clear], here[clear]
    channel = one.found.fluxes.shape[1] // 2
    return photometric_scale(
        anchor.found.fluxes[there, channel],
        one.found.fluxes[here, channel],
        anchor.found.stars.snr[there],
        one.found.stars.snr[here],
    )


def _mesh_points(shape: tuple[int, int]) -> tuple[F64, F64]:
    rows, columns = (max(2, round(size / MESH)) for size in shape)
    x = (np.arange(columns) + 0.5) * shape[1] / columns - 0.5
    y = (np.arange(rows) + 0.5) * shape[0] / rows - 0.5
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x, grid_y


def _sky_at(one: Placed, channel: int, x: F64, y: F64) -> F64:
    """Sky of a frame at places of the reference; NaN outside the frame."""
    there_x, there_y = one.transform.apply(x, y)
    rows, columns = one.light.shape
    inside = (there_x >= 0) & (there_x <= columns - 1) & (there_y >= 0) & (there_y <= rows - 1)
    return np.where(inside, one.found.skies[channel].level_at(there_x, there_y), np.nan)


def star_gains(lights: Sequence[Placed]) -> tuple[float, float, float]:
    """Factors on R, G and B that make the mean star neutral: one white balance for the run's demosaicing."""
    colours = [_clear_colours(one) for one in lights if one.found.fluxes.shape[1] == 3]
    ratios = np.concatenate(colours) if colours else np.empty((0, 3))
    if not len(ratios):
        return 1.0, 1.0, 1.0
    red, _, blue = np.clip(np.median(ratios, axis=0), 1 / WIDEST_GAIN, WIDEST_GAIN)
    return float(red), 1.0, float(blue)


def _clear_colours(one: Placed) -> F64:
    """Green over each colour, of stars bright enough to tell."""
    stars, fluxes = one.found.stars, one.found.fluxes
    good = (stars.snr > CLEAR) & ~stars.saturated & (fluxes > 0).all(axis=1)
    return fluxes[good, 1:2] / fluxes[good]
