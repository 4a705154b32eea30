/** How a picture is stretched, and what the histogram's handles do to it. Plain values and functions. */

import type { CurveValues, View as Image, ShownStretch } from "../engine/protocol";
import { amountFor, type Bend, limits, midtonesFor, STRAIGHT, shown } from "../lib/curve";

export const KINDS = ["linear", "mtf", "asinh", "log", "ghs"] as const;
export type Kind = (typeof KINDS)[number];

export interface Stretch {
  readonly kind: Kind;
  /** One bend for all channels. */
  readonly linked: boolean;
  /** As found from the picture alone; false once a hand has moved something. */
  readonly auto: boolean;
  /** Of each channel. */
  readonly curves: readonly CurveValues[];
  /** What asinh, log and ghs take beside black and white. */
  readonly bend: Omit<Bend, "kind" | "midtones">;
  /** Share in which colours are kept as the linear light has them. */
  readonly keep: number;
}

export const HANDLES = ["shadows", "midtones", "highlights"] as const;
export type Handle = (typeof HANDLES)[number];

/** Brightness of the sky that asinh, log and ghs aim at, as Sidera's automatic stretch does. */
const SKY = 0.18;

/** The automatic stretch, of a kind. */
export function automatic(image: Image, linked = true, kind: Kind = "mtf"): Stretch {
  const curves = linked ? image.linked : image.unlinked;
  const { kind: _, midtones: __, ...bend } = STRAIGHT;
  return withKind({ kind: "mtf", linked, auto: true, curves, bend, keep: 0 }, image, kind);
}

/** A stretch that the engine found; one curve stands for all channels. */
export function fromCurves(image: Image, curves: readonly CurveValues[], colour: number): Stretch {
  const first = curves[0];
  if (!first) return automatic(image);
  const { kind: _, midtones: __, ...straight } = STRAIGHT;
  const each = Array.from({ length: image.channels }, (_, channel) => curves[channel] ?? first);
  const linked =
    new Set(each.map((one) => JSON.stringify([one.shadows, one.midtones, one.highlights]))).size === 1;
  const shared = { linked, auto: true, curves: each, keep: colour };
  if (!first.bend) return { ...shared, kind: "mtf", bend: straight };
  const { kind, amount, local, symmetry, protect_low, protect_high } = first.bend;
  const bend = { amount, local, symmetry, protectLow: protect_low, protectHigh: protect_high };
  return { ...shared, kind: kind === "asinh" ? "asinh" : local === -1 ? "log" : "ghs", bend };
}

/** Nothing but the range: what a file of this picture would show without a stretch. */
export function reset(image: Image): Stretch {
  const curves = image.linked.map((curve) => ({ ...curve, shadows: 0, midtones: 0.5, highlights: 1 }));
  const { kind: _, midtones: __, ...bend } = STRAIGHT;
  return { kind: "linear", linked: true, auto: false, curves, bend, keep: 0 };
}

/** Another kind of curve, which shows the sky as bright as before. */
export function withKind(stretch: Stretch, image: Image, kind: Kind): Stretch {
  const first = stretch.curves[0]!;
  const sky = within(image.ranges[0]?.centre ?? first.low, first);
  const target = stretch.kind === "linear" ? SKY : Math.max(skyBrightness(stretch, image), 0.02);
  if (kind === "linear") return { ...stretch, kind };
  if (kind === "mtf") {
    if (stretch.kind === "mtf") return stretch;
    const midtones = midtonesFor(sky, target);
    return { ...stretch, kind, curves: stretch.curves.map((curve) => ({ ...curve, midtones })) };
  }
  const local = kind === "log" ? -1 : 0;
  const bend = { ...stretch.bend, local, symmetry: kind === "ghs" ? sky : 0, protectLow: 0, protectHigh: 1 };
  const amount = amountFor({ ...bend, midtones: 0.5, kind: kind === "asinh" ? "asinh" : "ghs" }, sky, target);
  return { ...stretch, kind, bend: { ...bend, amount } };
}

function skyBrightness(stretch: Stretch, image: Image): number {
  const curve = stretch.curves[0]!;
  return shown(image.ranges[0]?.centre ?? curve.low, curve, bendOf(stretch, 0));
}

/** The stretch as the engine writes it: what is seen is what is written. */
export function shownStretch(stretch: Stretch): ShownStretch {
  const curves = stretch.curves.map((curve, channel): CurveValues => {
    const { kind, midtones, protectLow, protectHigh, ...bend } = bendOf(stretch, channel);
    const bent = kind === "ghs" || kind === "asinh";
    const values = { kind, ...bend, protect_low: protectLow, protect_high: protectHigh };
    return { ...curve, midtones, bend: bent ? (values as CurveValues["bend"]) : null };
  });
  return { curves, colour: stretch.keep };
}

/** 0 at black, 1 at white. */
function within(value: number, curve: CurveValues): number {
  const { black, white } = limits(curve);
  return Math.min(Math.max((value - black) / (white - black), 0), 1);
}

export function bendOf({ kind, curves, bend }: Stretch, channel: number): Bend {
  if (kind === "linear") return STRAIGHT;
  if (kind === "mtf") return { ...STRAIGHT, midtones: (curves[channel] ?? curves[0]!).midtones };
  return { ...bend, midtones: 0.5, kind: kind === "asinh" ? "asinh" : "ghs" };
}

/** Black, white and bend of every channel, for the viewer. */
export function lookOf(stretch: Stretch): Look {
  const channels = stretch.curves.map((curve, at) => ({ ...limits(curve), bend: bendOf(stretch, at) }));
  return { channels, keep: stretch.linked && stretch.kind !== "linear" ? stretch.keep : 0 };
}

interface Look {
  readonly channels: readonly { readonly black: number; readonly white: number; readonly bend: Bend }[];
  readonly keep: number;
}

/** Where a handle stands, in the channel's own unit. */
export function handleValue(curve: CurveValues, handle: Handle): number {
  const { black, white } = limits(curve);
  if (handle === "shadows") return black;
  return handle === "highlights" ? white : black + curve.midtones * (white - black);
}

/**
 * Put a handle at a value of one channel. Linked, the other channels follow in their own range; shadows stay below
 * highlights, and midtones keep their place between the two.
 */
export function moveHandle(stretch: Stretch, channel: number, handle: Handle, value: number): Stretch {
  const moved = movedOne(stretch.curves[channel] ?? stretch.curves[0]!, handle, value);
  const curves = stretch.curves.map((curve, at) => {
    if (at === channel) return moved;
    return stretch.linked
      ? { ...curve, shadows: moved.shadows, midtones: moved.midtones, highlights: moved.highlights }
      : curve;
  });
  return { ...stretch, auto: false, curves };
}

const APART = 1e-4;

function movedOne(curve: CurveValues, handle: Handle, value: number): CurveValues {
  const at = (value - curve.low) / (curve.high - curve.low);
  if (handle === "shadows") return { ...curve, shadows: Math.min(at, curve.highlights - APART) };
  if (handle === "highlights") return { ...curve, highlights: Math.max(at, curve.shadows + APART) };
  const between = (at - curve.shadows) / (curve.highlights - curve.shadows);
  return { ...curve, midtones: Math.min(Math.max(between, 1e-5), 1 - 1e-5) };
}
