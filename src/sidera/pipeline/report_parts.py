"""Small parts that the sections of the page are made of."""

import re
from collections.abc import Sequence

from sidera.pipeline.markup import Markup, tag

BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def image(data: str | None, text: str) -> Markup | None:
    """A picture inside the page; nothing where the data are not base64 of a PNG or JPEG."""
    if not data or not BASE64.fullmatch(data):
        return None
    kind = {"iVBOR": "png", "/9j/": "jpeg"}
    found = next((name for start, name in kind.items() if data.startswith(start)), None)
    return tag("img", src=f"data:image/{found};base64,{data}", alt=text) if found else None


def head(name: str, unit: str = "", number: bool = True) -> Markup:
    """Heading of a column; columns of numbers stand to the right."""
    told = tag("span", f" {unit}", class_="unit") if unit else None
    return tag("th", name, told, scope="col", class_="number" if number else None)


def caption(told: str) -> Markup:
    """What a table shows; it stays in sight where the table is wider than the screen."""
    return tag("caption", tag("span", told))


def plain_table(told: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup | None:
    """A table of words; nothing where there are no rows."""
    if not rows:
        return None
    heads = tag("thead", tag("tr", [head(name, number=False) for name in names]))
    body = tag(
        "tbody",
        [
            tag("tr", [tag("td", cell, class_="wrap" if len(cell) > 40 else None) for cell in row])
            for row in rows
        ],
    )
    return scroll(tag("table", caption(told), heads, body), told)


def scroll(table: Markup, label: str) -> Markup:
    """A box that scrolls by keyboard too."""
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)
