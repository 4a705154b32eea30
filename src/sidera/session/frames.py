"""Frames, verdicts and what became of frames: rows to values and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sidera.errors import Refusal, UsageError
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind
from sidera.pipeline.report_values import FrameFigures, FrameReport
from sidera.pipeline.scan import Found, Refused, Scan, fingerprint
from sidera.session.database import Database
from sidera.session.recent import now
from sidera.session.values import Fate, ProjectFrame, Verdict

LATEST = "SELECT key, verdict, reason, max(number) FROM verdict GROUP BY key"
"""The verdict in force of every frame; SQLite takes the other columns from the row of the maximum."""


@dataclass(frozen=True)
class Row:
    """A frame as it is kept."""

    id: FrameId
    key: str
    size: int
    modified: int
    """Nanoseconds since 1970."""
    header: Header


def all_rows(database: Database) -> dict[FrameId, Row]:
    """Every frame, in the order of paths."""
    rows = database.rows("SELECT path, place, key, size, modified, header FROM frame ORDER BY path, place")
    decoder = msgspec.json.Decoder(Header)
    return {
        FrameId(path, place): Row(FrameId(path, place), key, size, modified, decoder.decode(header))
        for path, place, key, size, modified, header in rows
    }


def keep_scan(database: Database, seen: Scan) -> Scan:
    """Take over what was found in the roots; returns what a run may use of it.

    Frames whose file is not there just now stay, unless the same content was found elsewhere: then it was moved.
    Files whose name is no Unicode cannot be kept.
    """
    known = all_rows(database)
    seen = _keepable(seen)
    rows = [row for frame in seen.found if (row := _row(frame, known.get(frame.id))) is not None]
    present, keys = {row.id for row in rows}, {row.key for row in rows}
    lost = [one for one in known.values() if one.id not in present and (_is_there(one) or one.key in keys)]
    with database.writing() as connection:
        connection.executemany(
            "DELETE FROM frame WHERE path = ? AND place = ?", [_name(one.id) for one in lost]
        )
        connection.executemany(
            "INSERT OR REPLACE INTO frame (path, place, key, size, modified, kind, header) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (*_name(row.id), row.key, row.size, row.modified, row.header.kind.value, _json(row.header))
                for row in rows
            ],
        )
        connection.execute("DELETE FROM refusal")
        connection.executemany(
            "INSERT INTO refusal (path, place, refused) VALUES (?, ?, ?)",
            [(*_name(one.id), _json(one)) for one in {one.id: one for one in seen.refused}.values()],
        )
    return seen


def all_refused(database: Database) -> tuple[Refused, ...]:
    """Files of the last look that have no part in a run, with the reason."""
    rows = database.rows("SELECT refused FROM refusal ORDER BY path, place")
    return tuple(msgspec.json.decode(text, type=Refused) for (text,) in rows)


def project_frames(database: Database) -> tuple[ProjectFrame, ...]:
    """Every frame with its figures, the verdict in force and what the last run made of it."""
    figures = {
        key: msgspec.json.decode(text, type=FrameFigures)
        for key, text in database.rows("SELECT key, figures FROM figures")
    }
    verdicts: dict[str, tuple[Verdict, str]] = {
        key: (verdict, reason) for key, verdict, reason, _ in database.rows(LATEST)
    }
    fates = _fates(database)
    return tuple(
        ProjectFrame(
            id=row.id,
            header=row.header,
            key=row.key,
            figures=figures.get(row.key),
            verdict=verdicts.get(row.key, ("undecided", ""))[0],
            reason=verdicts.get(row.key, ("undecided", ""))[1],
            missing=not _is_there(row),
            fate=fates.get(row.id),
        )
        for row in all_rows(database).values()
    )


def rejected(database: Database) -> dict[FrameId, str]:
    """Frames that the user rejected, with the reason."""
    query = f"SELECT path, place, reason FROM frame JOIN ({LATEST}) USING (key) WHERE verdict = 'rejected'"
    return {FrameId(path, place): reason for path, place, reason in database.rows(query)}


def judge(database: Database, frames: Sequence[str], verdict: Verdict, reason: str) -> None:
    """Write down a verdict on frames, named by key or by path; one step to undo.

    Raises
    ------
    UsageError
        For a name that is no frame's of the project.
    """
    keys = _keys_of(database, frames)
    with database.writing() as connection:
        (step,) = connection.execute("SELECT coalesce(max(step), 0) + 1 FROM verdict").fetchone()
        connection.executemany(
            "INSERT INTO verdict (step, key, verdict, reason, given) VALUES (?, ?, ?, ?, ?)",
            [(step, key, verdict, reason, now()) for key in keys],
        )


def undo(database: Database) -> bool:
    """Take back the last verdict; False when there is none."""
    with database.writing() as connection:
        done = connection.execute("DELETE FROM verdict WHERE step = (SELECT max(step) FROM verdict)")
        return done.rowcount > 0


def keep_figures(database: Database, figures: Mapping[FrameId, FrameFigures]) -> None:
    """Write down what was measured on frames of the project."""
    with database.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO figures (key, figures, measured) "
            "SELECT key, ?, ? FROM frame WHERE path = ? AND place = ?",
            [(_json(one), now(), *_name(frame)) for frame, one in figures.items()],
        )


def keep_fates(database: Database, job: int, frames: Iterable[FrameReport]) -> None:
    """Write down what a run made of each frame."""
    rows = [
        (job, one.path, one.index, _json(Fate(one.verdict, one.code, one.reason, one.weight, one.transform)))
        for one in frames
    ]
    with database.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO fate (job, path, place, fate) VALUES (?, ?, ?, ?)", rows
        )


def _fates(database: Database) -> dict[FrameId, Fate]:
    query = "SELECT path, place, fate FROM fate WHERE job = (SELECT max(job) FROM fate)"
    return {
        FrameId(path, place): msgspec.json.decode(text, type=Fate)
        for path, place, text in database.rows(query)
    }


def _keys_of(database: Database, names: Sequence[str]) -> list[str]:
    rows = database.rows("SELECT path, key FROM frame")
    by_path: dict[str, list[str]] = {}
    for path, key in rows:
        by_path.setdefault(path, []).append(key)
    keys = {key for _, key in rows}
    chosen: list[str] = []
    for name in names:
        path = str(Path(name).expanduser().absolute())
        if name not in keys and path not in by_path:
            raise UsageError(
                f"{name!r} is no frame of this project", "`sidera project list` shows its frames"
            )
        chosen += [name] if name in keys else by_path[path]
    return list(dict.fromkeys(chosen))


def _keepable(seen: Scan) -> Scan:
    """Frames, and files that are none; names that no database can hold count among those."""
    found = tuple(frame for frame in seen.found if _is_text(frame.id.path))
    refused = [one for one in seen.refused if _is_text(one.id.path)]
    why, cure = "its name is no Unicode, and a project cannot keep it", "rename the file"
    names = [one.id.path for one in seen.found] + [one.id.path for one in seen.refused]
    for name in sorted({name for name in names if not _is_text(name)}):
        shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
        refused.append(Refused(FrameId(shown), Refusal.UNREADABLE, why, cure))
    return Scan(found, tuple(refused), seen.previews, seen.results)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _row(frame: Found, known: Row | None) -> Row | None:
    """A frame as it is kept; None for a file that has gone since it was found."""
    path = Path(frame.id.path)
    header = msgspec.structs.replace(frame.header, cards=())
    try:
        told = path.stat()
        same = known is not None and (known.size, known.modified) == (told.st_size, told.st_mtime_ns)
        key = known.key if known is not None and same else _key(path, frame.id.index)
    except OSError:
        return None
    return Row(frame.id, key, told.st_size, told.st_mtime_ns, header)


def _key(path: Path, index: int) -> str:
    return fingerprint(path).hex() + (f":{index}" if index else "")


def _is_there(row: Row) -> bool:
    return Path(row.id.path).is_file()


def _name(frame: FrameId) -> tuple[str, int]:
    return frame.path, frame.index


def _json(value: object) -> str:
    """NaN becomes null."""
    return msgspec.json.encode(value).decode("utf-8")


def counts(database: Database) -> dict[Kind, int]:
    """Frames by kind."""
    rows = database.rows("SELECT kind, count(*) FROM frame GROUP BY kind ORDER BY kind")
    return {Kind(kind): number for kind, number in rows}
