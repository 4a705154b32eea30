"""From a line to a request: every way in which it can be wrong is told, with the id and the place where it can be."""

import difflib
import json
import re
from functools import cache
from typing import Any, NamedTuple

import msgspec

from sidera.engine.failures import RequestError
from sidera.engine.protocol import REPLIES
from sidera.engine.wire import LONGEST, Line, id_within, is_id

COMMANDS: dict[str, type[msgspec.Struct]] = {str(kind.__struct_config__.tag): kind for kind in REPLIES}
_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `([^`]*)`")


class Asked(NamedTuple):
    """A line understood as far as possible: the id as it was sent, and the request or what is wrong with it."""

    id: msgspec.Raw
    request: msgspec.Struct | RequestError


def understood(line: Line) -> Asked:
    """Read a line."""
    shown = line.text.decode("utf-8", "replace")
    try:
        if not line.whole:
            what = f"a line of more than {LONGEST:,} bytes"
            raise RequestError("too_large", what, "name folders or globs rather than thousands of files")
        fields = _fields(line.text)
        name = _raw_id(fields)
    except RequestError as error:
        return Asked(msgspec.Raw(id_within(shown) or b"null"), error)
    try:
        request = _request(line.text, fields)
        if b"\\u0000" in line.text:
            _check_text(msgspec.to_builtins(request), "$")
        return Asked(name, request)
    except RequestError as error:
        return Asked(name, error)


def _fields(text: bytes) -> dict[str, msgspec.Raw]:
    """The fields of the outermost object, unread."""
    try:
        text.decode("utf-8")
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except UnicodeDecodeError as error:
        what = f"byte {error.start} of the line is not UTF-8"
    except msgspec.ValidationError:
        what = "a request is a JSON object"
    except msgspec.DecodeError as error:
        if (tree := _escaped(text)) is not None:
            return {key: msgspec.Raw(json.dumps(value).encode()) for key, value in tree.items()}
        what = f"the line is not JSON: {error}"
    except RecursionError:
        what = "the line is nested too deeply"
    raise RequestError("bad_request", what, 'for example {"id": 1, "cmd": "hello"}')


def _escaped(text: bytes) -> dict[str, Any] | None:
    r"""An object in which a file's name is no Unicode, escaped as Python and JSON do ("\udcfc"); msgspec takes none."""
    try:
        tree = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _refused(constant: str) -> Any:  # noqa: ANN401 (what json wants of its hooks)
    raise ValueError(constant)


def _raw_id(fields: dict[str, msgspec.Raw]) -> msgspec.Raw:
    raw = fields.get("id")
    if raw is None or not is_id(bytes(raw).decode("utf-8")):
        what = "a request has an id" if raw is None else "an id is a string or a number"
        raise RequestError("bad_request", what, "choose one; it comes back with the answer", "$.id")
    return msgspec.Raw(bytes(raw))


def _request(text: bytes, fields: dict[str, msgspec.Raw]) -> msgspec.Struct:
    kind = _kind(fields)
    try:
        return _decoder(kind).decode(text)
    except msgspec.ValidationError as error:
        raise _mistyped(str(error), kind) from error
    except msgspec.DecodeError:
        return _converted(text, kind)


@cache
def _decoder(kind: type[msgspec.Struct]) -> "msgspec.json.Decoder[msgspec.Struct]":
    return msgspec.json.Decoder(kind)


def _kind(fields: dict[str, msgspec.Raw]) -> type[msgspec.Struct]:
    try:
        name = msgspec.json.decode(fields.get("cmd", b"null"), type=str)
    except msgspec.DecodeError as error:
        what = "cmd is not text" if "cmd" in fields else "a request has a cmd"
        raise RequestError("bad_request", what, f"there are: {', '.join(COMMANDS)}", "$.cmd") from error
    if name in COMMANDS:
        return COMMANDS[name]
    alike = difflib.get_close_matches(name[:40], COMMANDS, 1)
    cure = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(COMMANDS)}"
    raise RequestError("bad_request", f"there is no command {name[:80]!r}", cure, "$.cmd")


def _converted(text: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.convert(_escaped(text), kind)
    except msgspec.ValidationError as error:
        raise _mistyped(str(error), kind) from error


def _check_text(value: object, place: str) -> None:
    """Refuse the character NUL, which no path and no name may hold; half of the system's functions stumble over it."""
    if isinstance(value, str) and "\0" in value:
        raise RequestError("bad_request", "the text holds the character NUL", "leave it out", place)
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_text(inner, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _check_text(inner, f"{place}[{number}]")


def _mistyped(message: str, kind: type[msgspec.Struct]) -> RequestError:
    """The message of msgspec, with the place as a JSON path of its own."""
    what, _, place = message.partition(" - at `")
    place = place.rstrip("`") or "$"
    named = _FIELD.match(what)
    if named:
        place = f"{place}.{named[1]}"
    known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
    cure = f"{kind.__struct_config__.tag} takes: {known}" if named else ""
    return RequestError("bad_request", what.replace("`", ""), cure, place)
