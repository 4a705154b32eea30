"""Which calibration frames serve which light, and by what formula. Pure: headers in, decisions out.

What a header does not say is compatible with everything, and said so; what differs is named.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import msgspec

from sidera.calibration.groups import Group, group_frames, moment, plain_name, same_exposure
from sidera.errors import FrameError, Refusal
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind
from sidera.model.settings import CalibrationSettings

SENSOR = ("camera", "size", "binning", "bayer", "readout", "gain", "offset")
"""What must agree for a pedestal to be the same."""

OPTICS = ("camera", "size", "binning", "bayer", "filter")
"""What must agree for a flat to be the same; it is a ratio, so gain and offset do not matter."""


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """How a light is calibrated; equal pairings share one calibrator. Masters go by their group's key."""

    shape: tuple[int, ...]
    """Of the light: (rows, columns), or (channels, rows, columns)."""
    bias: str | None = None
    """None also where the dark holds the bias."""
    dark: str | None = None
    flat: str | None = None
    dark_scale: float = 1.0
    black: float = 0.0
    """ADU to subtract; 0 where bias or dark hold it."""
    formula: str = "light"
    warnings: tuple[str, ...] = ()


class FlatPairing(msgspec.Struct, frozen=True, kw_only=True):
    """How the flats of one group lose their own pedestal."""

    flat: str
    pedestal: str | None = None
    """Key of a flat-dark, dark or bias group."""
    black: float = 0.0
    formula: str = "flat"
    warnings: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of pairings."""

    lights: tuple[FrameId, ...]
    bias: str
    dark: str
    flat: str
    formula: str
    warnings: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All decisions of calibration for one run."""

    groups: tuple[Group, ...]
    pairings: dict[FrameId, Pairing]
    flats: dict[str, FlatPairing]
    """By key of the flat group, for those that serve a light."""
    refused: dict[FrameId, FrameError] = {}
    """Only with ``strict``."""

    def group(self, key: str) -> Group:
        """The group of that key."""
        return next(group for group in self.groups if group.key == key)

    def needed(self) -> tuple[Group, ...]:
        """Groups that serve a light or a flat, in an order in which masters can be made: flats last."""
        keys = {key for pair in self.pairings.values() for key in (pair.bias, pair.dark, pair.flat)}
        keys |= {flat.pedestal for flat in self.flats.values()}
        chosen = [group for group in self.groups if group.key in keys]
        return tuple(sorted(chosen, key=lambda group: group.kind is Kind.FLAT))

    def rows(self) -> tuple[Row, ...]:
        """The pairings as a table: lights that are calibrated alike share a row."""
        alike: dict[bytes, list[FrameId]] = {}
        for light, pairing in self.pairings.items():
            alike.setdefault(msgspec.json.encode(pairing), []).append(light)
        return tuple(self._row(tuple(lights)) for lights in alike.values())

    def _row(self, lights: tuple[FrameId, ...]) -> Row:
        pairing = self.pairings[lights[0]]
        flat = self.flats.get(pairing.flat or "")
        return Row(
            lights=lights,
            bias=pairing.bias or "",
            dark=pairing.dark or "",
            flat=pairing.flat or "",
            formula=pairing.formula,
            warnings=pairing.warnings + (flat.warnings if flat else ()),
        )


def plan_calibration(
    lights: Mapping[FrameId, Header],
    frames: Mapping[FrameId, Header],
    settings: CalibrationSettings | None = None,
    *,
    bias_removed: Collection[FrameId] = (),
) -> Plan:
    """Decide for each light which bias, dark and flat serve it.

    Parameters
    ----------
    lights, frames : mapping of FrameId to Header
        The lights, and all calibration frames and ready masters.
    settings : CalibrationSettings, optional
        Tolerances, and whether darks may be scaled. With ``strict`` unsafe lights go to ``refused``.
    bias_removed : collection of FrameId
        Ready master darks whose bias is gone already.
    """
    settings = settings or CalibrationSettings()
    groups = group_frames(frames, settings.temperature_tolerance, bias_removed=bias_removed)
    flats = {group.key: pair_flat(group, groups, settings) for group in groups if group.kind is Kind.FLAT}
    pairings: dict[FrameId, Pairing] = {}
    refused: dict[FrameId, FrameError] = {}
    for light, header in lights.items():
        try:
            pairings[light] = pair(header, groups, settings)
        except FrameError as error:
            refused[light] = error
    used = {pairing.flat for pairing in pairings.values()}
    return Plan(
        groups=groups,
        pairings=pairings,
        flats={key: flat for key, flat in flats.items() if key in used},
        refused=refused,
    )


# Choosing


class _Choice(msgspec.Struct, frozen=True):
    """The group that serves, or why none does."""

    group: Group | None = None
    notes: tuple[str, ...] = ()
    refusal: str = ""
    """Empty if there was none of that kind at all."""
    nearest: Group | None = None


def _choose(
    header: Header,
    groups: Sequence[Group],
    kind: Kind,
    traits: Sequence[str],
    tolerance: float,
    served: str = "light",
) -> _Choice:
    """Best group of a kind: nothing differs, little is unknown, then nearest in temperature and time."""
    ranked = []
    for group in groups:
        if group.kind is kind:
            differ, notes = _compare(header, group.header, traits, tolerance, served)
            ranked.append(
                (len(differ), len(notes), *_distance(header, group), group.key, differ, notes, group)
            )
    if not ranked:
        return _Choice()
    *_, differ, notes, group = min(ranked, key=lambda entry: entry[:6])
    if not differ:
        return _Choice(group, tuple(notes), nearest=group)
    return _Choice(refusal=f"no {kind} serves: of {group.key!r}, {'; '.join(differ)}", nearest=group)


def _distance(header: Header, group: Group) -> tuple[float, float, float]:
    """Apart in temperature, in time, and by how few frames the group has."""
    warmth = _gap(header.temperature, group.header.temperature)
    return (
        warmth,
        _gap(moment(header), moment(group.header)),
        -max(len(group.frames), group.header.n_combined),
    )


def _gap(one: float | None, other: float | None) -> float:
    return math.inf if one is None or other is None else abs(one - other)


def _compare(
    served: Header, other: Header, traits: Sequence[str], tolerance: float, role: str
) -> tuple[list[str], list[str]]:
    """What differs, and what one of the two does not record."""
    differ, notes = [], []
    for trait in traits:
        one, two = _trait(served, trait), _trait(other, trait)
        if one is None and two is None:
            continue
        if one is None or two is None:
            lacking, has = (role, str(other.kind)) if one is None else (str(other.kind), role)
            notes.append(f"the {lacking} does not record its {trait}: taken to be the {has}'s")
        elif not _agree(trait, one, two, tolerance):
            differ.append(_difference(trait, two, one, str(other.kind), role))
    if other.bottom_up != served.bottom_up:
        notes.append(f"the {other.kind} says that it is stored the other way up")
    return differ, notes


def _trait(header: Header, trait: str) -> object:
    if trait == "size":
        return (header.width, header.height, header.planes)[: 2 if header.planes == 1 else 3]
    if trait in ("camera", "readout", "filter"):
        return plain_name(getattr(header, trait))
    value: object = getattr(header, trait)
    return value


def _agree(trait: str, one: object, two: object, tolerance: float) -> bool:
    if isinstance(one, float | int) and isinstance(two, float | int):
        if trait == "temperature":
            return abs(one - two) <= tolerance
        if trait == "exposure":
            return same_exposure(one, two)
    return one == two


def _difference(trait: str, has: object, wants: object, kind: str, role: str) -> str:
    if trait == "exposure":
        return f"{kind} {has:g} s for a {role} of {wants:g} s: exposure differs"
    if trait == "temperature":
        return f"temperature {has:.1f} °C against {wants:.1f} °C"
    return f"{trait} {_shown(has)} against {_shown(wants)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " × ".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


# Pairing


class _Dark(msgspec.Struct, frozen=True):
    """What is subtracted from a light, and why it might not be enough."""

    bias: Group | None = None
    dark: Group | None = None
    scale: float = 1.0
    notes: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()


def pair(light: Header, groups: Sequence[Group], settings: CalibrationSettings | None = None) -> Pairing:
    """Decide how one light is calibrated.

    Raises
    ------
    FrameError
        UNSAFE_CALIBRATION, with ``settings.strict``: a dark or flat is at hand and does not fit, nothing
        removes the pedestal, or the flat keeps its own.
    """
    settings = settings or CalibrationSettings()
    less = _subtract(light, groups, settings)
    flat = _choose(light, groups, Kind.FLAT, OPTICS, settings.temperature_tolerance)
    unsafe = less.unsafe + ((flat.refusal,) if flat.refusal else ())
    if flat.group is not None:
        own = pair_flat(flat.group, groups, settings)
        unsafe += own.warnings if own.pedestal is None else ()
    if settings.strict and unsafe:
        cure = "Give calibration frames that fit, or leave calibration.strict off"
        raise FrameError(Refusal.UNSAFE_CALIBRATION, "; ".join(unsafe), cure)
    holds_pedestal = less.bias is not None or (less.dark is not None and not less.dark.bias_removed)
    black = 0.0 if holds_pedestal else light.black
    warnings = less.notes + less.unsafe + flat.notes + ((flat.refusal,) if flat.refusal else ())
    return Pairing(
        shape=(light.height, light.width) if light.planes == 1 else (light.planes, light.height, light.width),
        bias=less.bias.key if less.bias else None,
        dark=less.dark.key if less.dark else None,
        flat=flat.group.key if flat.group else None,
        dark_scale=less.scale,
        black=black,
        formula=_formula(less, black, flat.group is not None),
        warnings=warnings + _nights_apart(light, flat.group),
    )


def _subtract(light: Header, groups: Sequence[Group], settings: CalibrationSettings) -> _Dark:
    """A dark of equal exposure, else a scaled one if allowed, else the bias, else nothing."""
    tolerance = settings.temperature_tolerance
    bias = _choose(light, groups, Kind.BIAS, SENSOR, tolerance)
    dark = _choose(light, groups, Kind.DARK, (*SENSOR, "exposure", "temperature"), tolerance)
    if dark.group is not None:
        return _with_dark(dark.group, dark.notes, bias)
    if settings.scale_darks:
        other = _choose(
            light, _nearest_exposure(light, groups), Kind.DARK, (*SENSOR, "temperature"), tolerance
        )
        scaled = _scaled(light, other, bias)
        if scaled is not None:
            return scaled
    unsafe: tuple[str, ...] = (dark.refusal + _hint(light, dark, bias, settings),) if dark.refusal else ()
    if bias.group is not None:
        return _Dark(bias.group, notes=bias.notes, unsafe=unsafe)
    unsafe += (bias.refusal,) if bias.refusal else ()
    if not light.black:
        unsafe += ("neither dark nor bias: the pedestal stays in the light",)
    return _Dark(unsafe=unsafe)


def _with_dark(dark: Group, notes: tuple[str, ...], bias: _Choice, scale: float = 1.0) -> _Dark:
    """A dark that holds its bias needs no other one; a dark without it needs the bias added."""
    if scale == 1 and not dark.bias_removed:
        return _Dark(dark=dark, notes=notes)
    if bias.group is not None:
        return _Dark(bias.group, dark, scale, notes + bias.notes)
    return _Dark(
        None,
        dark,
        scale,
        notes,
        ("the dark has its bias removed and no bias is at hand: it stays in the light",),
    )


def _scaled(light: Header, dark: _Choice, bias: _Choice) -> _Dark | None:
    if dark.group is None or not light.exposure or not dark.group.header.exposure:
        return None
    if bias.group is None and not dark.group.bias_removed:
        return None
    scale = light.exposure / dark.group.header.exposure
    note = f"dark of {dark.group.header.exposure:g} s scaled by {scale:.3g}; amplifier glow does not scale"
    return _with_dark(dark.group, (*dark.notes, note), bias, scale)


def _nearest_exposure(light: Header, groups: Sequence[Group]) -> list[Group]:
    """The groups, of the darks only those whose exposure is nearest to the light's (as a ratio)."""
    darks = [group for group in groups if group.kind is Kind.DARK and group.header.exposure]

    def ratio(group: Group) -> float:
        return abs(math.log((group.header.exposure or 1.0) / (light.exposure or 1.0)))

    fitting = [
        group for group in darks if not _compare(light, group.header, SENSOR, math.inf, "light")[0]
    ] or darks
    best = min((ratio(group) for group in fitting), default=0.0)
    return [group for group in fitting if ratio(group) <= best + 0.01]


def _hint(light: Header, dark: _Choice, bias: _Choice, settings: CalibrationSettings) -> str:
    """What would let a dark serve from which only the exposure differs."""
    if settings.scale_darks:
        return "; scaling it needs a bias" if bias.group is None else ""
    if dark.nearest is None:
        return ""
    traits = (*SENSOR, "temperature")
    differ, _ = _compare(light, dark.nearest.header, traits, settings.temperature_tolerance, "light")
    if differ:
        return ""
    return "; --set calibration.scale_darks=true would scale it" + ("" if bias.group else ", given a bias")


def _formula(less: _Dark, black: float, flat: bool) -> str:
    terms = ["light"]
    if less.bias:
        terms.append("bias")
    elif black:
        terms.append(f"black level {black:g}")
    if less.dark:
        pure = "dark" if less.dark.bias_removed or less.scale == 1 else "(dark − bias)"
        terms.append(pure if less.scale == 1 else f"{less.scale:.3g} × {pure}")
    above = " − ".join(terms)
    if not flat:
        return above
    return f"({above}) / flat" if len(terms) > 1 else f"{above} / flat"


def _nights_apart(light: Header, flat: Group | None) -> tuple[str, ...]:
    gap = _gap(moment(light), moment(flat.header)) if flat else math.inf
    if flat is None or math.isinf(gap) or gap < 86400:
        return ()
    return (f"the flat is of {(flat.header.date_obs or '')[:10]}, {gap / 86400:.0f} day(s) from the light",)


def pair_flat(
    flat: Group, groups: Sequence[Group], settings: CalibrationSettings | None = None
) -> FlatPairing:
    """Decide how a flat loses its pedestal: flat-dark or dark of equal exposure, bias, or black level."""
    settings = settings or CalibrationSettings()
    if flat.header.is_master:
        return FlatPairing(flat=flat.key)
    tolerance = settings.temperature_tolerance
    if flat.header.exposure is not None and not flat.mixed_exposures:
        for kind in (Kind.FLAT_DARK, Kind.DARK):
            known = [
                group for group in groups if group.header.exposure is not None and not group.bias_removed
            ]
            found = _choose(flat.header, known, kind, (*SENSOR, "exposure"), tolerance, "flat")
            if found.group is not None:
                formula = f"flat − {'flat-dark' if kind is Kind.FLAT_DARK else 'dark'}"
                return FlatPairing(
                    flat=flat.key, pedestal=found.group.key, formula=formula, warnings=found.notes
                )
    bias = _choose(flat.header, groups, Kind.BIAS, SENSOR, tolerance, "flat")
    if bias.group is not None:
        return FlatPairing(flat=flat.key, pedestal=bias.group.key, formula="flat − bias", warnings=bias.notes)
    black = flat.header.black
    if black:
        return FlatPairing(flat=flat.key, black=black, formula=f"flat − black level {black:g}")
    why = f" ({bias.refusal})" if bias.refusal else ""
    return FlatPairing(
        flat=flat.key, warnings=(f"the flat keeps its pedestal, and corrects too little{why}",)
    )
