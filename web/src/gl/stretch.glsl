// Bends 0 to 1 for the screen. The formulas of lib/curve.ts; golden vectors hold both to Sidera's own stretch.
// Prepended to the shaders that need it, so that a test can run it alone.

const int NONE = 0;
const int ASINH = 1;
const int GHS = 2;
const vec3 LUMINANCE = vec3(0.2126, 0.7152, 0.0722);

uniform vec3 u_midtones; // per channel
uniform int u_kind;      // of the bend after the midtones
uniform float u_d;       // D
uniform float u_local;   // b
uniform vec3 u_points;   // LP, SP, HP
uniform vec4 u_tangents; // value and slope at LP, value and slope at HP
uniform vec2 u_scale;    // the bend at 0, and 1 / (its span from 0 to 1)
uniform float u_keep;    // share in which the ratios of linear light are kept

float mtf(float x, float midtones) {
  float m = clamp(midtones, 1e-7, 1.0 - 1e-7);
  return min((m - 1.0) * x / ((2.0 * m - 1.0) * x - m), 1.0);
}

// log(1 + x) and exp(x) - 1 lose their digits for small x; three terms of the series keep them.
float log1p(float x) {
  return abs(x) < 1e-3 ? x * (1.0 - x * (0.5 - x / 3.0)) : log(1.0 + x);
}

float expm1(float x) {
  return abs(x) < 1e-3 ? x * (1.0 + x * (0.5 + x / 6.0)) : exp(x) - 1.0;
}

float arsinh(float x) {
  return log1p(x + x * x / (1.0 + sqrt(x * x + 1.0)));
}

float base(float t) {
  float b = u_local, dt = u_d * t;
  if (u_kind == ASINH) return arsinh(dt);
  if (b == -1.0) return log1p(dt);
  if (b < 0.0) return (1.0 - pow(1.0 - b * dt, (b + 1.0) / b)) / (b + 1.0);
  if (b == 0.0) return -expm1(-dt);
  return 1.0 - pow(1.0 + b * dt, -1.0 / b);
}

float bent(float x, float midtones) {
  float y = mtf(x, midtones);
  if (u_kind == NONE || u_d <= 0.0) return y;
  float value = y < u_points.y ? -base(u_points.y - y) : base(y - u_points.y);
  if (y < u_points.x) value = u_tangents.x + u_tangents.y * (y - u_points.x);
  if (y > u_points.z) value = u_tangents.z + u_tangents.w * (y - u_points.z);
  return clamp((value - u_scale.x) * u_scale.y, 0.0, 1.0);
}

// x is 0 at black and 1 at white, and may lie beyond.
vec3 stretched(vec3 x) {
  vec3 above = max(x, 0.0), y = min(above, 1.0);
  if (u_keep <= 0.0) return vec3(bent(y.r, u_midtones.r), bent(y.g, u_midtones.g), bent(y.b, u_midtones.b));
  vec3 alone = vec3(bent(y.r, u_midtones.r), bent(y.g, u_midtones.r), bent(y.b, u_midtones.r));
  float light = dot(above, LUMINANCE);
  float lift = light > 0.0 ? bent(min(light, 1.0), u_midtones.r) / light : 0.0;
  vec3 lifted = above * lift;
  float peak = max(1.0, max(lifted.r, max(lifted.g, lifted.b)));
  return u_keep * lifted / peak + (1.0 - u_keep) * alone;
}
