"""The same night through Sidera and the others, in one run, in turns: seconds, memory, bytes, and how true the result.

``python peers.py [NIGHT] [--rounds 3]`` prints a table and writes it, with every figure of every run, into results/.
Who is not installed is said to be absent; who fails is said to have failed, with the last it printed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import measured
import msgspec
import tables
from measured import Cost
from night import NIGHTS, Night, lent, night, settings_of
from participants import PEERS, RESULT, Participant, everyone, install
from tables import RESULTS, gigabytes, known, machine_line, row
from truth import Judged, judge

WARM = {False: settings_of((1200, 900), 8, stars=300), True: settings_of((1200, 900), 8, "none", stars=300)}
"""Large enough that Sidera compiles all that a big night needs."""


@dataclass
class Entry:
    """One participant's runs."""

    who: Participant
    version: str | None
    costs: list[Cost] = field(default_factory=list)
    left: int = 0
    """Bytes in its working folder when it had ended, result and masters included."""
    frames: int | None = None
    judged: Judged | None = None
    failure: str | None = None


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison."""
    given = command_line().parse_args(arguments)
    if given.rehearsal:
        given.night, given.rounds = "rehearsal-mono" if given.night == "mono" else "rehearsal", 1
    entries = invited(given)
    with tempfile.TemporaryDirectory(prefix="sidera-peers-", dir=given.scratch) as folder:
        scratch = Path(folder)
        chosen = lent(given.frames_of, scratch / "night") if given.frames_of else night(given.night)
        began, computer = datetime.now(UTC), machine_line()
        lights = len(chosen.files("lights"))
        compare(entries, chosen, scratch, given)
    report = Report(entries, chosen, lights, given.rounds, given.memory, began, computer)
    print(report.markdown())
    tables.write(given.output, f"peers-{chosen.name}", began, report.markdown(), report.plain())
    return 1 if any(entry.version and entry.failure for entry in entries) else 0


def command_line() -> argparse.ArgumentParser:
    """Options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("night", nargs="?", default="colour", choices=list(NIGHTS), help="default: colour")
    parser.add_argument(
        "--from", dest="frames_of", type=Path, metavar="FOLDER", help="a night of your own instead"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each, in turns; medians count (default 3)"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these participants only")
    parser.add_argument("--memory", help="budget given to Sidera, such as 1.2G; default: none given")
    parser.add_argument("--limit", type=float, default=7200, help="wall seconds after which a run is ended")
    parser.add_argument(
        "--scratch", type=Path, help="where they work; Siril needs 14 GB for the colour night"
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the tables; default: results/"
    )
    parser.add_argument("--no-fidelity", action="store_true", help="do not compare with the truth")
    parser.add_argument(
        "--install", action="store_true", help="first install the Python peers into their folders"
    )
    parser.add_argument("--rehearsal", action="store_true", help="a tiny night once, to try this script")
    return parser


def invited(given: argparse.Namespace) -> list[Entry]:
    """Those asked for, and whether they are here."""
    for name in PEERS if given.install else ():
        install(name)
    everybody = everyone(given.memory)
    unknown = set(given.only or ()) - {one.name for one in everybody}
    if unknown:
        names = ", ".join(one.name for one in everybody)
        raise SystemExit(f"no participant {', '.join(sorted(unknown))}; there are {names}")
    entries = [Entry(one, one.version()) for one in everybody if not given.only or one.name in given.only]
    for entry in entries:
        if entry.version is None:
            entry.failure = f"absent: {entry.who.cure}"
            print(f"{entry.who.name} is absent: {entry.who.cure}", file=sys.stderr)
    return entries


def compare(entries: list[Entry], chosen: Night, scratch: Path, given: argparse.Namespace) -> None:
    """Warm up, then all in turn, round after round."""
    present = [entry for entry in entries if entry.version is not None]
    if not given.rehearsal:
        warm = night("warm-mono" if chosen.mono else "warm", WARM[chosen.mono])
        for entry in present:
            if entry.who.name.startswith("sidera"):  # it compiles once a version, not once a run
                run(entry, warm, scratch, given.limit)
                entry.costs.clear()
    truth = None if given.no_fidelity else chosen.truth()
    for number in range(given.rounds):
        for entry in present:
            if entry.failure:
                continue
            print(f"round {number + 1}: {entry.who.name} ...", file=sys.stderr, flush=True)
            picture = run(entry, chosen, scratch, given.limit)
            if picture is not None and truth is not None and number == given.rounds - 1:
                entry.judged = judge(picture, truth)


def run(entry: Entry, chosen: Night, scratch: Path, limit: float) -> Path | None:
    """One run in an empty folder, of which only the result stays."""
    work, kept, log = scratch / "work", scratch / f"{entry.who.name}.fits", scratch / "log.txt"
    kept.unlink(missing_ok=True)
    work.mkdir()
    entry.who.prepare(chosen, work)
    chosen.into_memory()
    if hasattr(os, "sync"):  # or one would wait for what the last one left to be written
        os.sync()
    # A user's own settings, or measurements kept from another run, would make figures that no one else can repeat.
    private = {"XDG_CONFIG_HOME": str(work / "config"), "SIDERA_STORE": str(work / "measurements")}
    cost = measured.measure(
        entry.who.command(chosen, work), folder=work, log=log, environment=private, limit=limit
    )
    printed = log.read_text(errors="replace")
    entry.costs.append(cost)
    entry.left, entry.frames = measured.size_of(work), entry.who.frames(printed)
    result = work / RESULT
    if cost.code == 0 and result.is_file():
        shutil.move(result, kept)
    else:
        last = " | ".join(printed.strip().splitlines()[-3:])
        entry.failure = f"failed with exit code {cost.code}: {last[-300:].replace(str(scratch), '')}"
        print(f"{entry.who.name} {entry.failure}", file=sys.stderr)
    shutil.rmtree(work)
    return None if entry.failure else kept


COLUMNS = (
    "participant", "CPU s", "user + system", "wall s", "CPU / sidera", "CPU / sidera-winsorized", "memory GB",
    "file pages GB", "written GB", "read GB", "left GB", "open files", "frames", "flux scatter %",
    "flux slope %", "star growth %", "false ppm", "noise / limit",
)  # fmt: skip
FIGURES = (
    ("flux_scatter_percent", ".2f"),
    ("flux_slope", ".2f"),
    ("fwhm_growth", "+.1f"),
    ("false_ppm", ".0f"),
    ("noise_ratio", ".2f"),
)


@dataclass
class Report:
    """What is printed and kept."""

    entries: list[Entry]
    night: Night
    lights: int
    rounds: int
    memory: str | None
    began: datetime
    machine: str
    """With its load before the first run."""

    def markdown(self) -> str:
        """The table with what one must know to read it."""
        lines = [f"# {self._title()}", "", *self._facts(), "", row(COLUMNS), row(["---"] * len(COLUMNS))]
        lines += [row(self._figures(entry)) for entry in self.entries if entry.costs and not entry.failure]
        lines += ["", *(self._remark(entry) for entry in self.entries)]
        return "\n".join(lines) + "\n"

    def _title(self) -> str:
        return f"{self.night.name} night, {self.began:%Y-%m-%d %H:%M} UTC"

    def _facts(self) -> list[str]:
        budget = self.memory or "none"
        return [
            f"{self.lights} lights; medians of {self.rounds} round(s), in turns. Memory given to Sidera: {budget}.",
            self.machine,
        ]

    def _figures(self, entry: Entry) -> list[str]:
        cost = measured.median(entry.costs)
        judged = entry.judged.channels if entry.judged else ()
        return [
            entry.who.name,
            f"{cost.cpu:.1f}",
            f"{cost.user:.1f} + {cost.system:.1f}",
            f"{cost.wall:.1f}",
            self._times("sidera", cost),
            self._times("sidera-winsorized", cost),
            *(
                gigabytes(value)
                for value in (cost.memory, cost.file_pages, cost.bytes_written, cost.bytes_read)
            ),
            gigabytes(entry.left),
            known(cost.open_files),
            known(entry.frames),
            *(_span([getattr(one, name) for one in judged], style) for name, style in FIGURES),
        ]

    def _times(self, name: str, cost: Cost) -> str:
        """How many times the CPU seconds of a participant; empty where it did not run."""
        base = next((entry for entry in self.entries if entry.who.name == name), None)
        if base is None or base.failure or not base.costs:
            return ""
        return f"{cost.cpu / measured.median(base.costs).cpu:.2f}"

    def _remark(self, entry: Entry) -> str:
        state = entry.failure or entry.version
        if entry.judged and entry.judged.reason:
            state = f"{state}; not compared with the truth: {entry.judged.reason}"
        return f"- {entry.who.name}: {entry.who.told}. {state}"

    def plain(self) -> dict[str, object]:
        return {
            "date": self.began.isoformat(timespec="seconds"),
            "night": self.night.name,
            "settings": msgspec.to_builtins(NIGHTS.get(self.night.name)),
            "lights": self.lights,
            "rounds": self.rounds,
            "memory": self.memory,
            "machine": self.machine,
            "participants": [
                {
                    "name": entry.who.name,
                    "told": entry.who.told,
                    "version": entry.version,
                    "failure": entry.failure,
                    "frames": entry.frames,
                    "bytes_left": entry.left,
                    "runs": [asdict(cost) for cost in entry.costs],
                    "truth": msgspec.to_builtins(entry.judged) if entry.judged else None,
                }
                for entry in self.entries
            ],
        }


def _span(values: list[float], style: str) -> str:
    """Lowest to highest over the channels."""
    measured_ones = sorted(value for value in values if value == value)
    if not measured_ones:
        return ""
    low, high = format(measured_ones[0], style), format(measured_ones[-1], style)
    return low if low == high else f"{low} to {high}"


if __name__ == "__main__":
    sys.exit(main())
