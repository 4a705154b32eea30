/** Finding a command by a few of its letters. */

/**
 * How well letters fit a text: higher is better, undefined when they do not occur in order.
 *
 * A letter counts 1, at the start of a word 4 more, next to the letter before 2 more; long texts lose a little.
 */
export function score(letters: string, text: string): number | undefined {
  const [wanted, given] = [letters.toLowerCase().replace(/\s+/g, ""), text.toLowerCase()];
  let [total, at, last] = [0, 0, -2];
  for (const letter of wanted) {
    const start = startOfWord(given, letter, at);
    const found = start >= 0 && given[last + 1] !== letter ? start : given.indexOf(letter, at);
    if (found < 0) return undefined;
    total += 1 + (isStart(given, found) ? 4 : 0) + (found === last + 1 ? 2 : 0);
    [last, at] = [found, found + 1];
  }
  return total - given.length / 100;
}

/** What fits, best first; everything in its own order when nothing is typed. */
export function search<T>(letters: string, items: readonly T[], name: (item: T) => string): T[] {
  if (!letters.trim()) return [...items];
  return items
    .map((item) => ({ item, value: score(letters, name(item)) }))
    .filter((one): one is { item: T; value: number } => one.value !== undefined)
    .sort((a, b) => b.value - a.value)
    .map((one) => one.item);
}

function isStart(text: string, at: number): boolean {
  return at === 0 || /[\s:/._-]/.test(text[at - 1]!);
}

function startOfWord(text: string, letter: string, from: number): number {
  for (let at = text.indexOf(letter, from); at >= 0; at = text.indexOf(letter, at + 1))
    if (isStart(text, at)) return at;
  return -1;
}
