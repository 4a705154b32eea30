"""How Sidera's time, memory and open files grow with the frames, and with the pixels of a frame.

``python scaling.py`` takes 20, 40, 80 and 160 RGGB frames of 1936x1096; ``--pixels`` takes frames of growing size as
well; ``--sparse 5000`` stacks that many frames of 640x480 and counts the files held open. Masters are made
beforehand: their cost, which does not grow, would flatter the ratio.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import measured
import tables
from measured import Cost
from night import SPARSE, Night, first, night, settings_of
from stage import image_size
from tables import RESULTS, gigabytes, known, machine_line, row

MOST_OPEN = 64
COLUMNS = (
    "frames", "Mpx a frame", "CPU s", "CPU(2N) / CPU(N)", "wall s", "wall(2N) / wall(N)", "CPU s / Gpx", "memory GB",
    "file pages GB", "written GB", "open files",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One run."""

    frames: int
    megapixels: float
    cost: Cost

    @property
    def work(self) -> float:
        """Gigapixels."""
        return self.frames * self.megapixels / 1e3


def main(arguments: list[str] | None = None) -> int:
    """Measure the series asked for."""
    given = command_line().parse_args(arguments)
    began, computer = datetime.now(UTC), machine_line()
    series = {"frames": over_frames(given)}
    if given.pixels:
        series["pixels"] = over_pixels(given)
    if given.sparse:
        settings = settings_of((640, 480), given.sparse, "none", **SPARSE)
        series["sparse"] = [stacked(night("sparse", settings), 0.3072, given)]
    text = markdown(series, began, computer, given.memory)
    print(text)
    plain = {
        "date": began.isoformat(timespec="seconds"),
        "machine": computer,
        "memory": given.memory,
        "series": {name: [asdict(point) for point in points] for name, points in series.items()},
    }
    tables.write(given.output, "scaling", began, text, plain)
    return max(abs(point.cost.code) for points in series.values() for point in points)


def command_line() -> argparse.ArgumentParser:
    """Options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[20, 40, 80, 160])
    parser.add_argument("--size", type=image_size, default=(1936, 1096), metavar="WxH")
    parser.add_argument(
        "--pixels", type=image_size, nargs="*", metavar="WxH", help="also 20 frames of each of these sizes"
    )
    parser.add_argument("--sparse", type=int, metavar="N", help="also N frames of 640x480")
    parser.add_argument("--memory", help="budget given to Sidera, such as 1.2G")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the tables; default: results/"
    )
    return parser


def over_frames(given: argparse.Namespace) -> list[Point]:
    """The first N frames of one night, for every N."""
    counts = sorted(given.frames)
    whole = night("scaling", settings_of(given.size, counts[-1], stars=500))
    points = []
    with tempfile.TemporaryDirectory(prefix="sidera-scaling-") as folder:
        for count in counts:
            part = first(whole, count, Path(folder) / str(count))
            points.append(stacked(part, given.size[0] * given.size[1] / 1e6, given))
    return points


def over_pixels(given: argparse.Namespace) -> list[Point]:
    """Twenty frames of every size, equally dense in stars."""
    points = []
    for width, height in given.pixels:
        megapixels = width * height / 1e6
        settings = settings_of((width, height), 20, stars=max(100, round(2000 * megapixels / 24)))
        points.append(stacked(night("pixels", settings), megapixels, given))
    return points


def stacked(one: Night, megapixels: float, given: argparse.Namespace) -> Point:
    """Stack a night twice: once for masters, compiled loops and the system's cache, once for the figures."""
    count = len(one.files("lights"))
    print(f"{count} frames of {megapixels:.2f} Mpx ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="sidera-scaling-") as folder:
        work = Path(folder)
        command = [sys.executable, "-m", "sidera", "stack", "-o", str(work / "stack.fits")]
        command += ["--masters", str(work / "masters")]
        command += ["--memory", given.memory] if given.memory else []
        beforehand = first(one, min(5, count), work / "beforehand")
        warm, timed = ({"SIDERA_STORE": str(work / name)} for name in ("store-warm", "store"))
        measured.measure([*command, str(beforehand.folder)], log=work / "log.txt", environment=warm)
        one.into_memory()
        cost = measured.measure([*command, str(one.folder)], log=work / "log.txt", environment=timed)
        if cost.code:
            print((work / "log.txt").read_text(errors="replace")[-2000:], file=sys.stderr)
    return Point(count, megapixels, cost)


def markdown(series: dict[str, list[Point]], began: datetime, computer: str, memory: str | None) -> str:
    """A table a series."""
    lines = [
        f"# Scaling, {began:%Y-%m-%d %H:%M} UTC",
        "",
        computer,
        f"Memory given to Sidera: {memory or 'none'}.",
    ]
    for name, points in series.items():
        lines += ["", f"## {name}", "", row(COLUMNS), row(["---"] * len(COLUMNS))]
        lines += [cells(point, before) for before, point in zip([None, *points], points, strict=False)]
        worst = max(point.cost.open_files or 0 for point in points)
        lines += [
            "",
            f"Most files open: {worst} ({'within' if worst <= MOST_OPEN else 'ABOVE'} {MOST_OPEN}).",
        ]
    return "\n".join(lines) + "\n"


def cells(point: Point, before: Point | None) -> str:
    """One row of figures."""
    cost = point.cost
    if cost.code:
        return row([str(point.frames), f"{point.megapixels:.2f}", f"failed with exit code {cost.code}"])
    return row(
        [
            str(point.frames),
            f"{point.megapixels:.2f}",
            f"{cost.cpu:.2f}",
            doubled(point, before, "cpu"),
            f"{cost.wall:.2f}",
            doubled(point, before, "wall"),
            f"{cost.cpu / point.work:.1f}",
            *(gigabytes(value) for value in (cost.memory, cost.file_pages, cost.bytes_written)),
            known(cost.open_files),
        ]
    )


def doubled(point: Point, before: Point | None, name: str) -> str:
    """Growth of a figure over that of the work, times 2: what a doubling costs; 2 is linear."""
    if before is None or before.cost.code or point.work == before.work:
        return ""
    ratio = getattr(point.cost, name) / getattr(before.cost, name)
    return f"{2 * ratio / (point.work / before.work):.2f}"


if __name__ == "__main__":
    sys.exit(main())
