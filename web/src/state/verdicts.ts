/** Verdicts on frames: shown at once, and written down in the project. */

import { ask } from "../engine/engine";
import type { ProjectState } from "../engine/protocol";
import { decide, frames, setVerdicts, undo, type Verdict } from "./frames";
import { library } from "./library";
import { complain } from "./page";

/** Approve or reject frames, with a reason; `takeBack` undoes it. */
export async function judge(ids: Iterable<string>, verdict: Verdict, reason = ""): Promise<void> {
  const chosen = new Set(ids);
  const { rows: before } = frames.getState();
  decide(chosen, verdict, reason);
  const { folder } = library.getState();
  if (frames.getState().rows === before || folder === null) return;
  const names = before.filter((row) => chosen.has(row.id)).map((row) => row.key);
  await written(ask("project.verdict", { folder, frames: names, verdict, reason }), folder);
}

/** Undo the last verdict, also one that was given before the page was loaded. */
export async function takeBack(): Promise<void> {
  undo();
  const { folder } = library.getState();
  if (folder === null) return;
  await written(ask("project.undo", { folder }), folder);
  await reload(folder);
}

/** What could not be written down is not shown either. */
async function written(asked: Promise<ProjectState>, folder: string): Promise<void> {
  try {
    library.setState({ canUndo: (await asked).can_undo });
  } catch (error) {
    complain(error);
    await reload(folder);
  }
}

/** Verdicts as the project has them. */
async function reload(folder: string): Promise<void> {
  try {
    const { frames: kept } = await ask("project.frames", { folder });
    const verdicts = new Map(kept.map(({ key, verdict, reason }) => [key, { verdict, reason }]));
    const { rows } = frames.getState();
    setVerdicts(Object.fromEntries(rows.map((row) => [row.id, verdicts.get(row.key) ?? OPEN])));
  } catch (error) {
    complain(error);
  }
}

const OPEN = { verdict: "undecided", reason: "" } as const;
