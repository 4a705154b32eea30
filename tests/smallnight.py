"""Small simulated nights, and hand-made frames, for the tests of whole runs."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from sidera.pipeline.simulate import night_settings, simulate_night


def small_night(folder, **changes):
    """Six colour lights of 300×240 with three darks, flats and biases; a few seconds of work."""
    asked = {"frames": 6, "size": (300, 240), "stars": 80, "biases": 3, "darks": 3, "flats": 3, "trails": 1}
    simulate_night(folder, night_settings(**{**asked, **changes}))
    return folder


def frame(path, image, **cards):
    """A FITS frame with these cards."""
    hdu = fits.PrimaryHDU(np.asarray(image))
    for keyword, value in cards.items():
        hdu.header[keyword] = value
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu.writeto(path, overwrite=True)
    return path


def contents(folder):
    """Every file below a folder with its bytes and its time of change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }
