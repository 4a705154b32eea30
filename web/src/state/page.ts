/** Which room is open, and how the page looks. */

import { createStore } from "zustand/vanilla";

export const ROOMS = ["library", "frames", "stack", "finish"] as const;
export type Room = (typeof ROOMS)[number];
export const THEMES = ["dark", "light", "red"] as const;
export type Theme = (typeof THEMES)[number];

export interface Notice {
  readonly id: number;
  readonly tone: "good" | "warn" | "bad";
  readonly text: string;
  readonly hint?: string;
  readonly action?: { readonly label: string; readonly act: () => void };
}

export interface Page {
  readonly room: Room;
  readonly theme: Theme;
  readonly panel: boolean;
  readonly log: boolean;
  readonly palette: boolean;
  readonly help: boolean;
  readonly experts: boolean;
  readonly notices: readonly Notice[];
}

export const page = createStore<Page>(() => ({
  room: "library",
  theme: "dark",
  panel: true,
  log: false,
  palette: false,
  help: false,
  experts: false,
  notices: [],
}));

export function goTo(room: Room): void {
  page.setState({ room });
}

export function setTheme(theme: Theme): void {
  page.setState({ theme });
}

export function nextTheme(): void {
  const { theme } = page.getState();
  setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!);
}

/** Open or close one of the page's parts. */
export function toggle(part: "panel" | "log" | "palette" | "help" | "experts"): void {
  page.setState((now) => ({ [part]: !now[part] }));
}

let last = 0;

/** Tell the user something; the same words are told once. Returns the notice's number. */
export function tell(tone: Notice["tone"], text: string, more: Pick<Notice, "hint" | "action"> = {}): number {
  const others = page.getState().notices.filter((one) => one.text !== text);
  last += 1;
  page.setState({ notices: [...others.slice(-3), { id: last, tone, text, ...more }] });
  return last;
}

/** Tell of something that went wrong. */
export function complain(error: unknown): void {
  const { message, hint } = error as { message?: string; hint?: string };
  tell("bad", message ?? String(error), hint && !message?.includes(hint) ? { hint } : {});
}

export function dismiss(id: number): void {
  page.setState((now) => ({ notices: now.notices.filter((one) => one.id !== id) }));
}
