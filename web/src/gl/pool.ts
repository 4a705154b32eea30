/** Tiles on the graphics card: the layers of one texture array, the least recently drawn making room. */

import { SlotPool } from "../lib/lru";
import { GUTTER, TILE } from "../lib/tiles";

/** Texels along a layer's side: a tile and its gutter. */
export const SIDE = TILE + 2 * GUTTER;

export class TilePool {
  private readonly texture: WebGLTexture;
  private readonly slots: SlotPool;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    layers: number,
  ) {
    const capacity = Math.min(layers, gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS) as number);
    this.slots = new SlotPool(capacity);
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.R16F, SIDE, SIDE, capacity);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    this.filter(true);
  }

  get capacity(): number {
    return this.slots.capacity;
  }

  has(key: string): boolean {
    return this.slots.has(key);
  }

  /** Layers of a tile, one a channel; undefined when it is not on the card. */
  layers(key: string): readonly number[] | undefined {
    return this.slots.touch(key);
  }

  /** Put a tile's channels on the card; false when pinned tiles leave no room. */
  add(
    key: string,
    channels: readonly Uint16Array[],
    width: number,
    height: number,
    pinned: boolean,
  ): boolean {
    const { gl } = this;
    const layers = this.slots.take(key, channels.length, pinned);
    if (!layers) return false;
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    channels.forEach((halves, channel) => {
      const layer = layers[channel]!;
      gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, 0, layer, width, height, 1, gl.RED, gl.HALF_FLOAT, halves);
    });
    return true;
  }

  /** Smooth between pixels, or show each as a square. */
  filter(smooth: boolean): void {
    const { gl } = this;
    const how = smooth ? gl.LINEAR : gl.NEAREST;
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, how);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MAG_FILTER, how);
  }

  unpin(prefix: string): void {
    this.slots.unpin(prefix);
  }

  dispose(): void {
    this.gl.deleteTexture(this.texture);
    this.slots.clear();
  }
}
