"""Where Sidera remembers what a user did: small files that nobody else may read."""

import os
import secrets
from pathlib import Path

import platformdirs

from sidera.io.atomic import sync_folder


def state_folder() -> Path:
    """Folder for what is remembered from one start to the next; SIDERA_STATE moves it."""
    given = os.environ.get("SIDERA_STATE")
    return Path(given) if given else Path(platformdirs.user_state_dir("sidera", appauthor=False))


def keep_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read (0600), whole or not at all; its folder is made where it is missing.

    Raises
    ------
    OSError
        Where it cannot be written; what stood there before is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        # The mode is given at birth: between a creation and a chmod anybody could open it.
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
