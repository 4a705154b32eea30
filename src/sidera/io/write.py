"""The door out: results, frames and masters onto disk, whole or not at all."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile

from sidera.errors import UsageError
from sidera.io.atomic import atomic_write, write_text
from sidera.io.fits_writer import STRUCTURE, Unit, ascii_text, fits_cards, size_of, table, write_units
from sidera.io.png import write_png
from sidera.io.xisf_writer import Compression, write_xisf
from sidera.model.frame import Frame
from sidera.model.header import Bayer, Card, Header, Kind
from sidera.model.masters import Master
from sidera.model.picture import Picture
from sidera.model.stack import Stack
from sidera.types import F32, U8, U16

__all__ = ["atomic_write", "write", "write_text"]

Item = Stack | Picture | Frame | Master
Format = Literal["fits", "xisf", "tiff", "png"]

EXTENSIONS: dict[str, Format] = {
    ".fits": "fits",
    ".fit": "fits",
    ".fts": "fits",
    ".xisf": "xisf",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
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
) -> None:
    """Write a result atomically: FITS, XISF, TIFF or PNG.

    Parameters
    ----------
    path : Path or str
        Where to; its extension names the format.
    item : Stack, Picture, Frame or Master
        FITS takes the linear ones with all that is known of them, XISF the image and cards of a stack or
        frame, TIFF and PNG the image of any but a master. FITS and XISF keep the rows' order and say which
        end is up; TIFF and PNG have the top row first.
    format : {"fits", "xisf", "tiff", "png"}, optional
        For a name without extension.
    bits : {8, 16, 32}, optional
        Of a TIFF (16 for a picture, else 32, which is float) or PNG (8 or 16; 8 by default).
    limits : pair of float, optional
        Linear values that become black and white, for 8 and 16 bits.
    compression : {"none", "zlib", "lz4", "zstd"}
        Of XISF.

    Raises
    ------
    UsageError
        For a format that is not known, contradicts the name or cannot hold the item.
    UnwritableError, DiskFullError
        As `atomic_write`.
    """
    path = Path(path)
    form = format_of(path, format)
    if form == "fits":
        _write_fits(path, item)
    elif form == "xisf":
        _write_xisf(path, item, compression)
    elif form == "tiff":
        _write_tiff(path, item, bits or (16 if isinstance(item, Picture) else 32), limits)
    else:
        _write_png(path, item, bits or 8, limits)


def format_of(path: Path, format: Format | None = None) -> Format:
    """The format that a file's name asks for.

    Raises
    ------
    UsageError
        When the name has no known extension, or contradicts ``format``.
    """
    named = EXTENSIONS.get(path.suffix.lower())
    if format is not None and format not in EXTENSIONS.values():
        raise UsageError(f"format {format!r} is not known", "Give fits, xisf, tiff or png")
    if format is not None and named not in (None, format):
        raise UsageError(
            f"{path.name} is to be written as {format.upper()}", "Give one of the two another name"
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
        cards = master_cards(item)
        units = [Unit(item.image, cards), Unit(item.variance, (), "VARIANCE")]
    elif isinstance(item, Frame):
        units = [Unit(item.image, frame_cards(item.header))]
    else:
        raise UsageError(
            "a stretched picture is not FITS's business", "Write it as TIFF or PNG, or write the stack"
        )
    with atomic_write(path, size_of(units)) as stream:
        write_units(stream, units)


def stack_units(stack: Stack) -> list[Unit]:
    """The HDUs of a stack: image, maps, halves, and the table of frames."""
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
    else:
        raise UsageError(
            f"a {type(item).__name__.lower()} is not written as XISF", "Write it as FITS, TIFF or PNG"
        )
    kept = [card for card in cards if not STRUCTURE.fullmatch(card.keyword)]
    with atomic_write(path, item.image.nbytes) as stream:
        write_xisf(stream, item.image, kept, bayer=bayer, compression=compression)


# Pictures


def _write_tiff(path: Path, item: Item, bits: int, limits: tuple[float, float] | None) -> None:
    """Uncompressed, so that others can read windows of it; the cards go into the description (ASTRO-TIFF)."""
    image, cards = _top_first(item)
    values = image if bits == 32 else _integers(item, image, bits, limits)
    pixels = np.moveaxis(values, 0, 2) if values.ndim == 3 else values
    with atomic_write(path, values.nbytes) as stream:
        tifffile.imwrite(
            stream,
            pixels,
            photometric="rgb" if pixels.ndim == 3 else "minisblack",
            planarconfig="contig" if pixels.ndim == 3 else None,
            description=_description(cards),
            metadata=None,
            software="Sidera",
        )


def _write_png(path: Path, item: Item, bits: int, limits: tuple[float, float] | None) -> None:
    """8 or 16 bits, tagged as sRGB."""
    if bits == 32:
        raise UsageError("PNG has no 32-bit values", "Give 8 or 16 bits, or write TIFF")
    image, _ = _top_first(item)
    values = _integers(item, image, bits, limits)
    text = ascii_text(item.stretch) if isinstance(item, Picture) else ""
    with atomic_write(path, values.nbytes) as stream:
        write_png(stream, values, text)


def _top_first(item: Item) -> tuple[F32, Sequence[Card]]:
    """The image with the top row first, and its cards."""
    if isinstance(item, Picture):
        return item.image, [Card("STRETCH", item.stretch)]
    if isinstance(item, Master):
        raise UsageError("a master is not a picture", "Write it as FITS, which keeps what it serves")
    if isinstance(item, Stack):
        bottom_up, cards = item.bottom_up, stack_cards(item)
    else:
        bottom_up, cards = item.header.bottom_up, frame_cards(item.header)
    cards = [card for card in cards if card.keyword != "ROWORDER"]
    if not bottom_up:
        return item.image, cards
    return item.image[..., ::-1, :], [card for card in cards if not PLACES.fullmatch(card.keyword)]


def _integers(item: Item, image: F32, bits: int, limits: tuple[float, float] | None) -> U8 | U16:
    """Values from 0 to the greatest of so many bits; NaN becomes 0."""
    if limits is None and not isinstance(item, Picture):
        cure = "Stretch it first, give the values of black and white, or write 32-bit TIFF"
        raise UsageError(f"linear values do not fit into {bits} bits by themselves", cure)
    low, high = limits or (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(
            f"black at {low} and white at {high} leave no range", "Give two numbers, the smaller first"
        )
    top = 2**bits - 1
    values: U8 | U16 = np.empty(image.shape, np.uint8 if bits == 8 else np.uint16)
    for row in range(0, image.shape[-2], 256):
        x = (image[..., row : row + 256, :] - np.float32(low)) * np.float32(top / (high - low))
        values[..., row : row + 256, :] = np.nan_to_num(np.clip(np.rint(x), 0, top), nan=0.0)
    return values


def _description(cards: Sequence[Card]) -> str:
    """Cards as lines of a FITS header."""
    return "\n".join(str(card).rstrip() for card in fits_cards(cards)) + "\nEND"
