"""Which lights make one stack: same target, same filter, colour or mono; nothing else divides them."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from sidera.model.header import Header
from sidera.pipeline.scan import Found

BROADBAND = (None, "L", "IRCUT", "UVIR", "UV/IR", "Clear")
"""Filters that say nothing about a colour camera's image, and so stay out of names."""


class StackGroup(msgspec.Struct, frozen=True):
    """Lights that become one image. ``target`` and ``filter`` are None where nothing tells."""

    target: str | None
    filter: str | None
    colour: bool
    lights: tuple[Found, ...]
    name: str
    """For people and file names, one of its kind within a run: "M 8 L", "M 27", "R", "colour"."""


def is_colour(header: Header) -> bool:
    """A colour filter array, or three planes."""
    return header.bayer is not None or header.planes == 3


def stack_groups(lights: list[Found]) -> list[StackGroup]:
    """Divide lights by target, filter and colour or mono.

    A light that does not name its target belongs to the only target that others name; with several it makes a
    group of its own. Filters are treated alike. Case and spaces tell no targets and no filters apart.
    """
    target_of = _Names(frame.header.target for frame in lights)
    filter_of = {
        colour: _Names(_colour_filter(frame.header) for frame in lights if is_colour(frame.header) == colour)
        for colour in (False, True)
    }
    members: dict[tuple[str | None, str | None, bool], list[Found]] = {}
    for frame in lights:
        colour = is_colour(frame.header)
        key = (
            target_of.shared(frame.header.target),
            filter_of[colour].shared(_colour_filter(frame.header)),
            colour,
        )
        members.setdefault(key, []).append(frame)
    order = sorted(members, key=lambda key: (key[0] or "", _filter_rank(key[1]), key[2]))
    groups: list[StackGroup] = []
    for target, name, colour in order:
        own = _name(target, name, colour, {group.name.casefold() for group in groups})
        groups.append(StackGroup(target, name, colour, tuple(members[target, name, colour]), own))
    return groups


class _Names:
    """Names as people write them, in the first spelling that was met."""

    def __init__(self, names: Iterable[str | None]) -> None:
        self._spelling: dict[str, str] = {}
        for name in names:
            if name and name.strip():
                self._spelling.setdefault(self._plain(name), " ".join(name.split()))

    @staticmethod
    def _plain(name: str) -> str:
        return "".join(name.split()).casefold()

    def shared(self, name: str | None) -> str | None:
        """The one spelling of a name; of none, that of the only name there is."""
        if name and name.strip():
            return self._spelling[self._plain(name)]
        return next(iter(self._spelling.values())) if len(self._spelling) == 1 else None


def _colour_filter(header: Header) -> str | None:
    """A colour camera behind "L" and the same camera behind "IRCUT" or nothing see the same colours."""
    return None if is_colour(header) and header.filter in BROADBAND else header.filter


def _name(target: str | None, filter_name: str | None, colour: bool, taken: set[str]) -> str:
    sort = "colour" if colour else "mono"
    plain = " ".join(part for part in (target, filter_name) if part) or sort
    name = plain if plain.casefold() not in taken else f"{plain} {sort}"
    number = 2
    while name.casefold() in taken:
        name, number = f"{plain} {number}", number + 1
    return name


def file_of(path: Path, name: str, alone: bool) -> Path:
    """Where a stack of that name goes: the path itself if it is the only one, else with its name before the suffix."""
    if alone:
        return path
    plain = "".join(letter if letter.isalnum() or letter in "-+." else "_" for letter in name)
    return path.with_name(f"{path.stem}_{plain}{path.suffix}")


def _filter_rank(name: str | None) -> tuple[int, str]:
    usual = ["L", "R", "G", "B", "Ha", "OIII", "SII"]
    return (usual.index(name), "") if name in usual else (len(usual), name or "")
