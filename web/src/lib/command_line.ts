/** The same run as words of a shell. */

type Recipe = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Run {
  readonly inputs: readonly string[];
  /** Frames whose kind is said: [flag, path], for example ["--darks", "/old/darks"]. */
  readonly told: readonly (readonly [string, string])[];
  readonly output: string;
  readonly recipe: Recipe;
  readonly defaults: Recipe;
  readonly excluded: readonly string[];
}

/** `sidera stack …` with every setting that is not a default. */
export function commandLine(run: Run): string {
  const words = ["sidera", "stack", ...run.inputs.map(quoted), "-o", quoted(run.output)];
  for (const [flag, path] of run.told) words.push(flag, quoted(path));
  for (const [name, value] of changes(run.recipe, run.defaults))
    words.push("--set", quoted(`${name}=${text(value)}`));
  for (const name of run.excluded) words.push("--exclude", quoted(name));
  return words.join(" ");
}

/** Settings that differ from the defaults, as [name, value]. */
export function changes(recipe: Recipe, defaults: Recipe): [string, unknown][] {
  const found: [string, unknown][] = [];
  for (const [stage, settings] of Object.entries(recipe))
    for (const [name, value] of Object.entries(settings))
      if (value !== defaults[stage]?.[name]) found.push([`${stage}.${name}`, value]);
  return found;
}

/** A word for a POSIX shell: bare where it is harmless, else in single quotes. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function text(value: unknown): string {
  return typeof value === "boolean" ? String(value) : String(value ?? "");
}
