import { Button, Menu, SegmentedControl, TextInput } from "@mantine/core";
import {
  IconArrowBackUp,
  IconCheck,
  IconPlayerPlay,
  IconPlayerStop,
  IconRuler,
  IconSearch,
  IconX,
} from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef } from "react";
import { figure, fixed } from "../../lib/format";
import {
  type Column,
  cellOf,
  choose,
  type Frames,
  frames,
  type Row,
  setFilter,
  sortBy,
  step,
  type Verdict,
  visible,
} from "../../state/frames";
import { library, measure } from "../../state/library";
import { judge, takeBack } from "../../state/verdicts";
import { useSlice } from "../../widgets/use_store";

const COLUMNS: { by: Column; name: string; show: (row: Row) => string }[] = [
  { by: "name", name: "Frame", show: (row) => row.name },
  {
    by: "time",
    name: "Time",
    show: (row) => (row.time === null ? "–" : new Date(row.time).toISOString().slice(11, 19)),
  },
  { by: "fwhm", name: "FWHM", show: (row) => fixed(row.figures?.fwhm, 2) },
  { by: "eccentricity", name: "Ecc.", show: (row) => fixed(row.figures?.eccentricity, 2) },
  { by: "stars", name: "Stars", show: (row) => figure(row.figures?.stars, 6) },
  { by: "sky", name: "Sky", show: (row) => figure(cellOf(row, "sky") as number, 4) },
  { by: "noise", name: "Noise", show: (row) => figure(cellOf(row, "noise") as number, 3) },
  { by: "snr", name: "SNR", show: (row) => figure(row.figures?.snr, 3) },
  { by: "verdict", name: "Verdict", show: (row) => verdictWords(row) },
];
/** Height of a row; the style sheet's `.grid-row` says the same. */
const ROW = 27;
export const REASONS = ["clouds", "trail", "focus", "tracking", "moon", "by eye"];

/** Every light with its figures; thousands of rows, of which only those in sight exist. */
export function FrameTable() {
  const state = useSlice(frames, (now) => now);
  const { rows: all, text, only, brush, sort } = state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: which row is looked at changes neither rows nor order
  const rows = useMemo(() => visible(state), [all, text, only, brush, sort]);
  return (
    <section className="table" aria-label="Frames">
      <Bar state={state} shown={rows.length} />
      <Grid state={state} rows={rows} />
    </section>
  );
}

function Bar({ state, shown }: { state: Frames; shown: number }) {
  const { selected, blinking, past } = state;
  const canUndo = useSlice(library, (now) => now.canUndo);
  const none = selected.size === 0;
  return (
    <div className="table-bar" role="toolbar" aria-label="Frames">
      <TextInput
        size="xs"
        aria-label="Filter by name"
        placeholder="Filter"
        leftSection={<IconSearch size={13} />}
        value={state.text}
        onChange={(event) => setFilter({ text: event.currentTarget.value })}
      />
      <SegmentedControl
        size="xs"
        aria-label="Show"
        value={state.only}
        onChange={(only) => setFilter({ only: only as Frames["only"] })}
        data={[
          { value: "all", label: "All" },
          { value: "undecided", label: "Open" },
          { value: "approved", label: "Approved" },
          { value: "rejected", label: "Rejected" },
        ]}
      />
      {state.brush && (
        <Button
          size="compact-xs"
          variant="default"
          rightSection={<IconX size={12} />}
          onClick={() => setFilter({ brush: null })}
        >
          {state.brush.metric} {figure(state.brush.low)} to {figure(state.brush.high)}
        </Button>
      )}
      <span className="table-count quiet tabular" role="status">
        {shown === state.rows.length ? `${shown} frames` : `${shown} of ${state.rows.length}`}
        {selected.size > 1 && `, ${selected.size} selected`}
      </span>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconRuler size={13} />}
        onClick={measure}
        disabled={state.rows.every((row) => row.figures || row.refused)}
      >
        Measure
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        disabled={none}
        leftSection={<IconCheck size={13} />}
        onClick={() => judge(selected, "approved")}
      >
        Approve
      </Button>
      <Menu position="top-end">
        <Menu.Target>
          <Button size="compact-xs" variant="default" disabled={none} leftSection={<IconX size={13} />}>
            Reject
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {REASONS.map((why) => (
            <Menu.Item key={why} onClick={() => judge(selected, "rejected", why)}>
              {why}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        size="compact-xs"
        variant="default"
        disabled={past.length === 0 && !canUndo}
        leftSection={<IconArrowBackUp size={13} />}
        onClick={takeBack}
      >
        Undo
      </Button>
      <Button
        size="compact-xs"
        variant={blinking ? "filled" : "default"}
        aria-pressed={blinking}
        leftSection={blinking ? <IconPlayerStop size={13} /> : <IconPlayerPlay size={13} />}
        onClick={() => frames.setState({ blinking: !blinking })}
      >
        Blink
      </Button>
    </div>
  );
}

function Grid({ state, rows }: { state: Frames; rows: readonly Row[] }) {
  const scroll = useRef<HTMLDivElement>(null);
  const items = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const at = rows.findIndex((row) => row.id === state.focus);
  // Only when another row is looked at: while figures come in, a sorted row wanders, and the eye need not follow it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `at` is read, not waited for
  useEffect(() => {
    if (scroll.current && at >= 0) bringIntoSight(scroll.current, at);
  }, [state.focus]);
  return (
    <div
      className="grid"
      role="grid"
      aria-label="Frames"
      aria-multiselectable
      aria-rowcount={rows.length + 1}
      aria-activedescendant={at >= 0 ? `row-${at}` : undefined}
      tabIndex={0}
      ref={scroll}
      onKeyDown={key}
    >
      <Head sort={state.sort} />
      <div role="rowgroup" className="grid-rows" style={{ height: items.getTotalSize() }}>
        {items.getVirtualItems().map((item) => {
          const row = rows[item.index]!;
          return (
            <Line
              key={row.id}
              row={row}
              index={item.index}
              top={item.start}
              selected={state.selected.has(row.id)}
              focus={row.id === state.focus}
            />
          );
        })}
      </div>
    </div>
  );
}

/**
 * Scroll as little as shows a row. Not by the virtualizer: its scrollToIndex holds on to the place for up to five
 * seconds, and takes back what the user scrolls meanwhile.
 */
function bringIntoSight(grid: HTMLElement, at: number): void {
  const head = (grid.firstElementChild as HTMLElement).offsetHeight;
  const room = grid.clientHeight - head;
  if (at * ROW < grid.scrollTop) grid.scrollTop = at * ROW;
  else if ((at + 1) * ROW > grid.scrollTop + room) grid.scrollTop = (at + 1) * ROW - room;
}

function Head({ sort }: { sort: Frames["sort"] }) {
  return (
    <div role="rowgroup" className="grid-head">
      {/* biome-ignore lint/a11y/useFocusableInteractive: its cells are */}
      <div role="row" className="grid-row" aria-rowindex={1}>
        {COLUMNS.map(({ by, name }) => (
          <div
            role="columnheader"
            key={by}
            data-column={by}
            aria-sort={sort.by === by ? (sort.down ? "descending" : "ascending") : "none"}
            tabIndex={-1}
          >
            <button type="button" onClick={() => sortBy(by)}>
              {name}
              <i aria-hidden>{sort.by === by ? (sort.down ? "↓" : "↑") : ""}</i>
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}

function Line({
  row,
  index,
  top,
  selected,
  focus,
}: {
  row: Row;
  index: number;
  top: number;
  selected: boolean;
  focus: boolean;
}) {
  const click = (event: MouseEvent) =>
    choose(row.id, event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "more" : "one");
  return (
    // Not focusable: a click gives the focus to the grid, which stays, while a row goes when it leaves the sight.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
    // biome-ignore lint/a11y/useFocusableInteractive: and the focus
    <div
      role="row"
      id={`row-${index}`}
      className="grid-row grid-line"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-focus={focus || undefined}
      data-verdict={row.refused ? "refused" : row.verdict}
      style={{ transform: `translateY(${top}px)` }}
      onClick={click}
    >
      {COLUMNS.map(({ by, show }) => (
        // biome-ignore lint/a11y/useFocusableInteractive: rows are what is chosen
        <div role="gridcell" key={by} data-column={by} title={by === "name" ? row.frame.path : undefined}>
          {show(row)}
        </div>
      ))}
    </div>
  );
}

const KEYS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 };

function key(event: KeyboardEvent): void {
  const by = KEYS[event.key];
  if (by === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  step(by);
}

const WORDS: Record<Verdict, string> = { undecided: "", approved: "approved", rejected: "rejected" };

export function verdictWords(row: Row): string {
  if (row.refused) return `cannot be used: ${row.refused.code.replaceAll("_", " ")}`;
  return row.reason ? `${WORDS[row.verdict]}: ${row.reason}` : WORDS[row.verdict];
}
