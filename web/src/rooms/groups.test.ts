import { expect, it } from "vitest";
import { light } from "../state/made";
import { groupsOf, nightOf } from "./library/groups";

it("frames are grouped by target, filter, night, exposure, gain and temperature", () => {
  const ha = { filter: "Ha" };
  const groups = groupsOf([light("a"), light("b"), light("c", 0, ha), light("d", 0, { ...ha, gain: 0 })]);
  expect(groups.map((one) => [one.title, one.frames.length, one.seconds])).toEqual([
    ["M 27 · 120 s", 2, 240],
    ["M 27 · Ha · 120 s", 1, 120],
    ["M 27 · Ha · 120 s", 1, 120],
  ]);
  expect(groups[0]!.facts).toBe("14 Aug 2024 · gain 100 · −10 °C · 900 × 700 RGGB");
});

it("frames of two in the morning belong to the evening before", () => {
  expect(nightOf("2024-08-15T02:10:00")).toBe(nightOf("2024-08-14T22:10:00"));
  expect(nightOf("2024-08-15T13:00:00")).toBe("15 Aug 2024");
});
