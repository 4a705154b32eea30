import { type PointerEvent, type ReactNode, useRef, useState } from "react";

const RESTS = [0.14, 0.46, 0.86];

/** The panel on a narrow screen: a sheet over the foot of the picture that rests at three heights. */
export function Sheet({ children, label }: { children: ReactNode; label: string }) {
  const [height, setHeight] = useState(RESTS[1]!);
  const drag = useRef<{ y: number; from: number; moved: boolean } | null>(null);
  const next = () => setHeight(RESTS.find((rest) => rest > height + 0.01) ?? RESTS[0]!);
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const by = (drag.current.y - event.clientY) / window.innerHeight;
    if (Math.abs(by) > 0.01) drag.current.moved = true;
    setHeight(Math.min(Math.max(drag.current.from + by, RESTS[0]!), RESTS[2]!));
  };
  const up = () => {
    if (drag.current?.moved)
      setHeight((now) =>
        RESTS.reduce((best, rest) => (Math.abs(rest - now) < Math.abs(best - now) ? rest : best)),
      );
  };
  return (
    <aside className="sheet" aria-label={label} style={{ height: `${100 * height}%` }}>
      <button
        type="button"
        className="sheet-grip"
        aria-label="Make the panel taller or lower"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { y: event.clientY, from: height, moved: false };
        }}
        onPointerMove={move}
        onPointerUp={up}
        onClick={() => {
          if (!drag.current?.moved) next();
          drag.current = null;
        }}
      />
      <div className="sheet-body">{children}</div>
    </aside>
  );
}
