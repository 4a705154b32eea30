"""What the tables of results share: the machine they were made on, cells, and the files they go into."""

import os
import platform
from datetime import datetime
from pathlib import Path

import msgspec
import psutil

RESULTS = Path(__file__).resolve().parent / "results"


def machine_line() -> str:
    """The machine, and how busy it is now."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Machine: {', '.join(machine().values())}{load}."


def machine() -> dict[str, str]:
    """What it ran on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": f"{cores} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"Python {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def gigabytes(value: int | None) -> str:
    return "" if value is None else f"{value / 1e9:.2f}"


def known(value: int | None) -> str:
    return "" if value is None else str(value)


def write(folder: Path, name: str, began: datetime, markdown: str, plain: dict[str, object]) -> None:
    """A table as Markdown, and all its figures as JSON, named after what it shows and when it began."""
    folder.mkdir(parents=True, exist_ok=True)
    base = f"{name}-{began:%Y-%m-%d-%H%M}"
    (folder / f"{base}.md").write_text(markdown, encoding="utf-8")
    figures = msgspec.json.format(msgspec.json.encode(plain), indent=1)  # NaN becomes null
    (folder / f"{base}.json").write_bytes(figures + b"\n")
