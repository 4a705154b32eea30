"""The engine as a child process: asked and heard over its pipes, and started again when it dies."""

import asyncio
import itertools
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

import msgspec

log = logging.getLogger("sidera.server")
LONGEST = 256 << 20
"""Bytes of a line of the engine's at most; a scan of thousands of frames has some millions."""
MOST_PENDING = 512
"""Requests under way at most."""
STEADY = 10.0
"""Seconds after which an engine counts as sound; one that dies sooner is started again ever later."""
DELAYS = (0.0, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the first, second ... new start in a row; until the third it answers again within a second."""
FAREWELL = 3.0
"""Seconds that the engine has to end by itself."""
LAST_BREATH = 0.3
"""Seconds that an engine which has closed its output has to be dead."""
Fields = dict[str, msgspec.Raw]
Hear = Callable[[Fields], None]


class EngineState(msgspec.Struct, frozen=True):
    """How the engine is, as pages are told."""

    state: Literal["starting", "up", "down"]
    restarts: int = 0
    why: str = ""
    """One sentence for people; empty while all is well."""


class EngineLostError(Exception):
    """There is no engine to ask just now, or it died over the request."""


class Child:
    """Keeps an engine alive.

    Parameters
    ----------
    told : callable
        Hears the engine's events (job, log), each as its fields.
    changed : callable
        Hears of every new `EngineState`.
    command : words, optional
        What to start instead of ``sidera engine``, for tests.
    """

    def __init__(
        self, told: Hear, changed: Callable[[EngineState], None], command: Sequence[str] | None = None
    ) -> None:
        self.state = EngineState("starting")
        self._told, self._changed = told, changed
        self._command = command or (sys.executable, "-m", "sidera", "engine", "--log-format", "json")
        self._process: Process | None = None
        self._pending: dict[int, Hear] = {}
        self._names = itertools.count(1)
        self._end = asyncio.Event()
        self._farewells = 0
        """Process that was asked to end by itself."""
        self._last_words: deque[str] = deque(maxlen=50)

    async def run(self) -> None:
        """Start the engine, and start it again whenever it dies, until `close`."""
        failures = 0
        while not self._end.is_set():
            began = time.monotonic()
            why = await self._live()
            if self._end.is_set():
                return
            failures = 0 if time.monotonic() - began > STEADY else failures + 1
            delay = DELAYS[min(max(failures - 1, 0), len(DELAYS) - 1)]
            again = f"it is started again in {delay:g} s" if delay >= 1 else "it is started again"
            log.warning("%s; %s. Its last lines: %s", why, again, " | ".join(self._last_words))
            self._set(EngineState("down", self.state.restarts + 1, f"{why}; {again}"))
            self._lose_all(why)
            await self._pause(delay)

    def send(self, request: Mapping[str, Any], hear: Hear) -> int:
        """Pass a request on; ``hear`` gets every message about it. Returns the id that the engine knows it by.

        Raises
        ------
        EngineLostError
            When there is none, or it has too much to do.
        """
        writer = None if self._process is None else self._process.stdin
        if writer is None or writer.is_closing() or self.state.state == "down":
            raise EngineLostError(self.state.why or "The engine is being started")
        if len(self._pending) >= MOST_PENDING:
            raise EngineLostError(f"More than {MOST_PENDING} requests are under way")
        name = next(self._names)
        line = msgspec.json.encode({**request, "id": name})
        self._pending[name] = hear
        writer.write(line + b"\n")
        return name

    async def ask(self, request: Mapping[str, Any]) -> Fields:
        """The final answer to a request.

        Raises
        ------
        EngineLostError
            As `send`, or when the engine dies meanwhile.
        """
        done: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()

        def hear(fields: Fields) -> None:
            if "ok" in fields and not done.done():
                done.set_result(fields)

        self.send(request, hear)
        answer = await done
        if bytes(answer.get("code", b"")) == b'"engine_lost"':
            raise EngineLostError(msgspec.json.decode(answer["error"]))
        return answer

    async def close(self) -> None:
        """End the engine: by itself when it can, else by force."""
        self._end.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._farewells = process.pid
        with suppress(EngineLostError):
            self.send({"cmd": "shutdown"}, lambda _: None)
        if process.stdin is not None:
            process.stdin.close()
        await self._buried(process)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond `close`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), seconds)

    async def _live(self) -> str:
        """One engine's life; returns why it ended, for people."""
        self._set(EngineState("starting", self.state.restarts, self.state.why))
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST
            )
        except OSError as error:
            return f"The engine cannot be started ({error})"
        self._process = process
        log.info("engine started, process %d", process.pid)
        words = asyncio.create_task(self._note(process))
        try:
            if not self._end.is_set():  # else it was closed while the engine was being started
                self.send({"cmd": "hello", "events": ["job", "log"]}, self._greeted)
                await self._hear(process)
        finally:
            code = await self._buried(process)
            await words
        return _why(code)

    async def _buried(self, process: Process) -> int:
        """The exit code of an engine that says nothing more.

        One that is dead is left to its watcher for a moment: asyncio's kill would look for itself whether it lives,
        take the exit code away from the watcher, and 255 would be told for every signal (Python 3.11).
        """
        patience = FAREWELL if self._farewells == process.pid else LAST_BREATH
        try:
            return await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:  # it talks nonsense, closed its mouth, or nobody wants it any more
            with suppress(ProcessLookupError):
                process.kill()
            return await process.wait()

    async def _hear(self, process: Process) -> None:
        """Every line of the engine, until it ends."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
                if not line:
                    return
                self._take(msgspec.json.decode(line, type=Fields))
            except (ValueError, msgspec.MsgspecError) as error:
                log.warning("a line of the engine's is not understood: %s", error)
                return

    def _take(self, fields: Fields) -> None:
        if "event" in fields:
            self._told(fields)
            return
        name = msgspec.json.decode(fields["id"], type=int | None)
        hear = self._pending.get(name or 0)
        if "ok" in fields:
            self._pending.pop(name or 0, None)
        if hear is not None:
            hear(fields)

    async def _note(self, process: Process) -> None:
        """Keep the engine's last lines; it writes its own log file."""
        assert process.stderr is not None
        with suppress(ValueError):
            async for line in process.stderr:
                self._last_words.append(line.decode("utf-8", "replace").strip()[:500])

    def _greeted(self, fields: Fields) -> None:
        if bytes(fields["ok"]) == b"true":
            self._set(EngineState("up", self.state.restarts))

    def _set(self, state: EngineState) -> None:
        self.state = state
        self._changed(state)

    def _lose_all(self, why: str) -> None:
        """Answer every request under way: the engine will not."""
        pending, self._pending = self._pending, {}
        for hear in pending.values():
            hear(lost(why))


def lost(why: str) -> Fields:
    """A failure for a request that the engine cannot answer any more."""
    said = {"ok": False, "code": "engine_lost", "error": f"{why}. Ask again when it is back"}
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in said.items()}


def _why(code: int) -> str:
    if code == -9:
        return "The engine was killed, by somebody or because the memory ran out"
    if code < 0:
        return f"The engine crashed (signal {-code})"
    return f"The engine ended by itself (code {code})"
