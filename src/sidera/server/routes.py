"""What the server answers by itself: login, folders, dropped files, reports, and what the page left behind."""

import asyncio
import html
import os
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sidera._version import __version__
from sidera.pipeline.browse import Listing, browse
from sidera.pipeline.places import keep_private
from sidera.server.door import LASTS, Door, TooManyTriesError
from sidera.server.folders import Folders, ForbiddenError
from sidera.server.guard import CLOSED, refusal

ENTER = """<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Sidera</title>
<link rel="icon" href="data:,"><meta http-equiv="refresh" content="0;url=./"><a href="./">Sidera</a></html>"""
"""Sent instead of a redirect: a browser keeps a SameSite=Strict cookie back from a redirect that another place began
(the file that opens the page), and not from a page of ours that goes on by itself."""
REPORT_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
LARGEST_REPORT = 256 << 20


class Browsed(msgspec.Struct, frozen=True):
    """A folder as the page sees it; without a path the allowed folders."""

    path: str | None
    parent: str | None
    folders: tuple[object, ...]
    files: tuple[object, ...] = ()


class Desk:
    """Answers of the server's own."""

    def __init__(self, door: Door, folders: Folders, results: Path, kept: Path) -> None:
        self._door, self._folders, self._results, self._kept = door, folders, results, kept

    async def login(self, request: Request) -> Response:
        """Exchange the one-use token for the cookie."""
        try:
            value = self._door.redeem(request.query_params.get("token", ""))
        except TooManyTriesError:
            return refusal(429, "too many logins failed; wait a minute")
        if value is None:
            return HTMLResponse(CLOSED, 403)
        answer = HTMLResponse(ENTER)
        answer.set_cookie(self._door.cookie, value, max_age=int(LASTS), httponly=True, samesite="strict")
        return answer

    async def server(self, request: Request) -> Response:
        """Version, allowed folders, and where results go."""
        roots = [str(root) for root in self._folders.roots]
        return JSONResponse({"version": __version__, "roots": roots, "results": str(self._results)})

    async def browse(self, request: Request) -> Response:
        """Folders and frames in an allowed folder."""
        asked = request.query_params.get("path", "")
        if not asked:
            places = [{"name": root.name or str(root), "path": str(root)} for root in self._folders.roots]
            return _json(Browsed(None, None, tuple(places)))
        try:
            real = self._folders.inside(asked)
            shown: Listing = await asyncio.to_thread(browse, real)
        except ForbiddenError as error:
            return refusal(403, str(error))
        except OSError as error:
            return refusal(404, f"{asked} cannot be read ({error.strerror})")
        parent = None if real in self._folders.roots else str(real.parent)
        return _json(Browsed(str(real), parent, shown.folders, shown.files))

    async def report(self, request: Request) -> Response:
        """The page of a report, where nothing in it can run."""
        asked = request.query_params.get("path", "")
        try:
            real = self._folders.inside(asked)
            if real.suffix != ".html" or not _is_report(real):
                return refusal(403, f"{asked} is no report of Sidera's")
            text = await asyncio.to_thread(real.read_bytes)
        except ForbiddenError as error:
            return refusal(403, str(error))
        except OSError as error:
            return refusal(404, f"{asked} cannot be read ({error.strerror})")
        return HTMLResponse(text, headers={"content-security-policy": REPORT_CSP})

    async def page(self, request: Request) -> Response:
        """What the page kept last; an empty object when nothing was."""
        try:
            data = await asyncio.to_thread(self._kept.read_bytes)
        except OSError:
            data = b"{}"
        return Response(data, media_type="application/json")

    async def keep_page(self, request: Request) -> Response:
        """Keep one JSON object for the page, which opens where it was left."""
        data = await request.body()
        try:
            msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except (msgspec.MsgspecError, RecursionError):
            return refusal(400, "what is kept for the page is a JSON object")
        try:
            await asyncio.to_thread(keep_private, self._kept, data)
        except OSError as error:
            return refusal(507, f"it cannot be kept ({error.strerror})")
        return JSONResponse({})


def no_bundle(how: str) -> Response:
    """The page was not built: how to get it."""
    return HTMLResponse(
        f'<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Sidera</title>'
        f"<h1>The page was not built</h1><p>{html.escape(how)}</p></html>",
        503,
    )


def _is_report(path: Path) -> bool:
    """Reports lie beside a JSON of the same name; any other page of the user's is none of ours."""
    return path.is_file() and path.with_suffix(".json").is_file() and os.path.getsize(path) <= LARGEST_REPORT


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
