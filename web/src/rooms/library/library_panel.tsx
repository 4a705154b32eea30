import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconAlertTriangle, IconArrowRight, IconFolderPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { FoundFrame, Planned, RefusedFrame } from "../../engine/protocol";
import { bytes, counted, duration, fileName } from "../../lib/format";
import {
  closeNight,
  type Library,
  library,
  openResult,
  removeInput,
  TOLD,
  type Told,
  tellKind,
} from "../../state/library";
import { goTo } from "../../state/page";
import { openPath } from "../../state/viewer";
import { Section } from "../../widgets/section";
import { useSlice } from "../../widgets/use_store";
import { Browser } from "./browser";
import { groupsOf } from "./groups";

/** Which folders, what Sidera found, how it will calibrate, and what is not right. */
export function LibraryPanel() {
  const { folder, inputs, told, scanned, planned, trouble, results } = useSlice(library, (now) => now);
  const [browsing, setBrowsing] = useState(false);
  return (
    <>
      <Section
        title="Folders"
        foldable={false}
        aside={
          <>
            {folder !== null && (
              <Button size="compact-xs" variant="subtle" onClick={closeNight}>
                Another night
              </Button>
            )}
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconFolderPlus size={14} />}
              onClick={() => setBrowsing(true)}
            >
              Add
            </Button>
          </>
        }
      >
        {inputs.length === 0 && <p className="quiet">None yet: choose one, drop one, or add one here.</p>}
        {inputs.map((path) => (
          <Input key={path} path={path} kind={told[path] ?? null} />
        ))}
      </Section>
      {inputs.length === 0 && <HowItGoes />}
      {scanned && <FoundSection scanned={scanned} />}
      {trouble && (
        <p className="wrong pad" role="alert">
          <IconAlertTriangle size={15} aria-hidden /> {trouble}
        </p>
      )}
      {planned && <Calibration planned={planned} />}
      {scanned && <Findings scanned={scanned} planned={planned} />}
      {results.length > 0 && (
        <Section title="Results">
          {results.map((one) => (
            <button
              type="button"
              key={one.path ?? one.image}
              className="line line-button"
              onClick={() => openResult(one).then(() => goTo("finish"))}
            >
              <span className="line-main">
                {one.name}
                <small>{one.path}</small>
              </span>
            </button>
          ))}
        </Section>
      )}
      {scanned && (
        <div className="panel-foot">
          <Button
            fullWidth
            size="sm"
            rightSection={<IconArrowRight size={15} />}
            onClick={() => goTo("frames")}
          >
            Look at the frames
          </Button>
        </div>
      )}
      <Browser opened={browsing} close={() => setBrowsing(false)} />
    </>
  );
}

const ROOMS = [
  ["Library", "What is in the folder, and how it will be calibrated."],
  ["Frames", "Each frame measured; look through them, and leave out what you like."],
  ["Stack", "What it will take, and the run: satellites and cosmic rays go by themselves."],
  ["Finish", "Gradient, colours, stretch; then write the picture."],
] as const;

/** The way from frames to a picture, while there are none. */
function HowItGoes() {
  return (
    <Section title="How it goes" foldable={false}>
      <ol className="how">
        {ROOMS.map(([name, what]) => (
          <li key={name}>
            <b>{name}</b>
            <span className="quiet">{what}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

const KIND_NAMES: Record<Told, string> = {
  lights: "Lights",
  darks: "Darks",
  flats: "Flats",
  biases: "Biases",
  flat_darks: "Flat darks",
};

/** A folder or file, what its frames are taken for, and the way to remove it. */
function Input({ path, kind }: { path: string; kind: Told | null }) {
  const name = fileName(path);
  return (
    <div className="line">
      <span className="line-main" title={path}>
        {name}
        <small>{path}</small>
      </span>
      <span className="line-tools">
        <Menu position="bottom-end">
          <Menu.Target>
            <Button
              size="compact-xs"
              variant="subtle"
              aria-label={`${kind ? KIND_NAMES[kind] : "By header"}: what the frames of ${name} are`}
            >
              {kind ? KIND_NAMES[kind] : "By header"}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => tellKind(path, null)}>By header</Menu.Item>
            {(Object.keys(TOLD) as Told[]).map((one) => (
              <Menu.Item key={one} onClick={() => tellKind(path, one)}>
                {KIND_NAMES[one]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <ActionIcon
          variant="subtle"
          size="sm"
          aria-label={`Remove ${name}`}
          onClick={() => removeInput(path)}
        >
          <IconX size={14} />
        </ActionIcon>
      </span>
    </div>
  );
}

const KINDS: [string, string][] = [
  ["light", "Lights"],
  ["dark", "Darks"],
  ["flat", "Flats"],
  ["bias", "Biases"],
  ["flat-dark", "Flat darks"],
  ["unknown", "Unknown"],
];

/** Groups of frames of each kind, with what sets them apart. */
type Scanned = NonNullable<Library["scanned"]>;

function FoundSection({ scanned }: { scanned: Scanned }) {
  return (
    <Section
      title="Found"
      aside={<span className="quiet tabular">{counted(scanned.frames.length, "frame")}</span>}
    >
      {KINDS.map(([kind, title]) => {
        const found = scanned.frames.filter((frame) => frame.kind === kind);
        return found.length > 0 && <Kind key={kind} title={title} frames={found} />;
      })}
      {scanned.frames.length === 0 && <p className="quiet">No frames that Sidera can read.</p>}
    </Section>
  );
}

function Kind({ title, frames }: { title: string; frames: readonly FoundFrame[] }) {
  return (
    <div className="kind">
      <h3>
        {title} <span className="quiet tabular">{frames.length}</span>
      </h3>
      {groupsOf(frames).map((group) => (
        <button
          type="button"
          key={group.key}
          className="line line-button"
          onClick={() => openPath(group.frames[0]!.path, group.frames[0]!.index)}
        >
          <span className="line-main">
            {group.title}
            <small>{group.facts}</small>
          </span>
          <span className="tabular">
            {group.frames.length}
            {group.seconds > 0 && <small> {duration(group.seconds)}</small>}
          </span>
        </button>
      ))}
    </div>
  );
}

function Calibration({ planned }: { planned: Planned }) {
  if (planned.calibration.length === 0) return null;
  return (
    <Section title="Calibration">
      {planned.calibration.map((row) => (
        <div key={row.formula + row.lights.join()} className="formula">
          <code>{row.formula}</code>
          <dl className="facts">
            <dt>Lights</dt>
            <dd className="tabular">{row.lights.length}</dd>
            <dt>Bias</dt>
            <dd>{row.bias || "none"}</dd>
            <dt>Dark</dt>
            <dd>{row.dark || "none"}</dd>
            <dt>Flat</dt>
            <dd>{row.flat || "none"}</dd>
          </dl>
          {row.warnings.map((one) => (
            <p key={one} className="warn">
              <IconAlertTriangle size={14} aria-hidden /> {one}
            </p>
          ))}
        </div>
      ))}
      <p className="quiet tabular">
        Memory {bytes(planned.memory)} on {counted(planned.threads, "thread")}
      </p>
    </Section>
  );
}

/** What cannot be used, and what was passed over. */
function Findings({ scanned, planned }: { scanned: Scanned; planned: Planned | null }) {
  const left = new Map<string, RefusedFrame>();
  for (const one of [...scanned.refused, ...(planned?.refused ?? [])])
    left.set(`${one.path}#${one.index}`, one);
  const passed = planned?.summary.filter((one) => one.startsWith("Passed over")) ?? [];
  if (left.size + passed.length === 0) return null;
  return (
    <Section title="Findings" aside={<span className="quiet tabular">{left.size + passed.length}</span>}>
      {[...left.values()].slice(0, 50).map((one) => (
        <div key={`${one.path}#${one.index}`} className="finding">
          <b>{fileName(one.path)}</b>
          <p>{one.reason}</p>
          {one.cure && <p className="quiet">{one.cure}</p>}
        </div>
      ))}
      {left.size > 50 && <p className="quiet">And {left.size - 50} more.</p>}
      {passed.map((one) => (
        <p key={one} className="quiet">
          {one}
        </p>
      ))}
    </Section>
  );
}
