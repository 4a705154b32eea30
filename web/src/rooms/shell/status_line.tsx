import { ActionIcon, Tooltip } from "@mantine/core";
import { IconPlayerStop, IconTerminal2 } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { declination, duration, figure, percent, rightAscension } from "../../lib/format";
import { connection } from "../../state/connection";
import { cancel, cancelNamed, current, elsewhere, jobs } from "../../state/jobs";
import { toggle } from "../../state/page";
import { viewer } from "../../state/viewer";
import { useSlice } from "../../widgets/use_store";

/** One line: how the engine is, what it does, what the picture is, what lies under the pointer. */
export function StatusLine() {
  return (
    <footer className="status">
      <EngineState />
      <JobLine />
      <Readout />
      <ImageFacts />
      <Tooltip label="Log (Ctrl+J)">
        <ActionIcon variant="subtle" size="sm" aria-label="Log" onClick={() => toggle("log")}>
          <IconTerminal2 size={15} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    </footer>
  );
}

function EngineState() {
  const server = useSlice(connection, (now) => now.server);
  const engine = useSlice(connection, (now) => now.engine);
  const busy = useSlice(jobs, (now) => now.running.length > 0);
  const words =
    server !== "up"
      ? server === "lost"
        ? "Server gone, trying again"
        : "Connecting"
      : engine === "up"
        ? busy
          ? "Working"
          : "Ready"
        : engine === "starting"
          ? "Engine is starting"
          : "Engine stopped";
  const tone =
    server === "up" && engine === "up" ? "good" : server === "lost" || engine === "down" ? "bad" : "warn";
  return (
    <span className="status-engine" data-tone={tone}>
      <i aria-hidden />
      {words}
    </span>
  );
}

/** The job's progress; heard every ten per cent, not ten times a second. */
function JobLine() {
  const job = useSlice(jobs, current);
  const other = useSlice(jobs, elsewhere);
  const overall = job?.step?.overall ?? 0;
  const heard = job ? `${job.title}, ${Math.floor(overall * 10) * 10} per cent` : "";
  return (
    <>
      <span className="sr" role="status" aria-live="polite">
        {heard}
      </span>
      {other && (
        <span className="status-job">
          <span className="status-stage">{other.cmd}</span>
          <span className="quiet">begun elsewhere</span>
          <ActionIcon
            variant="subtle"
            size="sm"
            aria-label="Cancel the job that was begun elsewhere"
            onClick={() => cancelNamed(other.job)}
          >
            <IconPlayerStop size={14} />
          </ActionIcon>
        </span>
      )}
      {job && (
        <span className="status-job">
          <progress className="bar" max={1} value={overall} aria-label={job.title} />
          <span className="tabular">{percent(overall)}</span>
          <span className="status-stage">
            {job.cancelling ? "Cancelling" : job.step?.stage || job.title}
            {job.step && job.step.total > 1 ? ` ${job.step.done}/${job.step.total}` : ""}
          </span>
          {job.step?.eta_s ? (
            <span className="status-eta tabular">{duration(job.step.eta_s)} left</span>
          ) : (
            <Since start={job.since} />
          )}
          <Tooltip label="Cancel (Esc)">
            <ActionIcon
              variant="subtle"
              size="sm"
              aria-label="Cancel the job"
              disabled={job.cancelling}
              onClick={() => cancel(job)}
            >
              <IconPlayerStop size={14} />
            </ActionIcon>
          </Tooltip>
        </span>
      )}
    </>
  );
}

function Since({ start }: { start: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span className="status-eta tabular">{duration((now - start) / 1000)}</span>;
}

const CHANNELS = ["R", "G", "B"];

/** Place and exact values of the pixel under the pointer. */
function Readout() {
  const pixel = useSlice(viewer, (now) => now.pixel);
  const colour = useSlice(viewer, (now) => (now.image?.channels ?? 1) > 1);
  if (!pixel) return <span className="status-fill" />;
  return (
    <span className="status-fill readout tabular" data-testid="readout">
      <span>
        x {pixel.x} y {pixel.y}
      </span>
      {pixel.values.map((rows, channel) => (
        <span key={CHANNELS[channel] ?? channel}>
          {colour && <b data-channel={channel}>{CHANNELS[channel]}</b>} {figure(rows[0]?.[0], 6)}
        </span>
      ))}
      {pixel.sky && (
        <span>
          {rightAscension(pixel.sky.ra)} {declination(pixel.sky.dec)}
        </span>
      )}
    </span>
  );
}

const KINDS = { frame: "Raw frame", stack: "Stack, linear", map: "Map", finished: "Corrected, linear" };

function ImageFacts() {
  const image = useSlice(viewer, (now) => now.image);
  if (!image) return null;
  return (
    <span className="status-image tabular" title={image.path ?? image.name}>
      {KINDS[image.kind]} · {image.width} × {image.height} · {image.channels > 1 ? "RGB" : "mono"} · 32-bit
      float
    </span>
  );
}
