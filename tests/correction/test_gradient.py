"""Gradient extraction takes the town's light and leaves the sky's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sidera.correction.gradient import find_gradient, remove_gradient
from sidera.errors import ShapeError, UsageError
from sidera.model.finishing import GradientSettings
from skies import SIGMA, at_mesh_scale, sky


def left_over(found, truth):
    """What is wrong with the model, about its own median, in sigma of a pixel."""
    error = found.image() - truth.ground
    return (error - np.median(error)) / SIGMA


@pytest.mark.parametrize("model", ["auto", "polynomial", "tps", "mesh"])
@pytest.mark.parametrize("curved", [False, True])
def test_a_gradient_of_30_percent_of_the_sky_goes_to_a_tenth_of_sigma(model, curved):
    truth = sky(curved=curved)
    found = find_gradient(truth.image, GradientSettings(model=model))
    assert np.abs(at_mesh_scale(left_over(found, truth))).max() < 0.1


@pytest.mark.parametrize("peak", [15.0, 60.0, 400.0])
@pytest.mark.parametrize("curved", [False, True])
def test_a_nebula_over_40_percent_of_the_field_keeps_its_light(peak, curved):
    truth = sky(curved=curved, nebula=0.4, peak=peak)
    found = find_gradient(truth.image)
    error = left_over(found, truth)
    assert np.abs(at_mesh_scale(error)).max() < 0.2
    inside = truth.nebula > 0
    assert abs(SIGMA * error[inside].sum() / truth.nebula.sum()) < 0.03


@pytest.mark.parametrize("model", ["tps", "mesh"])
def test_freer_models_leave_a_bright_nebula_alone_too(model):
    truth = sky(curved=True, nebula=0.4, peak=60.0)
    error = left_over(find_gradient(truth.image, GradientSettings(model=model)), truth)
    assert np.abs(at_mesh_scale(error)).max() < 0.2
    assert abs(SIGMA * error[truth.nebula > 0].sum() / truth.nebula.sum()) < 0.03


def test_an_even_sky_is_left_alone():
    truth = sky(rise=0.0)
    levelled, found = remove_gradient(truth.image)
    assert np.abs(levelled - truth.image).max() < 0.1 * SIGMA
    assert max(found.span) < 0.1 * SIGMA


def test_the_sky_keeps_its_level_and_stars_their_light():
    truth = sky(stars=60)
    levelled, found = remove_gradient(truth.image)
    assert np.median(levelled) == pytest.approx(np.median(truth.image), abs=0.2 * SIGMA)
    assert levelled.min() > 0
    np.testing.assert_allclose(levelled + found.image() - found.levels[0], truth.image, atol=0.01)


def test_light_that_was_lost_is_given_back_by_division():
    truth = sky(stars=0, nebula=0.2, peak=400.0)
    lost = (truth.ground / truth.ground.mean()).astype(np.float32)
    image = (lost * (1000 + truth.nebula)).astype(np.float32)
    levelled, _ = remove_gradient(image, GradientSettings(method="divide"))
    np.testing.assert_allclose(levelled, 1000 + truth.nebula, rtol=0.01)


def test_one_does_not_divide_by_a_sky_below_zero():
    with pytest.raises(UsageError, match="subtract"):
        remove_gradient(sky().image - 1000, GradientSettings(method="divide"))


def test_channels_share_a_mask_and_lose_their_own_gradients():
    red, green = sky(rise=0.3), sky(rise=-0.1, curved=True, seed=4)
    found = find_gradient(np.stack([red.image, green.image, green.image / 2]))
    errors = [plane - truth for plane, truth in zip(found.image(), (red.ground, green.ground), strict=False)]
    for error in errors:
        assert np.abs(at_mesh_scale(error - np.median(error))).max() < 0.2 * SIGMA
    assert found.mask.ndim == 2


def cornered(heights, length):
    """Three skies with light that comes from the top right corner, so many sigma high there in each colour."""
    skies = [sky(curved=True, stars=60, nebula=0.05, seed=seed) for seed in range(3)]
    v, u = np.mgrid[-1 : 1 : 360 * 1j, -1 : 1 : 480 * 1j]
    light = [height * SIGMA * np.exp(-np.hypot(u - 1, v + 1) / length) for height in heights]
    image = np.stack([one.image + more for one, more in zip(skies, light, strict=True)])
    return image.astype(np.float32), skies, light


@pytest.mark.parametrize("length", [0.2, 0.35])
def test_an_amplifier_s_glow_in_one_corner_goes_with_the_gradient(length):
    image, skies, light = cornered((12, 11.5, 12.5), length)
    found = find_gradient(image)
    assert "glow in one corner" in found.name
    for plane, truth, more in zip(found.image(), skies, light, strict=True):
        error = plane - truth.ground - more
        assert np.abs(at_mesh_scale(error - np.median(error))).max() < 0.35 * SIGMA


def test_a_coloured_nebula_in_a_corner_is_no_glow():
    image, skies, light = cornered((12, 5, 6), 0.3)
    found = find_gradient(image)
    assert "glow" not in found.name
    error = found.image()[0] - skies[0].ground
    corner = light[0] > 4 * SIGMA
    assert (error - np.median(error))[corner].mean() < 0.3 * light[0][corner].mean()


def test_large_images_are_judged_on_a_small_copy():
    truth = sky(shape=(1300, 1701), curved=True, stars=300)
    assert np.abs(at_mesh_scale(left_over(find_gradient(truth.image), truth))).max() < 0.1


def test_missing_borders_stay_missing_and_mislead_nobody():
    truth = sky(curved=True)
    image = truth.image.copy()
    image[:, :40] = np.nan
    image[300:, :] = np.nan
    levelled, found = remove_gradient(image)
    np.testing.assert_array_equal(np.isnan(levelled), np.isnan(image))
    assert np.abs(left_over(found, truth)[:300, 40:]).max() < 0.2


def test_a_channel_without_a_pixel_stays_so():
    image = np.stack([sky().image, np.full((360, 480), np.nan, np.float32), sky(seed=5).image])
    levelled, found = remove_gradient(image)
    assert np.isnan(levelled[1]).all()
    assert np.isnan(found.levels[1])
    assert np.ptp(at_mesh_scale(levelled[0])) < np.ptp(at_mesh_scale(image[0]))


def test_data_from_0_to_1_and_below_zero_are_levelled_alike():
    truth = sky(curved=True)
    plain, _ = remove_gradient(truth.image)
    unit, _ = remove_gradient(truth.image / np.float32(65535))
    negative, _ = remove_gradient(truth.image - np.float32(5000))
    np.testing.assert_allclose(unit * 65535, plain, atol=0.05 * SIGMA)
    np.testing.assert_allclose(negative + 5000, plain, atol=0.05 * SIGMA)


values = st.sampled_from([0.0, 1.0, -3.5, 1e-6, 7e4, np.nan])


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=values),
    st.sampled_from(["auto", "polynomial", "tps", "mesh"]),
)
def test_any_small_image_comes_through(image, model):
    levelled, _ = remove_gradient(image, GradientSettings(model=model))
    assert levelled.shape == image.shape
    np.testing.assert_array_equal(np.isnan(levelled), np.isnan(image))
    if np.unique(image).size == 1:
        np.testing.assert_array_equal(levelled, image)


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (3, 1, 40), (2, 2)])
def test_images_one_pixel_wide_come_through(shape):
    image = np.random.default_rng(1).normal(100, 3, shape).astype(np.float32)
    assert remove_gradient(image)[0].shape == shape


@pytest.mark.parametrize("shape", [(5,), (0, 4), (1, 2, 3, 4)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ShapeError):
        remove_gradient(np.zeros(shape, np.float32))
