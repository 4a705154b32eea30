"""The log: a few thousand lines to ask for, the same on stderr and in a file that rotates, and crash files."""

import faulthandler
import json
import logging
import logging.handlers
import os
import platform
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

import platformdirs

from sidera._version import __version__
from sidera.engine.values import Level, LogLine

KEPT = 5000
"""Lines that can be asked for."""
FILE_BYTES, FILES = 1 << 20, 3
CRASHES = 10
"""Crash files kept."""
LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR,
}  # fmt: skip
_here = threading.local()


def logs_folder() -> Path:
    """Where log and crash files are kept; SIDERA_LOGS moves it."""
    given = os.environ.get("SIDERA_LOGS")
    return Path(given) if given else Path(platformdirs.user_log_dir("sidera", appauthor=False))


def now() -> str:
    """The moment, ISO 8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(text: str) -> str:
    """Text of files and headers without what would move a terminal's cursor or feign another line."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def in_job(name: str | None) -> None:
    """Lines of this thread belong to a job from now on."""
    _here.job = name


class Log(logging.Handler):
    """Keeps the newest lines and tells of each as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._count = 0
        self.listen: Callable[[LogLine], None] = lambda line: None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; `logging` calls this under the handler's lock."""
        self._count += 1
        line = LogLine(
            number=self._count,
            time=now(),
            level=_level(record.levelno),
            text=plain(record.getMessage()),
            job=getattr(_here, "job", None),
        )
        self._lines.append(line)
        self.listen(line)

    def after(self, number: int, level: Level, most: int) -> tuple[LogLine, ...]:
        """The newest lines past a number, of a level or above, oldest first."""
        with self.lock:  # type: ignore[union-attr]  # every handler has one
            lines = [line for line in self._lines if line.number > number]
        chosen = [line for line in lines if LEVELS[line.level] >= LEVELS[level]]
        return tuple(chosen[-most:])


def _level(number: int) -> Level:
    return next((name for name in ("error", "warning", "info") if number >= LEVELS[name]), "debug")


class _Json(logging.Formatter):
    """A line of JSON, for programs that gather logs."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"time": now(), "level": _level(record.levelno), "text": record.getMessage()}
        return json.dumps({**fields, "job": getattr(_here, "job", None)})


class _Plain(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{now()} {_level(record.levelno)}: {plain(record.getMessage())}"


def start(form: Literal["text", "json"] = "text", stream: TextIO | None = None) -> Log:
    """Begin to log everything that `logging` and `warnings` tell."""
    log, shown = Log(), logging.StreamHandler(stream or sys.stderr)
    handlers: list[logging.Handler] = [log, shown]
    with suppress(OSError):  # a place that takes no files: the log is on stderr all the same
        logs_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                logs_folder() / "engine.log",
                maxBytes=FILE_BYTES,
                backupCount=FILES,
                encoding="utf-8",
                delay=True,
            )
        )
    for handler in handlers[1:]:
        handler.setFormatter(_Json() if form == "json" else _Plain())
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    return log


def catch_faults() -> None:
    """From now on even a crash of the interpreter leaves the stacks of all threads in a file."""
    with suppress(OSError):
        folder = logs_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = folder / "fault.txt"
        if place.exists() and place.read_text(encoding="utf-8", errors="replace").count("\n") > 1:
            place.replace(folder / _crash_name())  # the last engine died of it
            _forget_old_crashes(folder)
        stream = place.open("w", encoding="utf-8")
        stream.write(f"{versions()}\n")
        stream.flush()
        faulthandler.enable(stream)


def versions() -> str:
    """What ran, for a bug report."""
    names = ("numpy", "numba", "scipy", "astropy", "msgspec")
    loaded = (f"{name} {module.__version__}" for name in names if (module := sys.modules.get(name)))
    return f"sidera {__version__}, Python {platform.python_version()}, {platform.platform()}, {', '.join(loaded)}"


def crashed(error: Exception, doing: str) -> None:
    """Log a fault of ours, and leave its trace in a file."""
    logging.getLogger("sidera").error("internal error in %s: %s: %s", doing, type(error).__name__, error)
    trace = "".join(traceback.format_exception(error))
    with suppress(OSError):
        folder = logs_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _crash_name()).write_text(f"{versions()}\nwhile doing {doing}\n\n{trace}", encoding="utf-8")
        _forget_old_crashes(folder)


def _crash_name() -> str:
    return f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"


def _forget_old_crashes(folder: Path) -> None:
    for old in sorted(folder.glob("crash-*.txt"))[:-CRASHES]:
        old.unlink(missing_ok=True)
