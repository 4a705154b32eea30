"""Sky level and noise."""

import numpy as np
import pytest

from sidera.demosaic.mosaic import green_plane
from sidera.detection.sky import noise, sky_mesh, sky_meshes
from sidera.errors import ShapeError, UsageError
from sidera.model.header import Bayer


def gradient(rows=320, columns=384, sigma=5.0, seed=3):
    y, x = np.indices((rows, columns))
    return (1000 + 0.1 * x - 0.06 * y + np.random.default_rng(seed).normal(0, sigma, x.shape)).astype(
        np.float32
    )


def test_a_gradient_is_followed_and_does_not_count_as_noise():
    sky = sky_mesh(gradient())
    y, x = np.indices(sky.shape)
    off = sky.surface() - (1000 + 0.1 * x - 0.06 * y)
    assert np.abs(off).max() < 2.0
    assert off.std() < 0.5
    assert sky.median_noise == pytest.approx(5.0, rel=0.03)


def test_stars_do_not_lift_the_sky():
    image = gradient(sigma=5.0)
    rng = np.random.default_rng(9)
    rows, columns = np.indices(image.shape)
    for x, y in rng.uniform(0, 320, (60, 2)):
        image += 20000 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4).astype(np.float32)
    clean = sky_mesh(gradient(sigma=5.0))
    assert abs(sky_mesh(image).median_level - clean.median_level) < 1.0


def test_subtracting_leaves_the_missing_missing():
    image = gradient()
    image[100:130, 50] = np.nan
    flat = sky_mesh(image).subtract(image)
    np.testing.assert_array_equal(np.isnan(flat), np.isnan(image))
    assert abs(np.nanmedian(flat)) < 0.5


def test_cells_without_pixels_take_their_neighbours_level():
    image = np.full((256, 256), 40, np.float32)
    image[:128, :128] = np.nan
    sky = sky_mesh(image)
    np.testing.assert_array_equal(sky.level, np.full((4, 4), 40, np.float32))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 2), (7, 300)])
@pytest.mark.parametrize("value", [0.0, -12.5, 7.0, np.nan])
def test_any_size_of_constant_image_has_its_own_level_and_no_noise(shape, value):
    sky = sky_mesh(np.full(shape, value, np.float32))
    np.testing.assert_allclose(sky.surface(), np.full(shape, value), rtol=1e-6)
    assert sky.median_noise == 0 or np.isnan(value)


def test_levels_between_pixels_agree_with_the_surface():
    sky = sky_mesh(gradient())
    full = sky.surface()
    x, y = np.array([0.0, 100.0, 383.0]), np.array([0.0, 77.0, 319.0])
    np.testing.assert_allclose(sky.level_at(x, y), full[y.astype(int), x.astype(int)], rtol=1e-5)
    np.testing.assert_allclose(sky.level_at(np.array([1e6]), np.array([-1e6])), full[0, -1], rtol=1e-3)
    assert sky.noise_at(x, y) == pytest.approx(5.0, rel=0.2)


def test_each_colour_of_a_filter_array_has_its_own_sky():
    rng = np.random.default_rng(1)
    cfa = np.empty((257, 301))
    for row, column in np.ndindex(2, 2):
        colour = Bayer.GBRG.colour(row, column)
        site = cfa[row::2, column::2]
        site[:] = rng.normal(100 * (colour + 1), colour + 2, site.shape)
    skies = sky_meshes(cfa, Bayer.GBRG)
    assert [sky.median_level for sky in skies] == pytest.approx([100, 200, 300], abs=0.5)
    assert noise(cfa, Bayer.GBRG) == pytest.approx((2, 3, 4), rel=0.04)
    assert all(sky.surface().shape == (257, 301) for sky in skies)


def test_planes_are_measured_one_by_one():
    image = np.stack([np.full((20, 30), value, np.float32) for value in (1, 2, 3)])
    assert [sky.median_level for sky in sky_meshes(image)] == [1, 2, 3]
    assert len(sky_meshes(image[0])) == 1


def test_what_is_no_plane_is_refused():
    with pytest.raises(ShapeError, match=r"\(3, 4, 4\)"):
        sky_mesh(np.zeros((3, 4, 4)))
    with pytest.raises(ShapeError, match="filter array"):
        sky_meshes(np.zeros((1, 4)), Bayer.RGGB)
    with pytest.raises(UsageError, match="cell of 0"):
        sky_mesh(np.zeros((4, 4)), 0)
    with pytest.raises(ShapeError, match="not"):
        sky_mesh(np.zeros((4, 4))).subtract(np.zeros((5, 4), np.float32))


@pytest.mark.parametrize("pattern", [Bayer.RGGB, Bayer.GBRG])
def test_the_noise_of_a_green_plane_follows_from_that_of_its_sites(pattern):
    cfa = np.random.default_rng(2).normal(100, 5, (512, 512)).astype(np.float32)
    measured = sky_mesh(green_plane(cfa, pattern)).noise.mean()
    assert sky_meshes(cfa, pattern)[1].interpolated().noise.mean() == pytest.approx(measured, rel=0.02)
