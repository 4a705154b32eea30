"""A simulated night onto disk: raw FITS files as a camera writes them, and the truth beside them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from sidera.errors import UnwritableError, UsageError
from sidera.loading import loading
from sidera.pipeline.progress import Progress
from sidera.pipeline.workers import spread
from sidera.simulate import camera
from sidera.simulate.draw import truth_of
from sidera.simulate.night import NightSettings, Truth, truth_from_json
from sidera.types import U16

__all__ = ["NightSettings", "load_truth", "simulate_night"]

Cards = dict[str, str | int | float]


class _Task(NamedTuple):
    file: str
    pixels: Callable[[], U16]
    cards: Cards


def night_settings(**values: object) -> NightSettings:
    """Settings from values as they come from outside, checked.

    Raises
    ------
    UsageError
        For a value out of range, with its name.
    """
    try:
        return msgspec.convert(values, NightSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"simulate: {error}", "`sidera simulate --help` tells what is possible") from error


def simulate_night(
    folder: str | Path,
    settings: NightSettings | None = None,
    progress: Progress | None = None,
    *,
    threads: int = 1,
    overwrite: bool = False,
) -> Truth:
    """Write a night: ``lights/``, ``darks/``, ``flats/``, ``biases/``, ``truth.json``, ``defects.npy``.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    settings : NightSettings, optional
        What to simulate; the same settings give the same bytes, whatever ``threads`` is.
    progress : Progress, optional
        Told of every file.
    threads : int
        Frames made at once.
    overwrite : bool
        Write into a folder that already holds something.

    Raises
    ------
    UsageError
        For settings that make no sense, or a folder that is not empty.
    UnwritableError
        When the folder cannot be written.
    """
    truth, folder = truth_of(settings or NightSettings()), Path(folder)
    if folder.exists() and not overwrite and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not empty", "simulated frames would mix with what is there; give a new folder"
        )
    sensor = camera.sensor_of(truth.settings)
    tasks = list(_tasks(truth, sensor))
    progress = progress or Progress()
    progress.stage("simulate", len(tasks))
    try:
        for file in spread(partial(_write, folder), tasks, threads):
            progress.step(file)
        np.save(folder / "defects.npy", sensor.hot)
        (folder / "truth.json").write_bytes(truth.to_json())
    except OSError as error:
        raise UnwritableError(
            f"cannot write the night to {folder}: {error}", "choose another folder"
        ) from error
    progress.finish()
    return truth


def load_truth(folder: str | Path) -> Truth:
    """The truth of a night on disk, from its folder or its ``truth.json``.

    Raises
    ------
    UsageError
        When it is not there or is something else.
    """
    path = Path(folder)
    path = path / "truth.json" if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"no truth.json at {path}", "give the folder that `sidera simulate` wrote")
    return truth_from_json(path.read_bytes())


def _tasks(truth: Truth, sensor: camera.Sensor) -> Iterator[_Task]:
    settings = truth.settings
    for index, frame in enumerate(truth.frames):
        cards = _cards(settings, "LIGHT", settings.exposure, frame.date, frame.band)
        yield _Task(frame.file, partial(camera.light, truth, index, sensor), cards)
    clock = _Clock(truth.frames[-1].date, settings.exposure + 60)
    for index in range(settings.darks):
        cards = _cards(settings, "DARK", settings.exposure, clock.tick(settings.exposure))
        yield _Task(f"darks/dark_{index + 1:04d}.fits", partial(camera.dark, settings, index, sensor), cards)
    for band in range(len(settings.filters) if settings.mono else 1):
        letter = f"{settings.filters[band]}_" if settings.mono else ""
        for index in range(settings.flats):
            shown = band if settings.mono else None
            cards = _cards(settings, "FLAT", camera.FLAT_EXPOSURE, clock.tick(camera.FLAT_EXPOSURE), shown)
            file = f"flats/flat_{letter}{index + 1:04d}.fits"
            yield _Task(file, partial(camera.flat, settings, index, sensor, band), cards)
    for index in range(settings.biases):
        cards = _cards(settings, "BIAS", 0.0, clock.tick(0.0))
        yield _Task(f"biases/bias_{index + 1:04d}.fits", partial(camera.bias, settings, index, sensor), cards)


class _Clock:
    """Hands out the times at which exposures start."""

    def __init__(self, start: str, wait: float) -> None:
        self._now = datetime.fromisoformat(start) + timedelta(seconds=wait)

    def tick(self, exposure: float) -> str:
        now, self._now = self._now, self._now + timedelta(seconds=exposure + 2)
        return now.isoformat(timespec="milliseconds")


def _cards(settings: NightSettings, kind: str, exposure: float, date: str, band: int | None = None) -> Cards:
    """Header cards as capture programs write them."""
    cards: Cards = {
        "IMAGETYP": kind,
        "EXPTIME": exposure,
        "DATE-OBS": date,
        "INSTRUME": "Sidera simulator",
        "GAIN": 100,
        "OFFSET": 50,
        "EGAIN": settings.gain,
        "CCD-TEMP": settings.temperature,
        "SET-TEMP": settings.temperature,
        "XBINNING": 1,
        "YBINNING": 1,
        "XPIXSZ": 3.76,
        "YPIXSZ": 3.76,
        "ROWORDER": "TOP-DOWN",
    }
    if kind == "LIGHT":
        cards |= {"OBJECT": settings.target, "TELESCOP": "Simulated 530 mm f/5", "FOCALLEN": 530.0}
    if not settings.mono:
        cards |= {"BAYERPAT": settings.bayer, "XBAYROFF": 0, "YBAYROFF": 0}
    if band is not None:
        cards["FILTER"] = settings.filters[band]
    return cards


def _write(folder: Path, task: _Task) -> str:
    with loading:
        from astropy.io import fits  # takes half a second to load

    hdu = fits.PrimaryHDU(task.pixels())
    for keyword, value in task.cards.items():
        hdu.header[keyword] = value
    path = folder / task.file
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu.writeto(path, overwrite=True)
    return task.file
