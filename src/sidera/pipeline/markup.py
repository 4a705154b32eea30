"""HTML and SVG in which every string is escaped unless it was built here."""

from collections.abc import Iterable
from html import escape

VOID = {"meta", "img", "br", "line", "circle", "path", "rect", "polyline"}
"""Elements without content."""


class Markup(str):
    """Text that is markup already. Only `tag` and `joined` make it, from escaped parts."""

    __slots__ = ()


def tag(
    name: str, /, *content: "str | Iterable[Markup] | None", **attributes: "str | float | bool | None"
) -> Markup:
    """One element.

    Plain strings are escaped, `Markup` is taken as it is, None is nothing. Attributes: ``class_`` and
    ``aria_label`` stand for class and aria-label; True gives a bare attribute; None and False leave it out.
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    inside = joined(*content)
    if name in VOID:
        return Markup(f"<{opening}>" if name in ("meta", "img", "br") else f"<{opening}/>")
    return Markup(f"<{opening}>{inside}</{name}>")


def joined(*content: "str | Iterable[Markup] | None") -> Markup:
    """Parts after one another, escaped where they are plain strings."""
    return Markup("".join(_part(part) for part in content))


def style(sheet: str) -> Markup:
    """A style sheet of our own; never anything that a file or a user said."""
    return Markup(f"<style>{sheet}</style>")


def _part(part: "str | Iterable[Markup] | None") -> str:
    if part is None:
        return ""
    if isinstance(part, Markup):
        return part
    if isinstance(part, str):
        return escape(part, quote=True)
    return "".join(_part(one) for one in part)


def _attribute(key: str, value: "str | float | bool | None") -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name}="{escape(shown, quote=True)}"'
