"""THE way files are written: what stands under a name is the old file or the whole new one, never a part."""

import errno
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from sidera.errors import DiskFullError, SideraError, UnwritableError

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)
"""What file systems answer that keep no journal of folders, or will not open them."""
DAY = 86_400.0
WRITTEN_AT_ONCE = 1 << 16
"""Bytes that file systems keep together in memory."""
_TEMPORARY = re.compile(r"\.sidera-(?P<host>.+)-(?P<process>\d+)-[0-9a-f]{8}\.tmp")


@contextmanager
def atomic_write(path: Path | str, needed: int = 0) -> Iterator[BinaryIO]:
    """A binary stream whose bytes appear under ``path`` all at once, when the ``with`` ends well.

    They go to a temporary file in the same folder, are forced to the disk, and then take the name. If
    anything fails, the old file stands as it was and the temporary is gone; those of crashed runs are swept.

    Parameters
    ----------
    path : Path or str
        Where to; a symbolic link is followed.
    needed : int
        Bytes that will be written, where known: checked against the free space first.

    Raises
    ------
    DiskFullError
        Names the bytes needed.
    UnwritableError
        For a folder that is missing or may not be written to, and for a name that is a folder's.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise UnwritableError(f"{path} is a folder", "Give the name of a file in it")
    temporary = target.parent / f".sidera-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        sweep(target.parent)
        check_space(target.parent, needed)
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except SideraError:
        raise
    except OSError as error:
        raise explained(error, path, needed) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def begin_writing(stream: BinaryIO, start: int, size: int) -> None:
    """Ask the system to bring a part of an open file to the disk, so that the end waits for little.

    Of whole blocks only: at either end there is more to come, and they would be written twice.
    """
    first, last = (
        -(-start // WRITTEN_AT_ONCE) * WRITTEN_AT_ONCE,
        (start + size) // WRITTEN_AT_ONCE * WRITTEN_AT_ONCE,
    )
    if first < last and hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # a wish that a file system may not grant
            os.posix_fadvise(stream.fileno(), first, last - first, os.POSIX_FADV_DONTNEED)


def write_text(path: Path | str, text: str) -> None:
    """Write text as UTF-8, atomically; errors as `atomic_write`."""
    data = text.encode("utf-8")
    with atomic_write(path, len(data)) as stream:
        stream.write(data)


def sweep(folder: Path) -> None:
    """Remove the temporaries of runs that are no more.

    Those of this machine are known by their process, which has ended; the others by their age of a day.
    """
    for name in os.listdir(folder):
        match = _TEMPORARY.fullmatch(name)
        if match is None:
            continue
        with suppress(OSError):  # another run may sweep at the same time
            old = time.time() - (folder / name).stat().st_mtime > DAY
            ended = match["host"] == _host() and not psutil.pid_exists(int(match["process"]))
            if old or ended:
                (folder / name).unlink()


def _host() -> str:
    """The machine's name as part of a file's: folders may be shared between machines."""
    return re.sub(r"[^A-Za-z0-9.]", "", platform.node())[:40] or "host"


def check_space(folder: Path, needed: int) -> None:
    """Refuse before the first byte, where that can be known."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFullError(
            f"{needed:,} bytes are needed in {folder} and {free:,} are free", "Make room there"
        )


def sync_folder(folder: Path) -> None:
    """Force the new name to the disk; Windows does so by itself."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


def explained(error: OSError, path: Path | str, needed: int) -> SideraError:
    """The system's refusal in our words."""
    if error.errno in FULL:
        wanted = f"{needed:,} bytes are" if needed else "more room is"
        return DiskFullError(
            f"the disk is full: {wanted} needed for {path}", "Make room there, then run again"
        )
    cure = "Choose a folder that exists and may be written to"
    return UnwritableError(f"{path} cannot be written ({error.strerror or error})", cure)
