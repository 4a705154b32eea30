/** What is kept so that the page opens where it was left: of the page by the server, of the night by its project. */

import { ask } from "../engine/engine";
import { isFitted } from "../lib/view";
import { correct, finishing } from "./finish";
import { frames } from "./frames";
import { library, openProject } from "./library";
import { page, ROOMS, type Room, THEMES, type Theme, tell } from "./page";
import { openPath, type Viewing, viewer } from "./viewer";

/** Where the page's own state is kept. */
export interface Shelf {
  readonly load: () => Promise<unknown>;
  readonly save: (kept: KeptPage) => Promise<unknown>;
}

const EVERY = 300;

export interface KeptPage {
  readonly theme?: Theme;
  readonly room?: Room;
  readonly experts?: boolean;
  readonly project?: string | null;
}

/** What the project keeps of the page. */
interface KeptView {
  /** File of the picture shown, and the frame of a film. */
  readonly shown?: string | null;
  readonly index?: number;
  /** Whether its corrected picture was shown. */
  readonly corrected?: boolean;
  /** Absent when the whole picture was shown: it is fitted into whatever window it is opened in. */
  readonly view?: Viewing["view"];
  /** By the pictures' keys, which are the same for ever. */
  readonly stretches?: Viewing["stretches"];
  readonly focus?: string | null;
  readonly output?: string;
}

/**
 * How the page looks; what makes no sense is as nothing, and what the user has changed meanwhile stays. Returns the
 * project that was open.
 */
export async function restorePage(shelf: Shelf): Promise<string | null> {
  const before = page.getState();
  const kept = ((await shelf.load().catch(notFound)) ?? {}) as KeptPage;
  const { theme, room, experts, project } = kept;
  const now = page.getState();
  if (theme && THEMES.includes(theme) && now.theme === before.theme) page.setState({ theme });
  if (room && ROOMS.includes(room) && now.room === before.room) page.setState({ room });
  if (now.experts === before.experts) page.setState({ experts: experts === true });
  return typeof project === "string" ? project : null;
}

function notFound(): null {
  tell("warn", "What the page showed last was not found again", {
    hint: "The server did not tell in time. Nights opened before are in the Library.",
  });
  return null;
}

/** The night as it was left, once the engine answers. */
export async function restoreNight(folder: string | null): Promise<void> {
  const { folder: chosen } = library.getState();
  if (folder === null || (chosen !== null && chosen !== folder)) return; // the user was faster
  const left = () => library.getState().folder !== folder; // meanwhile the user has gone on
  await openProject(folder);
  if (left()) return;
  const { state } = await ask("project.view", { folder }).catch(() => ({ state: null }));
  if (left()) return;
  const kept = (state ?? {}) as KeptView;
  if (kept.output) library.setState({ output: kept.output });
  if (kept.stretches) viewer.setState((now) => ({ stretches: { ...kept.stretches, ...now.stretches } }));
  if (kept.focus && frames.getState().rows.some((row) => row.id === kept.focus))
    frames.setState({ focus: kept.focus, selected: new Set([kept.focus]) });
  // Asked for twice, the same frame would hold back the stack that Finish has begun to open in its place.
  const there = viewer.getState().image?.path === kept.shown && !kept.index;
  if (kept.shown && !there) await openPath(kept.shown, kept.index);
  if (kept.corrected && !left()) await correct();
  if (kept.view && !left() && viewer.getState().image) viewer.setState({ view: kept.view });
}

/** Write down every change, a moment later. Call when the page is open, or nothing would be found again. */
export function keep(shelf: Shelf): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => write(shelf), EVERY);
  };
  const stops = [page, library, frames, viewer, finishing].map((store) => store.subscribe(soon));
  const leave = () => write(shelf); // a page that is closed waits for nothing
  globalThis.addEventListener?.("pagehide", leave);
  return () => {
    clearTimeout(timer);
    globalThis.removeEventListener?.("pagehide", leave);
    for (const stop of stops) stop();
  };
}

let keptPage = "";
let keptView = "";

/** Write down what has changed; the next change tries again what could not be written. */
export async function write(shelf: Shelf): Promise<void> {
  const { theme, room, experts } = page.getState();
  const { folder } = library.getState();
  const here: KeptPage = { theme, room, experts, project: folder };
  const wanted = JSON.stringify(here);
  if (wanted !== keptPage && (await shelf.save(here).then(yes, no))) keptPage = wanted;
  if (folder === null) return;
  const state = viewOf();
  const seen = JSON.stringify({ folder, state });
  if (seen !== keptView && (await ask("project.view", { folder, state }).then(yes, no))) keptView = seen;
}

function viewOf(): KeptView {
  const { image, view, window, stretches } = viewer.getState();
  const { finished, source } = finishing.getState();
  const corrected = image !== null && image.key === finished?.key;
  const file = corrected ? source : image;
  const row = frames.getState().rows.find(({ frame }) => frame.path === file?.path && frame.index > 0);
  const index = row && row.id === frames.getState().focus ? row.frame.index : 0;
  // Automatic stretches are found again by themselves; those moved by hand are kept, the last twenty.
  const moved = Object.entries(stretches).filter(([, one]) => !one.auto);
  return {
    shown: file?.path ?? null,
    index,
    corrected,
    ...(image && !isFitted(view, image, window) ? { view } : {}),
    stretches: Object.fromEntries(moved.slice(-20)),
    focus: frames.getState().focus,
    output: library.getState().output,
  };
}

const yes = () => true;
const no = () => false;
