"""Jobs and their results: what ran, what came of it, and what the end of a process cut short."""

import os

import psutil

from sidera.session.database import Database
from sidera.session.recent import now
from sidera.session.values import ProjectResult, UnfinishedJob

CLOCK = 2.0
"""Seconds by which the start of a process may be told differently from one boot's clock to the next."""


def begin(database: Database, command: str, output: str | None = None) -> int:
    """A job of this process begins; those that were cut short are given up for it."""
    lost = [number for number, *_ in _cut_short(database)]
    process = psutil.Process()
    with database.writing() as connection:
        connection.executemany(
            "UPDATE job SET state = 'lost', ended = ? WHERE number = ?", [(now(), number) for number in lost]
        )
        done = connection.execute(
            "INSERT INTO job (command, output, process, born, state, started) VALUES (?, ?, ?, ?, 'running', ?)",
            (command, output, os.getpid(), process.create_time(), now()),
        )
        return int(done.lastrowid or 0)


def end(database: Database, job: int, state: str, error: str | None = None) -> None:
    """A job ended: ``done``, ``failed`` or ``cancelled``."""
    with database.writing() as connection:
        connection.execute(
            "UPDATE job SET state = ?, ended = ?, error = ? WHERE number = ?", (state, now(), error, job)
        )


def unfinished(database: Database) -> UnfinishedJob | None:
    """The newest job whose process ended before it."""
    found = _cut_short(database)
    if not found:
        return None
    _, command, output, started, *_ = found[0]
    return UnfinishedJob(command, output, started)


def keep_result(database: Database, job: int, path: str, name: str, report: str | None) -> None:
    """A stack was written."""
    with database.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO result (path, name, created, report, job) VALUES (?, ?, ?, ?, ?)",
            (path, name, now(), report, job),
        )


def results(database: Database) -> tuple[ProjectResult, ...]:
    """Stacks that were written, the last first."""
    rows = database.rows("SELECT path, name, created, report FROM result ORDER BY job DESC, rowid")
    return tuple(ProjectResult(*row) for row in rows)


def _cut_short(database: Database) -> list[tuple[int, str, str | None, str]]:
    rows = database.rows(
        "SELECT number, command, output, started, process, born FROM job WHERE state = 'running' "
        "ORDER BY number DESC"
    )
    return [
        (number, command, output, started)
        for number, command, output, started, process, born in rows
        if not _runs(process, born)
    ]


def _runs(process: int, born: float) -> bool:
    """Whether a process is the one that began the job, and not another that was given its number since."""
    try:
        return abs(psutil.Process(process).create_time() - born) < CLOCK
    except psutil.Error:
        return False
