import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { ask } from "../../engine/engine";
import type { View as Image } from "../../engine/protocol";
import { type Axis, position, skyAxis, valueAt } from "../../lib/axis";
import { shown } from "../../lib/curve";
import { figure } from "../../lib/format";
import { type Histogram as Counts, columns, shareBelow } from "../../lib/histogram";
import { page } from "../../state/page";
import { bendOf, HANDLES, handleValue, type Stretch } from "../../state/stretch";
import { setHandle } from "../../state/viewer";
import { Handle } from "../../widgets/handle";
import { useSlice } from "../../widgets/use_store";

const BINS = 65536;
const HEIGHT = 132;
const COLOURS = { one: ["--curve"], three: ["--red", "--green", "--blue"] };

interface Props {
  image: Image;
  stretch: Stretch;
  /** The channel whose handles are shown. */
  channel: number;
  logarithmic: boolean;
}

/** Counts of every channel, for an image of the engine's. */
export function useCounts(image: Image): Counts[] | undefined {
  const { data } = useQuery({
    queryKey: ["histogram", image.key],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const channels = Array.from({ length: Math.min(image.channels, 3) }, (_, channel) => channel);
      const found = await Promise.all(
        channels.map((channel) => ask("histogram", { imageId: image.image, channel, bins: BINS })),
      );
      return found.map(({ bins, min, max }): Counts => ({ low: min ?? 0, high: max ?? 1, counts: bins }));
    },
  });
  return data;
}

/** The histogram with its three handles; the curve shows what the stretch makes of each value. */
export function Histogram({ image, stretch, channel, logarithmic }: Props) {
  const counts = useCounts(image);
  const axis = useMemo(() => axisOf(image, channel), [image, channel]);
  const curve = stretch.curves[channel] ?? stretch.curves[0]!;
  return (
    <div className="histogram">
      <Drawing counts={counts} axis={axis} stretch={stretch} channel={channel} logarithmic={logarithmic} />
      <div className="handles">
        {HANDLES.filter((name) => name !== "midtones" || stretch.kind === "mtf").map((name) => {
          const value = handleValue(curve, name);
          return (
            <Handle
              key={name}
              name={name[0]!.toUpperCase() + name.slice(1)}
              tone={name}
              at={position(axis, value)}
              text={`${figure(value, 5)} ADU`}
              move={(at) => setHandle(channel, name, valueAt(axis, at))}
            />
          );
        })}
      </div>
      <Clipped counts={counts} stretch={stretch} />
    </div>
  );
}

/** From a little below the sky's noise to the brightest value. */
function axisOf(image: Image, channel: number): Axis {
  const range = image.ranges[channel] ?? image.ranges[0]!;
  const low = Math.min(range.low, range.centre - 6 * range.spread);
  const high = Math.max(range.maximum ?? range.high, range.high);
  return skyAxis(low, high + 0.02 * (high - low), range.centre, range.spread);
}

function Drawing({
  counts,
  axis,
  stretch,
  channel,
  logarithmic,
}: { counts: Counts[] | undefined; axis: Axis } & Omit<Props, "image">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useSlice(page, (now) => now.theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `theme` is what the colours are read from
  useEffect(() => {
    if (canvas.current) draw(canvas.current, counts ?? [], axis, stretch, channel, logarithmic);
  }, [counts, axis, stretch, channel, logarithmic, theme]);
  return (
    <canvas
      ref={canvas}
      className="histogram-canvas"
      height={HEIGHT}
      role="img"
      aria-label="Histogram of the picture"
    />
  );
}

function draw(
  canvas: HTMLCanvasElement,
  all: Counts[],
  axis: Axis,
  stretch: Stretch,
  channel: number,
  logarithmic: boolean,
): void {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), HEIGHT * ratio];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (!context || width === 0) return;
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const edges = Array.from({ length: width + 1 }, (_, at) => valueAt(axis, at / width));
  const heights = all.map((one) =>
    columns(one, edges).map((count) => (logarithmic ? Math.log1p(count) : count)),
  );
  const top = Math.max(...heights.map(tallest), 1e-9);
  const names = all.length > 1 ? COLOURS.three : COLOURS.one;
  context.globalCompositeOperation = style
    .getPropertyValue("--histogram-mix")
    .trim() as GlobalCompositeOperation;
  heights.forEach((one, at) => {
    const told = stretch.linked || at === channel || all.length === 1;
    context.fillStyle = context.strokeStyle = colour(names[at]!);
    context.lineWidth = 1.25 * ratio;
    context.beginPath();
    context.moveTo(-2, height + 2);
    one.forEach((value, x) => {
      context.lineTo(x, height - Math.min(value / top, 1) * height * 0.94);
    });
    context.lineTo(width + 2, height + 2);
    context.globalAlpha = told ? 0.35 : 0.12; // the three together stay grey, not white
    context.fill();
    context.globalAlpha = told ? 0.9 : 0.3;
    context.stroke();
  });
  context.globalCompositeOperation = "source-over";
  context.globalAlpha = 0.85;
  context.strokeStyle = colour("--text");
  context.lineWidth = 1.25 * ratio;
  context.beginPath();
  const [curve, bend] = [stretch.curves[channel] ?? stretch.curves[0]!, bendOf(stretch, channel)];
  edges.forEach((value, x) => {
    context.lineTo(x, height - 1 - shown(value, curve, bend) * (height - 2));
  });
  context.stroke();
}

/** The tallest column, but not a lone spike of saturated or empty pixels. */
function tallest(heights: Float64Array): number {
  const sorted = [...heights].filter((one) => one > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.995)] ?? 0;
}

/** Share of the pixels that the stretch makes quite black or quite white. */
function Clipped({ counts, stretch }: { counts: Counts[] | undefined; stretch: Stretch }) {
  if (!counts) return <p className="clipped quiet tabular">counting…</p>;
  const share = (of: (one: Counts, at: number) => number) =>
    counts.reduce((sum, one, at) => sum + of(one, at), 0) / counts.length;
  const black = share((one, at) =>
    shareBelow(one, handleValue(stretch.curves[at] ?? stretch.curves[0]!, "shadows")),
  );
  const white = share(
    (one, at) => 1 - shareBelow(one, handleValue(stretch.curves[at] ?? stretch.curves[0]!, "highlights")),
  );
  return (
    <p className="clipped quiet tabular">
      <span>{(100 * black).toFixed(2)} % black</span>
      <span>{(100 * white).toFixed(2)} % white</span>
    </p>
  );
}
