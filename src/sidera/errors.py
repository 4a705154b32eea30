"""The SideraError tree: a code, what was wrong, and what would be right."""

from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    REFUSED = 3
    NOTHING_TO_STACK = 4
    UNREADABLE = 5
    RESOURCES = 6
    CANCELLED = 130


class Refusal(StrEnum):
    """Why a frame was left out: the closed list that the report's schema and the docs carry."""

    UNREADABLE = "unreadable"
    """The file cannot be read as an image: truncated, broken, or of no known format."""
    NOT_AN_IMAGE = "not_an_image"
    """A sound file that holds no 2-D image: a table, a spectrum, a cube."""
    UNSAFE = "unsafe"
    """Declares more pixels, header or decompressed bytes than is sane."""
    UNKNOWN_KIND = "unknown_kind"
    """Neither header nor name tells whether it is a light, dark, flat or bias."""
    WRONG_SIZE = "wrong_size"
    """Its size in pixels fits no group of the run."""
    EXCLUDED = "excluded"
    """Left out by the user (``--exclude``)."""
    NO_PIXELS = "no_pixels"
    """Every pixel is missing or all have one value."""
    TOO_FEW_STARS = "too_few_stars"
    """Too few stars to prove any registration."""
    NO_MATCH = "no_match"
    """Its stars are not those of the reference: another field, or noise."""
    POOR_FIT = "poor_fit"
    """Stars match, yet no transform fits them well enough to be trusted."""
    POOR_QUALITY = "poor_quality"
    """Left out by ``--keep`` or for a weight under 5 % of the median."""
    UNSAFE_CALIBRATION = "unsafe_calibration"
    """No safe formula with the calibration frames at hand, and the recipe asks for one."""
    ALREADY_STACKED = "already_stacked"
    """A stack or master among the lights, not a raw frame."""
    DUPLICATE = "duplicate"
    """The same pixels as another frame of the run."""
    NOT_NEEDED = "not_needed"
    """A calibration frame that serves no light of this run; nothing is wrong with it."""


class SideraError(Exception):
    """Something the user can mend.

    Parameters
    ----------
    what : str
        What was wrong, with the offending value.
    cure : str
        What would be right.
    """

    exit_code = Exit.INTERNAL

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        """What was wrong, then what would be right."""
        return f"{self.what}. {self.cure}" if self.cure else self.what


class FrameError(SideraError, ValueError):
    """One file cannot be used; the run goes on without it."""

    exit_code = Exit.UNREADABLE

    def __init__(self, code: Refusal, what: str, cure: str = "") -> None:
        super().__init__(what, cure)
        self.code = code


class ShapeError(SideraError, ValueError):
    """An array has the wrong shape or type for the function it was given to."""

    exit_code = Exit.USAGE


class RecipeError(SideraError, ValueError):
    """A setting is unknown or out of range."""

    exit_code = Exit.USAGE


class UsageError(SideraError, ValueError):
    """The request makes no sense as it stands."""

    exit_code = Exit.USAGE


class NothingToStackError(SideraError):
    """No light frame is left to stack."""

    exit_code = Exit.NOTHING_TO_STACK


class UnreadableError(SideraError, OSError):
    """A file or folder that the whole run needs cannot be read."""

    exit_code = Exit.UNREADABLE

    def __str__(self) -> str:
        """As `SideraError`; OSError's own form is not meant for people."""
        return SideraError.__str__(self)


class UnwritableError(UnreadableError):
    """An output cannot be written where it was asked for."""


class RefusedError(SideraError):
    """Frames were refused and ``--strict`` was given."""

    exit_code = Exit.REFUSED


class DiskFullError(SideraError):
    """Not enough free space; says how many bytes are needed."""

    exit_code = Exit.RESOURCES


class BudgetError(SideraError):
    """The memory budget is under the feasible minimum; says what that is."""

    exit_code = Exit.RESOURCES


class Cancelled(SideraError):  # noqa: N818 (it is not an error: the user asked for it)
    """The user cancelled."""

    exit_code = Exit.CANCELLED
