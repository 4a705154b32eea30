/** Forms made from a JSON Schema: one field for each setting, in the schema's own words. */

export type Schema = {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
  readonly description?: string;
  readonly title?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
};

interface Common {
  /** "integration.kappa_low": as in recipes and on the command line. */
  readonly path: string;
  readonly stage: string;
  readonly name: string;
  readonly label: string;
  readonly help: string;
  /** May also be nothing (null). */
  readonly optional: boolean;
}

export type Field =
  | (Common & { readonly kind: "choice"; readonly choices: readonly string[] })
  | (Common & { readonly kind: "switch" })
  | (Common & { readonly kind: "text" })
  | (Common & {
      readonly kind: "number";
      readonly whole: boolean;
      readonly low?: number;
      readonly high?: number;
    });

/** The fields of a schema of stages of settings, in its own order; what is neither plain nor a choice is left out. */
export function fields(schema: Schema): Field[] {
  const found: Field[] = [];
  for (const [stage, stageSchema] of Object.entries(resolved(schema, schema).properties ?? {}))
    for (const [name, setting] of Object.entries(resolved(stageSchema, schema).properties ?? {})) {
      const one = field(stage, name, setting, schema);
      if (one) found.push(one);
    }
  return found;
}

function field(stage: string, name: string, given: Schema, root: Schema): Field | undefined {
  const variants = given.anyOf ?? [given];
  const plain = variants.filter((one) => one.type !== "null").map((one) => resolved(one, root));
  const only = plain[0];
  if (plain.length !== 1 || !only) return undefined;
  const common: Common = {
    path: `${stage}.${name}`,
    stage,
    name,
    label: words(name),
    help: given.description ?? only.description ?? "",
    optional: plain.length < variants.length,
  };
  if (only.enum) return { ...common, kind: "choice", choices: ordered(only.enum) };
  if (only.type === "boolean") return { ...common, kind: "switch" };
  if (only.type === "string") return { ...common, kind: "text" };
  if (only.type !== "number" && only.type !== "integer") return undefined;
  const low = only.minimum ?? only.exclusiveMinimum;
  const high = only.maximum ?? only.exclusiveMaximum;
  return {
    ...common,
    kind: "number",
    whole: only.type === "integer",
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
  };
}

/** Choices as people look for them: "auto" first, "none" and "off" last, numbers by size. */
function ordered(choices: readonly unknown[]): string[] {
  const rank = (one: string) => (one === "auto" ? -1 : one === "none" || one === "off" ? 1 : 0);
  const named = choices.filter((one) => one !== null).map(String);
  return named.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }));
}

/** A schema with its reference followed. */
function resolved(schema: Schema, root: Schema): Schema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (!reference) return schema;
  const target = root.$defs?.[reference.replace("#/$defs/", "")] ?? {};
  return { ...resolved(target, root), ...(schema.description ? { description: schema.description } : {}) };
}

/** "kappa_low" as "Kappa low". */
export function words(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
