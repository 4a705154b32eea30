"""Which lights make one stack: same target, same filter, colour or mono; nothing else divides them."""

import msgspec

from sidera.model.header import Header
from sidera.pipeline.scan import Found


class StackGroup(msgspec.Struct, frozen=True):
    """Lights that become one image. ``target`` and ``filter`` are None where nothing tells."""

    target: str | None
    filter: str | None
    colour: bool
    lights: tuple[Found, ...]

    @property
    def name(self) -> str:
        """For people and file names: "M 8 L", "M 27", "R", "colour"."""
        parts = [self.target, None if self.colour and self.filter in BROADBAND else self.filter]
        return " ".join(part for part in parts if part) or ("colour" if self.colour else "mono")


BROADBAND = (None, "L", "Luminance", "IRCUT", "UV/IR", "None", "Clear")
"""Filters that say nothing about a colour camera's image, and so stay out of names."""


def is_colour(header: Header) -> bool:
    """A colour filter array, or three planes."""
    return header.bayer is not None or header.planes == 3


def stack_groups(lights: list[Found]) -> list[StackGroup]:
    """Divide lights by target, filter and colour or mono.

    A light that does not name its target belongs to the only target that others name; with several it makes a
    group of its own. Filters are treated alike.
    """
    targets = {frame.header.target for frame in lights} - {None}
    members: dict[tuple[str | None, str | None, bool], list[Found]] = {}
    for frame in lights:
        target = frame.header.target or (next(iter(targets)) if len(targets) == 1 else None)
        key = (_plain(target), _filter(frame.header, lights), is_colour(frame.header))
        members.setdefault(key, []).append(frame)
    order = sorted(members, key=lambda key: (key[0] or "", _filter_rank(key[1]), key[2]))
    return [
        StackGroup(target, name, colour, tuple(members[target, name, colour]))
        for target, name, colour in order
    ]


def _filter(header: Header, lights: list[Found]) -> str | None:
    colour = is_colour(header)
    named = {frame.header.filter for frame in lights if is_colour(frame.header) == colour} - {None}
    name = header.filter or (next(iter(named)) if len(named) == 1 else None)
    # A colour camera behind "Luminance" and the same camera behind "IRCUT" or nothing see the same colours.
    return None if colour and name in BROADBAND else name


def _filter_rank(name: str | None) -> tuple[int, str]:
    usual = ["L", "R", "G", "B", "Ha", "OIII", "SII"]
    return (usual.index(name), "") if name in usual else (len(usual), name or "")


def _plain(target: str | None) -> str | None:
    return " ".join(target.split()) if target else None
