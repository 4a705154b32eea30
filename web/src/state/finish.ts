/** From a linear stack to a picture: corrections, comparison, export. */

import { createStore } from "zustand/vanilla";
import type { FinishStep, View as Image, Offset, Recipe } from "../engine/protocol";
import { fileName, folderOf } from "../lib/format";
import { follow } from "./jobs";
import { tell } from "./page";
import { recipes, type Stage } from "./recipe";
import { shownStretch } from "./stretch";
import { compareWith, openImage, openPath, startWith, stretchOf, viewer } from "./viewer";

/** In the order in which they run. */
export const CORRECTIONS = [
  "crop",
  "gradient",
  "neutralise",
  "whitebalance",
  "starcolour",
  "scnr",
  "denoise",
] as const;
export type Correction = (typeof CORRECTIONS)[number];

export const FORMATS = ["fits", "xisf", "tiff", "png", "jpeg"] as const;
export type Format = (typeof FORMATS)[number];

export interface Finishing {
  /** The stack before any correction. */
  readonly source: Image | null;
  readonly finished: Image | null;
  /** What each correction did. */
  readonly steps: readonly FinishStep[];
  /** The pixel of the source on which the corrected picture begins. */
  readonly offset: Offset;
  /** The corrections that `finished` was made with. */
  readonly madeWith: string;
  readonly format: Format;
  readonly path: string;
}

export const finishing = createStore<Finishing>(() => ({
  source: null,
  finished: null,
  steps: [],
  offset: { x: 0, y: 0 },
  madeWith: "",
  format: "png",
  path: "",
}));

/** The picture shown is what is corrected, unless it came of correcting. */
export function adopt(image: Image | null): void {
  const { finished, source } = finishing.getState();
  if (!image || image.kind === "map" || image.kind === "finished") return;
  if (image.key === finished?.key || image.key === source?.key) return;
  finishing.setState({ source: image, finished: null, steps: [], madeWith: "", path: defaultPath(image) });
}

/** Show what is being finished: corrected, if it was, else as it came. */
export async function showWork(): Promise<void> {
  const { finished, source } = finishing.getState();
  if (finished) await openImage(finished.image);
  else if (source?.path) await openPath(source.path);
  else if (source) await openImage(source.image);
}

/** The engine was started again and holds no corrected picture any more: make it anew from its file. */
export async function correctAgain(): Promise<void> {
  const { finished, source } = finishing.getState();
  if (!finished) return;
  const shown = viewer.getState().image?.key === finished.key;
  finishing.setState({ finished: null, steps: [], madeWith: "" });
  if (!shown || !source?.path) return;
  await openPath(source.path);
  await correct();
}

export function correctionsOf(recipe: Recipe): Pick<Recipe, Correction> {
  return Object.fromEntries(CORRECTIONS.map((name) => [name, recipe[name]])) as Pick<Recipe, Correction>;
}

/** Whether the picture shows the corrections as they are set now. */
export function isUpToDate(state: Finishing, recipe: Recipe | null): boolean {
  return (
    recipe !== null && state.finished !== null && state.madeWith === JSON.stringify(correctionsOf(recipe))
  );
}

/** Correct the stack and show it. */
export async function correct(): Promise<void> {
  const { source } = finishing.getState();
  const { recipe } = recipes.getState();
  if (!source || !recipe) return;
  const corrections = correctionsOf(recipe);
  const { data } = await follow("finish", "Correcting", { ...from(source), recipe: corrections });
  if (!data) return;
  const finished = await openImage(data.image);
  if (!finished) return;
  startWith(finished, data.curves, data.colour);
  const { steps, offset } = data;
  finishing.setState({ finished, steps, offset, madeWith: JSON.stringify(corrections) });
  const { mode } = viewer.getState();
  if (mode !== "single") compareWith(source, mode, offset);
}

/** Look at the stack without corrections. */
export async function showSource(): Promise<void> {
  const { source } = finishing.getState();
  if (source) await openImage(source.image);
}

/** Before and after: the uncorrected stack on the left. */
export function toggleCompare(): void {
  const { source, finished, offset } = finishing.getState();
  const { before, image } = viewer.getState();
  if (before) compareWith(null);
  else if (source && finished && image?.key === finished.key) compareWith(source, "split", offset);
}

export function setFormat(format: Format): void {
  finishing.setState(({ path }) => ({ format, path: path.replace(/\.[^./\\]*$/, "") + ending(format) }));
}

export function setPath(path: string): void {
  finishing.setState({ path });
}

/**
 * Write the picture with the corrections and the stretch that are shown. Corrections that are not made yet are made
 * first, so that what is written has been seen.
 */
export async function exportPicture(): Promise<void> {
  if (!isUpToDate(finishing.getState(), recipes.getState().recipe)) await correct();
  const { source, finished, path } = finishing.getState();
  const { recipe } = recipes.getState();
  if (!source || !finished || !recipe) return;
  const shown = shownStretch(stretchOf(viewer.getState(), finished));
  const chosen = { ...correctionsOf(recipe), export: recipe.export };
  const { data } = await follow("finish", "Writing", {
    ...from(source),
    recipe: chosen,
    shown,
    output: path,
  });
  if (data) tell("good", `Wrote ${data.written.map(fileName).join(", ")}`, { hint: `In ${folderOf(path)}` });
}

function from(source: Image): { image: string } | { path: string } {
  return source.path ? { path: source.path } : { image: source.image };
}

function ending(format: Format): string {
  return { fits: ".fits", xisf: ".xisf", tiff: ".tif", png: ".png", jpeg: ".jpg" }[format];
}

function defaultPath(image: Image): string {
  const name = (image.path ?? image.name).replace(/\.[^./\\]*$/, "");
  return `${name}_finished${ending(finishing.getState().format)}`;
}

/** Stages of the recipe that belong to finishing. */
export function isFinishing(stage: string): stage is Stage {
  return (CORRECTIONS as readonly string[]).includes(stage) || stage === "stretch" || stage === "export";
}
