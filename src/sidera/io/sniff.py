"""What kind of file it is, and what its name and folders tell where the header is silent. Strings only."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sidera.errors import FrameError, Refusal
from sidera.model.header import Kind

FITS_SUFFIXES = (
    ".fit", ".fits", ".fts", ".fz", ".fit.fz", ".fits.fz", ".fit.gz", ".fits.gz", ".fts.gz",
    ".fit.z", ".fits.z",
)  # fmt: skip
RAW_SUFFIXES = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".orf", ".rw2", ".pef",
    ".srw", ".x3f", ".3fr", ".iiq", ".mrw", ".erf", ".kdc", ".dcr", ".mos",
)  # fmt: skip
SUFFIXES = (*FITS_SUFFIXES, ".xisf", ".ser", *RAW_SUFFIXES, ".tif", ".tiff", ".png", ".jpg", ".jpeg")
"""Endings, lower case, of the files that a folder scan considers; see `is_candidate`."""

FOLDERS = 3
"""Folders above a file whose names count; the home folder's name is nobody's target."""

Facts = dict[str, tuple[object, str]]
"""Field of `Header` to its value and what told it."""

CURE = "Sidera reads FITS, XISF, SER, camera RAW, TIFF, PNG and JPEG"


def is_candidate(path: Path) -> bool:
    """Whether a folder scan should look at a file of this name; hidden files are left alone."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


# ── what kind of file ───────


def file_format(path: Path) -> str:
    """Format by first bytes: "FITS", "SER", "XISF", "RAW", "TIFF", "PNG", "JPEG"; the suffix decides ties.

    Raises
    ------
    FrameError
        For an empty file, an archive, a header without pixels, or a format that is not known.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise FrameError(Refusal.UNREADABLE, "the file is empty", "Copy it again from the camera's computer")
    return format_of(head, path.name.lower())


_MAGIC = (
    (b"LUCAM-RECORDER", "SER"),
    (b"XISF0100", "XISF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\0", "RAW"),
    (b"FOVb", "RAW"),
    (b"\0MRM", "RAW"),
    (b"II\x1a\0\0\0HEAPCCDR", "RAW"),
)
_ARCHIVES = (
    (b"\x1f\x9d", "compressed by Unix compress (.Z)", "uncompress"),
    (b"BZh", "compressed by bzip2", "bunzip2"),
    (b"\xfd7zXZ", "compressed by xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "unzstd"),
    (b"PK\x03\x04", "a ZIP archive", "unzip"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "7z x"),
    (b"Rar!", "a RAR archive", "unrar"),
)


def format_of(head: bytes, name: str = "") -> str:
    """As `file_format`, from a file's first bytes and its name in lower case."""
    for magic, form in _MAGIC:
        if head.startswith(magic):
            return form
    for magic, what, tool in _ARCHIVES:
        if head.startswith(magic):
            raise FrameError(Refusal.UNREADABLE, f"is {what}", f"Unpack it first, with {tool}")
    if head.startswith(b"\x1f\x8b"):
        return _gzipped(head)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff_or_raw(head, name)
    if head[4:8] == b"ftyp":
        return _boxed(head)
    return _fits_or_unknown(head, name)


def _gzipped(head: bytes) -> str:
    try:
        inside = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 80)
    except zlib.error as error:
        raise FrameError(Refusal.UNREADABLE, f"is a broken gzip file ({error})", "Copy it again") from error
    if inside[:6].upper() == b"SIMPLE":
        return "FITS"
    raise FrameError(
        Refusal.NOT_AN_IMAGE, "is a gzip file that holds no FITS file", "Unpack it first, with gunzip"
    )


_DNG_VERSION = 50706


def _tiff_or_raw(head: bytes, name: str) -> str:
    """Most RAW formats are TIFF inside: DNG says so in a tag, CR2 behind its magic, others by suffix."""
    if head[8:10] == b"CR" or name.endswith(RAW_SUFFIXES) or _DNG_VERSION in _tags(head):
        return "RAW"
    return "TIFF"


def _tags(head: bytes) -> list[int]:
    """Tags of the first TIFF directory, as far as the first bytes of the file hold it."""
    order = "little" if head[:2] == b"II" else "big"

    def number(place: int, size: int) -> int:
        return int.from_bytes(head[place : place + size], "little" if order == "little" else "big")

    start = number(4, 4)
    return [number(start + 2 + 12 * entry, 2) for entry in range(min(number(start, 2), 200))]


def _boxed(head: bytes) -> str:
    brand = head[8:12]
    if brand == b"crx ":
        return "RAW"
    if brand in (b"heic", b"heix", b"mif1", b"avif"):
        raise FrameError(
            Refusal.UNREADABLE, "is a HEIF picture", "Set the camera to RAW, or export it as TIFF"
        )
    raise FrameError(
        Refusal.NOT_AN_IMAGE, "is a film (MP4 or MOV)", "Convert it to SER; camera films stack badly"
    )


_CARD = re.compile(rb"[A-Z0-9_-]{1,8} *=")


def _fits_or_unknown(head: bytes, name: str) -> str:
    first = head[:80].upper()
    text = first.startswith((b"SIMPLE", b"XTENSION")) or _CARD.match(first)
    if text and (b"\n" in first or not first.startswith((b"SIMPLE", b"XTENSION"))):
        what = "is a FITS header as text, without pixels"
        raise FrameError(Refusal.NOT_AN_IMAGE, what, "Give the FITS file that the header came from")
    if text:
        return "FITS"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        raise FrameError(Refusal.NOT_AN_IMAGE, "is a film (AVI)", "Convert it to SER")
    if name.endswith(RAW_SUFFIXES):
        return "RAW"
    suffix = Path(name).suffix
    named = (
        f"is named {suffix}, but does not begin like one"
        if name.endswith(SUFFIXES)
        else "is of no known format"
    )
    raise FrameError(Refusal.UNREADABLE, named, CURE)


# ── what names tell ───────


def facts(path: Path) -> Facts:
    """All that the file's name tells, then its folders', nearest first. What is nearer is not overruled."""
    found: Facts = {}
    names = [(path.name, "file name", True)]
    names += [(folder.name, f"folder name {folder.name}", False) for folder in list(path.parents)[:FOLDERS]]
    for name, source, is_file in names:
        for field, value in _told(name, is_file).items():
            found.setdefault(field, (value, source))
    if found.get("kind", (Kind.LIGHT, ""))[0] is not Kind.LIGHT:
        found.pop("target", None)  # a flat in the folder "M 31" is a picture of a panel
    return found


_MASTER_FILE = re.compile(r"(?<![a-z])master")
_MASTER_FOLDER = re.compile(
    r"^masters?([ _-]?(lights?|darks?|flats?|bias(es)?|flat[ _-]?darks?|frames?|calibration))?$"
)
"""The whole name: lights in the folder "Masterclass" are no masters."""


def _told(name: str, is_file: bool) -> dict[str, object]:
    stem = _without_suffix(name) if is_file else name
    readers: dict[str, Callable[[str], object]] = {
        "kind": lambda text: kind_of_name(text, is_file),
        "is_master": lambda text: (
            bool((_MASTER_FILE if is_file else _MASTER_FOLDER).search(text.lower())) or None
        ),
        "filter": filter_of_name,
        "exposure": exposure_of_name,
        "temperature": temperature_of_name,
        "gain": gain_of_name,
        "binning": binning_of_name,
        "date_obs": date_of_name,
        "target": target_of_name,
    }
    told = {field: read(stem) for field, read in readers.items()}
    return {field: value for field, value in told.items() if value is not None}


def _without_suffix(name: str) -> str:
    """The name without its endings; a dot in ``Image_Arp.145`` or ``10.0s`` is none."""
    lower = name.lower()
    ends = [len(ending) for ending in SUFFIXES if lower.endswith(ending)]
    return name[: -max(ends)] if ends else name


@dataclass(frozen=True)
class _Word:
    kind: Kind
    pattern: re.Pattern[str]


_NEBULAE = r"(?![ _.-]*(?:nebula|neb|shark|wolf|horse|tower|doodad|cloud|matter|sky))"
_END = r"(?:[ _-]?frames?)?(?![a-z])"
_START = r"(?:(?<![a-z])|(?<=master)|(?<=super))m?"
_WORDS = (
    _Word(Kind.FLAT_DARK, re.compile(_START + r"(?:flats?[ _.-]*darks?|darks?[ _.-]*flats?)" + _END)),
    _Word(Kind.LIGHT, re.compile(_START + r"(?:lights?|subs)" + _END)),
    _Word(Kind.DARK, re.compile(_START + r"darks?" + _NEBULAE + _END)),
    _Word(Kind.FLAT, re.compile(_START + r"(?:sky|dome|twilight)?[ _-]?flats?(?:[ _-]?field)?" + _END)),
    _Word(Kind.BIAS, re.compile(_START + r"bias(?:es)?" + _END)),
)
# "gain100_offset10" is a setting: these words mean bias alone in a folder's name, or first in a file's.
_WHOLE_FOLDER = re.compile(r"(?:master[ _-]?)?(?:offsets?|zeros?)")
_FIRST_IN_FILE = re.compile(r"(?:master[ _-]?)?(?:offset|zero)(?![a-z])[ _-]?(?:frame)?")


def kind_of_name(name: str, is_file: bool = True) -> Kind | None:
    """Light, dark, flat, bias or flat-dark, if a file's or folder's name says so; the first word counts."""
    text = name.lower()
    hits = [
        (match.start(), place) for place, word in enumerate(_WORDS) if (match := word.pattern.search(text))
    ]
    if hits:
        return _WORDS[min(hits)[1]].kind
    alone = _FIRST_IN_FILE.match(text) if is_file else _WHOLE_FOLDER.fullmatch(text)
    return Kind.BIAS if alone else None


_FILTERS = {
    r"L|Lum|Luminance|lum|luminance": "L",
    r"R|Red|red": "R",
    r"G|Green|green": "G",
    r"B|Blue|blue": "B",
    r"(?i:h[-_ ]?(?:a|alpha))": "Ha",
    r"(?i:h[-_ ]?(?:b|beta))": "Hb",
    r"(?i:o(?:iii|3))": "OIII",
    r"(?i:s(?:ii|2))": "SII",
    r"(?i:n(?:ii|2))": "NII",
    r"(?i:ir[-_ ]?cut)": "IRCUT",
    r"(?i:uv[-_ ]?ir(?:[-_ ]?cut)?)": "UVIR",
    r"LP|CLS|UHC": "",
    r"(?i:l[-_]?e(?:xtreme|nhance)|l[-_]?ultimate|l[-_]?pro)": "",
    r"Clear|clear": "Clear",
    r"(?i:dual?[-_ ]?band|tri[-_ ]?band|quad[-_ ]?band)": "",
}
_FILTER = [(re.compile(rf"(?:^|[_\-])({pattern})(?=$|[_\-])"), name) for pattern, name in _FILTERS.items()]


def filter_of_name(name: str) -> str | None:
    """Filter, where a whole part of the name (between underscores or hyphens) is one; the first, and the longest."""
    hits = [
        (match.start(), -len(match[0]), canonical or match[1])
        for pattern, canonical in _FILTER
        if (match := pattern.search(name))
    ]
    return min(hits)[2] if hits else None


_EXPOSURE = re.compile(
    r"(?<![\d.,-])(\d+(?:[.,]\d+)?)(?:(us|ms|s|min)|[ _]?(sec|secs|seconds))(?![a-z0-9])", re.IGNORECASE
)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "min": 60.0}


def exposure_of_name(name: str) -> float | None:
    """Exposure in seconds: ``10.0s``, ``15000ms``, ``100sec``, ``300_secs``, ``5min``."""
    match = _EXPOSURE.search(name)
    if match is None:
        return None
    unit = (match[2] or "s").lower()
    return round(float(match[1].replace(",", ".")) * _SECONDS.get(unit, 1.0), 9)


_TEMPERATURE = re.compile(r"(?:^|[_ ])(-?\d{1,2}(?:[.,]\d+)?) ?°?[Cc](?=$|[_ .\-])")
_BARE_TEMPERATURE = re.compile(r"_(-?\d{1,2}\.\d{1,2})_\d+\.\d+s(?=$|_)")


def temperature_of_name(name: str) -> float | None:
    """Sensor temperature in °C: ``-10.0C``, or bare before the exposure (``_-10.00_300.00s_``)."""
    match = _TEMPERATURE.search(name) or _BARE_TEMPERATURE.search(name)
    return float(match[1].replace(",", ".")) if match else None


def gain_of_name(name: str) -> float | None:
    """Gain setting or ISO: ``gain100``, ``ISO800``."""
    match = re.search(r"(?<![a-z])(?:gain|iso)[ _-]?(\d{1,6})(?!\d)", name.lower())
    return float(match[1]) if match else None


def binning_of_name(name: str) -> tuple[int, int] | None:
    """Binning: ``Bin2``, ``bin1x1``, ``2x2``."""
    match = re.search(
        r"(?<![a-z])bin[ _-]?([1-8])(?:x([1-8]))?(?!\d)|(?<![a-z0-9])([1-8])x([1-8])(?![a-z0-9])",
        name.lower(),
    )
    if match is None:
        return None
    x = int(match[1] or match[3])
    return x, int(match[2] or match[4] or x)


_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-._]?)(\d\d)\2(\d\d)"
    r"(?:[T_\- ]{1,2}(\d\d)([-._:h]?)(\d\d)\6(\d\d)(\.\d{1,6}(?=$|[_Z]))?)?(?!\d)"
)


def date_of_name(name: str) -> str | None:
    """Date and time as the name has them, in ISO 8601 (most programs name files by local time)."""
    for match in _DATE.finditer(name):
        year, _, month, day, hour, _, minute, second, fraction = match.groups()
        try:
            datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        except ValueError:
            continue  # eight digits that are no date
        date = f"{year}-{month}-{day}"
        return f"{date}T{hour}:{minute}:{second}{fraction or ''}" if hour else date
    return None


_CATALOGUES = {
    "m": "M ", "messier": "M ", "ngc": "NGC ", "ic": "IC ", "arp": "Arp ", "sh2": "Sh2-", "sh 2": "Sh2-",
    "ldn": "LDN ", "lbn": "LBN ", "vdb": "vdB ", "abell": "Abell ", "barnard": "Barnard ",
    "caldwell": "Caldwell ", "ugc": "UGC ", "pgc": "PGC ", "hcg": "HCG ", "mel": "Mel ", "melotte": "Mel ",
    "cr": "Cr ", "collinder": "Cr ", "ced": "Ced ", "rcw": "RCW ", "gum": "Gum ",
}  # fmt: skip
_OBJECT = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})"
    r"[ ._-]?(\d{1,6})(?![0-9a-z])(?!\.\d)",
    re.IGNORECASE,
)
_LIGHT_OF = re.compile(r"lights?[_ -]+(.+?)[_ -]+\d+(?:[.,]\d+)?(?:ms|s|sec|secs)(?=$|[_ -])", re.IGNORECASE)
_NO_TARGETS = {"asiimg", "fov", "frame", "image", "img", "capture", "unknown", "bin1", "bin2"}


def catalogue_name(name: str) -> str | None:
    """Catalogue number anywhere in a name, in one spelling: "M31", "m_31" and "Messier 31" are "M 31"."""
    for match in _OBJECT.finditer(name):
        number = int(match[2])
        letter = match[1].lower()
        if number and (letter != "m" or number <= 110):
            return f"{_CATALOGUES[letter]}{number}"
    return None


def target_of_name(name: str) -> str | None:
    """A catalogue's object, or what stands between "Light" and the exposure."""
    if found := catalogue_name(name):
        return found
    match = _LIGHT_OF.match(name)
    if match is None:
        return None
    text = match[1].strip()
    known = filter_of_name(text) or kind_of_name(text) or text.lower() in _NO_TARGETS
    return None if known or not re.search("[A-Za-z]{2}", text) else text


def spelled(target: str) -> str:
    """A header's OBJECT: in the catalogue's one spelling where it is nothing but a number of it."""
    match = _OBJECT.fullmatch(target.strip())
    return (catalogue_name(target) or target.strip()) if match else target.strip()
