import { describe, expect, it } from "vitest";
import { atLevel, levelFor, levels, parent, seen, TILE, tileBox, tileSize, tilesIn } from "./tiles";
import { fitted } from "./view";

const image = { width: 9576, height: 6388 };
const window = { width: 1440, height: 900 };

describe("the pyramid", () => {
  it("ends with a single tile", () => {
    const count = levels(image);
    const last = atLevel(image, count - 1);
    expect(Math.max(last.width, last.height)).toBeLessThanOrEqual(TILE);
    expect(Math.max(...Object.values(atLevel(image, count - 2)))).toBeGreaterThan(TILE);
    expect(levels({ width: 300, height: 200 })).toBe(1);
  });

  it("takes pixels not larger than the screen's", () => {
    expect([levelFor(1, 6), levelFor(0.5, 6), levelFor(0.51, 6), levelFor(0.26, 6), levelFor(4, 6)]).toEqual([
      0, 1, 0, 1, 0,
    ]);
    expect(levelFor(0.001, 6)).toBe(5);
  });

  it("covers what is seen, each tile once, the middle first", () => {
    const view = { scale: 1, x: 5000, y: 3000 };
    const box = seen(view, image, window);
    const tiles = tilesIn(box, image, 0);
    const covered = tiles.map((tile) => tileBox(tile, image));
    expect(Math.min(...covered.map((one) => one.left))).toBeLessThanOrEqual(box.left);
    expect(Math.max(...covered.map((one) => one.right))).toBeGreaterThanOrEqual(box.right);
    expect(new Set(tiles.map((one) => `${one.x} ${one.y}`)).size).toBe(tiles.length);
    const first = covered[0]!;
    expect(first.left <= 5000 && 5000 <= first.right && first.top <= 3000 && 3000 <= first.bottom).toBe(true);
  });

  it("asks for a handful of tiles when the whole of 60 megapixels is seen", () => {
    const view = fitted(image, window);
    const level = levelFor(view.scale, levels(image));
    expect(tilesIn(seen(view, image, window), image, level).length).toBeLessThanOrEqual(24);
  });

  it("covers the whole picture at every level", () => {
    for (let level = 0; level < levels(image); level++) {
      const all = { left: 0, top: 0, right: image.width, bottom: image.height };
      const pixels = tilesIn(all, image, level).reduce((sum, tile) => {
        const { width, height } = tileSize(tile, image);
        return sum + width * height;
      }, 0);
      const { width, height } = atLevel(image, level);
      expect(pixels).toBe(width * height);
    }
  });

  it("finds the tile above", () => {
    expect(parent({ level: 1, x: 5, y: 4 })).toEqual({ level: 2, x: 2, y: 2 });
  });
});
