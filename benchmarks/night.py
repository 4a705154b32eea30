"""Simulated nights for the benchmarks, made once and kept, the truth laid aside.

``python night.py [colour] [mono] [small]`` makes nights ahead of time and says where they are.

A night's folder is named after what made it: its settings and the source of the simulator. Its truth lies in a
folder of its own beside it, since comparing with the truth is no part of stacking and would be timed.
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs

import sidera
from sidera.pipeline.simulate import NightSettings, load_truth, simulate_night
from sidera.simulate.night import Truth

KINDS = ("lights", "darks", "flats", "biases")
ISSUED = {
    "stars": 2000,
    "maximum_shift": 15.0,
    "maximum_rotation": 0.5,
    "seeing_scatter": 0.10,
    "transparency_scatter": 0.04,
}
"""What every night of the comparison has: as the peers were measured before."""


def settings_of(size: tuple[int, int], frames: int, bayer: str = "RGGB", **others: object) -> NightSettings:
    """A night of the comparison: a satellite in every fifth frame, ten of each calibration frame."""
    crossed = tuple(range(0, frames, 5))
    values = ISSUED | {"trails": len(crossed), "trail_frames": crossed} | others
    return msgspec.convert({"size": size, "frames": frames, "bayer": bayer} | values, NightSettings)


SPARSE: dict[str, object] = {"stars": 40, "nebula": False, "biases": 5, "darks": 5, "flats": 5}
"""A smart telescope's many small frames of a poor field."""
NIGHTS = {
    "colour": settings_of((6000, 4000), 20),
    "mono": settings_of((4096, 4096), 20, "none"),
    "small": settings_of((1936, 1096), 200),
    "sparse": settings_of((640, 480), 5000, "none", **SPARSE),
    "rehearsal": settings_of((480, 320), 6, stars=150, saturated=0, biases=3, darks=3, flats=3),
    "rehearsal-mono": settings_of((480, 320), 6, "none", stars=150, saturated=0, biases=3, darks=3, flats=3),
}


@dataclass(frozen=True)
class Night:
    """A night on disk."""

    name: str
    folder: Path
    truth_folder: Path | None
    """Where its truth was laid aside; None for a night of someone else's."""

    def files(self, kind: str) -> list[Path]:
        """Frames of one kind, in order."""
        return sorted((self.folder / kind).glob("*.fit*"))

    @property
    def mono(self) -> bool:
        """No colour filter array, by the first light's header."""
        from sidera.io.read import open_frame

        with open_frame(self.files("lights")[0]) as reader:
            return reader.header.bayer is None

    def truth(self) -> Truth | None:
        """What was simulated."""
        return None if self.truth_folder is None else load_truth(self.truth_folder)

    def into_memory(self) -> None:
        """Read every file once, so that no participant pays for a cold disk."""
        for kind in KINDS:
            for path in self.files(kind):
                with path.open("rb", buffering=0) as file:
                    while file.read(1 << 24):
                        pass


def cache_folder() -> Path:
    """Where nights and the peers' environments are kept; SIDERA_BENCHMARKS moves it."""
    given = os.environ.get("SIDERA_BENCHMARKS")
    return Path(given) if given else Path(platformdirs.user_cache_dir("sidera-benchmarks"))


def night(name: str, settings: NightSettings | None = None, threads: int | None = None) -> Night:
    """The night of that name, simulated now if it is not there yet."""
    settings = settings or NIGHTS[name]
    folder = cache_folder() / f"night-{name}-{_key(settings)}"
    truth = folder.with_name(folder.name + "-truth")
    if not folder.is_dir():
        _make(folder, truth, settings, threads or os.cpu_count() or 1)
    return Night(name, folder, truth)


def lent(folder: Path, into: Path) -> Night:
    """A night that someone else made, behind links, without a truth beside it."""
    missing = [kind for kind in KINDS if not (folder / kind).is_dir()]
    if missing:
        raise SystemExit(f"{folder} has no {', '.join(missing)}; give a folder that `sidera simulate` wrote")
    for kind in KINDS:
        link(sorted((folder / kind).glob("*.fit*")), into / kind)
    told = folder / "truth.json"
    return Night(folder.name, into, folder if told.is_file() else None)


def first(whole: Night, count: int, into: Path) -> Night:
    """The first lights of a night with all its calibration frames, behind links."""
    for kind in KINDS:
        link(whole.files(kind)[: count if kind == "lights" else None], into / kind)
    return Night(f"{whole.name}-{count}", into, whole.truth_folder)


def link(paths: list[Path], into: Path) -> None:
    """Links to files in a real folder: a linked folder is not entered by everyone who looks for frames."""
    into.mkdir(parents=True)
    for path in paths:
        (into / path.name).symlink_to(path.resolve())


def _key(settings: NightSettings) -> str:
    """A few letters that change with the settings and with the simulator's source."""
    package = Path(sidera.__file__).parent
    sources = [*sorted((package / "simulate").glob("*.py")), package / "pipeline" / "simulate.py"]
    digest = hashlib.sha256(msgspec.json.encode(settings))
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _make(folder: Path, truth: Path, settings: NightSettings, threads: int) -> None:
    """Simulate beside the place and move the whole there at the end: half a night is never taken for one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"simulating {folder.name} (once) ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as scratch:
        made, aside = Path(scratch) / "night", Path(scratch) / "truth"
        simulate_night(made, settings, threads=threads)
        aside.mkdir()
        for name in ("truth.json", "defects.npy"):
            shutil.move(made / name, aside / name)
        shutil.rmtree(truth, ignore_errors=True)
        aside.rename(truth)
        made.rename(folder)


def main() -> int:
    """Make the nights named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", choices=[*NIGHTS, []], help="which; default: colour, mono and small"
    )
    for name in parser.parse_args().names or ("colour", "mono", "small"):
        print(f"{name:10} {night(name).folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
