import { describe, expect, it } from "vitest";
import { SlotPool } from "./lru";

describe("the pool of slots", () => {
  it("drops what was not drawn for longest", () => {
    const pool = new SlotPool(3);
    for (const key of ["a", "b", "c"]) pool.take(key, 1);
    pool.touch("a");
    pool.take("d", 1);
    expect(["a", "b", "c", "d"].filter((key) => pool.has(key))).toEqual(["a", "c", "d"]);
  });

  it("never drops what is pinned", () => {
    const pool = new SlotPool(3);
    pool.take("pinned", 3, true);
    expect(pool.take("other", 1)).toBeUndefined();
    pool.unpin("pin");
    expect(pool.take("other", 1)).toHaveLength(1);
  });

  it("hands out each slot once, whatever happens", () => {
    const pool = new SlotPool(16);
    const held = new Map<string, readonly number[]>();
    let seed = 7;
    for (let round = 0; round < 2000; round++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const key = `k${seed % 23}`;
      if (seed % 5 === 0) pool.drop(key);
      else held.set(key, pool.take(key, 1 + ((seed % 23) % 3))!);
      const used = [...held].filter(([name]) => pool.has(name)).flatMap(([, slots]) => slots);
      expect(new Set(used).size).toBe(used.length);
      expect(used.every((slot) => slot >= 0 && slot < 16)).toBe(true);
    }
  });
});
