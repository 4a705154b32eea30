"""One SQLite file, so that what was acknowledged survives a power cut: WAL, synchronous=FULL, one writer at a time."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sidera.errors import DiskFullError, SideraError, UnreadableError, UnwritableError
from sidera.session.schema import APPLICATION, STEPS, Step

PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""
OLDEST = (3, 37, 0)
"""First SQLite with STRICT tables."""


class Database:
    """A connection that any thread may use; transactions come one after the other."""

    def __init__(self, path: Path, steps: Sequence[Step] = STEPS) -> None:
        self.path = path
        self._lock = threading.RLock()
        with _explained(path):
            self._connection = _connected(path)
            try:
                _bring_up_to_date(self._connection, path, steps)
                _make_durable(self._connection)
            except BaseException:
                self._connection.close()
                raise

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self._lock, _explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: object) -> Any:  # noqa: ANN401 (whatever the column holds)
        """First column of the first row; None where there is no row."""
        found = self.rows(statement, *values)
        return found[0][0] if found else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: when the ``with`` ends well everything in it is on the disk, else nothing."""
        with self._lock, _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file; again does no harm."""
        with self._lock:
            self._connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST:
        raise UnreadableError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, and projects need 3.37", "use a newer Python"
        )
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def _make_durable(connection: sqlite3.Connection) -> None:
    """Where a file system knows no WAL (some network shares) SQLite keeps its old journal: slower, as safe."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    """Tables of this version; an older file is copied first, a newer or foreign one is left as it is."""
    version = _version(connection, path, len(steps))
    if version == len(steps):
        return
    if version:
        _back_up(connection, path, version)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[
            _version(connection, path, len(steps)) :
        ]:  # another process may have been here first
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Version of a project's file; 0 for one that holds nothing yet."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION and (tables or version):
        raise UnreadableError(f"{path} is a database, but no project of Sidera's", "name another folder")
    if version > known:
        raise UnreadableError(
            f"{path} was written by a newer Sidera (version {version} of the file; this one knows {known})",
            "update Sidera to open it; nothing was changed",
        )
    return version


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy beside it, whole or absent."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.stem}_version{version}_{moment}{path.suffix}")
    part = target.with_suffix(".part")
    with closing(sqlite3.connect(part)) as copy:
        connection.backup(copy)
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, target)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.Error, path: Path) -> SideraError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"the disk is full: {path} cannot grow", "make room there; what was kept stays")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnwritableError(
            f"{path} is being written by another program for more than {PATIENCE:.0f} s",
            "wait for it, or close it",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
        return UnwritableError(
            f"{path} cannot be written ({error})", "check the disk, and that you may write there"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return UnreadableError(f"{path} cannot be opened ({error})", "check that the folder is there")
    return UnreadableError(
        f"{path} cannot be used ({error})", "put back a backup that lies beside it, or make a new project"
    )
