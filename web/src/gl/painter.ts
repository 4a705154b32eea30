/** Draws covers of tiles: one instanced call a layer. */

import { STRAIGHT, tangents } from "../lib/curve";
import type { Size, View } from "../lib/view";
import { Program } from "./program";
import { STRIDE } from "./quads";
import type { Layer, Scene } from "./scene";
import { partOf } from "./scene";
import stretch from "./stretch.glsl?raw";
import fragment from "./tile.frag.glsl?raw";
import vertex from "./tile.vert.glsl?raw";

export const HEAD = "#version 300 es\nprecision highp float;\nprecision highp int;\n";

export class Painter {
  private readonly program: Program;
  private readonly buffer: WebGLBuffer;
  private readonly array: WebGLVertexArrayObject;
  draws = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.program = new Program(gl, vertex, HEAD + stretch + fragment);
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    for (const [place, size, start] of [
      [0, 4, 0],
      [1, 4, 4],
      [2, 3, 8],
    ] as const) {
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, STRIDE * 4, start * 4);
      gl.vertexAttribDivisor(place, 1);
    }
  }

  /** Wipe the window. */
  begin(window: Size, ground: Scene["ground"]): void {
    const { gl } = this;
    gl.disable(gl.SCISSOR_TEST);
    gl.viewport(0, 0, window.width, window.height);
    gl.clearColor(ground[0], ground[1], ground[2], 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** Draw the instances of one layer. */
  draw(layer: Layer, scene: Scene, view: View, window: Size, quads: readonly number[]): void {
    if (quads.length === 0) return;
    const { gl, program } = this;
    const part = partOf(window, layer.window);
    const [clipFrom, clipTo] = [layer.clip.from, layer.clip.to].map((at) => Math.round(window.width * at));
    gl.viewport(Math.round(window.width * layer.window.from), 0, part.width, part.height);
    gl.scissor(clipFrom!, 0, clipTo! - clipFrom!, window.height);
    // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's own name, no hook
    gl.useProgram(program.program);
    this.place(view, part);
    this.colour(layer, scene);
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(quads), gl.STREAM_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, quads.length / STRIDE);
    this.draws += 1;
  }

  /** Where the picture lies. At whole zooms it is moved onto the pixel grid, so that 1:1 is exact. */
  private place(view: View, window: Size): void {
    const { gl, program } = this;
    let left = window.width / 2 - view.x * view.scale;
    let top = window.height / 2 - view.y * view.scale;
    if (Number.isInteger(view.scale)) [left, top] = [Math.round(left), Math.round(top)];
    gl.uniform2f(program.at("u_zoom"), (2 * view.scale) / window.width, (-2 * view.scale) / window.height);
    gl.uniform2f(program.at("u_offset"), (2 * left) / window.width - 1, 1 - (2 * top) / window.height);
  }

  private colour(layer: Layer, scene: Scene): void {
    const { gl, program } = this;
    const { gain, bias } = scaling(layer);
    gl.uniform1i(program.at("u_tiles"), 0);
    gl.uniform3fv(program.at("u_gain"), gain);
    gl.uniform3fv(program.at("u_bias"), bias);
    gl.uniform1i(program.at("u_night"), scene.night ? 1 : 0);
    gl.uniform1i(program.at("u_show"), layer.tint ? 1 : 0);
    gl.uniform3fv(program.at("u_tint"), layer.tint ?? [0, 0, 0]);
    const solo = layer.picture.channels > 1 ? scene.solo : null;
    gl.uniform3iv(program.at("u_solo"), solo === null ? [0, 1, 2] : [solo, solo, solo]);
    if (layer.tint) gl.enable(gl.BLEND);
    else gl.disable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    setBend(gl, program, layer);
  }
}

/** Tile value times gain plus bias is 0 at black and 1 at white; made in double precision, where nothing cancels. */
export function scaling(layer: Layer): { gain: number[]; bias: number[] } {
  const [gain, bias]: [number[], number[]] = [[], []];
  for (let channel = 0; channel < 3; channel++) {
    const range = layer.picture.ranges[channel] ?? layer.picture.ranges[0]!;
    const look = layer.look.channels[channel] ?? layer.look.channels[0]!;
    const width = look.white - look.black;
    gain.push(range.spread / width);
    bias.push((range.centre - look.black) / width);
  }
  return { gain, bias };
}

/** The stretch's uniforms. */
export function setBend(gl: WebGL2RenderingContext, program: Program, { look }: Pick<Layer, "look">): void {
  const bends = [0, 1, 2].map((channel) => (look.channels[channel] ?? look.channels[0])?.bend ?? STRAIGHT);
  const bend = bends[0]!;
  const line = tangents(bend);
  const midtones = bends.map((one) => one.midtones);
  gl.uniform1i(program.at("u_kind"), ["none", "asinh", "ghs"].indexOf(bend.kind));
  gl.uniform3fv(program.at("u_midtones"), midtones);
  gl.uniform1f(program.at("u_d"), Math.expm1(bend.amount));
  gl.uniform1f(program.at("u_local"), bend.local);
  gl.uniform3f(program.at("u_points"), bend.protectLow, bend.symmetry, bend.protectHigh);
  gl.uniform4f(program.at("u_tangents"), line.lowValue, line.lowSlope, line.highValue, line.highSlope);
  gl.uniform2f(program.at("u_scale"), line.zero, line.factor);
  gl.uniform1f(program.at("u_keep"), look.channels.length > 1 ? look.keep : 0);
}
