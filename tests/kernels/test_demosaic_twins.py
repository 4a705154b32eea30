import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sidera.demosaic.demosaic import demosaic
from sidera.demosaic.mosaic import REACH, fill_defects, green_plane, grown
from sidera.model.header import Bayer
from twins import demosaic as twin

quick = settings(deadline=None, max_examples=25)
patterns = st.sampled_from(list(Bayer))
levels = st.one_of(st.integers(-50, 50).map(float), st.floats(-1000, 60000, width=32))
holed = st.one_of(levels, st.just(float("nan")))
scalings = st.tuples(st.tuples(*[st.sampled_from([0.5, 1.0, 1.7])] * 3), st.sampled_from([0.0, 300.0]))


def mosaics(values, smallest=2, largest=9):
    shapes = array_shapes(min_dims=2, max_dims=2, min_side=smallest, max_side=largest)
    return arrays(np.float32, shapes, elements=values)


@quick
@given(mosaics(holed), patterns)
def test_bilinear_is_the_mean_of_the_finite_neighbours(cfa, pattern):
    np.testing.assert_array_equal(demosaic(cfa, pattern, "bilinear"), twin.bilinear(cfa, pattern))


@quick
@given(mosaics(holed), patterns)
def test_superpixel_is_one_quad(cfa, pattern):
    np.testing.assert_array_equal(demosaic(cfa, pattern, "superpixel"), twin.superpixel(cfa, pattern))


@quick
@given(mosaics(levels), patterns, scalings)
def test_vng_is_the_paper_pixel_by_pixel(cfa, pattern, scaling):
    np.testing.assert_array_equal(demosaic(cfa, pattern, "vng", *scaling), twin.vng(cfa, pattern, *scaling))


@quick
@given(mosaics(levels), patterns, scalings)
def test_rcd_is_its_formulae_plane_by_plane(cfa, pattern, scaling):
    np.testing.assert_array_equal(demosaic(cfa, pattern, "rcd", *scaling), twin.rcd(cfa, pattern, *scaling))


@quick
@given(mosaics(holed), patterns)
def test_the_green_plane_is_the_green_of_bilinear(cfa, pattern):
    np.testing.assert_array_equal(green_plane(cfa, pattern), twin.bilinear(cfa, pattern)[1])


@quick
@given(mosaics(holed, smallest=1, largest=12), st.one_of(st.none(), patterns))
def test_holes_take_the_median_of_the_nearest_ring(image, pattern):
    filled, bad = fill_defects(image, pattern)
    step = 1 if pattern is None else 2
    np.testing.assert_allclose(filled, twin.fill_defects(image, step, REACH), rtol=1e-6)
    np.testing.assert_array_equal(bad, np.isnan(image))


@pytest.mark.parametrize("size", [2, 3, 4, 40])
def test_rcd_mirrors_frames_smaller_than_its_margin(size):
    cfa = np.random.default_rng(size).normal(1000, 50, (size, 5)).astype(np.float32)
    np.testing.assert_array_equal(demosaic(cfa, Bayer.GRBG), twin.rcd(cfa, Bayer.GRBG))


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 1)))
def test_a_mask_grows_by_every_pixel_that_touches_it(bad):
    wide = np.pad(bad, 1)
    got = grown(bad)
    for row, column in np.ndindex(bad.shape):
        assert got[row, column] == wide[row : row + 3, column : column + 3].max()
