"""What a folder shows to somebody who is looking for frames."""

import os
from pathlib import Path

import msgspec

from sidera.io.sniff import is_candidate

MOST = 20_000
"""Entries shown of one folder."""


class Entry(msgspec.Struct, frozen=True):
    """A folder."""

    name: str
    path: str


class FileEntry(msgspec.Struct, frozen=True):
    """A file whose name says that it may be a frame; ``size`` in bytes."""

    name: str
    path: str
    size: int


class Listing(msgspec.Struct, frozen=True):
    """Folders and frames, in the order of names as people sort them; hidden ones are left out."""

    folders: tuple[Entry, ...]
    files: tuple[FileEntry, ...]


def browse(folder: Path) -> Listing:
    """List a folder.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not _is_text(entry.name):
                continue
            try:
                if entry.is_dir():
                    folders.append(Entry(entry.name, entry.path))
                elif is_candidate(Path(entry.name)) and entry.is_file():
                    files.append(FileEntry(entry.name, entry.path, entry.stat().st_size))
            except OSError:  # gone meanwhile, or a link to nowhere
                continue
            if len(folders) + len(files) >= MOST:
                break
    return Listing(tuple(sorted(folders, key=_order)), tuple(sorted(files, key=_order)))


def _order(entry: Entry | FileEntry) -> tuple[object, ...]:
    """light_2 comes before light_10, and case does not count."""
    parts: list[tuple[int, int, str]] = []
    digits = text = ""
    for letter in f"{entry.name.casefold()}\0":
        if letter.isdecimal():
            if text:
                parts.append((1, 0, text))
            text, digits = "", digits + letter
        else:
            if digits:
                parts.append((0, int(digits), ""))
            digits, text = "", text + letter
    return (*parts, (1, 0, text))


def _is_text(name: str) -> bool:
    """No Unicode: neither JSON nor a page can name it."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
