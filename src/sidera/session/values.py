"""What a project tells: frozen values."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from sidera.errors import Refusal
from sidera.model.frame import Figures, FrameId
from sidera.model.header import Header, Kind
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report_values import FrameFigures, TransformReport

Verdict = Literal["undecided", "approved", "rejected"]


class Root(Struct, frozen=True):
    """A file, folder or glob to look into, and the kind of its frames where the user said it."""

    path: str
    kind: Kind | None = None


class ProjectResult(Struct, frozen=True):
    """A stack that was written; ``report`` is the page of its report."""

    path: str
    name: str
    created: str
    """ISO 8601 UTC."""
    report: str | None


class UnfinishedJob(Struct, frozen=True):
    """Work that the end of its process cut short: begun again, it goes on with what was finished."""

    command: str
    output: str | None
    started: str
    """ISO 8601 UTC."""


class Fate(Struct, frozen=True):
    """What the last run made of a frame; as in `sidera.pipeline.report_values.FrameReport`."""

    verdict: Literal["used", "refused"]
    code: Refusal | None = None
    reason: str | None = None
    weight: float | None = None
    transform: TransformReport | None = None


class ProjectFrame(Struct, frozen=True, kw_only=True):
    """A frame of a project."""

    id: FrameId
    header: Header
    """Without the file's own cards."""
    key: str
    """Digest of its content: it stays the same when the file is moved."""
    figures: FrameFigures | None
    verdict: Verdict
    reason: str
    """Of the verdict."""
    missing: bool
    """The file is not there now."""
    fate: Fate | None
    """None before the first run."""


class MeasuredNow(Struct, frozen=True):
    """A light that has just been measured, or whose measurement was found again."""

    id: FrameId
    figures: Figures


class State(Struct, frozen=True, kw_only=True):
    """How a project stands."""

    folder: Path
    name: str
    roots: tuple[Root, ...]
    counts: dict[Kind, int]
    """Frames by kind."""
    refused: int
    """Files that are no frames of this project."""
    measured: int
    """Lights with figures."""
    approved: int
    rejected: int
    can_undo: bool
    recipe: Recipe
    results: tuple[ProjectResult, ...]
    """The last first."""
    unfinished: UnfinishedJob | None
