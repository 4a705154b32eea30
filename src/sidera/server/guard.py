"""The outermost layer: every request and every WebSocket is refused unless it proves where it comes from.

It must carry the cookie, be meant for this very address (or a page of another name could be made to point here: DNS
rebinding), and come from our own page. Cookies know no ports, so a page of any other server on this machine would
bring ours along: Origin and Sec-Fetch-Site tell it apart.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from sidera.server.door import Door

LONGEST = 1 << 20
"""Bytes of a request's body, but for uploads."""
LOGIN, UPLOAD = "/login", "/api/upload"
SAFE = ("GET", "HEAD")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
    "cache-control": "no-store",
}
CLOSED = """<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Sidera</title>
<link rel="icon" href="data:,"><h1>Sidera does not know this browser</h1>
<p>Open it by the link that <code>sidera ui</code> printed, which is good for one use. If it was used,
stop <code>sidera ui</code> (Ctrl-C) and start it again.</p></html>"""


class TooLargeError(Exception):
    """The body grew beyond what is taken."""


class Guard:
    """Deny by default; wraps the whole application.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    door : Door
        Knows the cookies.
    hosts : names with port
        What the Host header may be, to the letter: ``127.0.0.1:8765`` ...
    """

    def __init__(self, app: ASGIApp, door: Door, hosts: Iterable[str]) -> None:
        self._app, self._door = app, door
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in or refuse."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            refused = self._stranger(scope, unsafe=True)
            await (self._app if refused is None else WebSocketClose(1008, "refused"))(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._stranger(scope, unsafe=scope["method"] not in SAFE) or self._unfit(scope)
        if refused is not None:
            await refused(scope, receive, sealed)
            return
        await self._app(scope, _bounded(scope, receive), sealed)

    def _stranger(self, scope: Scope, unsafe: bool) -> Response | None:
        """Why it is not our own page that asks; None when it is."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return refusal(403, "this is not the address that Sidera listens on")
        origins = headers.getlist("origin")
        if (unsafe or origins) and origins not in [[origin] for origin in self._origins]:
            return refusal(403, "the request comes from another page")
        login = scope["path"] == LOGIN and scope["type"] == "http" and scope["method"] == "GET"
        site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
        if site not in (None, "same-origin", "none") and not (login and mode == "navigate"):
            return refusal(403, "the request comes from another page")
        if login or self._door.admits(_cookie(headers, self._door.cookie)):
            return None
        if "text/html" in headers.get("accept", ""):
            return HTMLResponse(CLOSED, 403)
        return refusal(403, "not logged in: open the link that `sidera ui` printed")

    def _unfit(self, scope: Scope) -> Response | None:
        """Why a body is not taken: its type, or a declared size."""
        headers, upload = Headers(scope=scope), scope["path"] == UPLOAD
        length = headers.get("content-length", "0")
        has_body = length != "0" or "transfer-encoding" in headers
        wanted = "application/octet-stream" if upload else "application/json"
        if has_body and headers.get("content-type", "").partition(";")[0].strip() != wanted:
            return refusal(415, f"a body is {wanted} here")
        if not upload and (not length.isdecimal() or int(length) > LONGEST):
            return too_large()
        return None


def refusal(status: int, why: str) -> Response:
    """An error as the page reads it."""
    return JSONResponse({"error": why}, status)


def too_large() -> Response:
    """More than is taken."""
    return refusal(413, f"a request is at most {LONGEST:,} bytes")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The body, as long as it keeps within bounds; uploads have their own."""
    if scope["path"] == UPLOAD:
        return receive
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LONGEST:
            raise TooLargeError
        return message

    return counted


def _cookie(headers: Headers, name: str) -> str:
    """A cookie's value; nothing where there is none, or nothing that can be read."""
    for text in headers.getlist("cookie"):
        for part in text.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
    return ""
