/** The log: the newest lines, however many come. */

import { createStore } from "zustand/vanilla";
import type { LogLine } from "../engine/protocol";

export type Level = LogLine["level"];
export const LEVELS: readonly Level[] = ["debug", "info", "warning", "error"];
/** Lines kept; older ones are in the server's log file. */
export const KEPT = 5000;
/** Lines are shown so often at most: a thousand a second must not draw a thousand times. */
const EVERY = 100;

export interface LogState {
  readonly lines: readonly LogLine[];
  readonly level: Level;
  readonly dropped: number;
}

export const log = createStore<LogState>(() => ({ lines: [], level: "info", dropped: 0 }));

let pending: LogLine[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** A line has come; it is shown with those of the next tenth of a second. */
export function addLine(line: LogLine): void {
  pending.push(line);
  timer ??= setTimeout(flush, EVERY);
}

export function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const coming = pending;
  pending = [];
  log.setState(({ lines, dropped }) => {
    const all = [...lines, ...coming];
    const over = Math.max(all.length - KEPT, 0);
    return { lines: all.slice(over), dropped: dropped + over };
  });
}

export function clearLog(): void {
  pending = [];
  log.setState({ lines: [], dropped: 0 });
}

export function setLevel(level: Level): void {
  log.setState({ level });
}

/** Lines of the chosen level and worse. */
export function shownLines({ lines, level }: LogState): readonly LogLine[] {
  const least = LEVELS.indexOf(level);
  return least === 0 ? lines : lines.filter((line) => LEVELS.indexOf(line.level) >= least);
}

/** The log as a text file. */
export function logText(lines: readonly LogLine[]): string {
  return lines.map((line) => `${line.time} ${line.level.padEnd(7)} ${line.text}\n`).join("");
}
