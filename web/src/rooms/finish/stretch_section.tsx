import { Button, NumberInput, SegmentedControl, Select } from "@mantine/core";
import { IconWand } from "@tabler/icons-react";
import { useState } from "react";
import { HANDLES, handleValue, KINDS, type Kind, type Stretch } from "../../state/stretch";
import {
  setBend,
  setHandle,
  setKeep,
  setKind,
  setLinked,
  stretchAuto,
  stretchOf,
  stretchReset,
  viewer,
} from "../../state/viewer";
import { Section } from "../../widgets/section";
import { useSlice } from "../../widgets/use_store";
import { Histogram } from "./histogram";

const NAMES: Record<Kind, string> = {
  linear: "Linear",
  mtf: "Midtones (STF)",
  asinh: "Arcsinh",
  log: "Logarithm",
  ghs: "Generalised hyperbolic",
};

/** The stretch: histogram, handles, kind of curve. It is drawn by the graphics card: nothing here asks the engine. */
export function StretchSection() {
  const image = useSlice(viewer, (now) => now.image);
  const stretch = useSlice(viewer, (now) => (now.image ? stretchOf(now, now.image) : null));
  const [logarithmic, setLogarithmic] = useState(false);
  const [chosen, setChosen] = useState(0);
  if (!image || !stretch) return null;
  const channel = stretch.linked || image.channels < 2 ? Math.min(1, image.channels - 1) : chosen;
  return (
    <Section
      title="Stretch"
      aside={
        <>
          <Button
            size="compact-xs"
            variant={stretch.auto ? "filled" : "default"}
            leftSection={<IconWand size={13} />}
            onClick={stretchAuto}
          >
            Auto
          </Button>
          <Button size="compact-xs" variant="default" onClick={stretchReset}>
            Reset
          </Button>
        </>
      }
    >
      <Histogram image={image} stretch={stretch} channel={channel} logarithmic={logarithmic} />
      <div className="stretch-row">
        {image.channels > 1 && (
          <SegmentedControl
            size="xs"
            aria-label="Channels"
            value={stretch.linked ? "linked" : String(channel)}
            data={[
              { value: "linked", label: "Linked" },
              { value: "0", label: "R" },
              { value: "1", label: "G" },
              { value: "2", label: "B" },
            ]}
            onChange={(now) => {
              if (now === "linked") return setLinked(true);
              setChosen(Number(now));
              if (stretch.linked) setLinked(false);
            }}
          />
        )}
        <SegmentedControl
          size="xs"
          aria-label="Counts"
          value={logarithmic ? "log" : "linear"}
          data={[
            { value: "linear", label: "Linear" },
            { value: "log", label: "Log" },
          ]}
          onChange={(now) => setLogarithmic(now === "log")}
        />
      </div>
      <Select
        size="xs"
        label="Curve"
        data={KINDS.map((kind) => ({ value: kind, label: NAMES[kind] }))}
        value={stretch.kind}
        allowDeselect={false}
        onChange={(kind) => kind && setKind(kind as Kind)}
      />
      <div className="stretch-fields">
        {HANDLES.filter((name) => name !== "midtones" || stretch.kind === "mtf").map((name) => (
          <Exact key={name} stretch={stretch} channel={channel} name={name} />
        ))}
      </div>
      {stretch.kind !== "mtf" && stretch.kind !== "linear" && <Bends stretch={stretch} />}
      {stretch.linked && stretch.kind !== "linear" && image.channels > 1 && <Keep keep={stretch.keep} />}
    </Section>
  );
}

/** A handle's value, to be typed. */
function Exact({
  stretch,
  channel,
  name,
}: {
  stretch: Stretch;
  channel: number;
  name: (typeof HANDLES)[number];
}) {
  const curve = stretch.curves[channel] ?? stretch.curves[0]!;
  const value = Number(handleValue(curve, name).toPrecision(6));
  return (
    <NumberInput
      size="xs"
      label={name[0]!.toUpperCase() + name.slice(1)}
      value={value}
      hideControls
      onChange={(now) => typeof now === "number" && now !== value && setHandle(channel, name, now)}
    />
  );
}

/** How far the stars' and nebulae's colours are kept as the linear light has them. */
function Keep({ keep }: { keep: number }) {
  return (
    <label className="slider">
      <span>Keep colours</span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={keep}
        onChange={(event) => setKeep(Number(event.currentTarget.value))}
      />
      <output className="tabular">{Math.round(100 * keep)} %</output>
    </label>
  );
}

const POINTS = [
  ["symmetry", "Symmetry point"],
  ["protectLow", "Protect shadows"],
  ["protectHigh", "Protect highlights"],
] as const;

function Bends({ stretch }: { stretch: Stretch }) {
  const { bend, kind } = stretch;
  return (
    <div className="stretch-fields">
      <NumberInput
        size="xs"
        label="Amount"
        min={0}
        max={20}
        step={0.1}
        decimalScale={3}
        value={bend.amount}
        onChange={(now) => typeof now === "number" && setBend({ amount: now })}
      />
      {kind === "ghs" && (
        <NumberInput
          size="xs"
          label="Local"
          min={-15}
          max={15}
          step={0.5}
          value={bend.local}
          onChange={(now) => typeof now === "number" && setBend({ local: now })}
        />
      )}
      {kind === "ghs" &&
        POINTS.map(([name, label]) => (
          <NumberInput
            key={name}
            size="xs"
            label={label}
            min={0}
            max={1}
            step={0.005}
            decimalScale={5}
            value={bend[name]}
            onChange={(now) => typeof now === "number" && setBend(ordered(bend, { [name]: now }))}
          />
        ))}
    </div>
  );
}

/** Protection ends where the symmetry point begins. */
function ordered(bend: Stretch["bend"], change: Partial<Stretch["bend"]>): Partial<Stretch["bend"]> {
  const { symmetry, protectLow, protectHigh } = { ...bend, ...change };
  return {
    ...change,
    protectLow: Math.min(protectLow, symmetry),
    protectHigh: Math.max(protectHigh, symmetry),
  };
}
