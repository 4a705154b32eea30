"""Commands about projects. Those that only ask or write down are answered beside the jobs."""

import os
import threading
from pathlib import Path

import msgspec

from sidera.engine.desk import Desk
from sidera.engine.jobs import Ticket
from sidera.engine.projects import (
    ProjectAdd,
    ProjectFrame,
    ProjectFrameList,
    ProjectFrames,
    ProjectList,
    ProjectMeasure,
    ProjectName,
    ProjectNames,
    ProjectNew,
    ProjectOpen,
    ProjectPlan,
    ProjectRecipe,
    ProjectRemove,
    ProjectResult,
    ProjectRoot,
    ProjectStack,
    ProjectState,
    ProjectStatus,
    ProjectUndo,
    ProjectVerdict,
    ProjectView,
    UnfinishedRun,
    ViewState,
)
from sidera.engine.values import MeasuredFrame, Planned, Stacked
from sidera.engine.work import found_frame, measured_frame, planned, refused_frame, stacked, warn_of_first_run
from sidera.model.frame import Figures, FrameId
from sidera.model.header import Kind
from sidera.pipeline.plan import Plan
from sidera.pipeline.report_values import FrameFigures
from sidera.pipeline.scan import Found
from sidera.session import Project, create, open_project, recent_projects, work
from sidera.session.values import MeasuredNow, State
from sidera.session.values import ProjectFrame as Kept

_OPENING = threading.Lock()
"""The job thread and that of the projects may want one project at the same time."""


def new(desk: Desk, request: ProjectNew) -> ProjectState:
    """Make a project."""
    with _OPENING:
        project = create(_folder(request.folder), request.name)
        desk.projects[str(project.folder)] = project
    return _told(project)


def opened(desk: Desk, request: ProjectOpen) -> ProjectState:
    """Open a project; it stays open until the engine ends."""
    return _told(_project(desk, request.folder))


def recent(desk: Desk, request: ProjectList) -> ProjectNames:
    """Projects opened lately."""
    return ProjectNames(
        tuple(ProjectName(folder=one.folder, name=one.name, opened=one.opened) for one in recent_projects())
    )


def remove(desk: Desk, request: ProjectRemove) -> ProjectState:
    """Take roots or frames out."""
    project = _project(desk, request.folder)
    project.remove(request.paths)
    return _told(project)


def status(desk: Desk, request: ProjectStatus) -> ProjectState:
    """How a project stands."""
    return _told(_project(desk, request.folder))


def frames(desk: Desk, request: ProjectFrames) -> ProjectFrameList:
    """Every frame, with what is known of it."""
    return _frames(_project(desk, request.folder))


def verdict(desk: Desk, request: ProjectVerdict) -> ProjectState:
    """Approve or reject frames."""
    project = _project(desk, request.folder)
    project.judge(request.frames, request.verdict, request.reason)
    return _told(project)


def undo(desk: Desk, request: ProjectUndo) -> ProjectState:
    """Take back the last verdict; where there is none nothing happens."""
    project = _project(desk, request.folder)
    project.undo()
    return _told(project)


def keep_recipe(desk: Desk, request: ProjectRecipe) -> ProjectState:
    """Keep a recipe."""
    project = _project(desk, request.folder)
    project.keep_recipe(request.recipe)
    return _told(project)


def view(desk: Desk, request: ProjectView) -> ViewState:
    """Keep what the page showed, or ask for it."""
    project = _project(desk, request.folder)
    if request.state is not msgspec.UNSET:
        project.keep_view(request.state)
    return ViewState(project.view())


# ── jobs ───────


def add(desk: Desk, request: ProjectAdd, ticket: Ticket) -> ProjectState:
    """Add files, folders and globs, and look for frames; with none given, look again."""
    project = _project(desk, request.folder)
    if request.inputs:
        kind = None if request.kind is None else Kind(request.kind)
        work.add(project, request.inputs, kind, ticket.progress)
    else:
        work.refresh(project, ticket.progress)
    return _told(project)


def plan(desk: Desk, request: ProjectPlan, ticket: Ticket) -> Planned:
    """Say what stacking would do."""
    project = _project(desk, request.folder)
    decided = work.plan(project, memory=request.memory, threads=request.threads, progress=ticket.progress)
    target = _place(project, request.output)
    if target is not None:
        decided.check_output(target)
    return planned(decided, f"sidera project stack {project.folder}")


def measure(desk: Desk, request: ProjectMeasure, ticket: Ticket) -> ProjectFrameList:
    """Measure what was not measured before, and tell of each light as it comes."""
    project = _project(desk, request.folder)
    warn_of_first_run()
    refused = work.measure(
        project, threads=request.threads, progress=ticket.progress, tell=lambda one: ticket.frame(_now(one))
    )
    known = _frames(project)
    return ProjectFrameList(frames=known.frames, refused=(*known.refused, *map(refused_frame, refused)))


def stack(desk: Desk, request: ProjectStack, ticket: Ticket) -> Stacked:
    """Stack what was not rejected; written into the project's results, and held."""
    project = _project(desk, request.folder)
    warn_of_first_run()

    def expect(decided: Plan) -> None:
        ticket.course.expect("combine", len(decided.stacks))
        ticket.course.guess(decided.cost.seconds)

    target = _place(project, request.output) or work.default_output(project)
    done = work.stack(
        project,
        output=target,
        memory=request.memory,
        threads=request.threads,
        progress=ticket.progress,
        planned=expect,
    )
    return stacked(desk, done.result, target, done.paths)


# ── as the protocol tells it ───────


def _folder(folder: str) -> Path:
    return Path(os.path.abspath(Path(folder).expanduser()))


def _place(project: Project, output: str | None) -> Path | None:
    """Where a result is to go; the project's own folder of results is made when it is first named."""
    target = None if output is None else _folder(output)
    if target is None or target.parent == project.results:
        project.results.mkdir(exist_ok=True)
    return None if target is None else work.free_output(project, target)


def _project(desk: Desk, folder: str) -> Project:
    """The project of a folder, opened once."""
    name = str(_folder(folder))
    with _OPENING:
        if name not in desk.projects:
            desk.projects[name] = open_project(name)
        return desk.projects[name]


def _told(project: Project) -> ProjectState:
    state = project.state()
    return ProjectState(
        folder=str(state.folder),
        name=state.name,
        roots=tuple(
            ProjectRoot(path=root.path, kind=None if root.kind is None else root.kind.value)
            for root in state.roots
        ),
        counts={kind.value: count for kind, count in state.counts.items()},
        measured=state.measured,
        approved=state.approved,
        rejected=state.rejected,
        can_undo=state.can_undo,
        recipe=state.recipe,
        results=tuple(
            ProjectResult(path=one.path, name=one.name, created=one.created, report=one.report)
            for one in state.results
        ),
        unfinished=_unfinished(state),
    )


def _unfinished(state: State) -> UnfinishedRun | None:
    if (cut := state.unfinished) is None:
        return None
    return UnfinishedRun(command=cut.command, output=cut.output, started=cut.started)


def _frames(project: Project) -> ProjectFrameList:
    return ProjectFrameList(
        frames=tuple(map(_frame, project.frames())), refused=tuple(map(refused_frame, project.refused()))
    )


def _frame(kept: Kept) -> ProjectFrame:
    return ProjectFrame(
        frame=found_frame(Found(kept.id, kept.header)),
        key=kept.key,
        figures=None if kept.figures is None else _figures(kept.id, kept.figures),
        verdict=kept.verdict,
        reason=kept.reason,
        missing=kept.missing,
    )


def _now(one: MeasuredNow) -> MeasuredFrame:
    return _figures(one.id, one.figures)


def _figures(frame: FrameId, figures: Figures | FrameFigures) -> MeasuredFrame:
    return measured_frame({"path": frame.path, "index": frame.index, **msgspec.structs.asdict(figures)})
