"""What is kept between runs, by content key: measurements of frames. A protocol, and a plain folder."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import platformdirs

from sidera._version import __version__
from sidera.io.atomic import sweep
from sidera.pipeline.decide import Placed
from sidera.pipeline.measure import Light, Measurement
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.samples import Sampler
from sidera.pipeline.scan import fingerprint
from sidera.pipeline.workers import processor

LIMIT = 2 << 30
"""Bytes that the folder may hold; what was not used for longest goes first."""


class Store(Protocol):
    """Keeps small blocks of bytes by key."""

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None if nothing is."""

    def put(self, key: str, data: bytes) -> None:
        """Keep something; a store that cannot does without."""


class FolderStore:
    """A file a key, in a folder that is held below a limit."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder = folder
        self._limit = limit

    def get(self, key: str) -> bytes | None:
        """What was kept under a key."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)  # used: it stays longest
        except OSError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep something, whole or not at all. Nobody depends on it: a full or locked disk is no error."""
        path = self._path(key)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what was used longest ago, down to nine tenths of the limit."""
        if not self.folder.is_dir():
            return
        sweep(self.folder)
        kept = sorted((path.stat().st_mtime, path) for path in self.folder.glob("*/*"))
        total = sum(path.stat().st_size for _, path in kept)
        for _, path in kept if total > self._limit else ():
            if total <= 0.9 * self._limit:
                break
            total -= path.stat().st_size
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key


def store_folder() -> Path:
    """Where measurements are kept: the user's cache; SIDERA_STORE moves it."""
    given = os.environ.get("SIDERA_STORE")
    return (
        Path(given)
        if given
        else Path(platformdirs.user_cache_dir("sidera", appauthor=False)) / "measurements"
    )


def digest(parts: Iterable[object]) -> str:
    """A content key of values whose ``repr`` says all about them, and of bytes."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(part if isinstance(part, bytes) else repr(part).encode())
        whole.update(b"\0")
    return whole.hexdigest()


def measurement_key(light: Light, recipe: Recipe) -> str:
    """Everything that a frame's measurement depends on."""
    return digest(
        [
            *_maker(),
            fingerprint(Path(light.id.path)),
            light.id.index,
            light.calibration,
            light.pattern,
            light.cosmetic,
            light.superpixel,
            light.header.saturation,
            light.header.electrons_per_adu,
            light.header.black,
            recipe.detection,
        ]
    )


def stack_key(sampler: Sampler) -> str:
    """Everything that a stack's pixels depend on: what was decided about each frame, and how it is combined."""
    recipe = sampler.recipe
    frames = [_placed_parts(one) for one in sampler.frames]
    how = [recipe.demosaic, recipe.registration, recipe.integration, sampler.grid, sampler.gains]
    return digest([*_maker(), *how, *(part for parts in frames for part in parts)])[:16]


def _placed_parts(one: Placed) -> list[object]:
    light, found = one.light, one.found
    return [
        fingerprint(Path(light.id.path)),
        light.id.index,
        light.calibration,
        light.pattern,
        light.cosmetic,
        light.superpixel,
        found.figures,
        b"" if found.noise is None else found.noise.tobytes(),
        one.transform.as_dict(),
        one.scale,
        [surface.coefficients for surface in one.surfaces],
        one.weight,
    ]


def _maker() -> tuple[str, str]:
    """Who computes: the same bits are promised for one version on one kind of processor."""
    return __version__, processor()


def pack(found: Measurement) -> bytes:
    """A measurement as bytes, to the last bit."""
    return msgspec.msgpack.encode(found, enc_hook=_array_out)


def unpack(data: bytes) -> Measurement | None:
    """A measurement again; None for bytes that hold none, or none that is understood any more."""
    try:
        return msgspec.msgpack.decode(data, type=Measurement, dec_hook=_array_in)
    except (msgspec.MsgspecError, ValueError, TypeError):
        return None


def _array_out(value: object) -> Any:  # noqa: ANN401 (msgspec's own signature)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes())
    raise NotImplementedError(f"a measurement holds no {type(value).__name__}")


def _array_in(kind: type, value: Any) -> Any:  # noqa: ANN401 (msgspec's own signature)
    dtype, shape, data = value
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
