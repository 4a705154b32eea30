/** The night: which folders, what Sidera found in them, what it would do, and doing it. */

import { createStore } from "zustand/vanilla";
import { ask } from "../engine/engine";
import type { Planned, Scanned, Stacked } from "../engine/protocol";
import type { Fields } from "../engine/socket";
import { commandLine } from "../lib/command_line";
import { fileName } from "../lib/format";
import { addFigures, addRefused, choose, frameId, frames, rejectedPaths, setLights } from "./frames";
import { follow } from "./jobs";
import { goTo, tell } from "./page";
import { recipes } from "./recipe";
import { openImage, openPath } from "./viewer";

export interface Result {
  readonly name: string;
  /** The engine's name of the image; gone when the engine is started again. */
  readonly image: string | null;
  readonly path: string | null;
  readonly report: string | null;
  readonly summary: readonly string[];
}

/** What frames of an input are taken for; the protocol's and the command line's names. */
export const TOLD = {
  lights: "--lights",
  darks: "--darks",
  flats: "--flats",
  biases: "--biases",
  flat_darks: "--flat-darks",
} as const;
export type Told = keyof typeof TOLD;

export interface Library {
  readonly inputs: readonly string[];
  /** Inputs whose frames' kind the user has said; headers and names tell of the others. */
  readonly told: Readonly<Record<string, Told>>;
  readonly scanned: Scanned | null;
  readonly planned: Planned | null;
  /** What the plan was made for, to see whether it is still true. */
  readonly plannedFor: string;
  readonly planning: boolean;
  readonly trouble: string | null;
  readonly measured: boolean;
  readonly output: string;
  /** Folder for results, from the server. */
  readonly resultsFolder: string;
  readonly results: readonly Result[];
  /** A stack that the engine's end cut short. */
  readonly interrupted: Fields<"stack"> | null;
}

export const library = createStore<Library>(() => ({
  inputs: [],
  told: {},
  scanned: null,
  planned: null,
  plannedFor: "",
  planning: false,
  trouble: null,
  measured: false,
  output: "",
  resultsFolder: "",
  results: [],
  interrupted: null,
}));

/** Look into these folders and files, instead of what was there. */
export async function openInputs(inputs: readonly string[]): Promise<void> {
  library.setState({ inputs, scanned: null, planned: null, plannedFor: "", trouble: null, measured: false });
  if (inputs.length === 0) return setLights([]);
  const { data: scanned } = await follow("scan", "Looking for frames", inputFields());
  if (!scanned || library.getState().inputs !== inputs) return;
  library.setState({ scanned, output: defaultOutput(inputs, scanned) });
  const lights = scanned.frames.filter((frame) => frame.kind === "light" && !frame.is_master);
  setLights(lights, scanned.refused);
  const first = lights[Math.floor(lights.length / 2)];
  if (first) choose(frameId(first.path, first.index)); // which opens it
  await refreshPlan();
}

export function addInputs(more: readonly string[]): Promise<void> {
  return openInputs([...new Set([...library.getState().inputs, ...more])]);
}

export function removeInput(path: string): Promise<void> {
  return openInputs(library.getState().inputs.filter((one) => one !== path));
}

/** Say what the frames of an input are, whatever their headers say; null lets headers and names tell again. */
export function tellKind(path: string, kind: Told | null): Promise<void> {
  const { [path]: _, ...others } = library.getState().told;
  library.setState({ told: kind ? { ...others, [path]: kind } : others });
  return openInputs([...library.getState().inputs]);
}

/** The inputs, each under its kind where that was said. */
function inputFields(): Fields<"scan"> {
  const { inputs, told } = library.getState();
  const fields: Record<string, string[]> = { inputs: inputs.filter((path) => !told[path]) };
  for (const path of inputs) {
    const kind = told[path];
    if (kind) fields[kind] = [...(fields[kind] ?? []), path];
  }
  return fields;
}

/** What a run would be asked for, as things stand. */
export function runFields(): Fields<"stack"> {
  const { output } = library.getState();
  const { recipe } = recipes.getState();
  return {
    ...inputFields(),
    exclude: rejectedPaths(frames.getState().rows),
    ...(recipe ? { recipe } : {}),
    output,
  };
}

/** Make the plan anew if anything that it rests on has changed. */
export async function refreshPlan(): Promise<void> {
  const { inputs, plannedFor, planning } = library.getState();
  const fields: Fields<"plan"> = runFields();
  const wanted = JSON.stringify(fields);
  if (inputs.length === 0 || planning || wanted === plannedFor) return;
  library.setState({ planning: true });
  try {
    const planned = await ask("plan", fields);
    library.setState({ planned, plannedFor: wanted, trouble: null });
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    const trouble = hint && !message.includes(hint) ? `${message}: ${hint}` : message;
    library.setState({ planned: null, plannedFor: wanted, trouble });
  } finally {
    library.setState({ planning: false });
  }
  if (JSON.stringify(runFields()) !== wanted) refreshPlan();
}

export function setOutput(output: string): void {
  library.setState({ output });
}

/** Measure every light; figures fill the table as they come. */
export async function measure(): Promise<void> {
  const { rows } = frames.getState();
  const { recipe } = recipes.getState();
  const inputs = [
    ...new Set(rows.filter((row) => !row.figures && !row.refused).map((row) => row.frame.path)),
  ];
  if (inputs.length === 0) return;
  library.setState({ measured: true });
  const { data: done } = await follow(
    "measure",
    "Measuring frames",
    { inputs, ...(recipe ? { recipe } : {}) },
    {
      frame: (frame) => addFigures([frame]),
    },
  );
  if (!done) return library.setState({ measured: false });
  addFigures(done.frames);
  addRefused(done.refused);
}

/** Stack, and show the result. */
export async function stack(fields: Fields<"stack"> = runFields()): Promise<void> {
  library.setState({ interrupted: fields });
  const { data, why } = await follow("stack", "Stacking", fields);
  if (why !== "lost") forgetInterrupted();
  if (data) await take(data);
}

/** There is nothing to go on with, or nobody wants to. */
export function forgetInterrupted(): void {
  library.setState({ interrupted: null });
}

async function take(stacked: Stacked): Promise<void> {
  const report = stacked.written.find((path) => path.endsWith(".html")) ?? null;
  const made = stacked.stacks.map((one, at): Result => {
    const { name, image, path } = one;
    return { name, image, path, report, summary: at === 0 ? stacked.summary : [] };
  });
  library.setState(({ results }) => ({
    results: [...made, ...results.filter((old) => isOther(old, made))].slice(0, 20),
  }));
  const first = stacked.stacks[0];
  if (!first) return;
  await openImage(first.image, first.maps);
  goTo("finish");
  tell("good", (stacked.summary[0] ?? "The stack is done").split("\n")[0]!);
}

function isOther(old: Result, made: readonly Result[]): boolean {
  return made.every((one) => one.path === null || one.path !== old.path);
}

/** Show a result again, from the engine or from its file. */
export async function openResult(result: Result): Promise<void> {
  if (result.image && (await openImage(result.image))) return;
  if (result.path) await openPath(result.path);
}

/** The same run as words of a shell. */
export function asCommand(): string {
  const { recipe, defaults } = recipes.getState();
  const { inputs, told } = library.getState();
  const { exclude, output } = runFields();
  const plain = (value: unknown) => (value ?? {}) as Record<string, Record<string, unknown>>;
  return commandLine({
    inputs: inputs.filter((path) => !told[path]),
    told: Object.entries(told)
      .filter(([path]) => inputs.includes(path))
      .map(([path, kind]) => [TOLD[kind], path]),
    output: output ?? "",
    recipe: plain(recipe),
    defaults: plain(defaults),
    excluded: exclude ?? [],
  });
}

function defaultOutput(inputs: readonly string[], scanned: Scanned): string {
  const target = scanned.frames.find((frame) => frame.kind === "light" && frame.target)?.target;
  const name = (target ?? fileName(inputs[0] ?? "sidera")).replace(/[^\p{L}\p{N}._-]+/gu, "_");
  const folder = library.getState().resultsFolder;
  return `${folder}${folder && !folder.endsWith("/") ? "/" : ""}${name}_stack.fits`;
}
