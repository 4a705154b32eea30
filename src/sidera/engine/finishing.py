"""The command that makes a picture of a stack; it runs in the job thread."""

from pathlib import Path

import msgspec

from sidera.engine.desk import Desk
from sidera.engine.failures import RequestError
from sidera.engine.jobs import Ticket
from sidera.engine.legacy import spare_source
from sidera.engine.preview import plain_curve
from sidera.engine.protocol import Finish, ShownStretch
from sidera.engine.values import Finished, FinishStep, Offset
from sidera.io.read import open_frame
from sidera.model.stack import Stack as ModelStack
from sidera.pipeline.finish import Finished as Corrected
from sidera.pipeline.finish import finish as finish_one
from sidera.pipeline.finish import save_format
from sidera.stretch.apply import Parameters
from sidera.stretch.curves import Bend, Curve


def finish(desk: Desk, request: Finish, ticket: Ticket) -> Finished:
    """Correct a stack; hold what comes of it, and write it where that is asked for."""
    source, name = _source(desk, request)
    target = None if request.output is None else Path(request.output).expanduser()
    if target is not None:
        save_format(target, None)
        spare_source(request.path or desk.images.get(request.image or "").path, target, "$.output")
    shown = None if request.shown is None else shown_stretch(request.shown)
    rows = _rows(source)
    done = finish_one(source, request.recipe, ticket.progress, parameters=shown)
    ticket.progress.check()
    if target is not None:
        ticket.progress.stage("write", 1)
        done.save(target)
    held = desk.images.add_stack(done.stack, name, None, "finished")
    channels = held.image.shape[0] if held.image.ndim == 3 else 1
    return Finished(
        image=held.id,
        name=name,
        width=held.image.shape[-1],
        height=held.image.shape[-2],
        channels=channels,
        written=() if target is None else (str(target),),
        steps=tuple(msgspec.convert(msgspec.to_builtins(step), FinishStep) for step in done.steps),
        curves=tuple(plain_curve(done.parameters.of(channel)) for channel in range(channels)),
        colour=done.parameters.colour,
        offset=_offset(done, rows),
    )


def shown_stretch(shown: ShownStretch) -> Parameters:
    """The stretch that a viewer shows.

    Raises
    ------
    RequestError
        For a curve that leaves no picture.
    """
    curves = []
    for number, told in enumerate(shown.curves):
        if not (told.low < told.high and told.shadows < told.highlights and 0 < told.midtones < 1):
            what = "the stretch that is shown leaves no range"
            cure = "low lies below high, shadows below highlights, midtones between 0 and 1"
            raise RequestError("usage", what, cure, f"$.shown.curves[{number}]")
        plain = msgspec.structs.asdict(told)
        bend = None if told.bend is None else Bend(**msgspec.structs.asdict(told.bend))
        curves.append(Curve(**{**plain, "bend": bend}))
    return Parameters(tuple(curves), shown.colour)


def _rows(source: ModelStack | Path) -> int:
    if isinstance(source, ModelStack):
        return int(source.image.shape[-2])
    with open_frame(source) as reader:
        return reader.header.height


def _offset(done: Corrected, rows: int) -> Offset:
    """Where the crop begins, the top row of the picture first. ``rows`` are those of the uncut stack."""
    edges = next((step.figures["edges"] for step in done.steps if "edges" in step.figures), None)
    if edges is None:
        return Offset(0, 0)
    top, left, bottom, _ = (int(edge or 0) for edge in edges)
    return Offset(left, rows - bottom if done.stack.bottom_up else top)


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
