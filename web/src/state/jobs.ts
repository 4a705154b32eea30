/** The job under way: how far it is, and how it is stopped. */

import { createStore } from "zustand/vanilla";
import { ask } from "../engine/engine";
import type { Command, Job, ProgressStep, Replies } from "../engine/protocol";
import { EngineError, type Fields, type Listening } from "../engine/socket";
import { complain, tell } from "./page";

export interface Running {
  readonly id: number;
  readonly cmd: Command;
  readonly title: string;
  readonly step: ProgressStep | null;
  readonly since: number;
  readonly cancelling: boolean;
}

export interface Jobs {
  readonly running: readonly Running[];
  /** Jobs of every tab, newest last, as the engine tells of them. */
  readonly known: readonly Job[];
}

export const jobs = createStore<Jobs>(() => ({ running: [], known: [] }));

/** The job whose progress is shown: the one that began last. */
export function current(state: Jobs = jobs.getState()): Running | undefined {
  return state.running.at(-1);
}

/** What a job gave, or why it gave nothing. */
export interface Ended<T> {
  readonly data?: T;
  readonly why?: "cancelled" | "failed" | "lost";
}

/**
 * Ask for a job and follow it. Never rejects: the user is told of what went wrong, but for a lost engine, of which
 * the connection tells.
 */
export async function follow<C extends Command>(
  cmd: C,
  title: string,
  fields: Fields<C>,
  listening: Listening = {},
): Promise<Ended<Replies[C]>> {
  let mine = 0;
  try {
    const data = await ask(cmd, fields, {
      ...listening,
      begun: (id) => {
        mine = id;
        const one: Running = { id, cmd, title, step: null, since: Date.now(), cancelling: false };
        jobs.setState((now) => ({ running: [...now.running, one] }));
      },
      progress: (step) => {
        change(mine, { step });
        listening.progress?.(step);
      },
    });
    return { data };
  } catch (error) {
    const code = error instanceof EngineError ? error.code : "";
    if (code === "engine_lost") return { why: "lost" };
    if (code !== "cancelled") complain(error);
    else tell("warn", `${title}: cancelled`);
    return { why: code === "cancelled" ? "cancelled" : "failed" };
  } finally {
    jobs.setState((now) => ({ running: now.running.filter((one) => one.id !== mine) }));
  }
}

/**
 * A job that runs without this page's doing: another page's, or begun before this one was loaded. The server leaves
 * the request's id to the page that asked.
 */
export function elsewhere({ running, known }: Jobs = jobs.getState()): Job | undefined {
  if (running.length > 0) return undefined;
  return known.findLast((one) => one.state === "running" && one.request === null);
}

/** Ask what runs already. */
export async function loadJobs(): Promise<void> {
  for (const job of (await ask("jobs", {})).jobs) heardOfJob(job);
}

/** Stop a job by the engine's own name of it. */
export function cancelNamed(job: string): void {
  ask("cancel", { job }).catch(complain);
}

/** Stop a job; it ends within a quarter of a second. */
export function cancel(one: Running | undefined = current()): void {
  if (!one || one.cancelling) return;
  change(one.id, { cancelling: true });
  ask("cancel", { job: one.id }).catch(complain);
}

/** The engine tells of a job, ours or another tab's. */
export function heardOfJob(job: Job): void {
  jobs.setState(({ known }) => ({ known: [...known.filter((one) => one.job !== job.job), job].slice(-50) }));
}

function change(id: number, what: Partial<Running>): void {
  jobs.setState(({ running }) => ({
    running: running.map((one) => (one.id === id ? { ...one, ...what } : one)),
  }));
}
