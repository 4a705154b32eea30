"""The page's shader stretches as Sidera does: run alone in a real browser, against the stretch itself."""

import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
GOLDEN = json.loads((WEB / "src" / "lib" / "curve.golden.json").read_text(encoding="utf-8"))
KINDS = {"none": 0, "asinh": 1, "ghs": 2}
HEAD = "#version 300 es\nprecision highp float;\nprecision highp int;\n"
MAIN = """
uniform sampler2D u_values;
out vec4 colour;
void main() { colour = vec4(stretched(texelFetch(u_values, ivec2(gl_FragCoord.xy), 0).rgb), 1.0); }
"""
DRAW = """([source, values, uniforms]) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [values.length / 4, 1];
  const gl = canvas.getContext("webgl2");
  const program = gl.createProgram();
  const corners = `#version 300 es
    void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0, 0.0, 1.0); }`;
  for (const [kind, text] of [[gl.VERTEX_SHADER, corners], [gl.FRAGMENT_SHADER, source]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  for (const [name, [kind, ...value]] of Object.entries(uniforms))
    gl[`uniform${kind}`](gl.getUniformLocation(program, name), ...value);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, canvas.width, 1, 0, gl.RGBA, gl.FLOAT, new Float32Array(values));
  gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  const pixels = new Uint8Array(values.length);
  gl.readPixels(0, 0, canvas.width, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return [...pixels];
}"""


def base(t, bend):
    """The bend's base function and its slope at t >= 0 (Payne & Cranfield 2021)."""
    d, b = math.expm1(bend["amount"]), bend["local"]
    if bend["kind"] == "asinh":
        return math.asinh(d * t), d / math.hypot(d * t, 1)
    if b == -1:
        return math.log1p(d * t), d / (1 + d * t)
    if b < 0:
        return (1 - (1 - b * d * t) ** ((b + 1) / b)) / (b + 1), d * (1 - b * d * t) ** (1 / b)
    if b == 0:
        return -math.expm1(-d * t), d * math.exp(-d * t)
    return 1 - (1 + b * d * t) ** (-1 / b), d * (1 + b * d * t) ** (-(1 + b) / b)


def uniforms(bend, keep):
    """What the viewer hands to the shader."""
    low, point, high = bend["protectLow"], bend["symmetry"], bend["protectHigh"]
    (below, slope), (above, rise) = base(point - low, bend), base(high - point, bend)
    zero = -below - slope * low
    span = above + rise * (1 - high) - zero
    return {
        "u_midtones": ["3f", *[bend["midtones"]] * 3],
        "u_kind": ["1i", KINDS[bend["kind"]]],
        "u_d": ["1f", math.expm1(bend["amount"])],
        "u_local": ["1f", bend["local"]],
        "u_points": ["3f", low, point, high],
        "u_tangents": ["4f", -below, slope, above, rise],
        "u_scale": ["2f", zero, 1 / span if span else 0.0],
        "u_keep": ["1f", keep],
    }


def drawn(browser, case):
    """Bytes [channel, value] that the screen shows."""
    where = case["range"]
    width = where["high"] - where["low"]
    black = where["low"] + where["shadows"] * width
    values = np.atleast_2d(np.array(case["values"]))
    x = (values - black) / ((where["highlights"] - where["shadows"]) * width)
    texels = np.ones((x.shape[1], 4))
    texels[:, :3] = np.broadcast_to(x, (3, x.shape[1])).T
    source = HEAD + (WEB / "src" / "gl" / "stretch.glsl").read_text(encoding="utf-8") + MAIN
    page = browser.new_page()
    try:
        asked = [source, texels.ravel().tolist(), uniforms(case["bend"], case["keep"])]
        return np.array(page.evaluate(DRAW, asked)).reshape(-1, 4)[:, : len(x)].T
    finally:
        page.close()


@pytest.mark.parametrize("case", GOLDEN["alone"] + GOLDEN["together"], ids=lambda case: case["name"])
def test_the_screen_shows_what_the_stretch_makes_to_one_of_255(browser, case):
    expected = 255 * np.atleast_2d(np.array(case["shown"]))
    off = np.abs(drawn(browser, case) - expected)
    assert off.max() <= 1, f"{case['name']}: {off.max():.2f} of 255 off"


def test_the_vectors_are_those_of_the_stretch_as_it_is():
    fresh = runpy.run_path(str(WEB / "golden.py"))["document"]()
    for kind, cases in fresh.items():
        for new, old in zip(cases, GOLDEN[kind], strict=True):
            assert {**new, "shown": 0} == {**old, "shown": 0}, "run: python web/golden.py"
            np.testing.assert_allclose(
                new["shown"], old["shown"], atol=1e-6, err_msg="run: python web/golden.py"
            )
