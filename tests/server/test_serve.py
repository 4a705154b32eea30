"""Starting and ending `sidera ui`: where it listens, what it says, what it writes down."""

import logging
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import psutil
import pytest

from server.running import Server, children, free_port
from sidera.errors import UsageError
from sidera.pipeline.places import keep_private
from sidera.server import serve
from sidera.server.bundle import Bundle

ROOT = Path(__file__).parents[2]
WATCHED = """
import sys
def heard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open({place!r}, "a") as log:
            log.write(f"{{event}} {{arguments[-1] if event == 'socket.connect' else arguments[0]}}\\n")
sys.addaudithook(heard)
"""


def ui(folder, *arguments, **environment):
    """`sidera ui` that ends by itself; returns exit code and stderr."""
    own = {
        **os.environ,
        "HOME": str(folder),
        "SIDERA_STATE": str(folder),
        "SIDERA_LOGS": str(folder),
        **environment,
    }
    command = [sys.executable, "-m", "sidera", "ui", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=own, cwd=folder)
    return done.returncode, done.stderr


def test_it_listens_on_the_loopback_only(server):
    found = [one for one in psutil.Process(server.process.pid).net_connections() if one.status == "LISTEN"]
    assert {one.laddr.ip for one in found} <= {"127.0.0.1", "::1"}
    assert {one.laddr.port for one in found} == {server.port}


def test_a_port_of_ones_own_is_kept_and_the_cookie_outlives_a_restart(tmp_path):
    port = free_port()
    one = Server(tmp_path, "--port", str(port))
    assert one.port == port
    one.log_in()
    assert one.stop()[0] == 0
    two = Server(tmp_path, "--port", str(port))
    two.cookie = one.cookie
    assert two.get("/api/server").status == 200
    two.stop()


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, said = ui(tmp_path, "--no-browser", "--port", str(other.getsockname()[1]))
    assert (code, "give another --port" in said) == (2, True)


def test_to_listen_on_the_network_is_warned_of(tmp_path):
    code, said = ui(tmp_path, "--no-browser", "--listen", "192.0.2.1")  # an address that no machine has
    assert (code, "nothing is encrypted" in said) == (2, True)
    assert "cannot listen on 192.0.2.1" in said


def test_a_folder_that_is_none_is_told(tmp_path):
    code, said = ui(tmp_path, "--no-browser", str(tmp_path / "nowhere"))
    assert (code, "nowhere is no folder" in said) == (2, True)


def test_without_the_built_page_it_says_how_to_get_it(monkeypatch, tmp_path):
    from sidera.cli.ui import ui as command
    from sidera.errors import UnreadableError

    monkeypatch.setattr("sidera.server.bundle.bundle_folder", lambda: None)
    with pytest.raises(UnreadableError, match=r"was not built.*python3 dev.py ui"):
        command([tmp_path])


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_what_is_remembered_is_for_its_owner_only(tmp_path):
    keep_private(tmp_path / "state" / "page.json", b"one")
    keep_private(tmp_path / "state" / "page.json", b"two")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "page.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state" / "page.json").read_bytes() == b"two"
    assert len(list((tmp_path / "state").iterdir())) == 1


def test_the_log_rotates(monkeypatch, tmp_path):
    monkeypatch.setenv("SIDERA_LOGS", str(tmp_path))
    monkeypatch.setattr(serve, "LOG_BYTES", 2000)
    before = logging.getLogger().handlers[:]
    try:
        serve._start_log()
        for number in range(200):
            logging.getLogger("sidera.server").info("a line of the log, number %d", number)
        assert {path.name for path in tmp_path.iterdir()} == {
            "server.log",
            *(f"server.log.{n}" for n in (1, 2, 3)),
        }
        assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    finally:
        for handler in logging.getLogger().handlers:
            handler.close()
        logging.getLogger().handlers[:] = before
        logging.captureWarnings(False)


def test_nothing_is_asked_of_any_other_machine(tmp_path):
    place = tmp_path / "connections"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCHED.format(place=str(place)))
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    one = Server(tmp_path, env={"PYTHONPATH": path})
    with socket.create_connection(("127.0.0.1", one.port)):
        pass
    one.log_in()
    one.page().close()
    assert len(children(one.process.pid)) == 1
    one.stop()
    asked = place.read_text().splitlines() if place.exists() else []
    assert asked, "the hook did not hear the server look its own address up"
    assert all("127.0.0.1" in line or "::1" in line or "localhost" in line for line in asked), asked


def test_a_fault_of_ours_shows_no_trace_to_the_browser_and_all_of_it_to_the_log():
    from starlette.applications import Starlette
    from starlette.routing import Route

    from sidera.server.app import _internal

    async def broken(request):
        raise ZeroDivisionError("secret")

    app = Starlette(routes=[Route("/", broken)], exception_handlers={Exception: _internal})
    sent = asked(app)
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
    assert b"fault of Sidera's" in sent[1]["body"]


def asked(app):
    """What an application sends for one request; it raises again for the server's log."""
    import asyncio

    sent = []

    async def whole():
        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [],
            "query_string": b"",
            "http_version": "1.1",
        }
        with pytest.raises(ZeroDivisionError):
            await app(scope, receive, send)

    asyncio.run(whole())
    return sent


def test_dependencies_are_pinned_and_no_package_runs_scripts_of_its_own():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in lines)
    assert "ignore-scripts=true" in (ROOT / "web" / ".npmrc").read_text(encoding="utf-8")
    assert '"ci", "--ignore-scripts"' in (ROOT / "web" / "build.py").read_text(encoding="utf-8")
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert all(">=" in need for need in needs)


def test_files_of_the_page_are_known_by_name_and_nothing_else_is(tmp_path):
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<p>")
    (tmp_path / "dist" / "assets" / "a-1.js").write_text("1")
    (tmp_path / "secret.js").write_text("2")
    bundle = Bundle(tmp_path / "dist")
    assert bundle.names() == ["assets/a-1.js", "index.html"]
    script = bundle.file("assets/a-1.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert bundle.file("index.html").headers["cache-control"] == "no-store"
    for name in ("../secret.js", "assets/../../secret.js", "", "assets"):
        assert bundle.file(name).status_code == 404


def test_a_page_that_is_built_anew_meanwhile_stays_what_it_was_at_the_start(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("assets/a-1.js")
    (tmp_path / "assets" / "a-1.js").write_text("1")
    bundle = Bundle(tmp_path)
    (tmp_path / "assets" / "a-1.js").rename(tmp_path / "assets" / "a-2.js")
    (tmp_path / "index.html").write_text("assets/a-2.js")
    assert bundle.file("index.html").body == b"assets/a-1.js"
    assert bundle.file("assets/a-1.js").body == b"1"


def test_a_host_name_may_be_any_of_the_machines_when_it_listens_on_all():
    assert serve._hosts(80, None) == ("127.0.0.1:80", "localhost:80", "[::1]:80")
    assert "192.0.2.1:80" in serve._hosts(80, "192.0.2.1")
    assert set(serve._hosts(80, None)) < set(serve._hosts(80, "0.0.0.0"))


def test_a_host_that_is_a_name_is_refused_since_nobody_knows_where_it_leads():
    with pytest.raises(UsageError, match="cannot listen"):
        serve._bound("telescope.example", 0)
