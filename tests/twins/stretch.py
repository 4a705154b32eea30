"""Stretches, value by value, from the published formulas."""

import math


def midtones(x, m):
    """PixInsight's midtones transfer function."""
    if x in (0, 1):
        return x
    return (m - 1) * x / ((2 * m - 1) * x - m)


def hyperbolic(x, stretch, b, symmetry, low, high, kind="ghs"):
    """GHS of one value: the base function, its tangents, and the normalisation, as printed."""
    d = math.exp(stretch) - 1
    if d == 0:
        return x

    def base(t):
        if kind == "asinh":
            return math.log(d * t + math.sqrt(d * d * t * t + 1))
        if b == -1:
            return math.log(1 + d * t)
        if b < 0:
            return (1 - (1 - b * d * t) ** ((b + 1) / b)) / (b + 1)
        if b == 0:
            return 1 - math.exp(-d * t)
        return 1 - (1 + b * d * t) ** (-1 / b)

    def slope(t):
        if kind == "asinh":
            return d / math.sqrt(d * d * t * t + 1)
        if b == -1:
            return d / (1 + d * t)
        if b < 0:
            return d * (1 - b * d * t) ** (1 / b)
        if b == 0:
            return d * math.exp(-d * t)
        return d * (1 + b * d * t) ** (-(1 + b) / b)

    def whole(v):
        if v < low:
            return -base(symmetry - low) + slope(symmetry - low) * (v - low)
        if v < symmetry:
            return -base(symmetry - v)
        if v <= high:
            return base(v - symmetry)
        return base(high - symmetry) + slope(high - symmetry) * (v - high)

    return (whole(x) - whole(0)) / (whole(1) - whole(0))


def curve(value, curve):
    """A whole curve of one value."""
    if value != value:
        return value
    black = curve.low + curve.shadows * (curve.high - curve.low)
    white = curve.low + curve.highlights * (curve.high - curve.low)
    x = midtones(min(max((value - black) / (white - black), 0), 1), curve.midtones)
    if curve.bend is None:
        return x
    bend = curve.bend
    return hyperbolic(
        x, bend.amount, bend.local, bend.symmetry, bend.protect_low, bend.protect_high, bend.kind
    )


def colour(values, curves, keep, weights=(0.2126, 0.7152, 0.0722)):
    """Three channels of one pixel, their brightness bent by the first curve."""
    x = [(value - one.black) * one.gain for value, one in zip(values, curves, strict=True)]
    x = [max(value, 0) if value == value else value for value in x]
    known = [(value, weight) for value, weight in zip(x, weights, strict=True) if value == value]
    light = sum(value * weight for value, weight in known) / max(sum(weight for _, weight in known), 1e-30)

    def bent(value):
        bend = curves[0].bend
        y = midtones(min(value, 1), curves[0].midtones)
        if bend is None:
            return y
        return hyperbolic(
            y, bend.amount, bend.local, bend.symmetry, bend.protect_low, bend.protect_high, bend.kind
        )

    lift = bent(light) / light if light > 0 else 0
    peak = max([1, *(value * lift for value, _ in known)])
    return [keep * value * lift / peak + (1 - keep) * bent(value) if value == value else value for value in x]


def clipped(values, curve):
    """How many values lie under black, over white, and are known at all."""
    black = curve.low + curve.shadows * (curve.high - curve.low)
    white = curve.low + curve.highlights * (curve.high - curve.low)
    known = [value for value in values if value == value]
    return [sum(value < black for value in known), sum(value > white for value in known), len(known)]
