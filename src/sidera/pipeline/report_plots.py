"""Small plots of the frames' figures, as inline SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sidera.pipeline.markup import Markup, joined, tag

WIDTH, HEIGHT = 420, 180
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 34


@dataclass(frozen=True)
class Point:
    """One frame in a plot: its place in the night (from 1), value, whether it was used, and its name."""

    place: int
    value: float
    used: bool
    name: str


def plot(title: str, unit: str, points: Sequence[Point], count: int) -> Markup | None:
    """A figure against the frames in the order of the night: dots were used, crosses refused.

    None when fewer than two frames have the figure.
    """
    points = [point for point in points if math.isfinite(point.value)]
    if len(points) < 2:
        return None
    ticks = _ticks(min(point.value for point in points), max(point.value for point in points))
    area = _Area(count, ticks[0], ticks[-1])
    drawing = tag(
        "svg",
        [
            *_grid(area, ticks),
            *_places(area),
            _line(area, points),
            *(_mark(area, point, unit) for point in points),
        ],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_summary(title, unit, points),
    )
    caption = tag("figcaption", title, tag("span", f" {unit}", class_="unit") if unit else None)
    return tag("figure", caption, drawing, class_="plot")


@dataclass(frozen=True)
class _Area:
    count: int
    low: float
    high: float

    def x(self, place: float) -> float:
        return LEFT + (place - 0.5) / max(self.count, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _summary(title: str, unit: str, points: Sequence[Point]) -> str:
    values = sorted(point.value for point in points)
    middle = values[len(values) // 2]
    refused = sum(not point.used for point in points)
    told = f"{title} of {len(values)} frames: {values[0]:.4g} to {values[-1]:.4g} {unit}, median {middle:.4g}"
    return f"{told}; {refused} of them refused"


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that span the values."""
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-12):
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    raw = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _grid(area: _Area, ticks: Sequence[float]) -> list[Markup]:
    lines = [tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=area.y(v), y2=area.y(v), class_="grid") for v in ticks]
    places = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    # A step of 2.5 needs one more decimal than its power of ten.
    places += round((ticks[1] - ticks[0]) * 10**places, 6) % 1 != 0
    labels = [
        tag("text", f"{value:,.{places}f}", x=LEFT - 6, y=area.y(value) + 3.5, text_anchor="end")
        for value in ticks
    ]
    return lines + labels


def _places(area: _Area) -> list[Markup]:
    steps = min(area.count - 1, 8 if area.count <= 9 else 4)
    shares = [step / steps for step in range(steps + 1)] if steps else [0.0]
    wanted = sorted({round(1 + share * (area.count - 1)) for share in shares})
    marks = [
        tag("text", str(place), x=area.x(place), y=HEIGHT - 20, text_anchor="middle") for place in wanted
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [*marks, tag("text", "frame", x=middle, y=HEIGHT - 5, text_anchor="middle", class_="axis")]


def _line(area: _Area, points: Sequence[Point]) -> Markup:
    used = [f"{area.x(point.place):.1f},{area.y(point.value):.1f}" for point in points if point.used]
    return tag("polyline", points=" ".join(used), class_="trend")


def _mark(area: _Area, point: Point, unit: str) -> Markup:
    x, y = area.x(point.place), area.y(point.value)
    told = f"{point.name}: {point.value:.4g} {unit}".strip() + ("" if point.used else ", refused")
    if point.used:
        shape = tag("circle", cx=x, cy=y, r=2.6)
    else:
        shape = tag("path", d=f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7")
    return tag("g", tag("title", told), shape, class_="used" if point.used else "refused")


def legend() -> Markup:
    """What dots and crosses mean."""
    dot = tag(
        "svg",
        tag("g", tag("circle", cx=6, cy=6, r=3), class_="used"),
        viewBox="0 0 12 12",
        aria_hidden="true",
    )
    cross = tag(
        "svg",
        tag("g", tag("path", d="M2.5 2.5l7 7m0 -7l-7 7"), class_="refused"),
        viewBox="0 0 12 12",
        aria_hidden="true",
    )
    return tag(
        "p", joined(dot, " used   ", cross, " refused   · frames in the order of the night"), class_="legend"
    )
