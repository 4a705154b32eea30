"""The sky's noise goes down; stars keep their light and their width; nothing unknown becomes known."""

import sys

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from sidera.correction.denoise import STRENGTHS, _medians, denoise
from sidera.correction.noise import texture
from sidera.detection.find import aperture_flux, find_stars
from sidera.errors import ShapeError
from sidera.model.finishing import DenoiseSettings

SIGMA, SHAPE = 7.0, (400, 440)


def truth(seed=3, stars=40, nebula=0.0):
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = 1000 + nebula * np.exp(-((rows - 200) ** 2 + (columns - 220) ** 2) / (2 * 70**2))
    for _ in range(stars):
        y, x, peak = draw.uniform(20, 380), draw.uniform(20, 420), 10 ** draw.uniform(2, 3.9)
        spot = (slice(int(y) - 18, int(y) + 19), slice(int(x) - 18, int(x) + 19))
        distance = (rows[spot] - y) ** 2 + (columns[spot] - x) ** 2
        image[spot] += peak * (1 + distance / 2.94**2) ** -3  # Moffat of FWHM 3
    return image


def noisy(image, seed, sigma=SIGMA):
    """Noise as stacks have it: neighbouring pixels know of each other."""
    draw = np.random.default_rng(seed).normal(0, sigma, image.shape)
    mixed = (draw + 0.5 * np.roll(draw, 1, -1) + 0.5 * np.roll(draw, 1, -2)) / np.sqrt(1.5)
    return (image + mixed).astype(np.float32)


def compared(before, after):
    """Ratio of light and of width of the clear stars."""
    stars, found = find_stars(before), find_stars(after)
    stars = stars[stars.snr > 30]
    light = [aperture_flux(image, stars.x, stars.y, 6, 12, 20)[0] for image in (before, after)]
    away, match = cKDTree(np.c_[found.x, found.y]).query(np.c_[stars.x, stars.y])
    width = (found.fwhm[match] / stars.fwhm)[away < 1]
    return light[1].sum() / light[0].sum(), np.nanmedian(width), len(stars)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        (DenoiseSettings(), 0.5),
        (DenoiseSettings(amount=1.0), 0.3),
        (DenoiseSettings(shrink="soft", strength=2.0), 0.5),
        (DenoiseSettings(method="median"), 0.75),
    ],
    ids=["starlet", "all of it", "soft", "median"],
)
def test_noise_goes_and_stars_keep_light_and_width(settings, left):
    image = noisy(truth(), 1)
    made = denoise(image, None, settings)
    assert made.after.noise[0] < left * made.before.noise[0]
    assert made.after.correlation[0] > made.before.correlation[0]
    light, width, stars = compared(image, made.image)
    assert stars >= 20
    # with all of the noise goes a little of the dark that a star's annulus has by accident
    assert light == pytest.approx(1, abs=0.005 if settings.amount < 1 else 0.008)
    assert width == pytest.approx(1, abs=0.01)


def test_the_result_is_nearer_to_the_truth_nebula_and_all():
    sky = truth(nebula=60.0)
    image = noisy(sky, 1)
    made = denoise(image)
    error = made.image - sky
    assert error.std() < 0.5 * SIGMA
    assert abs(error[150:250, 150:290].mean()) < 0.1 * SIGMA
    assert abs((made.image - image).mean()) < 0.02 * SIGMA


def test_halves_tell_how_strongly_to_smooth():
    sky = truth(nebula=60.0)
    halves = noisy(sky, 1), noisy(sky, 2)
    whole = (halves[0] + halves[1]) / 2
    chosen = denoise(whole, None, halves=halves)
    assert 1 <= chosen.strength <= 6
    errors = [
        np.std(denoise(whole, None, DenoiseSettings(auto=False, strength=k), halves=halves).image - sky)
        for k in STRENGTHS[2::4]
    ]
    assert np.std(chosen.image - sky) < 1.1 * min(errors)


def test_where_halves_agree_there_is_no_noise_to_take():
    image = truth(nebula=60.0).astype(np.float32)
    np.testing.assert_allclose(denoise(image, None, halves=(image, image)).image, image, rtol=1e-6)


def test_colour_is_smoothed_more_strongly_than_brightness():
    image = noisy(np.stack([truth()] * 3), 5)
    plain, strong = (denoise(image, None, DenoiseSettings(strength=1.0, chroma=c)) for c in (1.0, 3.0))
    tint = [texture(made.image[0] - made.image[1]).noise[0] for made in (plain, strong)]
    assert tint[1] < 0.8 * tint[0]
    for channel in range(3):
        light, width, _ = compared(image[channel], strong.image[channel])
        assert light == pytest.approx(1, abs=0.005)
        assert width == pytest.approx(1, abs=0.01)


def test_strips_leave_no_seam(monkeypatch):
    image = noisy(truth(), 1)
    whole = denoise(image).image
    monkeypatch.setattr(sys.modules["sidera.correction.denoise"], "SAMPLES", 1)
    np.testing.assert_array_equal(denoise(image).image, whole)


@pytest.mark.parametrize("method", ["starlet", "median"])
def test_what_nobody_measured_stays_unknown_and_dims_nothing(method):
    image = noisy(truth(stars=0), 1)
    gone = np.zeros(image.shape, bool)
    gone[:60] = gone[200:203] = gone[:, 300] = True
    image[gone] = np.nan
    made = denoise(image, None, DenoiseSettings(method=method)).image
    np.testing.assert_array_equal(np.isnan(made), gone)
    assert np.nanmean(made[60:64]) == pytest.approx(1000, abs=0.2 * SIGMA)


def test_a_noise_map_says_where_more_is_noise():
    noise = np.full(SHAPE, SIGMA, np.float32)
    noise[:, 300:] = 3 * SIGMA
    draw = np.random.default_rng(1).normal(0, 1, SHAPE)
    image = (1000 + draw * noise).astype(np.float32)
    with_map, without = (denoise(image, given).image[:, 310:] for given in (noise, None))
    assert with_map.std() < 0.6 * without.std()


@pytest.mark.parametrize("method", ["starlet", "median"])
@pytest.mark.parametrize(
    "image",
    [
        np.full((5, 6), 7.0),
        np.full((3, 5, 6), np.nan),
        np.zeros((1, 1)),
        np.arange(50.0).reshape(50, 1),
        np.arange(150.0).reshape(3, 1, 50),
        np.stack([noisy(truth()[:90, :80], 1), np.full((90, 80), np.nan), noisy(truth()[:90, :80], 2)]),
        -noisy(truth()[:90, :80], 1) / 65_536,
    ],
    ids=["flat", "nan", "pixel", "column", "row", "no green", "negative"],
)
def test_odd_images_come_through(method, image):
    image = image.astype(np.float32)
    made = denoise(image, None, DenoiseSettings(method=method))
    assert made.image.shape == image.shape
    np.testing.assert_array_equal(np.isnan(made.image), np.isnan(image))
    known = image[np.isfinite(image)]
    assert not known.size or np.nanmean(made.image) == pytest.approx(known.mean(), rel=0.02)


def test_the_unit_of_the_data_does_not_matter():
    image = noisy(truth(), 1)
    np.testing.assert_allclose(denoise(image / 65_536).image * 65_536, denoise(image).image, atol=0.02)


def test_the_median_is_that_of_nine_pixels_and_of_those_known_beside_a_gap():
    image = np.random.default_rng(2).normal(0, 1, (60, 70)).astype(np.float32)
    np.testing.assert_array_equal(_medians(image), ndimage.median_filter(image, 3, mode="nearest"))
    image[30, 30] = np.nan
    known = image[29:32, 30:33]
    assert _medians(image)[30, 31] == np.float32(np.nanmedian(known))
    assert np.isnan(_medians(image)[30, 30])


def test_what_does_not_fit_is_refused():
    image = noisy(truth(), 1)
    for bad in ({"noise": np.ones((2, 2))}, {"halves": (image, image[:5])}):
        with pytest.raises(ShapeError):
            denoise(image, **bad)
    with pytest.raises(ShapeError):
        denoise(np.zeros(4))


@pytest.mark.parametrize("mixing", [0.0, 0.5])
def test_texture_tells_noise_and_correlation_as_they_are(mixing):
    draw = np.random.default_rng(4).normal(0, 1, (3, 500, 500))
    mixed = (draw + mixing * np.roll(draw, 1, 1) + mixing * np.roll(draw, 1, 2)) / np.sqrt(1 + 2 * mixing**2)
    found = texture(mixed.astype(np.float32))
    np.testing.assert_allclose(found.noise, 1, rtol=0.04)
    np.testing.assert_allclose(found.correlation, mixing / (1 + 2 * mixing**2), atol=0.06)
