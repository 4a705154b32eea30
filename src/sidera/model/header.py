"""What a frame says of itself, in one dialect; and THE rule for row order and Bayer phase."""

from enum import StrEnum

import msgspec

from sidera.errors import FrameError, Refusal


class Kind(StrEnum):
    """What a frame was taken for."""

    LIGHT = "light"
    DARK = "dark"
    FLAT = "flat"
    BIAS = "bias"
    FLAT_DARK = "flat-dark"
    UNKNOWN = "unknown"


class Bayer(StrEnum):
    """Colour filter array, named by its first two rows from stored row 0, column 0."""

    RGGB = "RGGB"
    BGGR = "BGGR"
    GRBG = "GRBG"
    GBRG = "GBRG"

    def colour(self, row: int, column: int) -> int:
        """Colour seen at a pixel: 0 red, 1 green, 2 blue."""
        return "RGB".index(self.value[(row % 2) * 2 + column % 2])

    def shifted(self, rows: int, columns: int) -> "Bayer":
        """Pattern of a window whose first pixel lies at (rows, columns) of this one."""
        letters = [
            self.value[((row + rows) % 2) * 2 + (column + columns) % 2] for row in (0, 1) for column in (0, 1)
        ]
        return Bayer("".join(letters))


class Card(msgspec.Struct, frozen=True, array_like=True):
    """One header card as the file has it."""

    keyword: str
    value: str | int | float | bool | None
    comment: str = ""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What Sidera understands of a frame.

    ``None`` means that neither the header nor the file's name tells. Exposure in seconds, temperature in °C,
    pixel size in micrometres, focal length in millimetres, right ascension and declination in degrees,
    ``date_obs`` as ISO 8601 UTC (start of exposure), levels in ADU.
    """

    width: int
    height: int
    planes: int = 1
    """1, or 3 for a colour image that is demosaiced already."""
    kind: Kind = Kind.UNKNOWN
    bayer: Bayer | None = None
    """Pattern at stored row 0, column 0; None for mono or demosaiced data."""
    bottom_up: bool = False
    """The last stored row is the top of the picture."""
    is_master: bool = False
    n_combined: int = 1
    exposure: float | None = None
    gain: float | None = None
    offset: float | None = None
    temperature: float | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    readout: str | None = None
    date_obs: str | None = None
    binning: tuple[int, int] = (1, 1)
    pixel_size: float | None = None
    focal_length: float | None = None
    ra: float | None = None
    dec: float | None = None
    electrons_per_adu: float | None = None
    black: float = 0.0
    """Level that the file declares as black (camera RAW, DNG); subtracted in calibration only."""
    saturation: float | None = None
    """Level in ADU from which a raw pixel says nothing; None where unknown."""
    bias_section: tuple[int, int, int, int] | None = None
    """Overscan as (top, bottom, left, right), Python-style half-open rows and columns of the stored image."""
    trim_section: tuple[int, int, int, int] | None = None
    """Light-sensitive part, in the same form."""
    bits: str = ""
    """How the file stores a pixel, for people: "uint16", "float32", "8-bit JPEG" ..."""
    format: str = ""
    """File format, for people: "FITS", "XISF", "DNG", "SER" ..."""
    sources: dict[str, str] = {}
    """What was decided from what, for example ``{"kind": "FRAME", "filter": "file name"}``."""
    cards: tuple[Card, ...] = ()
    """The file's own cards, to be carried into the result."""


ROW_ORDERS = ("TOP-DOWN", "BOTTOM-UP")


def resolve_orientation(
    pattern: str | None, height: int, row_order: str | None = None, x_offset: int = 0, y_offset: int = 0
) -> tuple[Bayer | None, bool]:
    """Pattern at stored row 0, column 0, and whether the last stored row is up. THE rule; every format calls it.

    Parameters
    ----------
    pattern : str or None
        As the file names it; None, "" or "MONO" mean no colour filter array.
    height : int
        Rows stored.
    row_order : str or None
        ROWORDER. With "BOTTOM-UP" the pattern names the pixel at the *last* stored row.
    x_offset, y_offset : int
        XBAYROFF and YBAYROFF: columns and rows by which the pattern starts late.

    Raises
    ------
    FrameError
        For a pattern that is not a 2×2 Bayer matrix.
    """
    bottom_up = (row_order or "").strip().upper() == "BOTTOM-UP"
    name = (pattern or "").strip().upper()
    if name in ("", "NONE", "MONO", "GREY", "GRAY"):
        return None, bottom_up
    if name not in Bayer.__members__:
        cure = "Sidera reads RGGB, BGGR, GRBG and GBRG; give one with --bayer, or none for mono"
        raise FrameError(Refusal.UNREADABLE, f"colour filter array {pattern!r} is not known", cure)
    # Read from the last row upwards, the first stored row is row height - 1 of the pattern.
    flip = height - 1 if bottom_up else 0
    return Bayer[name].shifted(flip + y_offset, x_offset), bottom_up
