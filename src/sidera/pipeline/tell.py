"""Tell what was done: from a finished run to its report."""

import base64
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sidera._version import __version__
from sidera.calibration.groups import Group
from sidera.errors import Refusal
from sidera.loading import loading
from sidera.model.frame import FrameId
from sidera.model.header import Kind
from sidera.model.stack import Stack
from sidera.pipeline.against_truth import against_truth, truth_table
from sidera.pipeline.decide import Measured, Placed, Registered
from sidera.pipeline.masters import CALIBRATION
from sidera.pipeline.measure import shrunk
from sidera.pipeline.outcome import Outcome, noise_by_halves, noise_map_median, noise_of_one, stack_figures
from sidera.pipeline.plan import Plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report import FrameReport, MasterReport, Report, StackReport, TransformReport, figures_of
from sidera.pipeline.scan import Found, Refused
from sidera.pipeline.thumbnail import jpeg
from sidera.pipeline.workers import both
from sidera.types import F32, plain

if TYPE_CHECKING:
    from sidera.pipeline.finish import Finished

LIBRARIES = ("numpy", "scipy", "numba", "astropy", "rawpy", "tifffile", "msgspec")
PICTURE = 1400
"""Pixels along the longer side of the report's picture."""


def build_report(
    plan: Plan,
    outcomes: Sequence[Outcome],
    measured: Mapping[FrameId, Measured],
    refused: Sequence[Refused],
    registered: Registered,
    progress: Progress,
) -> Report:
    """Everything that a run decided about every frame, and how good the stacks are."""
    left = {one.id: one for one in (*plan.refused, *refused)}
    stacks = tuple(_stack(outcome, plan, left, registered) for outcome in outcomes)
    members = {light.id: group.name for group in plan.stacks for light in group.lights}
    frames = [_refused(one, measured.get(one.id), members.get(one.id)) for one in left.values()]
    for outcome in outcomes:
        shares = outcome.made.rejected.tolist()
        frames += [
            _used(one, outcome, plan, left, share) for one, share in zip(outcome.placed, shares, strict=True)
        ]
    frames += [_calibration_frame(one, plan) for one in plan.seen.of(*CALIBRATION) if one.id not in left]
    progress.finish()
    return Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        frames=tuple(sorted(frames, key=lambda frame: (frame.path, frame.index))),
        stacks=stacks,
        plan=plan.as_dict(),
        recipe=plan.recipe.as_dict(),
        timings={name: round(seconds, 3) for name, seconds in progress.seconds.items()},
        versions=versions(),
        warnings=_warnings(plan, left),
    )


def _warnings(plan: Plan, left: Mapping[FrameId, Refused]) -> tuple[str, ...]:
    """What the user should know of the run as a whole."""
    said = {warning for row in plan.calibration.rows() for warning in row.warnings}
    lost = {f"the master {key} could not be made: it was left out" for key in _lost(plan, left)}
    return tuple(sorted(lost)) + tuple(sorted(said))


def _lost(plan: Plan, left: Mapping[FrameId, Refused]) -> set[str]:
    """Keys of the groups whose master could not be made: their frames were refused, and lights went on without."""
    return {group.key for group in plan.calibration.needed() if any(frame in left for frame in group.frames)}


def versions() -> dict[str, str]:
    """What the result depends on: Sidera, Python, libraries, system, processor."""
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    system = f"{platform.system()} {platform.machine()}"
    return {"sidera": __version__, "python": platform.python_version(), **found, "system": system}


def stack_summary(stack: StackReport) -> str:
    """One line for people; of a simulated night also the table of its figures against the truth."""
    parts = [f"{stack.name}: {stack.frames_used} frames"]
    if stack.exposure:
        parts.append(f"{stack.exposure / 60:.1f} min")
    if stack.fwhm is not None and np.isfinite(stack.fwhm):
        parts.append(f"FWHM {stack.fwhm:.2f} px")
    if stack.gain is not None and np.isfinite(stack.gain):
        parts.append(f"{stack.gain:.2f} times cleaner than one frame")
    if stack.frames_refused:
        parts.append(f"{stack.frames_refused} refused")
    line = ", ".join(parts)
    if stack.truth is None:
        return line
    return f"{line}\nAgainst the truth of the simulation:\n{truth_table(stack.truth)}"


def with_paths(report: Report, paths: Sequence[Path]) -> Report:
    """The report, each stack with the file it was written to."""
    stacks = [
        msgspec.structs.replace(stack, path=str(path))
        for stack, path in zip(report.stacks, paths, strict=True)
    ]
    return msgspec.structs.replace(report, stacks=tuple(stacks), stack=stacks[0])


def _stack(
    outcome: Outcome, plan: Plan, left: Mapping[FrameId, Refused], registered: Registered
) -> StackReport:
    (figures, own, halves), finished = both(
        lambda: (stack_figures(outcome, plan.recipe), noise_map_median(outcome), noise_by_halves(outcome)),
        lambda: _finished(outcome, plan.recipe),
        plan.threads,
    )
    one, best = noise_of_one(outcome), halves or own
    stack, samples = outcome.stack, float(outcome.stack.coverage.sum(dtype=np.float64))
    exposures = [placed.light.header.exposure or 0.0 for placed in outcome.placed]
    return StackReport(
        name=outcome.group.name,
        target=outcome.group.target,
        filter=outcome.group.filter,
        width=outcome.grid.columns,
        height=outcome.grid.rows,
        channels=len(outcome.planes),
        frames_used=len(outcome.placed),
        frames_refused=sum(frame.id in left for frame in outcome.group.lights),
        exposure=sum(exposures) or None,
        reference=Path(registered.reference.light.id.path).name,
        noise=tuple(own),
        noise_single=tuple(one),
        noise_halves=tuple(halves),
        gain=_times(one, best),
        efficiency=_times(_expected_noise(outcome), best),
        fwhm=figures.fwhm,
        stars=figures.stars,
        coverage_median=float(np.median(stack.coverage)),
        rejected_low=100 * float(stack.rejected_low.sum(dtype=np.float64)) / max(samples, 1),
        rejected_high=100 * float(stack.rejected_high.sum(dtype=np.float64)) / max(samples, 1),
        masters=tuple(_master(group, plan) for group in _serving(outcome, plan, left)),
        truth=against_truth(outcome, registered),
        finishing=finished.steps,
        picture=_in_text(jpeg(finished.picture)),
    )


def _finished(outcome: Outcome, recipe: Recipe) -> "Finished":
    """The finishing of a small copy: how the picture looks, at a fraction of its memory."""
    stack, image = outcome.stack, _small(outcome.planes, PICTURE)
    rows, columns = image.shape[-2:]
    side = stack.image.shape[-2] // rows
    coverage = np.array(stack.coverage[..., ::side, ::side][..., :rows, :columns], np.uint16)
    stars = tuple(
        {**star, "X": float(star["X"]) / side, "Y": float(star["Y"]) / side} for star in stack.star_colours
    )
    none, uncounted = np.empty((0, 0), np.float32), np.empty((0, 0), np.uint16)
    small = Stack(image, none, none, coverage, uncounted, uncounted)
    small = replace(small, bottom_up=stack.bottom_up, star_colours=stars)
    with loading:
        from sidera.pipeline.finish import finish_stack  # its rooms load slowly: a run begins without them

    return finish_stack(small, recipe, lambda _: None)


def _times(noise: Sequence[float], best: Sequence[float]) -> float | None:
    """Noise over the stack's, median of the channels; None where one is not known."""
    known = np.isfinite(noise).all() and np.isfinite(best).all() and np.all(np.array(best) > 0)
    return float(np.median(np.divide(noise, best))) if known else None


def _expected_noise(outcome: Outcome) -> list[float]:
    """What the frames' own noises and weights make of the mean, per channel, in ADU: √(Σ w² σ²) / Σ w."""
    weights = np.array([one.weight for one in outcome.placed])
    return [
        float("nan") if model is None else float(np.sqrt((weights**2 * model.a).sum()) / weights.sum())
        for model in outcome.made.noise
    ]


def _serving(outcome: Outcome, plan: Plan, left: Mapping[FrameId, Refused]) -> list[Group]:
    """The groups whose masters went into a stack, and into its flats."""
    pairings = [plan.calibration.pairings[one.light.id] for one in outcome.placed]
    keys = {key for pair in pairings for key in (pair.bias, pair.dark, pair.flat) if key}
    keys |= {flat.pedestal for key, flat in plan.calibration.flats.items() if key in keys and flat.pedestal}
    return [group for group in plan.calibration.needed() if group.key in keys - _lost(plan, left)]


def _small(planes: F32, width: int) -> F32:
    small = np.stack([shrunk(plain(plane), width) for plane in planes])
    return small if len(small) == 3 else small[0]


def _master(group: Group, plan: Plan) -> MasterReport:
    header = group.header
    flat = plan.calibration.flats.get(group.key)
    return MasterReport(
        kind=group.kind.value,
        frames=header.n_combined if header.is_master else len(group.frames),
        path=group.frames[0].path if header.is_master else None,
        exposure=header.exposure,
        gain=header.gain,
        temperature=header.temperature,
        filter=header.filter,
        warnings=flat.warnings if flat else (),
    )


def _refused(one: Refused, known: Measured | None, group: str | None) -> FrameReport:
    header = None if known is None else known.light.header
    return FrameReport(
        path=one.id.path,
        index=one.id.index,
        kind=one.kind.value,
        verdict="refused",
        code=one.code,
        reason=one.reason,
        cure=one.cure or None,
        group=group,
        date=None if header is None else header.date_obs,
        exposure=None if header is None else header.exposure,
        sources={} if header is None else header.sources,
        figures=None if known is None else figures_of(known.found.figures),
        thumbnail=None if known is None else _in_text(known.found.thumbnail),
    )


def _used(
    one: Placed, outcome: Outcome, plan: Plan, left: Mapping[FrameId, Refused], rejected: float
) -> FrameReport:
    header, pairing = one.light.header, plan.calibration.pairings[one.light.id]
    lost = sorted(_lost(plan, left) & {pairing.bias or "", pairing.dark or "", pairing.flat or ""})
    return FrameReport(
        path=one.light.id.path,
        index=one.light.id.index,
        kind=Kind.LIGHT.value,
        verdict="used",
        group=outcome.group.name,
        date=header.date_obs,
        exposure=header.exposure,
        sources=header.sources,
        figures=figures_of(one.found.figures),
        transform=_transform(one),
        scale=one.scale.value,
        weight=one.weight,
        calibration=", without ".join((pairing.formula, *lost)),
        warnings=pairing.warnings,
        rejected_fraction=rejected,
        thumbnail=_in_text(one.found.thumbnail),
    )


def _transform(one: Placed) -> TransformReport:
    transform, solution = one.transform, one.solution
    return TransformReport(
        model=transform.model.value,
        coefficients=transform.as_dict(),
        rotation=transform.rotation,
        shift=transform.shift,
        scale=transform.scale,
        mirrored=transform.mirrored,
        inliers=solution.inliers,
        residual=solution.residual,
        chance=solution.chance,
    )


def _calibration_frame(one: Found, plan: Plan) -> FrameReport:
    """Used where it is part of a master that served; else left out, and nothing is wrong with it."""
    header = one.header
    group = next((group for group in plan.calibration.groups if one.id in group.frames), None)
    used = group is not None and group in plan.calibration.needed()
    return FrameReport(
        path=one.id.path,
        index=one.id.index,
        kind=header.kind.value,
        verdict="used" if used else "refused",
        code=None if used else Refusal.NOT_NEEDED,
        reason=None if used else _not_needed(group, plan),
        cure=None if used else "nothing is wrong with it; see under Calibration which masters served",
        date=header.date_obs,
        exposure=header.exposure,
        sources=header.sources,
    )


def _not_needed(group: Group | None, plan: Plan) -> str:
    """Why the lights did without: what the pairing said of these very frames, or that others served."""
    if group is None:
        return "no light of this run needs it"
    pairings = plan.calibration.pairings.values()
    said = (warning for pair in pairings for warning in pair.warnings if repr(group.key) in warning)
    if told := next(said, ""):
        return told
    if group.kind is Kind.BIAS and all(pair.dark and not pair.bias for pair in pairings):
        return f"no light of this run needs it ({group.key}): the darks hold the bias"
    return f"no light of this run needs it ({group.key})"


def _in_text(picture: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(picture).decode("ascii")
