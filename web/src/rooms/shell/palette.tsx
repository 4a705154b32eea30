import { Kbd, Modal } from "@mantine/core";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { search } from "../../lib/fuzzy";
import { COMMANDS, type Command } from "../../state/commands";
import { page, toggle } from "../../state/page";
import { useSlice } from "../../widgets/use_store";

/** Find a command by a few letters, and do it. */
export function Palette() {
  const open = useSlice(page, (now) => now.palette);
  return (
    <Modal
      opened={open}
      onClose={() => toggle("palette")}
      withCloseButton={false}
      padding={0}
      size={520}
      yOffset="12vh"
      title="Find a command"
      classNames={{ header: "sr" }}
    >
      {open && <Search />}
    </Modal>
  );
}

function Search() {
  const [letters, setLetters] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const usable = COMMANDS.filter((one) => one.id !== "page.palette" && (one.when?.() ?? true));
  const found = search(letters, usable, (one) => `${one.title} ${one.group}`);
  const go = (one: Command | undefined) => {
    if (!one) return;
    toggle("palette");
    one.run();
  };
  const key = (event: KeyboardEvent) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way) {
      event.preventDefault();
      setAt((at + way + found.length) % Math.max(found.length, 1));
    } else if (event.key === "Enter") go(found[at]);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the chosen line is found in the document when `at` changes
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div className="palette">
      <input
        className="palette-input"
        placeholder="What would you like to do?"
        aria-label="Command"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[at] ? `palette-${found[at].id}` : undefined}
        data-autofocus
        value={letters}
        onChange={(event) => {
          setLetters(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
      />
      <div id="palette-list" className="palette-list" role="listbox" aria-label="Commands" ref={list}>
        {found.map((one, index) => (
          <Line key={one.id} one={one} chosen={index === at} go={() => go(one)} />
        ))}
        {found.length === 0 && <p className="palette-none">Nothing fits “{letters}”.</p>}
      </div>
    </div>
  );
}

function Line({ one, chosen, go }: { one: Command; chosen: boolean; go: () => void }) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keyboard
    <div
      id={`palette-${one.id}`}
      className="palette-line"
      role="option"
      aria-selected={chosen}
      tabIndex={-1}
      onClick={go}
    >
      <span className="palette-group">{one.group}</span>
      <span>{one.title}</span>
      {one.keys[0] && <Keys keys={one.keys[0]} />}
    </div>
  );
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  "-": "−",
};

export function Keys({ keys }: { keys: string }) {
  const parts = keys === "+" ? ["+"] : keys.split(/\+(?=.)/);
  return (
    <span className="keys">
      {parts.map((part) => (
        <Kbd key={part} size="xs">
          {SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part)}
        </Kbd>
      ))}
    </span>
  );
}
