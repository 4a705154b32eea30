import { useEffect, useRef } from "react";
import { toScreen } from "../../lib/view";
import { page } from "../../state/page";
import { type Viewing, viewer } from "../../state/viewer";

/** Marks over the picture: stars and a grid, drawn on a canvas of their own. */
export function Overlay() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw(element, viewer.getState());
      });
    };
    const stops = [viewer.subscribe((now, old) => now.pixel === old.pixel && soon()), page.subscribe(soon)];
    return () => {
      cancelAnimationFrame(frame);
      for (const stop of stops) stop();
    };
  }, []);
  return <canvas ref={canvas} className="viewer-overlay" aria-hidden />;
}

/** Canvases on which something is drawn: an empty one is not wiped again in every frame of a pan. */
const marked = new WeakSet<HTMLCanvasElement>();

function draw(canvas: HTMLCanvasElement, state: Viewing): void {
  const { window, image, overlays, mode } = state;
  const empty = !image || mode === "sides" || !(overlays.grid || overlays.stars);
  if (empty && !marked.has(canvas)) return;
  const context = canvas.getContext("2d");
  if (!context) return;
  if (canvas.width !== window.width || canvas.height !== window.height)
    Object.assign(canvas, { width: window.width, height: window.height });
  context.clearRect(0, 0, canvas.width, canvas.height);
  marked.delete(canvas);
  if (empty) return;
  marked.add(canvas);
  const style = getComputedStyle(canvas);
  if (overlays.grid) grid(context, state, style.getPropertyValue("--mark"));
  if (overlays.stars) stars(context, state, style.getPropertyValue("--mark"));
}

function stars(
  context: CanvasRenderingContext2D,
  { stars: list, view, window }: Viewing,
  colour: string,
): void {
  if (!list) return;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(globalThis.devicePixelRatio, 1);
  for (let at = 0; at < list.x.length; at++) {
    // Pixel centres are whole numbers; the view counts from corners.
    const place = toScreen(view, window, { x: list.x[at]! + 0.5, y: list.y[at]! + 0.5 });
    if (place.x < -20 || place.y < -20 || place.x > window.width + 20 || place.y > window.height + 20)
      continue;
    const radius = Math.max(1.5 * (list.fwhm[at] ?? 3) * view.scale, 5 * context.lineWidth);
    context.globalAlpha = list.saturated[at] ? 1 : 0.75;
    context.setLineDash(list.saturated[at] ? [3, 3] : []);
    context.beginPath();
    context.arc(place.x, place.y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** Lines at round numbers of pixels, some 120 screen pixels apart. */
function grid(context: CanvasRenderingContext2D, { image, view, window }: Viewing, colour: string): void {
  if (!image) return;
  const ratio = globalThis.devicePixelRatio || 1;
  const step = roundStep((120 * ratio) / view.scale);
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.font = `${11 * ratio}px Inter Variable, sans-serif`;
  context.lineWidth = 1;
  const from = toScreen(view, window, { x: 0, y: 0 });
  const to = toScreen(view, window, { x: image.width, y: image.height });
  context.globalAlpha = 0.45;
  context.beginPath();
  for (let x = step; x < image.width; x += step) line(context, from.x + x * view.scale, from.y, "down", to.y);
  for (let y = step; y < image.height; y += step)
    line(context, from.x, from.y + y * view.scale, "across", to.x);
  context.stroke();
  context.globalAlpha = 0.9;
  for (let x = step; x < image.width; x += step)
    context.fillText(String(x), from.x + x * view.scale + 4, Math.max(from.y, 0) + 13 * ratio);
  for (let y = step; y < image.height; y += step)
    context.fillText(String(y), Math.max(from.x, 0) + 4, from.y + y * view.scale - 4);
  context.globalAlpha = 1;
}

function line(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  way: "down" | "across",
  end: number,
): void {
  const [px, py] = [Math.round(x) + 0.5, Math.round(y) + 0.5];
  context.moveTo(px, py);
  if (way === "down") context.lineTo(px, end);
  else context.lineTo(end, py);
}

/** 1, 2 or 5 times a power of ten, not less than this. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const times = [1, 2, 5, 10].find((one) => one * power >= least) ?? 10;
  return Math.max(times * power, 1);
}
