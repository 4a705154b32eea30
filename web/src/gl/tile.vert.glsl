#version 300 es
// One instance a tile: a rectangle of the picture, filled from a rectangle of a layer of the pool.
precision highp float;

layout(location = 0) in vec4 a_place;   // left, top, right, bottom in image pixels
layout(location = 1) in vec4 a_texture; // the same corners in texture coordinates, 0 to 1
layout(location = 2) in vec3 a_layers;  // the pool's layer of each channel

uniform vec2 u_zoom;   // clip units for one image pixel; y is negative, for clip space points up
uniform vec2 u_offset; // clip position of the picture's top left corner

out vec2 v_texture;
flat out vec3 v_layers;

void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  v_texture = mix(a_texture.xy, a_texture.zw, corner);
  v_layers = a_layers;
  gl_Position = vec4(mix(a_place.xy, a_place.zw, corner) * u_zoom + u_offset, 0.0, 1.0);
}
