import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type FakeEngine, fakeEngine } from "./fake_engine";
import { finishing } from "./finish";
import { choose, frames, setLights } from "./frames";
import { library } from "./library";
import { link } from "./links";
import { image, known, measured } from "./made";
import { goTo, page } from "./page";
import { show, viewer } from "./viewer";

let engine: FakeEngine;
const id = (name: string) => `/night/${name}`;
const opened = () => engine.asked.filter((one) => one.cmd === "open").map((one) => one.path);

beforeAll(link);

beforeEach(() => {
  vi.useFakeTimers();
  engine = fakeEngine({
    open: ({ path }) => image(String(path), { path: String(path), kind: "frame" }),
    "project.measure": () => ({
      frames: [known("a.fits", 1, { figures: measured("a.fits", 2) })],
      refused: [],
    }),
    release: () => ({}),
  });
  page.setState({ room: "library" });
  setLights([known("a.fits", 1), known("b.fits", 2), known("c.fits", 3)]);
  library.setState({
    folder: "/r/night",
    scanned: { frames: [], refused: [] },
    measured: false,
    inputs: [],
  });
});

it("the frame that is chosen is shown", async () => {
  choose(id("b.fits"));
  await vi.advanceTimersByTimeAsync(1);
  expect([opened(), viewer.getState().image?.path]).toEqual([[id("b.fits")], id("b.fits")]);
});

it("blinking goes round all frames, and ends with the room", async () => {
  goTo("frames");
  choose(id("c.fits"));
  frames.setState({ blinking: true });
  const seen: (string | null)[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await vi.advanceTimersByTimeAsync(600);
    seen.push(frames.getState().focus);
  }
  expect(seen).toEqual(["a", "b", "c", "a"].map((name) => id(`${name}.fits`)));
  goTo("stack");
  await vi.advanceTimersByTimeAsync(3000);
  expect([frames.getState().blinking, frames.getState().focus]).toEqual([false, id("a.fits")]);
});

it("blinking stays among several that are chosen", async () => {
  goTo("frames");
  choose(id("a.fits"));
  choose(id("c.fits"), "more");
  frames.setState({ blinking: true });
  const seen = new Set<string | null>();
  for (let turn = 0; turn < 5; turn++) {
    await vi.advanceTimersByTimeAsync(600);
    seen.add(frames.getState().focus);
  }
  expect(seen).toEqual(new Set([id("a.fits"), id("c.fits")]));
  frames.setState({ blinking: false });
});

it("the first look at the frames measures them, the second does not", async () => {
  goTo("frames");
  await vi.advanceTimersByTimeAsync(1);
  expect(frames.getState().rows[0]!.figures?.fwhm).toBe(2);
  goTo("library");
  goTo("frames");
  await vi.advanceTimersByTimeAsync(1);
  expect(engine.asked.filter((one) => one.cmd === "project.measure")).toHaveLength(1);
});

it("a stack that is shown is what will be corrected, its corrected picture is not", () => {
  show(image("stack"));
  show(image("done", { kind: "finished" }));
  expect(finishing.getState().source?.key).toBe("stack");
});

it("Frames shows the frame that is looked at, and Finish what is being finished", async () => {
  choose(id("b.fits"));
  await vi.advanceTimersByTimeAsync(1);
  show(image("m27", { path: "/r/night/results/m27.fits" }));
  goTo("finish");
  goTo("frames");
  await vi.advanceTimersByTimeAsync(1);
  expect(viewer.getState().image?.path).toBe(id("b.fits"));
  expect(finishing.getState().source?.key).toBe("m27"); // a look at a frame does not undo it
  goTo("finish");
  await vi.advanceTimersByTimeAsync(1);
  expect(viewer.getState().image?.path).toBe("/r/night/results/m27.fits");
});

it("Finish opens on the last stack when nothing was finished yet", async () => {
  finishing.setState({ source: null, finished: null });
  const result = { name: "M 27", image: null, path: "/r/last.fits", report: null, summary: [] };
  library.setState({ results: [result] });
  choose(id("a.fits"));
  await vi.advanceTimersByTimeAsync(1);
  goTo("finish");
  await vi.advanceTimersByTimeAsync(1);
  expect(opened().at(-1)).toBe("/r/last.fits");
  choose(id("c.fits")); // as a night that is opened again does
  await vi.advanceTimersByTimeAsync(1);
  expect(viewer.getState().image?.path).toBe("/r/last.fits");
});
