import { useEffect, useRef } from "react";
import uPlot from "uplot";

export interface Series {
  readonly name: string;
  /** A CSS colour, or a variable of the theme such as "--accent". */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

interface Props {
  /** Rising. */
  x: readonly number[];
  /** Whether x is milliseconds since 1970. */
  time: boolean;
  series: readonly Series[];
  height: number;
  label: string;
  /** A part of the y axis was marked; null takes the mark away. */
  brush?: (range: { low: number; high: number } | null) => void;
  pick?: (index: number) => void;
  /** Grows when the theme changes: colours are read anew. */
  theme: string;
}

/** Points against time, in the theme's colours; drag up or down to mark a range, click to pick a point. */
export function Plot({ x, time, series, height, label, brush, pick, theme }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const calls = useRef({ brush, pick });
  calls.current = { brush, pick };
  const shown = useRef<uPlot>(null);
  const looks = series.map(({ name, colour }) => `${name} ${colour}`).join();
  const data = [
    time ? x.map((one) => one / 1000) : [...x],
    ...series.map((one) => [...one.values]),
  ] as uPlot.AlignedData;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from `theme`; the next effect brings data
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const colour = (name: string) =>
      name.startsWith("--") ? getComputedStyle(element).getPropertyValue(name).trim() : name;
    const plot = new uPlot(options(element.clientWidth, height, time, series, colour, calls), data, element);
    shown.current = plot;
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
      shown.current = null;
    };
  }, [time, looks, height, theme]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `data` is made of these
  useEffect(() => shown.current?.setData(data), [x, series]);
  return <div ref={place} className="plot" role="img" aria-label={label} />;
}

function options(
  width: number,
  height: number,
  time: boolean,
  series: readonly Series[],
  colour: (name: string) => string,
  calls: { current: Pick<Props, "brush" | "pick"> },
): uPlot.Options {
  const axis = {
    stroke: colour("--dim"),
    grid: { stroke: colour("--hair"), width: 1 },
    ticks: { show: false },
    font: "11px Inter Variable, sans-serif",
  };
  return {
    width: Math.max(width, 40),
    height,
    legend: { show: false },
    padding: [6, 6, 0, 0],
    scales: { x: { time } },
    axes: [
      { ...axis, size: 20, gap: 2, values: time ? hours : undefined },
      { ...axis, size: 46, gap: 4, splits: undefined },
    ] as uPlot.Axis[],
    series: [
      {},
      ...series.map((one) => ({
        label: one.name,
        stroke: colour(one.colour),
        paths: () => null,
        points: { show: true, size: 5, width: 0, fill: colour(one.colour) },
      })),
    ],
    cursor: {
      drag: { x: false, y: true, setScale: false },
      points: { size: 8 },
      x: true,
      y: false,
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { top, height: tall } = plot.select;
          if (tall < 3) return calls.current.brush?.(null);
          calls.current.brush?.({ low: plot.posToVal(top + tall, "y"), high: plot.posToVal(top, "y") });
        },
      ],
      ready: [
        (plot) =>
          plot.over.addEventListener("click", () => {
            const { idx } = plot.cursor;
            if (idx !== null && idx !== undefined && plot.select.height < 3) calls.current.pick?.(idx);
          }),
      ],
    },
  };
}

function hours(_: uPlot, splits: number[]): string[] {
  return splits.map((at) => new Date(at * 1000).toISOString().slice(11, 16));
}
