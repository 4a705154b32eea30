"""Images that the engine holds: named until released, in bounded memory; the rest waits on disk, mapped."""

import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from mmap import mmap
from pathlib import Path

import numpy as np
import psutil

from sidera.engine.failures import RequestError
from sidera.engine.pyramid import LevelCache, Pyramid
from sidera.engine.values import ImageKind
from sidera.errors import DiskFullError
from sidera.model.frame import Frame
from sidera.model.header import Card, Header
from sidera.model.stack import Stack
from sidera.types import F32, U16

Plane = F32 | U16
MAPS = ("noise", "weight", "coverage", "rejected_low", "rejected_high")
IMAGE = "image"
PREFIX = "sidera-images-"


@dataclass(frozen=True)
class Held:
    """An image with all that is known of it; ``planes`` in the file's own row order."""

    id: str
    kind: ImageKind
    name: str
    path: str | None
    planes: Mapping[str, Plane]
    """The image itself, and of a stack its maps: ``[row, column]`` or ``[channel, row, column]``."""
    bottom_up: bool
    header: Header | None = None
    """Of a frame."""
    stack: Stack | None = None
    """Of a stack: cards, history and table, with no pixels."""
    mapped: bool = field(default=False)
    """Its pixels lie on disk."""

    @property
    def image(self) -> F32:
        """The image's own pixels."""
        return self.planes[IMAGE]  # type: ignore[return-value]  # only maps are of another type

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return 0 if self.mapped else sum(map(_memory, self.planes.values()))

    @property
    def cards(self) -> tuple[Card, ...]:
        """Its header's cards."""
        if self.stack is not None:
            return self.stack.cards
        return () if self.header is None else self.header.cards

    def item(self) -> Frame | Stack:
        """As what it is written to a file."""
        if self.stack is None:
            assert self.header is not None  # frames have a header, all else is a stack
            return Frame(self.image, self.header)
        maps = {name: plane for name, plane in self.planes.items() if name in MAPS}
        halves = tuple(self.planes[name] for name in ("odd", "even") if name in self.planes)
        return replace(self.stack, image=self.image, halves=halves or None, **maps)  # type: ignore[arg-type]


def _memory(plane: Plane) -> int:
    """Bytes of its own: what lies in a mapped file, or is one value over and over, takes none."""
    base: object = plane
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap) or 0 in base.strides:
            return 0
        base = base.base
    return 0 if isinstance(base, mmap) else plane.nbytes


class Images:
    """All images held. ``limit`` is in bytes of pixels; what was not used for longest goes to disk beyond it."""

    def __init__(self, limit: int, levels: LevelCache) -> None:
        self._limit, self._levels = limit, levels
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._pyramids: dict[tuple[str, str], Pyramid] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._lock = threading.RLock()
        self._count = 0
        self._folder: Path | None = None

    def add_frame(self, frame: Frame, name: str, path: str | None) -> Held:
        """Hold a frame."""
        planes = {IMAGE: frame.image}
        return self._add("frame", name, path, planes, frame.header.bottom_up, header=frame.header)

    def add_stack(self, stack: Stack, name: str, path: str | None, kind: ImageKind = "stack") -> Held:
        """Hold a stack and its maps."""
        maps = {name: plane for name in MAPS if (plane := getattr(stack, name)).size}
        planes = {IMAGE: stack.image, **maps}
        if stack.halves is not None:
            planes |= dict(zip(("odd", "even"), stack.halves, strict=True))
        nothing = np.empty((0, 0), np.float32)
        bare = replace(stack, image=nothing, halves=None, **dict.fromkeys(MAPS, nothing))  # type: ignore[arg-type]
        return self._add(kind, name, path, planes, stack.bottom_up, stack=bare)

    def _add(
        self,
        kind: ImageKind,
        name: str,
        path: str | None,
        planes: Mapping[str, Plane],
        bottom_up: bool,
        header: Header | None = None,
        stack: Stack | None = None,
    ) -> Held:
        with self._lock:
            self._count += 1
            held = Held(f"image-{self._count}", kind, name, path, planes, bottom_up, header, stack)
            self._held[held.id] = held
            try:
                self._make_room()
            except DiskFullError:
                self.release(held.id)  # the newcomer is refused, the others stay
                raise
            return self._held[held.id]

    def get(self, name: str, place: str = "$.image") -> Held:
        """An image by its name, its map's, or the key of its pixels.

        Raises
        ------
        RequestError
            ``not_found``.
        """
        with self._lock:
            found, _ = self._find(name, place)
            self._held.move_to_end(found)
            return self._held[found]

    def pyramid(self, name: str, place: str = "$.image") -> Pyramid:
        """How an image, or a stack's map (``image-1.coverage``), is looked at."""
        with self._lock:
            found = self._find(name, place)
            self._held.move_to_end(found[0])
            if found not in self._pyramids:
                held = self._held[found[0]]
                pyramid = Pyramid(held.planes[found[1]], held.bottom_up, self._levels)
                self._pyramids[found] = pyramid
            return self._pyramids[found]

    def known_as(self, key: str, name: str) -> None:
        """From now on the key of an image's pixels stands for its name."""
        with self._lock:
            self._keys[key] = self._find(name, "$.image")

    def release(self, name: str) -> None:
        """Let go of an image and its maps; an unknown one is let go already."""
        with self._lock:
            self._held.pop(name, None)
            self._forget_pyramids(name)
            self._keys = {key: found for key, found in self._keys.items() if found[0] != name}
            self._remove(name)

    def release_all(self) -> None:
        """Let go of everything."""
        with self._lock:
            for name in list(self._held):
                self.release(name)
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def bytes(self) -> int:
        """Memory that all images take."""
        with self._lock:
            return sum(held.bytes for held in self._held.values())

    def __len__(self) -> int:
        with self._lock:
            return len(self._held)

    def _find(self, name: str, place: str) -> tuple[str, str]:
        """Image and plane."""
        found = self._keys.get(name) or (name.partition(".")[0], name.partition(".")[2] or IMAGE)
        if found[0] in self._held and found[1] in self._held[found[0]].planes:
            return found
        cure = "load it, or open it again; images last until they are released or the engine ends"
        raise RequestError("not_found", f"there is no image {name[:80]!r}", cure, place)

    def _make_room(self) -> None:
        """Move images to disk, those not used for longest first, until the rest keeps the limit."""
        for held in list(self._held.values()):
            if self.bytes() <= self._limit:
                return
            if not held.mapped:
                self._held[held.id] = self._on_disk(held)
                self._forget_pyramids(held.id)

    def _on_disk(self, held: Held) -> Held:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
            _sweep(self._folder.parent)
        folder = self._folder / held.id
        try:
            folder.mkdir()
            planes: dict[str, Plane] = {}
            for name, plane in held.planes.items():
                np.save(folder / f"{name}.npy", plane)
                planes[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
        except OSError as error:
            self._remove(held.id)
            needed = f"{self._folder} has no room for {held.bytes:,} bytes of images ({error.strerror})"
            raise DiskFullError(needed, "release images, or set TMPDIR to a larger disk") from error
        return replace(held, planes=planes, mapped=True)

    def _remove(self, name: str) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def _forget_pyramids(self, name: str) -> None:
        for found in [found for found in self._pyramids if found[0] == name]:
            del self._pyramids[found]


def _sweep(folder: Path) -> None:
    """Remove what engines left behind that were killed."""
    for place in folder.glob(f"{PREFIX}*-*"):
        process = place.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(place, ignore_errors=True)
