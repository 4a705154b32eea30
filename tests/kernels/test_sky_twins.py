"""Sky kernels agree with their plain twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import clip
from sidera.kernels import filter as filters
from sidera.kernels import sky as kernels
from twins import filter as filter_twin
from twins import sky as twin

quick = settings(deadline=None, max_examples=25)


def sample(seed, size, whole, missing):
    rng = np.random.default_rng(seed)
    values = rng.normal(-20, 9, size).astype(np.float32)
    values[rng.random(size) < 0.05] += 4000
    if whole:
        values = np.round(values)
    values[rng.random(size) < missing] = np.nan
    return values


@quick
@given(st.integers(0, 999), st.integers(200, 1500), st.booleans(), st.sampled_from([0.0, 0.3]))
def test_clipped_statistics_are_those_of_clipping_plainly(seed, size, whole, missing):
    values = sample(seed, size, whole, missing)
    mean, median, spread, count = clip.clipped(values, 3.0, 20)
    expected = twin.clipped(values, 3.0, 20)
    assert count == pytest.approx(expected[3], abs=6)  # samples at the limit may fall on either side
    assert mean == pytest.approx(expected[0], abs=0.3)
    assert median == pytest.approx(expected[1], abs=0.6 if whole else 0.4)
    assert spread == pytest.approx(expected[2], rel=0.06 if whole else 0.03)


@pytest.mark.parametrize("values", [[], [np.nan], [np.nan, np.inf]])
def test_nothing_measured_has_no_level(values):
    mean, median, spread, count = clip.clipped(np.array(values, np.float32), 3.0, 6)
    assert np.isnan([mean, median, spread]).all()
    assert count == 0


def test_equal_samples_are_their_own_mean_and_median():
    mean, median, spread, count = clip.clipped(np.full(30, -7.25, np.float32), 3.0, 6)
    assert (mean, median, spread, count) == (-7.25, -7.25, 0, 30)


def test_the_median_of_whole_numbers_moves_smoothly():
    rng = np.random.default_rng(1)
    for truth in (10.0, 10.2, 10.4):
        values = np.round(rng.normal(truth, 1, 40000)).astype(np.float32)
        assert clip.clipped(values, 5.0, 6)[1] == pytest.approx(truth, abs=0.03)


def test_each_cell_has_its_own_level():
    image = np.repeat(np.repeat(np.array([[1, 5], [-3, np.nan]], np.float32), 10, 0), 10, 1)
    level, spread, share = (np.empty((2, 2), np.float32) for _ in range(3))
    kernels.cell_levels(image, 0, 0, 1, 2, level, spread, share)
    np.testing.assert_array_equal(level, [[1, 5], [-3, np.nan]])
    np.testing.assert_array_equal(share, [[1, 1], [1, 0]])


@quick
@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 40))
def test_cell_noise_is_that_of_the_starlet_layer(seed, rows, columns):
    image = np.random.default_rng(seed).normal(50, 4, (rows, columns)).astype(np.float32)
    noise = np.empty((1, 1, 1), np.float32)
    kernels.cell_noise(image, 0, 1, 1, noise)
    _, _, spread, _ = clip.clipped(twin.detail(image).astype(np.float32).ravel(), 3.0, 10)
    assert noise[0, 0, 0] == pytest.approx(spread / (0.985 * 0.8907), rel=1e-3, abs=1e-4)


@quick
@given(st.integers(0, 999), st.integers(2, 40), st.integers(2, 40), st.integers(1, 3))
def test_sites_of_a_filter_array_are_measured_like_an_image_of_their_own(seed, rows, columns, step):
    image = np.random.default_rng(seed).normal(50, 4, (rows, columns)).astype(np.float32)
    for down, right in np.ndindex(2, 2):
        site = np.ascontiguousarray(image[down::2, right::2])
        alone, noise = np.empty((3, 1, 2), np.float32), np.empty((1, 1, 2), np.float32)
        there, noises = np.empty((3, 1, 2), np.float32), np.empty((2, 1, 2), np.float32)
        kernels.cell_levels(site, 0, 0, 1, step, *alone)
        kernels.cell_noise(site, 0, 1, step, noise)
        kernels.cell_levels(image, down, right, 2, step, *there)
        kernels.cell_noise(image, down, 2, step, noises)
        np.testing.assert_array_equal(there, alone)
        np.testing.assert_allclose(noises[right], noise[0], rtol=1e-4)


@quick
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 5), st.integers(1, 30), st.integers(1, 30))
def test_the_surface_is_catmull_rom(seed, down, across, rows, columns):
    mesh = np.random.default_rng(seed).normal(0, 10, (down, across)).astype(np.float32)
    grown = np.ascontiguousarray(np.pad(mesh, 2, mode="reflect", reflect_type="odd"))
    wide, out = np.empty((down + 4, columns), np.float32), np.empty((rows, columns), np.float32)
    kernels.widen(grown, wide)
    kernels.surface(wide, out)
    np.testing.assert_allclose(out, twin.surface(mesh, out.shape), atol=1e-3)
    less = np.empty_like(out)
    kernels.subtract_surface(np.ones_like(out), wide, less)
    np.testing.assert_allclose(less, 1 - out, atol=1e-4)
    x, y = np.array([0.0, columns - 1.0]), np.array([0.0, rows - 1.0])
    points = np.empty(2)
    kernels.surface_at(grown, rows, columns, x, y, points)
    np.testing.assert_allclose(points, [out[0, 0], out[-1, -1]], atol=1e-3)


@quick
@given(st.integers(0, 999), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 9]))
def test_convolution_is_a_weighted_sum(seed, rows, columns, size):
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 10, (rows, columns)).astype(np.float32)
    taps = rng.random(size // 2 + 1)
    taps = np.concatenate([taps[:0:-1], taps]).astype(np.float32)
    out = np.empty_like(image)
    filters.separable(image, taps, 0, out)
    np.testing.assert_allclose(out, filter_twin.separable(image, taps), rtol=1e-4, atol=1e-2)


def test_rows_convolved_apart_have_the_bits_of_the_whole():
    image = np.random.default_rng(8).normal(0, 10, (40, 1100)).astype(np.float32)
    taps = np.array([1, 3, 5, 8, 5, 3, 1], np.float32) / 26
    whole, part = np.empty_like(image), np.empty((9, 1100), np.float32)
    filters.separable(image, taps, 0, whole)
    filters.separable(image[12:30].copy(), taps, 5, part)
    np.testing.assert_array_equal(part, whole[17:26])
