"""Files dropped onto the page: a browser tells no paths, so their bytes are taken in."""

import asyncio
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from sidera.server.folders import Folders, ForbiddenError
from sidera.server.guard import refusal

LONGEST = 64 << 30
"""Bytes of a file at most: a film of an hour has some tens of GB."""
SPARE = 1 << 30
"""Bytes of the disk that uploads leave free."""
AT_ONCE = 4
DEEPEST, LONGEST_NAME = 8, 120
_BAD = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class UploadError(Exception):
    """Why a file is not taken, and the HTTP status of it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def sanitised(name: str) -> str:
    """A name that is harmless on every system: no path, no control, no device, not hidden, not endless.

    Raises
    ------
    UploadError
        When nothing is left of it.
    """
    plain = _BAD.sub("_", name.encode("utf-8", "replace").decode("utf-8")).strip(" .")
    if not plain:
        raise UploadError(400, f"{name[:80]!r} is no name for a file")
    if _DEVICES.fullmatch(plain):
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    if dot and len(suffix) < 10:
        return f"{stem[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return plain[:LONGEST_NAME]


def place_of(folder: Path, batch: str, name: str) -> Path:
    """Where a dropped file goes: its own folders are kept, below one for the batch."""
    parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".", "..")]
    if not parts or len(parts) > DEEPEST:
        raise UploadError(400, f"{name[:80]!r} is no name for a file")
    return folder.joinpath(sanitised(batch), *map(sanitised, parts))


class Uploads:
    """Takes files into a folder."""

    def __init__(self, folder: Path, folders: Folders) -> None:
        self._folder, self._folders = folder, folders
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def put(self, request: Request) -> Response:
        """One file: streamed to the disk, and under its name only when it is whole."""
        query = request.query_params
        try:
            target = place_of(self._folder, query.get("batch", "dropped"), query.get("name", ""))
            self._folders.inside(str(target))
            async with self._turn:
                await self._receive(request, target)
        except (UploadError, ForbiddenError) as error:
            return refusal(error.status if isinstance(error, UploadError) else 403, str(error))
        except ClientDisconnect:
            return refusal(400, "the file was cut short")
        except OSError as error:
            return refusal(507, f"the file cannot be kept ({error.strerror})")
        return JSONResponse(
            {"path": str(target), "folder": str(self._folder / target.relative_to(self._folder).parts[0])}
        )

    async def _receive(self, request: Request, target: Path) -> None:
        declared = request.headers.get("content-length", "")
        target.parent.mkdir(parents=True, exist_ok=True)
        check_room(target.parent, int(declared) if declared.isdecimal() else 0)
        temporary = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with temporary.open("xb") as stream:
                taken = await self._copy(request, stream, target.parent)
                await asyncio.to_thread(_settle, stream)
            if declared.isdecimal() and taken != int(declared):
                raise UploadError(400, "the file was cut short")
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    async def _copy(self, request: Request, stream: BinaryIO, folder: Path) -> int:
        taken = unchecked = 0
        async for chunk in request.stream():
            taken, unchecked = taken + len(chunk), unchecked + len(chunk)
            if taken > LONGEST:
                raise UploadError(413, f"a file is at most {LONGEST:,} bytes")
            if unchecked > 64 << 20:
                check_room(folder, 0)
                unchecked = 0
            await asyncio.to_thread(stream.write, chunk)
        return taken


def check_room(folder: Path, needed: int) -> None:
    """Refuse a file that is too large, or for which there is no room.

    Raises
    ------
    UploadError
        Names the bytes.
    """
    if needed > LONGEST:
        raise UploadError(413, f"a file is at most {LONGEST:,} bytes, and this has {needed:,}")
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise UploadError(507, f"the disk of {folder} has {free:,} bytes free, too few for {needed:,} more")


def _settle(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
