"""What the engine's replies are made of: frozen values; null stands for what is not known, as NaN does elsewhere.

Coordinates are those of the picture as it is looked at: pixel centres at whole numbers, the top row first,
whichever row the file stores first.
"""

from typing import Any, Literal

from msgspec import Struct

from sidera.pipeline.recipe import Recipe

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Level = Literal["debug", "info", "warning", "error"]
ImageKind = Literal["frame", "stack", "map", "finished"]


class Nothing(Struct, frozen=True):
    """No data: the command was done."""


# ── of the ten old commands, whose names are their own ───────


class FrameInfo(Struct, frozen=True, rename="camel", kw_only=True):
    """What a file's header says; exposure in seconds, temperature in °C."""

    id: str
    path: str
    width: int
    height: int
    channels: int
    bitpix: int
    frame_type: Literal["Light", "Dark", "Flat", "Bias", "Unknown"]
    exposure_time: float | None
    temperature: float | None
    gain: float | None
    filter_name: str | None
    bayer_pattern: str | None


class LoadedImage(Struct, frozen=True, rename="camel"):
    """An image that the engine holds until it is released."""

    image_id: str


class ImageSize(Struct, frozen=True):
    """Size in pixels."""

    width: int
    height: int
    channels: int


class PreviewFile(Struct, frozen=True):
    """Raw RGBA8 on disk: width · height · 4 bytes, top row first, alpha 255."""

    path: str
    width: int
    height: int


class Histogram(Struct, frozen=True):
    """Pixels in equal bins from the smallest value to the largest; what is not known counts nowhere."""

    bins: tuple[int, ...]
    min: float | None
    max: float | None
    channel: int


class OldStretch(Struct, frozen=True, forbid_unknown_fields=False):
    """Shadows, midtones and highlights in parts of the image's range (see `Range`)."""

    shadows: float = 0.0
    midtones: float = 0.25
    highlights: float = 1.0


# ── images and pixels ───────


class Range(Struct, frozen=True, kw_only=True):
    """Of one channel: what its pixels are scaled by on their way to the screen, and where they lie."""

    centre: float
    """The sky's median. A tile holds (value - centre) / spread as float16."""
    spread: float
    """1.4826 times the median absolute deviation (or what the brightest pixel needs to fit into float16); 1 for 0."""
    low: float
    """0 of the stretch: the value at the 0.01 % quantile."""
    high: float
    """1 of the stretch: the value at the 99.99 % quantile."""
    minimum: float | None
    maximum: float | None
    missing: int
    """Pixels that nobody measured."""


class BendValues(Struct, frozen=True, kw_only=True):
    """A generalised hyperbolic stretch or inverse hyperbolic sine; as `sidera.stretch.curves.Bend`."""

    kind: Literal["ghs", "asinh"]
    amount: float
    local: float
    symmetry: float
    protect_low: float
    protect_high: float


class CurveValues(Struct, frozen=True, kw_only=True):
    """A screen transfer function of one channel, bent at last; as `sidera.stretch.curves.Curve`."""

    low: float
    high: float
    shadows: float
    midtones: float
    highlights: float
    bend: BendValues | None


class MapImages(Struct, frozen=True, kw_only=True):
    """Images of what is known of every pixel of a stack."""

    noise: str
    weight: str
    coverage: str
    rejected_low: str
    rejected_high: str


class PyramidLevel(Struct, frozen=True):
    """One size of the image; level 0 is whole, each next is half of it."""

    width: int
    height: int
    columns: int
    """Tiles across."""
    rows: int
    """Tiles down."""


class View(Struct, frozen=True, kw_only=True):
    """All that a viewer needs before its first tile."""

    image: str
    """The engine's name of it, until released."""
    key: str
    """Digest of the pixels: the same for ever, in every run. Commands take it in place of ``image``."""
    kind: ImageKind
    name: str
    path: str | None
    width: int
    height: int
    channels: int
    tile: int
    """Side of a tile without its gutter."""
    gutter: int
    """Pixels around a tile that repeat its neighbours', so that interpolation shows no seam."""
    sentinel: float
    """Value in a tile that stands for "nobody measured this pixel"."""
    levels: tuple[PyramidLevel, ...]
    ranges: tuple[Range, ...]
    linked: tuple[CurveValues, ...]
    """The automatic stretch with one curve for all channels, a curve a channel."""
    unlinked: tuple[CurveValues, ...]
    solved: bool
    """Its header says where in the sky it lies."""
    maps: MapImages | None
    """Of a stack: what is known of every pixel."""


class Tile(Struct, frozen=True, kw_only=True):
    """Pixels of one channel: rows of ``width`` float16, little endian, gutters included."""

    image: str
    level: int
    x: int
    y: int
    channel: int
    width: int
    height: int
    pixels: bytes
    """Base64 in JSON."""


class Sky(Struct, frozen=True):
    """Place in the sky, ICRS degrees."""

    ra: float
    dec: float


class Pixels(Struct, frozen=True, kw_only=True):
    """Exact values ``[channel][row][column]``; null where nobody measured."""

    x: int
    y: int
    width: int
    height: int
    values: tuple[tuple[tuple[float | None, ...], ...], ...]
    sky: Sky | None
    """Of the window's middle, where the image is solved."""


class StarList(Struct, frozen=True, kw_only=True):
    """Stars, brightest first; every list is of one length. Pixels, ADU, degrees from +x towards +y."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    flux: tuple[float, ...]
    snr: tuple[float, ...]
    fwhm: tuple[float | None, ...]
    hfr: tuple[float | None, ...]
    eccentricity: tuple[float | None, ...]
    angle: tuple[float | None, ...]
    saturated: tuple[bool, ...]


# ── frames and runs ───────


class FoundFrame(Struct, frozen=True, kw_only=True):
    """A frame, and its header as Sidera understands it; units as `sidera.model.header.Header`."""

    path: str
    index: int = 0
    kind: str
    width: int
    height: int
    planes: int
    bayer: str | None
    exposure: float | None
    gain: float | None
    offset: float | None
    temperature: float | None
    filter: str | None
    target: str | None
    camera: str | None
    telescope: str | None
    date: str | None
    binning: tuple[int, int]
    bits: str
    format: str
    is_master: bool
    combined: int
    sources: dict[str, str]
    """From what each thing was decided."""


class RefusedFrame(Struct, frozen=True, kw_only=True):
    """A frame that is left out: a code of the closed list, the reason with its values, the cure."""

    path: str
    index: int = 0
    code: str
    reason: str
    cure: str
    kind: str


class Scanned(Struct, frozen=True, kw_only=True):
    """Everything that files and folders hold."""

    frames: tuple[FoundFrame, ...]
    refused: tuple[RefusedFrame, ...]
    previews: tuple[str, ...]
    """Pictures beside raw frames, which nobody means to stack."""
    results: tuple[str, ...]
    """Stacks of an earlier run."""


class PlannedStack(Struct, frozen=True, kw_only=True):
    """One image to be."""

    name: str
    target: str | None
    filter: str | None
    colour: bool
    lights: int
    exposure: float
    """Seconds in all."""


class CalibrationRow(Struct, frozen=True, kw_only=True):
    """Lights that are calibrated alike."""

    lights: tuple[str, ...]
    bias: str
    dark: str
    flat: str
    formula: str
    warnings: tuple[str, ...]


class CostEstimate(Struct, frozen=True, kw_only=True):
    """What it will take: wall seconds, and bytes."""

    seconds: float
    memory: int
    disk: int
    scratch: int
    words: str


class Planned(Struct, frozen=True, kw_only=True):
    """What would be done."""

    summary: tuple[str, ...]
    stacks: tuple[PlannedStack, ...]
    calibration: tuple[CalibrationRow, ...]
    refused: tuple[RefusedFrame, ...]
    cost: CostEstimate
    threads: int
    memory: int
    command: str
    """The same run as a command line."""


class MeasuredFrame(Struct, frozen=True, kw_only=True):
    """Figures of a light. Lengths in pixels, levels in ADU, sky and noise one value a channel."""

    path: str
    index: int = 0
    stars: int
    sky: tuple[float | None, ...]
    noise: tuple[float | None, ...]
    fwhm: float | None
    hfr: float | None
    eccentricity: float | None
    snr: float | None
    saturated: int


class Measured(Struct, frozen=True, kw_only=True):
    """Every light measured; those that could not be, with the reason."""

    frames: tuple[MeasuredFrame, ...]
    refused: tuple[RefusedFrame, ...]


class StackedImage(Struct, frozen=True, kw_only=True):
    """One stack of a run."""

    image: str
    name: str
    path: str | None
    width: int
    height: int
    channels: int
    maps: MapImages


class Stacked(Struct, frozen=True, kw_only=True):
    """What a run gave."""

    stacks: tuple[StackedImage, ...]
    written: tuple[str, ...]
    summary: tuple[str, ...]
    report: dict[str, Any]
    """As ``report.json``."""


class Offset(Struct, frozen=True):
    """Whole pixels to the right and down."""

    x: int
    y: int


class FinishStep(Struct, frozen=True, kw_only=True):
    """What one correction found and did."""

    name: str
    applied: bool
    told: str
    """For people."""
    figures: dict[str, tuple[float | None, ...]]


class Finished(Struct, frozen=True, kw_only=True):
    """A stack, corrected."""

    image: str
    """Linear."""
    name: str
    width: int
    height: int
    channels: int
    written: tuple[str, ...]
    steps: tuple[FinishStep, ...]
    curves: tuple[CurveValues, ...]
    """The stretch that makes the picture of it, a curve a channel."""
    colour: float
    """Share in which the stretch keeps the linear light's colours."""
    offset: Offset
    """The pixel of the stack's picture on which this one's first lies: a crop moves it."""


class Setting(Struct, frozen=True, kw_only=True):
    """One setting of the recipe."""

    name: str
    default: str
    meaning: str


class RecipeText(Struct, frozen=True, kw_only=True):
    """A recipe in every form."""

    recipe: Recipe
    toml: str
    settings: tuple[Setting, ...]
    schema: dict[str, Any]
    """JSON Schema of a recipe, from which forms are made."""
    changed: tuple[str, ...]
    """``stage.setting=value`` of everything that is not the default."""


# ── the engine itself ───────


class Greeting(Struct, frozen=True, kw_only=True):
    """Who answers."""

    engine: str
    version: str
    protocol: int
    process: int
    commands: tuple[str, ...]
    python: str
    platform: str


class Job(Struct, frozen=True, kw_only=True):
    """Work that takes its time."""

    job: str
    request: str | int | float | None
    """The id of the request that began it."""
    cmd: str
    state: JobState
    stage: str
    overall: float
    eta_s: float | None
    created: str
    """ISO 8601 UTC."""
    started: str | None
    ended: str | None
    error: str | None


class Jobs(Struct, frozen=True):
    """Running and queued jobs, then the last that ended."""

    jobs: tuple[Job, ...]


class CancelledJobs(Struct, frozen=True):
    """Jobs that were told to stop; none when nothing matched."""

    cancelled: tuple[str, ...]


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of the log."""

    number: int
    time: str
    level: Level
    text: str
    job: str | None


class LogLines(Struct, frozen=True):
    """The newest lines, oldest first."""

    lines: tuple[LogLine, ...]


class ProgressStep(Struct, frozen=True, kw_only=True):
    """How far a job is; ``percent`` of the stage and ``overall`` of the job, 0 to 1, never falling."""

    stage: str
    percent: float
    done: int
    total: int
    overall: float
    eta_s: float | None
    note: str
