"""Curves that make linear light visible: pure values, and the functions that they stand for."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from sidera.errors import UsageError
from sidera.kernels import stretch as kernels
from sidera.types import F32, F64

ENTRIES = 65_536
"""Of a table: as many as 16 bits have values."""

LEFT = 1e-16
"""Under this much a curve has come to its end, and no float64 knows the way back."""


@dataclass(frozen=True)
class Bend:
    """A generalised hyperbolic stretch, or inverse hyperbolic sine, of 0..1 onto 0..1.

    ``amount`` is ln(D + 1), ``local`` b, ``symmetry`` SP, ``protect_low`` LP and ``protect_high`` HP of Payne &
    Cranfield (GHS 2.0, 2021); ``local`` means nothing to asinh. Outside LP to HP the curve goes on along its
    tangents.
    """

    amount: float
    local: float = 0.0
    symmetry: float = 0.0
    protect_low: float = 0.0
    protect_high: float = 1.0
    kind: Literal["ghs", "asinh"] = "ghs"

    def __post_init__(self) -> None:
        if not (0 <= self.protect_low <= self.symmetry <= self.protect_high <= 1):
            raise UsageError(
                f"shadows protected to {self.protect_low:g}, symmetry at {self.symmetry:g}, highlights protected "
                f"from {self.protect_high:g}",
                "these three lie from 0 to 1, in this order",
            )
        if not (math.isfinite(self.local) and 0 <= self.amount <= 20):
            raise UsageError(
                f"a stretch by {self.amount:g}, local {self.local:g}", "give an amount from 0 to 20"
            )


@dataclass(frozen=True)
class Curve:
    """Value to brightness: a range, two clipping points, the midtones, and a bend where there is one.

    ``low`` and ``high`` are the values that become 0 and 1; ``shadows`` and ``highlights`` lie in that 0 to 1
    and are clipped to black and white; ``midtones`` is the point between them that becomes one half; ``bend``
    comes last.
    """

    low: float = 0.0
    high: float = 1.0
    shadows: float = 0.0
    midtones: float = 0.5
    highlights: float = 1.0
    bend: Bend | None = None

    @property
    def black(self) -> float:
        """The value that becomes 0."""
        return self.low + self.shadows * (self.high - self.low)

    @property
    def gain(self) -> float:
        """0 to 1 over values: one over white less black."""
        return 1 / max((self.highlights - self.shadows) * (self.high - self.low), 1e-30)

    def at(self, values: F64) -> F64:
        """Brightness of values, by the formulas; NaN stays NaN."""
        x = np.clip((np.asarray(values, np.float64) - self.black) * self.gain, 0, 1)
        y = _mtf(x, self.midtones)
        return y if self.bend is None else bent(y, self.bend)

    def values(self, brightness: F64) -> F64:
        """The values that come to have these brightnesses: `at` turned round."""
        y = np.clip(np.asarray(brightness, np.float64), 0, 1)
        y = y if self.bend is None else unbent(y, self.bend)
        return _mtf(y, 1 - _inside(self.midtones)) / self.gain + self.black

    def table(self, entries: int = ENTRIES) -> F32:
        """Brightness at even steps from ``low`` to ``high``, for shaders and 16-bit data."""
        return self.at(np.linspace(self.low, self.high, entries)).astype(np.float32)


def mtf(x: F32, midtones: float) -> F32:
    """Bend 0 to 1 so that ``midtones`` becomes one half; 0 and 1 stay.

    Parameters
    ----------
    x : float32 array
        Values 0 to 1; NaN stays NaN.
    midtones : float
        Under one half brightens, over it darkens.

    Notes
    -----
    The midtones transfer function of PixInsight (XISF 1.0 specification, 2017, "display functions"): this is
    equivalent to ``(m - 1) * x / ((2 * m - 1) * x - m)``.
    """
    return _mtf(np.asarray(x, np.float64), midtones).astype(np.float32)


def _inside(midtones: float) -> float:
    return min(max(midtones, 1e-7), 1 - 1e-7)  # at 0 and 1 themselves the curve is a step


def _mtf(x: F64, midtones: float) -> F64:
    m = _inside(midtones)
    bending: F64 = (m - 1) * x / ((2 * m - 1) * x - m)
    return bending


def bent(x: F64, bend: Bend) -> F64:
    """A generalised hyperbolic stretch.

    Parameters
    ----------
    x : float64 array
        0 to 1; NaN stays NaN.
    bend : Bend
        Its parameters.

    Notes
    -----
    With D = exp(amount) - 1 and T the base function of `_base`, this is equivalent to::

        T3(x) = T(x - SP)                            SP <= x <= HP
        T2(x) = -T(SP - x)                           LP <= x < SP
        T1(x) = T2(LP) + T'(SP - LP) (x - LP)        x < LP
        T4(x) = T3(HP) + T'(HP - SP) (x - HP)        x > HP
        y = (Ti(x) - T1(0)) / (T4(1) - T1(0))

    Payne & Cranfield, Generalised Hyperbolic Stretch 2.0 (2021), which gives T at x >= SP.
    """
    x = np.asarray(x, np.float64)
    if bend.amount == 0:
        return x
    first, last = _unscaled(np.array([0.0, 1.0]), bend)
    return np.asarray((_unscaled(x, bend) - first) / (last - first))


def unbent(y: F64, bend: Bend) -> F64:
    """`bent` turned round."""
    y = np.asarray(y, np.float64)
    if bend.amount == 0:
        return y
    first, last, low, high = _unscaled(np.array([0.0, 1.0, bend.protect_low, bend.protect_high]), bend)
    goal = first + y * (last - first)
    below, above = bend.protect_low - bend.symmetry, bend.protect_high - bend.symmetry
    inner = np.clip(goal, low, high)
    middle = bend.symmetry + np.sign(inner) * _inverse(np.abs(inner), bend)
    middle = np.where(goal < low, bend.protect_low + (goal - low) / max(_slope(-below, bend), LEFT), middle)
    above_it = bend.protect_high + (goal - high) / max(_slope(above, bend), LEFT)
    return np.asarray(np.clip(np.where(goal > high, above_it, middle), 0, 1))


def _unscaled(x: F64, bend: Bend) -> F64:
    """T1 to T4."""
    inner = np.clip(x, bend.protect_low, bend.protect_high)
    t = inner - bend.symmetry
    middle = np.sign(t) * _base(np.abs(t), bend)
    below = np.minimum(x - bend.protect_low, 0) * _slope(bend.symmetry - bend.protect_low, bend)
    above = np.maximum(x - bend.protect_high, 0) * _slope(bend.protect_high - bend.symmetry, bend)
    return np.asarray(middle + below + above)


def _base(t: F64, bend: Bend) -> F64:
    """T at t >= 0: inverse sine, logarithmic (b = -1), integral (b < 0), exponential (0), hyperbolic (b > 0)."""
    d, b = math.expm1(bend.amount), bend.local
    if bend.kind == "asinh":
        return np.asarray(np.arcsinh(d * t))
    if b == -1:
        return np.asarray(np.log1p(d * t))
    if b < 0:
        return np.asarray((1 - (1 - b * d * t) ** ((b + 1) / b)) / (b + 1))
    if b == 0:
        return np.asarray(-np.expm1(-d * t))
    return np.asarray(1 - (1 + b * d * t) ** (-1 / b))


def _slope(t: float, bend: Bend) -> float:
    """T' at t >= 0."""
    d, b = math.expm1(bend.amount), bend.local
    if bend.kind == "asinh":
        return d / math.hypot(d * t, 1)
    if b == -1:
        return d / (1 + d * t)
    if b < 0:
        return float(d * (1 - b * d * t) ** (1 / b))
    if b == 0:
        return d * math.exp(-d * t)
    return float(d * (1 + b * d * t) ** (-(1 + b) / b))


def _inverse(y: F64, bend: Bend) -> F64:
    """The t >= 0 at which T is y."""
    d, b = math.expm1(bend.amount), bend.local
    if bend.kind == "asinh":
        return np.asarray(np.sinh(y) / d)
    if b == -1:
        return np.asarray(np.expm1(y) / d)
    if b < 0:
        return np.asarray((1 - np.maximum(1 - (b + 1) * y, LEFT) ** (b / (b + 1))) / (b * d))
    left = np.maximum(1 - y, LEFT)
    if b == 0:
        return np.asarray(-np.log(left) / d)
    return np.asarray((left**-b - 1) / (b * d))


@lru_cache(maxsize=32)
def shape(midtones: float, bend: Bend | None) -> kernels.Shape:
    """What the kernels need of a curve: see `kernels.stretch`.

    The harmonic bend is the midtones transfer function itself, which leaves a straight table; of other curves it
    is one as steep at the symmetry point, or, where the curve has a long tail, half as steep on a scale of
    logarithms, so that neither end of the table is steep.
    """
    m = _inside(midtones)
    centre, strength = 0.0, (1 - 2 * m) / m
    if bend is not None and bend.amount > 0:
        d, b = math.expm1(bend.amount), bend.local
        centre = bend.symmetry
        tail = 1.0 if bend.kind == "asinh" else 1 - 1 / b if b > 1 else min(max(-b, 0.0), 1.0)
        strength = float((d * (1 + max(b, 0.0)) / 2) ** (1 - tail / 2))
    start = -centre / (1 + strength * centre)
    stop = (1 - centre) / (1 + strength * (1 - centre))
    table = np.array([0.0, 1.0])
    if bend is not None and bend.amount > 0:
        h = start + np.linspace(0, 1, 4 * ENTRIES + 1) * (stop - start)
        x = np.clip(centre + h / (1 - strength * np.abs(h)), 0, 1)
        table = bent(_mtf(x, m), bend)
    return kernels.Shape(centre, strength, start, 1 / (stop - start), table)
