"""Nobody but our own page gets anything out of the server: headers, cookies, bodies."""

import re

import pytest
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.running import Server
from sidera.server.app import Settings, routes
from sidera.server.child import Child
from sidera.server.door import Door
from sidera.server.folders import Folders
from sidera.server.socket import Pages


def all_routes(tmp_path):
    """Every route of the application, with numbers and names put in."""
    pages = Pages(Folders([tmp_path]))
    child = Child(pages.told, pages.changed)
    settings = Settings((), Door(1), pages.folders, tmp_path, tmp_path / "kept", None)
    for route in routes(settings, pages, child):
        path = re.sub(r"{\w+:int}", "0", route.path).format(name="a.js", key="k")
        yield path, route


def refused(connecting):
    """Status with which a WebSocket is turned away."""
    with pytest.raises(InvalidStatus) as caught:
        connecting().close()
    return caught.value.response.status_code


def test_every_route_and_every_websocket_refuses_without_the_cookie(server, tmp_path):
    seen = 0
    for path, route in all_routes(tmp_path):
        if isinstance(route, WebSocketRoute):
            assert refused(lambda: server.socket(headers={})) == 403
        else:
            assert isinstance(route, Route)
            for method in route.methods:
                answer = server.ask(method, path, Origin=server.origin)
                assert answer.status == 403, (method, path)
                assert method == "HEAD" or b"sidera ui" in answer.body
        seen += 1
    assert seen >= 10


def test_a_path_that_nobody_thought_of_refuses_too(server):
    for path in ("/nothing", "/api", "//ws", "/assets/../login", "/LOGIN", "/login/"):
        assert server.ask("GET", path).status == 403


@pytest.mark.parametrize(
    "cookie", ["", "sidera=x", "sidera-1={value}", "sidera-{port}=", "sidera-{port}=x{value}"]
)
def test_a_cookie_that_is_not_ours_opens_nothing(server, cookie):
    value = server.cookie.partition("=")[2]
    assert server.ask("GET", "/", Cookie=cookie.format(value=value, port=server.port)).status == 403


def test_the_token_is_good_for_one_login_and_never_logged(tmp_path):
    one = Server(tmp_path)
    answer = one.log_in()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"sidera-{one.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert one.token not in answer.body.decode()
    assert b"url=./" in answer.body  # the token leaves the address bar
    assert one.get("/api/server").status == 200
    again = one.ask("GET", f"/login?token={one.token}")
    assert (again.status, "set-cookie" in again.headers) == (403, False)
    code, said = one.stop()
    assert one.token not in one.log() + said
    assert one.cookie.partition("=")[2] not in one.log() + said
    assert code == 0


def test_logins_that_fail_are_slowed_down(fresh):
    tries = [fresh.ask("GET", f"/login?token=guess{number}").status for number in range(12)]
    assert tries == [403] * 10 + [429] * 2
    assert fresh.ask("GET", f"/login?token={fresh.token}").status == 429


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example:{port}",
        "127.0.0.1.nip.io:{port}",
        "LOCALHOST:{port}",
    ],
)
def test_another_name_that_points_here_is_refused(server, host):
    answer = server.ask("GET", "/api/server", Cookie=server.cookie, Host=host.format(port=server.port))
    assert answer.status == 403


def test_the_three_names_of_this_machine_are_taken(server):
    for name in ("127.0.0.1", "localhost", "[::1]"):
        answer = server.ask("GET", "/api/server", Cookie=server.cookie, Host=f"{name}:{server.port}")
        assert answer.status == 200


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://127.0.0.1", ""],
)
def test_another_pages_origin_is_refused_by_websocket_and_by_what_changes_things(server, origin):
    given = origin.format(port=server.port)
    assert refused(lambda: server.socket(origin=given)) == 403
    headers = {"Cookie": server.cookie, "Origin": given, "Content-Type": "application/json"}
    assert server.ask("PUT", "/api/page", b"{}", **headers).status == 403
    assert server.ask("GET", "/api/server", Cookie=server.cookie, Origin=given).status == 403


def test_no_origin_at_all_changes_nothing_either(server):
    assert refused(lambda: server.socket(origin=None)) == 403
    headers = {"Cookie": server.cookie, "Content-Type": "application/json"}
    assert server.ask("PUT", "/api/page", b"{}", **headers).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_port_brings_our_cookie_and_gets_nothing(server, site):
    headers = {"Cookie": server.cookie, "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert server.ask("GET", "/api/server", **headers).status == 403
    assert server.ask("GET", f"/login?token={server.token}", **headers).status == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_bodies_are_json(server, kind):
    assert server.ask("PUT", "/api/page", b"{}", **server.ours, Content_Type=kind).status == 415
    assert (
        server.ask("PUT", "/api/page", b"[1]", **server.ours, Content_Type="application/json").status == 400
    )


def test_what_the_page_keeps_is_found_again(server):
    kept = b'{"room": "stack", "zoom": 2.5}'
    assert server.ask("PUT", "/api/page", kept, **server.ours, Content_Type="application/json").status == 200
    assert server.get("/api/page").body == kept


def test_a_body_beyond_a_mebibyte_is_refused_declared_or_not(server):
    large = b'{"a": "' + bytes([97]) * (1 << 20) + b'"}'
    headers = {**server.ours, "Content-Type": "application/json"}
    assert server.ask("PUT", "/api/page", large, **headers).status == 413
    assert server.ask("PUT", "/api/page", iter([large[: 1 << 19], large[1 << 19 :]]), **headers).status == 413


def test_a_message_beyond_a_mebibyte_shuts_its_websocket(server):
    socket = server.socket()
    socket.recv(timeout=60)  # how the engine is
    socket.send("x" * ((1 << 20) + 1))

    def until_shut():
        while True:
            socket.recv(timeout=60)

    with pytest.raises(ConnectionClosed) as caught:
        until_shut()
    assert caught.value.rcvd.code == 1009  # too big


def test_every_answer_carries_the_headers_that_keep_it_ours(server):
    for answer in (
        server.get("/"),
        server.get("/nothing"),
        server.ask("GET", "/"),
        server.get("/api/server"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self';" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_a_stranger_who_opens_the_address_is_told_how_to_come_in(server):
    answer = server.ask("GET", "/", Accept="text/html")
    assert answer.status == 403
    assert b"by the link that <code>sidera ui</code> printed" in answer.body
