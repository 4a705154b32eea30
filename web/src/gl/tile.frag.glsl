// Undoes the normalisation of the tiles, stretches, and colours. Follows stretch.glsl.

uniform mediump sampler2DArray u_tiles;
uniform vec3 u_gain; // tile value times gain plus bias runs from 0 at black to 1 at white
uniform vec3 u_bias;
uniform int u_show;  // 0 the picture; 1 a map laid over it
uniform vec3 u_tint; // of a map
uniform bool u_night;
uniform ivec3 u_solo; // which channel feeds red, green and blue: 0 1 2, or one of them thrice

in vec2 v_texture;
flat in vec3 v_layers;
out vec4 colour;

const float MISSING = -60000.0; // a tile's -65504 says that nobody measured the pixel
const float MIXED = -3000.0;    // deeper than any sky: linear filtering has mixed a missing neighbour in

float value(float layer, out bool missing) {
  float smooth_ = texture(u_tiles, vec3(v_texture, layer)).r;
  vec2 size = vec2(textureSize(u_tiles, 0).xy);
  float nearest = texelFetch(u_tiles, ivec3(v_texture * size, int(layer + 0.5)), 0).r;
  missing = nearest < MISSING;
  return smooth_ < MIXED ? nearest : smooth_;
}

void main() {
  bvec3 missing;
  vec3 v;
  v.r = value(v_layers.r, missing.r);
  v.g = v_layers.g == v_layers.r ? v.r : value(v_layers.g, missing.g);
  v.b = v_layers.b == v_layers.r ? v.r : value(v_layers.b, missing.b);
  if (v_layers.g == v_layers.r) missing.gb = missing.rr;
  if (u_show == 1) {
    float share = missing.r ? 0.0 : clamp(v.r * u_gain.r + u_bias.r, 0.0, 1.0);
    float alpha = share * 0.85;
    colour = vec4((u_night ? vec3(dot(u_tint, vec3(0.34)), 0.0, 0.0) : u_tint) * alpha, alpha);
    return;
  }
  vec3 rgb = stretched(v * u_gain + u_bias);
  rgb = mix(rgb, vec3(0.0), vec3(missing));
  rgb = vec3(rgb[u_solo.x], rgb[u_solo.y], rgb[u_solo.z]);
  // Night vision: one red light, as bright as the eye would have judged the colour.
  if (u_night) rgb = vec3(dot(rgb, LUMINANCE), 0.0, 0.0);
  colour = vec4(rgb, 1.0);
}
