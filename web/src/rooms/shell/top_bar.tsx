import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import {
  IconAdjustmentsHorizontal,
  IconCommand,
  IconEye,
  IconFolderOpen,
  IconLayoutSidebarRight,
  IconMoon,
  IconPhotoCheck,
  IconStack2,
  IconSun,
} from "@tabler/icons-react";
import { nightName } from "../../lib/format";
import { library } from "../../state/library";
import { goTo, page, ROOMS, type Room, setTheme, type Theme, toggle } from "../../state/page";
import { useSlice } from "../../widgets/use_store";

const ROOM: Record<Room, { name: string; Icon: typeof IconSun }> = {
  library: { name: "Library", Icon: IconFolderOpen },
  frames: { name: "Frames", Icon: IconPhotoCheck },
  stack: { name: "Stack", Icon: IconStack2 },
  finish: { name: "Finish", Icon: IconAdjustmentsHorizontal },
};
const THEME: Record<Theme, { name: string; Icon: typeof IconSun }> = {
  dark: { name: "Dark", Icon: IconMoon },
  light: { name: "Light", Icon: IconSun },
  red: { name: "Red night vision", Icon: IconEye },
};

/** Name, rooms, and the few things that belong to the whole page. */
export function TopBar() {
  const inputs = useSlice(library, (now) => now.inputs);
  return (
    <section className="top" aria-label="Sidera">
      <div className="top-name">
        <h1 className="wordmark">Sidera</h1>
        {inputs.length > 0 && (
          <span className="top-night" title={inputs.join("\n")}>
            {nightName(inputs[0]!)}
            {inputs.length > 1 ? ` + ${inputs.length - 1}` : ""}
          </span>
        )}
      </div>
      <Rooms />
      <div className="top-tools">
        <Tooltip label="Find a command (Ctrl+K)">
          <ActionIcon variant="subtle" aria-label="Find a command" onClick={() => toggle("palette")}>
            <IconCommand size={17} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
        <Themes />
        <Tooltip label="Show or hide the panel (H)">
          <ActionIcon variant="subtle" aria-label="Show or hide the panel" onClick={() => toggle("panel")}>
            <IconLayoutSidebarRight size={17} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </div>
    </section>
  );
}

function Rooms() {
  const room = useSlice(page, (now) => now.room);
  return (
    <nav className="rooms" aria-label="Rooms">
      {ROOMS.map((name) => {
        const { name: title, Icon } = ROOM[name];
        return (
          <button
            key={name}
            type="button"
            className="room"
            aria-current={room === name ? "page" : undefined}
            onClick={() => goTo(name)}
          >
            <Icon className="room-icon" size={17} stroke={1.6} aria-hidden />
            {title}
          </button>
        );
      })}
    </nav>
  );
}

function Themes() {
  const theme = useSlice(page, (now) => now.theme);
  const { Icon } = THEME[theme];
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" aria-label="Theme">
          <Icon size={17} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(THEME) as Theme[]).map((name) => (
          <Menu.Item key={name} onClick={() => setTheme(name)} data-on={name === theme || undefined}>
            {THEME[name].name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
