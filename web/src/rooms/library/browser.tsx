import { Button, Checkbox, Modal } from "@mantine/core";
import { IconArrowUp, IconFile, IconFolder } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { browse } from "../../engine/server";
import { bytes, counted } from "../../lib/format";
import { addInputs, library } from "../../state/library";
import { useSlice } from "../../widgets/use_store";

interface Props {
  opened: boolean;
  close: () => void;
}

/** Folders and frames on this computer, inside the folders that the server was allowed. */
export function Browser({ opened, close }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Choose a folder, or frames"
      size={640}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {opened && <Contents close={close} />}
    </Modal>
  );
}

function Contents({ close }: Pick<Props, "close">) {
  const last = useSlice(library, (now) => now.inputs.at(-1) ?? null);
  const [path, setPath] = useState<string | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { data, error, isPending } = useQuery({
    queryKey: ["browse", path],
    queryFn: () => browse(path),
    staleTime: 2000,
  });
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  const open = (paths: readonly string[]) => {
    close();
    addInputs(paths);
  };
  return (
    <div className="browser">
      <div className="browser-path">
        <Button
          size="compact-xs"
          variant="default"
          disabled={path === null}
          leftSection={<IconArrowUp size={13} />}
          onClick={() => setPath(data?.parent ?? null)}
        >
          Up
        </Button>
        <span className="browser-where" title={path ?? ""}>
          {path ?? "Folders that Sidera may look into"}
        </span>
      </div>
      {error && (
        <p className="wrong" role="alert">
          {error.message}
        </p>
      )}
      <div className="browser-list">
        {isPending && <p className="quiet">Looking…</p>}
        {data?.folders.map((one) => (
          <div key={one.path} className="browser-line">
            <Checkbox
              size="xs"
              aria-label={`Choose ${one.name}`}
              checked={chosen.has(one.path)}
              onChange={() => toggle(one.path)}
            />
            <button type="button" className="browser-go" onClick={() => setPath(one.path)}>
              <IconFolder size={16} stroke={1.6} aria-hidden />
              {path === null ? one.path : one.name}
            </button>
          </div>
        ))}
        {data?.files.map((one) => (
          <div key={one.path} className="browser-line">
            <Checkbox
              size="xs"
              aria-label={`Choose ${one.name}`}
              checked={chosen.has(one.path)}
              onChange={() => toggle(one.path)}
            />
            <span className="browser-file">
              <IconFile size={16} stroke={1.4} aria-hidden />
              {one.name}
            </span>
            <span className="tabular quiet">{bytes(one.size)}</span>
          </div>
        ))}
        {data && data.folders.length + data.files.length === 0 && (
          <p className="quiet">Nothing here that Sidera reads.</p>
        )}
      </div>
      <div className="browser-foot">
        <span className="quiet">
          {chosen.size > 0
            ? `${chosen.size} chosen`
            : data
              ? counted(data.files.length, "frame")
              : (last ?? "")}
        </span>
        <Button
          size="xs"
          disabled={chosen.size === 0 && path === null}
          onClick={() => open(chosen.size > 0 ? [...chosen] : [path!])}
        >
          {chosen.size > 0 ? "Open what is chosen" : "Open this folder"}
        </Button>
      </div>
    </div>
  );
}
