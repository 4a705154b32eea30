/**
 * Curves that make linear light visible: the formulas of the shader and of Sidera's own stretch.
 *
 * Vectors made by the Python side (`curve.golden.json`) hold all three together.
 */

/** Values that become 0 and 1, and in that 0 to 1 the points that become black and white. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly shadows: number;
  readonly highlights: number;
}

/** How a value is bent once it runs from 0 to 1: by its midtones, then by a bend where there is one. */
export interface Bend {
  /** The point that becomes one half. */
  readonly midtones: number;
  readonly kind: "none" | "asinh" | "ghs";
  /** ln(D + 1); 0 bends nothing. */
  readonly amount: number;
  /** b: how fast the stretch fades around its symmetry point; means nothing to asinh. */
  readonly local: number;
  /** SP, LP and HP: the steepest point, and where straight tangents begin to either side. */
  readonly symmetry: number;
  readonly protectLow: number;
  readonly protectHigh: number;
}

export const STRAIGHT: Bend = {
  midtones: 0.5,
  kind: "none",
  amount: 0,
  local: 0,
  symmetry: 0,
  protectLow: 0,
  protectHigh: 1,
};

/** What red, green and blue add to brightness (ITU-R BT.709, whose primaries are sRGB's). */
export const LUMINANCE = [0.2126, 0.7152, 0.0722] as const;

/**
 * Bend 0 to 1 so that `midtones` becomes one half; 0 and 1 stay.
 *
 * The midtones transfer function of PixInsight (XISF 1.0 specification, 2017, "display functions").
 */
export function mtf(x: number, midtones: number): number {
  const m = Math.min(Math.max(midtones, 1e-7), 1 - 1e-7);
  return Math.min(((m - 1) * x) / ((2 * m - 1) * x - m), 1);
}

/** The midtones that bring x to the target: the transfer function is its own inverse in that sense. */
export function midtonesFor(x: number, target: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return ((target - 1) * x) / ((2 * target - 1) * x - target);
}

/**
 * A bend's base function at t ≥ 0, counted from the symmetry point, and its slope.
 *
 * Payne & Cranfield, Generalised Hyperbolic Stretch 2.0 (2021): logarithmic at b = −1, exponential at 0.
 */
function base(t: number, { kind, amount, local: b }: Bend): number {
  const dt = Math.expm1(amount) * t;
  if (kind === "asinh") return Math.asinh(dt);
  if (b === -1) return Math.log1p(dt);
  if (b < 0) return (1 - (1 - b * dt) ** ((b + 1) / b)) / (b + 1);
  if (b === 0) return -Math.expm1(-dt);
  return 1 - (1 + b * dt) ** (-1 / b);
}

function slope(t: number, { kind, amount, local: b }: Bend): number {
  const d = Math.expm1(amount);
  const dt = d * t;
  if (kind === "asinh") return d / Math.hypot(dt, 1);
  if (b === -1) return d / (1 + dt);
  if (b < 0) return d * (1 - b * dt) ** (1 / b);
  if (b === 0) return d * Math.exp(-dt);
  return d * (1 + b * dt) ** (-(1 + b) / b);
}

/** What of a bend does not depend on the pixel: values and slopes where the tangents begin, and the scale. */
export interface Tangents {
  readonly lowValue: number;
  readonly lowSlope: number;
  readonly highValue: number;
  readonly highSlope: number;
  readonly zero: number;
  readonly factor: number;
}

export function tangents(bend: Bend): Tangents {
  const { symmetry, protectLow, protectHigh } = bend;
  const lowValue = -base(symmetry - protectLow, bend);
  const lowSlope = slope(symmetry - protectLow, bend);
  const highValue = base(protectHigh - symmetry, bend);
  const highSlope = slope(protectHigh - symmetry, bend);
  const zero = lowValue - lowSlope * protectLow;
  const factor = 1 / (highValue + highSlope * (1 - protectHigh) - zero);
  return { lowValue, lowSlope, highValue, highSlope, zero, factor };
}

/** Bend a value from 0 to 1. */
export function bent(x: number, bend: Bend): number {
  const y = mtf(x, bend.midtones);
  if (bend.kind === "none" || bend.amount <= 0) return y;
  const { symmetry, protectLow, protectHigh } = bend;
  const line = tangents(bend);
  let value = y < symmetry ? -base(symmetry - y, bend) : base(y - symmetry, bend);
  if (y < protectLow) value = line.lowValue + line.lowSlope * (y - protectLow);
  if (y > protectHigh) value = line.highValue + line.highSlope * (y - protectHigh);
  return Math.min(Math.max((value - line.zero) * line.factor, 0), 1);
}

/** Black and white in the image's own unit. */
export function limits(range: Range): { black: number; white: number } {
  const width = range.high - range.low;
  const black = range.low + range.shadows * width;
  return { black, white: Math.max(range.low + range.highlights * width, black + 1e-30) };
}

/** A pixel's value as it is shown, 0 to 1. */
export function shown(value: number, range: Range, bend: Bend): number {
  const { black, white } = limits(range);
  return bent(Math.min(Math.max((value - black) / (white - black), 0), 1), bend);
}

/**
 * Three channels together: `keep` of the result has the ratios of the linear light, the rest is each channel by
 * itself. What would be brighter than white is dimmed as a whole, so that it keeps its hue.
 *
 * `x` is 0 at black and 1 at white, and may be more.
 */
export function shownTogether(x: readonly number[], bends: readonly Bend[], keep: number): number[] {
  const bend = bends[0]!;
  const above = x.map((one) => Math.max(one, 0));
  const light = above.reduce((sum, one, channel) => sum + one * LUMINANCE[channel]!, 0);
  const lift = light > 0 ? bent(Math.min(light, 1), bend) / light : 0;
  const peak = Math.max(1, ...above.map((one) => one * lift));
  return above.map((one) => (keep * one * lift) / peak + (1 - keep) * bent(Math.min(one, 1), bend));
}

/** The amount at which a bend brings x to the target, by halving: all brighten as it grows. */
export function amountFor(bend: Bend, x: number, target: number): number {
  let [low, high] = [0, 20];
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (bent(x, { ...bend, amount: middle }) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
