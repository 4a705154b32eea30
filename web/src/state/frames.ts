/** The frames of the night: their figures, and which of them stay. */

import { createStore } from "zustand/vanilla";
import type { FoundFrame, MeasuredFrame, ProjectFrame, RefusedFrame } from "../engine/protocol";
import { fileName } from "../lib/format";

export type Verdict = "undecided" | "approved" | "rejected";

export interface Row {
  /** The path, and for a film the number of the frame: "night.ser#12". */
  readonly id: string;
  /** The project's name of its content. */
  readonly key: string;
  readonly name: string;
  readonly frame: FoundFrame;
  /** Milliseconds since 1970; null when the header does not say. */
  readonly time: number | null;
  readonly figures: MeasuredFrame | null;
  /** Why Sidera cannot use it. */
  readonly refused: RefusedFrame | null;
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Figures that can be plotted, sorted and filtered by. */
export const METRICS = ["fwhm", "eccentricity", "stars", "sky", "snr"] as const;
export type Metric = (typeof METRICS)[number];
export type Column = Metric | "name" | "time" | "verdict" | "noise" | "hfr";

export interface Brush {
  readonly metric: Metric;
  readonly low: number;
  readonly high: number;
}

interface Verdicts {
  readonly [id: string]: { readonly verdict: Verdict; readonly reason: string };
}

export interface Frames {
  readonly rows: readonly Row[];
  readonly selected: ReadonlySet<string>;
  /** The row that is looked at, and from which a range is chosen. */
  readonly focus: string | null;
  readonly sort: { readonly by: Column; readonly down: boolean };
  readonly text: string;
  readonly only: "all" | Verdict;
  readonly brush: Brush | null;
  /** What verdicts were before each change, the last at the end. */
  readonly past: readonly Verdicts[];
  readonly blinking: boolean;
}

const EMPTY: Frames = {
  rows: [],
  selected: new Set(),
  focus: null,
  sort: { by: "time", down: false },
  text: "",
  only: "all",
  brush: null,
  past: [],
  blinking: false,
};

export const frames = createStore<Frames>(() => EMPTY);

export function frameId(path: string, index: number): string {
  return index > 0 ? `${path}#${index}` : path;
}

/** What a row knows beside the frame itself. */
export type Known = Pick<ProjectFrame, "key" | "figures" | "verdict" | "reason">;

/** Begin anew with these lights, each with what the project knows of it. */
export function setLights(
  lights: readonly (Pick<ProjectFrame, "frame"> & Partial<Known>)[],
  refused: readonly RefusedFrame[] = [],
): void {
  const why = new Map(refused.map((one) => [frameId(one.path, one.index), one]));
  const rows = lights.map(({ frame, key, figures, verdict, reason }): Row => {
    const id = frameId(frame.path, frame.index);
    return {
      id,
      key: key ?? id,
      name: fileName(frame.path) + (frame.index > 0 ? ` #${frame.index}` : ""),
      frame,
      time: frame.date ? timeOf(frame.date) : null,
      figures: figures ?? null,
      refused: why.get(id) ?? null,
      verdict: verdict ?? "undecided",
      reason: reason ?? "",
    };
  });
  frames.setState({ ...EMPTY, rows });
}

/** Whether a frame is one of those that are stacked. */
export function isLight(frame: FoundFrame): boolean {
  return frame.kind === "light" && !frame.is_master;
}

/** FITS dates are UTC and say so by saying nothing. */
function timeOf(date: string): number | null {
  const time = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(date) || !date.includes("T") ? date : `${date}Z`);
  return Number.isNaN(time) ? null : time;
}

export function addFigures(all: readonly MeasuredFrame[]): void {
  const known = new Map(all.map((one) => [frameId(one.path, one.index), one]));
  changeRows((row) => {
    const figures = known.get(row.id);
    return figures ? { ...row, figures } : row;
  });
}

/** Figures are shown so often at most: a table of thousands, and its plots, are drawn anew each time. */
const EVERY = 250;
let coming: MeasuredFrame[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** A frame was measured; it is shown with those of the next moment. */
export function measuredNow(one: MeasuredFrame): void {
  coming.push(one);
  timer ??= setTimeout(showMeasured, EVERY);
}

/** Show what has come. */
export function showMeasured(): void {
  clearTimeout(timer);
  timer = undefined;
  const all = coming;
  coming = [];
  if (all.length > 0) addFigures(all);
}

export function addRefused(all: readonly RefusedFrame[]): void {
  const known = new Map(all.map((one) => [frameId(one.path, one.index), one]));
  changeRows((row) => {
    const refused = known.get(row.id);
    return refused ? { ...row, refused } : row;
  });
}

/** Approve or reject, with a reason; `undo` takes it back. */
export function decide(ids: Iterable<string>, verdict: Verdict, reason = ""): void {
  const chosen = new Set(ids);
  const { rows, past } = frames.getState();
  if (!rows.some((row) => chosen.has(row.id) && (row.verdict !== verdict || row.reason !== reason))) return;
  frames.setState({ past: [...past, verdictsOf(rows)] });
  changeRows((row) => (chosen.has(row.id) ? { ...row, verdict, reason } : row));
}

export function undo(): void {
  const { past } = frames.getState();
  const last = past.at(-1);
  if (!last) return;
  frames.setState({ past: past.slice(0, -1) });
  setVerdicts(last);
}

/** Verdicts that were kept from before. */
export function setVerdicts(verdicts: Verdicts): void {
  changeRows((row) => ({ ...row, ...(verdicts[row.id] ?? { verdict: "undecided", reason: "" }) }));
}

/** Verdicts that are not "undecided", to keep. */
export function verdictsOf(rows: readonly Row[]): Verdicts {
  const decided = rows.filter((row) => row.verdict !== "undecided");
  return Object.fromEntries(decided.map((row) => [row.id, { verdict: row.verdict, reason: row.reason }]));
}

/** The value of a column, NaN or "" where it is not known. */
export function cellOf(row: Row, column: Column): number | string {
  switch (column) {
    case "name":
      return row.name.toLowerCase();
    case "time":
      return row.time ?? Number.NaN;
    case "verdict":
      return row.refused ? "refused" : row.verdict;
    case "sky":
    case "noise":
      return median(row.figures?.[column] ?? []);
    default:
      return row.figures?.[column] ?? Number.NaN;
  }
}

/** A metric of a row; NaN when it was not measured. */
export function metricOf(row: Row, metric: Metric): number {
  return cellOf(row, metric) as number;
}

/** Rows that pass the filters, in order. What is not known comes last, whichever way it is sorted. */
export function visible(state: Frames): readonly Row[] {
  const { rows, text, only, brush, sort } = state;
  const wanted = text.trim().toLowerCase();
  const kept = rows.filter(
    (row) =>
      (only === "all" || row.verdict === only) &&
      (!wanted || row.name.toLowerCase().includes(wanted)) &&
      (!brush || inBrush(row, brush)),
  );
  const sign = sort.down ? -1 : 1;
  const keyed = kept.map((row) => ({ row, cell: cellOf(row, sort.by) }));
  keyed.sort((a, b) => compare(a.cell, b.cell, sign) || inOrder(a.row.name, b.row.name));
  return keyed.map((one) => one.row);
}

export function inBrush(row: Row, brush: Brush): boolean {
  const value = metricOf(row, brush.metric);
  return value >= brush.low && value <= brush.high;
}

/** As people sort: 2 before 10. A collator made once is many times faster than localeCompare. */
const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;

function compare(a: number | string, b: number | string, sign: number): number {
  if (typeof a === "string" || typeof b === "string") return sign * inOrder(String(a), String(b));
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}

export function sortBy(by: Column): void {
  frames.setState(({ sort }) => ({ sort: { by, down: sort.by === by ? !sort.down : false } }));
}

/** Choose a row; `range` extends from the row looked at, `more` adds or takes away one. */
export function choose(id: string, how: "one" | "range" | "more" = "one"): void {
  const state = frames.getState();
  if (how === "more") {
    const selected = new Set(state.selected);
    if (!selected.delete(id)) selected.add(id);
    frames.setState({ selected, focus: id });
  } else if (how === "range" && state.focus !== null) {
    const order = visible(state).map((row) => row.id);
    const ends = [order.indexOf(state.focus), order.indexOf(id)].sort((a, b) => a - b);
    frames.setState({ selected: new Set(order.slice(Math.max(ends[0]!, 0), ends[1]! + 1)) });
  } else frames.setState({ selected: new Set([id]), focus: id });
}

/** Look at the next row, or the one before; stops at the ends unless it goes round. */
export function step(by: number, round = false): void {
  const state = frames.getState();
  const order = visible(state);
  if (order.length === 0) return;
  const at = order.findIndex((row) => row.id === state.focus);
  const next = at < 0 ? 0 : at + by;
  const held = round ? (next + order.length) % order.length : Math.min(Math.max(next, 0), order.length - 1);
  choose(order[held]!.id);
}

export function setFilter(what: Partial<Pick<Frames, "text" | "only" | "brush">>): void {
  frames.setState(what);
}

export function chooseVisible(): void {
  frames.setState((state) => ({ selected: new Set(visible(state).map((row) => row.id)) }));
}

/** Globs of the files that the run leaves out: whole files only, for a film's frame has no name of its own. */
export function rejectedPaths(rows: readonly Row[]): string[] {
  const rejected = rows.filter((row) => row.verdict === "rejected" && row.frame.index === 0);
  return rejected.map((row) => row.frame.path.replace(/[[*?]/g, "[$&]")); // that match the path itself only
}

function changeRows(change: (row: Row) => Row): void {
  frames.setState(({ rows }) => ({ rows: rows.map(change) }));
}

function median(values: readonly (number | null)[]): number {
  const known = values.filter((one): one is number => one !== null).sort((a, b) => a - b);
  const middle = known.length >> 1;
  if (known.length === 0) return Number.NaN;
  return known.length % 2 ? known[middle]! : (known[middle - 1]! + known[middle]!) / 2;
}
