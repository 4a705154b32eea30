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
from sidera.engine.legacy import spare_source
from sidera.engine.preview import plain_curve
from sidera.engine.protocol import Finish, Inputs, Measure, Plan, Run, Scan, Stack
from sidera.engine.recipes import changes
from sidera.engine.values import (
    CalibrationRow,
    CostEstimate,
    Finished,
    FinishStep,
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
from sidera.model.stack import Stack as ModelStack
from sidera.pipeline.finish import finish as finish_one
from sidera.pipeline.finish import save_format
from sidera.pipeline.groups import StackGroup, file_of
from sidera.pipeline.look import measure_frames
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.plan import Plan as Decided
from sidera.pipeline.plan import make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.report import Report
from sidera.pipeline.report_values import without_images
from sidera.pipeline.run import run
from sidera.pipeline.scan import Found, Refused
from sidera.pipeline.scan import scan as look_into
from sidera.pipeline.workers import first_run
from sidera.stretch.apply import parameters_from_cards

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
        command=command_line(request, request.output),
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
    alone = len(result.outcomes) == 1
    return Stacked(
        stacks=tuple(_held(desk, one, target, alone) for one in result.outcomes),
        written=tuple(map(str, written)),
        summary=tuple(result.summary()),
        report=plain_report(result.report),
    )


def finish(desk: Desk, request: Finish, ticket: Ticket) -> Finished:
    """Correct a stack; hold what comes of it, and write it where that is asked for."""
    source, name = _source(desk, request)
    target = None if request.output is None else Path(request.output).expanduser()
    if target is not None:
        save_format(target, None)
        spare_source(request.path or desk.images.get(request.image or "").path, target, "$.output")
    done = finish_one(source, request.recipe, ticket.progress)
    ticket.progress.check()
    if target is not None:
        ticket.progress.stage("write", 1)
        done.save(target)
    held = desk.images.add_stack(done.stack, name, None, "finished")
    parameters = parameters_from_cards(done.stack.cards)
    assert parameters is not None  # finish has put them there
    channels = held.image.shape[0] if held.image.ndim == 3 else 1
    return Finished(
        image=held.id,
        name=name,
        width=held.image.shape[-1],
        height=held.image.shape[-2],
        channels=channels,
        written=() if target is None else (str(target),),
        steps=tuple(msgspec.convert(msgspec.to_builtins(step), FinishStep) for step in done.steps),
        curves=tuple(plain_curve(parameters.of(channel)) for channel in range(channels)),
        colour=parameters.colour,
    )


def _source(desk: Desk, request: Finish) -> tuple[ModelStack | Path, str]:
    """What is to be finished, and its name: a file with its maps rather than a bare image that was loaded from it."""
    if (request.image is None) == (request.path is None):
        raise RequestError("usage", "one image is finished at a time", "give image or path", "$.image")
    if request.path is not None:
        return Path(request.path).expanduser(), Path(request.path).name
    held = desk.images.get(request.image or "")
    item = held.item()
    if isinstance(item, ModelStack):
        return item, held.name
    if held.path is None:
        raise RequestError("usage", f"{held.name} is no stack", "finish a stack, or a file of one", "$.image")
    return Path(held.path).expanduser(), held.name


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
