/** Slots of a fixed pool, handed to whoever was used last; some are pinned and stay. */

interface Held<Slots> {
  slots: Slots;
  used: number;
  pinned: boolean;
}

/**
 * Keeps at most `capacity` slots, numbered from 0, under keys that each take one or more.
 *
 * Equivalent to sorting the keys by when they were last touched and dropping the oldest until there is room.
 */
export class SlotPool {
  private readonly held = new Map<string, Held<number[]>>();
  private free: number[];
  private clock = 0;

  constructor(readonly capacity: number) {
    this.free = Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
  }

  get size(): number {
    return this.held.size;
  }

  has(key: string): boolean {
    return this.held.has(key);
  }

  /** The slots of a key, which is now the youngest; undefined when it is not resident. */
  touch(key: string): readonly number[] | undefined {
    const found = this.held.get(key);
    if (!found) return undefined;
    found.used = ++this.clock;
    return found.slots;
  }

  /** Slots for a new key; the least recently used make room. Undefined when pinned keys leave too little. */
  take(key: string, count: number, pinned = false): readonly number[] | undefined {
    const already = this.touch(key);
    if (already) return already;
    while (this.free.length < count) if (!this.dropOldest()) return undefined;
    const slots = this.free.splice(this.free.length - count, count);
    this.held.set(key, { slots, used: ++this.clock, pinned });
    return slots;
  }

  /** Give back a key's slots. */
  drop(key: string): void {
    const found = this.held.get(key);
    if (!found) return;
    this.free.push(...found.slots);
    this.held.delete(key);
  }

  /** Let the keys that begin so go the way of all others. */
  unpin(prefix: string): void {
    for (const [key, one] of this.held) if (key.startsWith(prefix)) one.pinned = false;
  }

  clear(): void {
    for (const key of [...this.held.keys()]) this.drop(key);
  }

  private dropOldest(): boolean {
    let oldest: string | undefined;
    let when = Number.POSITIVE_INFINITY;
    for (const [key, one] of this.held)
      if (!one.pinned && one.used < when) {
        oldest = key;
        when = one.used;
      }
    if (oldest === undefined) return false;
    this.drop(oldest);
    return true;
  }
}
