"""Jobs: work that takes its time, one at a time in a thread of its own; progress, cancel, states."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from sidera.engine import logs
from sidera.engine.failures import failure
from sidera.engine.protocol import Failure, FrameMessage, ProgressMessage, Success
from sidera.engine.values import Job, JobState, MeasuredFrame, ProgressStep
from sidera.errors import Cancelled
from sidera.pipeline.progress import Event, Progress

BETWEEN = 0.1
"""Seconds between two messages of progress; a new stage is told at once."""
PATIENCE = 0.1
"""Seconds that a cancelled job is waited for; then it is answered, and what it still does goes nowhere."""
REMEMBERED = 50
"""Jobs that are over and can still be asked for."""
FIRST_SHARE, TRUSTED_SHARE = 0.02, 0.2
"""Shares of a job from which its own pace tells something, and all."""
TOO_LATE = "write"
"""The stage in which a file takes its name: a job that got so far is waited for and ends as it ends."""
log = logging.getLogger("sidera")
Send = Callable[[msgspec.Struct], None]


class Course:
    """How far a job is on the whole and how long it has to go, from the usual shares of its stages.

    Never falls, and never starts anew, though some stages come several times (each stack combines its own tiles).
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = dict(weights)
        self._times: dict[str, int] = {}
        """How often a stage comes."""
        self._met: dict[str, int] = {}
        self._last = ("", -1)
        self._overall = 0.0
        self._guess: float | None = None
        self._start = time.monotonic()

    def expect(self, stage: str, times: int) -> None:
        """A stage will come so often."""
        self._times[stage] = max(times, 1)

    def guess(self, seconds: float) -> None:
        """The job will take about so long; believed until its own pace is known."""
        self._guess = seconds

    def at(self, event: Event) -> ProgressStep:
        """An event of the pipeline as progress of the job."""
        name, done = self._last
        if event.stage != name or event.done < done:
            self._met[event.stage] = self._met.get(event.stage, 0) + 1
        self._last = (event.stage, event.done)
        share = min(event.done / max(event.total, 1), 1.0)
        self._overall = max(self._overall, self._share(event.stage, share))
        return ProgressStep(
            stage=event.stage,
            percent=share,
            done=event.done,
            total=event.total,
            overall=self._overall,
            eta_s=self._left(),
            note=event.note,
        )

    def _share(self, stage: str, share: float) -> float:
        before = 0.0
        for name, weight in self._weights.items():
            if name == stage:
                part = (self._met[stage] - 1 + share) / self._times.get(stage, 1)
                return (before + weight * min(part, 1.0)) / sum(self._weights.values())
            before += weight
        return self._overall

    def _left(self) -> float | None:
        """Seconds to go: by the guess at first, by the pace so far from a fifth of the way on."""
        if self._overall <= FIRST_SHARE:
            return None if self._guess is None else self._guess * (1 - self._overall)
        pace = (time.monotonic() - self._start) / self._overall
        trust = 1.0 if self._guess is None else min(self._overall / TRUSTED_SHARE, 1.0)
        return (trust * pace + (1 - trust) * (self._guess or 0.0)) * (1 - self._overall)


class Ticket:
    """What a job's work is given: where to report, and how to hear that it shall stop."""

    def __init__(self, request: msgspec.Raw, send: Send, weights: Mapping[str, float]) -> None:
        self.course = Course(weights)
        self.progress = Progress(self._hear)
        self.rename: Callable[[Event], Event | None] = lambda event: event
        """Stages by other names; None keeps an event quiet."""
        self.stage = ""
        self.step: ProgressStep | None = None
        self.job = ""
        self._closed = False
        self._request, self._send = request, send
        self._told = 0.0
        self._lock = threading.Lock()

    def frame(self, frame: MeasuredFrame) -> None:
        """Tell of a frame that was measured."""
        self.progress.check()
        self._send(FrameMessage(id=self._request, frame=frame))  # type: ignore[arg-type]  # raw JSON, as it was sent

    def close(self) -> None:
        """The job was answered: nothing more is told."""
        with self._lock:
            self._closed = True

    def _hear(self, event: Event) -> None:
        logs.in_job(self.job)  # threads of the pipeline's own pool come here too
        with self._lock:
            named = self.rename(event)
            if named is None or self._closed:
                return
            step = self.course.at(event)
            fresh = named.stage != self.stage
            if fresh and event.stage != TOO_LATE:
                log.info("%s (%d)", named.stage, event.total)
            self.stage, moment = named.stage, time.monotonic()
            if fresh or moment - self._told >= BETWEEN:
                self._told = moment
                step = msgspec.structs.replace(step, stage=named.stage, note=named.note)
                self._send(ProgressMessage(id=self._request, progress=step))  # type: ignore[arg-type]
            self.step = step


Work = Callable[[Ticket], msgspec.Struct]


class _Entry:
    """A job on its way."""

    def __init__(self, job: Job, work: Work, ticket: Ticket, request: msgspec.Raw) -> None:
        self.job, self.work, self.ticket, self.request = job, work, ticket, request
        self.answered = False


class Jobs:
    """The queue and its thread. ``guard`` runs work and turns whatever goes wrong into a `Failure`."""

    def __init__(
        self,
        send: Send,
        changed: Callable[[Job], None],
        guard: Callable[[msgspec.Raw, str, Callable[[], msgspec.Struct]], Success | Failure],
    ) -> None:
        self._send, self._changed, self._guard = send, changed, guard
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._closed = False
        self._count = 0
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def add(
        self,
        request: msgspec.Raw,
        name: str | int | float,
        cmd: str,
        work: Work,
        weights: Mapping[str, float],
    ) -> None:
        """Queue a job; it answers its request by itself."""
        with self._lock:
            self._count += 1
            job = Job(
                job=f"job-{self._count}",
                request=name,
                cmd=cmd,
                state="queued",
                stage="",
                overall=0.0,
                eta_s=None,
                created=logs.now(),
                started=None,
                ended=None,
                error=None,
            )
            entry = _Entry(job, work, Ticket(request, self._send, weights), request)
            entry.ticket.job = job.job
            self._entries[job.job] = entry
            self._changed(job)
            self._work.notify_all()

    def all(self) -> tuple[Job, ...]:
        """Running and queued jobs, then those that are over, newest first."""
        with self._lock:
            entries = [_now(entry) for entry in self._entries.values()]
        active = [job for job in entries if job.ended is None]
        return (*active, *reversed([job for job in entries if job.ended is not None]))

    def cancel(self, which: str | int | float | None = None) -> tuple[str, ...]:
        """Stop a job by its name or its request's id, or every job; returns those that were told."""
        with self._lock:
            told = [
                entry
                for entry in self._entries.values()
                if entry.job.ended is None and (which is None or which in (entry.job.job, entry.job.request))
            ]
            for entry in told:
                entry.ticket.progress.cancel()
                if entry.job.state == "queued":
                    self._give_up(entry)
                else:
                    timer = threading.Timer(PATIENCE, self._give_up, (entry,))
                    timer.daemon = True
                    timer.start()
        return tuple(entry.job.job for entry in told)

    def close(self, patience: float | None = None) -> None:
        """Let the queue run empty, and end; waits no longer than ``patience`` in seconds."""
        with self._lock:
            self._closed = True
            self._work.notify_all()
        self._thread.join(patience)

    def idle(self) -> bool:
        """Whether no job is left unanswered."""
        with self._lock:
            return all(entry.answered for entry in self._entries.values())

    def _give_up(self, entry: _Entry) -> None:
        """Answer for a job that shall stop and has not yet: a kernel in its middle cannot be interrupted."""
        if entry.ticket.stage != TOO_LATE:
            self._answer(
                entry, failure(entry.request, Cancelled("cancelled", "nothing is left half-written"))
            )

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            self._set(entry, "running", started=logs.now())
            logs.in_job(entry.job.job)
            log.info("%s begins", entry.job.cmd)
            self._answer(entry, self._guard(entry.request, entry.job.cmd, lambda: entry.work(entry.ticket)))
            logs.in_job(None)

    def _next(self) -> _Entry | None:
        """The oldest queued job; None when there will be none."""
        with self._lock:
            while True:
                for entry in self._entries.values():
                    if entry.job.state == "queued":
                        return entry
                if self._closed:
                    return None
                self._work.wait()

    def _answer(self, entry: _Entry, answer: Success | Failure) -> None:
        with self._lock:
            if entry.answered:
                return
            entry.answered = True
            entry.ticket.close()
            entry.job = _now(entry)
            error = answer.error if isinstance(answer, Failure) else None
            state: JobState = "done"
            if isinstance(answer, Failure):
                state = "cancelled" if answer.code == "cancelled" else "failed"
            overall = 1.0 if state == "done" else entry.job.overall
            self._set(entry, state, ended=logs.now(), error=error, overall=overall, eta_s=None)
            log.info("%s: %s", entry.job.cmd, state if error is None else f"{state}: {error}")
            self._send(answer)
            over = [name for name, one in self._entries.items() if one.answered]
            for name in over[:-REMEMBERED]:
                del self._entries[name]

    def _set(self, entry: _Entry, state: JobState, **changes: object) -> None:
        with self._lock:
            entry.job = msgspec.structs.replace(entry.job, state=state, **changes)
            self._changed(entry.job)


def _now(entry: _Entry) -> Job:
    """A job with the progress it has made."""
    step = entry.ticket.step
    if step is None or entry.job.state != "running":
        return entry.job
    return msgspec.structs.replace(entry.job, stage=step.stage, overall=step.overall, eta_s=step.eta_s)
