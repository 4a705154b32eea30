import { SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { figure, fixed } from "../../lib/format";
import { choose, frames, METRICS, type Metric, metricOf, type Row, setFilter } from "../../state/frames";
import { page } from "../../state/page";
import { judge } from "../../state/verdicts";
import { Plot, type Series } from "../../widgets/plot";
import { Section } from "../../widgets/section";
import { useSlice } from "../../widgets/use_store";
import { verdictWords } from "./table";

const NAMES: Record<Metric, string> = {
  fwhm: "FWHM, px",
  eccentricity: "Eccentricity",
  stars: "Stars",
  sky: "Sky, ADU",
  snr: "SNR",
};

/** The night as curves, and the frame that is looked at. */
export function FrameDetails() {
  const rows = useSlice(frames, (now) => now.rows);
  const focus = useSlice(frames, (now) => now.rows.find((row) => row.id === now.focus));
  const known = useMemo(() => inTime(rows), [rows]);
  return (
    <>
      {focus && <Frame row={focus} />}
      <Section title="The night" aside={<span className="quiet">drag on a plot to filter</span>}>
        {known.rows.length === 0 && <p className="quiet">Figures appear here as the frames are measured.</p>}
        {known.rows.length > 0 && METRICS.map((metric) => <Curve key={metric} metric={metric} {...known} />)}
      </Section>
    </>
  );
}

/** Measured rows in the order of time, or of the table where any has no time. */
function inTime(rows: readonly Row[]): { rows: readonly Row[]; time: boolean } {
  const measured = rows.filter((row) => row.figures);
  const time = measured.every((row) => row.time !== null);
  return { rows: time ? measured.sort((a, b) => a.time! - b.time!) : measured, time };
}

function Curve({ metric, rows, time }: { metric: Metric; rows: readonly Row[]; time: boolean }) {
  const theme = useSlice(page, (now) => now.theme);
  const focus = useSlice(frames, (now) => now.focus);
  const x = useMemo(() => rows.map((row, at) => (time ? row.time! : at)), [rows, time]);
  const series = useMemo((): Series[] => {
    const values = (keep: (row: Row) => boolean) =>
      rows.map((row) => (keep(row) ? finite(metricOf(row, metric)) : null));
    return [
      {
        name: "Frames",
        colour: "--accent",
        values: values((row) => row.verdict !== "rejected" && !row.refused),
      },
      {
        name: "Rejected",
        colour: "--bad",
        values: values((row) => row.verdict === "rejected" || row.refused !== null),
      },
      { name: "Looked at", colour: "--text", values: values((row) => row.id === focus) },
    ];
  }, [rows, metric, focus]);
  return (
    <figure className="curve">
      <figcaption>{NAMES[metric]}</figcaption>
      <Plot
        x={x}
        time={time}
        series={series}
        height={92}
        theme={theme}
        label={summary(metric, rows)}
        brush={(range) => setFilter({ brush: range && { metric, ...range } })}
        pick={(at) => rows[at] && choose(rows[at].id)}
      />
    </figure>
  );
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The plot for those who cannot see it. */
function summary(metric: Metric, rows: readonly Row[]): string {
  const values = rows
    .map((row) => metricOf(row, metric))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (values.length === 0) return `${NAMES[metric]}: not measured`;
  const [low, middle, high] = [values[0], values[values.length >> 1], values.at(-1)];
  return `${NAMES[metric]} of ${values.length} frames: ${figure(low)} to ${figure(high)}, median ${figure(middle)}`;
}

function Frame({ row }: { row: Row }) {
  const { frame, figures, refused } = row;
  return (
    <Section title={row.name}>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="Verdict"
        value={row.verdict}
        onChange={(verdict) =>
          judge([row.id], verdict as Row["verdict"], verdict === "rejected" ? "by eye" : "")
        }
        data={[
          { value: "approved", label: "Approve" },
          { value: "undecided", label: "Open" },
          { value: "rejected", label: "Reject" },
        ]}
      />
      {row.reason && <p className="quiet">{verdictWords(row)}</p>}
      {refused && (
        <p className="wrong" role="alert">
          {refused.reason} {refused.cure}
        </p>
      )}
      <dl className="facts">
        <Fact name="FWHM" value={figures && `${fixed(figures.fwhm, 2)} px`} />
        <Fact name="HFR" value={figures && `${fixed(figures.hfr, 2)} px`} />
        <Fact name="Eccentricity" value={figures && fixed(figures.eccentricity, 3)} />
        <Fact name="Stars" value={figures && figure(figures.stars, 6)} />
        <Fact name="Sky" value={figures && `${figures.sky.map((one) => figure(one, 5)).join(" ")} ADU`} />
        <Fact name="Noise" value={figures && `${figures.noise.map((one) => figure(one, 3)).join(" ")} ADU`} />
        <Fact name="SNR" value={figures && figure(figures.snr, 3)} />
        <Fact name="Saturated" value={figures && figure(figures.saturated, 6)} />
        <Fact name="Taken" value={frame.date?.replace("T", " ").slice(0, 19)} />
        <Fact name="Exposure" value={frame.exposure === null ? null : `${figure(frame.exposure, 4)} s`} />
        <Fact name="Filter" value={frame.filter} />
        <Fact name="Gain" value={frame.gain === null ? null : figure(frame.gain, 4)} />
        <Fact name="Sensor" value={frame.temperature === null ? null : `${fixed(frame.temperature, 1)} °C`} />
        <Fact name="Camera" value={frame.camera} />
      </dl>
    </Section>
  );
}

function Fact({ name, value }: { name: string; value: string | null | undefined }) {
  if (!value) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd className="tabular">{value}</dd>
    </>
  );
}
