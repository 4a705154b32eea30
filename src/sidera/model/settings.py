"""Every setting of every stage: small frozen values that the rooms take and the Recipe is made of.

Each carries its unit and meaning in ``description``, from which the command line, the docs and the web page's
forms are made, and its range, checked when a value is read from JSON, TOML, flags or keyword arguments.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Method = Literal["mean", "median"]
Rejection = Literal["none", "sigma", "winsorized", "mad", "hybrid"]


class CalibrationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From raw ADU to calibrated ADU."""

    temperature_tolerance: Annotated[
        float, Meta(ge=0, description="Darks serve lights taken within this many °C of them.")
    ] = 2.0
    scale_darks: Annotated[
        bool, Meta(description="Scale a dark to the light's exposure when none of equal exposure is at hand.")
    ] = False
    master_kappa: Annotated[
        float, Meta(gt=0, description="Samples this many sigma off are left out of master frames.")
    ] = 4.0
    cosmetic: Annotated[
        Literal["auto", "on", "off"],
        Meta(description="Find hot and cold pixels in each light: auto does so where no dark shows them."),
    ] = "auto"
    defect_sigma: Annotated[
        float,
        Meta(gt=0, description="Pixels of a master dark this many sigma off their neighbours are defects."),
    ] = 8.0
    strict: Annotated[
        bool, Meta(description="Refuse a light that has no safe calibration, instead of warning.")
    ] = False


class DemosaicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From a colour filter array to colour."""

    method: Annotated[
        Literal["rcd", "bilinear", "vng", "superpixel"],
        Meta(
            description="rcd: sharpest; bilinear: exact star colours; superpixel: half size, no interpolation."
        ),
    ] = "rcd"
    conserve_flux: Annotated[
        bool,
        Meta(description="After rcd or vng, give each colour back the light that its own pixels saw."),
    ] = True
    bayer: Annotated[
        Literal["auto", "RGGB", "BGGR", "GRBG", "GBRG", "none"],
        Meta(
            description="Colour filter array at stored row 0, column 0; auto reads the header; none is mono."
        ),
    ] = "auto"


class DetectionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Finding and measuring stars."""

    threshold: Annotated[
        float, Meta(gt=0, description="A star stands this many sigma above the filtered sky.")
    ] = 5.0
    maximum: Annotated[int, Meta(ge=10, description="Keep this many of the brightest, spread evenly.")] = 2000
    mesh: Annotated[int, Meta(ge=16, description="Cell of the sky mesh, in pixels.")] = 64
    fwhm: Annotated[float, Meta(gt=0, description="First guess of the FWHM, in pixels.")] = 2.5


class RegistrationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bringing every frame onto one grid."""

    model: Annotated[
        Literal["auto", "shift", "similarity", "affine", "homography", "quadratic", "cubic"],
        Meta(description="auto chooses the simplest model that the stars support (AICc)."),
    ] = "auto"
    reference: Annotated[str, Meta(description="auto chooses by stars and sharpness; or a file's name.")] = (
        "auto"
    )
    framing: Annotated[
        Literal["reference", "intersection", "union"],
        Meta(description="Output frame: the reference's, what all frames share, or all that any frame saw."),
    ] = "reference"
    maximum_residual: Annotated[
        float, Meta(gt=0, description="Refuse a frame whose stars miss by more than this, rms in pixels.")
    ] = 0.5
    interpolation: Annotated[
        Literal["lanczos3", "bilinear", "nearest"],
        Meta(description="How pixels are moved onto the output grid."),
    ] = "lanczos3"


class IntegrationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From many registered frames to one."""

    combine: Annotated[Method, Meta(description="What is done with the samples that were kept.")] = "mean"
    rejection: Annotated[
        Rejection,
        Meta(description="hybrid knows the noise and the samples' own scatter; the others are classic."),
    ] = "hybrid"
    kappa_low: Annotated[float, Meta(gt=0, description="Reject below this many sigma.")] = 4.0
    kappa_high: Annotated[float, Meta(gt=0, description="Reject above this many sigma.")] = 3.5
    iterations: Annotated[int, Meta(ge=1, le=50, description="Rounds of rejection at most.")] = 5
    normalisation: Annotated[
        Literal["local", "global", "none"],
        Meta(description="local: star scale and a smooth sky surface; global: scale and one offset; none."),
    ] = "local"
    weights: Annotated[
        Literal["noise-fwhm", "noise", "none"],
        Meta(description="Weight frames by noise and sharpness, by noise alone, or equally."),
    ] = "noise-fwhm"
    keep: Annotated[
        float, Meta(gt=0, le=1, description="Share of the best frames to keep, 1 for all that register.")
    ] = 1.0
    halves: Annotated[bool, Meta(description="Also write the stacks of odd and of even frames.")] = False
