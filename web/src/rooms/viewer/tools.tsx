import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import {
  IconArrowAutofitWidth,
  IconColumns2,
  IconContrast,
  IconFocusCentered,
  IconLayersIntersect,
  IconLock,
  IconLockOpen,
  IconMinus,
  IconPlus,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { finishing, toggleCompare } from "../../state/finish";
import {
  hasMaps,
  lockStretch,
  OVERLAYS,
  stretchOf,
  toggleOverlay,
  toggleStretch,
  viewer,
  zoomExactly,
  zoomFit,
  zoomIn,
  zoomOut,
} from "../../state/viewer";
import { useSlice } from "../../widgets/use_store";

/** The few buttons over the picture. */
export function Tools() {
  const scale = useSlice(viewer, (now) => now.view.scale);
  const locked = useSlice(viewer, (now) => now.locked !== null);
  const straight = useSlice(
    viewer,
    (now) => now.image !== null && stretchOf(now, now.image).kind === "linear",
  );
  const before = useSlice(viewer, (now) => now.before !== null);
  const comparable = useSlice(finishing, (now) => now.finished !== null);
  return (
    <div className="tools" role="toolbar" aria-label="Picture">
      <Tool name="Zoom out (−)" act={zoomOut} icon={<IconMinus size={16} />} />
      <button
        type="button"
        className="tools-scale"
        onClick={() => zoomExactly(1)}
        aria-label={`Zoom ${zoomText(scale)}; show one to one`}
      >
        {zoomText(scale)}
      </button>
      <Tool name="Zoom in (+)" act={zoomIn} icon={<IconPlus size={16} />} />
      <Tool name="Fit in the window (0)" act={zoomFit} icon={<IconArrowAutofitWidth size={16} />} />
      <Tool name="One to one (1)" act={() => zoomExactly(1)} icon={<IconFocusCentered size={16} />} />
      <span className="tools-gap" />
      <Tool
        name="Stretch on or off (T)"
        act={toggleStretch}
        on={!straight}
        icon={<IconContrast size={16} />}
      />
      <Tool
        name="Same stretch for every picture (Shift+L)"
        act={() => lockStretch(!locked)}
        on={locked}
        icon={locked ? <IconLock size={16} /> : <IconLockOpen size={16} />}
      />
      <Overlays />
      {comparable && (
        <Tool name="Before and after (B)" act={toggleCompare} on={before} icon={<IconColumns2 size={16} />} />
      )}
    </div>
  );
}

function Tool({ name, act, icon, on }: { name: string; act: () => void; icon: ReactNode; on?: boolean }) {
  return (
    <Tooltip label={name}>
      <ActionIcon
        variant="subtle"
        size="md"
        aria-label={name}
        {...(on === undefined ? {} : { "aria-pressed": on, "data-on": on || undefined })}
        onClick={act}
      >
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

const WORDS = { stars: "Stars", grid: "Grid", coverage: "Coverage", rejected: "Rejected pixels" };

function Overlays() {
  const overlays = useSlice(viewer, (now) => now.overlays);
  const maps = useSlice(viewer, (now) => hasMaps(now.image));
  const any = OVERLAYS.some((name) => overlays[name]);
  return (
    <Menu position="top" closeOnItemClick={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" size="md" aria-label="Overlays" data-on={any || undefined}>
          <IconLayersIntersect size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {OVERLAYS.map((name) => (
          <Menu.CheckboxItem
            key={name}
            checked={overlays[name]}
            disabled={(name === "coverage" || name === "rejected") && !maps}
            onChange={() => toggleOverlay(name)}
          >
            {WORDS[name]}
          </Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function zoomText(scale: number): string {
  const percent = 100 * scale;
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}
