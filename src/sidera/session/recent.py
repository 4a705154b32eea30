"""Projects opened lately, so that they can be offered again."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sidera.pipeline.places import keep_private, state_folder

MOST = 20


class RecentProject(msgspec.Struct, frozen=True):
    """A project that was opened before."""

    folder: str
    name: str
    opened: str
    """ISO 8601 UTC."""


def recent_projects() -> tuple[RecentProject, ...]:
    """The last opened first; those whose folder is gone are left out."""
    return tuple(one for one in _kept() if Path(one.folder).is_dir())


def remember(folder: Path, name: str) -> None:
    """A project was opened. Nobody depends on it: where it cannot be written down it is not."""
    others = [one for one in _kept() if one.folder != str(folder)]
    kept = [RecentProject(str(folder), name, now()), *others][:MOST]
    with suppress(OSError, UnicodeError):
        keep_private(_file(), msgspec.json.encode(kept))


def now() -> str:
    """The moment, ISO 8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _file() -> Path:
    return state_folder() / "projects.json"


def _kept() -> tuple[RecentProject, ...]:
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(_file().read_bytes(), type=tuple[RecentProject, ...])
    return ()
