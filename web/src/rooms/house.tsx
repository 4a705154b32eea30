import { useMediaQuery } from "@mantine/hooks";
import { Group, Panel, Separator } from "react-resizable-panels";
import { page, type Room } from "../state/page";
import { useSlice } from "../widgets/use_store";
import { FinishPanel } from "./finish/finish_panel";
import { FrameDetails } from "./frames/details";
import { FrameTable } from "./frames/table";
import { LibraryPanel } from "./library/library_panel";
import { Welcome } from "./library/welcome";
import { Boundary } from "./shell/boundary";
import { LogDrawer } from "./shell/log_drawer";
import { Sheet } from "./shell/sheet";
import { StatusLine } from "./shell/status_line";
import { TopBar } from "./shell/top_bar";
import { StackPanel } from "./stack/stack_panel";
import { ViewerPane } from "./viewer/pane";

const PANELS: Record<Room, () => React.ReactNode> = {
  library: LibraryPanel,
  frames: FrameDetails,
  stack: StackPanel,
  finish: FinishPanel,
};
const NAMES: Record<Room, string> = {
  library: "Library",
  frames: "Frames",
  stack: "Stack",
  finish: "Finish",
};

/** The house: the picture in the middle, the room's panel beside it, or over its foot where there is no beside. */
export function House() {
  const narrow = useMediaQuery("(max-width: 860px)", window.innerWidth <= 860) ?? false;
  return (
    <div className="house">
      <TopBar />
      <main className="middle">{narrow ? <Narrow /> : <Wide />}</main>
      <LogDrawer />
      <StatusLine />
    </div>
  );
}

function Wide() {
  const room = useSlice(page, (now) => now.room);
  const panel = useSlice(page, (now) => now.panel);
  const RoomPanel = PANELS[room];
  return (
    <Group orientation="horizontal" className="split">
      <Panel id="picture" minSize="30%">
        <Centre />
      </Panel>
      {panel && <Separator className="gap" aria-label="Width of the panel" />}
      {panel && (
        <Panel id="panel" defaultSize={380} minSize={300} maxSize={640}>
          <aside className="panel" aria-label={NAMES[room]}>
            <Boundary what={NAMES[room]} key={room}>
              <RoomPanel />
            </Boundary>
          </aside>
        </Panel>
      )}
    </Group>
  );
}

/** The picture, and in Frames the table under it. */
function Centre() {
  const room = useSlice(page, (now) => now.room);
  return (
    <Group orientation="vertical" className="split">
      <Panel id="viewer" minSize="25%">
        <Picture />
      </Panel>
      {room === "frames" && <Separator className="gap" aria-label="Height of the table" />}
      {room === "frames" && (
        <Panel id="table" defaultSize="42%" minSize={120}>
          <Boundary what="The table of frames">
            <FrameTable />
          </Boundary>
        </Panel>
      )}
    </Group>
  );
}

function Picture() {
  return (
    <div className="picture">
      <Boundary what="The picture">
        <ViewerPane />
        <Welcome />
      </Boundary>
    </div>
  );
}

function Narrow() {
  const room = useSlice(page, (now) => now.room);
  const panel = useSlice(page, (now) => now.panel);
  const RoomPanel = PANELS[room];
  return (
    <div className="narrow">
      <Picture />
      {panel && (
        <Sheet label={NAMES[room]}>
          <Boundary what={NAMES[room]} key={room}>
            {room === "frames" && <FrameTable />}
            <RoomPanel />
          </Boundary>
        </Sheet>
      )}
    </div>
  );
}
