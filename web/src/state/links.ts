/** What follows from what: the rooms' states joined, without any room knowing another. */

import { adopt, finishing, showWork } from "./finish";
import { frames, step, visible } from "./frames";
import { keepRecipe, library, measure, openResult, refreshPlan } from "./library";
import { complain, page } from "./page";
import { hasWrong, recipes } from "./recipe";
import { openPath, type Viewing, viewer } from "./viewer";

const BLINK_MS = 600;
/** The plan is made anew when nothing has been changed for so long. */
const REST_MS = 400;

/** Join everything; called once. */
export function link(): void {
  frames.subscribe((now, old) => {
    if (now.focus !== old.focus) lookAtFocus();
    if (now.blinking !== old.blinking) blink(now.blinking);
  });
  viewer.subscribe((now, old) => {
    if (now.image === old.image) return;
    if (!(isOfTheNight(now.image) && finishing.getState().source)) adopt(now.image);
    if (page.getState().room === "finish") lookAtWork(); // a night that is opened again begins with a frame
  });
  page.subscribe((now, old) => {
    if (now.room === old.room) return;
    frames.setState({ blinking: false });
    if (now.room === "frames") {
      measureOnce();
      if (!isOfTheNight(viewer.getState().image)) lookAtFocus();
    }
    if (now.room === "finish") lookAtWork();
    if (now.room === "stack") refreshPlan();
  });
  library.subscribe((now, old) => {
    if (now.scanned !== old.scanned && page.getState().room === "frames") measureOnce();
    if (now.output !== old.output) planSoon();
  });
  recipes.subscribe((now, old) => {
    planSoon();
    if (now.recipe !== old.recipe) keepSoon();
  });
  frames.subscribe((now, old) => now.rows !== old.rows && planSoon());
}

/** Whether a picture is one of the raw frames in the table; what is finished is a stack. */
function isOfTheNight(image: Viewing["image"]): boolean {
  return image !== null && frames.getState().rows.some((row) => row.frame.path === image.path);
}

/** In Finish a frame that was looked at gives way to what is being finished, or else to the last stack. */
function lookAtWork(): void {
  const { image } = viewer.getState();
  const { source } = finishing.getState();
  if (!isOfTheNight(image)) return;
  const [last] = library.getState().results;
  if (source && !isOfTheNight(source)) showWork();
  else if (last) openResult(last);
}

/** The first look at the frames measures them. */
function measureOnce(): void {
  const { scanned, measured } = library.getState();
  if (scanned && !measured) measure();
}

function lookAtFocus(): void {
  const { rows, focus } = frames.getState();
  const row = rows.find((one) => one.id === focus);
  if (row) openPath(row.frame.path, row.frame.index);
}

let blinker: ReturnType<typeof setInterval> | undefined;

/** Show one frame after another: those that are chosen, when they are several, else all that are shown. */
function blink(on: boolean): void {
  clearInterval(blinker);
  if (!on) return;
  const chosen = [...frames.getState().selected];
  let at = 0;
  blinker = setInterval(() => {
    if (viewer.getState().opening) return; // never faster than the frames come
    if (chosen.length < 2) return step(1, true);
    at = (at + 1) % chosen.length;
    const ids = new Set(visible(frames.getState()).map((row) => row.id));
    const id = chosen[at]!;
    if (ids.has(id)) frames.setState({ focus: id });
  }, BLINK_MS);
}

let keeper: ReturnType<typeof setTimeout> | undefined;

function keepSoon(): void {
  clearTimeout(keeper);
  // A recipe that the engine objects to stands beside its field with the objection, and is not kept.
  keeper = setTimeout(() => !hasWrong(recipes.getState()) && keepRecipe().catch(complain), REST_MS);
}

let planner: ReturnType<typeof setTimeout> | undefined;

function planSoon(): void {
  clearTimeout(planner);
  planner = setTimeout(() => {
    const { room } = page.getState();
    if (room === "stack" || room === "library") refreshPlan();
  }, REST_MS);
}
