"""JSON Schema and TypeScript of the protocol, made from its structs: both ends speak from one page.

Run ``python -m sidera.engine.typescript`` in a checkout after a change of the protocol: it writes
``docs/protocol.schema.json`` and ``web/src/engine/protocol.ts``; a test fails while they are stale.
"""

import ast
import inspect
import json
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from sidera.engine import projects, protocol, values
from sidera.engine.protocol import MESSAGES, OLD, REPLIES, VERSION
from sidera.pipeline.recipe import Recipe

Schema = dict[str, Any]
REFERENCE = "#/$defs/"
HEAD = """\
// Made from src/sidera/engine/protocol.py by `python -m sidera.engine.typescript`. Do not edit.

/** A setting that is left out keeps its default. */
export type Given<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Given<T[K]> } : T;
"""


def schema() -> Schema:
    """JSON Schema (draft 2020-12) of every line in either direction."""
    _, parts = msgspec.json.schema_components(
        [*REPLIES, *REPLIES.values(), *MESSAGES], ref_template=REFERENCE + "{name}"
    )
    tags = {_tag(request): request for request in REPLIES}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sidera's engine: one JSON object a line",
        "version": VERSION,
        "requests": {tag: REFERENCE + request.__name__ for tag, request in tags.items()},
        "replies": {tag: REFERENCE + REPLIES[request].__name__ for tag, request in tags.items()},
        "messages": [REFERENCE + message.__name__ for message in MESSAGES],
        "old": [_tag(request) for request in OLD],
        "$defs": dict(sorted(parts.items())),
    }
    plain: Schema = json.loads(msgspec.json.encode(document))
    return plain


def typescript() -> str:
    """The same as TypeScript: an interface a struct, and maps from commands to requests and replies."""
    document = schema()
    parts = document["$defs"]
    requests = {_name(place) for place in document["requests"].values()}
    asked = requests | _within(requests, parts)
    told = {_name(place) for place in (*document["replies"].values(), *document["messages"])}
    told |= _within(told, parts) | {Recipe.__name__} | _within({Recipe.__name__}, parts)
    notes = field_notes()
    lines = [HEAD, f"export const PROTOCOL = {VERSION};", ""]
    for name, part in parts.items():
        _explain(part, name, notes)
        lines += _interface(name, part, optional=name in asked and name not in told, shared=asked & told)
    lines += _map("Requests", document["requests"])
    lines += _map("Replies", document["replies"])
    lines += [
        "export type Command = keyof Requests;",
        "export type AnyRequest = Requests[Command];",
        f"export type Message = {' | '.join(map(_name, document['messages']))};",
        "",
    ]
    return "\n".join(lines)


def field_notes() -> dict[tuple[str, str], str]:
    """What is written below the fields of the structs, by struct and field: no library keeps it."""
    notes: dict[tuple[str, str], str] = {}
    for module in (values, protocol, projects):
        for kind in ast.parse(inspect.getsource(module)).body:
            if isinstance(kind, ast.ClassDef):
                notes |= {(kind.name, field): text for field, text in _notes_of(kind)}
    return notes


def _notes_of(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(kind.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, str(below.value.value)


def _explain(part: Schema, name: str, notes: dict[tuple[str, str], str]) -> None:
    """Put the notes to the fields of one struct's schema."""
    for field, kind in part.get("properties", {}).items():
        if (name, field) in notes:
            kind.setdefault("description", notes[name, field])


def _tag(request: type[msgspec.Struct]) -> str:
    return str(request.__struct_config__.tag)


def _name(place: str) -> str:
    return place.removeprefix(REFERENCE)


def _within(names: Iterable[str], parts: Schema) -> set[str]:
    """Structs that these are made of."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        inner = set(map(_name, _references(parts[waiting.pop()]))) - found
        found |= inner
        waiting += inner
    return found


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for key, inner in part.items():
            yield from () if key == "default" else _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _interface(name: str, part: Schema, optional: bool, shared: set[str]) -> list[str]:
    """One struct. Replies carry every field; in requests those with a default may be left out."""
    if "properties" not in part:
        return [*_comment(part), f"export type {name} = {_type(part)};", ""]
    if not part["properties"]:
        return [*_comment(part), f"export type {name} = Record<string, never>;", ""]
    required = set(part.get("required", ()))
    lines = [*_comment(part), f"export interface {name} {{"]
    for field, kind in part["properties"].items():
        absent = field not in required and (optional or "default" not in kind)
        text = _type(kind, shared if optional else set())
        lines += [f"  {comment}" for comment in _comment(kind)]
        lines.append(f"  {field}{'?' if absent else ''}: {text};")
    return [*lines, "}", ""]


def _comment(part: Schema) -> list[str]:
    text = " ".join(part.get("description", "").split())
    return [f"/** {text} */"] if text else []


def _type(part: Schema, given: Collection[str] = ()) -> str:
    """A type; the structs in ``given`` may come with less than all of their fields."""
    if "$ref" in part:
        name = _name(part["$ref"])
        return f"Given<{name}>" if name in given else name
    if "enum" in part:
        return " | ".join(json.dumps(choice) for choice in part["enum"])
    if "anyOf" in part:
        return " | ".join(dict.fromkeys(_type(choice, given) for choice in part["anyOf"]))
    return _plain(part)


def _plain(part: Schema) -> str:
    kind = part.get("type")
    if kind == "array" and "prefixItems" in part:
        return f"[{', '.join(map(_type, part['prefixItems']))}]"
    if kind == "array":
        inner = _type(part.get("items") or {})
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if kind == "object":
        values = part.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    names = {
        "string": "string",
        "integer": "number",
        "number": "number",
        "boolean": "boolean",
        "null": "null",
    }
    return names.get(str(kind), "unknown")


def _map(name: str, places: dict[str, str]) -> list[str]:
    rows = [f"  {json.dumps(tag)}: {_name(place)};" for tag, place in places.items()]
    return [f"export interface {name} {{", *rows, "}", ""]


def main(root: Path) -> None:
    """Write both files into a checkout."""
    document = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    (root / "docs" / "protocol.schema.json").write_text(document, encoding="utf-8")
    target = root / "web" / "src" / "engine" / "protocol.ts"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(typescript(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[3])
