/** What hands do on the picture: wheel, drag, pinch, double click. */

import type { Point } from "../lib/view";

export interface Hands {
  /** Zoom about a point of the window, device pixels. */
  readonly zoom: (factor: number, at: Point) => void;
  readonly pan: (dx: number, dy: number) => void;
  readonly point: (at: Point | null) => void;
  readonly twice: (at: Point) => void;
}

/** A notch of a wheel zooms by this. */
const NOTCH = 1.25;
/** Pixels that a browser reports for a notch. */
const NOTCH_PIXELS = 100;

/** Listen on an element; returns how to stop. */
export function watch(element: HTMLElement, hands: Hands): () => void {
  const touching = new Map<number, Point>();
  const at = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    const ratio = globalThis.devicePixelRatio || 1;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const notches = event.deltaMode === 0 ? event.deltaY / NOTCH_PIXELS : event.deltaY / 3;
    // A trackpad's pinch comes as a wheel with Ctrl, in small steps.
    hands.zoom(NOTCH ** -(event.ctrlKey ? 5 * notches : notches), at(event));
  };
  const down = (event: PointerEvent) => {
    if (event.button > 1) return;
    element.setPointerCapture(event.pointerId);
    touching.set(event.pointerId, at(event));
  };
  const move = (event: PointerEvent) => {
    const now = at(event);
    const before = touching.get(event.pointerId);
    if (!before) return hands.point(now);
    const other = [...touching.entries()].find(([id]) => id !== event.pointerId)?.[1];
    touching.set(event.pointerId, now);
    if (!other) return hands.pan(now.x - before.x, now.y - before.y);
    pinch(hands, before, now, other);
  };
  const up = (event: PointerEvent) => touching.delete(event.pointerId);
  const leave = () => hands.point(null);
  const twice = (event: MouseEvent) => hands.twice(at(event));
  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("dblclick", twice);
  return () => {
    element.removeEventListener("wheel", wheel);
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("dblclick", twice);
  };
}

/** Two fingers: one moved. The middle between them carries the picture, their distance zooms it. */
export function pinch(hands: Pick<Hands, "zoom" | "pan">, before: Point, now: Point, other: Point): void {
  const middle = (a: Point): Point => ({ x: (a.x + other.x) / 2, y: (a.y + other.y) / 2 });
  const distance = (a: Point) => Math.hypot(a.x - other.x, a.y - other.y);
  const [from, to] = [middle(before), middle(now)];
  hands.pan(to.x - from.x, to.y - from.y);
  if (distance(before) > 1) hands.zoom(distance(now) / distance(before), to);
}
