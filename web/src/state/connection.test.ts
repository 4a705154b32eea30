import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connection, start } from "./connection";
import { elsewhere } from "./jobs";
import { library } from "./library";
import { image } from "./made";
import { page } from "./page";
import { viewer } from "./viewer";

const RUNNING = [
  { job: "j7", cmd: "stack", state: "running", request: null },
  { job: "j6", cmd: "scan", state: "done", request: null },
];

const PROJECT = { folder: "/r/n", name: "n", roots: [{ path: "/n", kind: null }], results: [], recipe: {} };

/** A WebSocket whose other end is the test. */
class Wire {
  static made: Wire[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly asked: string[] = [];
  /** Whether requests are lost, as over an engine that dies. */
  deaf = false;
  constructor(readonly address: URL) {
    Wire.made.push(this);
  }
  send(text: string) {
    const { id, cmd } = JSON.parse(text);
    this.asked.push(cmd);
    const data = {
      recipe: { recipe: {}, schema: {} },
      hello: { version: "1" },
      jobs: { jobs: RUNNING },
      open: image("k"),
      "project.list": { projects: [] },
      "project.stack": { stacks: [], written: [], summary: ["done"], report: {} },
      "project.status": { ...PROJECT, unfinished: { command: "stack", output: null, started: "" } },
    }[cmd as string];
    const answer = this.deaf
      ? { id, ok: false, code: "engine_lost", error: "gone" }
      : { id, ok: true, data: data ?? {} };
    queueMicrotask(() => this.say(answer));
  }
  close() {
    this.onclose?.();
  }
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  engine(state: string, restarts = 0) {
    this.say({
      event: "engine",
      data: { state, restarts, why: state === "down" ? "The engine has stopped" : "" },
    });
  }
}

const settle = () => new Promise((done) => setTimeout(done, 10));

beforeEach(() => {
  Wire.made = [];
  page.setState({ notices: [] });
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("location", { href: "http://127.0.0.1:5000/?x#y" });
  vi.stubGlobal("fetch", async () => ({ ok: true, json: async () => ({ results: "/r" }) }));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("the page says hello, learns where results go, and is ready once", async () => {
  const ready = vi.fn();
  start(ready);
  const wire = Wire.made[0]!;
  expect(wire.address.href).toBe("ws://127.0.0.1:5000/ws");
  wire.onopen?.();
  wire.engine("up");
  await settle();
  expect(wire.asked.slice(0, 3)).toEqual(["hello", "jobs", "recipe"]);
  expect(elsewhere()?.job).toBe("j7"); // begun before this page was loaded
  expect(library.getState().resultsFolder).toBe("/r");
  wire.engine("down");
  wire.engine("up", 1);
  await settle();
  expect(ready).toHaveBeenCalledTimes(1);
});

it("an engine that died is told of, and when it is back the stack can be gone on with", async () => {
  start(() => undefined);
  const wire = Wire.made[0]!;
  wire.onopen?.();
  wire.engine("up");
  await settle();
  viewer.setState({ image: image("k", { path: "/n/a.fits" }) });
  library.setState({ folder: "/r/n", inputs: ["/n"], scanned: { frames: [], refused: [] } });
  wire.engine("down");
  expect(page.getState().notices.map((one) => one.text)).toEqual(["The engine has stopped"]);
  expect(connection.getState().engine).toBe("down");
  wire.engine("up", 1);
  await settle();
  const { notices } = page.getState();
  expect(notices.map((one) => one.text)).toEqual(["The engine stopped during a stack and was started again"]);
  expect(notices[0]!.action!.label).toBe("Go on");
  expect(notices[0]!.hint).toBe("The engine has stopped. What was finished is used again.");
  expect(wire.asked.filter((cmd) => cmd === "open")).toHaveLength(1); // what was shown is shown again
  notices[0]!.action!.act();
  await settle();
  expect(wire.asked).toContain("project.stack");
});

it("a server that has gone is told of once", () => {
  start(() => undefined);
  const wire = Wire.made[0]!;
  wire.onopen?.();
  wire.onclose?.();
  expect(connection.getState().server).toBe("lost");
  expect(page.getState().notices.at(-1)).toMatchObject({ tone: "bad", text: "Sidera's server has gone" });
});

it("of a server that was started again the engine is not up before it says so, and has not stopped", async () => {
  vi.useFakeTimers(); // or a line of the test before is dialled meanwhile
  start(() => undefined);
  const wire = Wire.made[0]!;
  wire.onopen?.();
  wire.engine("up");
  await vi.advanceTimersByTimeAsync(10);
  wire.onclose?.();
  await vi.advanceTimersByTimeAsync(300);
  const again = Wire.made[1]!;
  again.onopen?.();
  expect(connection.getState()).toMatchObject({ server: "up", engine: "starting" });
  again.engine("starting");
  expect(page.getState().notices.map((one) => one.text)).toEqual(["Sidera's server has gone"]);
  again.engine("up");
  expect(connection.getState().engine).toBe("up");
});

it("an engine that dies over the first greeting does not keep the page from opening", async () => {
  const ready = vi.fn();
  start(ready);
  const wire = Wire.made[0]!;
  wire.onopen?.();
  wire.deaf = true;
  wire.engine("up");
  wire.engine("down");
  wire.deaf = false;
  wire.engine("up", 1);
  await settle();
  expect(ready).toHaveBeenCalledTimes(1);
});

it("a page over whose opening the engine dies is opened by the next one", async () => {
  const wire = () => Wire.made[0]!;
  let tries = 0;
  const open = vi.fn(async () => {
    if (++tries > 1) return;
    wire().engine("down");
    await settle();
  });
  const kept = vi.fn();
  start(open).then(kept);
  wire().onopen?.();
  wire().engine("up");
  await settle();
  await settle();
  expect(kept).not.toHaveBeenCalled(); // or the night that is not open would be forgotten
  wire().engine("up", 1);
  await settle();
  expect(open).toHaveBeenCalledTimes(2);
  expect(kept).toHaveBeenCalledTimes(1);
  wire().engine("down");
  wire().engine("up", 2);
  await settle();
  expect(open).toHaveBeenCalledTimes(2);
});
