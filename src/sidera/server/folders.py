"""Which files the page may name: those in the allowed folders, judged where they really lie."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from sidera.errors import UsageError

PICTURES = (".fits", ".fit", ".fts", ".xisf", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
REPORTS = (".json", ".html")
MOST_MATCHES = 100_000


class ForbiddenError(UsageError):
    """A path outside of the allowed folders."""


class Folders:
    """The allow-list. ``roots`` are folders; links in them are followed once, here."""

    def __init__(self, roots: Sequence[Path]) -> None:
        real = [Path(os.path.realpath(root.expanduser())) for root in roots]
        self.roots = tuple(dict.fromkeys(root for root in real if root.is_dir()))

    def inside(self, text: str) -> Path:
        """Where a path really lies.

        Raises
        ------
        ForbiddenError
            When that is in none of the folders, or in a hidden one; or when the path is not a whole one: what it
            means would hang on where the server was started, of which a page knows nothing.
        """
        if not text or "\0" in text:
            raise ForbiddenError("a path is text without NUL, and not empty", "name a file or a folder")
        try:
            whole = Path(text).expanduser()
            real = Path(os.path.realpath(whole))
        except (OSError, RuntimeError, ValueError) as error:
            raise ForbiddenError(f"{text} is no path that can be followed", "name another") from error
        if not whole.is_absolute():
            raise ForbiddenError(f"{text} is not a whole path", "begin with the root, or with ~")
        if not self._holds(real):
            raise ForbiddenError(
                f"{text} lies outside of the folders that Sidera may use",
                f"they are: {', '.join(map(str, self.roots))}; add one with `sidera ui FOLDER`",
            )
        return real

    def readable(self, text: str) -> None:
        """Check a file, a folder or a glob, every match of it."""
        if not glob.has_magic(text) or "\0" in text or Path(text).expanduser().exists():
            self.inside(text)
            return
        plain = Path(text).expanduser()
        fixed = next(parent for parent in plain.parents if not glob.has_magic(str(parent)))
        self.inside(str(fixed))
        for number, match in enumerate(glob.iglob(str(plain), recursive=True)):
            self.inside(match)
            if number > MOST_MATCHES:
                raise ForbiddenError(f"{text} matches more than {MOST_MATCHES:,} files", "name their folder")

    def writable(self, text: str, suffixes: Sequence[str]) -> None:
        """Check the name of a file that is to be written."""
        real = self.inside(text)
        if real.suffix.lower() not in suffixes:
            raise ForbiddenError(
                f"{text} ends in none of {', '.join(suffixes)}", "give it one of these endings"
            )

    def _holds(self, real: Path) -> bool:
        """Compared by whole names, so that /home/ann is not in /home/an; hidden folders hold keys, not frames."""
        below = [real.relative_to(root).parts for root in self.roots if real.is_relative_to(root)]
        return any(not any(part.startswith(".") for part in parts) for parts in below)


def usual_folders(given: Sequence[Path]) -> list[Path]:
    """Folders named by hand, the home folder, where `sidera ui` was started, and disks that are plugged in."""
    here = Path.cwd()
    places = [*given, Path.home()]
    places += [here] if here != Path(here.anchor) else []
    places += [Path(place) for place in ("/media", "/run/media", "/mnt", "/Volumes")]
    if os.name == "nt":
        places += [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
    return [place for place in places if place.is_dir()]
