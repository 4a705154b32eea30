"""Who takes part in the comparison: what each is told, and how to find out whether it is here."""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from night import KINDS, Night, cache_folder, link

HERE = Path(__file__).resolve().parent
PEERS = {"seiza": ("seiza",), "ccdproc": ("ccdproc", "astroalign")}
"""What is installed into each peer's own environment."""
RESULT = "result.fits"
WINSORIZED = ("integration.rejection=winsorized", "integration.kappa_low=3", "integration.kappa_high=3")


@dataclass(frozen=True)
class Participant:
    """One way to stack a night."""

    name: str
    told: str
    """Its rejection and what else matters, for the table."""
    version: Callable[[], str | None]
    """None: it is not here."""
    cure: str
    """How to get it."""
    command: Callable[[Night, Path], list[str]]
    """(night, working folder) -> what to run; the stack goes to RESULT in the working folder."""
    stacked: str
    """Regular expression that finds in what it prints how many frames it stacked."""
    prepare: Callable[[Night, Path], None] = lambda _, _work: None
    """What its user would have at hand before the clock starts: links."""

    def frames(self, printed: str) -> int | None:
        """How many frames it says it stacked, the last time it says so."""
        found = re.findall(self.stacked, printed)
        return int(found[-1]) if found else None


def sidera(name: str, told: str, settings: tuple[str, ...], memory: str | None) -> Participant:
    """Sidera by its command line, its masters rebuilt."""
    options = [part for one in settings for part in ("--set", one)]
    options += ["--memory", memory] if memory else []

    def command(night: Night, work: Path) -> list[str]:
        run = [sys.executable, "-m", "sidera", "stack", str(night.folder), "-o", str(work / RESULT)]
        return [*run, "--masters", str(work / "masters"), *options]

    cure = "run by the .venv's Python: python3 dev.py bench peers"
    return Participant(name, told, _sidera_version, cure, command, r": (\d+) frames?, ")


def everyone(memory: str | None = None) -> list[Participant]:
    """All that can take part, Sidera first."""
    return [
        sidera("sidera", "hybrid clip, RCD, local normalisation, weights", (), memory),
        sidera("sidera-winsorized", "winsorized 3/3, RCD, local normalisation, weights", WINSORIZED, memory),
        Participant(
            "siril",
            "winsorized 3/3, RCD, additive + scaling normalisation, weights",
            _siril_version,
            "install siril so that siril-cli is on the PATH (Debian, Ubuntu: apt-get install siril)",
            _siril_command,
            r"Integration of (\d+) images",
            _siril_links,
        ),
        _in_python(
            "seiza", "online 3/3 sigma, VNG, local background normalisation, weights", r"(\d+) accepted"
        ),
        _in_python(
            "ccdproc", "sigma clip 3/3, bilinear, median level taken off, weights", r"(\d+) of \d+ frames"
        ),
    ]


def environment_python(name: str) -> Path:
    """Python of a peer's own environment."""
    folder = cache_folder() / "environments" / name
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(name: str) -> None:
    """Make a peer's environment and install it there."""
    python = environment_python(name)
    if not python.exists():
        venv.create(python.parent.parent, with_pip=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)


def _in_python(name: str, told: str, stacked: str) -> Participant:
    def command(night: Night, work: Path) -> list[str]:
        script = HERE / f"with_{name}.py"
        return [str(environment_python(name)), str(script), str(night.folder), str(work), str(work / RESULT)]

    return Participant(
        name, told, lambda: _installed(name), "python3 dev.py bench peers --install", command, stacked
    )


def _installed(name: str) -> str | None:
    code = (
        "import importlib.metadata as m, sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    )
    return _first_line([str(environment_python(name)), "-c", code, *PEERS[name]])


def _sidera_version() -> str | None:
    return _first_line([sys.executable, "-m", "sidera", "--version"])


def _siril_version() -> str | None:
    return _first_line(["siril-cli", "--version"]) if shutil.which("siril-cli") else None


def _first_line(command: list[str]) -> str | None:
    """The first line a command prints; None where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.splitlines()), None)


def _siril_links(night: Night, work: Path) -> None:
    """Real folders of linked frames: Siril writes beside the folder it stands in, which must not be the night."""
    for kind in KINDS:
        link(night.files(kind), work / kind)


def _siril_command(night: Night, work: Path) -> list[str]:
    script = HERE / f"siril_{'mono' if night.mono else 'colour'}.ssf"
    return ["siril-cli", "-d", str(work), "-s", str(script)]
