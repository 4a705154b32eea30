"""What a report says: frozen values that are ``report.json`` as they stand; unknown is null."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from sidera.errors import Refusal
from sidera.model.frame import Figures

SCHEMA = 1
"""Grows when a field changes its meaning or goes; new fields may come at any time."""


class FrameFigures(Struct, frozen=True, kw_only=True):
    """What was measured on a frame: lengths in pixels, levels in ADU, sky and noise one value a channel."""

    stars: int | None = None
    sky: tuple[float | None, ...] = ()
    noise: tuple[float | None, ...] = ()
    fwhm: float | None = None
    hfr: float | None = None
    eccentricity: float | None = None
    snr: float | None = None
    saturated: int | None = None


def figures_of(figures: Figures) -> FrameFigures:
    """The figures of a frame as a report carries them."""
    return FrameFigures(**msgspec.structs.asdict(figures))


class TransformReport(Struct, frozen=True, kw_only=True):
    """How a frame lies on the reference: reference (x, y) -> frame (x, y)."""

    model: str
    coefficients: dict[str, Any] = {}
    rotation: float | None = None
    """Degrees."""
    shift: tuple[float, float] | None = None
    """Pixels, at the field's centre."""
    scale: float | None = None
    mirrored: bool = False
    inliers: int | None = None
    """Stars that agree."""
    residual: float | None = None
    """Rms of their distances, pixels."""
    chance: float | None = None
    """log10 of the probability that unrelated fields match so well."""


class FrameReport(Struct, frozen=True, kw_only=True):
    """What became of one frame."""

    path: str
    index: int = 0
    kind: str
    verdict: Literal["used", "refused"]
    """Used: stacked, or part of a master frame that was. Refused: left out, ``code`` and ``reason`` say why."""
    code: Refusal | None = None
    """Why it was refused, from the closed list of `sidera.errors.Refusal`."""
    reason: str | None = None
    cure: str | None = None
    group: str | None = None
    """Name of the stack it belongs to."""
    date: str | None = None
    exposure: float | None = None
    sources: dict[str, str] = {}
    figures: FrameFigures | None = None
    transform: TransformReport | None = None
    scale: float | None = None
    """Factor that brings its star fluxes to the reference's."""
    weight: float | None = None
    calibration: str | None = None
    """The formula that was applied."""
    warnings: tuple[str, ...] = ()
    rejected_fraction: float | None = None
    """Share of its samples that were rejected."""
    thumbnail: str | None = None
    """PNG or JPEG as base64, for the page only."""


class MasterReport(Struct, frozen=True, kw_only=True):
    """A master frame and what it was made from."""

    kind: str
    frames: int
    path: str | None = None
    exposure: float | None = None
    gain: float | None = None
    temperature: float | None = None
    filter: str | None = None
    warnings: tuple[str, ...] = ()


class TruthFrame(Struct, frozen=True, kw_only=True):
    """One frame against the truth of a simulated night."""

    file: str
    transform_rms: float | None = None
    """Error of its transform over the field, rms in pixels."""


class TruthChannel(Struct, frozen=True, kw_only=True):
    """One channel against the truth; fields as in `sidera.pipeline.fidelity.ChannelFidelity`."""

    band: str
    stars: int
    flux_bias: float | None = None
    """Median error of star fluxes, %."""
    flux_scatter: float | None = None
    """Scatter of star fluxes over what photon and read noise alone would give; 1 is perfect."""
    flux_scatter_percent: float | None = None
    flux_slope: float | None = None
    """Per cent, edge to edge."""
    fwhm_growth: float | None = None
    """Per cent."""
    empty_pixels: int
    false_pixels: int
    """Pixels beyond 6 sigma where the truth is empty."""
    false_ppm: float | None = None
    noise_ratio: float | None = None
    """Background noise of 4 x 4 pixel means over the photon limit; 1 is perfect."""
    pixel_noise_ratio: float | None = None
    noise: float | None = None
    """ADU."""
    noise_map_ratio: float | None = None


class TruthReport(Struct, frozen=True, kw_only=True):
    """A stack of a simulated night against its truth."""

    frames: tuple[TruthFrame, ...] = ()
    transform_rms: float | None = None
    """Over all frames, pixels."""
    worst_transform_rms: float | None = None
    channels: tuple[TruthChannel, ...] = ()


class FinishingStep(Struct, frozen=True, kw_only=True):
    """What one correction found and did."""

    name: str
    """Stage of the recipe: crop, gradient, neutralise, whitebalance, starcolour, scnr, denoise or stretch."""
    applied: bool
    told: str
    """In a sentence: what was done, or why it was not."""
    figures: dict[str, tuple[float | None, ...]] = {}
    """One value a channel, or one in all; levels in ADU."""


class StackReport(Struct, frozen=True, kw_only=True):
    """One result and its figures. Noise per channel in ADU of the reference."""

    name: str
    target: str | None = None
    filter: str | None = None
    path: str | None = None
    width: int
    height: int
    channels: int
    frames_used: int
    frames_refused: int
    exposure: float | None = None
    """Seconds in all."""
    reference: str | None = None
    noise: tuple[float | None, ...] = ()
    noise_single: tuple[float | None, ...] = ()
    """Of one frame, typical among those used."""
    noise_halves: tuple[float | None, ...] = ()
    """From the difference of two half stacks: no estimate is more honest."""
    gain: float | None = None
    """How many times cleaner than one frame."""
    efficiency: float | None = None
    """Noise to be expected of the frames' own noises and weights over the noise there is; 1 is perfect."""
    fwhm: float | None = None
    stars: int | None = None
    coverage_median: float | None = None
    rejected_low: float | None = None
    """Per cent of all samples."""
    rejected_high: float | None = None
    masters: tuple[MasterReport, ...] = ()
    warnings: tuple[str, ...] = ()
    finishing: tuple[FinishingStep, ...] = ()
    """How the picture was made of the linear stack, which itself is left as it is; levels in ADU."""
    truth: TruthReport | None = None
    """Where the lights are of a simulated night with its ``truth.json`` beside them."""
    picture: str | None = None
    """Stretched preview, PNG or JPEG as base64, for the page only."""


class Report(Struct, frozen=True, kw_only=True):
    """A run: what was done to every frame, and how good the result is."""

    schema: int = SCHEMA
    created: str
    """ISO 8601, UTC."""
    command: str | None = None
    frames: tuple[FrameReport, ...] = ()
    stacks: tuple[StackReport, ...] = ()
    stack: StackReport | None = None
    """The first of ``stacks``, for readers that expect one; filled in by itself."""
    plan: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    timings: dict[str, float] = {}
    """Wall seconds a stage."""
    versions: dict[str, str] = {}
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.stacks and self.stack is None:
            msgspec.structs.force_setattr(self, "stack", self.stacks[0])


def without_images(report: Report) -> Report:
    """The report as ``report.json`` carries it."""
    bare = tuple(msgspec.structs.replace(stack, picture=None) for stack in report.stacks)
    return msgspec.structs.replace(
        report,
        frames=tuple(msgspec.structs.replace(frame, thumbnail=None) for frame in report.frames),
        stacks=bare,
        stack=bare[0] if bare else None,
    )
