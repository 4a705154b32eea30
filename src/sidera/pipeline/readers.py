"""Frames read by window from any thread; never more than a few dozen files are open."""

import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sidera.calibration.overscan import remove_overscan, sections
from sidera.errors import FrameError, Refusal, ShapeError
from sidera.io.read import GuardedReader, open_frame
from sidera.io.reader import FrameReader
from sidera.model.frame import FrameId
from sidera.types import F32

OPEN_FILES = 48
"""Of 64 allowed at most: outputs, logs and the scratch store need some."""
MAPPED_FILES = 256
"""Frames that are mapped into memory without their files being open."""


class _Entry:
    """One open frame: its reader, or its decoded pixels in the scratch store."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.reader: GuardedReader | None = None
        self.decoded: np.ndarray | None = None
        self.asleep: GuardedReader | None = None

    @property
    def keeps_open(self) -> bool:
        """Whether a file is open for it, or may soon be."""
        return self.reader is None or self.reader.keeps_open


class Readers:
    """Windows of raw pixels from many files.

    Formats that cannot be read by window (camera RAW, compressed FITS, XISF, PNG ...) are decoded once into a
    scratch folder and memory-mapped from there; the folder goes when the Readers are closed. So are frames with
    overscan: its pedestal is smoothed along the whole frame, then it is trimmed away.
    """

    def __init__(
        self, scratch: Path | None = None, limit: int = OPEN_FILES, mapped: int = MAPPED_FILES
    ) -> None:
        self._limit, self._mapped = limit, mapped
        self._entries: OrderedDict[FrameId, _Entry] = OrderedDict()
        self._decoded: dict[FrameId, Path] = {}
        self._asleep: dict[FrameId, GuardedReader] = {}
        """Closed for now; their headers are not read anew, which in a long night costs more than the pixels."""
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._scratch = scratch
        self.most_open = 0
        """Most files that were open at once."""

    def __enter__(self) -> Self:
        """Use it in a ``with``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every file and remove the scratch folder."""
        self.close()

    def close(self) -> None:
        """Close every file and remove the scratch folder."""
        with self._lock:
            for entry in self._entries.values():
                _shut(entry)
            self._entries.clear()
            self._decoded.clear()
            self._asleep.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def window(self, frame: FrameId, rows: slice = slice(None), columns: slice = slice(None)) -> F32:
        """Raw pixels of a part of a frame, as `FrameReader.window`."""
        with self._leased(frame) as entry:
            with entry.lock:
                self._ready(frame, entry)
            if entry.decoded is not None:
                return np.ascontiguousarray(entry.decoded[..., rows, columns], np.float32)
            assert entry.reader is not None  # _ready leaves one of the two
            return entry.reader.window(rows, columns)

    @contextmanager
    def _leased(self, frame: FrameId) -> Iterator[_Entry]:
        """An entry that is not closed while somebody reads from it."""
        with self._lock:
            new = frame not in self._entries
            entry = self._entries.setdefault(frame, _Entry())
            self._entries.move_to_end(frame)
            entry.users += 1
            if new:
                self._evict()
        try:
            yield entry
        finally:
            with self._lock:
                entry.users -= 1

    def _evict(self) -> None:
        """Let go of the frames that were asked for longest ago, until no more are held than may be."""
        opened = [frame for frame, entry in self._entries.items() if entry.keeps_open]
        self._shut_idle(opened, len(opened) - self._limit)
        self._shut_idle([*self._entries], len(self._entries) - max(self._mapped, self._limit))
        self.most_open = max(self.most_open, sum(entry.keeps_open for entry in self._entries.values()))

    def _shut_idle(self, frames: Iterable[FrameId], number: int) -> None:
        idle = (frame for frame in frames if self._entries[frame].users == 0)
        for frame in [*islice(idle, max(number, 0))]:
            entry = self._entries.pop(frame)
            _shut(entry)
            if entry.asleep is not None:
                self._asleep[frame] = entry.asleep

    def _ready(self, frame: FrameId, entry: _Entry) -> None:
        """Open the frame, from the scratch store when it was decoded before."""
        if entry.reader is not None or entry.decoded is not None:
            return
        if frame in self._decoded:
            entry.decoded = np.load(self._decoded[frame], mmap_mode="r")
            return
        known = self._asleep.pop(frame, None)
        if known is not None and known.wake():
            entry.reader = known
            return
        reader = open_frame(Path(frame.path), frame.index)
        if reader.windowed and sections(reader.header) is None:
            entry.reader = reader
            return
        with reader:
            pixels = _compact(_whole(reader, frame))
        path = self.scratch() / f"{len(self._decoded)}-{threading.get_ident()}.npy"
        np.save(path, pixels)
        self._decoded[frame] = path
        entry.decoded = np.load(path, mmap_mode="r")

    def scratch(self) -> Path:
        """A folder for this run's own files, removed when the Readers are closed."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="sidera-", dir=self._scratch))
            return self._folder


def _shut(entry: _Entry) -> None:
    if entry.reader is not None:
        entry.reader.close()
        entry.asleep = entry.reader
    entry.reader = entry.decoded = None


def _whole(reader: FrameReader, frame: FrameId) -> F32:
    """All pixels, without overscan."""
    try:
        return remove_overscan(reader.window(slice(None), slice(None)), reader.header)
    except ShapeError as error:
        raise FrameError(Refusal.UNREADABLE, f"{Path(frame.path).name}: {error.what}", error.cure) from error


def _compact(pixels: F32) -> np.ndarray:
    """As uint16 where that loses nothing: camera data does, and takes half the disk."""
    with np.errstate(invalid="ignore"):  # NaN has no integer; the comparison below tells
        whole = pixels.astype(np.uint16)
    return whole if np.array_equal(whole, pixels) else pixels
