"""The engine: who answers what, and in which thread.

``now``
    The thread that reads the lines: hello, cancel, jobs, log, recipe. Nothing here waits for anything.
``look``
    Headers, tiles, pixels: milliseconds.
``files``
    What takes a whole image: up to some seconds.
``projects``
    What a project remembers: milliseconds, and each answer is on the disk.
``jobs``
    One job at a time, with progress.

A request that came first in its thread is answered first. Numba, SciPy and astropy are loaded by the thread whose
command needs them, one thread at a time, so hello, info and cancel are answered before.
"""

import logging
import os
import platform
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from sidera._version import __version__
from sidera.engine import logs, projects, protocol
from sidera.engine.failures import RequestError, code_of, failure
from sidera.engine.jobs import Jobs, Ticket
from sidera.engine.protocol import Failure, JobEvent, LogEvent, Success
from sidera.engine.recipes import recipe
from sidera.engine.requests import COMMANDS, understood
from sidera.engine.values import CancelledJobs, Greeting, Job, LogLine, LogLines, Nothing
from sidera.engine.values import Jobs as JobList
from sidera.engine.wire import Line, Output, encode, lines
from sidera.loading import load
from sidera.pipeline.progress import STAGES

log = logging.getLogger("sidera")
LAST_WORDS = 5.0
"""Seconds that the engine, told to end, waits for a kernel in its middle."""
LOOK: dict[type[msgspec.Struct], str] = {
    protocol.Info: "legacy:info",
    protocol.ImageInfo: "legacy:image_info",
    protocol.GetTile: "look:tile",
    protocol.GetPixel: "look:pixel",
}
FILES: dict[type[msgspec.Struct], str] = {
    protocol.Load: "legacy:load",
    protocol.Save: "legacy:save",
    protocol.Preview: "legacy:preview",
    protocol.GetHistogram: "legacy:histogram",
    protocol.AutoStretch: "legacy:auto_stretch",
    protocol.Open: "look:open_image",
    protocol.GetView: "look:view",
    protocol.GetStars: "look:stars",
}
PROJECTS: dict[type[msgspec.Struct], str] = {
    projects.ProjectNew: "project:new",
    projects.ProjectOpen: "project:opened",
    projects.ProjectList: "project:recent",
    projects.ProjectRemove: "project:remove",
    projects.ProjectStatus: "project:status",
    projects.ProjectFrames: "project:frames",
    projects.ProjectVerdict: "project:verdict",
    projects.ProjectUndo: "project:undo",
    projects.ProjectRecipe: "project:keep_recipe",
    projects.ProjectView: "project:view",
}
LAST: dict[type[msgspec.Struct], str] = {
    protocol.Release: "legacy:release",
    protocol.ReleaseAll: "legacy:release_all",
}
"""Done when all that was asked before is done, in both threads."""
LEGACY = {
    **dict.fromkeys(("Loading bias frames", "Loading dark frames", "Loading flat frames"), 1.0),
    **STAGES,
    "Post-processing": 1.0,
    "Complete": 0.1,
}
JOBS: dict[type[msgspec.Struct], tuple[str, dict[str, float]]] = {
    protocol.Pipeline: ("legacy:pipeline", LEGACY),
    protocol.Scan: ("work:scan", {"scan": 1.0}),
    protocol.Plan: ("work:plan", {"scan": 1.0}),
    protocol.Measure: ("work:measure", {"scan": 1.0, "measure": 25.0}),
    protocol.Stack: ("work:stack", STAGES),
    projects.ProjectAdd: ("project:add", {"scan": 1.0}),
    projects.ProjectPlan: ("project:plan", {"scan": 1.0}),
    projects.ProjectMeasure: ("project:measure", {"scan": 1.0, "masters": 5.0, "measure": 25.0}),
    projects.ProjectStack: ("project:stack", STAGES),
    protocol.Finish: ("finishing:finish", {"finish": 10.0, "write": 1.0}),
}
"""With the usual shares of their stages."""
WARM = ("sidera.pipeline.run", "sidera.engine.look", "sidera.engine.work")


def found(place: str) -> Callable[..., msgspec.Struct]:
    """The function of a command, loaded when it is needed."""
    module, _, name = place.partition(":")
    function: Callable[..., msgspec.Struct] = getattr(load(f"sidera.engine.{module}"), name)
    return function


class Lane:
    """A thread that does one thing after the other."""

    def __init__(self, name: str) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, task: Callable[[], None]) -> None:
        """Do this when all before it is done."""
        self._queue.put(task)

    def close(self) -> None:
        """Do what is queued, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            task()


class Engine:
    """Answers lines. ``images`` is the memory for images held, in bytes; a quarter of all by default."""

    def __init__(self, output: Output, journal: logs.Log, images: int | None = None) -> None:
        self._output, self._journal, self._limit = output, journal, images
        self._events: tuple[str, ...] = ()
        self._desk: Any = None
        self._desk_lock = threading.Lock()
        self._look, self._files, self._projects = Lane("look"), Lane("files"), Lane("projects")
        self._jobs = Jobs(output.send, self._job_changed, self._guarded)
        self._ended = False
        journal.listen = self._logged

    def run(self, descriptor: int) -> int:
        """Answer every line of a stream until its end, or ``shutdown``; returns the exit code."""
        log.info("engine %s begins, process %d", __version__, os.getpid())
        for line in lines(descriptor):
            self.answer(line)
            if self._ended or self._output.broken.is_set():
                break
        self.end(finish=not self._ended)
        return 0

    def answer(self, line: Line) -> None:
        """Answer one line, at once or by another thread."""
        name, request = understood(line)
        if isinstance(request, RequestError):
            log.info("refused: %s", request)
            self._output.send(failure(name, request))
        else:
            self._dispatch(name, request)

    def end(self, finish: bool = True) -> None:
        """Let what was asked for be finished, as long as somebody listens, or cancel it."""
        self._files.close()
        self._look.close()
        self._projects.close()
        while finish and not self._jobs.idle() and not self._output.broken.is_set():
            time.sleep(0.02)
        self._jobs.cancel()
        self._jobs.close(LAST_WORDS)
        if self._desk is not None:
            self._desk.close()
        log.info("engine ends")

    def _dispatch(self, name: msgspec.Raw, request: Any) -> None:  # noqa: ANN401 (any of the protocol's requests)
        kind = type(request)
        if kind in JOBS:
            place, weights = JOBS[kind]
            self._jobs.add(name, request.id, _tag(request), self._job(place, request), weights)
        elif kind in LOOK:
            self._look.add(lambda: self._reply(name, request, LOOK[kind]))
        elif kind in FILES:
            self._files.add(lambda: self._reply(name, request, FILES[kind]))
        elif kind in PROJECTS:
            self._projects.add(lambda: self._reply(name, request, PROJECTS[kind]))
        elif kind in LAST:
            self._files.add(lambda: self._look.add(lambda: self._reply(name, request, LAST[kind])))
        else:
            self._output.send(self._guarded(name, _tag(request), lambda: self._now(request)))

    def _job(self, place: str, request: msgspec.Struct) -> Callable[[Ticket], msgspec.Struct]:
        return lambda ticket: found(place)(self.desk(), request, ticket)

    def _reply(self, name: msgspec.Raw, request: msgspec.Struct, place: str) -> None:
        answer = self._guarded(name, _tag(request), lambda: found(place)(self.desk(), request))
        self._output.send(answer)

    def _now(self, request: msgspec.Struct) -> msgspec.Struct:
        """What is answered by the thread that reads."""
        if isinstance(request, protocol.Hello):
            return self._hello(request)
        if isinstance(request, protocol.ListJobs):
            return JobList(self._jobs.all())
        if isinstance(request, protocol.Cancel):
            return CancelledJobs(self._jobs.cancel(request.job))
        if isinstance(request, protocol.Log):
            return LogLines(self._journal.after(request.after, request.level, request.most))
        if isinstance(request, protocol.GetRecipe):
            return recipe(request)
        if isinstance(request, protocol.Shutdown):
            self._ended = True
            return Nothing()
        raise RequestError("not_available", f"{_tag(request)} is not available in this version")

    def _hello(self, request: protocol.Hello) -> Greeting:
        if request.events is not msgspec.UNSET:
            self._events = request.events
            self._files.add(self._warm)  # somebody will look at pictures soon
        return Greeting(
            engine="sidera",
            version=__version__,
            protocol=protocol.VERSION,
            process=os.getpid(),
            commands=tuple(COMMANDS),
            python=platform.python_version(),
            platform=platform.system(),
        )

    def desk(self) -> Any:  # noqa: ANN401 (a Desk, whose module loads NumPy)
        """The images held; made when first needed, so that hello does not wait for NumPy."""
        with self._desk_lock:
            if self._desk is None:
                self._desk = load("sidera.engine.desk").new_desk(self._limit)
            return self._desk

    def _guarded(
        self, name: msgspec.Raw, doing: str, work: Callable[[], msgspec.Struct]
    ) -> Success | Failure:
        """Do it; whatever goes wrong becomes a failure. THE edge of the engine: no error ends the process."""
        try:
            data = msgspec.Raw(encode(work()))  # now, so that what cannot be told is a failure too
            return Success(id=name, data=data)  # type: ignore[arg-type]  # the raw JSON of an id encodes as itself
        except Exception as error:  # noqa: BLE001 (the edge)
            answer = failure(name, error)
            if code_of(error) == "internal":
                logs.crashed(error, doing)
            return answer

    def _warm(self) -> None:
        """Load what the first picture and the first run need, while nobody waits."""
        for module in WARM:
            self._guarded(msgspec.Raw(b"null"), f"loading {module}", partial(_loaded, module))

    def _job_changed(self, job: Job) -> None:
        if "job" in self._events:
            self._output.send(JobEvent(data=job))

    def _logged(self, line: LogLine) -> None:
        if "log" in self._events:
            self._output.send(LogEvent(data=line))


def _tag(request: msgspec.Struct) -> str:
    return str(request.__struct_config__.tag)


def _loaded(module: str) -> Nothing:
    load(module)
    return Nothing()
