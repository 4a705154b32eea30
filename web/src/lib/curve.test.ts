import { describe, expect, it } from "vitest";
import {
  amountFor,
  type Bend,
  bent,
  limits,
  midtonesFor,
  mtf,
  type Range,
  STRAIGHT,
  shown,
  shownTogether,
} from "./curve";
import golden from "./curve.golden.json";

describe("the page's curves are those of Sidera's own stretch", () => {
  it.each(golden.alone.map((one) => [one.name, one] as const))("%s", (_, one) => {
    one.values.forEach((value, at) => {
      expect(shown(value, one.range as Range, one.bend as Bend)).toBeCloseTo(one.shown[at]!, 6);
    });
  });

  it.each(golden.together.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { black, white } = limits(one.range);
    one.values[0]!.forEach((_value, at) => {
      const x = one.values.map((channel) => (channel[at]! - black) / (white - black));
      const bend = one.bend as Bend;
      const made = shownTogether(x, [bend, bend, bend], one.keep);
      for (let channel = 0; channel < 3; channel++)
        expect(made[channel]).toBeCloseTo(one.shown[channel]![at]!, 4);
    });
  });
});

describe("curves", () => {
  it("midtones become one half, black and white stay", () => {
    expect(mtf(0.02, 0.02)).toBeCloseTo(0.5, 12);
    expect([mtf(0, 0.02), mtf(1, 0.02)]).toEqual([0, 1]);
  });

  it("midtones found for a target bring the sky there", () => {
    expect(mtf(0.003, midtonesFor(0.003, 0.18))).toBeCloseTo(0.18, 12);
  });

  it("the amount found for a target brings the sky there", () => {
    const bend: Bend = { ...STRAIGHT, kind: "asinh" };
    expect(bent(0.003, { ...bend, amount: amountFor(bend, 0.003, 0.18) })).toBeCloseTo(0.18, 9);
  });

  it("every bend rises and stays within black and white", () => {
    for (const { bend } of golden.alone) {
      const values = Array.from({ length: 201 }, (_, at) => bent(at / 200, bend as Bend));
      for (let at = 1; at < values.length; at++)
        expect(values[at]).toBeGreaterThanOrEqual(values[at - 1]! - 1e-12);
      expect([values[0], values[200]]).toEqual([expect.closeTo(0, 9), expect.closeTo(1, 9)]);
    }
  });
});
