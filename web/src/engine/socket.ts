/** The line to the engine: one WebSocket, requests and their replies, events; opened again when it breaks. */

import type {
  Command,
  Failure,
  FrameMessage,
  JobEvent,
  LogEvent,
  Message,
  ProgressMessage,
  Replies,
  Requests,
} from "./protocol";

/** The server's own event: how the engine is. */
export interface EngineEvent {
  readonly event: "engine";
  readonly data: {
    readonly state: "up" | "starting" | "down";
    readonly restarts: number;
    readonly why: string;
  };
}

export type AnyEvent = JobEvent | LogEvent | EngineEvent;

/** What the engine refused: what was wrong, and what would be right. */
export class EngineError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly path: string | undefined;

  constructor(failure: Pick<Failure, "error" | "hint" | "path"> & { code: string }) {
    super(failure.error);
    this.code = failure.code;
    this.hint = failure.hint;
    this.path = failure.path;
  }
}

export type Fields<C extends Command> = Omit<Requests[C], "cmd" | "id">;

export interface Listening {
  readonly progress?: (step: ProgressMessage["progress"]) => void;
  readonly frame?: (frame: FrameMessage["frame"]) => void;
  /** Told the id at once, by which the job can be cancelled. */
  readonly begun?: (id: number) => void;
}

interface Waiting extends Listening {
  readonly resolve: (data: never) => void;
  readonly reject: (error: EngineError) => void;
}

/** What is needed of a WebSocket, so that a test can stand in for it. */
export interface Line {
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5000;

/** A connection that mends itself. What was asked while it is down is refused with code `engine_lost`. */
export class Socket {
  private line: Line | undefined;
  private open = false;
  private next = 1;
  private delay = FIRST_DELAY;
  private closed = false;
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly dial: () => Line,
    private readonly heard: (event: AnyEvent) => void,
    private readonly changed: (open: boolean) => void,
    private readonly later: (act: () => void, milliseconds: number) => void = (act, ms) =>
      setTimeout(act, ms),
  ) {
    this.connect();
  }

  /** Ask the engine; rejects with `EngineError`. */
  ask<C extends Command>(cmd: C, fields: Fields<C>, listening: Listening = {}): Promise<Replies[C]> {
    if (!this.open || !this.line) return Promise.reject(lost());
    const id = this.next++;
    return new Promise<Replies[C]>((resolve, reject) => {
      this.waiting.set(id, { ...listening, resolve, reject });
      this.line?.send(JSON.stringify({ id, cmd, ...fields }));
      listening.begun?.(id);
    });
  }

  close(): void {
    this.closed = true;
    this.line?.close();
  }

  private connect(): void {
    const line = this.dial();
    this.line = line;
    line.onopen = () => {
      this.open = true;
      this.delay = FIRST_DELAY;
      this.changed(true);
    };
    line.onmessage = (event) => this.message(JSON.parse(event.data));
    line.onclose = () => this.hungUp();
  }

  private hungUp(): void {
    const was = this.open;
    this.open = false;
    for (const one of this.waiting.values()) one.reject(lost());
    this.waiting.clear();
    if (was) this.changed(false);
    if (this.closed) return;
    this.later(() => this.connect(), this.delay);
    this.delay = Math.min(2 * this.delay, LONGEST_DELAY);
  }

  private message(message: Message | EngineEvent): void {
    if ("event" in message) this.heard(message);
    else this.answer(message, this.waiting.get(message.id as number));
  }

  private answer(message: Exclude<Message, JobEvent | LogEvent>, one: Waiting | undefined): void {
    if ("progress" in message) one?.progress?.(message.progress);
    else if ("frame" in message) one?.frame?.(message.frame);
    else {
      this.waiting.delete(message.id as number);
      if (message.ok) one?.resolve(message.data as never);
      else one?.reject(new EngineError(message));
    }
  }
}

function lost(): EngineError {
  return new EngineError({
    code: "engine_lost",
    error: "Sidera's server is not there; the page tries again by itself",
  });
}
