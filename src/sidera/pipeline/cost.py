"""What a run will need in time, memory and disk, said before it starts."""

from collections.abc import Collection, Iterable

import msgspec

from sidera.model.header import Header
from sidera.pipeline.tiles import tile_bytes

MEASURE_SECONDS = 0.05
"""CPU seconds per million pixels of a frame: read, calibrate, sky, stars."""
COMBINE_SECONDS = {1: 0.04, 3: 0.09}
"""CPU seconds per million output pixels and frame, by channels: read, demosaic, warp, reject."""
MASTER_SECONDS = 0.02
START_SECONDS = 2.0
MAP_BYTES = {1: 18, 3: 54}
"""Image, noise, weight (float32), coverage and two rejection maps (uint16), per output pixel."""
BASE_BYTES = 350 << 20
"""Interpreter, libraries and compiled kernels."""


class Cost(msgspec.Struct, frozen=True):
    """An estimate: wall seconds, peak bytes of memory, bytes written, bytes unpacked for the time of the run."""

    seconds: float
    memory: int
    disk: int
    scratch: int = 0

    def in_words(self) -> str:
        """One line for people."""
        time = f"{self.seconds:.0f} s" if self.seconds < 90 else f"{self.seconds / 60:.0f} min"
        memory, disk = size_in_words(self.memory), size_in_words(self.disk)
        meanwhile = f" (and {size_in_words(self.scratch)} meanwhile)" if self.scratch else ""
        return f"This will take about {time}, {memory} of memory and {disk} of disk{meanwhile}."


class Work(msgspec.Struct, frozen=True):
    """One stack to be made: its lights, and whether it is colour."""

    lights: tuple[Header, ...]
    channels: int


MAPPED = ("FITS", "SER")
"""Formats that are read where they lie; others are unpacked once into the scratch folder."""


def estimate(stacks: Iterable[Work], calibration: Collection[Header], threads: int, halves: bool) -> Cost:
    """Cost of a run from headers alone."""
    stacks = tuple(stacks)
    packed = [*calibration, *(one for work in stacks for one in work.lights)]
    scratch = sum(_unpacked(one) for one in packed if one.format not in MAPPED)
    masters = {(one.width, one.height, one.planes, one.kind) for one in calibration}
    seconds = sum(_megapixels(one) * MASTER_SECONDS for one in calibration)
    held = sum(4 * width * height * planes for width, height, planes, _ in masters)
    memory, disk = 0, 0
    for work in stacks:
        area = max((_megapixels(one) for one in work.lights), default=0.0)
        seconds += sum(map(_megapixels, work.lights)) * MEASURE_SECONDS
        seconds += area * len(work.lights) * COMBINE_SECONDS[work.channels]
        written = int(area * 1e6) * (MAP_BYTES[work.channels] + (8 * work.channels if halves else 0))
        disk += written
        flying = threads * (
            tile_bytes(len(work.lights), work.channels) + int(area * 1e6) * 24 // max(len(work.lights), 4)
        )
        memory = max(memory, written + flying)
    return Cost(START_SECONDS + seconds / max(threads, 1), BASE_BYTES + held + memory, disk, scratch)


def _unpacked(header: Header) -> int:
    return header.width * header.height * header.planes * (4 if "float" in header.bits else 2)


def _megapixels(header: Header) -> float:
    return header.width * header.height / 1e6


def size_in_words(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
