"""Calibration frames sorted into groups that may be averaged."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from sidera.errors import UsageError
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind

NIGHT_GAP = 6 * 3600.0
"""Seconds without a flat that part one night's flats from the next's."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Calibration frames that belong together, or one ready master."""

    key: str
    """In words, for people, and unique: "dark 60 s, gain 100, -10 °C"."""
    kind: Kind
    header: Header
    """Of the first frame; exposure and temperature are means."""
    frames: tuple[FrameId, ...]
    bias_removed: bool = False
    mixed_exposures: bool = False


def group_frames(
    headers: Mapping[FrameId, Header], tolerance: float = 2.0, *, bias_removed: Collection[FrameId] = ()
) -> tuple[Group, ...]:
    """Sort calibration frames into groups whose frames may be averaged; each ready master is one by itself.

    Darks and flat-darks part by exposure (1 %) and temperature (a group spans at most ``tolerance`` °C),
    flats by filter and by night, all by camera, size, binning, gain, offset and readout.
    """
    alike: dict[tuple[object, ...], list[FrameId]] = {}
    for frame, header in headers.items():
        alike.setdefault(_bucket(frame, header), []).append(frame)
    parts: list[list[FrameId]] = []
    for members in alike.values():
        parts.extend(_split(members, headers, tolerance))
    groups: list[Group] = []
    for part in parts:
        removed = any(frame in bias_removed for frame in part)
        groups.append(_group(part, headers, removed, {group.key for group in groups}))
    return tuple(groups)


def _bucket(frame: FrameId, header: Header) -> tuple[object, ...]:
    """What must be equal within a group."""
    if header.kind not in (Kind.BIAS, Kind.DARK, Kind.FLAT, Kind.FLAT_DARK):
        raise UsageError(
            f"{frame.path} is a {header.kind} frame", "Only bias, darks, flats and flat-darks calibrate"
        )
    filtered = plain_name(header.filter) if header.kind is Kind.FLAT else None
    alone = frame if header.is_master else None
    shape = (header.width, header.height, header.planes, header.binning, header.bayer, header.bottom_up)
    sensor = (plain_name(header.camera), plain_name(header.readout), header.gain, header.offset)
    return (header.kind, alone, *shape, *sensor, filtered)


def plain_name(text: str | None) -> str | None:
    """A camera's or filter's name without case and spaces around it; None for an empty one."""
    return text.strip().casefold() if text and text.strip() else None


def _split(
    members: list[FrameId], headers: Mapping[FrameId, Header], tolerance: float
) -> list[list[FrameId]]:
    kind = headers[members[0]].kind
    if kind is Kind.FLAT:
        return _clusters(
            members, lambda frame: moment(headers[frame]), lambda _, last, here: here - last > NIGHT_GAP
        )
    if kind is Kind.BIAS:
        return [members]
    by_time = _clusters(
        members, lambda frame: headers[frame].exposure, lambda first, _, here: not same_exposure(first, here)
    )
    return [
        part
        for exposure in by_time
        for part in _clusters(
            exposure,
            lambda frame: headers[frame].temperature,
            lambda first, _, here: here - first > tolerance,
        )
    ]


def _clusters(
    members: list[FrameId],
    measure: Callable[[FrameId], float | None],
    apart: Callable[[float, float, float], bool],
) -> list[list[FrameId]]:
    """Sorted members, a new cluster where ``apart(first, last, here)``; the unknown by themselves."""
    known = sorted(
        ((value, frame) for frame in members if (value := measure(frame)) is not None),
        key=lambda pair: pair[0],
    )
    clusters: list[list[FrameId]] = []
    first = last = 0.0
    for value, frame in known:
        if not clusters or apart(first, last, value):
            clusters.append([])
            first = value
        clusters[-1].append(frame)
        last = value
    unknown = [frame for frame in members if measure(frame) is None]
    return [*clusters, unknown] if unknown else clusters


def same_exposure(one: float, other: float) -> bool:
    """Equal within 1 %, or half a millisecond."""
    return math.isclose(one, other, rel_tol=0.01, abs_tol=5e-4)


def moment(header: Header) -> float | None:
    """Start of exposure in seconds since 1970, UTC."""
    try:
        when = datetime.fromisoformat(header.date_obs or "")
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _group(
    members: list[FrameId], headers: Mapping[FrameId, Header], bias_removed: bool, taken: Collection[str]
) -> Group:
    members = sorted(members)
    first = headers[members[0]]
    exposures = [value for frame in members if (value := headers[frame].exposure) is not None]
    mixed = bool(exposures) and not same_exposure(min(exposures), max(exposures))
    header = msgspec.structs.replace(
        first,
        exposure=_mean(exposures),
        temperature=_mean(headers[frame].temperature for frame in members),
    )
    return Group(
        key=_unique(_label(header), taken),
        kind=first.kind,
        header=header,
        frames=tuple(members),
        bias_removed=bias_removed,
        mixed_exposures=mixed and first.kind in (Kind.FLAT, Kind.FLAT_DARK),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _label(header: Header) -> str:
    parts = [("master " if header.is_master else "") + header.kind]
    timed = header.kind in (Kind.DARK, Kind.FLAT_DARK)
    if timed and header.exposure is not None:
        parts[0] += f" {header.exposure:g} s"
    if header.kind is Kind.FLAT and header.filter:
        parts[0] += f" {header.filter}"
    if header.gain is not None:
        parts.append(f"gain {header.gain:g}")
    if timed and header.temperature is not None:
        parts.append(f"{header.temperature:.0f} °C")
    if header.kind is Kind.FLAT and header.date_obs:
        parts.append(header.date_obs[:10])
    return ", ".join(parts)


def _unique(label: str, taken: Collection[str]) -> str:
    number, key = 1, label
    while key in taken:
        number += 1
        key = f"{label} #{number}"
    return key
