"""Pages' WebSockets: lines of the engine's protocol both ways, each page with ids, events and jobs of its own."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from sidera.server.child import Child, EngineLostError, EngineState, Fields, lost
from sidera.server.folders import Folders, ForbiddenError
from sidera.server.requests import REFUSED, check

log = logging.getLogger("sidera.server")
MOST_PAGES = 16
"""Pages at a time."""
QUEUE = 4096
"""Messages that wait for a page; one that reads no more is shut."""
REMEMBERED = 4096
"""Requests of a page whose ids are known to jobs."""
TOO_MANY, TOO_SLOW = 1013, 1008


class Page:
    """One WebSocket."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.events: tuple[str, ...] = ()
        self.asked: dict[int, msgspec.Raw] = {}
        """The page's own id of a request, by the engine's."""
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)

    def put(self, fields: Fields, spare: bool = False) -> None:
        """Send soon. A message to spare (of the log) goes only while there is much room."""
        if spare and self._queue.qsize() > QUEUE // 2:
            return
        try:
            self._queue.put_nowait(msgspec.json.encode(fields).decode("utf-8"))
        except asyncio.QueueFull:
            with suppress(asyncio.QueueEmpty):
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def pump(self) -> None:
        """Send what waits, until the page is gone or too slow."""
        while (text := await self._queue.get()) is not None:
            await self.socket.send_text(text)
        await self.socket.close(TOO_SLOW, "too slow")

    def remember(self, name: int, own: msgspec.Raw) -> None:
        """The engine knows the page's request by this name."""
        self.asked[name] = own
        while len(self.asked) > REMEMBERED:
            del self.asked[next(iter(self.asked))]


class Pages:
    """All pages, and the engine between them."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.child: Child
        self._pages: set[Page] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def told(self, fields: Fields) -> None:
        """An event of the engine's, for the pages that want it; a job's request in each page's own words."""
        event = msgspec.json.decode(fields["event"], type=str)
        for page in self._pages:
            if event in page.events:
                own = (
                    {**fields, "data": _raw(_own_job(page, _value(fields["data"])))}
                    if event == "job"
                    else fields
                )
                page.put(own, spare=event == "log")

    def changed(self, state: EngineState) -> None:
        """Tell every page how the engine is."""
        for page in self._pages:
            page.put(_event(state))

    async def serve(self, socket: WebSocket) -> None:
        """One page, until it goes."""
        if len(self._pages) >= MOST_PAGES:
            await socket.close(TOO_MANY, "too many pages")
            return
        await socket.accept()
        page = Page(socket)
        self._pages.add(page)
        page.put(_event(self.child.state))
        pump = asyncio.create_task(page.pump())
        try:
            while True:
                await self._take(page, await socket.receive_text())
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # gone; KeyError is Starlette's for a binary message, which no page of ours sends
        finally:
            self._pages.discard(page)
            pump.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await pump

    async def _take(self, page: Page, text: str) -> None:
        """One request of a page: refused here, or passed on under another id."""
        try:
            request = msgspec.json.decode(text, type=dict[str, Any])
            own = msgspec.Raw(msgspec.json.encode(msgspec.convert(request.get("id"), str | int | float)))
        except (msgspec.MsgspecError, RecursionError) as error:
            page.put(
                _failure(
                    msgspec.Raw(b"null"), "bad_request", f"a request is a JSON object with an id ({error})"
                )
            )
            return
        refused = await self._refused(page, request, own)
        if refused is not None:
            page.put(refused)
            return
        if request.get("cmd") == "hello":
            page.events = tuple(
                event for event in request.pop("events", page.events) if isinstance(event, str)
            )
        elif request.get("cmd") == "cancel" and not isinstance(request.get("job"), str | None):
            request["job"] = _name_of(page, request["job"])
        self._pass_on(page, request, own)

    async def _refused(self, page: Page, request: dict[str, Any], own: msgspec.Raw) -> Fields | None:
        command = request.get("cmd")
        if isinstance(command, str) and command in REFUSED:
            return _failure(own, "not_available", f"{command} is not for pages: {REFUSED[command]}")
        try:
            field = await asyncio.to_thread(check, request, self.folders)  # a glob may take its time
        except ForbiddenError as error:
            return _failure(own, "forbidden_path", str(error))
        if field is not None:
            return _failure(own, "bad_request", f"there is no field {field[:80]!r}")
        if command == "hello" and not isinstance(request.get("events", []), list):
            return _failure(own, "bad_request", "events is a list")
        return None

    def _pass_on(self, page: Page, request: dict[str, Any], own: msgspec.Raw) -> None:
        def hear(fields: Fields) -> None:
            if page in self._pages:
                if request.get("cmd") == "jobs" and "data" in fields:
                    jobs = [_own_job(page, job) for job in _value(fields["data"])["jobs"]]
                    fields = {**fields, "data": _raw({"jobs": jobs})}
                page.put({**fields, "id": own})

        try:
            page.remember(self.child.send(request, hear), own)
        except EngineLostError as error:
            page.put({**lost(str(error)), "id": own})


def _own_job(page: Page, job: dict[str, Any]) -> dict[str, Any]:
    """A job as a page knows it: the id of its own request, or none where another page began it."""
    own = page.asked.get(job["request"])
    return {**job, "request": None if own is None else _value(own)}


def _name_of(page: Page, own: Any) -> int:  # noqa: ANN401 (whatever the page sent)
    """The engine's id of a page's request; 0, which is nobody's, for one that it did not make."""
    wanted = _raw(own)
    return next((name for name, one in reversed(page.asked.items()) if one == wanted), 0)


def _event(state: EngineState) -> Fields:
    return {"event": _raw("engine"), "data": _raw(state)}


def _failure(own: msgspec.Raw, code: str, error: str) -> Fields:
    return {"id": own, "ok": _raw(False), "code": _raw(code), "error": _raw(error)}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _value(raw: msgspec.Raw) -> Any:  # noqa: ANN401 (JSON)
    return msgspec.json.decode(raw)
