"""Who may come in: a one-use token that is exchanged for a cookie."""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from sidera.pipeline.places import keep_private

TOKEN = 32
"""Random bytes of a token and of a cookie: 256 bits."""
TRIES, WINDOW = 10, 60.0
"""So many logins may fail within so many seconds; then none is looked at for a while."""
LASTS = 30 * 86400.0
"""Seconds that a cookie is good for."""
KEPT = 20
"""Cookies remembered."""


class Pass(msgspec.Struct, frozen=True):
    """A cookie that was given out: its digest only, so that the file opens no door."""

    digest: str
    port: int
    until: float
    """Seconds since 1970."""


class TooManyTriesError(Exception):
    """Logins have failed too often of late."""


class Door:
    """Tokens and cookies of one server.

    Parameters
    ----------
    port : int
        Names the cookie: browsers do not tell ports apart.
    book : Path, optional
        Private file in which cookies outlive a restart of the server on the same port.
    """

    def __init__(self, port: int, book: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.port, self.cookie = port, f"sidera-{port}"
        self._book, self._clock = book, clock
        self._tokens: list[bytes] = []
        self._failed: deque[float] = deque(maxlen=TRIES)
        self._passes = self._read()

    def token(self) -> str:
        """A new token, good for one login."""
        token = secrets.token_urlsafe(TOKEN)
        self._tokens.append(_digest(token))
        return token

    def redeem(self, token: str) -> str | None:
        """The value of a new cookie for a token that was not used yet; else None.

        Raises
        ------
        TooManyTriesError
            When too many have failed of late, whatever the token is.
        """
        now = self._clock()
        if len(self._failed) == TRIES and now - self._failed[0] < WINDOW:
            raise TooManyTriesError
        digest = _digest(token)
        # Every token is compared, and in constant time: how long it takes tells nothing.
        found = [one for one in self._tokens if hmac.compare_digest(one, digest)]
        if not found:
            self._failed.append(now)
            return None
        self._tokens.remove(found[0])
        value = secrets.token_urlsafe(TOKEN)
        self._passes = [*self._passes, Pass(_digest(value).hex(), self.port, now + LASTS)][-KEPT:]
        self._write()
        return value

    def admits(self, value: str) -> bool:
        """Whether a cookie is one of ours and not too old."""
        digest, now = _digest(value).hex(), self._clock()
        good = [
            hmac.compare_digest(one.digest, digest) and one.port == self.port and one.until > now
            for one in self._passes
        ]
        return any(good)

    def _read(self) -> list[Pass]:
        with suppress(OSError, msgspec.MsgspecError):
            if self._book is not None:
                return msgspec.json.decode(self._book.read_bytes(), type=list[Pass])
        return []

    def _write(self) -> None:
        with suppress(OSError):  # then the cookie ends with this server
            if self._book is not None:
                keep_private(self._book, msgspec.json.encode(self._passes))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
