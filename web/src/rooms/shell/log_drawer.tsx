import { ActionIcon, SegmentedControl } from "@mantine/core";
import { IconDownload, IconTrash, IconX } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { clearLog, LEVELS, type Level, log, logText, setLevel, shownLines } from "../../state/log";
import { page, toggle } from "../../state/page";
import { useSlice } from "../../widgets/use_store";

/** The live log: levels, save, clear. Follows the newest line while it is scrolled to the end. */
export function LogDrawer() {
  const open = useSlice(page, (now) => now.log);
  return open ? <Open /> : null;
}

function Open() {
  const state = useSlice(log, (now) => now);
  const lines = shownLines(state);
  const scroll = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 20,
    overscan: 10,
  });
  useEffect(() => {
    if (follows.current && lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [lines.length, rows]);
  return (
    <section className="log" aria-label="Log">
      <div className="log-head">
        <h2>Log</h2>
        <SegmentedControl
          size="xs"
          aria-label="Level"
          data={[...LEVELS]}
          value={state.level}
          onChange={(level) => setLevel(level as Level)}
        />
        <span className="log-count tabular">{lines.length} lines</span>
        <ActionIcon variant="subtle" size="sm" aria-label="Save the log" onClick={() => save(logText(lines))}>
          <IconDownload size={15} />
        </ActionIcon>
        <ActionIcon variant="subtle" size="sm" aria-label="Clear the log" onClick={clearLog}>
          <IconTrash size={15} />
        </ActionIcon>
        <ActionIcon variant="subtle" size="sm" aria-label="Close the log" onClick={() => toggle("log")}>
          <IconX size={15} />
        </ActionIcon>
      </div>
      <div
        ref={scroll}
        className="log-lines"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
          follows.current = scrollTop + clientHeight > scrollHeight - 30;
        }}
      >
        <div className="log-space" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const line = lines[row.index]!;
            return (
              <div
                key={row.key}
                className="log-line"
                data-level={line.level}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <time>{line.time.slice(11, 19)}</time>
                <b>{line.level}</b>
                <span>{line.text}</span>
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Hand a text to the browser as a file. */
export function save(text: string, name = "sidera.log"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
