/** What is to be drawn: pictures, how they are stretched, and which part of the window each takes. */

import type { Bend } from "../lib/curve";
import type { Point, Size } from "../lib/view";

/** A picture whose tiles can be fetched. */
export interface Picture {
  /** Digest of the pixels; names the tiles. */
  readonly key: string;
  readonly size: Size;
  readonly channels: number;
  /** A tile holds (value - centre) / spread. */
  readonly ranges: readonly { readonly centre: number; readonly spread: number }[];
}

/** How one picture is shown: black, white and a bend for each channel. */
export interface Look {
  readonly channels: readonly { readonly black: number; readonly white: number; readonly bend: Bend }[];
  /** Share in which the ratios of the linear light, its colours, are kept. */
  readonly keep: number;
}

/** Share of the window's width, 0 to 1. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export const WHOLE: Part = { from: 0, to: 1 };

export interface Layer {
  readonly picture: Picture;
  readonly look: Look;
  /** Columns of the window drawn on; the view belongs to `window`. */
  readonly clip: Part;
  /** Columns that the view fills: the whole for one picture and for split ones, a half for two side by side. */
  readonly window: Part;
  /** The pixel that lies under the first picture's (0, 0), where one was cropped from the other. */
  readonly offset?: Point;
  /** A map laid over the picture in this colour, 0 to 1 each. */
  readonly tint?: readonly [number, number, number];
}

export interface Scene {
  readonly layers: readonly Layer[];
  readonly night: boolean;
  /** Show one channel only, in grey. */
  readonly solo: number | null;
  /** Behind the picture, 0 to 1 each. */
  readonly ground: readonly [number, number, number];
}

/** Device pixels of a part of the window. */
export function partOf(window: Size, part: Part): Size {
  return {
    width: Math.round(window.width * part.to) - Math.round(window.width * part.from),
    height: window.height,
  };
}
