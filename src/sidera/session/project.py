"""A project: a folder that remembers a night. Every change is on the disk when the call returns."""

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from sidera.errors import RecipeError, UnreadableError, UnwritableError, UsageError
from sidera.model.header import Kind
from sidera.pipeline.recipe import Recipe, recipe_from_dict
from sidera.pipeline.scan import Refused
from sidera.session import frames, jobs
from sidera.session.database import Database
from sidera.session.recent import now, remember
from sidera.session.store import SessionStore
from sidera.session.values import ProjectFrame, Root, State, Verdict

FILE = "sidera.db"
RESULTS = "results"


def create(folder: Path | str, name: str | None = None) -> "Project":
    """Make a project in a folder, which is made too where it is missing; without a name it takes the folder's.

    Raises
    ------
    UsageError
        When the folder holds a project already.
    UnwritableError
        When nothing can be written there.
    """
    folder = _absolute(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(f"{folder} cannot be made ({error.strerror})", "name another folder") from error
    if _name_in(folder) is not None:
        raise UsageError(f"{folder} holds a project already", "open it, or name another folder")
    database = Database(folder / FILE)
    with database.writing() as connection:
        rows = [("created", now()), ("name", (name or "").strip() or folder.name or "project")]
        connection.executemany(
            "INSERT INTO document (name, value) VALUES (?, ?)", [(row, _json(value)) for row, value in rows]
        )
    return Project(folder, database)


def open_project(folder: Path | str) -> "Project":
    """Open a project; a file of an older version is copied first and then brought up to date.

    Raises
    ------
    UnreadableError
        When there is none, when it was written by a newer Sidera, or when it is damaged.
    """
    folder = _absolute(folder)
    if not (folder / FILE).is_file():
        raise UnreadableError(f"{folder} holds no project", "make one with `sidera project new`")
    return Project(folder, Database(folder / FILE))


class Project:
    """An open project; made by `create` and `open_project`. Any thread may use it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.store = SessionStore(database)
        """Measurements, for the pipeline."""
        remember(folder, self.name)

    def __enter__(self) -> Self:
        """The project itself; it is closed at the end of the ``with``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of its file."""
        self.database.close()

    @property
    def name(self) -> str:
        """For people."""
        return str(self._document("name") or self.folder.name)

    @property
    def results(self) -> Path:
        """Folder for stacks and reports."""
        return self.folder / RESULTS

    def state(self) -> State:
        """How it stands."""
        rows = frames.project_frames(self.database)
        return State(
            folder=self.folder,
            name=self.name,
            roots=self.roots(),
            counts=frames.counts(self.database),
            refused=len(self.refused()),
            measured=sum(one.figures is not None for one in rows if one.header.kind is Kind.LIGHT),
            approved=sum(one.verdict == "approved" for one in rows),
            rejected=sum(one.verdict == "rejected" for one in rows),
            can_undo=self.database.value("SELECT 1 FROM verdict LIMIT 1") is not None,
            recipe=self.recipe,
            results=jobs.results(self.database),
            unfinished=jobs.unfinished(self.database),
        )

    def roots(self) -> tuple[Root, ...]:
        """What is looked into for frames, in the order it was added."""
        rows = self.database.rows("SELECT path, kind FROM root ORDER BY number")
        return tuple(Root(path, None if kind is None else Kind(kind)) for path, kind in rows)

    def keep_roots(self, roots: Sequence[Root]) -> None:
        """Add roots; one that is there already takes the new kind. Frames taken out below them come back."""
        with self.database.writing() as connection:
            for root in roots:
                connection.execute(
                    "INSERT INTO root (path, kind) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET kind = excluded.kind",
                    (root.path, None if root.kind is None else root.kind.value),
                )
                back = [path for path in self._removed(connection) if _is_below(path, root.path)]
                connection.executemany("DELETE FROM removed WHERE path = ?", [(path,) for path in back])

    def remove(self, paths: Sequence[str | Path]) -> None:
        """Take roots, or single frames below them, out of the project; files stay as they are.

        Raises
        ------
        UsageError
            For a path that is neither.
        """
        roots = {root.path for root in self.roots()}
        known = {
            path for (path,) in self.database.rows("SELECT path FROM frame UNION SELECT path FROM refusal")
        }
        given = [str(path) if str(path) in roots else str(_absolute(path)) for path in paths]
        for path in given:
            if path not in roots and path not in known:
                raise UsageError(
                    f"{path} is no root and no frame of this project", "`sidera project list` shows both"
                )
        with self.database.writing() as connection:
            for path in given:
                if path in roots:
                    connection.execute("DELETE FROM root WHERE path = ?", (path,))
                else:
                    connection.execute("INSERT OR IGNORE INTO removed (path) VALUES (?)", (path,))
                    connection.execute("DELETE FROM frame WHERE path = ?", (path,))
            left = [root for root in roots if root not in given]
            for (path,) in connection.execute("SELECT DISTINCT path FROM frame").fetchall():
                if not any(_is_below(path, root) for root in left):
                    connection.execute("DELETE FROM frame WHERE path = ?", (path,))

    def removed(self) -> frozenset[str]:
        """Paths of frames that were taken out one by one."""
        return frozenset(path for (path,) in self.database.rows("SELECT path FROM removed"))

    def frames(self) -> tuple[ProjectFrame, ...]:
        """Every frame with its header, figures and verdict, in the order of paths."""
        return frames.project_frames(self.database)

    def refused(self) -> tuple[Refused, ...]:
        """Files of the last look into the roots that have no part in a run."""
        return frames.all_refused(self.database)

    def judge(self, names: Sequence[str], verdict: Verdict, reason: str = "") -> None:
        """Approve or reject frames, named by key or path, with a reason; one step to undo.

        Raises
        ------
        UsageError
            For a name that is no frame's of the project.
        """
        frames.judge(self.database, names, verdict, reason)

    def undo(self) -> bool:
        """Take back the last verdict; False when there is none."""
        return frames.undo(self.database)

    @property
    def recipe(self) -> Recipe:
        """The recipe kept; settings that this version does not know or take any more have their defaults."""
        return _understood(self._document("recipe") or {})

    def keep_recipe(self, recipe: Recipe) -> None:
        """Keep a recipe."""
        self._keep("recipe", recipe.as_dict())

    def view(self) -> Any:  # noqa: ANN401 (whatever the page keeps)
        """What the page showed; None when nothing was kept."""
        return self._document("view")

    def keep_view(self, state: Any) -> None:  # noqa: ANN401 (whatever the page keeps)
        """Keep what the page showed: any JSON."""
        self._keep("view", state)

    def _document(self, name: str) -> Any:  # noqa: ANN401 (JSON)
        text = self.database.value("SELECT value FROM document WHERE name = ?", name)
        return None if text is None else msgspec.json.decode(text)

    def _keep(self, name: str, value: Any) -> None:  # noqa: ANN401 (JSON)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO document (name, value) VALUES (?, ?)", (name, _json(value))
            )

    @staticmethod
    def _removed(connection: Any) -> list[str]:  # noqa: ANN401 (sqlite3 stays in database.py)
        return [path for (path,) in connection.execute("SELECT path FROM removed")]


def _understood(tree: dict[str, Any]) -> Recipe:
    """A recipe of any version: each setting that is still valid counts."""
    recipe = Recipe()
    for stage, settings in tree.items():
        for name, value in settings.items() if isinstance(settings, dict) else ():
            wanted = recipe.as_dict()
            if name in wanted.get(stage, {}):
                wanted[stage][name] = value
                try:
                    recipe = recipe_from_dict(wanted)
                except RecipeError:
                    continue
    return recipe


def _name_in(folder: Path) -> str | None:
    """Name of the project in a folder; None for one that was never finished being made, and where there is none."""
    if not (folder / FILE).is_file():
        return None
    database = Database(folder / FILE)
    try:
        name: str | None = database.value("SELECT value FROM document WHERE name = 'name'")
        return name
    finally:
        database.close()


def _absolute(path: Path | str) -> Path:
    return Path(os.path.abspath(Path(path).expanduser()))


def _is_below(path: str, root: str) -> bool:
    """Whether a root gives this path: it is the root, lies below it, or matches its glob."""
    return (
        path == root or Path(root) in Path(path).parents or fnmatch(path, root) or fnmatch(path, f"{root}/*")
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode("utf-8")
