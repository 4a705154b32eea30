"""What a script may call, on plain arrays and on astropy's."""

import numpy as np
from astropy import units
from astropy.nddata import CCDData

import sidera


def starry(seed=0):
    """Noise of 5 ADU on 1000, and twelve stars."""
    rng = np.random.default_rng(seed)
    image = rng.normal(1000, 5, (200, 240))
    rows, columns = np.mgrid[:200, :240]
    places = np.random.default_rng(5).uniform(20, 180, (12, 2))
    for x, y in places:
        image += 4000 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4)
    return image


def test_stars_are_found_alike_in_arrays_and_ccd_data():
    image = starry()
    plain = sidera.detection.find_stars(image)
    wrapped = sidera.detection.find_stars(CCDData(image, unit=units.adu))
    assert len(plain) >= 10
    np.testing.assert_array_equal(plain.x, wrapped.x)


def test_masked_pixels_of_ccd_data_were_not_measured():
    frames = np.stack([starry(seed) for seed in range(6)])
    mask = np.zeros(frames.shape, bool)
    mask[:, 3, 4] = True
    combined = sidera.integration.combine(CCDData(frames, unit=units.adu, mask=mask))
    assert np.isnan(combined.mean[3, 4])
    assert np.isfinite(combined.mean[10:, 10:]).all()


def test_two_star_lists_give_a_transform():
    stars = sidera.detection.find_stars(starry())
    solution = sidera.registration.solve(stars, stars, shape_reference=(200, 240), shape_frame=(200, 240))
    assert solution.residual < 1e-6
