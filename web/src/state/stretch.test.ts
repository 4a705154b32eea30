import { describe, expect, it } from "vitest";
import { shown } from "../lib/curve";
import { image } from "./made";
import {
  automatic,
  bendOf,
  HANDLES,
  handleValue,
  KINDS,
  lookOf,
  moveHandle,
  reset,
  shownStretch,
  withKind,
} from "./stretch";

const m27 = image("m27");

describe("the automatic stretch", () => {
  it("is the engine's own, linked or not", () => {
    expect(automatic(m27).curves).toEqual(m27.linked);
    expect(automatic(m27, false).curves).toEqual(m27.unlinked);
  });

  it("keeps the sky as bright whatever the kind of curve", () => {
    const midtones = automatic(m27);
    const brightness = (stretch: typeof midtones) => shown(600, stretch.curves[0]!, bendOf(stretch, 0));
    for (const kind of KINDS.filter((one) => one !== "linear"))
      expect(brightness(withKind(midtones, m27, kind))).toBeCloseTo(brightness(midtones), 6);
  });
});

describe("the handles", () => {
  it("stand where they were put", () => {
    for (const name of HANDLES) {
      const moved = moveHandle(automatic(m27), 1, name, 900);
      expect(handleValue(moved.curves[1]!, name)).toBeCloseTo(900, 6);
      expect(moved.auto).toBe(false);
    }
  });

  it("move every channel when linked, one when not", () => {
    const linked = moveHandle(automatic(m27), 0, "midtones", 2000);
    expect(new Set(linked.curves.map((one) => one.midtones)).size).toBe(1);
    const alone = moveHandle(automatic(m27, false), 0, "midtones", 2000);
    expect(alone.curves.slice(1)).toEqual(m27.unlinked.slice(1));
  });

  it("never cross: black stays below white", () => {
    const moved = moveHandle(automatic(m27), 0, "shadows", 1e9);
    expect(handleValue(moved.curves[0]!, "shadows")).toBeLessThan(
      handleValue(moved.curves[0]!, "highlights"),
    );
    expect(lookOf(moved).channels.every((one) => one.white > one.black)).toBe(true);
  });

  it("leave the midtones their place when black moves", () => {
    const before = automatic(m27);
    const after = moveHandle(before, 0, "shadows", 560);
    expect(after.curves[0]!.midtones).toBe(before.curves[0]!.midtones);
  });
});

it("reset shows the bare range", () => {
  const straight = reset(m27);
  expect(shown(32750, straight.curves[0]!, bendOf(straight, 0))).toBeCloseTo(0.5, 3);
});

describe("what is written", () => {
  it("is what is shown: every channel's curve as a hand has moved it", () => {
    const alone = moveHandle(automatic(m27, false), 1, "shadows", 650);
    const { curves, colour } = shownStretch(alone);
    expect(curves).toEqual(alone.curves);
    expect(colour).toBe(0);
  });

  it("bends as the kind of curve says, and straight ones not at all", () => {
    const [curve] = shownStretch(withKind(automatic(m27), m27, "log")).curves;
    expect(curve).toMatchObject({ midtones: 0.5, bend: { kind: "ghs", local: -1, protect_high: 1 } });
    expect(curve!.bend).not.toHaveProperty("midtones");
    const [straight] = shownStretch(reset(m27)).curves;
    expect(straight).toMatchObject({ midtones: 0.5, bend: null });
  });
});
