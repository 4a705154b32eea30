"""How a run says how far it is, and how it is told to stop."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sidera.errors import Cancelled

STAGES = {"scan": 1.0, "masters": 6.0, "measure": 25.0, "register": 3.0, "combine": 55.0, "write": 10.0}
"""Stages of a run, in order, with the usual share of its time; they make the overall percentage."""


@dataclass(frozen=True)
class Event:
    """One step of progress: ``done`` of ``total`` in a stage, and of the whole run (0 to 1, never falling)."""

    stage: str
    done: int
    total: int
    overall: float
    eta_s: float | None
    note: str = ""


class Progress:
    """Counts steps, estimates the rest, and raises `Cancelled` where a run may stop. Safe across threads."""

    def __init__(self, listen: Callable[[Event], None] | None = None) -> None:
        self._listen = listen
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._stage, self._done, self._total = "", 0, 0
        self._overall = 0.0
        self.seconds: dict[str, float] = {}
        """Wall seconds that each stage took."""
        self._stage_start = self._start
        self._times: dict[str, int] = {}
        self._begun: dict[str, int] = {}

    def expect(self, stage: str, times: int) -> None:
        """A stage will come so many times: each has its part of the stage's share."""
        self._times[stage] = max(times, 1)

    def aside(self) -> "Progress":
        """For work that is no stage of the run: it tells the same listener, with a percentage of its own.

        A run that is asked to stop stops there too.
        """
        other = Progress(self._listen)
        other._stop = self._stop
        return other

    def cancel(self) -> None:
        """Ask the run to stop at its next step."""
        self._stop.set()

    def check(self) -> None:
        """Raise `Cancelled` when the run was asked to stop."""
        if self._stop.is_set():
            raise Cancelled("cancelled", "nothing is left half-written; masters that were finished are kept")

    def stage(self, name: str, total: int, note: str = "") -> None:
        """Begin a stage of ``total`` steps."""
        self.finish()
        with self._lock:
            self._stage, self._done, self._total = name, 0, total
            self._begun[name] = self._begun.get(name, 0) + 1
            self._stage_start = time.monotonic()
        self._say(note)

    def step(self, note: str = "") -> None:
        """One step of the stage is done."""
        self.check()
        with self._lock:
            self._done += 1
        self._say(note)

    def finish(self) -> None:
        """The stage is over; its time is kept in `seconds`."""
        if self._stage:
            spent = time.monotonic() - self._stage_start
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + spent
            self._stage = ""

    def _say(self, note: str) -> None:
        self.check()
        if self._listen is None:
            return
        with self._lock:
            self._overall = max(self._overall, self._share())
            elapsed = time.monotonic() - self._start
            eta = elapsed * (1 / self._overall - 1) if self._overall > 0.02 else None
            event = Event(self._stage, self._done, self._total, self._overall, eta, note)
        self._listen(event)

    def _share(self) -> float:
        before = 0.0
        if self._stage not in STAGES:  # a job of one stage, such as a simulation
            return self._done / max(self._total, 1)
        for name, weight in STAGES.items():
            if name == self._stage:
                times, now = self._times.get(name, 1), self._begun.get(name, 1) - 1
                done = (min(now, times - 1) + self._done / max(self._total, 1)) / times
                return (before + weight * done) / sum(STAGES.values())
            before += weight
        return self._overall
