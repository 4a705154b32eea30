import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useLayoutEffect } from "react";
import { takesText } from "../lib/keys";
import { commandOf } from "../state/commands";
import { page } from "../state/page";
import { useSlice } from "../widgets/use_store";
import { House } from "./house";
import { Help } from "./shell/help";
import { Notices } from "./shell/notices";
import { Palette } from "./shell/palette";
import { THEME } from "./theme";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } },
});

export function App() {
  const theme = useSlice(page, (now) => now.theme);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  // With the first drawing, not after it: a key that is pressed as soon as a room is seen must not be lost.
  useLayoutEffect(() => {
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  return (
    <QueryClientProvider client={queries}>
      {/* No style elements made by script: the content policy takes styles from our own files only. */}
      <MantineProvider
        theme={THEME}
        forceColorScheme={theme === "light" ? "light" : "dark"}
        withCssVariables={false}
        withGlobalClasses={false}
      >
        <House />
        <Palette />
        <Help />
        <Notices />
        {theme === "red" && <div className="night" aria-hidden />}
      </MantineProvider>
    </QueryClientProvider>
  );
}

/** A key that no field and no dialog wants. */
function key(event: KeyboardEvent): void {
  const { palette, help } = page.getState();
  const open = palette || help || document.activeElement?.closest("[role=dialog], [role=menu]");
  const command = commandOf(event);
  if (!command || event.defaultPrevented) return;
  const held = event.ctrlKey || event.metaKey || /^F\d/.test(event.key);
  if (open && command.id !== "page.palette") return;
  if (
    takesText(event.target) &&
    (!held || event.key.toLowerCase() === "a" || event.key.toLowerCase() === "z")
  )
    return;
  if (isControl(event.target) && (event.key === " " || event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  command.run();
}

/** Buttons and sliders use the space bar and the arrows themselves. */
function isControl(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("button, input, [role=slider], [role=grid], [role=radiogroup], a") !== null
  );
}
