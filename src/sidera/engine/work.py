"""Commands that take their time: scan, plan, measure, stack. Each runs in the job thread."""

import logging
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sidera.engine.desk import Desk
from sidera.engine.failures import RequestError
from sidera.engine.images import MAPS
from sidera.engine.jobs import Ticket
from sidera.engine.protocol import Inputs, Measure, Plan, Run, Scan, Stack
from sidera.engine.recipes import changes
from sidera.engine.values import (
    CalibrationRow,
    CostEstimate,
    FoundFrame,
    MapImages,
    Measured,
    MeasuredFrame,
    Planned,
    PlannedStack,
    RefusedFrame,
    Scanned,
    Stacked,
    StackedImage,
)
from sidera.io.write import format_of
from sidera.model.header import Kind
from sidera.pipeline.groups import StackGroup, file_of
from sidera.pipeline.look import measure_frames
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.plan import Plan as Decided
from sidera.pipeline.plan import make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.report import Report
from sidera.pipeline.report_values import without_images
from sidera.pipeline.run import Result, run
from sidera.pipeline.scan import Found, Refused
from sidera.pipeline.scan import scan as look_into
from sidera.pipeline.workers import first_run

log = logging.getLogger("sidera")


def scan(desk: Desk, request: Scan, ticket: Ticket) -> Scanned:
    """Find frames and read their headers."""
    _some(request)
    seen = look_into(request.inputs, _kinds(request), request.exclude, ticket.progress)
    return Scanned(
        frames=tuple(map(found_frame, seen.found)),
        refused=tuple(map(refused_frame, seen.refused)),
        previews=seen.previews,
        results=seen.results,
    )


def plan(desk: Desk, request: Plan, ticket: Ticket) -> Planned:
    """Say what would be done, and what it would cost."""
    decided = _decided(request, ticket.progress)
    if request.output is not None:
        decided.check_output(Path(request.output))
    return planned(decided, command_line(request, request.output))


def planned(decided: Decided, command: str) -> Planned:
    """A plan as the protocol tells it."""
    cost = decided.cost
    return Planned(
        summary=tuple(decided.summary()),
        stacks=tuple(map(_planned, decided.stacks)),
        calibration=tuple(
            CalibrationRow(
                lights=tuple(frame.path for frame in row.lights),
                bias=row.bias,
                dark=row.dark,
                flat=row.flat,
                formula=row.formula,
                warnings=row.warnings,
            )
            for row in decided.calibration.rows()
        ),
        refused=tuple(map(refused_frame, decided.refused)),
        cost=CostEstimate(
            seconds=cost.seconds,
            memory=cost.memory,
            disk=cost.disk,
            scratch=cost.scratch,
            words=cost.in_words(),
        ),
        threads=decided.threads,
        memory=decided.memory,
        command=command,
    )


def measure(desk: Desk, request: Measure, ticket: Ticket) -> Measured:
    """Measure lights, and tell of each as it comes."""
    if not request.inputs:
        raise RequestError("usage", "there is nothing to measure", "give files, folders or globs", "$.inputs")
    warn_of_first_run()
    rows, refused = measure_frames(
        request.inputs,
        recipe=request.recipe,
        threads=request.threads,
        progress=ticket.progress,
        tell=lambda row: ticket.frame(measured_frame(row)),
    )
    return Measured(
        frames=tuple(map(measured_frame, rows)),
        refused=tuple(
            RefusedFrame(
                path=left["path"], code=left["code"], reason=left["reason"], cure=left["cure"], kind="light"
            )
            for left in refused
        ),
    )


def stack(desk: Desk, request: Stack, ticket: Ticket) -> Stacked:
    """Stack; hold what comes of it, and write it where that is asked for."""
    decided = _decided(request, ticket.progress)
    ticket.course.expect("combine", len(decided.stacks))
    ticket.course.guess(decided.cost.seconds)
    warn_of_first_run()
    target, preview, report = (
        None if text is None else Path(text).expanduser()
        for text in (request.output, request.preview, request.report)
    )
    if target is None and (preview or report):
        raise RequestError(
            "usage", "a preview and a report lie beside a stack", "give output too", "$.output"
        )
    if target is not None:
        decided.check_output(target, preview, report)
    result = run(decided, ticket.progress)
    written = (
        []
        if target is None
        else result.save(target, preview=preview, report=report, progress=ticket.progress)
    )
    ticket.progress.check()
    return stacked(desk, result, target, written)


def stacked(desk: Desk, result: Result, target: Path | None, written: Sequence[Path]) -> Stacked:
    """What a run gave, held to be looked at."""
    alone = len(result.outcomes) == 1
    return Stacked(
        stacks=tuple(_held(desk, one, target, alone) for one in result.outcomes),
        written=tuple(map(str, written)),
        summary=tuple(line for told in result.summary() for line in told.splitlines()),
        report=plain_report(result.report),
    )


def command_line(request: Run, output: str | None = None) -> str:
    """The same run for a terminal."""
    words = ["sidera", "stack", *request.inputs]
    for option, values in {
        "--lights": request.lights,
        "--darks": request.darks,
        "--flats": request.flats,
        "--biases": request.biases,
        "--flat-darks": request.flat_darks,
        "--exclude": request.exclude,
        "--set": changes(request.recipe),
        "--masters": [request.masters],
        "--memory": [request.memory],
        "--threads": [request.threads],
        "--output": [output],
    }.items():
        for value in values:
            words += [] if value is None else [option, str(value)]
    return shlex.join(words)


def found_frame(found: Found) -> FoundFrame:
    """A frame as the protocol tells it."""
    header = found.header
    return FoundFrame(
        path=found.id.path,
        index=found.id.index,
        kind=header.kind.value,
        width=header.width,
        height=header.height,
        planes=header.planes,
        bayer=None if header.bayer is None else header.bayer.value,
        exposure=header.exposure,
        gain=header.gain,
        offset=header.offset,
        temperature=header.temperature,
        filter=header.filter,
        target=header.target,
        camera=header.camera,
        telescope=header.telescope,
        date=header.date_obs,
        binning=header.binning,
        bits=header.bits,
        format=header.format,
        is_master=header.is_master,
        combined=header.n_combined,
        sources=header.sources,
    )


def refused_frame(left: Refused) -> RefusedFrame:
    """A frame that is left out, as the protocol tells it."""
    return RefusedFrame(
        path=left.id.path,
        index=left.id.index,
        code=left.code.value,
        reason=left.reason,
        cure=left.cure,
        kind=left.kind.value,
    )


def measured_frame(row: dict[str, Any]) -> MeasuredFrame:
    """Figures as the protocol tells them."""
    return msgspec.convert(row, MeasuredFrame)


def plain_report(report: Report) -> dict[str, Any]:
    """As ``report.json``."""
    encoded = msgspec.json.encode(without_images(report), enc_hook=_builtin)
    document: dict[str, Any] = msgspec.json.decode(encoded)
    return document


def _builtin(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)


def warn_of_first_run() -> None:
    """Say why nothing seems to happen."""
    if first_run():
        log.warning("the first run of this version compiles its loops, once, in a minute or two")


def _some(request: Inputs) -> None:
    if not (request.inputs or request.lights):
        raise RequestError("usage", "no frame is named", "give files, folders or globs", "$.inputs")


def _kinds(request: Inputs) -> dict[Kind, Sequence[str]]:
    return {
        Kind.LIGHT: request.lights,
        Kind.DARK: request.darks,
        Kind.FLAT: request.flats,
        Kind.BIAS: request.biases,
        Kind.FLAT_DARK: request.flat_darks,
    }


def _decided(request: Run, progress: Progress) -> Decided:
    _some(request)
    return make_plan(
        request.inputs,
        kinds=_kinds(request),
        recipe=request.recipe,
        exclude=request.exclude,
        masters=None if request.masters is None else Path(request.masters).expanduser(),
        memory=request.memory,
        threads=request.threads,
        progress=progress,
    )


def _planned(group: StackGroup) -> PlannedStack:
    return PlannedStack(
        name=group.name,
        target=group.target,
        filter=group.filter,
        colour=group.colour,
        lights=len(group.lights),
        exposure=sum(frame.header.exposure or 0.0 for frame in group.lights),
    )


def _held(desk: Desk, outcome: Outcome, target: Path | None, alone: bool) -> StackedImage:
    path = None if target is None else file_of(target, outcome.group.name, alone=alone)
    if path is not None and format_of(path) not in ("fits", "xisf"):
        path = None  # a picture cannot give the linear stack back
    held = desk.images.add_stack(outcome.stack, outcome.group.name, None if path is None else str(path))
    image = held.image
    maps = {name: f"{held.id}.{name}" for name in MAPS}
    return StackedImage(
        image=held.id,
        name=outcome.group.name,
        path=held.path,
        width=image.shape[-1],
        height=image.shape[-2],
        channels=image.shape[0] if image.ndim == 3 else 1,
        maps=MapImages(**maps),
    )
