"""Settings of the last part, from a linear stack to a picture: one small frozen value a correction.

As in `sidera.model.settings`: each carries its meaning, unit and range. The corrections run in the order in which
they stand here; every one is linear light in, linear light out, until the stretch.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class CropSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cut off the borders that few frames saw."""

    enabled: Annotated[bool, Meta(description="Crop to the largest rectangle that was covered well.")] = True
    coverage: Annotated[
        float,
        Meta(gt=0, le=1, description="Every pixel kept was seen by at least this share of the most frames."),
    ] = 0.8
    holes: Annotated[
        int,
        Meta(ge=0, le=512, description="Gaps in the coverage up to this many pixels across do not count."),
    ] = 8


class GradientSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take away the sky's own light: town, moon, twilight."""

    enabled: Annotated[
        bool, Meta(description="Remove the sky's gradient, with stars and nebulae masked.")
    ] = True
    model: Annotated[
        Literal["auto", "polynomial", "tps", "mesh"],
        Meta(
            description="auto: a polynomial whose degree the sky itself supports; polynomial: of the given degree; "
            "tps: thin-plate spline; mesh: 16 cells a side, for fields without nebulae."
        ),
    ] = "auto"
    degree: Annotated[
        int, Meta(ge=1, le=4, description="Degree of the polynomial; the highest for auto.")
    ] = 4
    smoothing: Annotated[
        float,
        Meta(ge=0, le=1, description="Of the thin-plate spline: 0 follows the sky, 1 is nearly a plane."),
    ] = 0.5
    method: Annotated[
        Literal["subtract", "divide"],
        Meta(description="subtract for light that was added; divide for light that was lost (no flat)."),
    ] = "subtract"
    protection: Annotated[
        float, Meta(gt=0, description="What stands this many sigma above the sky is no sky.")
    ] = 3.0


class NeutraliseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make the empty sky grey, by addition alone."""

    enabled: Annotated[bool, Meta(description="Bring the sky of the three colours to one level.")] = True
    target: Annotated[
        Literal["mean", "green"], Meta(description="The level: the mean of the three colours', or green's.")
    ] = "mean"


class WhiteBalanceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make light of the colour of the Sun white."""

    enabled: Annotated[bool, Meta(description="Balance the three colours.")] = True
    method: Annotated[
        Literal["stars", "manual"],
        Meta(description="stars: from the colours of the field's own stars; manual: by red, green and blue."),
    ] = "stars"
    white: Annotated[
        float, Meta(ge=3000, le=12000, description="Temperature in kelvin of the star that is to be white.")
    ] = 5800.0
    red: Annotated[float, Meta(gt=0, description="Factor on red, for manual.")] = 1.0
    green: Annotated[float, Meta(gt=0, description="Factor on green, for manual.")] = 1.0
    blue: Annotated[float, Meta(gt=0, description="Factor on blue, for manual.")] = 1.0


class StarColourSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give every star one colour from core to rim."""

    enabled: Annotated[
        bool,
        Meta(
            description="Give every star one colour, its own: optics and saturation make cores and rims of others."
        ),
    ] = True
    snr: Annotated[
        float, Meta(gt=0, description="Stars of less signal to noise than this stay as they are.")
    ] = 10.0
    cores: Annotated[
        bool,
        Meta(
            description="Saturated cores take the colour of the star's flank, and become level; else they are "
            "taken for light like any other."
        ),
    ] = True


class ScnrSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take away green where nothing in the sky is green."""

    enabled: Annotated[bool, Meta(description="Take away green that stands out of red and blue.")] = False
    method: Annotated[
        Literal["average", "maximum"],
        Meta(description="What green may reach: the average of red and blue, or the larger of them."),
    ] = "average"
    colour: Annotated[
        Literal["green", "magenta"], Meta(description="What is taken: green, or its opposite.")
    ] = "green"
    amount: Annotated[float, Meta(ge=0, le=1, description="Share of the excess that is taken.")] = 1.0


class DenoiseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Smooth the noise of the sky, not the stars."""

    enabled: Annotated[
        bool, Meta(description="Reduce noise. Off: it makes a stack look better than it is.")
    ] = False
    method: Annotated[
        Literal["starlet", "median"],
        Meta(
            description="starlet: by scales, from the stack's own noise; median: 3×3 where there is only sky."
        ),
    ] = "starlet"
    auto: Annotated[
        bool,
        Meta(description="Find the strength by comparing the stack's halves, where it has them (--halves)."),
    ] = True
    amount: Annotated[
        float,
        Meta(gt=0, le=1, description="Share of the noise found that is taken; 1 leaves a sky like wax."),
    ] = 0.7
    strength: Annotated[
        float, Meta(gt=0, le=10, description="What stays under this many sigma is noise, for starlet.")
    ] = 3.0
    shrink: Annotated[
        Literal["garrote", "soft"],
        Meta(description="garrote: what is above the noise stays as it is; soft: it is lowered, too."),
    ] = "garrote"
    chroma: Annotated[
        float, Meta(ge=1, le=5, description="Colour is smoothed so much more strongly than brightness.")
    ] = 2.0
    scales: Annotated[
        int, Meta(ge=1, le=7, description="Scales smoothed, the largest of 2^scales pixels.")
    ] = 4


class StretchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From linear light to a picture."""

    enabled: Annotated[bool, Meta(description="Stretch; else the picture is linear and dark.")] = True
    method: Annotated[
        Literal["auto", "stf", "mtf", "asinh", "ghs", "log", "linear"],
        Meta(
            description="auto: finds its own curve and keeps the stars' colours; stf: PixInsight's automatic curve; "
            "the others by hand."
        ),
    ] = "auto"
    linked: Annotated[
        bool, Meta(description="One curve for all colours; else one each, for auto and stf.")
    ] = True
    brightness: Annotated[float, Meta(gt=0, lt=1, description="Brightness of the sky, for auto.")] = 0.15
    background: Annotated[
        float, Meta(gt=0, lt=1, description="Brightness of the sky, for stf; 0.1 for a dark one.")
    ] = 0.25
    shadows_sigma: Annotated[
        float,
        Meta(description="Black lies this many sigma from the sky, for auto and stf; negative is below it."),
    ] = -2.8
    highlights_sigma: Annotated[
        float,
        Meta(
            ge=0,
            description="White lies this many sigma above the sky, for stf, 15 for instance; 0: no limit.",
        ),
    ] = 0.0
    colour: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share in which the linear light's colours are kept; 0: each channel by itself.",
        ),
    ] = 0.7
    shadows: Annotated[
        float,
        Meta(ge=0, lt=1, description="Black, by hand: 0 is the least of the image's values, 1 the greatest."),
    ] = 0.0
    midtones: Annotated[float, Meta(gt=0, lt=1, description="What becomes one half, for mtf.")] = 0.25
    highlights: Annotated[
        float,
        Meta(gt=0, le=1, description="White, by hand: 0 is the least of the image's values, 1 the greatest."),
    ] = 1.0
    amount: Annotated[
        float,
        Meta(
            ge=0,
            le=20,
            description="Strength of asinh, ghs and log: ln(D + 1), the slope at the symmetry point.",
        ),
    ] = 5.0
    local: Annotated[
        float,
        Meta(
            ge=-15,
            le=15,
            description="Local intensity b of ghs: how fast the stretch fades around its symmetry point.",
        ),
    ] = 0.0
    symmetry: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Symmetry point SP of ghs, between black and white: where contrast is highest.",
        ),
    ] = 0.0
    protect_low: Annotated[
        float, Meta(ge=0, le=1, description="Shadows under this LP of ghs are stretched evenly.")
    ] = 0.0
    protect_high: Annotated[
        float, Meta(ge=0, le=1, description="Highlights over this HP of ghs are stretched evenly.")
    ] = 1.0


class ExportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How files are written."""

    linear: Annotated[
        bool, Meta(description="Write linear light into TIFF too; FITS and XISF always are linear.")
    ] = False
    bits: Annotated[
        Literal["auto", "8", "16", "32"],
        Meta(
            description="Bits a sample; auto: 8 for PNG and JPEG, 16 for a picture in TIFF, 32 for linear light."
        ),
    ] = "auto"
    quality: Annotated[int, Meta(ge=1, le=100, description="Of JPEG.")] = 92
