import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  addFigures,
  addRefused,
  choose,
  decide,
  frames,
  measuredNow,
  rejectedPaths,
  setFilter,
  setLights,
  setVerdicts,
  showMeasured,
  sortBy,
  step,
  undo,
  verdictsOf,
  visible,
} from "./frames";
import { known, light, measured } from "./made";

const names = () => visible(frames.getState()).map((row) => row.name);
const verdicts = () => frames.getState().rows.map((row) => row.verdict);
const id = (name: string) => `/night/${name}`;

beforeEach(() => {
  frames.setState({ rows: [] });
  setLights([known("b.fits", 2), known("a.fits", 1), known("c.fits", 3)]);
  addFigures([measured("a.fits", 3.1), measured("b.fits", 2.2)]);
});

describe("the table", () => {
  it("is in the order of time, and any column can sort it, the unmeasured last either way", () => {
    expect(names()).toEqual(["a.fits", "b.fits", "c.fits"]);
    sortBy("fwhm");
    expect(names()).toEqual(["b.fits", "a.fits", "c.fits"]);
    sortBy("fwhm");
    expect(names()).toEqual(["a.fits", "b.fits", "c.fits"]);
  });

  it("shows what passes name, verdict and brush", () => {
    setFilter({ brush: { metric: "fwhm", low: 3, high: 4 } });
    expect(names()).toEqual(["a.fits"]);
    setFilter({ brush: null, text: "C." });
    expect(names()).toEqual(["c.fits"]);
    decide([id("b.fits")], "rejected", "clouds");
    setFilter({ text: "", only: "rejected" });
    expect(names()).toEqual(["b.fits"]);
  });

  it("takes in what is measured a few times a second, however fast it comes", () => {
    vi.useFakeTimers();
    const drawn = vi.fn();
    const stop = frames.subscribe(drawn);
    for (const name of ["a.fits", "b.fits", "c.fits"]) measuredNow(measured(name, 4.5));
    expect(drawn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(300);
    expect(drawn).toHaveBeenCalledTimes(1);
    expect(frames.getState().rows.map((row) => row.figures?.fwhm)).toEqual([4.5, 4.5, 4.5]);
    measuredNow(measured("a.fits", 5));
    showMeasured(); // the measuring has ended
    expect(frames.getState().rows[1]?.figures?.fwhm).toBe(5);
    stop();
    vi.useRealTimers();
  });

  it("chooses one, a range, or one more", () => {
    choose(id("a.fits"));
    choose(id("c.fits"), "range");
    expect(frames.getState().selected.size).toBe(3);
    choose(id("b.fits"), "more");
    expect([...frames.getState().selected]).toEqual([id("a.fits"), id("c.fits")]);
  });

  it("steps from frame to frame, and round only for blinking", () => {
    step(1);
    expect(frames.getState().focus).toBe(id("a.fits"));
    step(-1);
    expect(frames.getState().focus).toBe(id("a.fits"));
    step(-1, true);
    expect(frames.getState().focus).toBe(id("c.fits"));
    step(Number.NEGATIVE_INFINITY);
    expect(frames.getState().focus).toBe(id("a.fits"));
  });
});

describe("verdicts", () => {
  it("carry a reason, and every change can be undone in turn", () => {
    decide([id("a.fits"), id("b.fits")], "rejected", "trail");
    decide([id("a.fits")], "approved");
    expect(verdicts()).toEqual(["rejected", "approved", "undecided"]);
    undo();
    expect(frames.getState().rows[1]).toMatchObject({ verdict: "rejected", reason: "trail" });
    undo();
    expect(verdicts()).toEqual(["undecided", "undecided", "undecided"]);
    undo();
  });

  it("that change nothing are not a step to undo", () => {
    decide([id("a.fits")], "undecided");
    expect(frames.getState().past).toEqual([]);
  });

  it("tell the run what to leave out", () => {
    setLights([{ frame: light("a[1].fits") }, { frame: light("film.ser", 0, { index: 4 }) }]);
    decide([id("a[1].fits"), "/night/film.ser#4"], "rejected");
    expect(rejectedPaths(frames.getState().rows)).toEqual(["/night/a[[]1].fits"]);
  });

  it("can be kept and found again", () => {
    decide([id("c.fits")], "rejected", "focus");
    const kept = JSON.parse(JSON.stringify(verdictsOf(frames.getState().rows)));
    frames.setState({ rows: [] });
    setLights([known("c.fits"), known("a.fits")]);
    setVerdicts(kept);
    expect(frames.getState().rows[0]).toMatchObject({ verdict: "rejected", reason: "focus" });
    expect(frames.getState().rows[1]!.verdict).toBe("undecided");
  });

  it("and figures come with the frames that the project knows", () => {
    setLights([
      known("a.fits", 1, { verdict: "approved", figures: measured("a.fits", 3.1) }),
      known("new.fits"),
    ]);
    expect(frames.getState().rows[0]).toMatchObject({ verdict: "approved", figures: { fwhm: 3.1 } });
    expect(frames.getState().rows[1]).toMatchObject({ verdict: "undecided", figures: null });
  });
});

it("a frame that cannot be used says why", () => {
  addRefused([
    {
      path: id("c.fits"),
      index: 0,
      code: "too_few_stars",
      reason: "3 stars",
      cure: "Look at it.",
      kind: "light",
    },
  ]);
  expect(frames.getState().rows[2]!.refused!.reason).toBe("3 stars");
});

it("two thousand frames are filtered and sorted within a frame of the screen", () => {
  const many = Array.from({ length: 2000 }, (_, at) => known(`l${at}.fits`, at % 60));
  setLights(many);
  addFigures(many.map(({ frame }, at) => ({ ...measured("", 2 + (at % 100) / 50), path: frame.path })));
  setFilter({ brush: { metric: "fwhm", low: 2.5, high: 3.5 } });
  sortBy("fwhm");
  const start = performance.now();
  expect(visible(frames.getState()).length).toBe(1020);
  expect(performance.now() - start).toBeLessThan(100);
});
