import { describe, expect, it } from "vitest";
import { STRAIGHT } from "../lib/curve";
import { tileKey } from "../lib/tiles";
import { fitted } from "../lib/view";
import { pinch } from "./gestures";
import { Loader } from "./loader";
import { scaling } from "./painter";
import { cover, STRIDE } from "./quads";
import { type Layer, type Picture, WHOLE } from "./scene";

const picture: Picture = {
  key: "m27",
  size: { width: 3000, height: 2000 },
  channels: 1,
  ranges: [{ centre: 1000, spread: 5 }],
};
const window = { width: 1500, height: 1000 };

describe("covering the window", () => {
  const whole = fitted(picture.size, window); // one half: level 1, of 3 by 2 tiles

  it("asks first for the coarsest tile, pinned, then for those in sight", () => {
    const { quads, wanted } = cover(picture, whole, window, () => undefined);
    expect(quads).toEqual([]);
    expect(wanted[0]).toMatchObject({ pinned: true, tile: { level: 3, x: 0, y: 0 } });
    expect(wanted.slice(1).map((one) => one.tile.level)).toEqual(Array(6).fill(1));
  });

  it("lets the nearest ancestor stand in for a missing tile, so that nothing is blank", () => {
    const resident = new Map([[tileKey("m27", { level: 3, x: 0, y: 0 }), [4]]]);
    const { quads } = cover(picture, whole, window, (key) => resident.get(key));
    expect(quads.length).toBe(6 * STRIDE);
    const area = Array.from({ length: 6 }, (_, at) => quads.slice(at * STRIDE, at * STRIDE + 4)).reduce(
      (sum, [left, top, right, bottom]) => sum + (right! - left!) * (bottom! - top!),
      0,
    );
    expect(area).toBe(3000 * 2000);
  });

  it("finds a pixel in a tile where the engine has put it", () => {
    const resident = new Map([["m27/1/1/0", [2]]]);
    const { quads } = cover(picture, whole, window, (key) => resident.get(key));
    // Image columns 1024 to 2048 are level-1 columns 512 to 1024: the tile's own 0 to 512, after a gutter of 1.
    expect(quads).toEqual([1024, 0, 2048, 1024, 1 / 514, 1 / 514, 513 / 514, 513 / 514, 2, 2, 2]);
  });
});

describe("the scale of a tile's values", () => {
  it("brings black to 0 and white to 1 even far above the noise", () => {
    const look = { channels: [{ black: 990, white: 60000, bend: STRAIGHT }], keep: 0 };
    const layer: Layer = { picture, look, window: WHOLE, clip: WHOLE };
    const { gain, bias } = scaling(layer);
    const x = (value: number) => ((value - 1000) / 5) * gain[0]! + bias[0]!;
    expect([x(990), x(60000)]).toEqual([expect.closeTo(0, 12), expect.closeTo(1, 12)]);
    expect(gain).toHaveLength(3);
  });
});

describe("the loader", () => {
  function stand() {
    const asked: { key: string; signal: AbortSignal; done: (value: string) => void; fail: () => void }[] = [];
    const got: string[] = [];
    let now = 0;
    const loader = new Loader<string, string>(
      (key, signal) =>
        new Promise((done, fail) => asked.push({ key, signal, done, fail: () => fail(new Error()) })),
      (key) => got.push(key),
      2,
      () => now,
    );
    const jobs = (...keys: string[]) => keys.map((key) => ({ key, job: key }));
    return { asked, got, loader, jobs, wait: (ms: number) => (now += ms) };
  }
  const turn = () => new Promise((done) => setTimeout(done, 0));

  it("fetches a few at a time, the most wanted first", async () => {
    const { asked, got, loader, jobs } = stand();
    loader.want(jobs("a", "b", "c"));
    expect(asked.map((one) => one.key)).toEqual(["a", "b"]);
    asked[0]!.done("");
    await turn();
    expect([got, asked.map((one) => one.key)]).toEqual([["a"], ["a", "b", "c"]]);
  });

  it("gives up what has left the view, and takes no late answer of it", async () => {
    const { asked, got, loader, jobs } = stand();
    loader.want(jobs("a", "b"));
    loader.want(jobs("b"));
    expect([asked[0]!.signal.aborted, asked[1]!.signal.aborted]).toEqual([true, false]);
    asked[0]!.done("");
    await turn();
    expect(got).toEqual([]);
  });

  it("leaves a tile that failed alone for a while", async () => {
    const { asked, loader, jobs, wait } = stand();
    loader.want(jobs("a"));
    asked[0]!.fail();
    await turn();
    loader.want(jobs("a"));
    expect(loader.requests).toBe(1);
    wait(2001);
    loader.want(jobs("a"));
    expect(loader.requests).toBe(2);
  });
});

describe("two fingers", () => {
  it("zoom by their distance about their middle, and carry the picture along", () => {
    const done: unknown[] = [];
    const hands = {
      pan: (dx: number, dy: number) => done.push(["pan", dx, dy]),
      zoom: (factor: number, at: unknown) => done.push(["zoom", factor, at]),
    };
    pinch(hands, { x: 100, y: 0 }, { x: 200, y: 0 }, { x: 0, y: 0 });
    expect(done).toEqual([
      ["pan", 50, 0],
      ["zoom", 2, { x: 100, y: 0 }],
    ]);
  });
});
