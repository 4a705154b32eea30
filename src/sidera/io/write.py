"""The door out: results, frames and masters onto disk, whole or not at all."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from sidera.errors import UsageError
from sidera.io.about import About, about
from sidera.io.atomic import atomic_write, write_text
from sidera.io.fits_writer import STRUCTURE, Unit, fits_cards, size_of, table, write_units
from sidera.io.icc import srgb_profile
from sidera.io.xisf_writer import Compression, write_xisf
from sidera.loading import loading
from sidera.model.frame import Frame
from sidera.model.header import Bayer, Card, Header, Kind
from sidera.model.masters import Master
from sidera.model.picture import ROWS, Picture, Strips
from sidera.model.stack import Stack
from sidera.types import U8, U16

__all__ = ["atomic_write", "write", "write_text"]

Item = Stack | Picture | Strips | Frame | Master
Format = Literal["fits", "xisf", "tiff", "png", "jpeg"]

EXTENSIONS: dict[str, Format] = {
    ".fits": "fits",
    ".fit": "fits",
    ".fts": "fits",
    ".xisf": "xisf",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
MOSAIC = re.compile(r"BAYERPAT|BAYERPATTERN|CFAPATT|COLORTYP|[XY]BAYROFF|BAYOFF[XY]|ROWORDER")
"""Colour filters and row order, which are written anew in one dialect."""
SECTIONS = re.compile("BIASSEC|TRIMSEC|DATASEC|CCDSEC|DETSEC|AMPSEC")
"""Places on the sensor, which mean nothing on the stack's grid."""
PLACES = re.compile(r"BAYERPAT|CTYPE\d|CRVAL\d|CRPIX\d|CDELT\d|CROTA\d|CD\d_\d|PC\d_\d|[AB]P?_(ORDER|\d_\d)")
"""Colour filters and world coordinates, which are false once the rows are turned."""
MASTER_KINDS = {
    Kind.BIAS: "Master Bias",
    Kind.DARK: "Master Dark",
    Kind.FLAT: "Master Flat",
    Kind.FLAT_DARK: "Master Flat Dark",
}
NO_BIAS, KEY = "SD_NOBIA", "SD_KEY"
"""Our keywords in masters: whether the bias is removed, and the content key."""


def write(
    path: Path | str,
    item: Item,
    *,
    format: Format | None = None,
    bits: Literal[8, 16, 32] | None = None,
    limits: tuple[float, float] | None = None,
    compression: Compression = "none",
    quality: int = 92,
) -> tuple[float, float]:
    """Write a result atomically: FITS, XISF, TIFF, PNG or JPEG.

    Parameters
    ----------
    path : Path or str
        Where to; its extension names the format.
    item : Stack, Picture, Strips, Frame or Master
        FITS takes the linear ones with all that is known of them, XISF the image and cards of any but a master,
        TIFF, PNG and JPEG the image of any but a master. FITS and XISF keep the rows' order and say which
        end is up; the others have the top row first.
    format : {"fits", "xisf", "tiff", "png", "jpeg"}, optional
        For a name without extension.
    bits : {8, 16, 32}, optional
        Of a TIFF (16 for a picture, else 32, which is float) or PNG (8 or 16; 8 by default). FITS and XISF have
        32, JPEG has 8.
    limits : pair of float, optional
        Linear values that become black and white, for 8 and 16 bits.
    compression : {"none", "zlib", "lz4", "zstd"}
        Of XISF.
    quality : int
        Of JPEG, 1 to 100.

    Returns
    -------
    pair of float
        Shares of the known samples that were clipped to black and to white, for a picture by its stretch.

    Raises
    ------
    UsageError
        For a format that is not known, contradicts the name or cannot hold the item.
    UnwritableError, DiskFullError
        As `atomic_write`.
    """
    path = Path(path)
    form = format_of(path, format)
    _check_bits(form, bits)
    if isinstance(item, Strips) and (form in ("fits", "xisf") or bits == 32):
        item = item.whole()  # as many bytes on disk as in memory: there is nothing to save
    if form == "fits":
        _write_fits(path, item)
    elif form == "xisf":
        _write_xisf(path, item, compression)
    elif form == "tiff":
        return _write_tiff(path, item, bits or (16 if isinstance(item, Picture | Strips) else 32), limits)
    else:
        return _write_small(path, item, form, bits or 8, limits, quality)
    return item.clipped if isinstance(item, Picture | Strips) else (0.0, 0.0)


BITS: dict[Format, tuple[int, ...]] = {
    "fits": (32,),
    "xisf": (32,),
    "tiff": (8, 16, 32),
    "png": (8, 16),
    "jpeg": (8,),
}
"""Bits of a sample that each format is written with; 32 is float."""


def _check_bits(form: Format, bits: int | None) -> None:
    if bits is not None and bits not in BITS[form]:
        have = " or ".join(map(str, BITS[form]))
        more = "" if form == "tiff" else "; TIFF has 8, 16 and 32"
        raise UsageError(f"{form.upper()} is not written with {bits} bits", f"Give {have}{more}")


def format_of(path: Path | str, format: Format | None = None) -> Format:
    """The format that a file's name asks for.

    Raises
    ------
    UsageError
        When the name has no known extension, or contradicts ``format``.
    """
    path = Path(path)
    named = EXTENSIONS.get(path.suffix.lower())
    if format is not None and format not in EXTENSIONS.values():
        raise UsageError(f"format {format!r} is not known", "Give fits, xisf, tiff, png or jpeg")
    if format is not None and named not in (None, format):
        raise UsageError(
            f"{path.name} is named as {str(named).upper()}, yet to be written as {format.upper()}",
            "Give the file another ending, or leave the format out",
        )
    chosen = format or named
    if chosen is None:
        raise UsageError(f"{path.name} names no format", f"Let the name end in {', '.join(EXTENSIONS)}")
    return chosen


# FITS


def _write_fits(path: Path, item: Item) -> None:
    """All that is known of the item."""
    if isinstance(item, Stack):
        units = stack_units(item)
    elif isinstance(item, Master):
        units = master_units(item)
    elif isinstance(item, Frame):
        units = [Unit(item.image, frame_cards(item.header))]
    else:
        raise UsageError(
            "a stretched picture is not FITS's business",
            "Write it as TIFF, PNG, JPEG or XISF, or the stack linear",
        )
    with atomic_write(path, size_of(units)) as stream:
        write_units(stream, units)


def stack_units(stack: Stack) -> list[Unit]:
    """The HDUs of a stack: image, maps, halves, and the tables of frames and of star colours."""
    units = [
        Unit(stack.image, stack_cards(stack)),
        Unit(stack.noise, (Card("BUNIT", "adu"),), "NOISE"),
        Unit(stack.weight, (), "WEIGHT"),
        Unit(stack.coverage, (), "COVERAGE"),
        Unit(stack.rejected_low, (), "REJLOW"),
        Unit(stack.rejected_high, (), "REJHIGH"),
    ]
    if stack.halves is not None:
        odd, even = stack.halves
        units += [Unit(odd, (), "HALF_ODD"), Unit(even, (), "HALF_EVEN")]
    if stack.table:
        units.append(Unit(table(stack.table), (), "FRAMES"))
    if stack.star_colours:
        units.append(Unit(table(stack.star_colours), (), "STARS"))
    return units


def stack_cards(stack: Stack) -> list[Card]:
    """The cards carried over, without what described the raw frames' pixels, and the stack's own."""
    kept = [
        card
        for card in stack.cards
        if not (MOSAIC.fullmatch(card.keyword) or SECTIONS.fullmatch(card.keyword))
    ]
    history = [Card("HISTORY", line) for line in stack.history]
    return [*kept, _row_order(stack.bottom_up), *history]


def frame_cards(header: Header) -> list[Card]:
    """A frame's own cards, with its orientation in one dialect."""
    kept = [card for card in header.cards if not MOSAIC.fullmatch(card.keyword)]
    return [*kept, *_mosaic(header)]


def master_units(master: Master) -> list[Unit]:
    """The HDUs of a master: image and variance."""
    return [Unit(master.image, master_cards(master)), Unit(master.variance, (), "VARIANCE")]


def master_cards(master: Master) -> list[Card]:
    """What a master must tell to find the lights that it serves."""
    header = master.header
    told: list[tuple[str, str | int | float | bool | None, str]] = [
        ("IMAGETYP", MASTER_KINDS.get(master.kind, "Master"), "kind of frame"),
        ("NCOMBINE", header.n_combined, "frames combined"),
        ("EXPTIME", header.exposure, "[s] exposure of each"),
        ("GAIN", header.gain, "camera's gain setting"),
        ("OFFSET", header.offset, "camera's offset setting"),
        ("CCD-TEMP", header.temperature, "[deg C] sensor"),
        ("FILTER", header.filter, "filter"),
        ("INSTRUME", header.camera, "camera"),
        ("TELESCOP", header.telescope, "telescope"),
        ("READOUTM", header.readout, "readout mode"),
        ("DATE-OBS", header.date_obs, "UTC, start of the first"),
        ("XBINNING", header.binning[0], ""),
        ("YBINNING", header.binning[1], ""),
        ("EGAIN", header.electrons_per_adu, "electrons per ADU"),
        ("SATURATE", header.saturation, "[adu] saturation"),
        (NO_BIAS, master.bias_removed, "the bias is removed"),
        (KEY, master.key or None, "content key"),
    ]
    cards = [Card(keyword, value, comment) for keyword, value, comment in told if value is not None]
    return cards + _mosaic(header)


def _mosaic(header: Header) -> list[Card]:
    """Row order and pattern; with BOTTOM-UP the pattern names the last stored row (`resolve_orientation`)."""
    cards = [_row_order(header.bottom_up)]
    if header.bayer is not None:
        pattern: Bayer = header.bayer.shifted(header.height - 1 if header.bottom_up else 0, 0)
        cards.append(Card("BAYERPAT", pattern.value, "colour filters of the top left pixel"))
    return cards


def _row_order(bottom_up: bool) -> Card:
    return Card("ROWORDER", "BOTTOM-UP" if bottom_up else "TOP-DOWN", "which end the first row is")


# XISF


def _write_xisf(path: Path, item: Item, compression: Compression) -> None:
    """Image and cards."""
    if isinstance(item, Stack):
        cards, bayer = stack_cards(item), None
    elif isinstance(item, Frame):
        cards, bayer = frame_cards(item.header), item.header.bayer
    elif isinstance(item, Picture):
        cards, bayer = [*picture_cards(item), _row_order(False)], None
    else:
        raise UsageError(
            f"a {type(item).__name__.lower()} is not written as XISF", "Write it as FITS, TIFF or PNG"
        )
    kept = [card for card in cards if not STRUCTURE.fullmatch(card.keyword)]
    with atomic_write(path, item.image.nbytes) as stream:
        bounds = (0.0, 1.0) if isinstance(item, Picture) else None
        write_xisf(stream, item.image, kept, bayer=bayer, bounds=bounds, compression=compression)


# Pictures


def _write_tiff(path: Path, item: Item, bits: int, limits: tuple[float, float] | None) -> tuple[float, float]:
    """Uncompressed, so that others can read windows of it; the cards go into the description (ASTRO-TIFF)."""
    with loading:
        import tifffile  # few runs write one, and all would wait for it

    source, cards = _top_first(item)
    values, clipped = (source.rows(0, source.shape[-2]), (0.0, 0.0)) if bits == 32 else _integers(
        item, source, bits, limits
    )  # fmt: skip
    pixels = np.moveaxis(values, 0, 2) if values.ndim == 3 else values
    with atomic_write(path, values.nbytes) as stream:
        tifffile.imwrite(
            stream,
            pixels,
            photometric="rgb" if pixels.ndim == 3 else "minisblack",
            planarconfig="contig" if pixels.ndim == 3 else None,
            description=_description(cards),
            metadata=None,
            software=About().software,
            iccprofile=srgb_profile(pixels.ndim == 2) if isinstance(item, Picture | Strips) else None,
        )
    return item.clipped if isinstance(item, Picture | Strips) else clipped


def _write_small(
    path: Path, item: Item, form: Format, bits: int, limits: tuple[float, float] | None, quality: int
) -> tuple[float, float]:
    """PNG of 8 or 16 bits, or JPEG, tagged as sRGB."""
    with loading:
        from sidera.io.jpeg import write_jpeg  # both load Pillow, which a run need not wait for
        from sidera.io.png import write_png

    source, cards = _top_first(item)
    values, clipped = _integers(item, source, bits, limits)
    told = about(cards, *((item.stretch, item.history) if isinstance(item, Picture | Strips) else ()))
    with atomic_write(path, values.nbytes) as stream:
        if form == "png":
            write_png(stream, values, told)
        else:
            write_jpeg(stream, values.astype(np.uint8, copy=False), told, quality)
    return item.clipped if isinstance(item, Picture | Strips) else clipped


def picture_cards(picture: Picture | Strips) -> list[Card]:
    """A picture's cards, the stretch in a line, and its history."""
    told = [Card("STRETCH", picture.stretch), *(Card("HISTORY", line) for line in picture.history)]
    dropped = ("STRETCH", "ROWORDER", "HISTORY")
    return [*(card for card in picture.cards if card.keyword not in dropped), *told]


def _top_first(item: Item) -> tuple[Picture | Strips, Sequence[Card]]:
    """The image with the top row first, and its cards."""
    if isinstance(item, Picture | Strips):
        return item, picture_cards(item)
    if isinstance(item, Master):
        raise UsageError("a master is not a picture", "Write it as FITS, which keeps what it serves")
    if isinstance(item, Stack):
        bottom_up, cards = item.bottom_up, stack_cards(item)
    else:
        bottom_up, cards = item.header.bottom_up, frame_cards(item.header)
    cards = [card for card in cards if card.keyword != "ROWORDER"]
    if not bottom_up:
        return Picture(item.image), cards
    return Picture(item.image[..., ::-1, :]), [card for card in cards if not PLACES.fullmatch(card.keyword)]


def _integers(
    item: Item, source: Picture | Strips, bits: int, limits: tuple[float, float] | None
) -> tuple[U8 | U16, tuple[float, float]]:
    """Values from 0 to the greatest of so many bits, NaN as 0; and the shares that were clipped.

    A view of an array that has the channels last, as all of these formats store them.
    """
    if limits is None and not isinstance(item, Picture | Strips):
        cure = "Stretch it first, give the values of black and white, or write 32-bit TIFF"
        raise UsageError(f"linear values do not fit into {bits} bits by themselves", cure)
    low, high = limits or (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(
            f"black at {low} and white at {high} leave no range", "Give two numbers, the smaller first"
        )
    top = 2**bits - 1
    height, width = source.shape[-2:]
    channels = (source.shape[0],) if len(source.shape) == 3 else ()
    stored: U8 | U16 = np.empty((height, width, *channels), np.uint8 if bits == 8 else np.uint16)
    values = np.moveaxis(stored, 2, 0) if channels else stored
    dark, bright, known = 0, 0, 0
    for row in range(0, height, ROWS):
        x = source.rows(row, min(row + ROWS, height)) - np.float32(low)
        x *= np.float32(top / (high - low))
        np.rint(x, out=x)
        dark += int(np.count_nonzero(x < 0))
        bright += int(np.count_nonzero(x > top))
        known += int(np.count_nonzero(x == x))
        np.clip(x, 0, top, out=x)
        np.copyto(x, np.float32(0), where=np.isnan(x))
        values[..., row : row + ROWS, :] = x
    return values, (dark / max(known, 1), bright / max(known, 1))


def _description(cards: Sequence[Card]) -> str:
    """Cards as lines of a FITS header."""
    return "\n".join(str(card).rstrip() for card in fits_cards(cards)) + "\nEND"
