/** What the browser keeps, so that the page opens where it was left. */

import { frames, setVerdicts, verdictsOf } from "./frames";
import { type Library, library, openInputs, type Result } from "./library";
import { page, ROOMS, type Room, THEMES, type Theme } from "./page";
import { readRecipe, recipes } from "./recipe";
import { openPath, viewer } from "./viewer";

/** What is needed of localStorage. */
export interface Shelf {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

const NAME = "sidera";
const EVERY = 300;

interface Kept {
  readonly theme?: Theme;
  readonly room?: Room;
  readonly experts?: boolean;
  readonly inputs?: readonly string[];
  readonly told?: Library["told"];
  readonly recent?: readonly (readonly string[])[];
  readonly output?: string;
  readonly verdicts?: Parameters<typeof setVerdicts>[0];
  readonly recipe?: Record<string, unknown> | null;
  readonly results?: readonly Result[];
  readonly shown?: string | null;
}

export function read(shelf: Shelf): Kept {
  try {
    const kept = JSON.parse(shelf.getItem(NAME) ?? "{}");
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {}; // written by something else: as if there were nothing
  }
}

/** Groups of inputs opened before, the last first. */
export function recent(shelf: Shelf): readonly (readonly string[])[] {
  return read(shelf).recent ?? [];
}

/** How the page looks, before anything is connected. */
export function restorePage(shelf: Shelf): void {
  const { theme, room, experts } = read(shelf);
  if (theme && THEMES.includes(theme)) page.setState({ theme });
  if (room && ROOMS.includes(room)) page.setState({ room });
  page.setState({ experts: experts === true });
}

/** The night as it was left, once the engine answers. */
export async function restoreNight(shelf: Shelf): Promise<void> {
  const kept = read(shelf);
  if (kept.recipe) await readRecipe({ recipe: kept.recipe });
  library.setState({ results: (kept.results ?? []).map((one) => ({ ...one, image: null })) });
  if (kept.inputs?.length) {
    library.setState({ told: kept.told ?? {} });
    await openInputs(kept.inputs);
    if (kept.output) library.setState({ output: kept.output });
    if (kept.verdicts) setVerdicts(kept.verdicts);
  }
  if (kept.shown) await openPath(kept.shown);
}

/** Write down every change, a moment later. Call after `restoreNight`, or nothing would be found again. */
export function keep(shelf: Shelf): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => write(shelf), EVERY);
  };
  for (const store of [page, library, frames, recipes, viewer]) store.subscribe(soon);
}

export function write(shelf: Shelf): void {
  const { theme, room, experts } = page.getState();
  const { inputs, told, output, results } = library.getState();
  const others = recent(shelf).filter((one) => one.join("\n") !== inputs.join("\n"));
  const kept: Kept = {
    theme,
    room,
    experts,
    inputs,
    told,
    recent: inputs.length > 0 ? [inputs, ...others].slice(0, 8) : others,
    output,
    verdicts: verdictsOf(frames.getState().rows),
    recipe: recipes.getState().recipe as unknown as Record<string, unknown> | null,
    results,
    shown: viewer.getState().image?.path ?? null,
  };
  shelf.setItem(NAME, JSON.stringify(kept));
}
