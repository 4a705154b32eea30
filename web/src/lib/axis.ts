/** A value axis on which both the noise of the sky and the brightest star have room. */

/** Linear within `soft` of `centre`, logarithmic beyond: position = asinh((value - centre) / soft), brought to 0 to 1. */
export interface Axis {
  readonly centre: number;
  readonly soft: number;
  readonly low: number;
  readonly high: number;
}

/** An axis over `low` to `high` around a sky of this level and noise. */
export function skyAxis(low: number, high: number, sky: number, noise: number): Axis {
  const width = Math.max(high - low, 1e-30);
  // Not finer than a hundred-thousandth of the range: in a picture without noise one level would fill the axis.
  return { centre: sky, soft: Math.max(2 * noise, width / 1e5), low, high: low + width };
}

/** Where a value lies, 0 at `low` and 1 at `high`. */
export function position(axis: Axis, value: number): number {
  const [from, to] = [bend(axis, axis.low), bend(axis, axis.high)];
  return (bend(axis, value) - from) / (to - from);
}

/** The value at a position. */
export function valueAt(axis: Axis, at: number): number {
  const [from, to] = [bend(axis, axis.low), bend(axis, axis.high)];
  return axis.centre + axis.soft * Math.sinh(from + at * (to - from));
}

function bend(axis: Axis, value: number): number {
  return Math.asinh((value - axis.centre) / axis.soft);
}
