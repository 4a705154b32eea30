import { describe, expect, it } from "vitest";
import { type AnyEvent, type Line, Socket } from "./socket";

class FakeLine implements Line {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.onclose?.();
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function stand() {
  const lines: FakeLine[] = [];
  const events: AnyEvent[] = [];
  const states: boolean[] = [];
  const later: { act: () => void; ms: number }[] = [];
  const socket = new Socket(
    () => {
      lines.push(new FakeLine());
      return lines.at(-1)!;
    },
    (event) => events.push(event),
    (open) => states.push(open),
    (act, ms) => later.push({ act, ms }),
  );
  return { socket, lines, events, states, later };
}

describe("the line to the engine", () => {
  it("gives each request its own reply, in any order", async () => {
    const { socket, lines } = stand();
    lines[0]!.onopen?.();
    const first = socket.ask("view", { image: "a" });
    const second = socket.ask("view", { image: "b" });
    const [a, b] = lines[0]!.sent;
    lines[0]!.say({ id: b!.id, ok: true, data: { name: "b" } });
    lines[0]!.say({ id: a!.id, ok: true, data: { name: "a" } });
    expect([(await first).name, (await second).name]).toEqual(["a", "b"]);
  });

  it("passes progress and frames on while a job runs", () => {
    const { socket, lines } = stand();
    lines[0]!.onopen?.();
    const heard: unknown[] = [];
    socket.ask(
      "measure",
      { inputs: [] },
      {
        progress: (step) => heard.push(step),
        frame: (frame) => heard.push(frame),
        begun: (id) => heard.push(id),
      },
    );
    const { id } = lines[0]!.sent[0]!;
    lines[0]!.say({ id, progress: { overall: 0.5 } });
    lines[0]!.say({ id, frame: { path: "x" } });
    expect(heard).toEqual([id, { overall: 0.5 }, { path: "x" }]);
  });

  it("says what was wrong and what would be right", async () => {
    const { socket, lines } = stand();
    lines[0]!.onopen?.();
    const asked = socket.ask("open", { path: "nowhere" });
    lines[0]!.say({
      id: lines[0]!.sent[0]!.id,
      ok: false,
      error: "no such file",
      code: "not_found",
      hint: "look again",
    });
    await expect(asked).rejects.toMatchObject({
      message: "no such file",
      code: "not_found",
      hint: "look again",
    });
  });

  it("refuses what was under way when it breaks, and opens again ever more patiently", async () => {
    const { socket, lines, states, later } = stand();
    lines[0]!.onopen?.();
    const asked = socket.ask("jobs", {});
    lines[0]!.onclose?.();
    await expect(asked).rejects.toMatchObject({ code: "engine_lost" });
    await expect(socket.ask("jobs", {})).rejects.toMatchObject({ code: "engine_lost" });
    for (let round = 0; round < 7; round++) {
      later.at(-1)!.act();
      lines.at(-1)!.onclose?.();
    }
    expect(later.map((one) => one.ms)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
    later.at(-1)!.act();
    lines.at(-1)!.onopen?.();
    expect(states).toEqual([true, false, true]);
  });

  it("hands events on, and stays closed when it was closed", () => {
    const { socket, lines, events, later } = stand();
    lines[0]!.onopen?.();
    lines[0]!.say({ event: "engine", data: { state: "up", restarts: 1, why: "" } });
    expect(events).toHaveLength(1);
    socket.close();
    expect(later).toHaveLength(0);
  });
});
