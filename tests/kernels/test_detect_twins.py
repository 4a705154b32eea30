"""Detection kernels agree with their plain twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import detect as kernels
from twins import detect as twin
from twins.sky import clipped

quick = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 999)
WHOLE = np.ones((2, 2), np.uint8)


def star(seed, missing=0.0):
    """A round star on noise near the middle of 25×31 pixels, and where it is."""
    rng = np.random.default_rng(seed)
    x, y = 15 + rng.uniform(-1, 1), 12 + rng.uniform(-1, 1)
    rows, columns = np.indices((25, 31))
    image = 900 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 3) + rng.normal(-50, 3, rows.shape)
    image[rng.random(rows.shape) < missing] = np.nan
    return image.astype(np.float32), np.array([x]), np.array([y])


@quick
@given(seeds, st.integers(1, 30), st.integers(1, 30), st.integers(0, 5))
def test_maxima_are_the_first_highest_of_their_neighbours(seed, rows, columns, border):
    image = np.random.default_rng(seed).integers(0, 6, (rows, columns)).astype(np.float32)  # full of ties
    found_rows, found_columns = np.empty(900, np.int64), np.empty(900, np.int64)
    edge = max(border, 2)
    count = kernels.maxima(image, np.full((2, 3), 3, np.float32), edge, edge, found_rows, found_columns)
    got = list(zip(found_rows[:count].tolist(), found_columns[:count].tolist(), strict=True))
    assert got == twin.maxima(image, 3, border)


def test_maxima_beyond_the_room_given_are_still_counted():
    image = np.zeros((9, 40), np.float32)
    image[4, 4::6] = 1
    rows, columns = np.empty(2, np.int64), np.empty(2, np.int64)
    assert kernels.maxima(image, np.full((1, 1), 0.5, np.float32), 2, 2, rows, columns) == 6
    assert columns.tolist() == [4, 10]


def test_missing_pixels_become_sky_and_are_counted():
    image = np.array([[1, np.nan], [np.nan, -2]], np.float32)
    wide, out = np.full((6, 2), 0.5, np.float32), np.empty((4, 2), np.float32)
    assert kernels.level_off(image, wide, -1, out) == 4  # each row twice: the edges are repeated
    np.testing.assert_array_equal(out, [[0.5, 0], [0.5, 0], [0, -2.5], [0, -2.5]])


def test_a_core_knows_its_peak_its_neighbours_and_how_many_are_lit():
    image = np.full((7, 7), 100, np.float32)
    image[3, 3:5] = [108, 116]
    image[2, 2] = np.nan
    peak, surround, lit = np.empty(1), np.empty(1), np.empty(1, np.int64)
    level, limit = np.array([100.0]), np.array([1.0])
    kernels.cores(image, level, np.array([3]), np.array([3]), limit, peak, surround, lit)
    assert (peak[0], surround[0], lit[0]) == (16, 1, 2)


@quick
@given(seeds, st.sampled_from([0.0, 0.1]), st.sampled_from([1.5, 2.0]))
def test_centroids_are_gaussian_windowed(seed, missing, gain):
    image, x, y = star(seed, missing)
    expected = twin.centroid(image, -50.0, 1.5, x[0], y[0])
    kernels.centroids(image, np.array([-50.0]), 1.5, gain, 5.0, x, y)
    np.testing.assert_allclose([x[0], y[0]], expected, atol=1e-3)


def test_where_there_is_no_light_there_is_no_centroid():
    x, y = np.array([5.0]), np.array([5.0])
    kernels.centroids(np.full((11, 11), -1, np.float32), np.zeros(1), 1.5, 2.0, 3.0, x, y)
    assert np.isnan([x[0], y[0]]).all()


@quick
@given(seeds)
def test_moments_are_windowed(seed):
    image, x, y = star(seed)
    out = np.empty((1, 3))
    kernels.moments(image, np.array([-50.0]), 1.5, x, y, out)
    np.testing.assert_allclose(out[0], twin.moments(image, -50.0, 1.5, x[0], y[0]), rtol=1e-4, atol=1e-4)


@quick
@given(seeds, st.floats(0.5, 8.0), st.sampled_from([0.0, 0.1]))
def test_apertures_share_their_edge_pixels(seed, radius, missing):
    image, x, y = star(seed, missing)
    flux, area = np.empty(1), np.empty(1)
    kernels.apertures(image, np.array([-50.0]), radius, 0.0, WHOLE, x, y, flux, area)
    np.testing.assert_allclose([flux[0], area[0]], twin.aperture(image, -50.0, radius, x[0], y[0]), rtol=1e-4)


def test_an_aperture_that_leaves_the_image_has_no_flux():
    flux, area = np.empty(2), np.empty(2)
    image = np.ones((20, 20), np.float32)
    kernels.apertures(
        image, np.zeros(2), 4.0, 0.0, WHOLE, np.array([3.0, np.nan]), np.array([10.0, 9.0]), flux, area
    )
    assert np.isnan(flux).all()


@quick
@given(seeds)
def test_annuli_hold_the_sky(seed):
    image, x, y = star(seed, 0.1)
    level, spread, count = np.empty(1), np.empty(1), np.empty(1)
    kernels.annuli(image, x, y, 6.0, 9.0, WHOLE, level, spread, count)
    ring = twin.annulus(image, x[0], y[0], 6.0, 9.0)
    mean, median, deviation, number = clipped(ring, 3.0, 8)
    fair = abs(mean - median) <= 2 * deviation / np.sqrt(number)
    assert level[0] == pytest.approx(mean if fair else 2.5 * median - 1.5 * mean, abs=0.5)
    assert spread[0] == pytest.approx(deviation, rel=0.05)
    assert count[0] == pytest.approx(number, abs=3)


@quick
@given(seeds, st.sampled_from([1.5, 2.5, 6.0]))
def test_half_of_the_light_lies_within_the_half_light_radius(seed, radius):
    """In a narrow aperture half of the light lies so far out that the outer pixels are needed too."""
    image, x, y = star(seed)
    flux, area, out = np.empty(1), np.empty(1), np.empty(1)
    sky = np.array([-50.0])
    kernels.apertures(image, sky, radius, 0.0, WHOLE, x, y, flux, area)
    kernels.half_light(image, sky, flux, radius, x, y, out)
    assert out[0] == pytest.approx(twin.half_light(image, -50.0, radius, x[0], y[0]), abs=0.05)


@quick
@given(seeds, st.sampled_from([[[1, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 1], [1, 0]]]), st.floats(3, 9))
def test_a_ring_holds_just_the_pixels_that_count(seed, use, inner):
    image, x, y = star(seed)
    use = np.array(use, np.uint8)
    level, spread, count = np.empty(1), np.empty(1), np.empty(1)
    kernels.annuli(np.zeros_like(image), x, y, inner, inner + 4, use, level, spread, count)
    rows, columns = np.indices(image.shape)
    image[use[rows & 1, columns & 1] == 0] = np.nan
    assert count[0] == twin.annulus(image, x[0], y[0], inner, inner + 4).size


def test_a_missing_pixel_is_filled_as_the_star_would_have_it():
    rows, columns = np.indices((15, 15))
    whole = (100 + 50 * np.exp(-((columns - 7.3) ** 2 + (rows - 7) ** 2) / (2 * 1.4**2))).astype(np.float32)
    holed = whole.copy()
    holed[7, 7] = np.nan
    rows, columns, values = np.empty(9, np.int64), np.empty(9, np.int64), np.empty(9, np.float32)
    place = np.array([100.0]), 1.4, 5.0, np.array([7.3]), np.array([7.0])
    assert kernels.fillings(holed, *place, rows, columns, values) == 1
    assert (rows[0], columns[0]) == (7, 7)
    assert values[0] == pytest.approx(whole[7, 7], abs=1e-3)


def test_fillings_beyond_the_room_given_are_still_counted():
    holed = np.full((15, 15), 5, np.float32)
    holed[6:9, 7] = np.nan
    place = np.zeros(1), 1.4, 5.0, np.array([7.0]), np.array([7.0])
    room = np.empty(1, np.int64), np.empty(1, np.int64), np.empty(1, np.float32)
    assert kernels.fillings(holed, *place, *room) == 3


@quick
@given(seeds, st.integers(1, 4))
def test_a_star_is_marked_where_a_pixel_about_it_is_and_holed_where_one_is_missing(seed, reach):
    rng = np.random.default_rng(seed)
    mask = (rng.random((30, 40)) < 0.01).astype(np.uint8)
    image = np.where(mask, np.nan, 1).astype(np.float32)
    x, y = rng.uniform(-1, 40, 25), rng.uniform(-1, 30, 25)
    x[0] = np.nan
    marked, holed = np.ones(25, np.bool_), np.ones(24, np.bool_)
    kernels.marked(mask, reach, x, y, marked)
    kernels.holed(image, float(reach), x[1:], y[1:], holed)
    rows, columns = np.nonzero(mask)
    for n in range(25):
        near = (np.abs(rows - np.rint(y[n])) <= reach) & (np.abs(columns - np.rint(x[n])) <= reach)
        assert marked[n] == near.any()
        if n:
            assert holed[n - 1] == ((np.abs(rows - y[n]) <= reach) & (np.abs(columns - x[n]) <= reach)).any()
