/** The recipe: every setting, checked by the engine as it is changed. */

import { createStore } from "zustand/vanilla";
import { ask } from "../engine/engine";
import type { Recipe } from "../engine/protocol";
import { type Field, fields, type Schema } from "../lib/schema";
import { complain } from "./page";

export type Stage = keyof Recipe;

export interface RecipeState {
  readonly recipe: Recipe | null;
  readonly defaults: Recipe | null;
  readonly fields: readonly Field[];
  /** What the engine says is wrong, by setting. */
  readonly wrong: Readonly<Record<string, string>>;
}

export const recipes = createStore<RecipeState>(() => ({
  recipe: null,
  defaults: null,
  fields: [],
  wrong: {},
}));

/** Settings that most nights need, in words for everybody; the others are for experts. */
export const PLAIN: ReadonlyMap<string, string> = new Map([
  ["integration.keep", "Keep the best"],
  ["integration.rejection", "Satellites and cosmic rays"],
  ["registration.framing", "What the picture covers"],
  ["registration.reference", "Reference frame"],
  ["integration.normalisation", "Even out the sky"],
  ["demosaic.method", "Colour from the sensor"],
  ["calibration.cosmetic", "Hot and cold pixels"],
  ["integration.halves", "Two half stacks"],
]);

/** Ask for the defaults and the form. A recipe chosen before stays. */
export async function loadRecipe(): Promise<void> {
  const { recipe, schema } = await ask("recipe", {});
  recipes.setState((now) => ({
    recipe: now.recipe ?? recipe,
    defaults: recipe,
    fields: fields(schema as Schema),
  }));
}

/** Settings of these stages of the form. */
export function fieldsOf(state: RecipeState, stages: readonly Stage[]): Field[] {
  return state.fields.filter((one) => stages.includes(one.stage as Stage));
}

export function valueAt(recipe: Recipe, path: string): unknown {
  const [stage, name] = path.split(".") as [Stage, string];
  return (recipe[stage] as unknown as Record<string, unknown>)[name];
}

/** Change a setting; the engine's objection, if any, comes a moment later and stands beside the field. */
export function setSetting(path: string, value: unknown): void {
  const { recipe } = recipes.getState();
  if (!recipe) return;
  const [stage, name] = path.split(".") as [Stage, string];
  const changed = { ...recipe, [stage]: { ...recipe[stage], [name]: value } } as Recipe;
  recipes.setState({ recipe: changed });
  check(path, changed);
}

async function check(path: string, recipe: Recipe): Promise<void> {
  let problem = "";
  try {
    await ask("recipe", { recipe: recipe as unknown as Record<string, unknown> });
  } catch (error) {
    problem = (error as Error).message;
  }
  if (recipes.getState().recipe !== recipe) return;
  recipes.setState(({ wrong }) => {
    const { [path]: _, ...others } = wrong;
    return { wrong: problem ? { ...others, [path]: problem } : others };
  });
}

export function isChanged(state: RecipeState, path: string): boolean {
  return (
    Boolean(state.recipe && state.defaults) && valueAt(state.recipe!, path) !== valueAt(state.defaults!, path)
  );
}

export function resetSetting(path: string): void {
  const { defaults } = recipes.getState();
  if (defaults) setSetting(path, valueAt(defaults, path));
}

export function resetRecipe(stages?: readonly Stage[]): void {
  const { defaults, recipe } = recipes.getState();
  if (!defaults || !recipe) return;
  const kept = stages ? Object.fromEntries(stages.map((stage) => [stage, defaults[stage]])) : defaults;
  recipes.setState({ recipe: { ...recipe, ...kept } as Recipe, wrong: {} });
}

/** A recipe from a file (TOML), or one that was kept. */
export async function readRecipe(
  from: { toml: string } | { recipe: Record<string, unknown> },
): Promise<void> {
  try {
    const { recipe } = await ask("recipe", from);
    recipes.setState({ recipe, wrong: {} });
  } catch (error) {
    complain(error);
  }
}

export async function recipeToml(): Promise<string> {
  const { recipe } = recipes.getState();
  return (await ask("recipe", { recipe: recipe as unknown as Record<string, unknown> })).toml;
}

export function hasWrong(state: RecipeState): boolean {
  return Object.keys(state.wrong).length > 0;
}
