"""Combine mono stacks, one a filter, into a colour stack: LRGB, narrowband palettes, any formula."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from sidera._version import __version__
from sidera.correction.luminance import brightness_of, replace_luminance
from sidera.detection.find import aperture_flux, find_stars
from sidera.detection.sky import sky_mesh
from sidera.errors import ShapeError, UsageError
from sidera.integration.normalise import photometric_scale
from sidera.io.stacks import read_stack
from sidera.io.write import format_of, write
from sidera.model.header import Card
from sidera.model.stack import Counts, Stack
from sidera.pipeline.channels import Channel, finite, on_one_grid
from sidera.pipeline.formula import Formula, formula
from sidera.pipeline.progress import Progress
from sidera.types import F32, F64, plain

CHANNELS = ("l", "r", "g", "b", "ha", "oiii", "sii")
LETTERS = {"H": "ha", "O": "oiii", "S": "sii", "R": "r", "G": "g", "B": "b", "L": "l"}
ROWS = 512
CLEAR = 50.0
"""SNR from which a star's light counts."""
FEWEST = 5
"""Stars that it takes to tell a scale."""


def combine_channels(
    channels: Mapping[str, Stack | str | Path | object],
    palette: str | None = None,
    *,
    red: str | None = None,
    green: str | None = None,
    blue: str | None = None,
    match: str = "stars",
    progress: Progress | None = None,
) -> Stack:
    """Combine mono stacks into a linear colour stack.

    Parameters
    ----------
    channels : mapping
        Of "l", "r", "g", "b", "ha", "oiii" and "sii", those there are, to a Stack, its file, or a mono image.
    palette : str, optional
        Three letters of S, H, O, R, G, B, L: what is shown red, green and blue, such as SHO or HOO. By default RGB
        where there are r, g and b, SHO where there is sii, else HOO. With "l", the luminance replaces brightness.
    red, green, blue : str, optional
        A formula instead, such as ``"0.7*ha + 0.3*sii"``; see `sidera.pipeline.formula`. It works on light above
        the sky.
    match : {"stars", "sky", "none"}
        stars: bring the channels to one sky and to one scale, in which the typical star is white; sky: to one sky;
        none: leave the values as they are.
    progress : Progress, optional
        Told of every step; its ``cancel`` stops at the next.

    Returns
    -------
    Stack
        ``[3, row, column]`` on the grid of the luminance, or of the stack with most stars. A pixel's coverage is
        the least of those it is made of, its weight too, its noise follows from theirs by the formula's slopes
        (with a luminance it is that of the luminance and of the colour, as far as the pixel's own is used).

    Raises
    ------
    UsageError
        For channels that are missing or not used, formulas that cannot be read, and stacks of other sizes whose
        stars do not match.
    FrameError
        For files that cannot be read.

    Notes
    -----
    Every channel is x' = s (x - sky) + p: sky is the middle of its mesh, s the ratio of star light to that of green
    (or H alpha), p the mean of the skies, the same for all colours.
    """
    progress = progress or Progress()
    if match not in ("stars", "sky", "none"):
        raise UsageError(f"match {match!r} is not known", "Give stars, sky or none")
    given = {_known(name): value for name, value in channels.items()}
    formulas = _formulas(frozenset(given), palette, (red, green, blue))
    progress.stage("channels", 2 * len(given) + 1)
    stacks = {name: _opened(name, value, progress) for name, value in given.items()}
    placed = on_one_grid(stacks, progress)
    matched = _matched(placed, match)
    made = _mixed(matched, formulas, match)
    progress.step("combined")
    progress.finish()
    return made


def save_combined(path: str | Path, stack: Stack, sources: Mapping[str, str | Path]) -> None:
    """Write a combined stack, linear, and never over one that it was made of.

    Raises
    ------
    UsageError
        For picture formats, and a name that is one of the sources'.
    UnwritableError, DiskFullError
        As `sidera.io.write.write`.
    """
    path = Path(path)
    if format_of(path) not in ("fits", "xisf", "tiff"):
        raise UsageError(
            f"{path.name} would be a picture, and combined stacks are linear",
            "Write .fits, and then: sidera finish",
        )
    for name, source in sources.items():
        if Path(source).expanduser().resolve() == path.expanduser().resolve():
            raise UsageError(f"{path} is the {name} stack itself", "Give the result another name")
    write(path, stack)


def _known(name: str) -> str:
    if name.lower() not in CHANNELS:
        raise UsageError(f"there is no channel {name!r}", f"There are {', '.join(CHANNELS)}")
    return name.lower()


def _formulas(
    names: frozenset[str], palette: str | None, by_hand: tuple[str | None, str | None, str | None]
) -> tuple[Formula, Formula, Formula]:
    """What each colour is made of."""
    if palette is None and None in by_hand:
        palette = _default_palette(names)
    letters = (palette or "   ").upper()
    if palette is not None and (len(letters) != 3 or not set(letters) <= set(LETTERS)):
        raise UsageError(
            f"palette {palette!r} is not known", "Give three letters of S, H, O, R, G, B, such as SHO"
        )
    texts = [hand or LETTERS[letter] for hand, letter in zip(by_hand, letters, strict=True)]
    missing = {text for text, hand in zip(texts, by_hand, strict=True) if hand is None} - names
    if missing:
        raise UsageError(
            f"{palette} needs {', '.join(sorted(missing))}", "Give that stack too, or another palette"
        )
    first, second, third = (formula(text, names) for text in texts)
    unused = names - {"l"} - (first.names | second.names | third.names)
    if unused:
        raise UsageError(
            f"{', '.join(sorted(unused))} was given and goes nowhere",
            "Name it in a formula, for example --red 'max(r, ha)', or leave it out",
        )
    return first, second, third


def _default_palette(names: frozenset[str]) -> str:
    for palette in ("RGB", "SHO", "HOO"):
        if {LETTERS[letter] for letter in palette} <= names:
            return palette
    have = ", ".join(sorted(names)) or "nothing"
    raise UsageError(
        f"of {have} no colours can be made", "Give r, g and b; or ha and oiii (and sii); or three formulas"
    )


def _opened(name: str, value: object, progress: Progress) -> Stack:
    stack = _as_stack(value)
    if stack.image.ndim != 2:
        raise UsageError(
            f"{name} is a colour image of shape {stack.image.shape}", "Channels are mono stacks, one a filter"
        )
    progress.step(name)
    return stack


def _as_stack(value: object) -> Stack:
    if isinstance(value, Stack):
        return value
    if isinstance(value, str | Path):
        return read_stack(Path(value).expanduser())
    image = plain(value)
    if image.ndim != 2 or not image.size:
        raise ShapeError(f"a channel is (rows, columns); got shape {image.shape}")
    counts = np.isfinite(image).astype(np.uint16)
    none = np.zeros_like(counts)
    return Stack(image, np.full_like(image, np.nan), np.ones_like(image), counts, none, none)


# One scale


def _matched(placed: Mapping[str, Channel], match: str) -> dict[str, Channel]:
    """Channels with their scales."""
    if match == "none":
        return {name: replace(one, sky=0.0) for name, one in placed.items()}
    if match == "sky":
        return dict(placed)
    names = [name for name in ("g", "ha", *placed) if name in placed and name != "l"]
    fluxes = _fluxes(placed)
    base = fluxes[names[0]]
    scaled = {}
    for name, one in placed.items():
        scale = photometric_scale(base, fluxes[name])
        enough = scale.stars >= FEWEST and np.isfinite(scale.value)
        scaled[name] = replace(one, scale=scale if enough and name != names[0] else one.scale)
    return scaled


def _fluxes(placed: Mapping[str, Channel]) -> dict[str, F64]:
    """Light of the same stars in every channel, clear ones of the grid's own stack; NaN where a channel has none."""
    first = max(placed.values(), key=lambda one: one.moved == "the grid")
    stars = find_stars(np.ascontiguousarray(first.stack.image))
    stars = stars[(stars.snr > CLEAR) & (stars.peak < 0.6 * stars.peak.max(initial=0.0))]
    widths = stars.fwhm[np.isfinite(stars.fwhm)]
    width = float(np.median(widths)) if widths.size else 3.0
    found = {}
    for name, one in placed.items():
        flux = aperture_flux(
            np.ascontiguousarray(one.stack.image), stars.x, stars.y, 2.5 * width, 4 * width, 6 * width
        )[0]
        found[name] = np.where(flux > 0, flux, np.nan)
    return found


# Colours


def _mixed(channels: Mapping[str, Channel], formulas: tuple[Formula, ...], match: str) -> Stack:
    """The colour stack."""
    first = next(one for one in channels.values() if one.moved == "the grid")
    shape = first.stack.image.shape
    light, noise = np.empty((3, *shape), np.float32), np.empty((3, *shape), np.float32)
    for top in range(0, shape[0], ROWS):
        rows = slice(top, min(top + ROWS, shape[0]))
        known = {name: one.light(rows) for name, one in channels.items()}
        errors = {
            name: np.asarray(one.stack.noise[rows], np.float32) * np.float32(abs(one.scale.value))
            for name, one in channels.items()
        }
        for colour, each in enumerate(formulas):
            light[colour, rows] = np.broadcast_to(each.of(known), (rows.stop - rows.start, shape[1]))
            noise[colour, rows] = _propagated(each, known, errors, light[colour, rows])
    told = ""
    if "l" in channels and not any("l" in each.names for each in formulas):
        light, noise, told = _luminous(light, noise, channels["l"])
    pedestal = float(np.mean([one.sky for one in channels.values()])) if match != "none" else 0.0
    light += np.float32(pedestal)
    return _described(first.stack, light, noise, channels, formulas, told, pedestal)


def _propagated(each: Formula, known: Mapping[str, F32], errors: Mapping[str, F32], value: F32) -> F32:
    """Noise of a formula, from the change that one sigma of each channel makes."""
    total = np.zeros(value.shape, np.float64)
    for name in each.names:
        total += np.square(each.of({**known, name: known[name] + errors[name]}) - value, dtype=np.float64)
    return np.sqrt(total).astype(np.float32)


def _luminous(light: F32, noise: F32, luminance: Channel) -> tuple[F32, F32, str]:
    """Colours with the luminance's brightness."""
    own = brightness_of(light)
    whole = luminance.light(slice(None))
    scale = _ratio(own, whole, luminance.noise * luminance.scale.value)
    sigma = [finite(sky_mesh(plane).median_noise) for plane in light]
    shown, used = replace_luminance(light, whole * np.float32(scale), (sigma[0], sigma[1], sigma[2]))
    error = np.asarray(luminance.stack.noise, np.float32) * np.float32(scale * luminance.scale.value)
    error = np.where(np.isfinite(whole), error, np.float32(0))
    told = f"luminance scaled by {scale:.4g} to the colours' brightness"
    return shown, np.sqrt(error**2 + (used * noise) ** 2), told


def _ratio(wanted: F32, given: F32, noise: float) -> float:
    """Factor that brings light to light: of what is clear, as a whole; 1 where nothing is."""
    clear = np.isfinite(wanted) & np.isfinite(given) & (given > 10 * noise) & (wanted > 0)
    if clear.sum() < 20:
        return 1.0
    ratio = float(np.median(wanted[clear] / given[clear]))
    return ratio if np.isfinite(ratio) and ratio > 0 else 1.0


def _described(
    first: Stack,
    image: F32,
    noise: F32,
    channels: Mapping[str, Channel],
    formulas: tuple[Formula, ...],
    told: str,
    pedestal: float,
) -> Stack:
    """With maps, cards and history."""
    used = [each.names | (frozenset(("l",)) if told else frozenset()) for each in formulas]

    def over(name: str, how: Literal["least", "sum"]) -> Counts:
        planes = []
        for names in used:
            maps = [np.asarray(getattr(channels[one].stack, name)) for one in sorted(names)]
            if not maps:
                maps = [np.zeros(image.shape[1:], np.uint16)]
            planes.append(np.minimum.reduce(maps) if how == "least" else np.add.reduce(maps, dtype=np.uint16))
        return np.stack(planes)

    return Stack(
        image=image,
        noise=noise,
        weight=over("weight", "least").astype(np.float32),
        coverage=over("coverage", "least").astype(np.uint16),
        rejected_low=over("rejected_low", "sum"),
        rejected_high=over("rejected_high", "sum"),
        cards=_cards(first, channels),
        history=_history(channels, formulas, told, pedestal),
        bottom_up=first.bottom_up,
    )


SUMMED = {"EXPTIME", "NCOMBINE", "FILTER", "DATE-OBS", "DATE-END", "CREATOR", "IMAGETYP"}


def _cards(first: Stack, channels: Mapping[str, Channel]) -> tuple[Card, ...]:
    """Those of the grid's stack, with the sums of all."""
    kept = [card for card in first.cards if card.keyword not in SUMMED]
    every = {
        name: {card.keyword: card.value for card in reversed(one.stack.cards)}
        for name, one in channels.items()
    }
    cards = [
        Card("IMAGETYP", "Master Light", "colour stack of mono stacks"),
        Card("CREATOR", f"Sidera {__version__}"),
    ]
    for keyword, comment in (
        ("EXPTIME", "[s] total exposure of all channels"),
        ("NCOMBINE", "frames of all channels"),
    ):
        values = [one[keyword] for one in every.values() if _is_number(one.get(keyword))]
        if len(values) == len(every):
            total = sum(values)  # type: ignore[arg-type] # numbers, as was seen
            cards.append(Card(keyword, float(total) if keyword == "EXPTIME" else int(total), comment))
    for keyword, pick in (("DATE-OBS", min), ("DATE-END", max)):
        dates = [str(one[keyword]) for one in every.values() if one.get(keyword)]
        if dates:
            cards.append(Card(keyword, pick(dates), "UTC"))
    cards.append(Card("FILTER", "+".join(name.upper() for name in channels), "channels combined"))
    return (*kept, *cards)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _history(
    channels: Mapping[str, Channel], formulas: tuple[Formula, ...], told: str, pedestal: float
) -> tuple[str, ...]:
    lines = [f"Sidera {__version__}: {len(channels)} mono stacks combined"]
    for name, one in channels.items():
        stars = f" from {one.scale.stars} stars" if one.scale.stars else ""
        lines.append(f"{name}: sky {one.sky:.6g}, scale {one.scale.value:.6g}{stars}, {one.moved}")
    lines += [
        f"{colour} = {each.text}" for colour, each in zip(("red", "green", "blue"), formulas, strict=True)
    ]
    lines.append(f"sky of all colours {pedestal:.6g}")
    return (*lines, told) if told else tuple(lines)
