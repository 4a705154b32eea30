"""Header dialects: from a file's own cards to one Header.

Each table below names the keywords of one thing in the order in which they are believed.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from sidera.io import sniff
from sidera.io.sniff import Facts
from sidera.model.header import Bayer, Card, Header, Kind, resolve_orientation

Value = str | int | float | bool | None

EXPOSURE = ("EXPTIME", "EXPOSURE", "EXP", "EXP_TIME")
GAIN = ("GAIN", "ISOSPEED", "ISO")
OFFSET = ("OFFSET", "BLKLEVEL", "BRIGHTNS")
TEMPERATURE = ("CCD-TEMP", "CCDTEMP", "SENSTEMP", "DET-TEMP", "CAM-TEMP", "SET-TEMP")
FILTER = ("FILTER", "FILT", "FILTER1", "INSFLNAM")
CAMERA = ("INSTRUME", "CAMERA", "CAMMODEL")
KIND = ("IMAGETYP", "IMAGETYPE", "FRAME", "FRAMETYP", "FRAMETYPE", "SUBTYPE", "OBSTYPE")
COMBINED = ("NCOMBINE", "STACKCNT", "NIMAGES", "NUMFRAME")
SATURATION = ("SATURATE", "SATLEVEL", "DATAMAX")
ELECTRONS = ("EGAIN", "E_GAIN", "GAIN_E")
PIXEL_SIZE = ("XPIXSZ", "PIXSIZE1", "XPIXELSZ", "PIXSIZE")
PATTERN = ("BAYERPAT", "BAYERPATTERN", "CFAPATT", "COLORTYP")
X_OFFSET = ("XBAYROFF", "BAYOFFX")
Y_OFFSET = ("YBAYROFF", "BAYOFFY")

_NOTHING = {"", "unknown", "none", "no filter", "n/a", "na", "null", "undefined", "unspecified", "-", "?"}


def header_from_cards(
    cards: Sequence[Card],
    *,
    width: int,
    height: int,
    planes: int = 1,
    path: Path,
    format: str,
    bits: str,
    **overrides: object,
) -> Header:
    """What a frame says of itself, read from FITS-like cards, and where they are silent from its name.

    Parameters
    ----------
    cards : sequence of Card
        As the file has them; the first of a repeated keyword counts.
    width, height, planes : int
        Size in pixels; 3 planes are colour, and then no Bayer pattern is believed.
    path : Path
        The file, whose name and nearest folders tell what the cards do not.
    format, bits : str
        For people: "FITS", "uint16".
    **overrides
        Fields of `Header` that the format itself knows (``black=16.0``); they win, unless None.

    Raises
    ------
    FrameError
        For a colour filter array that is not a 2×2 Bayer matrix.
    """
    lookup = Lookup(cards)
    found = {**sniff.facts(path), **_told(lookup, width, height)}
    bayer, bottom_up = _orientation(lookup, height, pattern=planes == 1)
    if "n_combined" in found and found.get("kind", (Kind.LIGHT,))[0] not in (Kind.LIGHT, Kind.UNKNOWN):
        found.setdefault("is_master", (found["n_combined"][0] != 1, found["n_combined"][1]))
    header = Header(
        width=width,
        height=height,
        planes=planes,
        bayer=bayer,
        bottom_up=bottom_up,
        bits=bits,
        format=format,
        cards=tuple(cards),
        sources={field: source for field, (_, source) in found.items()},
    )
    known = {field: value for field, value in overrides.items() if value is not None}
    return msgspec.structs.replace(header, **{field: value for field, (value, _) in found.items()} | known)


class Lookup:
    """Cards by keyword; every answer comes with the keyword that gave it."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._values: dict[str, Value] = {}
        for card in cards:
            self._values.setdefault(card.keyword, card.value)

    def number(self, *keywords: str, at_least: float = -math.inf) -> tuple[float, str] | None:
        """The first that is a finite number and large enough; text with a decimal comma counts too."""
        for keyword in keywords:
            value = as_number(self._values.get(keyword))
            if value is not None and value >= at_least:
                return value, keyword
        return None

    def text(self, *keywords: str) -> tuple[str, str] | None:
        """The first that says something: "Unknown" and its kin do not."""
        for keyword in keywords:
            value = self._values.get(keyword)
            text = clean(str(value)) if value is not None and not isinstance(value, bool) else ""
            if text.lower() not in _NOTHING:
                return text, keyword
        return None

    def raw(self, keyword: str) -> Value:
        """The value as it stands."""
        return self._values.get(keyword)


def clean(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


_NUMBER = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eEdD][+-]?\d+)?)\s*[a-zA-Z°]{0,8}")


def as_number(value: Value) -> float | None:
    """A finite number, also from text such as ``6,4E-05`` or ``10 s``; else None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        if match is None:
            return None
        value = match[1].replace(",", ".").upper().replace("D", "E")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _told(lookup: Lookup, width: int, height: int) -> Facts:
    """Every field of `Header` that the cards tell."""
    found: dict[str, tuple[object, str] | None] = {
        "exposure": _exposure(lookup),
        "gain": lookup.number(*GAIN),
        "offset": lookup.number(*OFFSET),
        "temperature": lookup.number(*TEMPERATURE, at_least=-273.15),
        "filter": lookup.text(*FILTER),
        "target": _target(lookup),
        "camera": lookup.text(*CAMERA),
        "telescope": lookup.text("TELESCOP"),
        "readout": lookup.text("READOUTM"),
        "date_obs": _date(lookup),
        "binning": _binning(lookup),
        "pixel_size": lookup.number(*PIXEL_SIZE, at_least=0.1),
        "focal_length": lookup.number("FOCALLEN", "FOCAL", at_least=1.0),
        "ra": _angle(lookup, ("RA", "OBJCTRA", "RA_OBJ"), "CRVAL1", "RA", 15.0, (0.0, 360.0)),
        "dec": _angle(lookup, ("DEC", "OBJCTDEC", "DEC_OBJ"), "CRVAL2", "DEC", 1.0, (-90.0, 90.0)),
        "electrons_per_adu": lookup.number(*ELECTRONS, at_least=1e-6),
        "black": lookup.number("BLACKLVL", "BLACK", at_least=0.0),
        "saturation": lookup.number(*SATURATION, at_least=1e-30),
        "bias_section": _section(lookup, ("BIASSEC",), width, height),
        "trim_section": _section(lookup, ("TRIMSEC", "DATASEC"), width, height),
        "n_combined": _combined(lookup),
        **_kind(lookup),
    }
    return {field: answer for field, answer in found.items() if answer is not None}


def kind_of_text(text: str) -> Kind | None:
    """Kind of an IMAGETYP or FRAME: "Light Frame", "MASTERFLAT", "Dark Flat", "Zero" and so on."""
    word = re.sub("[^a-z]", "", text.lower())
    if "flat" in word:
        return Kind.FLAT_DARK if "dark" in word else Kind.FLAT
    for kind, names in (
        (Kind.DARK, ("dark",)),
        (Kind.BIAS, ("bias", "zero", "offset")),
        (Kind.LIGHT, ("light", "object", "science", "tricolor")),
    ):
        if any(name in word for name in names):
            return kind
    return None


def _kind(lookup: Lookup) -> Facts:
    for keyword in KIND:
        answer = lookup.text(keyword)
        if answer and (kind := kind_of_text(answer[0])):
            found: Facts = {"kind": (kind, keyword)}
            if "master" in answer[0].lower():
                found["is_master"] = (True, keyword)
            return found
    return {}


def _exposure(lookup: Lookup) -> tuple[float, str] | None:
    """Seconds; EXPOINUS counts microseconds."""
    if answer := lookup.number(*EXPOSURE, at_least=0.0):
        return answer
    micro = lookup.number("EXPOINUS", at_least=0.0)
    return (micro[0] / 1e6, micro[1]) if micro else None


def _target(lookup: Lookup) -> tuple[str, str] | None:
    answer = lookup.text("OBJECT", "OBJNAME", "TARGET")
    return (sniff.spelled(answer[0]), answer[1]) if answer else None


def _binning(lookup: Lookup) -> tuple[tuple[int, int], str] | None:
    x = lookup.number("XBINNING", "CCDXBIN", "BINNING", at_least=1)
    y = lookup.number("YBINNING", "CCDYBIN", at_least=1)
    if x is None:
        return None
    return (int(x[0]), int((y or x)[0])), x[1]


def _combined(lookup: Lookup) -> tuple[int, str] | None:
    answer = lookup.number(*COMBINED, at_least=1)
    return (int(answer[0]), answer[1]) if answer else None


# ── orientation ───────

_PATTERN = re.compile("[RGBCMYW]{4}")


def _orientation(lookup: Lookup, height: int, pattern: bool) -> tuple[Bayer | None, bool]:
    """What the cards tell, by THE rule of `sidera.model.header`."""
    name = _pattern(lookup) if pattern else None
    x, y = (int(answer[0]) if (answer := lookup.number(*keys)) else 0 for keys in (X_OFFSET, Y_OFFSET))
    order = lookup.text("ROWORDER")
    return resolve_orientation(name, height, order[0] if order else None, x, y)


def _pattern(lookup: Lookup) -> str | None:
    """Name of the colour filter array. COLORTYP may also say RAW16 or RGB24, which are none."""
    for keyword in PATTERN:
        answer = lookup.text(keyword)
        if answer is None:
            continue
        name = answer[0].upper()
        if keyword != "COLORTYP" or _PATTERN.fullmatch(name):
            return None if name in ("TRUE", "FALSE", "T", "F") else name
    return None


# ── dates, angles, sections ───────

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?")
_OLD = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:[T ]+(.+))?")
_TIME = re.compile(
    r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?\s*(Z|UTC?|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)


def utc(date: str, time: str = "") -> str | None:
    """ISO 8601 in UTC of a date in any dialect, None where it is none.

    ``2018-09-07T22:31:45.431``, ``… 22:31:45Z``, ``…+0200``, ``07/09/98`` (day first; years 1900 to 1999, as
    the FITS standard had it until 1999). Without a time of day the date stands alone.
    """
    date, time = date.strip(), time.strip()
    if match := _ISO.fullmatch(date):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif match := _OLD.fullmatch(date):
        year = int(match[3]) + (1900 if len(match[3]) == 2 else 0)
        month, day = int(match[2]), int(match[1])
    else:
        return None
    try:
        return _with_time(datetime(year, month, day), match[4] or time)
    except (ValueError, OverflowError):
        return None


def _with_time(day: datetime, time: str) -> str | None:
    if day.year < 1900:  # 0000-00-00 and 0001-01-01 mean a clock that was never set
        return None
    if not (match := _TIME.fullmatch(time.strip())):
        return day.date().isoformat()
    hours, minutes, seconds, fraction, zone = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    parts = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0), microseconds=micro)
    return (day + parts - _zone(zone)).isoformat()


def _zone(text: str | None) -> timedelta:
    """Offset from UTC that a suffix names."""
    if not text or text.upper() in ("Z", "UT", "UTC"):
        return timedelta()
    sign = -1 if text[0] == "-" else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))


_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("DATE-OBS", ("TIME-OBS", "UT", "UTC-OBS", "UTSTART", "TIME")),
    ("DATE-BEG", ()),
    ("DATE-STA", ()),
    ("DATE_OBS", ("TIME_OBS",)),
)


def _date(lookup: Lookup) -> tuple[str, str] | None:
    """Start of the exposure. DATE, when the file was written, is better than a file's name in local time."""
    for keyword, times in _DATES:
        date, time = lookup.text(keyword), lookup.text(*times)
        if date and (found := utc(date[0], time[0] if time else "")):
            return found, keyword
    if day := lookup.number("MJD-OBS", at_least=15020):  # 1900-01-01
        return _from_mjd(day[0]), day[1]
    date = lookup.text("DATE")
    if date and (found := utc(date[0])):
        return found, "DATE"
    return None


def _from_mjd(day: float) -> str:
    start = datetime(1858, 11, 17)
    moment = start + timedelta(seconds=round(min(day, 2e6) * 86400, 3))
    return moment.isoformat(timespec="milliseconds")


_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[\s:hd°]+(\d{1,2})(?:[\s:m']+(\d{1,2}(?:\.\d*)?)\s*[s\"]?)?")


def sexagesimal(text: str) -> float | None:
    """``-12 30 36.5`` as -12.51013…; None where it is no such thing."""
    match = _SEXAGESIMAL.fullmatch(text.strip())
    if match is None:
        return None
    value = int(match[2]) + int(match[3]) / 60 + float(match[4] or 0) / 3600
    return -value if match[1] == "-" else value


def _angle(
    lookup: Lookup, names: Sequence[str], axis: str, of: str, hour: float, limits: tuple[float, float]
) -> tuple[float, str] | None:
    """Degrees. Numbers are degrees already; text is sexagesimal, in hours where ``hour`` is 15."""
    candidates: list[tuple[float | None, str]] = []
    for name in names:
        value = lookup.raw(name)
        parts = sexagesimal(value) if isinstance(value, str) else None
        candidates.append((as_number(value) if parts is None else parts * hour, name))
    kind = str(lookup.raw(axis.replace("CRVAL", "CTYPE")) or of).upper()
    if kind.startswith(of):
        candidates.append((as_number(lookup.raw(axis)), axis))
    for angle, name in candidates:
        if angle is not None and limits[0] <= angle <= limits[1]:
            return angle, name
    return None


_SECTION = re.compile(r"\[?\s*(\d{1,9})\s*:\s*(\d{1,9})\s*,\s*(\d{1,9})\s*:\s*(\d{1,9})\s*\]?")


def section(text: str, width: int, height: int) -> tuple[int, int, int, int] | None:
    """``[1:50,1:4096]`` (columns first, from 1, ends included) as half-open (top, bottom, left, right).

    None where it is no section, or none of this image.
    """
    match = _SECTION.fullmatch(text.strip())
    if match is None:
        return None
    left, right = sorted((int(match[1]), int(match[2])))
    top, bottom = sorted((int(match[3]), int(match[4])))
    if left < 1 or top < 1 or right > width or bottom > height:
        return None
    return top - 1, bottom, left - 1, right


def _section(
    lookup: Lookup, names: Sequence[str], width: int, height: int
) -> tuple[tuple[int, int, int, int], str] | None:
    for name in names:
        text = lookup.text(name)
        if text and (found := section(text[0], width, height)):
            return found, name
    return None
