"""A stretch as a value that a header keeps, and what it makes of an image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sidera.errors import ShapeError, UsageError
from sidera.kernels import stretch as kernels
from sidera.model.header import Card
from sidera.stretch.curves import Bend, Curve, shape
from sidera.types import F32, I64, plain

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""What red, green and blue add to brightness (ITU-R BT.709, whose primaries are sRGB's)."""
Values = dict[str, str | int | float | bool | None]
_FIELDS = {"LO": "low", "HI": "high", "SH": "shadows", "MT": "midtones", "HL": "highlights"}
_MEANINGS = {
    "LO": "value that is 0",
    "HI": "value that is 1",
    "SH": "black, from 0 to 1",
    "MT": "what becomes one half",
    "HL": "white, from 0 to 1",
}


@dataclass(frozen=True)
class Parameters:
    """All that it takes to stretch an image again, to the same bits.

    ``curves`` is one curve for all channels, or one each. ``colour`` is the share in which the linear light's
    ratios are kept; then every channel bends by the first curve's midtones, above its own black and white.
    """

    curves: tuple[Curve, ...]
    colour: float = 0.0

    def of(self, channel: int) -> Curve:
        """The curve of a channel."""
        return self.curves[channel if len(self.curves) > 1 else 0]

    def cards(self) -> tuple[Card, ...]:
        """For a header: ``STRLO1`` ... of each curve, the bend once, and the colour."""
        cards = [
            Card(f"STR{name}{number}", float(getattr(curve, field)), f"stretch: {_MEANINGS[name]}")
            for number, curve in enumerate(self.curves, 1)
            for name, field in _FIELDS.items()
        ]
        cards.append(Card("STRCOL", float(self.colour), "stretch: share of colours kept"))
        bend = self.curves[0].bend
        if bend is not None:
            cards += [
                Card("STRKIND", bend.kind, "stretch: ghs or asinh"),
                Card("STRAMT", float(bend.amount), "stretch: ln(D + 1)"),
                Card("STRB", float(bend.local), "stretch: local intensity b"),
                Card("STRSP", float(bend.symmetry), "stretch: symmetry point"),
                Card("STRLP", float(bend.protect_low), "stretch: shadows protected"),
                Card("STRHP", float(bend.protect_high), "stretch: highlights protected"),
            ]
        return tuple(cards)

    def described(self) -> str:
        """In a line, for people."""
        bends = ", ".join(
            f"{curve.low:.6g} to {curve.high:.6g} clipped to {curve.shadows:.4g} and {curve.highlights:.4g}, midtones "
            f"{curve.midtones:.4g}"
            for curve in self.curves
        )
        bend = self.curves[0].bend
        more = "" if bend is None else (
            f", {bend.kind} ln(D + 1) {bend.amount:.4g} b {bend.local:.4g} SP {bend.symmetry:.4g} "
            f"LP {bend.protect_low:.4g} HP {bend.protect_high:.4g}"
        )  # fmt: skip
        return bends + more + (f", colours kept {self.colour:.0%}" if self.colour else "")


def parameters_from_cards(cards: Iterable[Card]) -> Parameters | None:
    """The stretch that a header keeps; None where it keeps none.

    Raises
    ------
    UsageError
        For cards that make no sense.
    """
    found = {card.keyword: card.value for card in cards if card.keyword.startswith("STR")}
    if "STRLO1" not in found:
        return None
    try:
        bend = _bend(found) if "STRKIND" in found else None
        curves = tuple(_curve(found, number, bend) for number in (1, 2, 3) if f"STRLO{number}" in found)
        return Parameters(curves, _number(found, "STRCOL"))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the header's stretch is damaged ({error})", "stretch the image anew") from error


def _bend(found: Values) -> Bend:
    kind = found["STRKIND"]
    if kind != "ghs" and kind != "asinh":
        raise ValueError(f"STRKIND is {kind!r}")
    amount, local, symmetry, low, high = (
        _number(found, name) for name in ("STRAMT", "STRB", "STRSP", "STRLP", "STRHP")
    )
    return Bend(amount, local, symmetry, low, high, kind)  # type: ignore[arg-type] # mypy sees text


def _curve(found: Values, number: int, bend: Bend | None) -> Curve:
    low, high, shadows, midtones, highlights = (_number(found, f"STR{name}{number}") for name in _FIELDS)
    return Curve(low, high, shadows, midtones, highlights, bend)


def _number(found: Values, name: str) -> float:
    return float(cast("float", found[name]))


@dataclass(frozen=True)
class Applied:
    """Pixels 0 to 1, NaN where unknown; and the shares of known samples that lay under black and over white."""

    image: F32
    clipped: tuple[float, float]


def apply(image: object, parameters: Parameters) -> Applied:
    """Stretch an image by given parameters.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        Linear, any unit; NaN stays NaN.
    parameters : Parameters
        One curve, or one a channel.

    Raises
    ------
    ShapeError
        For arrays that are not images, or as many curves as fit no channels.
    """
    pixels = as_image(image)
    planes = _planes(pixels, parameters)
    out = np.empty(planes.shape, np.float32)
    clipped = np.zeros(3, np.int64)
    if parameters.colour and len(planes) == 3:
        _together(planes, parameters, out, clipped)
    else:
        for channel, plane in enumerate(planes):
            curve = parameters.of(channel)
            kernels.stretch_plane(
                plane, curve.black, curve.gain, shape(curve.midtones, curve.bend), out[channel], clipped
            )
    return Applied(out.reshape(pixels.shape), _shares(clipped))


def _shares(counts: I64) -> tuple[float, float]:
    known = max(int(counts[2]), 1)
    return int(counts[0]) / known, int(counts[1]) / known


def clipped_by(image: object, parameters: Parameters) -> tuple[float, float]:
    """Shares of the known samples that `apply` clips to black and to white, without a stretched image.

    Arguments and errors as those of `apply`.
    """
    planes = _planes(as_image(image), parameters)
    counts = np.zeros(3, np.int64)
    for channel, plane in enumerate(planes):
        kernels.count_clipped(plane, parameters.of(channel).black, parameters.of(channel).gain, counts)
    return _shares(counts)


def _planes(pixels: F32, parameters: Parameters) -> F32:
    """Channels of an image that the parameters have curves for."""
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    if len(parameters.curves) not in (1, len(planes)):
        raise ShapeError(
            f"{len(parameters.curves)} curves for {len(planes)} channels", "give one, or one a channel"
        )
    return planes


def _together(planes: F32, parameters: Parameters, out: F32, clipped: I64) -> None:
    curves = [parameters.of(channel) for channel in range(3)]
    kernels.stretch_colour(
        planes,
        np.array([curve.black for curve in curves]),
        np.array([curve.gain for curve in curves]),
        np.array(LUMINANCE),
        float(parameters.colour),
        shape(curves[0].midtones, curves[0].bend),
        out,
        clipped,
    )


def stretch(image: F32, *curves: Curve) -> F32:
    """Bring linear pixels to 0 to 1 by a curve for all channels, or one each; errors as `apply`."""
    return apply(image, Parameters(tuple(curves))).image


def as_image(image: object) -> F32:
    """The array, if it is one plane or some, and not empty.

    Raises
    ------
    ShapeError
        For other shapes.
    """
    pixels = plain(image)
    if pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ShapeError(f"images are (rows, columns) or (channels, rows, columns); got shape {pixels.shape}")
    return pixels


def joined(cards: Sequence[Card], parameters: Parameters) -> tuple[Card, ...]:
    """Cards with a stretch among them, in place of an older one."""
    new = parameters.cards()
    old = {
        card.keyword
        for card in cards
        if card.keyword.startswith("STR") and card.comment.startswith("stretch")
    }
    return (*(card for card in cards if card.keyword not in old), *new)
