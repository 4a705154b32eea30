"""What a run will need in time, memory and disk, said before it starts."""

from collections.abc import Collection, Iterable

import msgspec

from sidera.model.header import Header
from sidera.pipeline.tiles import sample_bytes, tile_bytes, tile_shape

MEASURE_SECONDS = 0.020
"""CPU seconds per million pixels of a frame: read, calibrate, sky, stars."""
COMBINE_SECONDS = {1: 0.018, 3: 0.066}
"""CPU seconds per million output pixels and frame, by channels: read, demosaic, warp, reject."""
WINDOW_SECONDS = 0.0005
"""CPU seconds a frame and tile, however small: to open the file, to set up the loops."""
FRAME_SECONDS = 0.004
"""CPU seconds a frame, however small."""
REGISTER_SECONDS = 0.010
"""Wall seconds a frame: one after the other."""
MASTER_SECONDS = 0.007
START_SECONDS = 1.0
REPORT_SECONDS = {1: 0.05, 3: 0.15}
"""Wall seconds per million output pixels: the stack's own figures, its picture, its checksums."""
BASE_BYTES = 115 << 20
"""Interpreter, libraries and compiled kernels."""
HELD_BYTES = 8
"""Dark and inverse flat, per pixel of a camera."""
MEASURE_BYTES = 11
"""Frame, green plane and masks, per pixel of a frame under way."""
MASTER_BYTES = 12
"""Image, variance and bands of the frames, per pixel of a master."""
WINDOW_BYTES = 76 << 20
"""What a tile under way needs beside its samples: a frame's window in its several states."""
FRAME_BYTES = 40_000
"""What is known of a frame from its measurement to the report."""
REPORT_BYTES = 13
"""Planes, star finding and picture, per pixel of the stack."""


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


def estimate(
    stacks: Iterable[Work],
    calibration: Collection[Header],
    threads: int,
    halves: bool,
    *,
    in_memory: bool = False,
    lean: bool = False,
) -> Cost:
    """Cost of a run from headers alone.

    ``in_memory``: the stack is not made in its file. ``lean``: what calibrates lights is read from the disk.
    """
    stacks = tuple(stacks)
    packed = [*calibration, *(one for work in stacks for one in work.lights)]
    scratch = sum(_unpacked(one) for one in packed if one.format not in MAPPED)
    kinds = {(one.width, one.height, one.planes, one.kind) for one in calibration}
    cameras = {(width, height, planes) for width, height, planes, _ in kinds}
    held = 0 if lean else sum(HELD_BYTES * width * height * planes for width, height, planes in cameras)
    scratch += sum(HELD_BYTES * width * height * planes for width, height, planes in cameras) * lean
    cpu = sum(_megapixels(one) * MASTER_SECONDS for one in calibration)
    peaks = [MASTER_BYTES * width * height * planes for width, height, planes in cameras]
    disk, after = 0, 0.0
    for work in stacks:
        area, frames = max((_megapixels(one) for one in work.lights), default=0.0), len(work.lights)
        cpu += sum(map(_megapixels, work.lights)) * MEASURE_SECONDS
        cpu += area * frames * COMBINE_SECONDS[work.channels]
        cpu += frames * (FRAME_SECONDS + WINDOW_SECONDS * _tiles(work))
        after += frames * REGISTER_SECONDS
        after += area * REPORT_SECONDS[work.channels]
        written = int(area * 1e6) * work.channels * map_bytes(frames, halves)
        disk += written
        planes = max((one.planes for one in work.lights), default=1)
        tile = tile_bytes(_tile(work), frames, work.channels) + WINDOW_BYTES
        learning = sample_bytes(frames, work.channels) * (work.channels + 2)  # two copies, to sort one
        peaks += [
            held + threads * int(area * 1e6) * planes * MEASURE_BYTES,
            held + (threads - 1) * tile + max(tile, learning) + written * in_memory,
            held + int(area * 1e6) * REPORT_BYTES + written * in_memory,
        ]
    seconds = START_SECONDS + cpu / max(threads, 1) + after
    known = FRAME_BYTES * sum(len(work.lights) for work in stacks)
    return Cost(seconds, BASE_BYTES + known + max(peaks, default=0), disk, scratch)


def _tile(work: Work) -> tuple[int, int]:
    """Rows and columns of a tile of the stack."""
    return tile_shape(*_size(work), len(work.lights), work.channels)


def _tiles(work: Work) -> int:
    """How many tiles the stack is cut into."""
    (rows, columns), (height, width) = _size(work), _tile(work)
    return -(-rows // height) * -(-columns // width)


def _size(work: Work) -> tuple[int, int]:
    """Rows and columns of the largest frame."""
    return max(((one.height, one.width) for one in work.lights), default=(1, 1))


def map_bytes(frames: int, halves: bool) -> int:
    """Bytes of a stack's pixel and channel: image, noise, weight; counts of samples; two halves."""
    count = 1 if frames <= 255 else 2 if frames <= 32767 else 4
    return 12 + 3 * count + (8 if halves else 0)


def _unpacked(header: Header) -> int:
    return header.width * header.height * header.planes * (4 if "float" in header.bits else 2)


def _megapixels(header: Header) -> float:
    return header.width * header.height / 1e6


def size_in_words(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
