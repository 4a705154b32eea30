"""A real `sidera ui` in a process of its own, and the requests of a client that may behave badly."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from websockets.sync.client import connect


class Server:
    """`sidera ui --no-browser`, in a home folder of its own."""

    def __init__(self, home, *options, env=None):
        self.home = home
        environment = {
            **os.environ,
            "HOME": str(home),
            "USERPROFILE": str(home),
            # compiled kernels are the user's: a home of its own would compile them anew
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "SIDERA_STATE": str(home / ".state"),
            "SIDERA_LOGS": str(home / ".logs"),
            "SIDERA_TILES": str(home / ".tiles"),
            **(env or {}),
        }
        command = [sys.executable, "-m", "sidera", "ui", "--no-browser", *options]
        self.process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.link = self.process.stdout.readline().strip()
        match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/login\?token=([\w-]{43})", self.link)
        assert match, self.link + self.process.stderr.read()
        self.port, self.token = int(match[1]), match[2]
        self.cookie = ""

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self):
        return f"http://{self.host}"

    @property
    def ours(self):
        """Headers of our own page."""
        return {"Cookie": self.cookie, "Origin": self.origin}

    def log_in(self):
        """Use the token."""
        answer = self.ask("GET", f"/login?token={self.token}")
        assert answer.status == 200, answer.body
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def ask(self, method, path, body=None, **headers):
        """One request with exactly these headers (underscores stand for hyphens) and a Host."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            return Answer(line.getresponse())
        finally:
            line.close()

    def get(self, path):
        """A request of our own page."""
        return self.ask("GET", path, Cookie=self.cookie)

    def socket(self, **options):
        """A WebSocket of our own page."""
        opening = connect(
            f"ws://{self.host}/ws",
            origin=options.pop("origin", self.origin),
            additional_headers=options.pop("headers", {"Cookie": self.cookie}),
            max_size=1 << 28,
            proxy=None,
            **options,
        )
        return opening.__enter__()

    def page(self):
        """A page that waits until the engine is up."""
        return Page(self.socket())

    def log(self):
        """What the server wrote into its log."""
        return (self.home / ".logs" / "server.log").read_text()

    def stop(self):
        """Ctrl-C; returns the exit code and what it said."""
        self.process.terminate()
        try:
            _, said = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, said


class Answer:
    """Status, headers (lower case) and body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return msgspec.json.decode(self.body)


class Page:
    """The other end of a WebSocket: asks, and keeps what else it hears."""

    def __init__(self, socket):
        self.socket, self.heard, self._count = socket, [], 0
        self.engine = None
        self.until(lambda: self.engine and self.engine["state"] == "up")

    def until(self, met, timeout=60):
        """Listen until something is true."""
        end = time.monotonic() + timeout
        while not met():
            message = msgspec.json.decode(self.socket.recv(timeout=max(end - time.monotonic(), 0.01)))
            self.heard.append(message)
            if message.get("event") == "engine":
                self.engine = message["data"]

    def send(self, cmd, **fields):
        """Ask without waiting; returns the id."""
        self._count += 1
        self.socket.send(msgspec.json.encode({"id": self._count, "cmd": cmd, **fields}).decode())
        return self._count

    def answer(self, name, timeout=120):
        """The final answer of a request."""
        self.until(lambda: self._final(name), timeout)
        return self._final(name)

    def ask(self, cmd, timeout=120, **fields):
        """The answer to a command."""
        return self.answer(self.send(cmd, **fields), timeout)

    def _final(self, name):
        return next((one for one in self.heard if one.get("id") == name and "ok" in one), None)

    def close(self):
        self.socket.close()


def children(process):
    """The engine of a server."""
    import psutil

    return psutil.Process(process).children()


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
