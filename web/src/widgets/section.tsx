import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";

interface Props {
  title: string;
  /** Beside the title: a figure, a switch. */
  aside?: ReactNode;
  children: ReactNode;
  open?: boolean;
  foldable?: boolean;
}

/** A titled part of a panel, which may be folded. */
export function Section({ title, aside, children, open = true, foldable = true }: Props) {
  const [shown, setShown] = useState(open);
  const id = useId();
  return (
    <section className="section" data-open={shown || undefined}>
      <div className="section-head">
        {foldable ? (
          <button
            type="button"
            className="section-title"
            aria-expanded={shown}
            aria-controls={id}
            onClick={() => setShown(!shown)}
          >
            <IconChevronDown className="section-mark" size={14} stroke={1.8} aria-hidden />
            <h2>{title}</h2>
          </button>
        ) : (
          <h2 className="section-title">{title}</h2>
        )}
        {aside !== undefined && <div className="section-aside">{aside}</div>}
      </div>
      <div id={id} hidden={!shown} className="section-body">
        {children}
      </div>
    </section>
  );
}
