"""What every format gives: a header now, pixels by window later."""

from types import TracebackType
from typing import Protocol, Self

from sidera.errors import ShapeError
from sidera.model.header import Header
from sidera.types import F32


class FrameReader(Protocol):
    """One open image. Each format's module has ``open(path, index=0) -> FrameReader``."""

    header: Header
    windowed: bool
    """``window`` is cheap (memory-mapped); False: every window decodes the whole file."""
    keeps_open: bool
    """Whether the file is open, in the system's eyes, as long as the reader is."""

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels ``[row, column]``, or ``[3, row, column]`` where ``header.planes`` is 3.

        ADU as the file means them (BSCALE and BZERO applied), NaN where the file says nothing (BLANK).
        Slices have no step; open ends mean the image's own.
        """
        ...

    def close(self) -> None:
        """Let go of the file; arrays that `window` gave stay valid."""
        ...

    def __enter__(self) -> Self:
        """Use it in a ``with``."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...


class Closing:
    """The ``with`` of every reader: subclass it and write ``close``."""

    keeps_open = True
    """Whether the file is open, in the system's eyes, as long as the reader is."""

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        """Use it in a ``with``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def span(part: slice, length: int) -> tuple[int, int]:
    """First and last-plus-one index of a slice of ``length`` rows or columns, as Python counts them."""
    start, stop, step = part.indices(length)
    if step != 1:
        raise ShapeError(f"windows have no step; got {part}", "read the window whole and thin it out")
    return start, max(start, stop)
