import { type KeyboardEvent, type PointerEvent, useRef } from "react";

interface Props {
  name: string;
  /** 0 at the left end of the axis, 1 at the right; beyond them the handle waits at the edge. */
  at: number;
  /** The value in words, for those who hear it. */
  text: string;
  tone: "shadows" | "midtones" | "highlights";
  move: (at: number) => void;
}

const STEP = 0.002;

/** A handle under the histogram: dragged with a pointer, or moved with the arrow keys (Shift: ten times as far). */
export function Handle({ name, at, text, tone, move }: Props) {
  const drag = useRef<{ start: number; from: number; width: number } | null>(null);
  const held = Math.min(Math.max(at, 0), 1);
  const down = (event: PointerEvent<HTMLButtonElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    const width = event.currentTarget.parentElement?.clientWidth ?? 1;
    drag.current = { start: event.clientX, from: held, width };
  };
  const pull = (event: PointerEvent) => {
    if (!drag.current) return;
    const fine = event.shiftKey ? 0.1 : 1;
    move(drag.current.from + ((event.clientX - drag.current.start) / drag.current.width) * fine);
  };
  const key = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -20, PageUp: 20 }[
      event.key
    ];
    if (way === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(at + way * STEP * (event.shiftKey ? 10 : 1));
  };
  return (
    <button
      type="button"
      className="handle"
      data-tone={tone}
      data-beyond={at < 0 || at > 1 || undefined}
      style={{ left: `${100 * held}%` }}
      role="slider"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(1000 * held) / 10}
      aria-valuetext={text}
      onPointerDown={down}
      onPointerMove={pull}
      onPointerUp={() => {
        drag.current = null;
      }}
      onKeyDown={key}
    />
  );
}
