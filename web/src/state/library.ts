/** The night: a project that remembers which folders, what Sidera found in them, and what was made of it. */

import { createStore } from "zustand/vanilla";
import { ask } from "../engine/engine";
import type { Planned, ProjectName, ProjectState, Scanned, Stacked, UnfinishedRun } from "../engine/protocol";
import { serverInfo } from "../engine/server";
import type { Fields } from "../engine/socket";
import { commandLine } from "../lib/command_line";
import { fileName, nightName } from "../lib/format";
import {
  addFigures,
  addRefused,
  choose,
  frameId,
  frames,
  isLight,
  measuredNow,
  rejectedPaths,
  setLights,
  showMeasured,
} from "./frames";
import { follow } from "./jobs";
import { complain, goTo, tell } from "./page";
import { recipes } from "./recipe";
import { closeImage, openImage, openPath } from "./viewer";

export interface Result {
  readonly name: string;
  /** The engine's name of the image; gone when the engine is started again. */
  readonly image: string | null;
  readonly path: string | null;
  readonly report: string | null;
  readonly summary: readonly string[];
}

/** What frames of an input are taken for: the command line's flags, and the protocol's kinds. */
export const TOLD = {
  lights: "--lights",
  darks: "--darks",
  flats: "--flats",
  biases: "--biases",
  flat_darks: "--flat-darks",
} as const;
export type Told = keyof typeof TOLD;
const KINDS = {
  lights: "light",
  darks: "dark",
  flats: "flat",
  biases: "bias",
  flat_darks: "flat-dark",
} as const satisfies Record<Told, string>;

export interface Library {
  /** Folder of the project; null before a night is chosen. */
  readonly folder: string | null;
  readonly inputs: readonly string[];
  /** Inputs whose frames' kind the user has said; headers and names tell of the others. */
  readonly told: Readonly<Record<string, Told>>;
  readonly scanned: Pick<Scanned, "frames" | "refused"> | null;
  readonly planned: Planned | null;
  /** What the plan was made for, to see whether it is still true. */
  readonly plannedFor: string;
  readonly planning: boolean;
  readonly trouble: string | null;
  readonly measured: boolean;
  readonly output: string;
  /** Folder for projects, from the server. */
  readonly resultsFolder: string;
  readonly results: readonly Result[];
  /** Whether there is a verdict to take back. */
  readonly canUndo: boolean;
  /** A run that the engine's end cut short. */
  readonly unfinished: UnfinishedRun | null;
  /** Projects opened before, the last first. */
  readonly recent: readonly ProjectName[];
}

const NO_NIGHT = {
  folder: null,
  inputs: [],
  told: {},
  scanned: null,
  planned: null,
  plannedFor: "",
  planning: false,
  trouble: null,
  measured: false,
  output: "",
  results: [],
  canUndo: false,
  unfinished: null,
};

export const library = createStore<Library>(() => ({ ...NO_NIGHT, resultsFolder: "", recent: [] }));

// ── the project ───────

/** Begin or go on with the night in these folders and files. */
export async function openInputs(inputs: readonly string[]): Promise<void> {
  if (inputs.length === 0) return closeNight();
  try {
    const project = await projectOf(inputs);
    const more = inputs.filter((path) => project.roots.every((root) => root.path !== path));
    adoptProject(project);
    await look(more, null);
  } catch (error) {
    complain(error);
  }
}

/** The project of these inputs among those in the folder of results: one that has them all, or a new one. */
async function projectOf(inputs: readonly string[]): Promise<ProjectState> {
  const resultsFolder = library.getState().resultsFolder || (await serverInfo()).results;
  const name = nightName(inputs[0]!);
  for (let number = 1; ; number++) {
    const folder = `${withSlash(resultsFolder)}${name}${number > 1 ? `-${number}` : ""}`;
    const found = await ask("project.open", { folder }).catch((error) => {
      if (error.code !== "unreadable" || number > 99) throw error;
      return null;
    });
    if (!found) return ask("project.new", { folder });
    const known = new Set(found.roots.map((root) => root.path));
    if (known.size === 0 || inputs.every((path) => known.has(path))) return found;
  }
}

/** Open a project as it was left. */
export async function openProject(folder: string): Promise<void> {
  try {
    adoptProject(await ask("project.open", { folder }));
    await look([], null);
  } catch (error) {
    complain(error);
  }
}

/** Back to the beginning; the project keeps everything. */
export function closeNight(): void {
  library.setState(NO_NIGHT);
  setLights([]);
  closeImage();
  recipes.setState(({ defaults }) => ({ recipe: defaults, wrong: {} }));
  loadRecent();
}

export async function loadRecent(): Promise<void> {
  const { projects } = await ask("project.list", {}).catch(() => ({ projects: [] }));
  library.setState({ recent: projects });
}

export function addInputs(more: readonly string[]): Promise<void> {
  return library.getState().folder === null ? openInputs(more) : look(more, null);
}

export async function removeInput(path: string): Promise<void> {
  const { folder } = library.getState();
  if (folder === null) return;
  try {
    adoptProject(await ask("project.remove", { folder, paths: [path] }));
    await look([], null);
  } catch (error) {
    complain(error);
  }
}

/** Say what the frames of an input are, whatever their headers say; null lets headers and names tell again. */
export function tellKind(path: string, kind: Told | null): Promise<void> {
  return look([path], kind);
}

/** Add inputs to the project, and look into all of them. */
async function look(more: readonly string[], kind: Told | null): Promise<void> {
  const { folder } = library.getState();
  if (folder === null) return;
  library.setState({ scanned: null, planned: null, plannedFor: "", trouble: null });
  const fields = { folder, inputs: [...more], kind: kind && KINDS[kind] };
  const { data } = await follow("project.add", "Looking for frames", fields);
  if (!data || library.getState().folder !== folder) return;
  adoptProject(data);
  await showFrames(folder);
  await refreshPlan();
}

/** How the project stands, taken over; images of results that are held stay. */
function adoptProject(state: ProjectState): void {
  const { folder, roots, recipe, unfinished } = state;
  const now = library.getState();
  const other = now.folder !== folder;
  const held = new Map(now.results.map((one) => [one.path, one]));
  const told = roots.flatMap(({ path, kind }) => {
    const name = (Object.keys(KINDS) as Told[]).find((one) => KINDS[one] === kind);
    return name ? [[path, name] as const] : [];
  });
  library.setState({
    ...(other ? NO_NIGHT : {}),
    folder,
    inputs: roots.map((root) => root.path),
    told: Object.fromEntries(told),
    results: state.results.map(
      ({ path, name, report }) => held.get(path) ?? { path, name, report, image: null, summary: [] },
    ),
    canUndo: state.can_undo,
    unfinished: unfinished?.command === "stack" ? unfinished : null,
  });
  if (!other) return;
  keptRecipe = JSON.stringify(recipe);
  recipes.setState({ recipe, wrong: {} });
  loadRecent();
}

/** The frames with what is known of them. */
async function showFrames(folder: string): Promise<void> {
  const { frames: kept, refused } = await ask("project.frames", { folder });
  const scanned = { frames: kept.map((one) => one.frame), refused };
  const lights = kept.filter((one) => isLight(one.frame));
  const measured = lights.length > 0 && lights.every((one) => one.figures);
  library.setState({ scanned, output: defaultOutput(folder, scanned.frames), measured });
  setLights(lights, refused);
  const first = lights[Math.floor(lights.length / 2)]?.frame;
  if (first) choose(frameId(first.path, first.index)); // which opens it
}

let keptRecipe = "";

/** Write the recipe down, if it has changed. */
export async function keepRecipe(): Promise<void> {
  const { folder } = library.getState();
  const { recipe } = recipes.getState();
  const wanted = JSON.stringify(recipe);
  if (folder === null || !recipe || wanted === keptRecipe) return;
  await ask("project.recipe", { folder, recipe });
  keptRecipe = wanted;
}

// ── the run ───────

/** What a run would be asked for, as things stand; a plan made for other words is out of date. */
function asThingsStand(): string {
  const { folder, inputs, told, output } = library.getState();
  const rejected = frames.getState().rows.filter((row) => row.verdict === "rejected");
  const { recipe } = recipes.getState();
  return JSON.stringify({ folder, inputs, told, output, recipe, rejected: rejected.map((row) => row.id) });
}

/** Make the plan anew if anything that it rests on has changed. */
export async function refreshPlan(): Promise<void> {
  const { folder, inputs, plannedFor, planning, output } = library.getState();
  const wanted = asThingsStand();
  if (folder === null || inputs.length === 0 || planning || wanted === plannedFor) return;
  library.setState({ planning: true });
  try {
    await keepRecipe();
    const planned = await ask("project.plan", { folder, output });
    library.setState({ planned, plannedFor: wanted, trouble: null });
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    const trouble = hint && !message.includes(hint) ? `${message}: ${hint}` : message;
    library.setState({ planned: null, plannedFor: wanted, trouble });
  } finally {
    library.setState({ planning: false });
  }
  if (asThingsStand() !== wanted) refreshPlan();
}

export function setOutput(output: string): void {
  library.setState({ output });
}

/** Measure every light; figures fill the table as they come. */
export async function measure(): Promise<void> {
  const { folder } = library.getState();
  const { rows } = frames.getState();
  if (folder === null || rows.every((row) => row.figures || row.refused)) return;
  library.setState({ measured: true });
  await keepRecipe().catch(complain);
  const { data: done } = await follow(
    "project.measure",
    "Measuring frames",
    { folder },
    { frame: measuredNow },
  );
  showMeasured();
  if (!done) return library.setState({ measured: false });
  addFigures(done.frames.flatMap(({ figures }) => figures ?? []));
  addRefused(done.refused);
}

/** Stack, and show the result. What a run that was cut short has finished is used again. */
export async function stack(): Promise<void> {
  const { folder, output } = library.getState();
  if (folder === null) return;
  await keepRecipe().catch(complain);
  library.setState({ unfinished: null });
  const fields: Fields<"project.stack"> = { folder, output };
  const { data, why } = await follow("project.stack", "Stacking", fields);
  if (data) await take(data, folder);
  else if (why === "cancelled" || why === "failed") await measuredMeanwhile(folder);
}

/** Figures that a run found before it was stopped. */
async function measuredMeanwhile(folder: string): Promise<void> {
  const { frames: kept } = await ask("project.frames", { folder }).catch(() => ({ frames: [] }));
  addFigures(kept.flatMap(({ figures }) => figures ?? []));
}

async function take(stacked: Stacked, folder: string): Promise<void> {
  const report = stacked.written.find((path) => path.endsWith(".html")) ?? null;
  const made = stacked.stacks.map((one, at): Result => {
    const { name, image, path } = one;
    return { name, image, path, report, summary: at === 0 ? stacked.summary : [] };
  });
  library.setState(({ results }) => ({
    results: [...made, ...results.filter((old) => isOther(old, made))],
  }));
  const first = stacked.stacks[0];
  if (!first) return;
  await openImage(first.image);
  goTo("finish");
  tell("good", stacked.summary[0] ?? "The stack is done");
  await measuredMeanwhile(folder);
}

function isOther(old: Result, made: readonly Result[]): boolean {
  return made.every((one) => one.path === null || one.path !== old.path);
}

/** Whether the engine's end cut a stack short; the project knows. */
export async function findUnfinished(): Promise<void> {
  const { folder } = library.getState();
  if (folder === null) return;
  adoptProject(await ask("project.status", { folder }));
}

/** Show a result again, from the engine or from its file. */
export async function openResult(result: Result): Promise<void> {
  if (result.path) await openPath(result.path);
  else if (result.image) await openImage(result.image);
}

/** The same run as words of a shell. */
export function asCommand(): string {
  const { recipe, defaults } = recipes.getState();
  const { inputs, told, output } = library.getState();
  const plain = (value: unknown) => (value ?? {}) as Record<string, Record<string, unknown>>;
  return commandLine({
    inputs: inputs.filter((path) => !told[path]),
    told: Object.entries(told)
      .filter(([path]) => inputs.includes(path))
      .map(([path, kind]) => [TOLD[kind], path]),
    output,
    recipe: plain(recipe),
    defaults: plain(defaults),
    excluded: rejectedPaths(frames.getState().rows),
  });
}

function defaultOutput(folder: string, found: Scanned["frames"]): string {
  const target = found.find((frame) => frame.kind === "light" && frame.target)?.target;
  const name = (target ?? fileName(folder)).replace(/[^\p{L}\p{N}._-]+/gu, "_");
  return `${withSlash(folder)}results/${name}_stack.fits`;
}

function withSlash(folder: string): string {
  return folder && !/[/\\]$/.test(folder) ? `${folder}/` : folder;
}
