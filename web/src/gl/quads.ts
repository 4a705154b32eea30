/** Which rectangles of which layers cover the window: plain figures for the instanced draw. */

import type { Box, TileAt } from "../lib/tiles";
import { GUTTER, levelFor, levels, parent, seen, TILE, tileBox, tileKey, tilesIn } from "../lib/tiles";
import type { Size, View } from "../lib/view";
import { SIDE } from "./pool";
import type { Picture } from "./scene";

/** Floats of one instance: place, texture corners, layers. */
export const STRIDE = 11;

export interface Wanted {
  readonly key: string;
  readonly picture: Picture;
  readonly tile: TileAt;
  readonly pinned: boolean;
}

export interface Cover {
  /** `STRIDE` floats a tile. */
  readonly quads: number[];
  /** Tiles that are missing, most wanted first. */
  readonly wanted: Wanted[];
}

/**
 * Cover what the window shows with tiles of the right level; where one is not resident its nearest resident
 * ancestor stands in, blurred but never blank.
 */
export function cover(
  picture: Picture,
  view: View,
  window: Size,
  layersOf: (key: string) => readonly number[] | undefined,
): Cover {
  const count = levels(picture.size);
  const [quads, wanted]: [number[], Wanted[]] = [[], []];
  const coarsest: TileAt = { level: count - 1, x: 0, y: 0 };
  const want = (tile: TileAt, pinned: boolean) =>
    wanted.push({ key: tileKey(picture.key, tile), picture, tile, pinned });
  if (!layersOf(tileKey(picture.key, coarsest))) want(coarsest, true);
  for (const tile of tilesIn(seen(view, picture.size, window), picture.size, levelFor(view.scale, count))) {
    if (!layersOf(tileKey(picture.key, tile)) && tile.level < coarsest.level) want(tile, false);
    for (let stand: TileAt = tile; stand.level < count; stand = parent(stand)) {
      const layers = layersOf(tileKey(picture.key, stand));
      if (!layers) continue;
      push(quads, tileBox(tile, picture.size), stand, layers);
      break;
    }
  }
  return { quads, wanted };
}

/** One instance: a rectangle of the picture, and where it lies in the tile that shows it. */
function push(quads: number[], box: Box, tile: TileAt, layers: readonly number[]): void {
  const divisor = 2 ** tile.level;
  const u = (x: number) => (x / divisor - tile.x * TILE + GUTTER) / SIDE;
  const v = (y: number) => (y / divisor - tile.y * TILE + GUTTER) / SIDE;
  const first = layers[0]!;
  quads.push(box.left, box.top, box.right, box.bottom);
  quads.push(u(box.left), v(box.top), u(box.right), v(box.bottom));
  quads.push(first, layers[1] ?? first, layers[2] ?? first);
}
