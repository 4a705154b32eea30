/** The line to server and engine, and what happens when it breaks and mends. */

import { createStore } from "zustand/vanilla";
import { ask, connect } from "../engine/engine";
import type { Greeting } from "../engine/protocol";
import { serverInfo } from "../engine/server";
import type { AnyEvent, EngineEvent } from "../engine/socket";
import { correctAgain } from "./finish";
import { heardOfJob, jobs, loadJobs } from "./jobs";
import { findUnfinished, library, loadRecent, openProject, stack } from "./library";
import { addLine } from "./log";
import { complain, dismiss, tell } from "./page";
import { loadRecipe } from "./recipe";
import { reopen } from "./viewer";

export interface Connection {
  readonly server: "connecting" | "up" | "lost";
  readonly engine: "starting" | "up" | "down";
  readonly restarts: number;
  readonly why: string;
  readonly greeting: Greeting | null;
}

export const connection = createStore<Connection>(() => ({
  server: "connecting",
  engine: "starting",
  restarts: 0,
  why: "",
  greeting: null,
}));

/**
 * Connect; `open` is called when the engine has answered, and called again when that engine dies over it: what was
 * asked of it is lost. Resolves when the page is open.
 */
export function start(open: () => unknown): Promise<void> {
  return new Promise((done) => {
    let opened = false;
    let engines = 0;
    const met = async () => {
      const mine = ++engines;
      await greet(mine > 1);
      if (!opened && mine === engines) {
        await open();
        const lives = mine === engines && connection.getState().engine === "up";
        if (!lives) return;
        opened = true;
        done();
      }
      offerToGoOn();
    };
    connect((event) => hear(event, () => met().catch(complain)), lineChanged);
  });
}

function lineChanged(open: boolean): void {
  const was = connection.getState().server;
  // Of the next server's engine nothing is known before it says so: it is not the one that was up.
  connection.setState(open ? { server: "up" } : { server: "lost", engine: "starting" });
  if (!open && was === "up")
    tell("bad", "Sidera's server has gone", { hint: "Start it again with: sidera ui" });
}

function hear(event: AnyEvent, engineUp: () => void): void {
  if (event.event === "log") addLine(event.data);
  else if (event.event === "job") heardOfJob(event.data);
  else engineChanged(event.data, engineUp);
}

/** The notice of a stopped engine, which goes when it is back; and why it stopped, which is told once more then. */
let told = 0;
let reason = "";

function engineChanged({ state, restarts, why }: EngineEvent["data"], engineUp: () => void): void {
  const before = connection.getState();
  connection.setState({ engine: state, restarts, why });
  if (state !== "up") {
    if (state === "down") reason = why.split(";")[0]!;
    if (before.engine === "up")
      told = tell("bad", why || "The engine has stopped; it is being started again");
    return;
  }
  dismiss(told);
  engineUp();
}

/** Say hello; after a new start, find again what was there. */
async function greet(again: boolean): Promise<void> {
  const greeting = await ask("hello", { events: ["job", "log"] });
  connection.setState({ greeting });
  jobs.setState({ known: [] }); // a new engine knows nothing of the old one's
  await loadJobs();
  await loadRecipe();
  const server = await serverInfo();
  library.setState({ resultsFolder: server.results });
  await loadRecent();
  if (again) await resume();
}

/** The engine was started again: show what was shown. */
async function resume(): Promise<void> {
  const { folder, scanned } = library.getState();
  await reopen();
  await correctAgain();
  if (folder !== null && !scanned) await openProject(folder);
  else await findUnfinished();
}

/**
 * A stack that was cut short, by this engine's predecessor or any earlier one, can be gone on with. An engine is back
 * within a second, too soon to read why the last one stopped: that is said here, and stays a while.
 */
function offerToGoOn(): void {
  const why = reason;
  reason = "";
  if (library.getState().unfinished)
    tell("warn", "The engine stopped during a stack and was started again", {
      hint: `${why && `${why}. `}What was finished is used again.`,
      action: { label: "Go on", act: stack },
    });
  else if (why) tell("warn", why, { hint: "It was started again; nothing is lost." });
}
