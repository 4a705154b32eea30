/** The pixel under the pointer: exact values, as fast as the engine gives them. */

import { ask } from "../engine/engine";
import type { Point } from "../lib/view";
import { viewer } from "./viewer";

let asking = false;

/** The pointer is over this point of the picture; exact values come as fast as the engine gives them. */
export function pointAt(pointer: Point | null): void {
  viewer.setState(pointer ? { pointer } : { pointer, pixel: null });
  if (pointer && !asking) readPixel();
}

async function readPixel(): Promise<void> {
  const { image, pointer } = viewer.getState();
  if (!image || !pointer) return;
  const at = { x: Math.floor(pointer.x), y: Math.floor(pointer.y) };
  if (at.x < 0 || at.y < 0 || at.x >= image.width || at.y >= image.height) {
    viewer.setState({ pixel: null });
    return;
  }
  asking = true;
  try {
    const pixel = await ask("pixel", { image: image.image, ...at });
    if (viewer.getState().image === image) viewer.setState({ pixel });
  } catch {
    viewer.setState({ pixel: null }); // the status line says why when the engine is gone
  } finally {
    asking = false;
  }
  const now = viewer.getState().pointer;
  if (now && (Math.floor(now.x) !== at.x || Math.floor(now.y) !== at.y)) readPixel();
}
