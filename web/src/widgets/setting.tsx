import { ActionIcon, NumberInput, SegmentedControl, Select, Switch, TextInput, Tooltip } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import type { Field } from "../lib/schema";

interface Props {
  field: Field;
  value: unknown;
  changed: boolean;
  wrong?: string | undefined;
  disabled?: boolean;
  set: (value: unknown) => void;
  reset: () => void;
}

/** One setting of the recipe: its name, the control that fits, what it does, and the way back to the default. */
export function Setting(props: Props) {
  const { field, changed, wrong, reset } = props;
  const help = `help-${field.path}`;
  return (
    <div className="setting" data-changed={changed || undefined} data-kind={field.kind}>
      <div className="setting-row">
        <label className="setting-label" htmlFor={`set-${field.path}`} id={`label-${field.path}`}>
          {field.label}
        </label>
        {changed && (
          <Tooltip label="Back to the default">
            <ActionIcon
              size="xs"
              variant="subtle"
              aria-label={`${field.label}: back to the default`}
              onClick={reset}
            >
              <IconArrowBackUp size={13} />
            </ActionIcon>
          </Tooltip>
        )}
        <Control {...props} />
      </div>
      <p className="setting-help" id={help}>
        {field.help}
      </p>
      {wrong && (
        <p className="setting-wrong" role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

function Control({ field, value, disabled = false, set }: Props) {
  const common = {
    id: `set-${field.path}`,
    size: "xs" as const,
    disabled,
    "aria-describedby": `help-${field.path}`,
  };
  switch (field.kind) {
    case "switch":
      return (
        <Switch {...common} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
      );
    case "text":
      return (
        <TextInput
          {...common}
          value={String(value ?? "")}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...common}
          value={value as number}
          allowDecimal={!field.whole}
          step={stepOf(field.whole, field.low, field.high)}
          {...(field.low === undefined ? {} : { min: field.low })}
          {...(field.high === undefined ? {} : { max: field.high })}
          onChange={(now) => typeof now === "number" && set(now)}
        />
      );
    case "choice":
      if (field.choices.join("").length <= 26)
        return (
          <SegmentedControl
            size="xs"
            disabled={disabled}
            aria-labelledby={`label-${field.path}`}
            data={[...field.choices]}
            value={String(value)}
            onChange={set}
          />
        );
      return (
        <Select
          {...common}
          data={[...field.choices]}
          value={String(value)}
          allowDeselect={false}
          onChange={set}
        />
      );
  }
}

function stepOf(whole: boolean, low?: number, high?: number): number {
  if (whole) return 1;
  return low !== undefined && high !== undefined && high - low <= 1 ? 0.05 : 0.5;
}
