"""The automatic stretch shows what is there, whatever the image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidera.errors import ShapeError
from sidera.stretch.apply import stretch
from sidera.stretch.auto import BACKGROUND, auto_curves, picture, star_balance
from sidera.stretch.curves import Curve, mtf

floats = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))
images = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=floats)


def night(sky=1000.0, noise=10.0, scale=1.0, seed=1):
    image = np.random.default_rng(seed).normal(sky, noise, (120, 150))
    image[40:44, 50:54] += 40_000
    return (image * scale).astype(np.float32)


@pytest.mark.parametrize("m", [0.01, 0.25, 0.5, 0.9])
def test_midtones_become_one_half_and_the_ends_stay(m):
    x = np.array([0, m, 1], np.float32)
    np.testing.assert_allclose(mtf(x, m), [0, 0.5, 1], atol=1e-6)


def test_a_curve_clips_at_its_shadows_and_highlights():
    curve = Curve(low=100, high=200, shadows=0.1, midtones=0.5, highlights=0.6)
    got = stretch(np.array([[0, 110, 135, 160, 500, np.nan]], np.float32), curve)
    np.testing.assert_allclose(got, [[0, 0, 0.5, 1, 1, np.nan]], atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(images, st.floats(0.01, 0.99))
def test_agrees_with_the_plain_formula(image, m):
    got = stretch(image, Curve(-10, 90, 0, m, 1))
    for value, shown in zip(image.flat, got.flat, strict=True):
        x = min(max((float(value) + 10) / 100, 0), 1) if value == value else float("nan")
        np.testing.assert_allclose(shown, (m - 1) * x / ((2 * m - 1) * x - m), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sky", [-500.0, 0.0, 1000.0])
@pytest.mark.parametrize("noise", [0.5, 10.0, 300.0])
@pytest.mark.parametrize("scale", [1.0, 1 / 65535])
def test_the_sky_comes_to_one_brightness_whatever_its_level_noise_and_unit(sky, noise, scale):
    shown = picture(night(sky, noise, scale)).image
    assert np.median(shown) == pytest.approx(BACKGROUND, abs=0.01)
    assert shown[42, 52] > 0.95


def test_a_brighter_image_has_another_stretch():
    one, other = auto_curves(night(noise=5))[0], auto_curves(night(noise=200))[0]
    assert other.midtones > 3 * one.midtones


def test_the_sky_of_a_colour_image_is_neutral_and_a_red_star_stays_red():
    image = np.stack([night(sky, seed=seed) for seed, sky in enumerate((300, 1000, 700))])
    image[1:, 40:44, 50:54] -= 39_500
    shown = picture(image).image
    assert np.ptp([np.median(channel) for channel in shown]) < 0.01
    assert shown[0, 42, 52] > shown[1, 42, 52] + 0.1


def test_colours_may_be_stretched_each_by_itself():
    image = np.stack([night(1000, noise) for noise in (5, 50, 500)])
    shown = picture(image, linked=False).image
    np.testing.assert_allclose([np.median(channel) for channel in shown], BACKGROUND, atol=0.01)


@pytest.mark.parametrize(
    "image",
    [
        np.full((5, 6), 7.0),
        np.full((5, 6), np.nan),
        np.zeros((1, 1)),
        np.full((3, 1, 1), -3.0),
        np.array([[np.nan, 1.0]]),
        np.array([[np.inf, 1.0, 2.0]]),
        np.r_[np.zeros(90), np.arange(10)].reshape(10, 10),
    ],
)
def test_odd_images_give_a_picture_all_the_same(image):
    shown = picture(image.astype(np.float32)).image
    assert shown.shape == image.shape
    assert ((shown >= 0) & (shown <= 1)).all()


@settings(deadline=None, max_examples=40)
@given(images)
def test_a_picture_is_from_0_to_1_without_nan(image):
    shown = picture(image).image
    assert ((shown >= 0) & (shown <= 1)).all()


def test_the_top_row_comes_first():
    image = night()
    np.testing.assert_array_equal(picture(image, bottom_up=True).image, picture(image).image[::-1])


def test_missing_pixels_are_black_and_do_not_count():
    image = night()
    image[:60] = np.nan
    shown = picture(image).image
    assert (shown[:60] == 0).all()
    assert np.median(shown[60:]) == pytest.approx(BACKGROUND, abs=0.01)


def test_what_is_no_image_is_refused():
    with pytest.raises(ShapeError):
        picture(np.zeros(5, np.float32))


def starry(colours, stars=60, size=(400, 500), seed=3):
    """Three channels of noise with stars of 2.5 px, each star of one of the colours in turn."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:25, :25] - 12
    profile = np.exp(-(rows**2 + columns**2) / (2 * 1.06**2))
    image = draw.normal(500, 3, (3, *size))
    for number in range(stars):
        row, column = draw.integers(20, size[0] - 20), draw.integers(20, size[1] - 20)
        light = np.multiply.outer(np.array(colours[number % len(colours)]), profile)
        image[:, row - 12 : row + 13, column - 12 : column + 13] += draw.uniform(300, 3000) * light
    return image.astype(np.float32)


def test_a_camera_that_sees_green_best_still_shows_white_stars():
    gains = star_balance(starry([(0.5, 1.0, 0.4)]), (1e9,) * 3)
    np.testing.assert_allclose(gains, (2.0, 1.0, 2.5), rtol=0.02)


def test_among_white_stars_a_red_one_stays_red():
    image = starry([(0.5, 1.0, 0.5)] * 5 + [(1.0, 0.5, 0.25)])
    np.testing.assert_allclose(star_balance(image, (1e9,) * 3), (2.0, 1.0, 2.0), rtol=0.05)


def test_a_green_nebula_does_not_make_the_stars_magenta():
    image = starry([(1.0, 1.0, 1.0)])
    rows, columns = np.mgrid[:400, :500]
    image[1] += 4000 * np.exp(-((rows - 200) ** 2 + (columns - 250) ** 2) / (2 * 60.0**2)).astype(np.float32)
    np.testing.assert_allclose(star_balance(image, (1e9,) * 3), 1.0, rtol=0.03)


@pytest.mark.parametrize(
    "image", [starry([(0.5, 1, 1)], stars=5), np.full((3, 40, 40), np.nan), np.zeros((3, 5, 5))]
)
def test_where_too_few_stars_tell_colours_stay_as_they_are(image):
    assert star_balance(image.astype(np.float32), (1e9,) * 3) == (1.0, 1.0, 1.0)
