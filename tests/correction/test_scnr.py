"""Green goes; a neutral sky, and whatever is red or blue, stays as it was."""

import sys

import numpy as np
import pytest
from scipy import stats

from sidera.correction.scnr import scnr
from sidera.errors import ShapeError
from sidera.model.finishing import ScnrSettings

SIGMA = 7.0


def sky(shape=(300, 320), seed=1, smooth=False):
    draw = np.random.default_rng(seed).normal(0, SIGMA, (3, *shape))
    if smooth:  # as stacks are: neighbouring pixels know of each other
        draw = (draw + np.roll(draw, 1, 1) + np.roll(draw, 1, 2) + np.roll(draw, (1, 1), (1, 2))) / 2
    return (draw + 400).astype(np.float32)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("method", ["average", "maximum"])
@pytest.mark.parametrize("colour", ["green", "magenta"])
@pytest.mark.parametrize("noise", [None, SIGMA])
def test_a_neutral_sky_keeps_its_mean_and_its_noise(smooth, method, colour, noise):
    image = sky(smooth=smooth)
    cleaned = scnr(image, noise, ScnrSettings(method=method, colour=colour))
    shift = (cleaned[1] - image[1]).mean() / SIGMA
    assert abs(shift) < 0.01
    assert np.mean(cleaned[1] != image[1]) < 0.02
    assert stats.ks_2samp(cleaned[1].ravel(), image[1].ravel()).statistic < 0.003
    np.testing.assert_array_equal(cleaned[[0, 2]], image[[0, 2]])


@pytest.mark.parametrize("excess", [2.0, 4.0, 8.0, 40.0])
def test_a_green_cloud_becomes_neutral_and_keeps_its_noise(excess):
    image = sky()
    image[1, 80:220, 80:240] += excess * SIGMA
    cleaned = scnr(image, SIGMA)
    inside = cleaned[1, 100:200, 100:220]
    assert inside.mean() == pytest.approx(400, abs=0.35 * SIGMA)
    assert inside.std() > 0.6 * SIGMA
    assert cleaned[1, :60].mean() == pytest.approx(400, abs=0.05 * SIGMA)


@pytest.mark.parametrize("method", ["average", "maximum"])
def test_far_above_the_noise_it_is_the_published_rule(method):
    image = sky()
    image += np.array([3000, 9000, 5000], np.float32)[:, None, None]
    neutral = (image[0] + image[2]) / 2 if method == "average" else np.maximum(image[0], image[2])
    np.testing.assert_allclose(scnr(image, SIGMA, ScnrSettings(method=method))[1], neutral, rtol=1e-5)


def test_half_the_amount_takes_half_the_excess():
    image = sky()
    image[1] += 5000
    half = scnr(image, SIGMA, ScnrSettings(amount=0.5))
    np.testing.assert_allclose(image[1] - half[1], (image[1] - (image[0] + image[2]) / 2) / 2, rtol=1e-4)
    assert scnr(image, SIGMA, ScnrSettings(amount=0.0)) is image


def test_red_and_blue_stars_stay_even_in_green_light():
    image = sky()
    image[1, 50:250, 50:250] += 4 * SIGMA
    for channel, column in ((0, 100), (2, 180)):
        image[channel, 150:154, column : column + 4] += 3000
    cleaned = scnr(image, SIGMA)
    for column in (100, 180):
        spot = (slice(None), slice(150, 154), slice(column, column + 4))
        np.testing.assert_array_equal(cleaned[spot], image[spot])


def test_magenta_is_taken_by_giving_green_back():
    image = sky()
    image[1] -= 50 * SIGMA
    cleaned = scnr(image, SIGMA, ScnrSettings(colour="magenta"))
    np.testing.assert_allclose(cleaned[1], (image[0] + image[2]) / 2, rtol=1e-4)


def test_a_mask_protects_what_it_covers():
    image = sky()
    image[1] += 5000
    mask = np.zeros(image.shape[1:], np.float32)
    mask[:, :100] = 1
    cleaned = scnr(image, SIGMA, protect=mask)
    np.testing.assert_array_equal(cleaned[1, :, :100], image[1, :, :100])
    assert cleaned[1, :, 100:].mean() == pytest.approx(400, abs=1)


def test_a_noise_map_says_where_an_excess_is_to_be_believed():
    image = sky()
    image[1] += 4 * SIGMA
    noise = np.full_like(image, SIGMA)
    noise[:, :, 160:] = 100 * SIGMA
    change = (image - scnr(image, noise))[1]
    assert change[:, 10:140].mean() > 3 * SIGMA
    assert np.abs(change[:, 175:]).max() < 0.5 * SIGMA


@pytest.mark.parametrize("shape", [(3, 1, 50), (3, 60, 1), (3, 1, 1), (3, 700, 20)])
def test_strips_and_narrow_images_hold(shape):
    image = np.full(shape, 5.0, np.float32)
    image[1] += 10
    assert scnr(image, 0.1)[1] == pytest.approx(np.full(shape[1:], 5.0))


def test_strips_leave_no_seam(monkeypatch):
    image = sky()
    image[1, 40:220] += np.linspace(0, 60, 180, dtype=np.float32)[:, None]
    whole = scnr(image, SIGMA)
    monkeypatch.setattr(sys.modules["sidera.correction.scnr"], "ROWS", 17)
    np.testing.assert_allclose(scnr(image, SIGMA), whole, atol=1e-4 * SIGMA)


def test_what_nobody_measured_stays_unknown_and_spoils_nothing():
    image = sky()
    image[:, :40] = np.nan
    image[2, 100:] = np.nan
    cleaned = scnr(image)
    np.testing.assert_array_equal(np.isnan(cleaned), np.isnan(image))
    np.testing.assert_array_equal(cleaned[1, 100:], image[1, 100:])
    assert np.isnan(scnr(np.full((3, 9, 9), np.nan, np.float32))).all()


def test_the_unit_of_the_data_does_not_matter():
    image = sky()
    image[1, 80:220, 80:240] += 3 * SIGMA
    small = scnr(image / 65_536) * 65_536
    np.testing.assert_allclose(small, scnr(image), atol=1e-2)


def test_mono_images_come_back_as_they_are_and_nonsense_is_refused():
    image = sky()[0]
    assert scnr(image) is image
    for bad in (np.zeros((2, 5, 5)), np.zeros(5)):
        with pytest.raises(ShapeError):
            scnr(bad.astype(np.float32))
    with pytest.raises(ShapeError):
        scnr(sky(), protect=np.zeros((3, 3)))
    with pytest.raises(ShapeError):
        scnr(sky(), np.ones((2, 2)))
