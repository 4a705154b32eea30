"""The only print: messages, tables and progress on the terminal."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sidera.errors import SideraError
from sidera.pipeline.progress import Event

PIPED = 200
"""Columns where nobody looks: a table in a file or a pipe is not folded to a screen that is not there."""


def _console(stream: TextIO, stderr: bool) -> Console:
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=stderr, highlight=False, width=PIPED if piped else None)


out = _console(sys.stdout, stderr=False)
err = _console(sys.stderr, stderr=True)

Row = Sequence[str]


def say(text: str = "") -> None:
    """A plain line on stdout."""
    out.print(escape(text), soft_wrap=True)


def note(text: str) -> None:
    """A line on stderr, so that stdout stays what a script reads."""
    err.print(escape(text), soft_wrap=True)


def dump(value: object) -> None:
    """JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def complain(error: SideraError) -> None:
    """What was wrong, and what would be right."""
    err.print(f"[bold red]error:[/] {escape(error.what)}", soft_wrap=True)
    if error.cure:
        err.print(f"  {escape(error.cure)}", soft_wrap=True)


def fail(text: str) -> None:
    """An error that has no object of its own."""
    err.print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


def crashed(error: Exception) -> None:
    """A fault of ours: the trace, for a bug report."""
    err.print(escape("".join(traceback.format_exception(error))), soft_wrap=True)
    fail(f"internal error: {error}. This is a fault of Sidera's; please report it with the lines above")


def table(title: str, head: Row, rows: Sequence[Row]) -> None:
    """Rows under a heading."""
    grid = Table(title=escape(title), title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in head:
        grid.add_column(escape(name), overflow="fold")
    for row in rows:
        grid.add_row(*(escape(cell) for cell in row))
    out.print(grid)


STAGES = {
    "compile": "compiling, once",
    "scan": "reading headers",
    "masters": "building or reusing masters",
    "measure": "measuring lights",
    "register": "registering",
    "combine": "combining tiles",
    "write": "writing",
    "simulate": "simulating frames",
    "finish": "finishing",
    "channels": "combining stacks",
}


def _stage(event: Event) -> str:
    """A stage in words; with what it is about where several follow one another."""
    return STAGES.get(event.stage, event.stage)


class Terminal:
    """Shows progress: a bar with ETA on a terminal, a plain line a stage elsewhere."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Bar | None = None
        if err.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[eta]}"),
            )
            self._bar = Bar(*columns, console=err, transient=True)
            self._task = self._bar.add_task("starting", total=1.0, eta="")
            self._bar.start()

    def __call__(self, event: Event) -> None:
        """Show one step."""
        eta = f"about {_duration(event.eta_s)} left" if event.eta_s is not None else ""
        if self._bar is not None:
            text = f"{escape(_stage(event))} {event.done}/{event.total} {escape(event.note)}"
            self._bar.update(self._task, completed=event.overall, description=text, eta=eta)
        elif event.stage != self._stage:
            self._stage = event.stage
            err.print(f"{escape(_stage(event))} ({event.total})", soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal clean."""
        if self._bar is not None:
            self._bar.stop()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
