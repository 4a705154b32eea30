"""Measurements in the project's own file, so that a night is measured once."""

import logging

from sidera.errors import SideraError
from sidera.session.database import Database
from sidera.session.recent import now

LIMIT = 4 << 30
"""Bytes of measurements that a project keeps; those not used for longest go first."""
log = logging.getLogger("sidera")


class SessionStore:
    """`sidera.pipeline.store.Store` in a project's file."""

    def __init__(self, database: Database, limit: int = LIMIT) -> None:
        self._database, self._limit = database, limit
        self._used: set[str] = set()

    def get(self, key: str) -> bytes | None:
        """What was kept under a key."""
        found: bytes | None = self._database.value("SELECT data FROM measurement WHERE key = ?", key)
        if found is not None:
            self._used.add(key)  # written down by `tidy`: a write a frame would cost more than the reading
        return found

    def put(self, key: str, data: bytes) -> None:
        """Keep something; a full disk is no error here, the frame is measured again one day."""
        try:
            with self._database.writing() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO measurement (key, size, used, data) VALUES (?, ?, ?, ?)",
                    (key, len(data), now(), data),
                )
        except SideraError as error:
            log.warning("a measurement is not kept: %s", error)

    def tidy(self) -> None:
        """Note what was used, and remove what was not for longest, down to nine tenths of the limit."""
        used, self._used = self._used, set()
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE measurement SET used = ? WHERE key = ?", [(now(), key) for key in used]
            )
            kept = connection.execute("SELECT key, size FROM measurement ORDER BY used, key").fetchall()
            total = sum(size for _, size in kept)
            for key, size in kept if total > self._limit else ():
                if total <= 0.9 * self._limit:
                    break
                connection.execute("DELETE FROM measurement WHERE key = ?", (key,))
                total -= size
