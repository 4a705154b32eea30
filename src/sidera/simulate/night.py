"""A night in words: what to simulate, and the truth that came of it."""

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from sidera.errors import UsageError
from sidera.model.header import Bayer
from sidera.types import F64, U8

COLOURS = ("R", "G", "B")
PASSBANDS = {"R": (1.0, 0.0, 0.0), "G": (0.0, 1.0, 0.0), "B": (0.0, 0.0, 1.0)}
"""What each filter passes of red, green and blue light; any other filter (L, clear) passes their mean."""
CLEAR = (1 / 3, 1 / 3, 1 / 3)


class NightSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sky, the camera and the observer did. Electrons are per pixel and sub."""

    frames: Annotated[int, Meta(ge=1, le=99_999, description="Light frames, per filter.")] = 24
    size: Annotated[tuple[int, int], Meta(description="Width and height in pixels.")] = (1200, 900)
    bayer: Annotated[
        Literal["RGGB", "BGGR", "GRBG", "GBRG", "none"],
        Meta(description="Colour filter array; none is mono."),
    ] = "RGGB"
    filters: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="Filters of a mono camera, each with its own lights and flats."),
    ] = ("L",)
    seed: Annotated[int, Meta(ge=0, description="The same seed and settings make the same bytes.")] = 1
    target: Annotated[str, Meta(max_length=60, description="OBJECT in the headers.")] = "Simulated field"

    stars: Annotated[int, Meta(ge=0, description="Stars in a frame's area.")] = 300
    faintest_snr: Annotated[float, Meta(gt=0, description="SNR of the faintest star in one sub.")] = 5.0
    brightest_snr: Annotated[
        float, Meta(gt=0, description="SNR of the brightest unsaturated star in one sub.")
    ] = 1000.0
    flux_slope: Annotated[float, Meta(gt=0, description="N(>flux) falls as flux to minus this.")] = 0.5
    saturated: Annotated[int, Meta(ge=0, description="Stars on top of these that saturate.")] = 2
    star_colours: Annotated[bool, Meta(description="Stars differ in colour; else all are white.")] = True
    nebula: Annotated[bool, Meta(description="A nebula with dark lanes near the middle of the field.")] = True
    nebula_peak: Annotated[float, Meta(ge=0, description="Rough peak of the nebula, e⁻.")] = 90.0

    psf: Annotated[Literal["moffat", "gaussian"], Meta(description="Star profile; Moffat has beta = 3.")] = (
        "moffat"
    )
    fwhm: Annotated[float, Meta(ge=1.0, le=40, description="Median seeing, FWHM in pixels.")] = 2.5
    seeing_scatter: Annotated[float, Meta(ge=0, le=1, description="Relative scatter of the FWHM.")] = 0.15
    transparency_scatter: Annotated[
        float, Meta(ge=0, le=1, description="Relative scatter of transparency.")
    ] = 0.10
    maximum_shift: Annotated[float, Meta(ge=0, description="Largest dither, pixels.")] = 30.0
    maximum_rotation: Annotated[
        float, Meta(ge=0, le=180, description="Largest rotation to either side, degrees.")
    ] = 2.0
    flipped: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Index of a frame turned by 180°, as after a flip."),
    ] = None

    sky: Annotated[float, Meta(ge=0, description="Sky level, mean of the colours, e⁻.")] = 150.0
    sky_scatter: Annotated[float, Meta(ge=0, le=0.5, description="Relative scatter of the sky level.")] = 0.05
    gradient: Annotated[
        float, Meta(ge=0, le=1, description="Sky gradient, edge to edge, as part of the level.")
    ] = 0.25
    gradient_turn: Annotated[
        float, Meta(description="Degrees by which its direction turns through the night.")
    ] = 180.0
    trails: Annotated[int, Meta(ge=0, description="Satellite trails in the night.")] = 5
    trail_frames: Annotated[
        tuple[int, ...] | None,
        Meta(description="Frames that the trails cross, in turn; None: drawn at random."),
    ] = None
    trail_sigma: Annotated[
        tuple[float, float], Meta(description="Faintest and brightest trail, peak in sigma of one sub's sky.")
    ] = (2.0, 50.0)
    cosmic_rays: Annotated[int, Meta(ge=0, description="Cosmic rays a frame.")] = 200

    exposure: Annotated[float, Meta(gt=0, description="Exposure of a light, seconds.")] = 120.0
    gain: Annotated[float, Meta(gt=0, description="Electrons per ADU.")] = 2.5
    read_noise: Annotated[float, Meta(ge=0, description="Read noise, e⁻ rms.")] = 3.5
    bias: Annotated[float, Meta(ge=0, description="Bias level, ADU.")] = 500.0
    bias_pattern: Annotated[float, Meta(ge=0, description="Fixed pattern of the bias, ADU rms.")] = 1.5
    dark_current: Annotated[float, Meta(ge=0, description="Dark current, e⁻ per pixel and second.")] = 0.02
    hot_pixels: Annotated[float, Meta(ge=0, le=0.1, description="Share of pixels that are hot.")] = 0.0005
    hot_rate: Annotated[
        tuple[float, float],
        Meta(description="Dark current of the mildest and the worst hot pixel, e⁻ per second."),
    ] = (2.0, 600.0)
    vignetting: Annotated[float, Meta(ge=0, lt=1, description="Light lost in the corners.")] = 0.15
    motes: Annotated[int, Meta(ge=0, description="Shadows of dust in the flat.")] = 6
    pixel_response: Annotated[
        float, Meta(ge=0, le=0.2, description="Scatter of the pixels' sensitivity.")
    ] = 0.005
    saturation: Annotated[int, Meta(ge=1, le=65535, description="Highest value the camera gives, ADU.")] = (
        65535
    )
    temperature: Annotated[float, Meta(description="Sensor temperature, °C.")] = -10.0
    date: Annotated[str, Meta(description="Start of the first exposure, ISO 8601, UTC.")] = (
        "2026-01-15T20:00:00"
    )

    biases: Annotated[int, Meta(ge=0, description="Bias frames; 0 makes none.")] = 10
    darks: Annotated[int, Meta(ge=0, description="Dark frames; 0 makes none.")] = 10
    flats: Annotated[int, Meta(ge=0, description="Flat frames, per filter; 0 makes none.")] = 10
    flat_level: Annotated[float, Meta(gt=0, description="Mean level of a flat above its bias, ADU.")] = (
        25_000.0
    )

    @property
    def mono(self) -> bool:
        """No colour filter array."""
        return self.bayer == "none"

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the colours measured: R, G, B, or the filters of a mono camera."""
        return self.filters if self.mono else COLOURS

    @property
    def lights(self) -> int:
        """Light frames in all."""
        return self.frames * (len(self.filters) if self.mono else 1)


class StarTruth(Struct, frozen=True, kw_only=True):
    """One star: place on the sky plane in pixels, flux per band in e⁻ a sub at transparency 1."""

    x: float
    y: float
    flux: tuple[float, ...]
    saturates: bool = False


class Blob(Struct, frozen=True, kw_only=True):
    """A Gaussian cloud on the sky plane; or a dark lane, ``strength`` being the share of light it takes."""

    x: float
    y: float
    major: float
    minor: float
    angle: float
    strength: float


class TrailTruth(Struct, frozen=True, kw_only=True):
    """A satellite's trail across one frame: end points in frame pixels, Gaussian width, peak."""

    x0: float
    y0: float
    x1: float
    y1: float
    peak: float
    """e⁻ on the trail's ridge."""
    sigma: float
    """The peak in sigma of the sub's sky."""
    width: float
    """Standard deviation of the profile in pixels."""


class FrameTruth(Struct, frozen=True, kw_only=True):
    """One light frame."""

    file: str
    band: int | None
    """Index of the filter in ``Truth.bands``; None where the mosaic sees all of them."""
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Sky plane (x, y, 1) -> frame (x, y)."""
    fwhm: float
    transparency: float
    sky: float
    """e⁻ at the frame's middle, mean of the colours."""
    gradient: tuple[float, float]
    """Rise of the sky from left to right and from first row to last, as part of its level."""
    date: str
    trails: tuple[TrailTruth, ...] = ()
    cosmic_rays: int = 0


class Truth(Struct, frozen=True, kw_only=True):
    """All that is true of a simulated night; ``truth.json`` is this value."""

    settings: NightSettings
    bands: tuple[str, ...]
    stars: tuple[StarTruth, ...]
    clouds: tuple[Blob, ...]
    lanes: tuple[Blob, ...]
    frames: tuple[FrameTruth, ...]
    hot_pixels: int = 0
    """How many; ``defects.npy`` lists their (x, y)."""

    def matrix(self, index: int) -> F64:
        """Sky plane -> frame, shape (2, 3)."""
        return np.array(self.frames[index].matrix, np.float64)

    def relative(self, reference: int, index: int) -> F64:
        """True map from the reference's pixels to a frame's, shape (2, 3)."""
        bottom = np.array([[0.0, 0.0, 1.0]])
        inverse = np.linalg.inv(np.vstack([self.matrix(reference), bottom]))
        exact: F64 = self.matrix(index) @ inverse
        return exact

    def to_json(self) -> bytes:
        """The document that is written beside the frames."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def truth_from_json(document: bytes | str) -> Truth:
    """Read ``truth.json`` back.

    Raises
    ------
    UsageError
        When the document is not the truth of a simulated night.
    """
    try:
        return msgspec.json.decode(document, type=Truth)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UsageError(
            f"not the truth of a simulated night: {error}", "give the truth.json of `sidera simulate`"
        ) from error


def checked(settings: NightSettings) -> NightSettings:
    """The settings, once they are known to make sense.

    Raises
    ------
    UsageError
        For a setting out of range, with the value.
    """
    try:
        msgspec.convert(msgspec.to_builtins(settings), NightSettings)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"this night cannot be simulated: {error}", "`sidera simulate --help` lists the ranges"
        ) from error
    _refuse_nonsense(settings)
    return settings


def _refuse_nonsense(settings: NightSettings) -> None:
    width, height = settings.size
    if not (2 <= width <= 30_000 and 2 <= height <= 30_000):
        raise UsageError(
            f"a frame of {width} x {height} pixels cannot be simulated", "each side has 2 to 30000 pixels"
        )
    chosen = (*(settings.trail_frames or ()), *(() if settings.flipped is None else (settings.flipped,)))
    if any(not 0 <= index < settings.lights for index in chosen):
        raise UsageError(f"no light has index {max(chosen)}", f"there are {settings.lights}, counted from 0")
    if settings.faintest_snr > settings.brightest_snr:
        raise UsageError(
            f"faintest SNR {settings.faintest_snr} exceeds brightest {settings.brightest_snr}",
            "give the smaller first",
        )
    if any(low <= 0 or low > high for low, high in (settings.trail_sigma, settings.hot_rate)):
        raise UsageError(
            "a range of trail_sigma or hot_rate does not rise from above 0", "give (lowest, highest)"
        )
    if any(not name.isalnum() for name in settings.filters) or len(set(settings.filters)) != len(
        settings.filters
    ):
        raise UsageError(f"filters {settings.filters} are not distinct plain names", "for example L, R, G, B")


def band_weights(settings: NightSettings) -> F64:
    """What each band sees of red, green and blue light, shape (bands, 3)."""
    if not settings.mono:
        return np.eye(3)
    return np.array([PASSBANDS.get(name, CLEAR) for name in settings.filters])


def colour_map(settings: NightSettings) -> U8:
    """Band index of every pixel of a colour camera's mosaic, [row, column]."""
    width, height = settings.size
    bayer = Bayer(settings.bayer)
    cell = np.array([[bayer.colour(row, column) for column in (0, 1)] for row in (0, 1)], np.uint8)
    return np.tile(cell, ((height + 1) // 2, (width + 1) // 2))[:height, :width]
