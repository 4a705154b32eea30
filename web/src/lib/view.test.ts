import { describe, expect, it } from "vitest";
import { fitted, isFitted, LARGEST, pan, STEP, snapped, toImage, toScreen, zoomAbout, zoomTo } from "./view";

const image = { width: 6000, height: 4000 };
const window = { width: 1200, height: 800 };

describe("the view", () => {
  it("fits the whole picture", () => {
    const view = fitted(image, { width: 1200, height: 1200 });
    expect(view.scale).toBeCloseTo(0.2);
    expect(toScreen(view, { width: 1200, height: 1200 }, { x: 0, y: 0 })).toEqual({ x: 0, y: 200 });
  });

  it("keeps what lies under the pointer under the pointer", () => {
    const at = { x: 317, y: 205 };
    const before = fitted(image, window);
    const star = toImage(before, window, at);
    let view = before;
    for (let notch = 0; notch < 6; notch++) view = zoomAbout(view, image, window, at, STEP);
    const after = toScreen(view, window, star);
    expect(after.x).toBeCloseTo(at.x, 6);
    expect(after.y).toBeCloseTo(at.y, 6);
  });

  it("reaches one to one exactly, and no more than the largest zoom", () => {
    const at = { x: 600, y: 400 };
    expect(zoomTo(fitted(image, window), image, window, at, 1).scale).toBeCloseTo(1, 12);
    expect(zoomTo(fitted(image, window), image, window, at, 1e9).scale).toBe(LARGEST);
  });

  it("never loses the picture", () => {
    const view = pan(fitted(image, window), image, 1e7, -1e7);
    expect(view).toMatchObject({ x: 0, y: 4000 });
  });

  it("moves with the hand", () => {
    const view = { scale: 2, x: 3000, y: 2000 };
    expect(pan(view, image, 10, -4)).toEqual({ scale: 2, x: 2995, y: 2002 });
  });

  it("knows whether it is fitted", () => {
    const view = fitted(image, window);
    expect(isFitted(view, image, window)).toBe(true);
    expect(isFitted(pan(view, image, 5, 0), image, window)).toBe(false);
  });
});

it("pixels of the image lie on pixels of the screen, also where the sizes are odd", () => {
  const window = { width: 1059, height: 826 };
  for (const scale of [1, 2, 3]) {
    const { x, y } = snapped({ scale, x: 570.3, y: 426 }, window);
    expect((window.width / 2 - x * scale) % 1).toBeCloseTo(0);
    expect((window.height / 2 - y * scale) % 1).toBeCloseTo(0);
    expect(Math.abs(x - 570.3) * scale).toBeLessThanOrEqual(0.5);
  }
});

it("one to one is exactly that, wherever it is reached from", () => {
  for (let width = 300; width < 1500; width += 7) {
    const view = fitted(image, { width, height: 700 });
    expect(zoomTo(view, image, { width, height: 700 }, { x: 100, y: 100 }, 1).scale).toBe(1);
  }
});
