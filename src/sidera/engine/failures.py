"""Errors as failures: what was wrong, what would be right, and a code for programs."""

from msgspec import UNSET, UnsetType

from sidera.engine.protocol import Code, Failure
from sidera.errors import (
    BudgetError,
    Cancelled,
    DiskFullError,
    FrameError,
    NothingToStackError,
    RecipeError,
    SideraError,
    UnreadableError,
    UnwritableError,
    UsageError,
)

CODES: tuple[tuple[type[Exception], Code], ...] = (
    (Cancelled, "cancelled"),
    (FrameError, "frame"),
    (RecipeError, "recipe"),
    (NothingToStackError, "nothing_to_stack"),
    (UnwritableError, "unwritable"),
    (UnreadableError, "unreadable"),
    (DiskFullError, "disk_full"),
    (BudgetError, "memory"),
    (SideraError, "usage"),
    (MemoryError, "memory"),
)
"""The first that fits is taken, so subclasses come before their bases."""


class RequestError(UsageError):
    """A request that cannot be understood or done as it stands.

    Parameters
    ----------
    code : str
        Of the protocol.
    place : str
        JSON path of the field that is wrong.
    """

    def __init__(self, code: Code, what: str, cure: str = "", place: str = "") -> None:
        super().__init__(what, cure)
        self.code = code
        self.place = place


def failure(request: object, error: Exception) -> Failure:
    """An error as the answer to a request, whose id is passed on as it is."""
    code = error.code if isinstance(error, RequestError) else code_of(error)
    hint = error.cure if isinstance(error, SideraError) else ""
    place = error.place if isinstance(error, RequestError) else ""
    refusal = error.code.value if isinstance(error, FrameError) else ""
    return Failure(
        id=request,  # type: ignore[arg-type]  # the raw JSON of an id encodes as itself
        error=_told(error),
        code=code,
        path=_present(place),
        hint=_present(hint),
        refusal=_present(refusal),
    )


def code_of(error: Exception) -> Code:
    """The protocol's code of an error."""
    return next((code for kind, code in CODES if isinstance(error, kind)), "internal")


def _present(text: str) -> str | UnsetType:
    return text or UNSET


def _told(error: Exception) -> str:
    """For people; of a fault of ours no trace, which is in the log."""
    if isinstance(error, SideraError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory. Release images, or give a smaller memory"
    return f"internal error: {type(error).__name__}: {error}. This is a fault of Sidera's; the log has the details"
