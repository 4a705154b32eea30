"""Tell what was done: from a finished run to its report."""

import base64
import importlib.metadata
import io
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from sidera._version import __version__
from sidera.calibration.groups import Group
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind
from sidera.model.picture import Picture
from sidera.pipeline.decide import Measured, Placed, Registered
from sidera.pipeline.measure import shrunk
from sidera.pipeline.outcome import Outcome, noise_by_halves, noise_map_median, noise_of_one, stack_figures
from sidera.pipeline.plan import Plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.report import FrameReport, MasterReport, Report, StackReport, TransformReport, figures_of
from sidera.pipeline.scan import Found, Refused
from sidera.stretch.auto import picture
from sidera.types import F32

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
    frames = [_refused(one, measured.get(one.id)) for one in left.values()]
    for outcome in outcomes:
        shares = outcome.made.rejected.tolist()
        frames += [
            _used(one, outcome, plan, share) for one, share in zip(outcome.placed, shares, strict=True)
        ]
    in_masters = {frame for group in plan.calibration.needed() for frame in group.frames}
    frames += [_master_frame(one) for one in plan.seen.found if one.id in in_masters and one.id not in left]
    progress.finish()
    return Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        frames=tuple(sorted(frames, key=lambda frame: (frame.path, frame.index))),
        stacks=stacks,
        plan=plan.as_dict(),
        recipe=plan.recipe.as_dict(),
        timings={name: round(seconds, 3) for name, seconds in progress.seconds.items()},
        versions=versions(),
        warnings=tuple(sorted({warning for row in plan.calibration.rows() for warning in row.warnings})),
    )


def versions() -> dict[str, str]:
    """What the result depends on: Sidera, Python, libraries, system, processor."""
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    system = f"{platform.system()} {platform.machine()}"
    return {"sidera": __version__, "python": platform.python_version(), **found, "system": system}


def stack_summary(stack: StackReport) -> str:
    """One line for people."""
    parts = [f"{stack.name}: {stack.frames_used} frames"]
    if stack.exposure:
        parts.append(f"{stack.exposure / 60:.1f} min")
    if stack.fwhm is not None and np.isfinite(stack.fwhm):
        parts.append(f"FWHM {stack.fwhm:.2f} px")
    if stack.gain is not None and np.isfinite(stack.gain):
        parts.append(f"{stack.gain:.2f} times cleaner than one frame")
    if stack.frames_refused:
        parts.append(f"{stack.frames_refused} refused")
    return ", ".join(parts)


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
    figures = stack_figures(outcome, plan.recipe)
    one, own, halves = noise_of_one(outcome), noise_map_median(outcome), noise_by_halves(outcome)
    best = halves or own
    gain = (
        float(np.median(np.divide(one, best)))
        if np.isfinite(one).all() and np.all(np.array(best) > 0)
        else None
    )
    stack, samples = outcome.stack, float(outcome.stack.coverage.sum(dtype=np.float64))
    weights = np.array([placed.weight for placed in outcome.placed])
    ideal = float(weights.sum() / np.sqrt((weights**2).sum()))
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
        gain=gain,
        efficiency=None if gain is None else gain / ideal,
        fwhm=figures.fwhm,
        stars=figures.stars,
        coverage_median=float(np.median(stack.coverage)),
        rejected_low=100 * float(stack.rejected_low.sum(dtype=np.float64)) / max(samples, 1),
        rejected_high=100 * float(stack.rejected_high.sum(dtype=np.float64)) / max(samples, 1),
        masters=tuple(_master(group, plan) for group in plan.calibration.needed()),
        picture=_encoded(picture(_small(outcome.planes, PICTURE), bottom_up=stack.bottom_up)),
    )


def _small(planes: F32, width: int) -> F32:
    small = np.stack([shrunk(plane, width) for plane in planes])
    return small if len(small) == 3 else small[0]


def _master(group: Group, plan: Plan) -> MasterReport:
    header = group.header
    flat = plan.calibration.flats.get(group.key)
    return MasterReport(
        kind=group.kind.value,
        frames=header.n_combined if header.is_master else len(group.frames),
        exposure=header.exposure,
        gain=header.gain,
        temperature=header.temperature,
        filter=header.filter,
        warnings=flat.warnings if flat else (),
    )


def _refused(one: Refused, known: Measured | None) -> FrameReport:
    return FrameReport(
        path=one.id.path,
        index=one.id.index,
        kind=one.kind.value,
        verdict="refused",
        code=one.code,
        reason=one.reason,
        cure=one.cure or None,
        figures=None if known is None else figures_of(known.found.figures),
        thumbnail=None if known is None else _thumbnail(known),
        **_said(None if known is None else known.light.header),
    )


def _used(one: Placed, outcome: Outcome, plan: Plan, rejected: float) -> FrameReport:
    pairing = plan.calibration.pairings[one.light.id]
    return FrameReport(
        path=one.light.id.path,
        index=one.light.id.index,
        kind=Kind.LIGHT.value,
        verdict="used",
        group=outcome.group.name,
        figures=figures_of(one.found.figures),
        transform=_transform(one),
        scale=one.scale.value,
        weight=one.weight,
        calibration=pairing.formula,
        warnings=pairing.warnings,
        rejected_fraction=rejected,
        thumbnail=_thumbnail(Measured(one.light, one.found)),
        **_said(one.light.header),
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


def _master_frame(one: Found) -> FrameReport:
    kind = one.header.kind.value
    return FrameReport(path=one.id.path, index=one.id.index, kind=kind, verdict="master", **_said(one.header))


def _said(header: Header | None) -> dict[str, object]:
    """Date, exposure and where the header's facts came from."""
    if header is None:
        return {}
    return {"date": header.date_obs, "exposure": header.exposure, "sources": header.sources}


def _thumbnail(one: Measured) -> str:
    return _encoded(picture(one.found.thumbnail, bottom_up=one.light.header.bottom_up))


def _encoded(shown: Picture) -> str:
    """JPEG as base64."""
    pixels = np.round(np.clip(shown.image, 0, 1) * 255).astype(np.uint8)
    channels_last = pixels if pixels.ndim == 2 else np.moveaxis(pixels, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(channels_last)).save(buffer, "JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
