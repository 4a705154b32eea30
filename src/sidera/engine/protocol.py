"""The protocol, written once: every command, every reply, every event. Schema and TypeScript are made from it.

One JSON object a line. A request has an ``id``, which comes back as it was sent, a ``cmd``, and its fields.
Replies to one request: any number of `ProgressMessage` and `FrameMessage`, then one `Success` or `Failure`.
Events carry no id and come only to who asked for them with ``hello``.

The ten commands under `OldRequest` are those of the predecessor: their names, their defaults, and their
leniency towards unknown fields.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from sidera.engine import projects, values
from sidera.pipeline.recipe import Recipe

VERSION = 1
"""Grows when a field changes its meaning or goes; new fields and commands may come at any time."""

Id = str | int | float
Pattern = Literal["RGGB", "BGGR", "GRBG", "GBRG"]
Event = Literal["job", "log"]
Code = Literal[
    "bad_request", "too_large", "not_found", "not_available", "frame", "usage", "recipe", "nothing_to_stack",
    "unreadable", "unwritable", "disk_full", "memory", "cancelled", "busy", "internal",
]  # fmt: skip
"""Kinds of failure, for programs; ``frame`` failures carry the code of `sidera.errors.Refusal` in ``refusal``."""


class OldRequest(Struct, frozen=True, kw_only=True, tag_field="cmd", rename="camel"):
    """A command of the predecessor; unknown fields are ignored."""

    id: Id


class Request(Struct, frozen=True, kw_only=True, tag_field="cmd", forbid_unknown_fields=True):
    """A command; unknown fields are refused."""

    id: Id


# ── the ten old commands ───────


class Info(OldRequest, frozen=True, kw_only=True, tag="info"):
    """Read a header, and no pixels."""

    path: str


class Load(OldRequest, frozen=True, kw_only=True, tag="load"):
    """Read an image and hold it."""

    path: str


class Release(OldRequest, frozen=True, kw_only=True, tag="release"):
    """Let go of an image; an unknown one is let go already."""

    image_id: str


class ReleaseAll(OldRequest, frozen=True, kw_only=True, tag="releaseAll"):
    """Let go of every image."""


class ImageInfo(OldRequest, frozen=True, kw_only=True, tag="imageInfo"):
    """Size of an image."""

    image_id: str


class Preview(OldRequest, frozen=True, kw_only=True, tag="preview"):
    """Write raw RGBA8; null stretches by itself."""

    image_id: str
    output_path: str
    stretch: values.OldStretch | None = None


class GetHistogram(OldRequest, frozen=True, kw_only=True, tag="histogram"):
    """Count pixels."""

    image_id: str
    channel: int = 0
    bins: Annotated[int, Meta(ge=1, le=65536)] = 256


class AutoStretch(OldRequest, frozen=True, kw_only=True, tag="autoStretch"):
    """Find shadows, midtones and highlights."""

    image_id: str


class Pipeline(OldRequest, frozen=True, kw_only=True, tag="pipeline"):
    """Stack lights with calibration frames whose kinds are given."""

    light_paths: tuple[str, ...] = ()
    dark_paths: tuple[str, ...] = ()
    flat_paths: tuple[str, ...] = ()
    bias_paths: tuple[str, ...] = ()
    bayer_pattern: str | None = None
    """null: the header's; "none": mono."""
    stack_method: str = "sigma_clip_mean"
    kappa: Annotated[float, Meta(gt=0)] = 3.0
    iterations: Annotated[int, Meta(ge=1, le=50)] = 5


class Save(OldRequest, frozen=True, kw_only=True, tag="save"):
    """Write an image; the stretch is for PNG only, null stretches by itself."""

    image_id: str
    output_path: str
    format: str = "fits"
    stretch: values.OldStretch | None = None


# ── who is there ───────


class Hello(Request, frozen=True, kw_only=True, tag="hello"):
    """Ask who answers, and choose the events to be told of; absent changes nothing."""

    events: tuple[Event, ...] | UnsetType = UNSET


class ListJobs(Request, frozen=True, kw_only=True, tag="jobs"):
    """Ask for running, queued and past jobs."""


class Cancel(Request, frozen=True, kw_only=True, tag="cancel"):
    """Stop a job, by its own name or the id of its request; null: every job."""

    job: Id | None = None


class Log(Request, frozen=True, kw_only=True, tag="log"):
    """Ask for lines of the log after a number."""

    after: int = 0
    level: values.Level = "info"
    most: Annotated[int, Meta(ge=1, le=10000)] = 1000


class Shutdown(Request, frozen=True, kw_only=True, tag="shutdown"):
    """Cancel every job, answer, and end."""


# ── images ───────


class Open(Request, frozen=True, kw_only=True, tag="open"):
    """Read an image to be looked at, and say all that a viewer needs."""

    path: str
    index: Annotated[int, Meta(ge=0)] = 0
    """Of a film."""
    colour: bool = True
    """Show a colour filter array in colour; else its raw pixels."""


class GetView(Request, frozen=True, kw_only=True, tag="view"):
    """All that a viewer needs of an image held already."""

    image: str


class GetTile(Request, frozen=True, kw_only=True, tag="tile"):
    """Pixels for the screen."""

    image: str
    level: Annotated[int, Meta(ge=0, le=30)]
    x: Annotated[int, Meta(ge=0)]
    y: Annotated[int, Meta(ge=0)]
    channel: Annotated[int, Meta(ge=0)] = 0


class GetPixel(Request, frozen=True, kw_only=True, tag="pixel"):
    """Exact values of a window; what lies outside of the image is cut off."""

    image: str
    x: int
    y: int
    width: Annotated[int, Meta(ge=1, le=64)] = 1
    height: Annotated[int, Meta(ge=1, le=64)] = 1


class GetStars(Request, frozen=True, kw_only=True, tag="stars"):
    """Find and measure stars."""

    image: str
    most: Annotated[int, Meta(ge=1, le=20000)] = 2000


# ── work ───────


class Inputs(Request, frozen=True, kw_only=True):
    """Frames: files, folders and globs. ``inputs`` are sorted by headers and names; the others' kind is said."""

    inputs: tuple[str, ...] = ()
    lights: tuple[str, ...] = ()
    darks: tuple[str, ...] = ()
    flats: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    flat_darks: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Scan(Inputs, frozen=True, kw_only=True, tag="scan"):
    """Find frames and read their headers."""


class Run(Inputs, frozen=True, kw_only=True):
    """How a run is done."""

    recipe: Recipe = Recipe()
    masters: str | None = None
    memory: Annotated[int, Meta(ge=1)] | None = None
    """Bytes; null: half of what is free."""
    threads: Annotated[int, Meta(ge=1)] | None = None


class Plan(Run, frozen=True, kw_only=True, tag="plan"):
    """Say what would be done, and what it would cost."""

    output: str | None = None
    """Checked, where given: can it be written?"""


class Measure(Request, frozen=True, kw_only=True, tag="measure"):
    """Measure lights, uncalibrated; each is told of as it comes."""

    inputs: tuple[str, ...]
    recipe: Recipe = Recipe()
    threads: Annotated[int, Meta(ge=1)] | None = None


class Stack(Run, frozen=True, kw_only=True, tag="stack"):
    """Stack; the result is held, and written where ``output`` is given."""

    output: str | None = None
    preview: str | None = None
    report: str | None = None


class ShownStretch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch as a viewer shows it; as `sidera.stretch.apply.Parameters`."""

    curves: Annotated[tuple[values.CurveValues, ...], Meta(min_length=1, max_length=3)]
    """One for all channels, or one each; one bend for all."""
    colour: Annotated[float, Meta(ge=0, le=1)] = 0.0


class Finish(Request, frozen=True, kw_only=True, tag="finish"):
    """Correct a stack, from a file or one held; the result is held, and written where ``output`` is given."""

    image: str | None = None
    path: str | None = None
    recipe: Recipe = Recipe()
    shown: ShownStretch | None = None
    """The stretch, in place of the recipe's: what is seen is what is written."""
    output: str | None = None


class GetRecipe(Request, frozen=True, kw_only=True, tag="recipe"):
    """Check, change and spell out a recipe: of ``toml`` or ``recipe``, with ``changes`` stage.setting=value."""

    recipe: dict[str, Any] | None = None
    toml: str | None = None
    changes: tuple[str, ...] = ()


OLD = (Info, Load, Release, ReleaseAll, ImageInfo, Preview, GetHistogram, AutoStretch, Pipeline, Save)
REPLIES: dict[type[Struct], type[Struct]] = {
    Info: values.FrameInfo,
    Load: values.LoadedImage,
    Release: values.Nothing,
    ReleaseAll: values.Nothing,
    ImageInfo: values.ImageSize,
    Preview: values.PreviewFile,
    GetHistogram: values.Histogram,
    AutoStretch: values.OldStretch,
    Pipeline: values.LoadedImage,
    Save: values.Nothing,
    Hello: values.Greeting,
    ListJobs: values.Jobs,
    Cancel: values.CancelledJobs,
    Log: values.LogLines,
    Shutdown: values.Nothing,
    Open: values.View,
    GetView: values.View,
    GetTile: values.Tile,
    GetPixel: values.Pixels,
    GetStars: values.StarList,
    Scan: values.Scanned,
    Plan: values.Planned,
    Measure: values.Measured,
    Stack: values.Stacked,
    Finish: values.Finished,
    GetRecipe: values.RecipeText,
    projects.ProjectNew: projects.ProjectState,
    projects.ProjectOpen: projects.ProjectState,
    projects.ProjectList: projects.ProjectNames,
    projects.ProjectAdd: projects.ProjectState,
    projects.ProjectRemove: projects.ProjectState,
    projects.ProjectStatus: projects.ProjectState,
    projects.ProjectFrames: projects.ProjectFrameList,
    projects.ProjectVerdict: projects.ProjectState,
    projects.ProjectUndo: projects.ProjectState,
    projects.ProjectRecipe: projects.ProjectState,
    projects.ProjectView: projects.ViewState,
    projects.ProjectPlan: values.Planned,
    projects.ProjectMeasure: projects.ProjectFrameList,
    projects.ProjectStack: values.Stacked,
}
"""What each command is answered with: THE list of commands."""


# ── what comes back ───────


class Success(Struct, frozen=True, kw_only=True):
    """It was done; ``data`` is what `REPLIES` names for the command."""

    id: Id
    ok: Literal[True] = True
    data: Any


class Failure(Struct, frozen=True, kw_only=True):
    """It could not be done."""

    id: Id | None
    """null where the id could not be read."""
    ok: Literal[False] = False
    error: str
    """What was wrong, and what would be right."""
    code: Code
    path: str | UnsetType = UNSET
    """JSON path of the field that is wrong."""
    hint: str | UnsetType = UNSET
    """What would be right, by itself."""
    refusal: str | UnsetType = UNSET
    """Why a frame cannot be used, from the closed list of the report."""


class ProgressMessage(Struct, frozen=True, kw_only=True):
    """How far the request's job is; at most ten a second."""

    id: Id
    progress: values.ProgressStep


class FrameMessage(Struct, frozen=True, kw_only=True):
    """A frame that ``measure`` has just done."""

    id: Id
    frame: values.MeasuredFrame


class JobEvent(Struct, frozen=True, kw_only=True):
    """A job changed its state."""

    event: Literal["job"] = "job"
    data: values.Job


class LogEvent(Struct, frozen=True, kw_only=True):
    """A line of the log."""

    event: Literal["log"] = "log"
    data: values.LogLine


MESSAGES = (Success, Failure, ProgressMessage, FrameMessage, JobEvent, LogEvent)
