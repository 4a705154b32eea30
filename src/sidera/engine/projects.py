"""Commands and replies about projects: folders that remember frames, measurements, verdicts and results."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from sidera.engine.values import FoundFrame, MeasuredFrame, RefusedFrame
from sidera.pipeline.recipe import Recipe

Verdict = Literal["undecided", "approved", "rejected"]
FrameKind = Literal["light", "dark", "flat", "bias", "flat-dark", "unknown"]


class ProjectRequest(Struct, frozen=True, kw_only=True, tag_field="cmd", forbid_unknown_fields=True):
    """A command about the project in a folder."""

    id: str | int | float
    folder: str


class ProjectNew(ProjectRequest, frozen=True, kw_only=True, tag="project.new"):
    """Make a project in an empty or new folder."""

    name: str | None = None
    """null: the folder's name."""


class ProjectOpen(ProjectRequest, frozen=True, kw_only=True, tag="project.open"):
    """Open a project; one of an older version is brought up to date, with a backup first."""


class ProjectList(
    Struct, frozen=True, kw_only=True, tag_field="cmd", tag="project.list", forbid_unknown_fields=True
):
    """Projects opened lately."""

    id: str | int | float


class ProjectAdd(ProjectRequest, frozen=True, kw_only=True, tag="project.add"):
    """Add frames, and keep the folders among the inputs as roots to look into again."""

    inputs: tuple[str, ...]
    kind: FrameKind | None = None
    """null: headers and names tell."""


class ProjectRemove(ProjectRequest, frozen=True, kw_only=True, tag="project.remove"):
    """Take frames or roots out of the project; files stay as they are."""

    paths: tuple[str, ...]


class ProjectStatus(ProjectRequest, frozen=True, kw_only=True, tag="project.status"):
    """How the project stands."""


class ProjectFrames(ProjectRequest, frozen=True, kw_only=True, tag="project.frames"):
    """Every frame with its header, figures and verdict."""


class ProjectVerdict(ProjectRequest, frozen=True, kw_only=True, tag="project.verdict"):
    """Approve or reject frames, with a reason."""

    frames: tuple[str, ...]
    verdict: Verdict
    reason: str = ""


class ProjectUndo(ProjectRequest, frozen=True, kw_only=True, tag="project.undo"):
    """Take back the last verdict."""


class ProjectRecipe(ProjectRequest, frozen=True, kw_only=True, tag="project.recipe"):
    """Keep a recipe."""

    recipe: Recipe


class ProjectView(ProjectRequest, frozen=True, kw_only=True, tag="project.view"):
    """Keep what the page showed, to open where it was left; absent only asks."""

    state: Any | UnsetType = UNSET


class ProjectPlan(ProjectRequest, frozen=True, kw_only=True, tag="project.plan"):
    """Say what stacking would do, and what it would cost."""

    output: str | None = None
    """Checked, where given: can it be written?"""
    memory: int | None = None
    threads: int | None = None


class ProjectMeasure(ProjectRequest, frozen=True, kw_only=True, tag="project.measure"):
    """Measure lights that were not measured before."""

    threads: int | None = None


class ProjectStack(ProjectRequest, frozen=True, kw_only=True, tag="project.stack"):
    """Stack what is not rejected; nothing is measured twice."""

    output: str | None = None
    """null: a new name in the project's folder ``results``, or that of the run that was cut short. Where there is a
    result of that name already the new one is numbered."""
    memory: int | None = None
    threads: int | None = None


class ProjectName(Struct, frozen=True, kw_only=True):
    """A project that was opened before."""

    folder: str
    name: str
    opened: str
    """ISO 8601 UTC."""


class ProjectNames(Struct, frozen=True):
    """The last opened first."""

    projects: tuple[ProjectName, ...]


class ProjectResult(Struct, frozen=True, kw_only=True):
    """A stack that was made."""

    path: str
    name: str
    created: str
    report: str | None
    """Path of its report."""


class ProjectRoot(Struct, frozen=True, kw_only=True):
    """A file, folder or glob that is looked into."""

    path: str
    kind: FrameKind | None
    """What its frames are, where that was said."""


class UnfinishedRun(Struct, frozen=True, kw_only=True):
    """Work that the end of the engine cut short: begun again, it goes on with what was finished."""

    command: str
    output: str | None
    started: str
    """ISO 8601 UTC."""


class ProjectState(Struct, frozen=True, kw_only=True):
    """How a project stands."""

    folder: str
    name: str
    roots: tuple[ProjectRoot, ...]
    counts: dict[str, int]
    """Frames by kind."""
    measured: int
    approved: int
    rejected: int
    can_undo: bool
    recipe: Recipe
    results: tuple[ProjectResult, ...]
    unfinished: UnfinishedRun | None


class ProjectFrame(Struct, frozen=True, kw_only=True):
    """A frame of a project."""

    frame: FoundFrame
    key: str
    """Digest of the file: it stays the same when the file is moved."""
    figures: MeasuredFrame | None
    verdict: Verdict
    reason: str
    """Of the verdict."""
    missing: bool
    """The file is not there now."""


class ProjectFrameList(Struct, frozen=True, kw_only=True):
    """Frames in the order of paths."""

    frames: tuple[ProjectFrame, ...]
    refused: tuple[RefusedFrame, ...]


class ViewState(Struct, frozen=True):
    """What the page showed; null when nothing was kept."""

    state: Any
