/** Counting pixels by value, and what follows from the counts. */

/** `counts` of equal bins from `low` to `high`, in the image's own unit. */
export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: ArrayLike<number>;
}

export function total(histogram: Histogram): number {
  let sum = 0;
  for (let bin = 0; bin < histogram.counts.length; bin++) sum += histogram.counts[bin]!;
  return sum;
}

/** Share of the pixels under a value; within a bin they are taken to lie evenly. */
export function shareBelow(histogram: Histogram, value: number): number {
  const bins = histogram.counts.length;
  const at = ((value - histogram.low) / (histogram.high - histogram.low)) * bins;
  const all = total(histogram);
  if (!(all > 0) || !(at > 0)) return 0;
  let sum = 0;
  for (let bin = 0; bin < Math.min(Math.floor(at), bins); bin++) sum += histogram.counts[bin]!;
  if (at < bins) sum += (at - Math.floor(at)) * histogram.counts[Math.floor(at)]!;
  return sum / all;
}

/** The value under which so large a share of the pixels lies: 0.5 is the median. */
export function quantile(histogram: Histogram, share: number): number {
  const wanted = share * total(histogram);
  const width = (histogram.high - histogram.low) / histogram.counts.length;
  let sum = 0;
  for (let bin = 0; bin < histogram.counts.length; bin++) {
    const here = histogram.counts[bin]!;
    if (sum + here >= wanted && here > 0) return histogram.low + (bin + (wanted - sum) / here) * width;
    sum += here;
  }
  return histogram.high;
}

/**
 * Pixels for each column of a drawing whose columns end at `edges` (values, rising, one more than columns).
 *
 * Each bin's pixels are shared out by overlap, so that zooming in shows steps and never gaps. Divided by the column's
 * width in bins they are densities: a flat sky stays flat on any axis.
 */
export function columns(histogram: Histogram, edges: ArrayLike<number>): Float64Array {
  const out = new Float64Array(edges.length - 1);
  const width = (histogram.high - histogram.low) / histogram.counts.length;
  if (!(width > 0)) return out;
  for (let column = 0; column < out.length; column++) {
    const from = Math.max((edges[column]! - histogram.low) / width, 0);
    const to = Math.min((edges[column + 1]! - histogram.low) / width, histogram.counts.length);
    for (let bin = Math.floor(from); bin < to; bin++)
      out[column]! += histogram.counts[bin]! * (Math.min(to, bin + 1) - Math.max(from, bin));
  }
  return out;
}
