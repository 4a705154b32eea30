"""A page of another server on this machine tries everything that a browser lets it, while the user is logged in."""

import http.server
import json
import os
import threading

import pytest

from server.running import Server

ATTACK = """<!doctype html><title>attacker</title><script>
const at = "http://127.0.0.1:%(port)d", found = {};
const tried = [];
const attempt = (name, promise) => tried.push(promise.then(
  (value) => { found[name] = value; }, (error) => { found[name] = "blocked"; }));
const load = (name, tag, fields) => attempt(name, new Promise((good, bad) => {
  const node = Object.assign(document.createElement(tag), fields);
  node.onload = () => good("loaded"); node.onerror = () => bad(new Error("error"));
  document.body.append(node); setTimeout(() => bad(new Error("nothing")), 20000);
}));
const open = (name, address) => attempt(name, new Promise((good, bad) => {
  const line = new WebSocket(address);
  line.onopen = () => good("opened"); line.onerror = () => bad(new Error("error"));
}));
addEventListener("load", async () => {
  attempt("fetch", fetch(at + "/api/server", { credentials: "include" }).then((answer) => answer.text()));
  attempt("put", fetch(at + "/api/page", { method: "PUT", credentials: "include", body: '{"hacked": 1}',
    headers: { "content-type": "application/json" } }).then(() => "answered"));
  attempt("post", fetch(at + "/api/page", { method: "POST", mode: "no-cors", credentials: "include",
    body: '{"hacked": 1}' }).then((answer) => answer.type === "opaque" ? "blocked" : answer.text()));
  open("socket", "ws://127.0.0.1:%(port)d/ws");
  open("socket_by_name", "ws://localhost:%(port)d/ws");
  load("script", "script", { src: at + "/api/server" });
  load("asset", "script", { src: at + "/%(asset)s" });
  load("image", "img", { src: at + "/t/a/0/0/0/0" });
  const frame = Object.assign(document.createElement("iframe"), { src: at + "/" });
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; setTimeout(done, 20000); });
  try { found.frame = frame.contentDocument ? "seen" : "blocked"; } catch { found.frame = "blocked"; }
  await Promise.all(tried);
  window.found = found;
});
</script>"""
ON_ITS_SIDE = """async () => (await (await fetch("api/server")).json()).version"""


class Attacker(http.server.BaseHTTPRequestHandler):
    """One page on another port."""

    page = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


@pytest.fixture
def attacker():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path, env={"SIDERA_LOGS": str(tmp_path / ".logs")})
    yield running
    running.stop()


def logged_in(browser, server):
    """A browser that came in by the file, as `sidera ui` opens it; its page, and every address it asked for."""
    context = browser.new_context()
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((server.home / "Sidera" / f"open-sidera-{server.port}.html").as_uri())
    page.wait_for_url(f"{server.origin}/")
    return page, asked, said


def test_nothing_that_an_attackers_page_tries_gets_through(browser, server, attacker):
    page, *_ = logged_in(browser, server)
    assert page.evaluate(
        ON_ITS_SIDE
    )  # our own page is let in by the same browser: what follows proves something
    asset = page.evaluate("document.querySelector('script[src]')?.getAttribute('src') ?? 'assets/none.js'")
    Attacker.page = (ATTACK % {"port": server.port, "asset": asset.removeprefix("./")}).encode()
    before = page.evaluate("async () => (await fetch('api/page')).text()")
    evil = page.context.new_page()
    for name in ("127.0.0.1", "localhost"):
        evil.goto(f"http://{name}:{attacker.server_port}/")
        evil.wait_for_function("window.found", timeout=60_000)
        found = evil.evaluate("window.found")
        assert found == dict.fromkeys(found, "blocked"), json.dumps(found)
        assert len(found) == 9
    assert page.evaluate("async () => (await fetch('api/page')).text()") == before
    page.context.close()


def test_the_file_opens_the_page_leaves_no_token_and_no_other_address_is_asked(browser, server):
    page, asked, said = logged_in(browser, server)
    page.wait_for_load_state("networkidle")
    assert server.token not in page.url
    assert server.token not in page.evaluate(
        "document.referrer + performance.getEntriesByType('navigation')[0].name"
    )
    assert all(url.startswith((server.origin, "file:", "blob:", "data:")) for url in asked), asked
    cookies = page.context.cookies()
    assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in cookies] == [
        (f"sidera-{server.port}", True, "Strict")
    ]
    assert page.evaluate("document.cookie") == ""
    assert not [line for line in said if "Content Security Policy" in line or "violates" in line], said
    page.context.close()


def test_the_file_is_for_its_owner_only_and_gone_afterwards(tmp_path):
    running = Server(tmp_path)
    opener = tmp_path / "Sidera" / f"open-sidera-{running.port}.html"
    if os.name == "posix":
        assert opener.stat().st_mode & 0o777 == 0o600
    assert running.token in opener.read_text()
    running.stop()
    assert not opener.exists()
