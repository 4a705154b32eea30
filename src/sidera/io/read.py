"""The door in: any image file, header now, pixels later; THE boundary behind which errors are ours."""

import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np

from sidera.errors import FrameError, Refusal, ShapeError, UsageError
from sidera.io import sniff
from sidera.io.reader import Closing, FrameReader
from sidera.loading import load, loading
from sidera.model.frame import Frame
from sidera.model.header import Header
from sidera.types import F32

# Each is imported when a file of its kind is met: rawpy, tifffile, Pillow and astropy are slow to load.
_ROOMS = {
    "FITS": "sidera.io.fits",
    "SER": "sidera.io.ser",
    "XISF": "sidera.io.xisf",
    "RAW": "sidera.io.raw",
    "TIFF": "sidera.io.tiff",
    "PNG": "sidera.io.png",
    "JPEG": "sidera.io.png",
}

_BROKEN = (
    OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, AttributeError,
    AssertionError, EOFError, SyntaxError, BufferError, struct.error, zlib.error,
)  # fmt: skip
_OF_LIBRARIES = (
    ("rawpy", "LibRawError"),
    ("tifffile", "TiffFileError"),
    ("astropy.io.fits.verify", "VerifyError"),
    ("astropy.io.fits.hdu.compressed._compression", "CfitsioException"),
    ("zstandard", "ZstdError"),
)


def read(path: Path | str, index: int = 0) -> Frame:
    """Read one whole frame.

    Parameters
    ----------
    path : Path or str
        FITS (plain, gzipped, tile-compressed), XISF, SER, camera RAW, TIFF, PNG or JPEG; the content decides.
    index : int
        Which frame of a SER film; 0 elsewhere.

    Returns
    -------
    Frame
        Float32 pixels ``[row, column]``, or ``[3, row, column]`` for colour that is demosaiced already, in
        ADU as the file means them, NaN where it says nothing; row 0 is the first row stored.

    Raises
    ------
    FrameError
        With a code and the reason, for whatever is wrong with the file.
    """
    with open_frame(path, index) as reader:
        return Frame(reader.window(slice(None), slice(None)), reader.header)


def open_frame(path: Path | str, index: int = 0) -> "GuardedReader":
    """Open one frame: its header at once, its pixels by ``window``.

    Parameters and errors are those of `read`; ``window`` raises `FrameError` too.
    """
    path = Path(path)
    with refusals(path):
        form = sniff.file_format(path)
        if index and form != "SER":
            raise UsageError(
                f"{path.name} has no frame {index}", f"Of a {form} file one frame is read, frame 0"
            )
        reader = cast(FrameReader, load(_ROOMS[form]).open(path, index))
    return GuardedReader(reader, path)


def count_frames(path: Path | str) -> int:
    """Frames in a file: many in a SER film, 1 in any other.

    Raises
    ------
    FrameError
        As `read`. Of a film that was cut short one frame more than it holds is counted: reading it says why.
    """
    path = Path(path)
    with refusals(path):
        if sniff.file_format(path) != "SER":
            return 1
        with loading:
            from sidera.io import ser  # as in _ROOMS

        return ser.count(path)


class GuardedReader(Closing):
    """A format's own reader, inside the boundary."""

    def __init__(self, reader: FrameReader, path: Path) -> None:
        self._reader = reader
        self._path = path
        self.header: Header = reader.header
        self.windowed: bool = reader.windowed
        self.keeps_open: bool = reader.keeps_open

    def window(self, rows: slice, columns: slice) -> F32:
        """Pixels in ADU, NaN where not measured; see `FrameReader`."""
        with refusals(self._path):
            return self._reader.window(rows, columns)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def wake(self) -> bool:
        """Open the file again after `close` without reading its header anew; False where the format cannot."""
        again = getattr(self._reader, "wake", None)
        if again is None or not self.windowed:
            return False
        with refusals(self._path):
            again()
        return True


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """THE boundary: whatever a library raises on a bad file leaves as one `FrameError` that names the file.

    Hostile headers have drawn four types of exception out of one library alone.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except FrameError as error:
        raise FrameError(error.code, f"{path.name}: {error.what}", error.cure) from error
    except (UsageError, ShapeError):
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        what = f"{path.name}: cannot be opened ({error.strerror})"
        raise FrameError(Refusal.UNREADABLE, what, "Check that it is there and may be read") from error
    except _broken() as error:
        what = f"{path.name}: is broken ({type(error).__name__}: {_line(error)})"
        raise FrameError(Refusal.UNREADABLE, what, "Copy it again, or leave it out") from error


def _broken() -> tuple[type[BaseException], ...]:
    """What may come out of a bad file. Libraries not loaded cannot have raised."""
    loaded = ((sys.modules.get(module), name) for module, name in _OF_LIBRARIES)
    own = (getattr(module, name, None) for module, name in loaded if module is not None)
    return (*_BROKEN, *(error for error in own if isinstance(error, type)))


def _line(error: BaseException) -> str:
    """The first line of a library's message, of bounded length."""
    return " ".join(str(error).split())[:160]
