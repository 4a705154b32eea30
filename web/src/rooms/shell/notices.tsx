import { Button, CloseButton } from "@mantine/core";
import { useEffect } from "react";
import { dismiss, type Notice, page } from "../../state/page";
import { useSlice } from "../../widgets/use_store";

/** What the user is told; good news goes by itself. */
export function Notices() {
  const notices = useSlice(page, (now) => now.notices);
  return (
    <aside className="notices" aria-label="Notices" aria-live="polite">
      {notices.map((one) => (
        <Card key={one.id} notice={one} />
      ))}
    </aside>
  );
}

const READ_MS = 6000;

function Card({ notice }: { notice: Notice }) {
  const { id, tone, action } = notice;
  useEffect(() => {
    if (tone === "bad" || action) return;
    const timer = setTimeout(() => dismiss(id), READ_MS);
    return () => clearTimeout(timer);
  }, [id, tone, action]);
  return (
    <div className="notice" data-tone={tone}>
      <div>
        <p>{notice.text}</p>
        {notice.hint && <p className="notice-hint">{notice.hint}</p>}
        {action && (
          <Button
            size="compact-xs"
            onClick={() => {
              dismiss(id);
              action.act();
            }}
          >
            {action.label}
          </Button>
        )}
      </div>
      <CloseButton size="sm" aria-label="Dismiss" onClick={() => dismiss(id)} />
    </div>
  );
}
