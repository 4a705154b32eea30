import { TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";

interface Props {
  label: string;
  value: string;
  set: (value: string) => void;
}

/** The path of a file that is to be written; of one that is too long its end is seen, for there stands the name. */
export function PathField({ label, value, set }: Props) {
  const field = useRef<HTMLInputElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `value` is what moves the end
  useEffect(() => {
    const input = field.current;
    if (input && document.activeElement !== input) input.scrollLeft = input.scrollWidth;
  }, [value]);
  return (
    <TextInput
      ref={field}
      size="xs"
      label={label}
      title={value}
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}
