/** Shortcuts as people write them ("Ctrl+K", "Shift+R", "?") and the keys that are pressed. */

/** What of a keyboard event matters here. */
export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** Whether a press is a shortcut. Ctrl also takes the Mac's command key; Shift is told by the sign where it makes one. */
export function matches(pressed: Pressed, shortcut: string): boolean {
  const parts = shortcut === "+" ? ["+"] : shortcut.split(/\+(?=.)/);
  const key = parts.at(-1)!;
  const wants = (name: string) => parts.slice(0, -1).includes(name);
  if (wants("Ctrl") !== (pressed.ctrlKey || pressed.metaKey) || wants("Alt") !== pressed.altKey) return false;
  const sign = key.length === 1 && key.toLowerCase() === key.toUpperCase();
  if (!sign && wants("Shift") !== pressed.shiftKey) return false;
  return pressed.key.toLowerCase() === key.toLowerCase();
}

/** Whether keys belong to what has the focus (a field that takes text), not to the page. */
export function takesText(target: unknown): boolean {
  const element = target as { tagName?: string; isContentEditable?: boolean; type?: string } | null;
  if (!element?.tagName) return false;
  if (element.isContentEditable || element.tagName === "TEXTAREA" || element.tagName === "SELECT")
    return true;
  return (
    element.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes(element.type ?? "")
  );
}
