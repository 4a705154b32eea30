import type { FoundFrame } from "../../engine/protocol";
import { figure } from "../../lib/format";

export interface FrameGroup {
  readonly key: string;
  /** "M 27 · Ha · 300 s" */
  readonly title: string;
  /** "14 Aug 2024 · gain 100 · −10 °C · 6248 × 4176 RGGB" */
  readonly facts: string;
  readonly frames: readonly FoundFrame[];
  /** Exposure in all. */
  readonly seconds: number;
}

/** Frames by target, filter, night, exposure, gain and temperature, in the order of their first. */
export function groupsOf(frames: readonly FoundFrame[]): FrameGroup[] {
  const groups = new Map<string, FoundFrame[]>();
  for (const frame of frames) {
    const key = [titleOf(frame), factsOf(frame)].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), frame]);
  }
  return [...groups].map(([key, members]) => {
    const first = members[0]!;
    const seconds = first.kind === "light" ? members.reduce((sum, one) => sum + (one.exposure ?? 0), 0) : 0;
    return { key, title: titleOf(first), facts: factsOf(first), frames: members, seconds };
  });
}

function titleOf({ kind, target, filter, exposure, is_master }: FoundFrame): string {
  const parts = [
    kind === "light" ? target : null,
    filter,
    exposure === null ? null : `${figure(exposure, 4)} s`,
  ];
  return [...(is_master ? ["Master"] : []), ...parts.filter(Boolean)].join(" · ") || "No facts in the header";
}

function factsOf(frame: FoundFrame): string {
  const { gain, temperature, width, height, bayer, binning, date } = frame;
  return [
    date ? nightOf(date) : null,
    gain === null ? null : `gain ${figure(gain, 4)}`,
    temperature === null ? null : `${String(Math.round(temperature)).replace("-", "−")} °C`,
    `${width} × ${height}${bayer ? ` ${bayer}` : ""}`,
    binning[0] * binning[1] > 1 ? `bin ${binning[0]} × ${binning[1]}` : null,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The day on which the night began: a frame of two in the morning belongs to the evening before. */
export function nightOf(date: string): string {
  const time = Date.parse(date.includes("T") && !date.endsWith("Z") ? `${date}Z` : date);
  if (Number.isNaN(time)) return date.slice(0, 10);
  const evening = new Date(time - 12 * 3600 * 1000);
  return evening.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
}
