import { Modal } from "@mantine/core";
import { COMMANDS } from "../../state/commands";
import { page, toggle } from "../../state/page";
import { useSlice } from "../../widgets/use_store";
import { Keys } from "./palette";

/** Every shortcut, by group. */
export function Help() {
  const open = useSlice(page, (now) => now.help);
  const groups = [...new Set(COMMANDS.map((one) => one.group))];
  return (
    <Modal
      opened={open}
      onClose={() => toggle("help")}
      title="Shortcuts"
      size={760}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className="help">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            {COMMANDS.filter((one) => one.group === group && one.keys.length > 0).map((one) => (
              <div className="help-line" key={one.id}>
                <span>{one.title}</span>
                <Keys keys={one.keys[0]!} />
              </div>
            ))}
          </section>
        ))}
      </div>
    </Modal>
  );
}
