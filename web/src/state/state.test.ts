import { beforeEach, describe, expect, it, vi } from "vitest";
import { COMMANDS, commandOf } from "./commands";
import { type FakeEngine, fakeEngine, settle } from "./fake_engine";
import { adopt, correct, exportPicture, finishing, isUpToDate, setFormat, toggleCompare } from "./finish";
import { frames } from "./frames";
import { cancel, current, jobs } from "./jobs";
import { type KeptPage, restoreNight, restorePage, write } from "./keep";
import {
  asCommand,
  closeNight,
  findUnfinished,
  library,
  measure,
  openInputs,
  refreshPlan,
  stack,
  tellKind,
} from "./library";
import { addLine, clearLog, flush, KEPT, log, logText, setLevel, shownLines } from "./log";
import { image, known, measured } from "./made";
import { dismiss, page, tell } from "./page";
import { pointAt } from "./pixel";
import { isChanged, loadRecipe, recipes, resetSetting, setSetting } from "./recipe";
import { judge, takeBack } from "./verdicts";
import {
  compareWith,
  openPath,
  setHandle,
  show,
  stretchOf,
  toggleOverlay,
  viewer,
  zoomExactly,
  zoomFit,
} from "./viewer";

const RECIPE = {
  integration: { rejection: "hybrid", kappa_low: 4 },
  crop: { enabled: true },
  stretch: { method: "auto" },
};
const SCHEMA = {
  properties: {
    integration: { properties: { rejection: { enum: ["hybrid", "sigma"] }, kappa_low: { type: "number" } } },
  },
};
/** One project, as far as the page sees it: what it was told it tells again. */
function project() {
  const here = {
    there: false,
    roots: [] as { path: string; kind: string | null }[],
    frames: [known("a.fits", 1), known("b.fits", 2)],
    view: null as unknown,
    unfinished: null as object | null,
    recipe: RECIPE as unknown,
  };
  const state = (folder: unknown) => ({
    folder,
    name: "night",
    roots: here.roots,
    counts: {},
    measured: 0,
    approved: 0,
    rejected: 0,
    can_undo: false,
    recipe: here.recipe,
    results: [],
    unfinished: here.unfinished,
  });
  const answers: FakeEngine["answers"] = {
    "project.list": () => ({ projects: [] }),
    "project.open": ({ folder }) => {
      if (!here.there) throw { error: "no project", code: "unreadable" };
      return state(folder);
    },
    "project.new": ({ folder }) => {
      here.there = true;
      return state(folder);
    },
    "project.add": ({ folder, inputs, kind }) => {
      for (const path of inputs as string[])
        here.roots = [
          ...here.roots.filter((one) => one.path !== path),
          { path, kind: (kind as string) ?? null },
        ];
      return state(folder);
    },
    "project.frames": () => ({ frames: here.frames, refused: [] }),
    "project.status": ({ folder }) => state(folder),
    "project.recipe": ({ folder, recipe }) => {
      here.recipe = recipe;
      return state(folder);
    },
    "project.verdict": ({ folder, frames: names, verdict, reason }) => {
      here.frames = here.frames.map((one) =>
        (names as string[]).includes(one.key)
          ? { ...one, verdict: verdict as "rejected", reason: String(reason) }
          : one,
      );
      return state(folder);
    },
    "project.undo": ({ folder }) => {
      here.frames = here.frames.map((one) => ({ ...one, verdict: "undecided", reason: "" }));
      return state(folder);
    },
    "project.view": ({ state: shown }) => {
      here.view = shown ?? here.view;
      return { state: here.view };
    },
    "project.measure": (_, say) => {
      say({ frame: measured("a.fits", 2.5) });
      here.frames = here.frames.map((one, at) => ({
        ...one,
        figures: { ...measured("", 2.5 + at / 10), path: one.frame.path },
      }));
      return { frames: here.frames, refused: [] };
    },
  };
  return { here, answers };
}
const STACKED = {
  stacks: [
    {
      image: "s1",
      name: "M 27",
      path: "/r/m27.fits",
      width: 9,
      height: 9,
      channels: 3,
      maps: { coverage: "c1" },
    },
  ],
  written: ["/r/m27.fits", "/r/m27_report.html"],
  summary: ["M 27: 2 frames"],
  report: {},
};

let night = project();

function stand() {
  night = project();
  return fakeEngine({
    ...night.answers,
    recipe: () => ({ recipe: RECIPE, schema: SCHEMA, toml: "", settings: [], changed: [] }),
    "project.plan": () => ({
      summary: [],
      stacks: [],
      calibration: [],
      refused: [],
      cost: {},
      threads: 2,
      memory: 1,
      command: "",
    }),
    open: ({ path }) => image(String(path), { path: String(path), kind: "frame" }),
    view: ({ image: name }) => image(String(name), name === "f1" ? { kind: "finished" } : {}),
    "project.stack": () => STACKED,
    cancel: () => ({ cancelled: ["j"] }),
    release: () => ({}),
    pixel: ({ x, y }) => ({ x, y, width: 1, height: 1, values: [[[Number(x)]]], sky: null }),
    stars: () => ({
      x: [1],
      y: [2],
      flux: [],
      snr: [],
      fwhm: [],
      hfr: [],
      eccentricity: [],
      angle: [],
      saturated: [],
    }),
    finish: () => ({
      image: "f1",
      written: ["/r/m27.png"],
      steps: [{ name: "crop", applied: true, told: "", figures: {} }],
      offset: { x: 7, y: 3 },
      curves: image("f1").linked,
      colour: 0.7,
    }),
  });
}

let engine = stand();
const commands = () => engine.asked.map((one) => one.cmd);

beforeEach(async () => {
  engine = stand();
  page.setState({ notices: [], room: "library", theme: "dark" });
  recipes.setState({ recipe: null });
  library.setState({ resultsFolder: "/r" });
  viewer.setState({ stretches: {}, locked: null });
  await loadRecipe();
  closeNight();
});

describe("opening a folder", () => {
  it("finds the lights, names the result after the target, and makes a plan", async () => {
    await openInputs(["/night"]);
    expect(frames.getState().rows.map((row) => row.name)).toEqual(["a.fits", "b.fits"]);
    expect(library.getState()).toMatchObject({
      folder: "/r/night",
      output: "/r/night/results/M_27_stack.fits",
      planned: { threads: 2 },
    });
  });

  it("goes on with the project that knows it, and begins another for another night", async () => {
    await openInputs(["/night"]);
    closeNight();
    await openInputs(["/night"]);
    expect(commands().filter((one) => one === "project.new")).toHaveLength(1);
    closeNight();
    engine.answers["project.open"] = ({ folder }) => {
      if (folder === "/r/night") return { folder, roots: [{ path: "/night", kind: null }], results: [] };
      throw { error: "no project", code: "unreadable" };
    };
    await openInputs(["/elsewhere/night"]);
    expect(engine.asked.findLast((one) => one.cmd === "project.new")).toMatchObject({ folder: "/r/night-2" });
  });

  it("plans anew only when something has changed", async () => {
    await openInputs(["/night"]);
    await refreshPlan();
    expect(commands().filter((one) => one === "project.plan")).toHaveLength(1);
    await judge(["/night/a.fits"], "rejected");
    await refreshPlan();
    expect(commands().filter((one) => one === "project.plan")).toHaveLength(2);
  });

  it("says what is wrong with the plan", async () => {
    engine.answers["project.plan"] = () => {
      throw { error: "no lights", code: "nothing_to_stack", hint: "choose another folder" };
    };
    await openInputs(["/night"]);
    expect(library.getState().trouble).toBe("no lights: choose another folder");
  });

  it("measures what is not measured yet, and nothing twice", async () => {
    await openInputs(["/night"]);
    await measure();
    expect(frames.getState().rows.map((row) => row.figures?.fwhm)).toEqual([2.5, 2.6]);
    await measure();
    expect(commands().filter((one) => one === "project.measure")).toHaveLength(1);
  });

  it("takes frames for what the user says they are", async () => {
    await openInputs(["/night", "/old/darks"]);
    await tellKind("/old/darks", "darks");
    expect(engine.asked.findLast((one) => one.cmd === "project.add")).toMatchObject({
      inputs: ["/old/darks"],
      kind: "dark",
    });
    expect(asCommand()).toContain(
      "sidera stack /night -o /r/night/results/M_27_stack.fits --darks /old/darks",
    );
    await tellKind("/old/darks", null);
    expect(library.getState().told).toEqual({});
  });

  it("gives the same run as a command line", async () => {
    await openInputs(["/night"]);
    setSetting("integration.rejection", "sigma");
    const output = "/r/night/results/M_27_stack.fits";
    expect(asCommand()).toBe(`sidera stack /night -o ${output} --set integration.rejection=sigma`);
  });
});

describe("a stack", () => {
  it("is shown when it is done, and kept among the results", async () => {
    await openInputs(["/night"]);
    await stack();
    expect(page.getState().room).toBe("finish");
    expect(library.getState().results[0]).toMatchObject({
      path: "/r/m27.fits",
      report: "/r/m27_report.html",
    });
    expect(viewer.getState().image?.image).toBe("i-s1");
  });

  it("can be cancelled, once", async () => {
    await openInputs(["/night"]);
    engine.answers["project.stack"] = () => undefined;
    stack();
    await settle();
    expect(current()?.title).toBe("Stacking");
    cancel();
    cancel();
    await settle();
    expect(commands().filter((one) => one === "cancel")).toHaveLength(1);
    expect(current()?.cancelling).toBe(true);
    jobs.setState({ running: [] });
  });

  it("that the engine's end cut short can be gone on with", async () => {
    await openInputs(["/night"]);
    night.here.unfinished = { command: "stack", output: "/r/x.fits", started: "" };
    await findUnfinished();
    expect(library.getState().unfinished).toMatchObject({ output: "/r/x.fits" });
    await stack();
    expect(library.getState().unfinished).toBeNull();
  });

  it("that failed says why and leaves nothing to go on with", async () => {
    await openInputs(["/night"]);
    engine.answers["project.stack"] = () => {
      throw { error: "disk full", code: "disk_full", hint: "free 2 GB" };
    };
    await stack();
    expect(page.getState().notices.at(-1)).toMatchObject({
      tone: "bad",
      text: "disk full",
      hint: "free 2 GB",
    });
    expect(jobs.getState().running).toEqual([]);
  });
});

describe("the recipe", () => {
  it("marks what is changed, takes it back, and shows what the engine objects to", async () => {
    setSetting("integration.kappa_low", -1);
    expect(isChanged(recipes.getState(), "integration.kappa_low")).toBe(true);
    engine.answers.recipe = () => {
      throw { error: "kappa_low must be above 0", code: "recipe" };
    };
    setSetting("integration.kappa_low", -2);
    await settle();
    expect(recipes.getState().wrong["integration.kappa_low"]).toBe("kappa_low must be above 0");
    engine.answers.recipe = () => ({ recipe: RECIPE });
    resetSetting("integration.kappa_low");
    await settle();
    expect(recipes.getState().wrong).toEqual({});
    expect(isChanged(recipes.getState(), "integration.kappa_low")).toBe(false);
  });
});

describe("the viewer", () => {
  it("shows the last picture asked for, and asks once for one seen before", async () => {
    const slow = openPath("/n/slow.fits");
    await openPath("/n/quick.fits");
    await slow;
    expect(viewer.getState().image?.path).toBe("/n/quick.fits");
    await openPath("/n/slow.fits");
    expect(engine.asked.filter((one) => one.path === "/n/slow.fits")).toHaveLength(1);
  });

  it("keeps the view for frames of one size, so that they can be blinked", () => {
    viewer.setState({ window: { width: 800, height: 600 } });
    show(image("a"));
    zoomExactly(2);
    show(image("b"));
    expect(viewer.getState().view.scale).toBeCloseTo(2);
    show(image("c", { width: 100, height: 80 }));
    expect(viewer.getState().view.scale).toBeCloseTo(7.5);
    zoomFit();
  });

  it("changes the stretch without asking anything", () => {
    show(image("a"));
    const before = engine.asked.length;
    setHandle(0, "midtones", 900);
    expect(engine.asked.length).toBe(before);
    const state = viewer.getState();
    expect(stretchOf(state, state.image!).auto).toBe(false);
  });

  it("reads the pixel under the pointer, the last place wins", async () => {
    show(image("a"));
    for (const x of [10.2, 11.7, 12.1, 13.9]) pointAt({ x, y: 5 });
    await settle();
    expect(viewer.getState().pixel).toMatchObject({ x: 13, y: 5 });
    expect(commands().filter((one) => one === "pixel")).toHaveLength(2);
    pointAt(null);
    expect(viewer.getState().pixel).toBeNull();
  });

  it("asks for stars when they are to be marked", async () => {
    show(image("a"));
    toggleOverlay("stars");
    await settle();
    expect(viewer.getState().stars?.x).toEqual([1]);
    toggleOverlay("stars");
  });

  it("compares two pictures, and ends it", () => {
    show(image("after"));
    compareWith(image("before"));
    expect(viewer.getState().mode).toBe("split");
    compareWith(null);
    expect(viewer.getState()).toMatchObject({ mode: "single", before: null });
  });
});

describe("finishing", () => {
  it("corrects the stack, remembers with what, and writes what was chosen", async () => {
    const made = image("stack");
    adopt(made);
    show(made);
    await correct();
    const { recipe } = recipes.getState();
    expect(isUpToDate(finishing.getState(), recipe)).toBe(true);
    expect(finishing.getState().source?.key).toBe("stack");
    toggleCompare();
    expect(viewer.getState()).toMatchObject({ mode: "split", offset: { x: 7, y: 3 } });
    toggleCompare();
    expect(engine.asked.find((one) => one.cmd === "finish")).toMatchObject({ path: "/results/stack.fits" });
    setFormat("tiff");
    expect(finishing.getState().path).toBe("/results/stack_finished.tif");
    await exportPicture();
    expect(engine.asked.at(-1)).toMatchObject({
      cmd: "finish",
      output: "/results/stack_finished.tif",
      shown: { colour: 0.7, curves: [{ midtones: 0.002 }, {}, {}] },
    });
    expect(page.getState().notices.at(-1)).toMatchObject({ tone: "good" });
  });
});

describe("the log", () => {
  const line = (number: number, level: "info" | "error" | "debug" = "info") => ({
    number,
    time: "2024-08-14T22:00:00Z",
    level,
    text: `line ${number}`,
    job: null,
  });

  it("takes thousands of lines in a few steps, and keeps the newest", () => {
    clearLog();
    const seen = vi.fn();
    const stop = log.subscribe(seen);
    for (let number = 0; number < KEPT + 1000; number++) addLine(line(number));
    flush();
    stop();
    expect(seen).toHaveBeenCalledTimes(1);
    expect([log.getState().lines.length, log.getState().dropped]).toEqual([KEPT, 1000]);
    expect(log.getState().lines.at(-1)!.number).toBe(KEPT + 999);
  });

  it("shows a level and worse, and can be saved", () => {
    clearLog();
    addLine(line(1, "debug"));
    addLine(line(2, "error"));
    flush();
    setLevel("warning");
    expect(shownLines(log.getState()).map((one) => one.number)).toEqual([2]);
    expect(logText(log.getState().lines)).toContain("error   line 2\n");
    setLevel("info");
  });
});

describe("what is kept", () => {
  const shelf = () => {
    const place = {
      kept: {} as KeptPage,
      load: async () => place.kept,
      save: async (kept: KeptPage) => void Object.assign(place, { kept }),
    };
    return place;
  };

  it("does not take the place of a night that was chosen meanwhile", async () => {
    await openInputs(["/night"]);
    const { folder } = library.getState();
    await restoreNight("/results/another");
    expect(library.getState().folder).toBe(folder);
  });

  it("is found again: theme, night, verdicts, recipe, picture, stretch", async () => {
    const place = shelf();
    page.setState({ theme: "red", room: "frames" });
    await openInputs(["/night"]);
    await judge(["/night/b.fits"], "rejected", "clouds");
    setSetting("integration.rejection", "sigma");
    await refreshPlan(); // which keeps the recipe
    await openPath("/night/a.fits");
    setHandle(0, "midtones", 900);
    const moved = viewer.getState().stretches["/night/a.fits"];
    await write(place);
    page.setState({ theme: "dark", room: "library" });
    closeNight();
    viewer.setState({ stretches: {} });
    await restoreNight(await restorePage(place));
    expect(page.getState()).toMatchObject({ theme: "red", room: "frames" });
    expect(frames.getState().rows[1]).toMatchObject({ verdict: "rejected", reason: "clouds" });
    expect(recipes.getState().recipe).toMatchObject({ integration: { rejection: "sigma" } });
    expect(viewer.getState().image?.path).toBe("/night/a.fits");
    expect(viewer.getState().stretches["/night/a.fits"]).toEqual(moved);
    await takeBack(); // also what was decided before
    expect(frames.getState().rows[1]).toMatchObject({ verdict: "undecided" });
  });

  it("that makes no sense, or cannot be had, is as nothing", async () => {
    const silent = { load: () => Promise.reject(new Error("gone")), save: async () => undefined };
    expect(await restorePage(silent)).toBeNull();
    const odd = { ...silent, load: async () => ({ theme: "pink", room: "cellar", project: 7 }) };
    expect(await restorePage(odd)).toBeNull();
    expect(page.getState()).toMatchObject({ theme: "dark", room: "library" });
    expect(page.getState().notices.at(-1)?.text).toContain("not found again");
  });

  it("that comes late does not undo what was done meanwhile", async () => {
    const late = {
      load: async () => ({ theme: "red", room: "stack", project: "/p" }),
      save: async () => undefined,
    };
    const coming = restorePage(late);
    page.setState({ room: "frames" });
    expect(await coming).toBe("/p");
    expect(page.getState()).toMatchObject({ theme: "red", room: "frames" });
  });
});

describe("commands", () => {
  const press = (key: string, more = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...more,
  });

  it("have names of their own, and no two share a key in one place", () => {
    const ids = COMMANDS.map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    const keys = COMMANDS.flatMap((one) => one.keys);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  it("are found by their keys only when they can be done", () => {
    expect(commandOf(press("0"))).toBeUndefined();
    show(image("a"));
    expect(commandOf(press("0"))?.id).toBe("picture.fit");
    expect(commandOf(press("k", { ctrlKey: true }))?.id).toBe("page.palette");
  });
});

it("the same notice is told once, and can be dismissed", () => {
  tell("bad", "gone");
  tell("bad", "gone");
  const { notices } = page.getState();
  expect(notices).toHaveLength(1);
  dismiss(notices[0]!.id);
  expect(page.getState().notices).toEqual([]);
});
