"""Decoding: a whole frame from a FITS file (in the system's cache) to float32 ADU."""

import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits
from stage import HEAD, light, options, timed

from sidera.io.read import open_frame


def main() -> None:
    """Time the kinds of FITS that cameras and other programs write."""
    given = options(__doc__).parse_args()
    raw = (light(given.size) + 500).clip(0, 65535).astype(np.uint16)
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for what, stored, hdu in (
            ("16-bit unsigned", 2, fits.PrimaryHDU(raw)),
            ("32-bit float", 4, fits.PrimaryHDU(raw.astype(np.float32))),
            ("16-bit, Rice-compressed tiles", 2, fits.CompImageHDU(raw, compression_type="RICE_1")),
        ):
            path = Path(folder) / "frame.fits"
            hdu.writeto(path, overwrite=True)
            read_whole(what, path, raw.size, stored, given.repeats)


def read_whole(what: str, path: Path, pixels: int, stored: int, repeats: int) -> None:
    """Time one file, ``stored`` bytes a pixel."""
    with open_frame(path) as reader:
        whole = slice(None)
        timed(what, lambda: reader.window(whole, whole), pixels, pixels * (stored + 4), repeats)


if __name__ == "__main__":
    main()
