"""What the stage benchmarks share: how a stage is timed, what it is set against, how that is printed."""

import argparse
import time
from collections.abc import Callable

import numpy as np

from sidera.model.transform import Model, Transform
from sidera.simulate.camera import simulated_light
from sidera.simulate.night import NightSettings
from sidera.types import F32

REPEATS = 5
HEAD = f"{'what':46}{'size':>16}{'CPU s':>9}{'rate':>18}{'limit s':>9}{'x limit':>9}"


def options(description: str | None, size: str = "1200x900") -> argparse.ArgumentParser:
    """The options that every stage has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", type=image_size, default=image_size(size), metavar="WxH", help=f"pixels; default {size}"
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help=f"the best of so many; default {REPEATS}"
    )
    return parser


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least CPU seconds of this process over some runs; a first one, which may compile, does not count."""
    work()
    return min(_once(work) for _ in range(max(1, repeats)))


def copy_seconds(moved: float, repeats: int = REPEATS) -> float:
    """CPU seconds of a NumPy copy that reads and writes ``moved`` bytes in all: the memory's limit."""
    source = np.ones(max(1, round(moved / 8)), np.float32)  # 4 bytes read and 4 written each
    target = np.empty_like(source)
    return cpu_seconds(lambda: np.copyto(target, source), max(repeats, REPEATS))


def show(what: str, count: float, unit: str, seconds: float, limit: float) -> None:
    """One row: ``count`` things of ``unit`` (Mpx, Msamples) done in ``seconds`` by one core."""
    rate = f"{count / seconds:.1f} {unit}/s"
    size = f"{count:.2f} {unit}"
    print(f"{what:46}{size:>16}{seconds:9.4f}{rate:>18}{limit:9.4f}{seconds / limit:9.1f}")


def timed(what: str, work: Callable[[], object], pixels: float, moved: float, repeats: int) -> None:
    """Time pixels of work whose input and output are ``moved`` bytes, and print the row."""
    show(what, pixels / 1e6, "Mpx", cpu_seconds(work, repeats), copy_seconds(moved, repeats))


def light(size: tuple[int, int], bayer: str = "RGGB") -> F32:
    """A light of a sparse field in ADU above the bias, as a good calibration leaves it."""
    settings = NightSettings(
        frames=1,
        size=size,
        bayer=bayer,
        stars=_stars(size),
        hot_pixels=0.0,
        vignetting=0.0,
        motes=0,
        trails=0,
    )
    return simulated_light(settings).astype(np.float32) - np.float32(settings.bias)


def turned(degrees: float, size: tuple[int, int]) -> Transform:
    """A turn about the frame's middle and a shift of some pixels and a part."""
    width, height = size
    turn, middle = np.deg2rad(degrees), np.array([width / 2, height / 2])
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    offset = middle - matrix @ middle + (3.3, -2.7)
    return Transform(Model.AFFINE, np.vstack([np.column_stack([matrix, offset]), (0.0, 0.0, 1.0)]))


def _stars(size: tuple[int, int]) -> int:
    """As dense as 2,000 stars on 24 Mpx."""
    return max(20, round(2000 * size[0] * size[1] / 24e6))


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return max(time.process_time() - start, 1e-9)


def image_size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give WIDTHxHEIGHT, such as 1200x900")
    return int(width), int(height)
