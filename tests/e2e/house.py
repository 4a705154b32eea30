"""The real thing for tests in a browser: `sidera ui` in a process of its own, and a page that is used as people do."""

import bisect
import io
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import TimeoutError as TooLate

from e2e.scripts import PAN

PLACES = ("SIDERA_STATE", "SIDERA_LOGS", "SIDERA_TILES", "SIDERA_MASTERS")
BUSY = ".status-job"
PATIENCE = 60_000
"""Milliseconds that a slow machine is waited for."""
CANVAS = ".viewer-canvas"
STEPS_A_FRAME = 400
"""Runs of our functions and loops that a frame of panning may take: 2 ms of the processor's time hold as many."""


HEARD_OF = """
window.heardOf = text => new Promise(done => heardOf.waiting.push([text, done]));
heardOf.waiting = [];
heardOf.asked = new Set();
heardOf.begun = heardOf.fetching = 0;
const Line = WebSocket, plainFetch = fetch, plainJson = Response.prototype.json;
window.WebSocket = class extends Line {
  constructor(...given) {
    super(...given);
    heardOf.line = this;
    this.addEventListener('close', () => heardOf.asked.clear());
    this.addEventListener('message', event => {
      if (/"ok":(true|false)/.test(event.data)) heardOf.asked.delete(JSON.parse(event.data).id);
      for (const [text, done] of heardOf.waiting) if (event.data.includes(text)) done(performance.now());
    });
  }
  send(text) {
    heardOf.begun += 1;
    heardOf.asked.add(JSON.parse(text).id);
    super.send(text);
  }
};
const counted = promise => {
  heardOf.begun += 1;
  heardOf.fetching += 1;
  return promise.finally(() => { heardOf.fetching -= 1; });
};
window.fetch = (...given) => counted(plainFetch(...given));
Response.prototype.json = function () { return counted(plainJson.call(this)); };
"""
"""``await heardOf(text)``: the next message from the server that holds it; and what the page waits for itself."""

STILL = """([quiet, drawn, free, most]) => new Promise(done => {
  const end = performance.now() + most;
  const moving = one => one.playState === 'running' && Number.isFinite(one.effect.getComputedTiming().endTime);
  const look = () => {
    const one = document.querySelector('.viewer-canvas')?.sidera;
    const counts = one && {frames: one.frames, draws: one.draws, requests: one.requests};
    const engine = document.querySelector('.status-engine')?.textContent;
    const stirs = [
      heardOf.asked.size > 0 && `${heardOf.asked.size} requests`, heardOf.fetching > 0 && `${heardOf.fetching} fetches`,
      document.getAnimations().some(moving) && 'an animation', drawn && !counts?.draws && 'no picture',
      free && document.querySelector('.status-job') && 'a job', free && engine !== 'Ready' && `engine: ${engine}`,
    ].filter(Boolean);
    return {counts, stirs, now: JSON.stringify([heardOf.begun, counts, stirs])};
  };
  const wait = before => requestAnimationFrame(() => setTimeout(() => {
    const after = look();
    if (after.stirs.length === 0 && after.now === before.now) done({counts: after.counts, late: null});
    else if (performance.now() > end) done({late: after.now});
    else wait(after);
  }, quiet));
  wait(look());
})"""
"""Waits until nothing stirs for some milliseconds of the page's own clock: its timers set before have run by then."""


class Server:
    """`sidera ui` with folders of its own; started again it finds what it left behind."""

    def __init__(self, folder: Path, *nights: Path, port: int = 0):
        self.folder, self.nights, self.port = folder, nights, port
        self.results = folder / "results"
        self.process = None

    def start(self):
        """Start; returns the link, good for one use."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **{name: str(self.folder / name.lower()) for name in PLACES}}
        words = ["ui", "--no-browser", "--port", str(self.port), "--results", str(self.results)]
        with (self.folder / "ui.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sidera", *words, *map(str, self.nights)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        link = self.process.stdout.readline().strip()
        assert link.startswith("http://127.0.0.1:"), (link, (self.folder / "ui.log").read_text())
        self.port = int(re.search(r":(\d+)/", link)[1])
        return link

    def stop(self):
        """As Ctrl-C does."""
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()

    def engine(self):
        """The engine's process."""
        return next(one for one in psutil.Process(self.process.pid).children() if "engine" in one.cmdline())


@contextmanager
def serving(folder, *nights):
    """A server while it is needed."""
    server = Server(folder, *nights)
    link = server.start()
    try:
        yield server, link
    finally:
        server.stop()


@dataclass(frozen=True)
class Panned:
    """What a frame of panning costs."""

    steps_a_frame: float
    milliseconds: float
    """Of the processor's time, at the 95th percentile."""

    def __str__(self):
        return f"{self.steps_a_frame:.0f} steps of script a frame, {self.milliseconds:.2f} ms of it (p95)"


class Page:
    """A tab, its requests and its complaints."""

    def __init__(self, context):
        context.add_init_script(HEARD_OF)
        self.tab = context.new_page()
        self.requests, self.complaints, self.told, self.failed = [], [], [], []
        self.tab.on("request", lambda one: self.requests.append(one.url))
        self.tab.on("requestfailed", lambda one: self.failed.append((one.url, one.failure)))
        self.tab.on(
            "response", lambda one: self.failed.append((one.url, one.status)) if one.status >= 400 else 0
        )
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._said)
        self.tab.on("websocket", lambda line: line.on("framesent", lambda text: self.told.append(text)))

    def _said(self, message):
        # A tile of a picture that was released meanwhile, or of an engine that has died, is a 404 and no fault.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def open(self, address):
        """Open the page, and wait until a room is there; else say everything that was seen."""
        self.tab.goto(address)
        try:
            self.tab.locator(".panel").wait_for()
        except TooLate as error:
            seen = self.tab.locator("body").inner_html()[:2000]
            raise AssertionError(
                f"no room is shown; asked {self.requests}, failed {self.failed}, said {self.complaints}: {seen}"
            ) from error

    def button(self, name, exact=True):
        """A button by its name; the last, for the room's own come after those of the frame around it."""
        return self.tab.get_by_role("button", name=name, exact=exact).last

    def choose(self, folder):
        """Choose a folder among those that the server was given."""
        self.button("Choose a folder").click()
        self.tab.get_by_role("dialog").get_by_role("button", name=str(folder), exact=True).click()
        self.button("Open this folder").click()

    def room(self, number):
        """Library 1, Frames 2, Stack 3, Finish 4."""
        self.tab.keyboard.press(f"F{number}")

    def rest(self, timeout=120):
        """Wait until no job runs and none begins, all that was asked is answered, and what is kept is kept."""
        self._still(450, False, True, timeout)

    def drawn(self, timeout=60):
        """Wait until the picture is drawn and nothing more comes; returns what the viewer counted."""
        return self._still(150, True, False, timeout)["counts"]

    def still(self, timeout=60):
        """Wait until nothing moves and nothing is asked."""
        self._still(150, False, False, timeout)

    def _still(self, quiet, drawn, free, timeout):
        seen = self.tab.evaluate(STILL, [quiet, drawn, free, 1000 * timeout])
        assert seen["late"] is None, f"the page does not come to rest: {seen['late']}"
        return seen

    def until(self, met, timeout=60):
        """Wait until something is true of the page; returns it."""
        end = time.monotonic() + timeout
        while not (seen := met()):
            assert time.monotonic() < end, "it does not become true"
            self.tab.wait_for_timeout(50)
        return seen

    def counts(self):
        """Frames, draws and requests of the viewer since it began."""
        return self.tab.evaluate(
            "() => { const one = document.querySelector('.viewer-canvas')?.sidera;"
            " return one && {frames: one.frames, draws: one.draws, requests: one.requests}; }"
        )

    def javascript_times(self, act):
        """Milliseconds that the processor spent on our own script in each frame while something was done, sorted.

        Of the page's thread, as the browser's own trace tells it: what other programs take from us is no time of
        ours. A frame's are those of every handler and callback from one drawing to the next.
        """
        return sorted(script_times(self._traced(act, "devtools.timeline")))

    def _traced(self, act, *categories):
        """The browser's own trace while something is done."""
        tracer = self.tab.context.browser
        tracer.start_tracing(page=self.tab, categories=[*categories])
        try:
            act()
        finally:
            events = json.loads(tracer.stop_tracing())["traceEvents"]
        return events

    def longest(self, act, enough):
        """Milliseconds of the page's own thread in its longest task; the best of some: two programs slow each other."""
        least = float("inf")
        for _ in range(4):
            times = task_times(
                self._traced(act, "devtools.timeline", "disabled-by-default-devtools.timeline")
            )
            assert len(times) > 20
            least = min(least, max(times))
            if least < enough:
                break
        return least

    def panned(self):
        """Pan the picture by hand, once to count and once to time it."""
        before = self.drawn()["frames"]
        steps = self.steps(lambda: self.tab.evaluate(PAN))
        frames = self.drawn()["frames"] - before
        times = self.javascript_times(lambda: self.tab.evaluate(PAN))
        return Panned(steps / frames, times[int(0.95 * len(times))])

    def steps(self, act):
        """How much our own script does meanwhile: how often the browser counts its functions and loops to have run.

        About the same number on every machine, however fast it is.
        """
        line = self.tab.context.new_cdp_session(self.tab)
        line.send("Profiler.enable")
        line.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
        try:
            act()
            seen = line.send("Profiler.takePreciseCoverage")["result"]
        finally:
            line.send("Profiler.stopPreciseCoverage")
            line.detach()
        ours = [script for script in seen if "/assets/" in script["url"]]
        return sum(part["count"] for script in ours for one in script["functions"] for part in one["ranges"])

    def shot(self, what=None):
        """A screenshot of the page, or of a part of it, as a file."""
        return io.BytesIO((what or self.tab).screenshot())

    def notice(self, text, timeout=60):
        """Wait for a notice that says so."""
        self.tab.locator(".notice", has_text=text).last.wait_for(timeout=1000 * timeout)


SCRIPT = ("FireAnimationFrame", "EventDispatch")
"""What a frame waits for: its callbacks, and the handlers of what hands do. Timers come between frames."""


def of_the_page(events):
    """Those of the page's own thread."""
    page = next(one for one in events if one["name"] == "FireAnimationFrame")
    return [one for one in events if (one["pid"], one["tid"]) == (page["pid"], page["tid"])]


def task_times(events):
    """Milliseconds of the processor's time in every task of a trace."""
    return [one["tdur"] / 1000 for one in of_the_page(events) if one["name"] == "RunTask" and "tdur" in one]


def script_times(events):
    """Milliseconds of script in every frame of a trace: outermost events only, for the others are within them."""
    here = of_the_page(events)
    starts = sorted(one["ts"] for one in here if one["name"] == "AnimationFrame::Render" and one["ph"] == "b")
    spent, end = [0.0] * (len(starts) + 1), 0
    for one in sorted(
        (one for one in here if one["name"] in SCRIPT and "tdur" in one), key=lambda one: one["ts"]
    ):
        if one["ts"] >= end:
            spent[bisect.bisect(starts, one["ts"])] += one["tdur"] / 1000
            end = one["ts"] + one["dur"]
    return [time for time in spent if time > 0]


def picture(png):
    """An image as RGB, 0 to 255."""
    return np.asarray(Image.open(png).convert("RGB"), float)


def say(text):
    """A figure for who runs with -s."""
    sys.stdout.write(f"\n{text}\n")
