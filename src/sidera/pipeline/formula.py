"""Formulas of channels, such as ``0.7*ha + 0.3*sii``: read by hand, so that nothing but arithmetic can be in them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from sidera.errors import UsageError
from sidera.types import F32

TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(.))")
LONGEST, DEEPEST = 1000, 50
"""Letters and nested parentheses of a formula at most."""
ALIASES = {"h": "ha", "o": "oiii", "s": "sii", "red": "r", "green": "g", "blue": "b", "lum": "l"}
FUNCTIONS: dict[str, Callable[[F32, F32], F32]] = {"min": np.minimum, "max": np.maximum}
ALLOWED = "a formula has channels, numbers, + - * / ^, min(), max() and parentheses"

Value = Callable[[Mapping[str, F32]], F32]


@dataclass(frozen=True)
class Formula:
    """What one colour is made of."""

    text: str
    names: frozenset[str]
    """Channels that it needs."""
    _value: Value

    def of(self, channels: Mapping[str, F32]) -> F32:
        """Its value where every channel is known; NaN where it is not a number (a division by 0, a root of less)."""
        with np.errstate(all="ignore"):
            value = np.asarray(self._value(channels), np.float32)
        return np.where(np.isfinite(value), value, np.float32(np.nan))


def formula(text: str, names: frozenset[str]) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        ``+ - * / ^``, parentheses, ``min``, ``max``, numbers, and the names of channels, in any case; ``^`` binds
        tighter than a sign, and to the right.
    names : set of str
        Channels there are.

    Raises
    ------
    UsageError
        For anything else, with the place where it went wrong.
    """
    if len(text) > LONGEST:
        raise UsageError(f"a formula of {len(text)} letters", f"{LONGEST} are the most")
    reader = _Reader(text, names)
    value = reader.sum(0)
    if reader.token is not None:
        raise reader.wrong(f"{reader.token[1]!r} is one too many")
    return Formula(text.strip(), frozenset(reader.used), value)


class _Reader:
    """A descent by one rule a level: sum, product, sign, power, atom."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text, self.names = text, names
        self.used: set[str] = set()
        self.tokens = [
            (match.start(match.lastindex or 0), match[match.lastindex or 0], match.lastindex)
            for match in TOKEN.finditer(text)
            if match.lastindex and match[match.lastindex].strip()
        ]
        self.place = 0

    @property
    def token(self) -> tuple[int, str, int | None] | None:
        """The next one; None at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def wrong(self, what: str) -> UsageError:
        """An error at the next token."""
        where = self.token[0] + 1 if self.token else len(self.text) + 1
        return UsageError(f"formula {self.text!r}, letter {where}: {what}", ALLOWED)

    def taken(self, *signs: str) -> str:
        """The next token, if it is one of these signs, and past it; else nothing."""
        if self.token is None or self.token[1] not in signs:
            return ""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def expect(self, sign: str) -> None:
        if not self.taken(sign):
            raise self.wrong(f"{sign!r} is missing")

    def sum(self, depth: int) -> Value:
        if depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} parentheses in one another")
        value = self.product(depth)
        while sign := self.taken("+", "-"):
            value = _both(np.add if sign == "+" else np.subtract, value, self.product(depth))
        return value

    def product(self, depth: int) -> Value:
        value = self.signed(depth)
        while sign := self.taken("*", "/"):
            value = _both(np.multiply if sign == "*" else np.divide, value, self.signed(depth))
        return value

    def signed(self, depth: int) -> Value:
        if depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} signs in a row")
        if self.taken("-"):
            inner = self.signed(depth + 1)
            return lambda channels: np.negative(inner(channels))
        if self.taken("+"):
            return self.signed(depth + 1)
        return self.power(depth)

    def power(self, depth: int) -> Value:
        base = self.atom(depth)
        return _both(np.power, base, self.signed(depth + 1)) if self.taken("^") else base

    def atom(self, depth: int) -> Value:
        if self.token is None:
            raise self.wrong("something is missing at the end")
        _, word, kind = self.token
        if self.taken("("):
            value = self.sum(depth + 1)
            self.expect(")")
            return value
        if kind == 1:
            self.place += 1
            number: F32 = np.array(word, np.float32)
            return lambda channels: number
        if kind == 2:
            return self.named(word.lower(), depth)
        raise self.wrong(f"{word!r} cannot stand here")

    def named(self, word: str, depth: int) -> Value:
        """A channel, or a function of some values."""
        if word in FUNCTIONS:
            self.place += 1
            self.expect("(")
            values = [self.sum(depth + 1)]
            while self.taken(","):
                values.append(self.sum(depth + 1))
            self.expect(")")
            chosen = FUNCTIONS[word]
            return lambda channels: reduce(chosen, (value(channels) for value in values))
        name = ALIASES.get(word, word)
        if name not in self.names:
            have = ", ".join(sorted(self.names)) or "none"
            raise self.wrong(f"there is no channel {word!r}; there are: {have}")
        self.place += 1
        self.used.add(name)
        return lambda channels: channels[name]


def _both(operation: Callable[[F32, F32], F32], left: Value, right: Value) -> Value:
    return lambda channels: operation(left(channels), right(channels))
