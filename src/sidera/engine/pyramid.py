"""How an image gets to the screen: halved again and again, cut into tiles of float16, its levels kept on disk.

Values travel as (value - sky median) / noise, undone by the viewer. Measured on a deep stack: float16 of plain ADU
leaves 22 of 125 grey levels and errs by 5.5/255 after the stretch; of these, 125 of 125 and 0.03/255.
"""

import hashlib
import math
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from sidera.engine.failures import RequestError
from sidera.engine.values import PyramidLevel, Range
from sidera.types import F32, U16

TILE = 512
GUTTER = 1
SENTINEL = -65504.0
"""The lowest float16: no pixel was measured here. NaN itself is no safe message to a shader."""
LOWEST, HIGHEST = -65472.0, 65504.0
"""What values are clipped to: the next above the sentinel, and the highest float16."""
ON_DEMAND = 2
"""Levels 0 and 1 are made when they are asked for; smaller ones, 8 % of the pixels, are kept on disk."""
STRIP = 512
"""Rows worked on together: a multiple of 4, so that two halvings need no neighbours."""
SAMPLE = 1 << 20
"""Pixels that range and noise are taken from."""
CACHE_BYTES = 1 << 30
F16 = npt.NDArray[np.float16]


class LevelCache:
    """Small levels of images on disk, by the digest of their pixels; the oldest go when there are too many bytes."""

    def __init__(self, folder: Path | None = None, limit: int = CACHE_BYTES) -> None:
        given = os.environ.get("SIDERA_TILES")
        usual = (
            Path(given) if given else Path(platformdirs.user_cache_dir("sidera", appauthor=False)) / "tiles"
        )
        self.folder, self._limit = folder or usual, limit
        self._lock = threading.Lock()

    def find(self, key: str, count: int) -> list[F32] | None:
        """All levels of an image, mapped; None where they are not there, or broken."""
        place = self.folder / key
        try:
            levels = [np.load(place / f"{number}.npy", mmap_mode="r") for number in range(count)]
            os.utime(place)
        except (OSError, ValueError):
            return None
        return levels

    def keep(self, key: str, levels: Sequence[F32]) -> list[F32]:
        """Put levels on disk and map them; where that cannot be they stay in memory."""
        if not levels:
            return []
        temporary = self.folder / f"{key}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            temporary.mkdir(parents=True, mode=0o700)
            for number, level in enumerate(levels):
                np.save(temporary / f"{number}.npy", level)
            shutil.rmtree(self.folder / key, ignore_errors=True)
            temporary.rename(self.folder / key)
            self._evict(key)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            return list(levels)
        return self.find(key, len(levels)) or list(levels)

    def _evict(self, newest: str) -> None:
        with self._lock, suppress(OSError):
            folders = sorted(self.folder.iterdir(), key=lambda place: place.stat().st_mtime)
            sizes = {place: sum(file.stat().st_size for file in place.iterdir()) for place in folders}
            total = sum(sizes.values())
            for place in folders:
                if total <= self._limit or place.name == newest:
                    return
                shutil.rmtree(place, ignore_errors=True)
                total -= sizes[place]


class Pyramid:
    """One image as it is looked at: the top row of the picture first, ``[channel, row, column]``."""

    def __init__(self, plane: F32 | U16, bottom_up: bool, cache: LevelCache) -> None:
        planes = plane if plane.ndim == 3 else plane[np.newaxis]
        self.stored = plane
        """As the file has it: ``[row, column]`` or ``[channel, row, column]``."""
        self.pixels: F32 | U16 = planes[:, ::-1] if bottom_up else planes
        self._cache = cache
        self._lock = threading.RLock()

    @property
    def channels(self) -> int:
        """1 or 3."""
        return int(self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @cached_property
    def key(self) -> str:
        """Digest of shape and pixels."""
        digest = hashlib.blake2b(f"1 {self.pixels.dtype} {self.pixels.shape}".encode(), digest_size=16)
        for strip in _strips(self.pixels):
            digest.update(np.ascontiguousarray(strip).data)
        return digest.hexdigest()

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """Scale and extent of every channel."""
        return tuple(channel_range(channel) for channel in self.pixels)

    @cached_property
    def levels(self) -> tuple[PyramidLevel, ...]:
        """Sizes, until one tile holds all."""
        rows, columns = self.size
        sizes = [_level(rows, columns)]
        while max(rows, columns) > TILE:
            rows, columns = -(-rows // 2), -(-columns // 2)
            sizes.append(_level(rows, columns))
        return tuple(sizes)

    @cached_property
    def _small(self) -> list[F32]:
        """Levels 2 and up."""
        count = max(len(self.levels) - ON_DEMAND, 0)
        kept = self._cache.find(self.key, count)
        if kept is not None and all(level.shape[0] == self.channels for level in kept):
            return kept
        levels: list[F32] = []
        while len(levels) < count:
            levels.append(halved(levels[-1]) if levels else self._quarter())
        return self._cache.keep(self.key, levels)

    def _quarter(self) -> F32:
        """Level 2 straight from the image, without ever holding level 1 whole."""
        parts = [halved(halved(strip)) for strip in _strips(self.pixels)]
        return np.concatenate(parts, axis=1)

    def prepare(self) -> None:
        """Make what is kept on disk now rather than with the first tile."""
        with self._lock:
            _ = self._small, self.ranges

    def tile(self, level: int, x: int, y: int, channel: int) -> F16:
        """Pixels ``[row, column]`` of a tile with its gutters; `SENTINEL` where nobody measured.

        Raises
        ------
        RequestError
            For a tile that the image does not have.
        """
        self._check(level, x, y, channel)
        self.prepare()
        here, one = self.levels[level], self.ranges[channel]
        top, left = y * TILE - GUTTER, x * TILE - GUTTER
        bottom = min((y + 1) * TILE, here.height) + GUTTER
        right = min((x + 1) * TILE, here.width) + GUTTER
        rows, columns = (
            slice(max(top, 0), min(bottom, here.height)),
            slice(max(left, 0), min(right, here.width)),
        )
        window = self._window(level, rows, columns, channel)
        known = np.isfinite(window)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (window - np.float32(one.centre)) * np.float32(1 / one.spread)
            pixels = np.where(known, np.clip(scaled, LOWEST, HIGHEST), SENTINEL).astype("<f2")
        edges = ((rows.start - top, bottom - rows.stop), (columns.start - left, right - columns.stop))
        tile: F16 = np.pad(pixels, edges, mode="edge")
        return tile

    def _check(self, level: int, x: int, y: int, channel: int) -> None:
        if level >= len(self.levels):
            raise _beyond("level", level, len(self.levels))
        here = self.levels[level]
        for field, given, count in (
            ("x", x, here.columns),
            ("y", y, here.rows),
            ("channel", channel, self.channels),
        ):
            if given >= count:
                raise _beyond(field, given, count)

    def _window(self, level: int, rows: slice, columns: slice, channel: int) -> F32:
        """Part of a level."""
        if level >= ON_DEMAND:
            kept: F32 = self._small[level - ON_DEMAND][channel, rows, columns]
            return kept
        if level == 0:
            return np.asarray(self.pixels[channel, rows, columns], np.float32)
        whole = self.pixels[channel, 2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop]
        half: F32 = halved(whole[np.newaxis])[0]
        return half

    def window(self, x: int, y: int, width: int, height: int) -> tuple[int, int, F32]:
        """First column and row and exact pixels ``[channel, row, column]`` of what of a window lies in the image."""
        rows, columns = self.size
        left, top = min(max(x, 0), columns), min(max(y, 0), rows)
        right, bottom = min(max(x + width, left), columns), min(max(y + height, top), rows)
        return left, top, np.asarray(self.pixels[:, top:bottom, left:right], np.float32)


def _beyond(field: str, given: int, count: int) -> RequestError:
    return RequestError("usage", f"{field} {given} is not there", f"give 0 to {count - 1}", f"$.{field}")


def _level(rows: int, columns: int) -> PyramidLevel:
    return PyramidLevel(width=columns, height=rows, columns=-(-columns // TILE), rows=-(-rows // TILE))


def _strips(pixels: F32 | U16) -> Iterator[F32 | U16]:
    for top in range(0, pixels.shape[1], STRIP):
        yield pixels[:, top : top + STRIP]


def halved(image: F32 | U16) -> F32:
    """Half the size: the mean of what is known of each 2×2 pixels; a last odd row or column stands for itself.

    Parameters
    ----------
    image : array, shape (channels, rows, columns)
        NaN where nobody measured; so is the mean of four such.
    """
    pixels = np.asarray(image, np.float32)
    _, rows, columns = pixels.shape
    if rows % 2 or columns % 2:
        pixels = np.pad(pixels, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    upper, lower = pixels[:, 0::2], pixels[:, 1::2]
    quads = (upper[..., 0::2], upper[..., 1::2], lower[..., 0::2], lower[..., 1::2])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = (quads[0] + quads[1] + quads[2] + quads[3]) * np.float32(0.25)
    gaps = np.nonzero(~np.isfinite(mean))
    if gaps[0].size:
        four = np.stack([quad[gaps] for quad in quads])
        known = np.isfinite(four)
        count = known.sum(axis=0)
        mean[gaps] = np.where(known, four, 0).sum(axis=0) / np.where(count > 0, count, np.nan)
    half: F32 = mean.astype(np.float32, copy=False)
    return half


def channel_range(channel: F32 | U16) -> Range:
    """Where the values of a plane lie; zeros and ones where none is known."""
    low, high, missing = _extent(channel)
    step = max(1, math.ceil(math.sqrt(channel.size / SAMPLE)))
    step += 1 - step % 2  # an odd step sees every colour of a Bayer pattern alike
    sample = np.asarray(channel[::step, ::step], np.float32)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return Range(centre=0.0, spread=1.0, low=0.0, high=1.0, minimum=low, maximum=high, missing=missing)
    floor, centre, ceiling = (float(value) for value in np.quantile(sample, (0.0001, 0.5, 0.9999)))
    noise = 1.4826 * float(np.median(np.abs(sample - np.float32(centre))))
    # Star cores may lie further out than 65504 times the noise: they count more than its last bit.
    reach = max((high or 0.0) - centre, centre - (low or 0.0)) / HIGHEST
    spread = max(noise, reach) or 1.0
    return Range(
        centre=centre, spread=spread, low=floor, high=ceiling, minimum=low, maximum=high, missing=missing
    )


def _extent(channel: F32 | U16) -> tuple[float | None, float | None, int]:
    """Smallest and largest value, and the number of missing pixels."""
    low, high, missing = np.inf, -np.inf, 0
    for top in range(0, channel.shape[0], STRIP):
        values = channel[top : top + STRIP]
        known = values[np.isfinite(values)]
        missing += values.size - known.size
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return (None, None, missing) if low > high else (low, high, missing)
