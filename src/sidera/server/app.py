"""The application: routes, the engine beside them, and the guard around everything."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sidera.server.bundle import HOW, Bundle
from sidera.server.child import Child
from sidera.server.door import Door
from sidera.server.folders import Folders
from sidera.server.guard import LOGIN, UPLOAD, Guard, TooLargeError, refusal, too_large
from sidera.server.pixels import Tiles
from sidera.server.routes import Desk, no_bundle
from sidera.server.socket import Pages
from sidera.server.uploads import Uploads

log = logging.getLogger("sidera.server")


@dataclass(frozen=True)
class Settings:
    """What a server is made with."""

    hosts: tuple[str, ...]
    """What the Host header may be, with the port."""
    door: Door
    folders: Folders
    results: Path
    """Folder for results where there is no project; in an allowed one."""
    kept: Path
    """File in which the page keeps its state."""
    bundle: Path | None
    engine: Sequence[str] | None = None
    """Words that start the engine; None: ``python -m sidera engine``."""


def application(settings: Settings) -> Guard:
    """The server, guarded."""
    pages = Pages(settings.folders)
    child = pages.child = Child(pages.told, pages.changed, settings.engine)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        keeper = asyncio.create_task(child.run())
        try:
            yield
        finally:
            await child.close()
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    app = Starlette(
        routes=routes(settings, pages, child),
        lifespan=life,
        exception_handlers={
            404: _not_found,
            405: _not_found,
            TooLargeError: _too_large,
            Exception: _internal,
        },
    )
    return Guard(app, settings.door, settings.hosts)


def routes(settings: Settings, pages: Pages, child: Child) -> list[BaseRoute]:
    """THE list of what can be asked."""
    desk = Desk(settings.door, settings.folders, settings.results, settings.kept)
    uploads = Uploads(settings.results / "Dropped", settings.folders)
    tiles, bundle = Tiles(child), Bundle(settings.bundle)

    async def index(request: Request) -> Response:
        return bundle.file("index.html") if settings.bundle is not None else no_bundle(HOW)

    async def asset(request: Request) -> Response:
        return bundle.file(f"assets/{request.path_params['name']}")

    return [
        Route("/", index),
        Route("/assets/{name}", asset),
        Route(LOGIN, desk.login, methods=["GET"]),
        Route("/api/server", desk.server),
        Route("/api/browse", desk.browse),
        Route("/api/report", desk.report),
        Route("/api/page", desk.page, methods=["GET"]),
        Route("/api/page", desk.keep_page, methods=["PUT"]),
        Route(UPLOAD, uploads.put, methods=["PUT"]),
        Route("/t/{key}/{level:int}/{x:int}/{y:int}/{channel:int}", tiles.tile),
        WebSocketRoute("/ws", pages.serve),
    ]


async def _not_found(request: Request, error: Exception) -> Response:
    return refusal(getattr(error, "status_code", 404), "there is nothing here")


async def _too_large(request: Request, error: Exception) -> Response:
    return too_large()


async def _internal(request: Request, error: Exception) -> Response:
    """No trace leaves the server; the log has it. Starlette raises the error again, for its own server to log."""
    return refusal(500, "internal error: this is a fault of Sidera's; its log has the details")
