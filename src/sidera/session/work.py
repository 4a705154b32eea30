"""What a project does with its frames: look for them, measure them, stack them. Nothing is measured twice."""

import glob
import itertools
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sidera.errors import Cancelled, SideraError, UnreadableError, UsageError
from sidera.model.frame import FrameId
from sidera.model.header import Kind
from sidera.pipeline.decide import Measured
from sidera.pipeline.plan import Plan, plan_of
from sidera.pipeline.progress import Progress
from sidera.pipeline.report_values import FrameFigures, figures_of
from sidera.pipeline.run import Result, measure_lights, run
from sidera.pipeline.scan import Refused, Scan, scan
from sidera.session import frames, jobs
from sidera.session.project import Project
from sidera.session.values import MeasuredNow, Root

AT_ONCE = 16
"""Figures are written down so many at a time: a transaction a frame would wait for the disk each time."""
Tell = Callable[[MeasuredNow], None]


@dataclass(frozen=True)
class Stacked:
    """What a run gave, and what it wrote: stacks, pictures, report."""

    result: Result
    paths: tuple[Path, ...]


def add(
    project: Project, inputs: Sequence[str | Path], kind: Kind | None = None, progress: Progress | None = None
) -> None:
    """Keep files, folders or globs as roots, and look into all roots for frames.

    Raises
    ------
    UsageError
        When none is given.
    UnreadableError
        For one that does not exist; then nothing is added.
    """
    if not inputs:
        raise UsageError("there is nothing to add", "give files, folders or globs")
    paths = [str(Path(given).expanduser().absolute()) for given in inputs]
    scan(paths)  # one that does not exist is refused before anything is kept
    project.keep_roots([Root(path, kind) for path in paths])
    refresh(project, progress)


def refresh(project: Project, progress: Progress | None = None) -> None:
    """Look into the roots again. Frames of roots that are not there just now stay as they were."""
    there = [root for root in project.roots() if _exists(root)]
    _look(project, there, progress)


def plan(
    project: Project,
    *,
    memory: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """What a stack would do, from what lies in the roots now and without the frames that were rejected.

    Raises
    ------
    UnreadableError
        When a root is not there.
    NothingToStackError, BudgetError
        As `sidera.pipeline.plan.make_plan`.
    """
    roots = project.roots()
    lost = next((root.path for root in roots if not _exists(root)), None)
    if lost is not None:
        cure = "connect its disk, or take it out with `sidera project remove`"
        raise UnreadableError(f"{lost} is not there", cure)
    seen = _look(project, roots, progress)
    return plan_of(
        seen,
        recipe=project.recipe,
        memory=memory,
        threads=threads,
        left_out={frame: _reason(said) for frame, said in frames.rejected(project.database).items()},
    )


def measure(
    project: Project,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> tuple[Refused, ...]:
    """Calibrate and measure lights that were not measured before; returns those that cannot be.

    ``tell`` hears of every light's figures as they come, in any order and from any thread.
    """
    with _job(project, "measure"), _kept(project, tell) as keep:
        done = plan(project, threads=threads, progress=progress)
        _, refused = measure_lights(done, progress, project.store, keep)
    project.store.tidy()
    return tuple(refused)


def stack(
    project: Project,
    *,
    output: str | Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    planned: Callable[[Plan], None] | None = None,
) -> Stacked:
    """Stack what was not rejected, and write stack, picture and report.

    Parameters
    ----------
    output : path, optional
        By default a new name in the project's folder of results; a run that was cut short goes on in its own.
    planned : callable, optional
        Told of the plan before any pixel is read.
    """
    target = Path(output).expanduser().absolute() if output is not None else default_output(project)
    if output is None:
        project.results.mkdir(exist_ok=True)
    with _job(project, "stack", target) as job:
        decided = plan(project, memory=memory, threads=threads, progress=progress)
        picture = target.with_suffix(".png") if target.suffix.lower() != ".png" else None
        decided.check_output(target, picture)
        if planned is not None:
            planned(decided)
        with _kept(project, None) as keep:
            result = run(decided, progress, target, project.store, keep)
        paths = result.save(target, preview=picture, progress=progress)
        page = next((path for path in paths if path.suffix == ".html"), None)
        for path, one in zip(result.files(target), result.outcomes, strict=True):
            jobs.keep_result(
                project.database, job, str(path), one.group.name, None if page is None else str(page)
            )
        frames.keep_fates(project.database, job, result.report.frames)
    project.store.tidy()
    return Stacked(result, tuple(paths))


def default_output(project: Project) -> Path:
    """File of the stack that was cut short, else the next free name in the folder of results."""
    broken = jobs.unfinished(project.database)
    if broken is not None and broken.output is not None:
        return Path(broken.output)
    plain = "".join(letter if letter.isalnum() or letter in "-+." else "_" for letter in project.name)
    taken = {path.name for path in project.results.glob(f"{plain}*")} if project.results.is_dir() else set()
    number = next(number for number in itertools.count(1) if not _is_taken(f"{plain}-{number}", taken))
    return project.results / f"{plain}-{number}.fits"


def free_output(project: Project, wanted: Path) -> Path:
    """Where a stack goes that is to be called ``wanted``: beside what is there already, numbered, lest it be lost.

    A run that was cut short under that name, or a numbered one of it, goes on in its own.
    """
    broken = jobs.unfinished(project.database)
    begun = None if broken is None or broken.output is None else Path(broken.output)
    family = re.compile(rf"{re.escape(wanted.stem)}(-\d+)?")
    if begun is not None and begun.with_stem(wanted.stem) == wanted and family.fullmatch(begun.stem):
        return begun
    taken = {path.name for path in wanted.parent.iterdir()} if wanted.parent.is_dir() else set()
    stems = itertools.chain([wanted.stem], (f"{wanted.stem}-{number}" for number in itertools.count(2)))
    return wanted.with_stem(next(stem for stem in stems if not _is_taken(stem, taken)))


def _is_taken(stem: str, names: Collection[str]) -> bool:
    """Whether there is a file of that name, or one of several stacks of it, or its report."""
    return any(name.startswith((f"{stem}.", f"{stem}_")) for name in names)


def _look(project: Project, roots: Sequence[Root], progress: Progress | None) -> Scan:
    """Frames of roots, kept; without those that were taken out."""
    free = [root.path for root in roots if root.kind is None]
    told = {
        kind: [root.path for root in roots if root.kind is kind]
        for kind in {root.kind for root in roots}
        if kind
    }
    seen = scan(free, told, progress=progress)
    out = project.removed()
    seen = Scan(
        tuple(frame for frame in seen.found if frame.id.path not in out),
        tuple(one for one in seen.refused if one.id.path not in out),
        seen.previews,
        seen.results,
    )
    return frames.keep_scan(project.database, seen)


def _exists(root: Root) -> bool:
    """Whether there is a file, a folder or a match of a glob."""
    return Path(root.path).exists() or any(True for _ in glob.iglob(root.path, recursive=True))


def _reason(said: str) -> str:
    return f"rejected by you: {said}" if said else "rejected by you"


@contextmanager
def _job(project: Project, command: str, output: Path | None = None) -> Iterator[int]:
    """A job in the project's book: what becomes of it is written down, unless the process is killed."""
    job = jobs.begin(project.database, command, None if output is None else str(output))
    state, said = "failed", None
    try:
        yield job
        state = "done"
    except Cancelled:
        state = "cancelled"
        raise
    except SideraError as error:
        said = str(error)
        raise
    finally:
        jobs.end(project.database, job, state, said)


@contextmanager
def _kept(project: Project, tell: Tell | None) -> Iterator[Callable[[Measured], None]]:
    """A listener that writes figures down, the last of them at the end, whatever ends it."""
    lock = threading.Lock()
    waiting: dict[FrameId, FrameFigures] = {}

    def keep(one: Measured) -> None:
        with lock:
            waiting[one.light.id] = figures_of(one.found.figures)
            if len(waiting) >= AT_ONCE:
                frames.keep_figures(project.database, waiting)
                waiting.clear()
        if tell is not None:
            tell(MeasuredNow(one.light.id, one.found.figures))

    try:
        yield keep
    finally:
        with lock:
            frames.keep_figures(project.database, waiting)
