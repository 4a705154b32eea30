"""JPEG written: full colour resolution, sRGB profile, exposure and date as EXIF, the rest as a comment."""

from typing import BinaryIO

import numpy as np
from PIL import Image

from sidera.errors import UsageError
from sidera.io.about import About
from sidera.io.icc import srgb_profile
from sidera.types import U8

LARGEST = 65_500
"""Pixels a side that the format can count, and its library takes."""
OPTIMISED = 1 << 24
"""Samples up to which the codes are fitted to the picture: 3 % smaller files, for twice the picture's memory."""
LONGEST = 65_000
"""Bytes of a comment."""
DESCRIPTION, SOFTWARE, DATE, EXIF, EXPOSURE, TAKEN = 270, 305, 306, 34665, 33434, 36867
"""EXIF tags."""


def write_jpeg(stream: BinaryIO, values: U8, about: About, quality: int = 92) -> None:
    """Write an sRGB picture.

    Parameters
    ----------
    stream : binary file
        Where to.
    values : uint8 array, shape (rows, columns) or (3, rows, columns)
        Top row first.
    about : About
        What the file says of itself.
    quality : int
        1 to 100.

    Raises
    ------
    UsageError
        For pictures larger than the format can hold, and a quality out of range.
    """
    if max(values.shape[-2:]) > LARGEST:
        raise UsageError(
            f"JPEG holds {LARGEST} pixels a side, not {max(values.shape[-2:])}", "Write PNG or TIFF"
        )
    if not 1 <= quality <= 100:
        raise UsageError(f"a JPEG quality of {quality}", "Give 1 to 100")
    grey = values.ndim == 2
    pixels = values if grey else np.ascontiguousarray(np.moveaxis(values, 0, 2))
    Image.fromarray(pixels).save(
        stream,
        format="JPEG",
        quality=quality,
        subsampling=0,
        optimize=values.size <= OPTIMISED,
        icc_profile=srgb_profile(grey),
        exif=_exif(about),
        comment=about.text().encode("utf-8")[:LONGEST],
    )


def _exif(about: About) -> Image.Exif:
    exif = Image.Exif()
    exif[SOFTWARE] = about.software
    if about.title:
        exif[DESCRIPTION] = about.title
    details: dict[int, object] = {}
    if about.exposure is not None:
        details[EXPOSURE] = about.exposure
    if about.date:
        exif[DATE] = details[TAKEN] = about.date[:19].replace("-", ":").replace("T", " ")
    if details:
        exif[EXIF] = details
    return exif
