"""The figures of a frame are medians of its clear stars."""

import numpy as np

from sidera.detection.quality import figures
from sidera.detection.sky import Sky
from sidera.model.stars import Stars

SKIES = [
    Sky(np.full((1, 1), level, np.float32), np.ones((1, 1), np.float32), (9, 9)) for level in (10, 20, 30)
]


def test_faint_and_saturated_stars_do_not_count():
    fwhm = np.array([2.0, 3.0, 4.0, 99.0, 99.0, np.nan])
    snr = np.array([50.0, 60.0, 70.0, 10.0, 500.0, 90.0])
    stars = Stars(*(fwhm,) * 4, snr, *(fwhm,) * 5, saturated=np.array([0, 0, 0, 0, 1, 0], np.bool_))
    got = figures(stars, SKIES)
    assert (got.stars, got.saturated) == (6, 1)
    assert (got.fwhm, got.hfr, got.snr) == (3, 3, 65)
    assert (got.sky, got.noise) == ((10, 20, 30), (1, 1, 1))


def test_a_frame_without_stars_has_no_figures():
    got = figures(Stars.none(), SKIES[:1])
    assert got.stars == 0
    assert np.isnan([got.fwhm, got.hfr, got.eccentricity, got.snr]).all()
    assert got.sky == (10,)
