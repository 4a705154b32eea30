"""Talk to an engine, in this process or a child's, as its clients do."""

import json
import logging
import queue
import subprocess
import sys
import threading
import time

from sidera.engine.engine import Engine
from sidera.engine.logs import Log
from sidera.engine.wire import Line, encode


class Talk:
    """Requests out, messages in; ``heard`` keeps those that were no final answer."""

    def __init__(self):
        self._messages = queue.Queue()
        self._count = 0
        self.heard = []

    def ask(self, cmd, timeout=120, **fields):
        """The answer to a command."""
        return self.answer(self.send(cmd, **fields), timeout)

    def data(self, cmd, **fields):
        """What a command gives, which must succeed."""
        answer = self.ask(cmd, **fields)
        assert answer["ok"], answer
        return answer["data"]

    def send(self, cmd, **fields):
        """Ask without waiting; returns the id."""
        self._count += 1
        self.line(json.dumps({"id": self._count, "cmd": cmd, **fields}).encode())
        return self._count

    def answer(self, name, timeout=120):
        """The final answer of a request."""
        end = time.monotonic() + timeout
        while True:
            message = self._messages.get(timeout=max(end - time.monotonic(), 0.01))
            if message.get("id") == name and "ok" in message:
                return message
            self.heard.append(message)

    def progress(self, name):
        """Progress that was heard of a request."""
        return [one["progress"] for one in self.heard if one.get("id") == name and "progress" in one]


class _Out:
    """An `Output` that keeps messages as a client would read them."""

    def __init__(self, messages):
        self._messages, self.broken = messages, threading.Event()

    def send(self, message):
        self._messages.put(json.loads(encode(message)))


class Near(Talk):
    """An engine in this process."""

    def __init__(self, images=1 << 28):
        super().__init__()
        self._log = Log()
        logging.getLogger("sidera").addHandler(self._log)
        logging.getLogger("sidera").setLevel(logging.INFO)
        self.engine = Engine(_Out(self._messages), self._log, images)

    def line(self, text):
        """One line in."""
        self.engine.answer(Line(text))

    def close(self):
        """Let it finish what it was asked for."""
        self.engine.end()
        logging.getLogger("sidera").removeHandler(self._log)


class Child(Talk):
    """An engine as other programs start it."""

    def __init__(self, *options, env=None):
        super().__init__()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sidera", "engine", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._messages.put(json.loads(line))

    def line(self, text):
        """One line in."""
        self.process.stdin.write(text + b"\n")
        self.process.stdin.flush()

    def close(self, timeout=120):
        """End its input; returns the exit code."""
        self.process.stdin.close()
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        self.process.stdout.close()
        return code
