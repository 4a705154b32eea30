"""The plan of a run: what was found, which stacks it gives, how each light is calibrated, what it will cost."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from sidera.calibration.match import Plan as CalibrationPlan
from sidera.calibration.match import plan_calibration
from sidera.errors import BudgetError, DiskFullError, NothingToStackError, UnwritableError, UsageError
from sidera.model.header import Bayer, Kind
from sidera.pipeline.cost import Cost, Work, estimate
from sidera.pipeline.groups import StackGroup, stack_groups
from sidera.pipeline.masters import known_masters, masters_folder
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Found, Refused, Scan, refusal, scan
from sidera.pipeline.workers import default_threads

CALIBRATION = (Kind.BIAS, Kind.DARK, Kind.FLAT, Kind.FLAT_DARK)
LEAST_MEMORY = 400 << 20
"""Interpreter, libraries, and one small tile."""


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

    def summary(self) -> list[str]:
        """What was found, in a few lines."""
        counts = {kind: len(self.seen.of(kind)) for kind in (Kind.LIGHT, *CALIBRATION)}
        found = ", ".join(f"{number} {kind.value}" for kind, number in counts.items() if number)
        lines = [f"Found {found} frames." if found else "Found no frames."]
        for group in self.stacks:
            exposure = sum(frame.header.exposure or 0.0 for frame in group.lights)
            told = f", {exposure / 60:.1f} min in all" if exposure else ""
            lines.append(f"Stack {group.name}: {len(group.lights)} lights{told}.")
        return lines

    def calibration_rows(self) -> list[tuple[str, ...]]:
        """The table of pairings: which lights get which masters by which formula."""
        rows: list[tuple[str, ...]] = []
        for row in self.calibration.rows():
            lights = f"{len(row.lights)} lights"
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

    def check_output(self, target: Path) -> None:
        """Refuse a place that cannot take the result, before any work is done.

        Raises
        ------
        UsageError
            When it is one of the source frames.
        UnwritableError
            When the folder does not exist or takes no files.
        DiskFullError
            When there is not enough room; names the bytes needed.
        """
        sources = {frame.id.path for frame in self.seen.found} | {
            frame.id.path for frame in self.seen.refused
        }
        if str(target.expanduser().absolute()) in sources:
            raise UsageError(
                f"{target} is one of the source frames", "Sidera never writes to those; name another file"
            )
        folder = target.expanduser().absolute().parent
        if not folder.is_dir():
            raise UnwritableError(f"the folder {folder} does not exist", "make it, or name another with -o")
        if not os.access(folder, os.W_OK):
            raise UnwritableError(f"the folder {folder} takes no files", "name another with -o")
        free = shutil.disk_usage(folder).free
        if free < self.cost.disk:
            raise DiskFullError(f"{folder} has {free} bytes free", f"the result needs {self.cost.disk}")


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
) -> Plan:
    """Read headers and decide.

    Raises
    ------
    NothingToStackError
        When there is no light.
    BudgetError
        When the memory is less than any run needs.
    UnreadableError, RecipeError
        For inputs that do not exist.
    """
    recipe = recipe or Recipe()
    progress = progress or Progress()
    folder = masters_folder() if masters is None else masters
    progress.stage("scan", 1)
    seen = _with_pattern(scan(inputs, kinds, exclude), recipe)
    lights = seen.of(Kind.LIGHT)
    if not lights:
        raise NothingToStackError(f"no light among {_count(seen)}", _no_light_cure(seen))
    frames = {frame.id: frame.header for frame in seen.of(*CALIBRATION)}
    kept = known_masters(folder) if masters is not None else {}
    removed = [frame for frame, (_, without_bias) in kept.items() if without_bias]
    ready = {frame: header for frame, (header, _) in kept.items()}
    calibration = plan_calibration(
        {frame.id: frame.header for frame in lights},
        {**frames, **ready},
        recipe.calibration,
        bias_removed=removed,
    )
    refused = [refusal(frame, error, Kind.LIGHT) for frame, error in calibration.refused.items()]
    usable = [frame for frame in lights if frame.id in calibration.pairings]
    if not usable:
        raise NothingToStackError(f"none of {len(lights)} lights can be calibrated safely", refused[0].reason)
    stacks = tuple(stack_groups(usable))
    used = threads or default_threads()
    works = [Work(tuple(one.header for one in group.lights), 3 if group.colour else 1) for group in stacks]
    cost = estimate(works, list(frames.values()), used, recipe.integration.halves)
    progress.step()
    budget = psutil.virtual_memory().available // 2 if memory is None else memory
    if budget < LEAST_MEMORY:
        raise BudgetError(
            f"{budget >> 20} MiB of memory is too little", f"give at least {LEAST_MEMORY >> 20} MiB"
        )
    return Plan(recipe, seen, stacks, calibration, seen.refused + tuple(refused), cost, used, budget, folder)


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

    return Scan(tuple(told(frame) for frame in seen.found), seen.refused)


def _count(seen: Scan) -> str:
    return f"{len(seen.found)} frames ({len(seen.refused)} left out)"


def _no_light_cure(seen: Scan) -> str:
    if seen.refused:
        first = seen.refused[0]
        return f"{Path(first.id.path).name}: {first.reason}; {first.cure}"
    return "put light frames into a folder lights, or name them with --lights"
