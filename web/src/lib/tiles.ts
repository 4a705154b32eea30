/** A picture cut into tiles and halved again and again: which tiles a view needs. Plain algebra, no drawing. */

import type { Point, Size, View } from "./view";
import { toImage } from "./view";

/** Pixels along a tile's side, without its gutter. */
export const TILE = 512;
/** Pixels of the neighbours that a tile carries on each side, so that linear filtering has no seams. */
export const GUTTER = 1;

/** A tile: level 0 is full resolution, each level halves both sides (rounded up). */
export interface TileAt {
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** A rectangle, `right` and `bottom` not included. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Levels of a pyramid whose coarsest is a single tile. */
export function levels(image: Size): number {
  let count = 1;
  while (Math.max(atLevel(image, count - 1).width, atLevel(image, count - 1).height) > TILE) count += 1;
  return count;
}

/** Width and height at a level. */
export function atLevel(image: Size, level: number): Size {
  const divisor = 2 ** level;
  return { width: Math.ceil(image.width / divisor), height: Math.ceil(image.height / divisor) };
}

/** The level whose pixels are nearest to, and not larger than, a screen pixel. */
export function levelFor(scale: number, count: number): number {
  // A hair of tolerance, so that a scale of exactly one half takes level 1 in spite of rounding.
  const level = Math.floor(Math.log2(1 / scale) + 1e-6);
  return Math.min(Math.max(level, 0), count - 1);
}

/** What of the picture the window shows, in pixels of level 0. */
export function seen(view: View, image: Size, window: Size): Box {
  const a = toImage(view, window, { x: 0, y: 0 });
  const b = toImage(view, window, { x: window.width, y: window.height });
  return {
    left: Math.max(a.x, 0),
    top: Math.max(a.y, 0),
    right: Math.min(b.x, image.width),
    bottom: Math.min(b.y, image.height),
  };
}

/** Tiles of a level under a box, those nearest to the middle first: what the eye rests on is fetched first. */
export function tilesIn(box: Box, image: Size, level: number): TileAt[] {
  const side = TILE * 2 ** level;
  const [columns, rows] = [Math.ceil(image.width / side), Math.ceil(image.height / side)];
  const found: TileAt[] = [];
  if (box.right <= box.left || box.bottom <= box.top) return found;
  const last = (end: number, count: number) => Math.min(Math.ceil(end / side), count);
  for (let y = Math.floor(box.top / side); y < last(box.bottom, rows); y++)
    for (let x = Math.floor(box.left / side); x < last(box.right, columns); x++) found.push({ level, x, y });
  const middle: Point = {
    x: (box.left + box.right) / 2 / side - 0.5,
    y: (box.top + box.bottom) / 2 / side - 0.5,
  };
  const distance = (tile: TileAt) => (tile.x - middle.x) ** 2 + (tile.y - middle.y) ** 2;
  return found.sort((a, b) => distance(a) - distance(b));
}

/** The tile one level up that covers a tile. */
export function parent(tile: TileAt): TileAt {
  return { level: tile.level + 1, x: tile.x >> 1, y: tile.y >> 1 };
}

/** Pixels of a tile without its gutter; those at the right and the bottom may be smaller. */
export function tileSize(tile: TileAt, image: Size): Size {
  const level = atLevel(image, tile.level);
  return {
    width: Math.min(TILE, level.width - tile.x * TILE),
    height: Math.min(TILE, level.height - tile.y * TILE),
  };
}

/** Stored pixels of level 0 that a tile covers; the last ones end with the picture. */
export function tileBox(tile: TileAt, image: Size): Box {
  const side = TILE * 2 ** tile.level;
  return {
    left: tile.x * side,
    top: tile.y * side,
    right: Math.min((tile.x + 1) * side, image.width),
    bottom: Math.min((tile.y + 1) * side, image.height),
  };
}

export function tileKey(hash: string, tile: TileAt): string {
  return `${hash}/${tile.level}/${tile.x}/${tile.y}`;
}
