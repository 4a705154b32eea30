import { Button, SegmentedControl, Switch } from "@mantine/core";
import { IconChevronDown, IconColumns2, IconDeviceFloppy, IconFileText, IconWand } from "@tabler/icons-react";
import { useId, useState } from "react";
import type { FinishStep } from "../../engine/protocol";
import { reportAddress } from "../../engine/server";
import { figure } from "../../lib/format";
import { words } from "../../lib/schema";
import {
  CORRECTIONS,
  type Correction,
  correct,
  exportPicture,
  FORMATS,
  type Format,
  finishing,
  isUpToDate,
  setFormat,
  setPath,
  showSource,
  toggleCompare,
} from "../../state/finish";
import { current, jobs } from "../../state/jobs";
import { library, openResult } from "../../state/library";
import { recipes, setSetting } from "../../state/recipe";
import { viewer } from "../../state/viewer";
import { PathField } from "../../widgets/path_field";
import { Section } from "../../widgets/section";
import { useSlice } from "../../widgets/use_store";
import { Settings } from "../stack/stack_panel";
import { StretchSection } from "./stretch_section";

/** From a linear stack to a picture. */
export function FinishPanel() {
  const image = useSlice(viewer, (now) => now.image);
  return (
    <>
      <Results />
      {image ? (
        <StretchSection />
      ) : (
        <p className="quiet pad">
          A stack appears here when it is done; a file of an earlier night can be opened in the Library.
        </p>
      )}
      {image && <Corrections />}
      {image && <Export />}
    </>
  );
}

function Results() {
  const results = useSlice(library, (now) => now.results);
  if (results.length === 0) return null;
  return (
    <Section title="Results" open={false} aside={<span className="quiet tabular">{results.length}</span>}>
      {results.map((one) => (
        <div className="line" key={one.path ?? one.image}>
          <button type="button" className="line-main line-button" onClick={() => openResult(one)}>
            {one.name}
            <small>{one.path}</small>
          </button>
          {one.report && (
            <a
              className="line-link"
              href={reportAddress(one.report)}
              target="_blank"
              rel="noreferrer"
              aria-label={`Report of ${one.name}`}
            >
              <IconFileText size={15} />
            </a>
          )}
        </div>
      ))}
    </Section>
  );
}

/** Each correction on or off, with its settings folded away. */
function Corrections() {
  const recipe = useSlice(recipes, (now) => now.recipe);
  const state = useSlice(finishing, (now) => now);
  const comparing = useSlice(viewer, (now) => now.before !== null);
  const busy = useSlice(jobs, (now) => current(now) !== undefined);
  if (!recipe) return null;
  return (
    <Section
      title="Corrections"
      aside={
        <Button
          size="compact-xs"
          variant="default"
          disabled={!state.finished}
          leftSection={<IconColumns2 size={13} />}
          aria-pressed={comparing}
          onClick={toggleCompare}
        >
          Before / after
        </Button>
      }
    >
      {CORRECTIONS.map((name) => (
        <CorrectionLine
          key={name}
          name={name}
          on={recipe[name].enabled}
          step={state.steps.find((one) => one.name === name)}
        />
      ))}
      <div className="run-buttons">
        <Button
          size="xs"
          leftSection={<IconWand size={14} />}
          disabled={busy || !state.source || isUpToDate(state, recipe)}
          onClick={correct}
        >
          Correct
        </Button>
        <Button size="xs" variant="default" disabled={!state.finished} onClick={showSource}>
          Show uncorrected
        </Button>
      </div>
    </Section>
  );
}

const TITLES: Record<Correction, string> = {
  crop: "Crop the borders",
  gradient: "Remove the gradient",
  neutralise: "Neutral sky",
  whitebalance: "White balance",
  starcolour: "Star colours",
  scnr: "Remove green (SCNR)",
  denoise: "Reduce noise",
};

function CorrectionLine({ name, on, step }: { name: Correction; on: boolean; step: FinishStep | undefined }) {
  const fields = useSlice(recipes, (now) => now.fields);
  const [open, setOpen] = useState(false);
  const id = useId();
  const paths = fields.filter((one) => one.stage === name && one.name !== "enabled").map((one) => one.path);
  return (
    <div className="correction" data-on={on || undefined} data-open={open || undefined}>
      <div className="correction-row">
        <button
          type="button"
          className="correction-name"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          <IconChevronDown className="section-mark" size={14} stroke={1.8} aria-hidden />
          {TITLES[name]}
        </button>
        <Switch
          size="xs"
          aria-label={TITLES[name]}
          checked={on}
          onChange={(event) => setSetting(`${name}.enabled`, event.currentTarget.checked)}
        />
      </div>
      {step && <p className="quiet">{step.told}</p>}
      <div id={id} className="correction-body" hidden={!open}>
        <Settings paths={paths} locked={false} />
        {step && <StepFigures step={step} />}
      </div>
    </div>
  );
}

/** What the correction did, in its own figures. */
function StepFigures({ step }: { step: FinishStep }) {
  return (
    <dl className="facts">
      {Object.entries(step.figures).map(([name, values]) => (
        <div key={name} className="facts-pair">
          <dt>{words(name)}</dt>
          <dd className="tabular">{values.map((one) => figure(one, 4)).join(" ")}</dd>
        </div>
      ))}
    </dl>
  );
}

const FORMAT_NAMES: Record<Format, string> = {
  fits: "FITS",
  xisf: "XISF",
  tiff: "TIFF",
  png: "PNG",
  jpeg: "JPEG",
};

/** Whether a setting of the export means anything to a format. */
function serves(path: string, format: Format): boolean {
  if (path === "export.quality") return format === "jpeg";
  if (path === "export.linear") return format === "tiff";
  return path !== "export.bits" || format !== "jpeg";
}

function Export() {
  const { format, path, source } = useSlice(finishing, (now) => now);
  const recipe = useSlice(recipes, (now) => now.recipe);
  const upToDate = useSlice(finishing, (now) => isUpToDate(now, recipe));
  const busy = useSlice(jobs, (now) => current(now) !== undefined);
  const fields = useSlice(recipes, (now) => now.fields);
  const linear = format === "fits" || format === "xisf";
  return (
    <Section title="Export">
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="Format"
        value={format}
        onChange={(now) => setFormat(now as Format)}
        data={FORMATS.map((value) => ({ value, label: FORMAT_NAMES[value] }))}
      />
      <PathField label="Write to" value={path} set={setPath} />
      <p className="quiet">
        {linear
          ? "Linear light, 32 bits, with the corrections above."
          : "As it is shown: with the corrections and the stretch above."}
      </p>
      {!linear && (
        <Settings
          paths={fields
            .map((one) => one.path)
            .filter((one) => one.startsWith("export.") && serves(one, format))}
          locked={busy}
        />
      )}
      <Button
        size="sm"
        leftSection={<IconDeviceFloppy size={15} />}
        disabled={busy || !source || !path}
        onClick={exportPicture}
      >
        {upToDate ? "Write" : "Correct and write"}
      </Button>
    </Section>
  );
}
