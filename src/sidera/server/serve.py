"""Start the server: its port, its log, its address, and the file that opens the browser."""

import asyncio
import html
import logging
import logging.handlers
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvicorn

from sidera.engine.logs import logs_folder
from sidera.errors import UsageError
from sidera.pipeline.places import keep_private, state_folder
from sidera.server.app import Settings, application
from sidera.server.bundle import bundle_folder
from sidera.server.door import Door
from sidera.server.folders import Folders, usual_folders
from sidera.server.guard import LOGIN, LONGEST

LOOPBACK = "127.0.0.1"
LOG_BYTES, LOGS = 1 << 20, 3
CONNECTIONS = 128
"""At a time; a browser opens six, and a WebSocket a tab."""


@dataclass(frozen=True)
class Address:
    """Where a server can be reached."""

    plain: str
    """For people; opens nothing without the cookie."""
    link: str
    """With the one-use token."""
    file: Path
    """A page that only its owner may read, and that leads to the link: no other user sees it in the process list.
    It lies among the results, since browsers from a snap read neither hidden folders nor /tmp."""


def serve(
    folders: Sequence[Path],
    *,
    results: Path,
    port: int = 0,
    listen: str | None = None,
    ready: Callable[[Address], None],
) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Parameters
    ----------
    folders : paths
        Allowed beside the usual ones.
    results : path
        Folder for results and dropped files; made where it is missing.
    port : int
        0 takes any that is free.
    listen : str, optional
        An address of this machine other than the loopback: others on the network can then come in with the link.
    ready : callable
        Told of the address once connections are taken.

    Raises
    ------
    UsageError
        When the port is taken, or a folder cannot be used.
    """
    _start_log()
    sockets = _bound(listen or LOOPBACK, port)
    port = sockets[0].getsockname()[1]
    results.mkdir(parents=True, exist_ok=True)
    door = Door(port, state_folder() / "cookies.json")
    settings = Settings(
        hosts=_hosts(port, listen),
        door=door,
        folders=Folders([*usual_folders(folders), results]),
        results=Path(os.path.realpath(results)),
        kept=state_folder() / "page.json",
        bundle=bundle_folder(),
    )
    server = uvicorn.Server(configuration(settings))
    plain = f"http://{_shown(listen or LOOPBACK)}:{port}"
    address = Address(plain, f"{plain}{LOGIN}?token={door.token()}", results / f"open-sidera-{port}.html")
    keep_private(address.file, _opener(address.link))
    try:
        # uvicorn ends in good order and then raises the signal once more, for whoever handled it before.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            asyncio.run(_run(server, sockets, lambda: ready(address)))
    finally:
        address.file.unlink(missing_ok=True)
    return 0


def configuration(settings: Settings) -> uvicorn.Config:
    """Of the HTTP server: bounded, silent about itself, and without a log of addresses (the token is in one)."""
    return uvicorn.Config(
        application(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=LONGEST,
        ws_max_queue=16,
        h11_max_incomplete_event_size=64 << 10,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )


async def _run(server: uvicorn.Server, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
    serving = asyncio.create_task(server.serve(sockets))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving


def _bound(host: str, port: int) -> list[socket.socket]:
    """Listening sockets; the loopback's of IPv6 too where it can be had, so that nobody else stands there."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][0]
        first = _socket(family, host, port)
    except OSError as error:
        raise UsageError(
            f"the server cannot listen on {host}, port {port} ({error.strerror})",
            "give another --port, or none",
        ) from error
    found = [first]
    if host == LOOPBACK:
        with suppress(OSError):
            found.append(_socket(socket.AF_INET6, "::1", first.getsockname()[1]))
    return found


def _socket(family: int, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On Windows "reuse" would let another program take the port over; there the default is what is wanted.
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.listen(CONNECTIONS)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _hosts(port: int, listen: str | None) -> tuple[str, ...]:
    """Names under which the server is asked for; of all addresses of the machine where it listens on all."""
    names = [LOOPBACK, "localhost", "[::1]"]
    if listen in ("0.0.0.0", "::"):
        here = [one.address for found in psutil.net_if_addrs().values() for one in found]
        names += [_shown(address) for address in here if "%" not in address]
        names += [socket.gethostname(), f"{socket.gethostname()}.local"]
    elif listen is not None:
        names.append(_shown(listen))
    return tuple(dict.fromkeys(f"{name}:{port}" for name in names))


def _shown(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _opener(link: str) -> bytes:
    return (
        f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Sidera</title>'
        f'<meta http-equiv="refresh" content="0;url={html.escape(link)}">'
    ).encode()


def _start_log() -> None:
    """server.log beside the engine's, which rotates; nothing on the terminal."""
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):
        logs_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.handlers.RotatingFileHandler(
            logs_folder() / "server.log", maxBytes=LOG_BYTES, backupCount=LOGS, encoding="utf-8", delay=True
        )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
