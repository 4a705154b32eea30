"""Tiles for the viewer: ``/t/{key}/{level}/{x}/{y}/{channel}`` as raw float16, the same for ever."""

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sidera.server.child import Child, EngineLostError
from sidera.server.guard import refusal

AT_ONCE = 4
"""Tiles asked of the engine at a time. The others wait here, where one that left the view is forgotten again."""
FOR_EVER = "private, immutable, max-age=31536000"
_KEY = re.compile(r"[A-Za-z0-9._-]{1,200}")


class _Tile(msgspec.Struct):
    pixels: bytes


class _Answer(msgspec.Struct):
    """An answer to ``tile``."""

    ok: bool
    data: _Tile | None = None
    code: str = ""
    error: str = ""


class Tiles:
    """Hands tiles on from the engine."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def tile(self, request: Request) -> Response:
        """One channel of one tile."""
        key = request.path_params["key"]
        if _KEY.fullmatch(key) is None:
            return refusal(404, "there is no such image")
        numbers = {name: request.path_params[name] for name in ("level", "x", "y", "channel")}
        async with self._turn:
            if await request.is_disconnected():
                return refusal(499, "nobody waits for it any more")
            try:
                fields = await self._child.ask({"cmd": "tile", "image": key, **numbers})
            except EngineLostError as error:
                return refusal(503, str(error))
        answer = msgspec.json.decode(msgspec.json.encode(fields), type=_Answer)
        if answer.data is None:
            return refusal(500 if answer.code == "internal" else 404, answer.error)
        return Response(
            answer.data.pixels, media_type="application/octet-stream", headers={"cache-control": FOR_EVER}
        )
