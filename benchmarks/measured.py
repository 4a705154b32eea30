"""What a command costs: processor seconds, wall seconds, memory, bytes and open files of its whole process tree.

``python measured.py [--json FILE] -- COMMAND ...`` runs a command in a fresh process and prints its cost.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

INTERVAL = 0.05
"""Seconds between two looks at the tree."""
AS_USERS_HAVE_IT = {"PYTHONDONTWRITEBYTECODE": ""}
"""Python programs keep their byte code, whatever is set for us: else each run would compile its modules anew."""
PROC = Path("/proc")
STATUS = {"RssAnon": "memory", "RssShmem": "memory", "RssFile": "file_pages"}


@dataclass(frozen=True)
class Cost:
    """Of one run. Bytes and seconds; None where the system does not tell."""

    code: int
    """Exit code; minus the signal's number where one ended it."""
    user: float
    system: float
    wall: float
    memory: int
    """Peak of anonymous + shared memory, summed over the tree; where the system cannot split it, of all resident."""
    file_pages: int | None
    """Peak of resident pages of mapped files: the system takes them back when it needs them."""
    bytes_written: int | None
    """What was sent towards storage (cached or not), including what was deleted later."""
    bytes_read: int | None
    """By read calls; pages of mapped files are not among them."""
    open_files: int | None
    """Most that any one process of the tree held at a look."""
    processes: int
    """Most at one look."""
    method: str
    """"proc" where /proc told, else "psutil"."""

    @property
    def cpu(self) -> float:
        """User + system seconds."""
        return self.user + self.system


@dataclass(frozen=True)
class Look:
    """The tree at one moment."""

    memory: int = 0
    file_pages: int | None = 0
    open_files: int | None = 0
    processes: int = 0

    def highest(self, other: "Look") -> "Look":
        """The larger of each figure; a figure that one look could not take is the other's."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Look(*(one if two is None else two if one is None else max(one, two) for one, two in pairs))


class ByProc:
    """Linux: /proc tells everything, and keeps a dead process's figures until it is waited for."""

    method = "proc"

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def look(self) -> Look:
        """Sum over the tree."""
        tree = list(self._tree(self.pid))
        looks = [self._one(pid) for pid in tree]
        return Look(
            sum(one.memory for one in looks),
            sum(one.file_pages or 0 for one in looks),
            max((one.open_files or 0 for one in looks), default=0),
            len(looks),
        )

    def ended(self) -> bool:
        """Whether the command's own process has ended; it stays a zombie, so that `last` can read it."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def last(self) -> tuple[int | None, int | None]:
        """Bytes written and read by the whole tree: a process inherits the counts of children it waited for."""
        try:
            lines = (PROC / str(self.pid) / "io").read_text().splitlines()
        except OSError:  # a process of another user, or a kernel without the counts
            return None, None
        counts = {name: int(value) for name, value in (line.split(": ") for line in lines)}
        return counts["write_bytes"], counts["rchar"]

    def reap(self) -> tuple[int, float, float]:
        """Exit code, user and system seconds of the tree."""
        _, status, usage = os.wait4(self.pid, 0)
        return os.waitstatus_to_exitcode(status), usage.ru_utime, usage.ru_stime

    def _tree(self, pid: int):
        yield pid
        try:
            threads = list((PROC / str(pid) / "task").iterdir())
            children = [child for one in threads for child in (one / "children").read_text().split()]
        except OSError:  # it ended meanwhile
            return
        for child in children:
            yield from self._tree(int(child))

    def _one(self, pid: int) -> Look:
        found = {"memory": 0, "file_pages": 0}
        try:
            for line in (PROC / str(pid) / "status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in STATUS:
                    found[STATUS[name]] += 1024 * int(value.split()[0])
            held = len(os.listdir(PROC / str(pid) / "fd"))
        except OSError:
            held = 0
        return Look(**found, open_files=held, processes=1)


class ByPsutil:
    """Elsewhere: what psutil can see; what a process spends after the last look at it is lost."""

    method = "psutil"

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.root = psutil.Process(process.pid)
        self.times: dict[int, tuple[float, float]] = {}
        self.bytes: dict[int, tuple[int, int]] = {}

    def look(self) -> Look:
        """Sum over the tree, and note each process's counts so far."""
        try:
            tree = [self.root, *self.root.children(recursive=True)]
        except psutil.Error:
            return Look(0, None, None, 0)
        looks = [one for one in map(self._one, tree) if one is not None]
        held = [one.open_files for one in looks if one.open_files is not None]
        memory = sum(one.memory for one in looks)
        return Look(memory, None, max(held, default=None), len(looks))

    def ended(self) -> bool:
        """Whether the command has ended."""
        return self.process.poll() is not None

    def last(self) -> tuple[int | None, int | None]:
        """Bytes written and read, as far as they were seen."""
        if not self.bytes:
            return None, None
        written, read = (sum(column) for column in zip(*self.bytes.values(), strict=True))
        return written, read

    def reap(self) -> tuple[int, float, float]:
        """Exit code, user and system seconds, as far as they were seen."""
        user, system = (sum(column) for column in zip((0.0, 0.0), *self.times.values(), strict=True))
        return self.process.wait(), user, system

    def _one(self, process: psutil.Process) -> Look | None:
        try:
            with process.oneshot():
                times = process.cpu_times()
                self.times[process.pid] = times.user, times.system
                if hasattr(process, "io_counters"):
                    counts = process.io_counters()
                    self.bytes[process.pid] = counts.write_bytes, counts.read_bytes
                memory = process.memory_info().rss
                held = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        except psutil.Error:
            return None
        return Look(memory, None, held, 1)


def measure(
    command: list[str],
    *,
    folder: Path | None = None,
    log: Path | None = None,
    environment: dict[str, str] | None = None,
    limit: float = 7200,
    portable: bool = False,
) -> Cost:
    """Run a command in a fresh process and say what it cost.

    ``log`` takes what it prints (else it prints where we do), ``environment`` is added to ours, ``limit`` is the
    wall seconds after which it is ended, ``portable`` forgoes /proc.
    """
    with ExitStack() as stack:
        out = None if log is None else stack.enter_context(log.open("wb"))
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=None if out is None else subprocess.STDOUT,
            env=os.environ | AS_USERS_HAVE_IT | (environment or {}),
            start_new_session=os.name == "posix",
        )
        watch = ByPsutil(process) if portable or not PROC.is_dir() else ByProc(process.pid)
        try:
            peak, wall = _watched(watch, process, start, limit)
        except BaseException:
            _end(process)
            raise
        written, read = watch.last()
        code, user, system = watch.reap()
        process.returncode = code  # reaped above: Popen must not wait for whoever gets this number next
    return Cost(
        code, user, system, wall, peak.memory, peak.file_pages, written, read, peak.open_files, peak.processes,
        watch.method,
    )  # fmt: skip


def _watched(
    watch: ByProc | ByPsutil, process: subprocess.Popen, start: float, limit: float
) -> tuple[Look, float]:
    """The highest of each figure, and the wall seconds until the command ended."""
    peak = Look()
    while not watch.ended():
        peak = peak.highest(watch.look())
        if time.perf_counter() - start > limit:
            _end(process)
        # Looks are cheap, but a command of 0.1 s must not be rounded up to the next one.
        time.sleep(min(INTERVAL, 0.002 + 0.05 * (time.perf_counter() - start)))
    return peak, time.perf_counter() - start


def _end(process: subprocess.Popen) -> None:
    """End the command and what it started, which is a session of its own."""
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def in_words(cost: Cost) -> str:
    """The cost, a line a figure."""
    gigabytes = {"memory", "file_pages", "bytes_written", "bytes_read"}
    rows = {"cpu": cost.cpu} | asdict(cost)
    return "\n".join(f"{name:14} {_shown(value, name in gigabytes)}" for name, value in rows.items())


def _shown(value: float | str | None, in_gigabytes: bool) -> str:
    if value is None:
        return "not told"
    if in_gigabytes:
        return f"{value / 1e9:.3f} GB"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def median(costs: list[Cost]) -> Cost:
    """Of each figure the median over the runs; the worst exit code."""
    middle = {}
    for name in (field for field in asdict(costs[0]) if field not in ("code", "method")):
        known = sorted(value for one in costs if (value := getattr(one, name)) is not None)
        half = len(known) // 2
        middle[name] = (
            None if not known else known[half] if len(known) % 2 else _between(*known[half - 1 : half + 1])
        )
    return replace(costs[0], **middle, code=max((one.code for one in costs), key=abs))


def _between(low: float, high: float) -> float:
    return (low + high) // 2 if isinstance(low, int) else (low + high) / 2


def main() -> int:
    """Measure the command given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    cost = measure(arguments.command)
    print(in_words(cost))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(cost), indent=1) + "\n")
    return cost.code


if __name__ == "__main__":
    sys.exit(main())
