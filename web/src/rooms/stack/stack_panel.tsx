import { Button, Switch } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCopy,
  IconDownload,
  IconPlayerPlay,
  IconPlayerStop,
  IconUpload,
} from "@tabler/icons-react";
import { useRef } from "react";
import { bytes, counted, duration, percent } from "../../lib/format";
import { words } from "../../lib/schema";
import { copyCommand } from "../../state/commands";
import { isFinishing } from "../../state/finish";
import { cancel, current, jobs, type Running } from "../../state/jobs";
import { library, setOutput, stack } from "../../state/library";
import { page, toggle } from "../../state/page";
import {
  fieldsOf,
  hasWrong,
  isChanged,
  PLAIN,
  readRecipe,
  recipes,
  recipeToml,
  resetSetting,
  type Stage,
  setSetting,
  valueAt,
} from "../../state/recipe";
import { PathField } from "../../widgets/path_field";
import { Section } from "../../widgets/section";
import { Setting } from "../../widgets/setting";
import { useSlice } from "../../widgets/use_store";
import { save } from "../shell/log_drawer";

/** How the stack is made, what it will cost, and making it. */
export function StackPanel() {
  const job = useSlice(jobs, (now) => now.running.find((one) => one.cmd === "project.stack"));
  return (
    <>
      <PlanSection />
      {job ? <Progress job={job} /> : <Run />}
      <RecipeForm locked={job !== undefined} />
    </>
  );
}

function PlanSection() {
  const { planned, trouble, planning, inputs } = useSlice(library, (now) => now);
  if (inputs.length === 0) return <p className="quiet pad">Choose a folder in the Library first.</p>;
  return (
    <Section
      title="The run"
      foldable={false}
      aside={planning && <span className="quiet">working it out…</span>}
    >
      {trouble && (
        <p className="wrong" role="alert">
          <IconAlertTriangle size={15} aria-hidden /> {trouble}
        </p>
      )}
      {planned?.stacks.map((one) => (
        <p key={one.name} className="plan-stack">
          <b>{one.name}</b>{" "}
          <span className="tabular">
            {counted(one.lights, "light")}
            {one.exposure > 0 && `, ${duration(one.exposure)}`}, {one.colour ? "colour" : "mono"}
          </span>
        </p>
      ))}
      {planned && (
        <dl className="cost">
          <div>
            <dt>Time</dt>
            <dd className="tabular">{duration(planned.cost.seconds)}</dd>
          </div>
          <div>
            <dt>Memory</dt>
            <dd className="tabular">{bytes(planned.cost.memory)}</dd>
          </div>
          <div>
            <dt>Disk</dt>
            <dd className="tabular">{bytes(planned.cost.disk + planned.cost.scratch)}</dd>
          </div>
        </dl>
      )}
    </Section>
  );
}

function Run() {
  const { inputs, output, trouble, results } = useSlice(library, (now) => now);
  const busy = useSlice(jobs, (now) => current(now) !== undefined);
  const wrong = useSlice(recipes, hasWrong);
  return (
    <div className="run">
      <PathField label="Write to" value={output} set={setOutput} />
      {results.some((one) => one.path === output) && (
        <p className="quiet">The stack of that name is kept; the new one gets a number.</p>
      )}
      <div className="run-buttons">
        <Button
          size="sm"
          leftSection={<IconPlayerPlay size={15} />}
          disabled={inputs.length === 0 || busy || wrong || trouble !== null}
          onClick={() => stack()}
        >
          Stack
        </Button>
        <Button
          size="sm"
          variant="default"
          leftSection={<IconCopy size={15} />}
          disabled={inputs.length === 0}
          onClick={copyCommand}
        >
          Copy as command line
        </Button>
      </div>
    </div>
  );
}

const STEPS: [string, string][] = [
  ["scan", "Look"],
  ["masters", "Masters"],
  ["measure", "Measure"],
  ["register", "Register"],
  ["combine", "Combine"],
  ["write", "Write"],
];

function Progress({ job }: { job: Running }) {
  const { step, cancelling } = job;
  const at = STEPS.findIndex(([name]) => name === step?.stage);
  return (
    <div className="progress">
      <ol className="steps" aria-label="Steps">
        {STEPS.map(([name, title], index) => (
          <li
            key={name}
            data-state={index < at ? "done" : index === at ? "now" : "later"}
            aria-current={index === at ? "step" : undefined}
          >
            {title}
          </li>
        ))}
      </ol>
      <progress className="bar" max={1} value={step?.overall ?? 0} aria-label="Stacking" />
      <p className="progress-words tabular">
        <span>{percent(step?.overall ?? 0)}</span>
        <span>
          {step && step.total > 1 ? `${step.done} of ${step.total}` : ""} {step?.note}
        </span>
        <span>{step?.eta_s ? `${duration(step.eta_s)} left` : ""}</span>
      </p>
      <div className="run-buttons">
        <Button
          size="sm"
          variant="default"
          leftSection={<IconPlayerStop size={15} />}
          disabled={cancelling}
          onClick={() => cancel(job)}
        >
          {cancelling ? "Cancelling" : "Cancel"}
        </Button>
        <Button size="sm" variant="default" onClick={() => toggle("log")}>
          Log
        </Button>
      </div>
    </div>
  );
}

/** The recipe: what most nights need, and everything for experts. */
function RecipeForm({ locked }: { locked: boolean }) {
  const state = useSlice(recipes, (now) => now);
  const experts = useSlice(page, (now) => now.experts);
  const file = useRef<HTMLInputElement>(null);
  const stages = [...new Set(state.fields.map((one) => one.stage))].filter(
    (stage) => !isFinishing(stage),
  ) as Stage[];
  return (
    <>
      <div className="recipe-head">
        <h2>Recipe</h2>
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconDownload size={13} />}
          onClick={() => recipeToml().then((text) => save(text, "recipe.toml"))}
        >
          Save
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconUpload size={13} />}
          onClick={() => file.current?.click()}
        >
          Load
        </Button>
        <input
          ref={file}
          type="file"
          accept=".toml"
          hidden
          aria-label="Recipe"
          onChange={(event) => event.currentTarget.files?.[0]?.text().then((toml) => readRecipe({ toml }))}
        />
        <Switch size="xs" label="Experts" checked={experts} onChange={() => toggle("experts")} />
      </div>
      {experts ? (
        stages.map((stage) => (
          <Section key={stage} title={words(stage)} open={stage === "integration"}>
            <Settings paths={fieldsOf(state, [stage]).map((one) => one.path)} locked={locked} />
          </Section>
        ))
      ) : (
        <div className="section-body pad">
          <Settings paths={[...PLAIN.keys()]} titles={PLAIN} locked={locked} />
        </div>
      )}
    </>
  );
}

interface SettingsProps {
  paths: readonly string[];
  /** In other words than the recipe's own. */
  titles?: ReadonlyMap<string, string>;
  locked: boolean;
}

/** Settings of the recipe by name. */
export function Settings({ paths, titles, locked }: SettingsProps) {
  const state = useSlice(recipes, (now) => now);
  const { recipe } = state;
  if (!recipe) return null;
  const known = new Map(state.fields.map((field) => [field.path, field]));
  return paths
    .map((path) => known.get(path))
    .filter((field) => field !== undefined)
    .map((field) => (
      <Setting
        key={field.path}
        field={{ ...field, label: titles?.get(field.path) ?? field.label }}
        value={valueAt(recipe, field.path)}
        changed={isChanged(state, field.path)}
        wrong={state.wrong[field.path]}
        disabled={locked}
        set={(value) => setSetting(field.path, value)}
        reset={() => resetSetting(field.path)}
      />
    ));
}
