"""Look at frames without stacking them: headers and figures as plain values."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sidera.errors import FrameError
from sidera.model.header import Header, Kind
from sidera.pipeline.measure import Light, measure
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Refused, refusal, scan
from sidera.pipeline.workers import default_threads, spread


def header_fields(header: Header, cards: bool = False) -> dict[str, Any]:
    """A header as plain values; the file's own cards only when asked for."""
    fields: dict[str, Any] = msgspec.to_builtins(header)
    if not cards:
        del fields["cards"]
    return fields


def measure_frames(
    inputs: Sequence[str | Path],
    *,
    recipe: Recipe | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    tell: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Figures of every light, uncalibrated; and the frames that could not be measured, with the reason.

    Frames of unknown kind count as lights here: a file named on the command line is meant. ``tell`` hears of each
    light's figures as they come.
    """
    recipe, progress = recipe or Recipe(), progress or Progress()
    seen = scan(inputs, progress=progress)
    lights = [frame for frame in seen.found if frame.header.kind in (Kind.LIGHT, Kind.UNKNOWN)]
    progress.stage("measure", len(lights))
    rows: list[dict[str, Any]] = []
    refused: list[Refused] = list(seen.refused)
    with Readers() as readers:

        def one(light: Light) -> dict[str, Any] | Refused:
            try:
                found = measure(light, readers, recipe)
            except FrameError as error:
                return refusal(light.id, error, Kind.LIGHT)
            finally:
                progress.step(Path(light.id.path).name)
            return {"path": light.id.path, "index": light.id.index, **msgspec.to_builtins(found.figures)}

        tasks = [Light.of(frame, recipe) for frame in lights]
        for outcome in spread(one, tasks, threads or default_threads()):
            if isinstance(outcome, Refused):
                refused.append(outcome)
            else:
                rows.append(outcome)
                if tell is not None:
                    tell(outcome)
    return rows, [
        {"path": left.id.path, "code": left.code.value, "reason": left.reason, "cure": left.cure}
        for left in refused
    ]
