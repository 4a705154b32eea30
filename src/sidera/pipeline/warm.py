"""Compile every kernel beforehand, by tiny runs of every stage, and keep what was compiled."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np

from sidera.demosaic.demosaic import Demosaicing, demosaic
from sidera.integration.combine import combine
from sidera.integration.resample import resample
from sidera.io.lock import take
from sidera.io.read import open_frame
from sidera.kernels._jit import sweep, warm_mark
from sidera.model.header import Bayer
from sidera.model.settings import IntegrationSettings, Rejection
from sidera.model.stack import Row, Stack
from sidera.pipeline.finish import finish, finish_stack
from sidera.pipeline.plan import make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.run import Result, run
from sidera.pipeline.simulate import night_settings, simulate_night
from sidera.pipeline.store import FolderStore

SIZE = (320, 240)
"""Pixels: room for several cells of the sky mesh, and for stars enough to register by."""

NIGHTS: dict[str, dict[str, object]] = {
    "colour": {"bayer": "RGGB", "seed": 1},
    "mono": {"bayer": "none", "seed": 2},
    "turned": {"bayer": "none", "seed": 3, "maximum_rotation": 60.0, "darks": 0, "biases": 0},
}
"""What cameras give; the third has no darks and turns too far for the resampling in two passes."""

RUNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("colour", ()),
    ("mono", ("integration.halves=true",)),
    (
        "turned",
        (
            "calibration.cosmetic=on",
            "registration.model=homography",
            "registration.framing=union",
            "integration.rejection=none",
            "integration.combine=median",
        ),
    ),
    ("colour", ("demosaic.method=vng", "integration.rejection=sigma", "integration.normalisation=global")),
    (
        "colour",
        (
            "demosaic.method=superpixel",
            "registration.interpolation=nearest",
            "registration.framing=intersection",
            "integration.rejection=mad",
            "integration.normalisation=none",
            "integration.weights=none",
        ),
    ),
    (
        "colour",
        (
            "demosaic.method=bilinear",
            "integration.rejection=winsorized",
            "registration.interpolation=bilinear",
            "calibration.cosmetic=on",
        ),
    ),
)
"""Nights and settings that between them enter every kernel as real runs do."""

FINISHES: tuple[tuple[str, ...], ...] = (
    ("denoise.enabled=true", "scnr.enabled=true", "stretch.method=ghs"),
    ("denoise.enabled=true", "denoise.method=median", "gradient.model=mesh", "stretch.method=linear"),
)

BITPIX = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
WAIT = 0.2
"""Seconds between two looks whether another process is done."""


def warm(progress: Progress | None = None) -> bool:
    """Compile every kernel and keep it, so that no run waits for that again.

    Of two processes that ask at once, one compiles and the other waits for it.

    Parameters
    ----------
    progress : Progress, optional
        Told of every step; its ``cancel`` stops the work, and what was compiled until then is kept.

    Returns
    -------
    bool
        Whether anything was done; False where all is compiled, and where compiled kernels cannot be kept.
    """
    mark = warm_mark()
    if mark is None or mark.is_file():
        return False
    progress = progress or Progress()
    with _alone(mark.with_name("warm.lock"), progress):
        if mark.is_file():  # by the process that we waited for
            return False
        sweep()
        _run_everything(progress)
        mark.touch()
    return True


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """While no other process holds the lock; a process that dies lets go of it."""
    with path.open("ab") as stream:
        while not take(stream):
            progress.check()
            time.sleep(WAIT)
        yield


def _run_everything(progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="sidera-") as folder, _helper():
        place = Path(folder)
        made: dict[str, Stack] = {}
        steps: list[Callable[[], object]] = [lambda: _read_every_type(place)]
        steps += [lambda night=night: _simulate(place, night) for night in NIGHTS]  # type: ignore[misc]
        steps += [
            lambda number=number, one=one: made.update(_stack(place, number, *one))  # type: ignore[misc]
            for number, one in enumerate(RUNS)
        ]
        steps += [lambda one=one: _finish(made, one) for one in FINISHES]  # type: ignore[misc]
        steps.append(head_start)
        progress.stage("compile", len(steps))
        for step in steps:
            step()
            progress.step()
        progress.finish()


@contextmanager
def _helper() -> Iterator[None]:
    """A second process that compiles what is reached last: Numba compiles one thing at a time in each.

    Only a help: what it does not get done is done here, and it ends with the work.
    """
    command = [sys.executable, "-c", "from sidera.pipeline.warm import head_start; head_start()"]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def head_start() -> None:
    """Enter the kernels whose compiling takes longest, and those that a run reaches last, as scripts do."""
    generator = np.random.default_rng(1)
    cube = generator.normal(1000, 10, (6, 64, 80)).astype(np.float32)
    y, x = np.mgrid[0:4, 0:4] * 32.0
    resample(cube[:3], np.zeros((64, 80), np.uint8), x, y, 32, (64, 80), noise=(10.0, 10.0, 10.0))
    for rejection in get_args(Rejection):
        combine(cube, IntegrationSettings(rejection=rejection))
    for method in get_args(Demosaicing):
        demosaic(cube[0], Bayer.RGGB, method)
    combine(cube, IntegrationSettings(combine="median"))
    finish(_sky(generator))


def _sky(generator: np.random.Generator) -> Stack:
    """Three planes of sky with a few stars whose colours are known."""
    rows, columns = np.mgrid[0:240, 0:320]
    image = generator.normal(1000, 10, (3, 240, 320)).astype(np.float32)
    table: list[Row] = []
    for place in range(40, 240, 40):
        image += 5000 * np.exp(-((rows - place) ** 2 + (columns - place) ** 2) / 4).astype(np.float32)
        table.append({"X": place, "Y": place, "R": 1e4, "G": 1e4, "B": 1e4, "FRAMES": 6})
    none = np.zeros((0, 0), np.uint16)
    coverage = np.full((240, 320), 6, np.uint16)
    empty = np.empty((0, 0), np.float32)
    return Stack(image, empty, empty, coverage, none, none, star_colours=tuple(table))


def _simulate(place: Path, night: str) -> None:
    asked = {"frames": 6, "size": SIZE, "stars": 100, "biases": 3, "darks": 3, "flats": 3, "trails": 1}
    simulate_night(place / night, night_settings(**{**asked, **NIGHTS[night]}))


def _stack(place: Path, number: int, night: str, changes: tuple[str, ...]) -> dict[str, Stack]:
    """A run as the command line makes it: into a file, with a picture; measured anew each time."""
    plan = make_plan(
        [place / night], recipe=Recipe().with_settings(changes), masters=place / f"masters{number}", threads=1
    )
    target = place / f"{number}.fits"
    result: Result = run(plan, output=target, store=FolderStore(place / f"store{number}"))
    result.save(target, preview=target.with_suffix(".png"))
    return {f"{night}{number}": result.stack}


def _finish(made: dict[str, Stack], changes: tuple[str, ...]) -> None:
    """A colour stack and a mono one, finished in another way."""
    recipe = Recipe().with_settings(changes)
    for name in ("colour0", "mono1"):
        finish_stack(made[name], recipe, lambda _: None)


def _read_every_type(place: Path) -> None:
    """Pixels of every type that FITS knows."""
    for bitpix, kind in BITPIX.items():
        path = place / f"{bitpix}.fits"
        path.write_bytes(_fits(bitpix, np.arange(64).reshape(8, 8).astype(kind)))
        with open_frame(path) as reader:
            reader.window(slice(0, 4), slice(None))


def _fits(bitpix: int, pixels: np.ndarray) -> bytes:
    rows, columns = pixels.shape
    told = {"SIMPLE": "T", "BITPIX": bitpix, "NAXIS": 2, "NAXIS1": columns, "NAXIS2": rows}
    cards = "".join(f"{name:8}= {value!s:>20}".ljust(80) for name, value in told.items()) + "END"
    return cards.ljust(2880).encode() + pixels.tobytes().ljust(2880, b"\0")
