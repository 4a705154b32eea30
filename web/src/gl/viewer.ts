/** The tile viewer: holds the graphics card's things, fetches what the view needs, draws when something changed. */

import { GUTTER, levels, tileKey, tileSize } from "../lib/tiles";
import { type Size, snapped, type View } from "../lib/view";
import { Loader } from "./loader";
import { Painter } from "./painter";
import { SIDE, TilePool } from "./pool";
import type { Wanted } from "./quads";
import { cover } from "./quads";
import type { Picture, Scene } from "./scene";
import { partOf } from "./scene";

/** One channel of a tile: float16 bits, rows of `width`. */
export type FetchTile = (
  picture: Picture,
  level: number,
  x: number,
  y: number,
  channel: number,
  signal: AbortSignal,
) => Promise<Uint16Array>;

interface Arrived {
  readonly channels: readonly Uint16Array[];
  readonly width: number;
  readonly height: number;
}

/** What the viewer has done, for tests and for the curious. */
export interface Figures {
  frames: number;
  draws: number;
  requests: number;
  /** JavaScript time of the last frames, milliseconds. */
  readonly milliseconds: number[];
}

const KEPT = 600;

export class Viewer {
  readonly figures: Figures = { frames: 0, draws: 0, requests: 0, milliseconds: [] };
  private readonly gl: WebGL2RenderingContext;
  private readonly loader: Loader<Wanted, Arrived>;
  private painter: Painter | undefined;
  private pool: TilePool | undefined;
  private scene: Scene | undefined;
  private before: Scene | undefined;
  private view: View = { scale: 1, x: 0, y: 0 };
  private window: Size = { width: 1, height: 1 };
  private frame = 0;
  private smooth = true;

  /** `settled` is called after a frame that lacks nothing; `broken` when the graphics card went and came back. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly fetchTile: FetchTile,
    private readonly settled: () => void = () => undefined,
    private readonly broken: (lost: boolean) => void = () => undefined,
  ) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false });
    if (!gl)
      throw new Error(
        "this browser shows no WebGL 2: switch hardware acceleration on, or use another browser",
      );
    this.gl = gl;
    this.loader = new Loader(
      (one, signal) => this.fetchAll(one, signal),
      (key, one, tile) => this.arrived(key, one, tile),
      6,
      undefined,
      () => this.touch(),
    );
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.restored);
    this.setUp();
  }

  /** Show something else. What was there stays until the first tile of the new picture has come. */
  show(scene: Scene): void {
    const [old, now] = [this.scene?.layers[0]?.picture.key, scene.layers[0]?.picture.key];
    if (old !== now) this.before = this.scene;
    this.scene = scene;
    this.touch();
  }

  look(view: View): void {
    this.view = view;
    this.touch();
  }

  resize(window: Size): void {
    if (window.width === this.window.width && window.height === this.window.height) return;
    this.window = window;
    this.canvas.width = window.width;
    this.canvas.height = window.height;
    this.draw(); // at once: a resized canvas is blank until it is drawn upon
  }

  /** Something changed: draw at the browser's next frame, once. */
  touch(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.loader.stop();
    this.pool?.dispose();
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.restored);
  }

  private readonly lost = (event: Event): void => {
    event.preventDefault(); // says that we can go on when it comes back
    this.loader.stop();
    [this.painter, this.pool] = [undefined, undefined];
    this.broken(true);
  };

  private readonly restored = (): void => {
    this.setUp();
    this.touch();
    this.broken(false);
  };

  private setUp(): void {
    this.painter = new Painter(this.gl);
    this.pool = new TilePool(this.gl, this.layersNeeded());
    this.smooth = true;
  }

  /** Twice what the largest window shows in colour, so that panning back finds its tiles. */
  private layersNeeded(): number {
    const { width, height } = globalThis.screen ?? { width: 1920, height: 1080 };
    const ratio = globalThis.devicePixelRatio ?? 1;
    const tiles = (Math.ceil((width * ratio) / SIDE) + 1) * (Math.ceil((height * ratio) / SIDE) + 1);
    return Math.min(Math.max(2 * 3 * tiles, 96), 256);
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { painter, pool, scene } = this;
    if (!painter || !pool || this.gl.isContextLost()) return;
    const start = performance.now();
    const shown = this.shown(scene, pool);
    const wanted = scene && shown !== scene ? this.paint(scene, pool, undefined) : [];
    painter.begin(this.window, shown?.ground ?? [0, 0, 0]);
    if (shown) wanted.push(...this.paint(shown, pool, painter));
    this.loader.want(wanted.map((job) => ({ key: job.key, job })));
    this.count(performance.now() - start, painter);
    if (shown === scene && wanted.length === 0) this.settled();
  }

  /** The scene, or what was there before while nothing of it has come. */
  private shown(scene: Scene | undefined, pool: TilePool): Scene | undefined {
    const picture = scene?.layers[0]?.picture;
    if (!picture || !this.before) return scene;
    const { key, size } = picture;
    if (!pool.has(tileKey(key, { level: levels(size) - 1, x: 0, y: 0 }))) return this.before;
    for (const layer of this.before.layers) if (layer.picture.key !== key) pool.unpin(layer.picture.key);
    this.before = undefined;
    return scene;
  }

  /** Draw each layer (or, without a painter, none); returns what is missing. */
  private paint(scene: Scene, pool: TilePool, painter: Painter | undefined): Wanted[] {
    const wanted: Wanted[] = [];
    const smooth = this.view.scale < 1;
    if (painter && smooth !== this.smooth) pool.filter(smooth);
    if (painter) this.smooth = smooth;
    for (const layer of scene.layers) {
      const { x, y } = layer.offset ?? { x: 0, y: 0 };
      const view = snapped({ ...this.view, x: this.view.x + x, y: this.view.y + y }, this.window);
      const part = partOf(this.window, layer.window);
      const found = cover(layer.picture, view, part, (key) => pool.layers(key));
      painter?.draw(layer, scene, view, this.window, found.quads);
      wanted.push(...found.wanted);
    }
    return wanted;
  }

  private async fetchAll(one: Wanted, signal: AbortSignal): Promise<Arrived> {
    const { picture, tile } = one;
    const inside = tileSize(tile, picture.size);
    const channels = await Promise.all(
      Array.from({ length: Math.min(picture.channels, 3) }, (_, channel) =>
        this.fetchTile(picture, tile.level, tile.x, tile.y, channel, signal),
      ),
    );
    return { channels, width: inside.width + 2 * GUTTER, height: inside.height + 2 * GUTTER };
  }

  private arrived(key: string, one: Wanted, tile: Arrived): void {
    this.pool?.add(key, tile.channels, tile.width, tile.height, one.pinned);
    this.touch();
  }

  private count(milliseconds: number, painter: Painter): void {
    const { figures } = this;
    figures.frames += 1;
    figures.draws = painter.draws;
    figures.requests = this.loader.requests;
    figures.milliseconds.push(milliseconds);
    if (figures.milliseconds.length > KEPT) figures.milliseconds.shift();
  }
}
