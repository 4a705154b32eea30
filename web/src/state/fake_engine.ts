/** An engine for tests: answers what the test says, and remembers what it was asked. */

import { use } from "../engine/engine";
import { type Line, Socket } from "../engine/socket";

type Answer = (fields: Record<string, unknown>, say: (message: object) => void) => unknown;

export interface FakeEngine {
  readonly asked: { cmd: string; [name: string]: unknown }[];
  answers: Record<string, Answer>;
  hangUp: () => void;
}

/** Put it in the place of the connection. An answer that throws is a failure; `undefined` leaves the request open. */
export function fakeEngine(answers: Record<string, Answer>): FakeEngine {
  const line: Line = { onopen: null, onclose: null, onmessage: null, send, close: () => undefined };
  const say = (message: object) => line.onmessage?.({ data: JSON.stringify(message) });
  const engine: FakeEngine = { asked: [], answers, hangUp: () => line.onclose?.() };
  function send(text: string): void {
    const { id, cmd, ...fields } = JSON.parse(text);
    engine.asked.push({ cmd, ...fields });
    queueMicrotask(() => {
      try {
        const answer = engine.answers[cmd];
        if (!answer) throw { code: "bad_request", error: `no answer for ${cmd}` };
        const data = answer(fields, (message) => say({ id, ...message }));
        if (data !== undefined) say({ id, ok: true, data });
      } catch (error) {
        say({ id, ok: false, ...(error as object) });
      }
    });
  }
  const socket = new Socket(
    () => line,
    () => undefined,
    () => undefined,
    () => undefined,
  );
  line.onopen?.();
  use(socket);
  return engine;
}

/** Let every answer arrive. */
export function settle(): Promise<void> {
  return new Promise((done) => setTimeout(done, 5));
}
