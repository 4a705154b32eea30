/** What the viewer shows: pictures, where the eye is, what lies over them. */

import { createStore } from "zustand/vanilla";
import { ask } from "../engine/engine";
import type { CurveValues, View as Image, Pixels, StarList } from "../engine/protocol";
import type { Point, Size, View } from "../lib/view";
import { fitted, isFitted, pan, STEP, zoomAbout, zoomTo } from "../lib/view";
import { complain } from "./page";
import {
  automatic,
  fromCurves,
  type Handle,
  type Kind,
  moveHandle,
  reset,
  type Stretch,
  withKind,
} from "./stretch";

export type Mode = "single" | "split" | "sides";
export const OVERLAYS = ["stars", "grid", "coverage", "rejected"] as const;
export type Overlay = (typeof OVERLAYS)[number];

export interface Viewing {
  readonly image: Image | null;
  /** Shown left of the split, or on the left side. */
  readonly before: Image | null;
  /** The pixel of `before` that lies under the image's (0, 0): a crop moves it. */
  readonly offset: Point;
  readonly mode: Mode;
  /** Share of the window left of the split. */
  readonly split: number;
  readonly window: Size;
  readonly view: View;
  readonly stretches: Readonly<Record<string, Stretch>>;
  /** Stretches that Sidera found while it made a picture: what "auto" means for it. */
  readonly found: Readonly<Record<string, Stretch>>;
  /** Used for every picture, so that frames can be compared. */
  readonly locked: Stretch | null;
  readonly solo: number | null;
  readonly overlays: Readonly<Record<Overlay, boolean>>;
  readonly stars: StarList | null;
  readonly maps: Readonly<Record<string, Image>>;
  readonly pointer: Point | null;
  readonly pixel: Pixels | null;
  readonly opening: string | null;
  readonly lost: boolean;
}

const NO_OVERLAYS = { stars: false, grid: false, coverage: false, rejected: false };

export const viewer = createStore<Viewing>(() => ({
  image: null,
  before: null,
  offset: { x: 0, y: 0 },
  mode: "single",
  split: 0.5,
  window: { width: 1, height: 1 },
  view: { scale: 1, x: 0, y: 0 },
  stretches: {},
  found: {},
  locked: null,
  solo: null,
  overlays: NO_OVERLAYS,
  stars: null,
  maps: {},
  pointer: null,
  pixel: null,
  opening: null,
  lost: false,
}));

/** Images opened before, by path: looking at a frame again asks for nothing. */
const opened = new Map<string, Image>();
const MOST_OPENED = 40;
let asked = 0;

/** Read a file and show it. The last one asked for wins. */
export async function openPath(path: string, index = 0): Promise<void> {
  const mine = ++asked;
  const name = `${path}#${index}`;
  viewer.setState({ opening: path });
  try {
    const image = opened.get(name) ?? (await ask("open", { path, index }));
    remember(name, image);
    if (mine === asked) show(image);
  } catch (error) {
    if (mine === asked) complain(error);
  } finally {
    if (mine === asked) viewer.setState({ opening: null });
  }
}

/** Show an image that the engine holds. */
export async function openImage(image: string): Promise<Image | undefined> {
  const mine = ++asked;
  try {
    const view = await ask("view", { image });
    if (mine === asked) show(view);
    return view;
  } catch (error) {
    complain(error);
    return undefined;
  }
}

/** Show nothing, not even what was asked for and has not come yet. */
export function closeImage(): void {
  asked += 1;
  viewer.setState({ image: null, before: null, mode: "single", opening: null, pixel: null });
}

function remember(name: string, image: Image): void {
  opened.delete(name);
  opened.set(name, image);
  for (const [old, one] of opened) {
    if (opened.size <= MOST_OPENED) break;
    opened.delete(old);
    ask("release", { imageId: one.image }).catch(() => undefined); // the engine drops old images by itself too
  }
}

/** The engine was started again: its images are gone. The same pixels have the same key, so tiles stay good. */
export async function reopen(): Promise<void> {
  const { image } = viewer.getState();
  opened.clear();
  if (image?.path) await openPath(image.path);
}

/** Show an image; the view stays when the size is the same, so that frames can be blinked. */
export function show(image: Image): void {
  const { image: old, window, view, stretches, overlays } = viewer.getState();
  const same = old?.width === image.width && old?.height === image.height;
  viewer.setState({
    image,
    view: same ? view : fitted(image, window),
    stretches: stretches[image.key] ? stretches : { ...stretches, [image.key]: automatic(image) },
    stars: null,
    pixel: null,
    maps: {},
  });
  if (overlays.stars) loadStars();
  if (overlays.coverage || overlays.rejected) loadMaps();
}

/** Compare with another picture: a split that can be dragged, or side by side; null ends it. */
export function compareWith(
  before: Image | null,
  mode: Mode = "split",
  offset: Point = { x: 0, y: 0 },
): void {
  const { stretches } = viewer.getState();
  if (!before) {
    viewer.setState({ before: null, mode: "single" });
    return;
  }
  const known = stretches[before.key] ? stretches : { ...stretches, [before.key]: automatic(before) };
  viewer.setState({ before, mode, offset, stretches: known });
}

export function setMode(mode: Mode): void {
  viewer.setState(({ before }) => ({ mode: before ? mode : "single" }));
}

export function setSplit(split: number): void {
  viewer.setState({ split: Math.min(Math.max(split, 0), 1) });
}

// ── where the eye is ───────

/** The window changed its size: what was fitted stays fitted. */
export function setWindow(window: Size): void {
  const { image, view, window: old } = viewer.getState();
  const follows = !image || isFitted(view, image, old);
  viewer.setState({ window, view: image && follows ? fitted(image, window) : view });
}

export function zoomFit(): void {
  const { image, window } = viewer.getState();
  if (image) viewer.setState({ view: fitted(image, window) });
}

/** Zoom by a factor about a point of the window; about its middle when none is given. */
export function zoomBy(factor: number, at?: Point): void {
  const { image, window, view } = viewer.getState();
  if (image) viewer.setState({ view: zoomAbout(view, image, window, at ?? middle(window), factor) });
}

export function zoomIn(): void {
  zoomBy(STEP);
}

export function zoomOut(): void {
  zoomBy(1 / STEP);
}

/** One image pixel to a screen pixel, or another exact scale. */
export function zoomExactly(scale: number, at?: Point): void {
  const { image, window, view } = viewer.getState();
  if (image) viewer.setState({ view: zoomTo(view, image, window, at ?? middle(window), scale) });
}

export function panBy(dx: number, dy: number): void {
  const { image, view } = viewer.getState();
  if (image) viewer.setState({ view: pan(view, image, dx, dy) });
}

function middle(window: Size): Point {
  return { x: window.width / 2, y: window.height / 2 };
}

// ── the stretch ───────

/** The stretch that a picture is shown with. */
export function stretchOf(state: Viewing, image: Image): Stretch {
  const locked = state.locked;
  if (locked && locked.curves.length === image.channels) return locked;
  return state.stretches[image.key] ?? automatic(image);
}

/** A picture comes with a stretch that Sidera found for it; one that a hand has moved stays. */
export function startWith(image: Image, curves: readonly CurveValues[], colour: number): void {
  const made = fromCurves(image, curves, colour);
  viewer.setState(({ stretches, found }) => {
    const moved = stretches[image.key]?.auto === false;
    return {
      found: { ...found, [image.key]: made },
      stretches: moved ? stretches : { ...stretches, [image.key]: made },
    };
  });
}

/** The automatic stretch of a picture: what Sidera found for it, else what its pixels tell. */
function autoOf(image: Image, linked: boolean, kind: Kind): Stretch {
  const found = viewer.getState().found[image.key];
  return found?.linked === linked ? withKind(found, image, kind) : automatic(image, linked, kind);
}

function changeStretch(change: (stretch: Stretch, image: Image) => Stretch): void {
  const state = viewer.getState();
  const { image } = state;
  if (!image) return;
  const stretch = change(stretchOf(state, image), image);
  viewer.setState({
    stretches: { ...state.stretches, [image.key]: stretch },
    locked: state.locked ? stretch : null,
  });
}

export function setHandle(channel: number, handle: Handle, value: number): void {
  changeStretch((stretch) => moveHandle(stretch, channel, handle, value));
}

export function setKind(kind: Kind): void {
  changeStretch((stretch, image) => ({ ...withKind(stretch, image, kind), auto: false }));
}

export function setBend(what: Partial<Stretch["bend"]>): void {
  changeStretch((stretch) => ({ ...stretch, auto: false, bend: { ...stretch.bend, ...what } }));
}

export function setKeep(keep: number): void {
  changeStretch((stretch) => ({ ...stretch, auto: false, keep }));
}

export function setLinked(linked: boolean): void {
  changeStretch((stretch, image) => autoOf(image, linked, stretch.kind));
}

export function stretchAuto(): void {
  changeStretch((stretch, image) =>
    autoOf(image, stretch.linked, stretch.kind === "linear" ? "mtf" : stretch.kind),
  );
}

export function stretchReset(): void {
  changeStretch((_, image) => reset(image));
}

/** Straight, and back to what it was: the predecessor's switch. */
export function toggleStretch(): void {
  changeStretch((stretch, image) =>
    stretch.kind === "linear" ? autoOf(image, stretch.linked, "mtf") : reset(image),
  );
}

export function lockStretch(on: boolean): void {
  const state = viewer.getState();
  viewer.setState({ locked: on && state.image ? stretchOf(state, state.image) : null });
}

export function setSolo(solo: number | null): void {
  viewer.setState({ solo });
}

// ── what lies over the picture ───────

export function toggleOverlay(name: Overlay): void {
  const { overlays, stars } = viewer.getState();
  const on = !overlays[name];
  viewer.setState({ overlays: { ...overlays, [name]: on } });
  if (on && name === "stars" && !stars) loadStars();
  if (on && (name === "coverage" || name === "rejected")) loadMaps();
}

async function loadStars(): Promise<void> {
  const { image } = viewer.getState();
  if (!image) return;
  try {
    const stars = await ask("stars", { image: image.image });
    if (viewer.getState().image === image) viewer.setState({ stars });
  } catch (error) {
    complain(error);
  }
}

/** Whether there are maps to lay over. */
export function hasMaps(image: Image | null): boolean {
  return image !== null && image.maps !== null;
}

async function loadMaps(): Promise<void> {
  const { image } = viewer.getState();
  const names = image?.maps;
  if (!image || !names) return;
  try {
    const found: Record<string, Image> = {};
    for (const [name, id] of Object.entries(names))
      if (name === "coverage" || name.startsWith("rejected")) found[name] = await ask("view", { image: id });
    if (viewer.getState().image === image) viewer.setState({ maps: found });
  } catch (error) {
    complain(error);
  }
}
