import { Button } from "@mantine/core";
import { IconFolder, IconHistory } from "@tabler/icons-react";
import { useState } from "react";
import { moment } from "../../lib/format";
import { jobs } from "../../state/jobs";
import { library, openProject } from "../../state/library";
import { viewer } from "../../state/viewer";
import { useSlice } from "../../widgets/use_store";
import { Browser } from "./browser";
import { useDrop } from "./drop";

/** What there is to do while there is no picture; and the place where files are dropped. */
export function Welcome() {
  const empty = useSlice(viewer, (now) => now.image === null && now.opening === null);
  const inputs = useSlice(library, (now) => now.inputs);
  const scanning = useSlice(jobs, (now) => now.running.some((one) => one.cmd === "project.add"));
  const [browsing, setBrowsing] = useState(false);
  const over = useDrop();
  const nights = useSlice(library, (now) => now.recent).slice(0, 5);
  return (
    <>
      {over && <div className="drop-here">Drop a folder or frames</div>}
      {empty && !over && !scanning && inputs.length === 0 && (
        <div className="welcome">
          <h2 className="welcome-title">Begin with a night</h2>
          <p>
            Choose the folder that holds your frames, or drop it here. Sidera tells lights, darks, flats and
            biases apart by itself.
          </p>
          <Button size="sm" leftSection={<IconFolder size={16} />} onClick={() => setBrowsing(true)}>
            Choose a folder
          </Button>
          {nights.length > 0 && (
            <div className="recent">
              <h3>Lately</h3>
              {nights.map((night) => (
                <button
                  type="button"
                  key={night.folder}
                  className="recent-line"
                  onClick={() => openProject(night.folder)}
                >
                  <IconHistory size={15} aria-hidden />
                  <span>{night.name}</span>
                  <small>{moment(night.opened)}</small>
                </button>
              ))}
            </div>
          )}
        </div>
      )}
      <Browser opened={browsing} close={() => setBrowsing(false)} />
    </>
  );
}
