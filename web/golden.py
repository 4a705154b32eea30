"""Writes ``src/lib/curve.golden.json``: what Sidera's own stretch makes of chosen values, for the page's tests.

Run from the checkout: ``python web/golden.py``. The page's curve and shader are held to these figures.
"""

import json
from pathlib import Path

import numpy as np

from sidera.stretch.apply import Parameters, apply
from sidera.stretch.curves import Bend, Curve

TARGET = Path(__file__).parent / "src" / "lib" / "curve.golden.json"
VALUES = np.concatenate(
    [[-50.0, 0.0, 99.0, 100.0, 101.0], np.geomspace(102.0, 60_000.0, 27), [65_535.0, 70_000.0]]
)
"""ADU: under black, about the sky, up to over white."""
CURVES = {
    "linear": Curve(100.0, 65_535.0),
    "midtones of a deep stack": Curve(100.0, 60_000.0, 0.0001, 0.0008, 1.0),
    "midtones that darken": Curve(0.0, 65_535.0, 0.0, 0.8, 0.9),
    "midtones with a clipped core": Curve(100.0, 60_000.0, 0.001, 0.01, 0.4),
    "asinh": Curve(100.0, 65_535.0, bend=Bend(6.0, kind="asinh")),
    "asinh, strong": Curve(100.0, 65_535.0, bend=Bend(12.0, kind="asinh")),
    "logarithm": Curve(100.0, 65_535.0, bend=Bend(7.0, -1.0)),
    "ghs, exponential": Curve(100.0, 65_535.0, bend=Bend(3.0)),
    "ghs, hyperbolic": Curve(100.0, 65_535.0, bend=Bend(8.0, 6.0, 0.01)),
    "ghs, b = 1": Curve(100.0, 65_535.0, bend=Bend(5.0, 1.0, 0.05)),
    "ghs, integral": Curve(100.0, 65_535.0, bend=Bend(5.0, -2.5, 0.02)),
    "ghs, tangents": Curve(100.0, 65_535.0, bend=Bend(6.0, 3.0, 0.1, 0.02, 0.6)),
    "midtones, then ghs": Curve(100.0, 65_535.0, 0.0, 0.1, 1.0, Bend(2.0, 2.0, 0.2, 0.0, 0.9)),
    "no bend": Curve(100.0, 65_535.0, 0.0, 0.2, 1.0, Bend(0.0)),
}
COLOURS = {
    "colours kept": (0.7, Curve(100.0, 60_000.0, 0.0, 0.002, 1.0)),
    "colours wholly kept, asinh": (1.0, Curve(100.0, 60_000.0, bend=Bend(7.0, kind="asinh"))),
}


def document() -> dict[str, object]:
    """All cases with their figures."""
    alone = [
        {
            "name": name,
            **described(curve),
            "keep": 0.0,
            "values": VALUES.tolist(),
            "shown": curve.at(VALUES).tolist(),
        }
        for name, curve in CURVES.items()
    ]
    triple = np.array([[VALUES, 0.6 * VALUES + 40.0, 0.25 * VALUES + 75.0]], np.float32).reshape(3, 1, -1)
    together = [
        {
            "name": name,
            **described(curve),
            "keep": keep,
            "values": triple[:, 0].tolist(),
            "shown": apply(triple, Parameters((curve,), keep)).image[:, 0].astype(float).tolist(),
        }
        for name, (keep, curve) in COLOURS.items()
    ]
    return {"alone": alone, "together": together}


def described(curve: Curve) -> dict[str, object]:
    """A curve under the page's names."""
    range_ = {name: getattr(curve, name) for name in ("low", "high", "shadows", "highlights")}
    bend = curve.bend or Bend(0.0)
    return {
        "range": range_,
        "bend": {
            "midtones": curve.midtones,
            "kind": "none" if curve.bend is None else bend.kind,
            "amount": bend.amount,
            "local": bend.local,
            "symmetry": bend.symmetry,
            "protectLow": bend.protect_low,
            "protectHigh": bend.protect_high,
        },
    }


def text() -> str:
    """The file's content."""
    return json.dumps(document(), separators=(",", ":")) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
