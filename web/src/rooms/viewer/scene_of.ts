/** From what is chosen to what is drawn. */

import type { View as Image } from "../../engine/protocol";
import type { Layer, Part, Picture, Scene } from "../../gl/scene";
import { WHOLE } from "../../gl/scene";
import { STRAIGHT } from "../../lib/curve";
import type { Theme } from "../../state/page";
import { lookOf } from "../../state/stretch";
import { stretchOf, type Viewing } from "../../state/viewer";

const GROUND: Record<Theme, Scene["ground"]> = {
  dark: [0.043, 0.043, 0.047],
  light: [0.8, 0.8, 0.81],
  red: [0, 0, 0],
};
const COVERAGE: Layer["tint"] = [0.33, 0.62, 0.82];
const REJECTED: Layer["tint"] = [0.95, 0.45, 0.25];

export function sceneOf(state: Viewing, theme: Theme): Scene {
  const layers: Layer[] = [];
  const { image, before, mode, split, offset } = state;
  if (image && before && mode === "split") {
    layers.push(layer(state, image, WHOLE, { from: split, to: 1 }));
    layers.push({ ...layer(state, before, WHOLE, { from: 0, to: split }), offset });
  } else if (image && before && mode === "sides") {
    layers.push(layer(state, image, { from: 0.5, to: 1 }));
    layers.push({ ...layer(state, before, { from: 0, to: 0.5 }), offset });
  } else if (image) layers.push(layer(state, image, WHOLE));
  if (image && mode === "single") layers.push(...maps(state));
  return { layers, night: theme === "red", solo: state.solo, ground: GROUND[theme] };
}

function layer(state: Viewing, image: Image, window: Part, clip: Part = window): Layer {
  return { picture: pictureOf(image), look: lookOf(stretchOf(state, image)), window, clip };
}

export function pictureOf(image: Image): Picture {
  const { key, width, height, channels, ranges } = image;
  return { key, size: { width, height }, channels, ranges };
}

/** Coverage shows where it is thin, rejection where there is much of it. */
function maps({ maps: known, overlays }: Viewing): Layer[] {
  const found: Layer[] = [];
  const add = (image: Image | undefined, black: number, white: number, tint: Layer["tint"]) => {
    const look = { channels: [{ black, white, bend: STRAIGHT }], keep: 0 };
    if (image && tint)
      found.push({ picture: { ...pictureOf(image), channels: 1 }, look, window: WHOLE, clip: WHOLE, tint });
  };
  const { coverage } = known;
  if (overlays.coverage && coverage) add(coverage, coverage.ranges[0]?.maximum ?? 1, 0, COVERAGE);
  if (overlays.rejected)
    for (const name of ["rejected_low", "rejected_high"])
      add(known[name], 0, Math.max((known[name]?.ranges[0]?.maximum ?? 1) / 2, 1), REJECTED);
  return found;
}
