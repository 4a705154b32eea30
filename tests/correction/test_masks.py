"""What stands above the sky is found at every size, and the sky is not taken for it."""

import numpy as np
import pytest

from sidera.correction.masks import objects, pixel_noise, small
from skies import SIGMA, sky


def noise(shape=(240, 320), seed=1):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def blob(width, height, shape=(240, 320)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (height * np.exp(-((rows - 120) ** 2 + (columns - 160) ** 2) / (2 * width**2))).astype(np.float32)


def test_noise_alone_is_sky():
    assert objects(noise()[None]).mean() < 0.06


@pytest.mark.parametrize(("width", "height"), [(1, 20.0), (4, 2.0), (15, 0.7), (40, 0.5)])
def test_what_is_wide_is_found_though_no_pixel_shows_it(width, height):
    mask = objects((noise() + blob(width, height))[None])
    assert mask[118:123, 158:163].mean() > 0.9
    assert mask[:40].mean() < 0.2


def test_an_object_in_one_colour_alone_is_found():
    planes = np.stack([noise(seed=1), noise(seed=2), noise(seed=3) + blob(15, 1.5)])
    assert objects(planes)[120, 160]


def test_missing_pixels_are_neither():
    plane = noise()
    plane[:, :100] = np.nan
    assert objects(plane[None]).mean() < 0.1
    assert not objects(np.full((1, 9, 9), np.nan, np.float32)).any()


def test_the_small_copy_is_the_mean_of_even_blocks():
    image = np.arange(4 * 6, dtype=np.float32).reshape(4, 6)
    image[0, 0] = np.nan
    copy = small(image, 3).planes[0]
    np.testing.assert_allclose(copy[0], [(1 + 6 + 7) / 3, 5.5, 7.5])
    assert small(np.ones((3, 2000, 1500), np.float32)).planes.shape == (3, 640, 480)


def test_pixel_noise_is_blind_to_gradients_nebulae_and_stars():
    assert pixel_noise(sky(nebula=0.4, curved=True).image)[0] == pytest.approx(SIGMA, rel=0.05)
