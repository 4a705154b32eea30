"""Lines in, lines out: bytes of stdin to whole lines, and messages to stdout, which nobody else may touch."""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

LONGEST = 1 << 20
"""Bytes of a line at most; longer ones are answered ``too_large`` and skipped."""
CHUNK = 1 << 16
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}\[\]:,]')
_ID = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|-?\d[\d.eE+-]*')


class Line(NamedTuple):
    """One line without its end; of one that is too long only the beginning."""

    text: bytes
    whole: bool = True


def lines(descriptor: int) -> Iterator[Line]:
    """Every line of a stream until its end; blank ones are passed over. Little more than one line is held."""
    held, skipping = bytearray(), False
    while chunk := os.read(descriptor, CHUNK):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            held += part
            if not skipping:
                yield from _told(held)
            held.clear()
            skipping = False
        if skipping:
            continue
        held += rest
        if len(held) > LONGEST:
            yield Line(bytes(held[:LONGEST]), whole=False)
            held.clear()
            skipping = True
    if not skipping:
        yield from _told(held)


def _told(held: bytearray) -> Iterator[Line]:
    if len(held) > LONGEST:
        yield Line(bytes(held[:LONGEST]), whole=False)
    elif text := held.strip():
        yield Line(bytes(text))


def id_within(text: str) -> bytes | None:
    """The id in a line that is no valid JSON: the value beside the key ``id`` of the outermost object."""
    depth, before = 0, ("", "")
    for match in _TOKEN.finditer(text):
        token = match[0]
        if depth == 1 and before == ('"id"', ":"):
            return token.encode() if is_id(token) else None
        depth += (token in "{[") - (token in "}]")
        before = (before[1], token)
    return None


def is_id(token: str) -> bool:
    """Whether a piece of JSON is a string or a number."""
    try:
        return _ID.fullmatch(token) is not None and json.loads(token) is not None
    except ValueError:
        return False


def encode(message: msgspec.Struct) -> bytes:
    """A message as JSON. NaN and infinity become null.

    Names of files that are no Unicode (an old disk's Latin-1) are escaped, as JSON allows and msgspec does not.
    """
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(message, builtin_types=(msgspec.Raw,))
        return json.dumps(_known(plain)).encode("ascii")


def _known(value: object) -> object:
    """Plain values with null for what is no number, and raw pieces of JSON as what they say."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_known(inner) for inner in value]
    return json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else value


class Output:
    """The way out, for any thread: each message is one whole line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self.broken = threading.Event()
        """Nobody reads any more."""

    def send(self, message: msgspec.Struct) -> None:
        """Write a message; where nobody reads it is lost."""
        data = memoryview(encode(message) + b"\n")
        with self._lock:
            try:
                while data and not self.broken.is_set():
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                self.broken.set()


def take_stdout() -> Output:
    """Keep the process's stdout for the protocol; whatever else is printed goes to stderr, from C libraries too."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Output(kept)
