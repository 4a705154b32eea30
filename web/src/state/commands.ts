/** Everything that can be done, with its shortcut: THE list for keys, palette and help. */

import { matches, type Pressed } from "../lib/keys";
import { toggleCompare } from "./finish";
import { chooseVisible, frames, step } from "./frames";
import { cancel, current } from "./jobs";
import { asCommand, closeNight, library, measure, stack } from "./library";
import { clearLog } from "./log";
import { complain, goTo, nextTheme, page, type Room, setTheme, tell, toggle } from "./page";
import { resetRecipe } from "./recipe";
import { judge, takeBack } from "./verdicts";
import {
  lockStretch,
  OVERLAYS,
  panBy,
  setLinked,
  setMode,
  setSolo,
  stretchAuto,
  stretchOf,
  stretchReset,
  toggleOverlay,
  toggleStretch,
  viewer,
  zoomExactly,
  zoomFit,
  zoomIn,
  zoomOut,
} from "./viewer";

export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: "Go to" | "Picture" | "Stretch" | "Frames" | "Run" | "Page";
  readonly keys: readonly string[];
  readonly run: () => unknown;
  /** Whether it can be done now; always, when absent. */
  readonly when?: () => boolean;
}

const PAN = 80;
const hasPicture = () => viewer.getState().image !== null;
const inFrames = () => page.getState().room === "frames" && frames.getState().rows.length > 0;
const canRun = () => library.getState().inputs.length > 0 && !current();

function room(name: Room, key: string): Command {
  return {
    id: `go.${name}`,
    title: name[0]!.toUpperCase() + name.slice(1),
    group: "Go to",
    keys: [key],
    run: () => goTo(name),
  };
}

function picture(id: string, title: string, keys: readonly string[], run: () => unknown): Command {
  return { id: `picture.${id}`, title, group: "Picture", keys, run, when: hasPicture };
}

function tone(id: string, title: string, keys: readonly string[], run: () => unknown): Command {
  return { id: `stretch.${id}`, title, group: "Stretch", keys, run, when: hasPicture };
}

function frame(id: string, title: string, keys: readonly string[], run: () => unknown): Command {
  return { id: `frames.${id}`, title, group: "Frames", keys, run, when: inFrames };
}

export const COMMANDS: readonly Command[] = [
  room("library", "F1"),
  room("frames", "F2"),
  room("stack", "F3"),
  room("finish", "F4"),
  picture("in", "Zoom in", ["+", "="], zoomIn),
  picture("out", "Zoom out", ["-"], zoomOut),
  picture("fit", "Fit in the window", ["0"], zoomFit),
  picture("one", "One to one", ["1"], () => zoomExactly(1)),
  picture("two", "Two to one", ["2"], () => zoomExactly(2)),
  picture("half", "Half size", ["5"], () => zoomExactly(0.5)),
  picture("left", "Move left", ["ArrowLeft"], () => panBy(PAN, 0)),
  picture("right", "Move right", ["ArrowRight"], () => panBy(-PAN, 0)),
  picture("up", "Move up", ["ArrowUp"], () => panBy(0, PAN)),
  picture("down", "Move down", ["ArrowDown"], () => panBy(0, -PAN)),
  ...OVERLAYS.map((name, at) =>
    picture(
      name,
      ["Mark the stars", "Grid of the image", "Map of the coverage", "Map of what was rejected"][at]!,
      [["s"], ["g"], ["c"], ["r"]][at]!,
      () => toggleOverlay(name),
    ),
  ),
  picture("compare", "Before and after", ["b"], toggleCompare),
  picture("split", "Compare with a split", ["Shift+B"], () => setMode("split")),
  picture("sides", "Compare side by side", ["Alt+B"], () => setMode("sides")),
  picture("red", "Red channel alone", ["Alt+1"], () => setSolo(0)),
  picture("green", "Green channel alone", ["Alt+2"], () => setSolo(1)),
  picture("blue", "Blue channel alone", ["Alt+3"], () => setSolo(2)),
  picture("all", "All channels", ["Alt+0"], () => setSolo(null)),
  tone("auto", "Stretch automatically", ["a"], stretchAuto),
  tone("toggle", "Stretch on or off", ["t"], toggleStretch),
  tone("reset", "Reset the stretch", ["Shift+A"], stretchReset),
  tone("linked", "Link or unlink the channels", ["l"], () => {
    const state = viewer.getState();
    if (state.image) setLinked(!stretchOf(state, state.image).linked);
  }),
  tone("lock", "Same stretch for every picture", ["Shift+L"], () => lockStretch(!viewer.getState().locked)),
  frame("next", "Next frame", ["j", "n"], () => step(1)),
  frame("previous", "Previous frame", ["k", "p"], () => step(-1)),
  frame("approve", "Approve", ["y"], () => judge(frames.getState().selected, "approved")),
  frame("reject", "Reject", ["x"], () => judge(frames.getState().selected, "rejected", "by eye")),
  frame("undecide", "Neither approve nor reject", ["u"], () =>
    judge(frames.getState().selected, "undecided"),
  ),
  frame("undo", "Undo the last verdict", ["Ctrl+Z"], takeBack),
  frame("all", "Select all that are shown", ["Ctrl+A"], chooseVisible),
  frame("blink", "Blink", [" "], () => frames.setState(({ blinking }) => ({ blinking: !blinking }))),
  frame("first", "First frame", ["Home"], () => step(Number.NEGATIVE_INFINITY)),
  frame("last", "Last frame", ["End"], () => step(Number.POSITIVE_INFINITY)),
  { id: "run.measure", title: "Measure the frames", group: "Run", keys: ["m"], run: measure, when: canRun },
  { id: "run.stack", title: "Stack", group: "Run", keys: ["Ctrl+Enter"], run: () => stack(), when: canRun },
  {
    id: "run.cancel",
    title: "Cancel the job",
    group: "Run",
    keys: ["Escape"],
    run: () => cancel(),
    when: () => Boolean(current()),
  },
  {
    id: "run.copy",
    title: "Copy as command line",
    group: "Run",
    keys: ["Ctrl+Shift+C"],
    run: copyCommand,
    when: () => library.getState().inputs.length > 0,
  },
  {
    id: "run.close",
    title: "Another night",
    group: "Run",
    keys: [],
    run: closeNight,
    when: () => library.getState().folder !== null && !current(),
  },
  {
    id: "run.defaults",
    title: "Every setting as Sidera has it",
    group: "Run",
    keys: [],
    run: () => resetRecipe(),
  },
  {
    id: "page.palette",
    title: "Find a command",
    group: "Page",
    keys: ["Ctrl+K"],
    run: () => toggle("palette"),
  },
  { id: "page.log", title: "Log", group: "Page", keys: ["Ctrl+J"], run: () => toggle("log") },
  { id: "page.clear", title: "Clear the log", group: "Page", keys: [], run: clearLog },
  {
    id: "page.side",
    title: "Show or hide the panel",
    group: "Page",
    keys: ["h"],
    run: () => toggle("panel"),
  },
  {
    id: "page.experts",
    title: "Every setting, for experts",
    group: "Page",
    keys: ["e"],
    run: () => toggle("experts"),
  },
  { id: "page.theme", title: "Next theme", group: "Page", keys: ["d"], run: nextTheme },
  { id: "page.dark", title: "Dark theme", group: "Page", keys: [], run: () => setTheme("dark") },
  { id: "page.light", title: "Light theme", group: "Page", keys: [], run: () => setTheme("light") },
  {
    id: "page.night",
    title: "Red night vision",
    group: "Page",
    keys: ["Shift+N"],
    run: () => setTheme("red"),
  },
  { id: "page.help", title: "Shortcuts", group: "Page", keys: ["?"], run: () => toggle("help") },
];

/** Copy the run as words of a shell. */
export async function copyCommand(): Promise<void> {
  try {
    await navigator.clipboard.writeText(asCommand());
    tell("good", "Copied", { hint: asCommand() });
  } catch {
    complain(new Error(`The browser does not let the page copy; the command is: ${asCommand()}`));
  }
}

/** The command of a key, if it can be done now. */
export function commandOf(pressed: Pressed): Command | undefined {
  return COMMANDS.find((one) => one.keys.some((keys) => matches(pressed, keys)) && (one.when?.() ?? true));
}
