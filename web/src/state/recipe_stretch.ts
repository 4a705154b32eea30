/** The stretch that is shown, as settings of the recipe: what is written looks like what is seen. */

import type { View as Image, Recipe } from "../engine/protocol";
import type { Stretch } from "./stretch";

/** Brightness of the sky in the automatic stretch that the viewer shows. */
const SKY = 0.18;

type Settings = Recipe["stretch"];

/** The first channel's handles stand for all when the channels are linked; unlinked stretches are found anew by Sidera. */
export function stretchSettings(stretch: Stretch, image: Image): Partial<Settings> {
  const { kind, linked, auto, bend, keep } = stretch;
  if (auto && keep > 0) return {}; // the recipe's own
  if (auto && kind === "mtf") return { enabled: true, method: "stf", linked, background: SKY };
  const middle = stretch.curves[Math.min(1, image.channels - 1)]!;
  const { shadows, midtones, highlights } = middle;
  const handles = { enabled: true, method: kind, linked, colour: keep, shadows, midtones, highlights };
  const bends = {
    amount: bend.amount,
    local: bend.local,
    symmetry: bend.symmetry,
    protect_low: bend.protectLow,
    protect_high: bend.protectHigh,
  };
  return { ...handles, ...bends } as Partial<Settings>;
}

/** Whether the recipe can say it: it knows one curve by hand for all channels, and none for each. */
export function isWritable({ linked, auto, curves }: Stretch): boolean {
  return linked || auto || curves.length === 1;
}
