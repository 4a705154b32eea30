"""A file for one process alone."""

import sys
from typing import BinaryIO

LOCK_BYTE = 1 << 40
"""Beyond any file: Windows keeps others from a byte that is locked."""


def take(stream: BinaryIO) -> bool:
    """Take the file for this process alone, until it is closed; False where another one has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(LOCK_BYTE)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
