import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { setSplit, viewer } from "../../state/viewer";
import { useSlice } from "../../widgets/use_store";

/** The line between before and after, dragged or moved with the arrow keys. */
export function SplitLine() {
  const mode = useSlice(viewer, (now) => now.mode);
  const split = useSlice(viewer, (now) => now.split);
  const dragging = useRef(false);
  if (mode === "single") return null;
  const at = mode === "sides" ? 0.5 : split;
  const move = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (dragging.current && box) setSplit((event.clientX - box.left) / box.width);
  };
  const key = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    setSplit(split + way * (event.shiftKey ? 0.1 : 0.01));
  };
  return (
    <>
      <span className="split-name" data-side="before">
        Before
      </span>
      <span className="split-name" data-side="after">
        After
      </span>
      {mode === "split" ? (
        <button
          type="button"
          className="split-line"
          style={{ left: `${100 * at}%` }}
          role="slider"
          aria-label="Split between before and after"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * split)}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            dragging.current = true;
          }}
          onPointerMove={move}
          onPointerUp={() => {
            dragging.current = false;
          }}
          onKeyDown={key}
        />
      ) : (
        <span className="split-line" style={{ left: "50%" }} />
      )}
    </>
  );
}
