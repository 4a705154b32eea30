"""The plan of a run: what was found, which stacks it gives, how each light is calibrated, what it will cost."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from sidera.calibration.match import Plan as CalibrationPlan
from sidera.calibration.match import plan_calibration
from sidera.errors import (
    BudgetError,
    DiskFullError,
    NothingToStackError,
    Refusal,
    UnwritableError,
    UsageError,
)
from sidera.io.write import format_of
from sidera.model.frame import FrameId
from sidera.model.header import Bayer, Kind
from sidera.pipeline.cost import Cost, Work, estimate, size_in_words
from sidera.pipeline.groups import StackGroup, file_of, stack_groups
from sidera.pipeline.masters import CALIBRATION, known_masters, masters_folder, not_made_from, without_bias
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Found, Refused, Scan, refusal, scan
from sidera.pipeline.workers import default_threads

PLAIN = {
    Kind.LIGHT: "light",
    Kind.BIAS: "bias",
    Kind.DARK: "dark",
    Kind.FLAT: "flat",
    Kind.FLAT_DARK: "flat-dark",
}
LEAST_MEMORY = 160 << 20
"""Interpreter, libraries, and one small tile."""
LEEWAY = 1.05
"""Estimates are good to a few hundredths, and a promise is kept when no more than a tenth above it is taken."""


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a pixel is read."""

    recipe: Recipe
    seen: Scan
    stacks: tuple[StackGroup, ...]
    calibration: CalibrationPlan
    refused: tuple[Refused, ...]
    cost: Cost
    threads: int
    memory: int
    masters: Path
    lean: bool = False
    """What calibrates the lights is mapped from the disk: memory is that short."""

    def summary(self) -> list[str]:
        """What was found, in a few lines."""
        counts = {kind: len(self.seen.of(kind)) for kind in (Kind.LIGHT, *CALIBRATION)}
        found = ", ".join(_counted(number, PLAIN[kind]) for kind, number in counts.items() if number)
        lines = [f"Found {found}."]
        for group in self.stacks:
            exposure = sum(frame.header.exposure or 0.0 for frame in group.lights)
            told = f", {exposure / 60:.1f} min in all" if exposure else ""
            lines.append(f"Stack {group.name}: {_counted(len(group.lights), 'light')}{told}.")
        if self.seen.previews:
            lines.append(f"Passed over {_counted(len(self.seen.previews), 'picture')} beside raw frames.")
        return lines

    def calibration_rows(self) -> list[tuple[str, ...]]:
        """The table of pairings: which lights get which masters by which formula."""
        rows: list[tuple[str, ...]] = []
        for row in self.calibration.rows():
            lights = _counted(len(row.lights), "light")
            remarks = "; ".join(row.warnings)
            rows.append(
                (lights, row.bias or "none", row.dark or "none", row.flat or "none", row.formula, remarks)
            )
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the report."""
        return {
            "stacks": [{"name": group.name, "lights": len(group.lights)} for group in self.stacks],
            "calibration": [msgspec.to_builtins(row) for row in self.calibration.rows()],
            "cost": msgspec.to_builtins(self.cost),
            "threads": self.threads,
            "memory": self.memory,
        }

    def check_output(self, target: Path, preview: Path | None = None, report: Path | None = None) -> None:
        """Refuse a place that cannot take the result, its picture or its report, before any work is done.

        Raises
        ------
        UsageError
            When it is one of the source frames, or its name ends in no format that can be written.
        UnwritableError
            When the folder does not exist or takes no files.
        DiskFullError
            When there is not enough room; names the bytes needed.
        """
        target = target.expanduser()
        images = [target] if preview is None else [target, preview.expanduser()]
        for image in images:
            format_of(image)
        several = {file_of(image, group.name, alone=False) for group in self.stacks for image in images}
        wanted = {*images, *several, *([] if report is None else [report.expanduser()])}
        for path in sorted(wanted):
            self._check_source(path)
        for folder in sorted({path.absolute().parent for path in wanted}):
            if not folder.is_dir():
                raise UnwritableError(f"the folder {folder} does not exist", "make it, or name another")
            if not os.access(folder, os.W_OK):
                raise UnwritableError(f"the folder {folder} takes no files", "name another")
        _check_room(target.absolute().parent, self.cost.disk, "the result")
        if self.cost.scratch:
            _check_room(
                Path(tempfile.gettempdir()), self.cost.scratch, "unpacking compressed frames", "set TMPDIR"
            )

    def _check_source(self, path: Path) -> None:
        """Refuse to write over a frame, under whatever name; our own earlier results may be replaced."""
        ids = [frame.id for frame in self.seen.found] + [frame.id for frame in self.seen.refused]
        sources = {frame.path for frame in ids} | set(self.seen.previews)
        given = str(path.absolute())
        real = os.path.realpath(path)
        clash = given in sources or real in {os.path.realpath(source) for source in sources}
        ours = {os.path.realpath(result) for result in self.seen.results}
        if path.suffix.lower() == ".png" and given in self.seen.previews:
            clash = False  # no camera makes those: it is the preview of an earlier run
        if clash and real not in ours:
            raise UsageError(
                f"{path} is one of the source frames", "Sidera never writes to those; name another file"
            )


def _check_room(folder: Path, needed: int, what: str, cure: str = "name another folder") -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{folder} has {size_in_words(free)} free and {what} needs {size_in_words(needed)} ({needed:,} bytes)",
            f"make room there, or {cure}",
        )


def make_plan(
    inputs: Iterable[str | Path],
    *,
    kinds: Mapping[Kind, Sequence[str | Path]] | None = None,
    recipe: Recipe | None = None,
    exclude: Sequence[str] = (),
    masters: Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    left_out: Mapping[FrameId, str] | None = None,
) -> Plan:
    """Read headers and decide. ``left_out`` are single frames without which the user wants to go on, and why.

    Raises
    ------
    NothingToStackError
        When there is no light.
    BudgetError
        When the memory is less than any run needs.
    UnreadableError, RecipeError
        For inputs that do not exist.
    """
    seen = scan(inputs, kinds, exclude, progress or Progress())
    return plan_of(seen, recipe=recipe, masters=masters, memory=memory, threads=threads, left_out=left_out)


def plan_of(
    seen: Scan,
    *,
    recipe: Recipe | None = None,
    masters: Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
    left_out: Mapping[FrameId, str] | None = None,
) -> Plan:
    """Decide about frames whose headers are read; parameters and errors as `make_plan`."""
    recipe = recipe or Recipe()
    folder = masters_folder() if masters is None else masters
    seen = _with_pattern(_without(seen, left_out or {}), recipe)
    lights = seen.of(Kind.LIGHT)
    if not lights:
        raise NothingToStackError(_no_light(seen), _no_light_cure(seen))
    frames = {frame.id: frame.header for frame in seen.of(*CALIBRATION)}
    tolerance = recipe.calibration.temperature_tolerance
    kept = {} if masters is None else not_made_from(known_masters(folder), frames, tolerance)
    calibration = plan_calibration(
        {frame.id: frame.header for frame in lights},
        {**frames, **kept},
        recipe.calibration,
        bias_removed=without_bias({**frames, **kept}),
    )
    refused = [refusal(frame, error, Kind.LIGHT) for frame, error in calibration.refused.items()]
    usable = [frame for frame in lights if frame.id in calibration.pairings]
    if not usable:
        raise NothingToStackError(f"none of {len(lights)} lights can be calibrated safely", refused[0].reason)
    _check_reference(recipe.registration.reference, usable)
    stacks = tuple(stack_groups(usable))
    works = [Work(tuple(one.header for one in group.lights), 3 if group.colour else 1) for group in stacks]

    def cost_with(count: int, lean: bool = False) -> Cost:
        return estimate(works, list(frames.values()), count, recipe.integration.halves, lean=lean)

    budget = psutil.virtual_memory().available // 2 if memory is None else memory
    used, lean = _what_fits(threads or default_threads(), budget, cost_with, strict=memory is not None)
    cost, left = cost_with(used, lean), seen.refused + tuple(refused)
    return Plan(recipe, seen, stacks, calibration, left, cost, used, budget, folder, lean)


def _without(seen: Scan, left_out: Mapping[FrameId, str]) -> Scan:
    """What was found, without the frames that the user left out one by one."""
    out = [frame for frame in seen.found if frame.id in left_out]
    cure = "approve it to have it back"
    refused = [
        Refused(frame.id, Refusal.EXCLUDED, left_out[frame.id], cure, frame.header.kind) for frame in out
    ]
    kept = tuple(frame for frame in seen.found if frame.id not in left_out)
    return msgspec.structs.replace(seen, found=kept, refused=(*seen.refused, *refused))


def _what_fits(
    wanted: int, budget: int, cost_with: Callable[[int, bool], Cost], strict: bool
) -> tuple[int, bool]:
    """As many threads as the memory allows, each holds a tile of its own; and whether to be lean with it.

    A budget that the user gave is a promise, to a tenth, and refused if one thread alone would break it.
    """
    least = max(int(cost_with(1, True).memory / LEEWAY) if strict else 0, LEAST_MEMORY)
    if budget < least:
        raise BudgetError(
            f"{size_in_words(budget)} of memory is too little for these frames",
            f"give at least --memory {-(-least // 2**20)}M, or fewer frames",
        )
    fitting = (count for count in range(wanted, 0, -1) if cost_with(count, False).memory <= LEEWAY * budget)
    threads = next(fitting, 0)
    return max(threads, 1), threads == 0


def _check_reference(name: str, lights: Sequence[Found]) -> None:
    """Refuse a reference that is not there now, rather than after every light was measured."""
    paths = [Path(frame.id.path) for frame in lights]
    given = Path(name).expanduser().absolute()
    if name != "auto" and not any(name in (path.name, path.stem) or path == given for path in paths):
        raise UsageError(
            f"the reference {name!r} is not among the {_counted(len(lights), 'light')}",
            f"give the name of one of them, for example {paths[0].name}, or auto",
        )


def _with_pattern(seen: Scan, recipe: Recipe) -> Scan:
    """Frames with the colour filter array that was given by hand."""
    wish = recipe.demosaic.bayer
    if wish == "auto":
        return seen
    pattern = None if wish == "none" else Bayer(wish)

    def told(frame: Found) -> Found:
        if frame.header.planes == 3:
            return frame
        sources = {**frame.header.sources, "bayer": "given by you"}
        return Found(frame.id, msgspec.structs.replace(frame.header, bayer=pattern, sources=sources))

    return msgspec.structs.replace(seen, found=tuple(told(frame) for frame in seen.found))


def _counted(number: int, what: str) -> str:
    """Number and noun: 1 light, 6 lights, 3 biases."""
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def _no_light(seen: Scan) -> str:
    left = f"{_counted(len(seen.refused), 'file')} left out" if seen.refused else ""
    kinds = [(len(seen.of(kind)), PLAIN[kind]) for kind in CALIBRATION]
    found = ", ".join([_counted(*kind) for kind in kinds if kind[0]] + ([left] if left else []))
    return f"there is no light frame, only {found}" if found else "there is no image"


def _no_light_cure(seen: Scan) -> str:
    if seen.refused:
        first = seen.refused[0]
        return f"{Path(first.id.path).name}: {first.reason}; {first.cure}"
    return "put light frames into a folder lights, or name them with --lights"
