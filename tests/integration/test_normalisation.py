"""Frames of another night's sky and transparency come to the reference's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.errors import ShapeError, UsageError
from sidera.integration.normalise import Surface, apply, photometric_scale, sky_difference, total

COEFFICIENTS = st.lists(st.floats(-100, 100), min_size=6, max_size=6).map(tuple)


def mesh(rows=20, columns=30, cell=64):
    y, x = np.mgrid[:rows, :columns]
    return x * cell + cell / 2 - 0.5, y * cell + cell / 2 - 0.5


def test_scale_from_noisy_stars_with_variable_and_blended_ones():
    rng = np.random.default_rng(1)
    reference = np.geomspace(1e3, 1e6, 200)
    frame = reference / 1.25 * rng.normal(1, 0.01, 200)
    frame[:20] *= 1.8
    scale = photometric_scale(reference, frame)
    assert scale.value == pytest.approx(1.25, abs=4 * scale.error)
    assert 0.0005 < scale.error < 0.002
    assert 160 < scale.stars <= 185


def test_bright_stars_count_by_their_errors():
    rng = np.random.default_rng(2)
    snr = np.geomspace(5, 500, 100)
    reference = snr**2 * rng.normal(1, 1 / snr)
    frame = snr**2 / 0.9 * rng.normal(1, 1 / snr)
    scale = photometric_scale(reference, frame, snr, snr)
    assert scale.value == pytest.approx(0.9, abs=4 * scale.error)
    assert scale.error < photometric_scale(reference, frame).error


def test_scale_of_one_star_and_of_none():
    one = photometric_scale(np.array([10.0]), np.array([5.0]))
    assert (one.value, one.error, one.stars) == (pytest.approx(2), np.inf, 1)
    none = photometric_scale(np.array([np.nan, 3.0, -1.0]), np.array([1.0, 0.0, -2.0]))
    assert (none.value, none.error, none.stars) == (1.0, np.inf, 0)
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
        photometric_scale(np.ones(2), np.ones(3))


def test_a_turning_gradient_is_taken_out_and_the_nebula_stays():
    x, y = mesh()
    nebula = 400 * np.exp(-((x - 800) ** 2 + (y - 500) ** 2) / (2 * 200**2))
    reference = 500 + nebula + 0.02 * x
    frame = (nebula + 300 + 0.03 * y - 1e-5 * (x - 900) ** 2) / 1.1
    frame[3, 3] += 5000  # a plane's light
    frame[0, :5] = np.nan
    surface = sky_difference(reference, frame, x, y, 1.1)
    np.testing.assert_allclose(
        surface.evaluate(x, y), 200 + 0.02 * x - 0.03 * y + 1e-5 * (x - 900) ** 2, atol=1e-3
    )


def test_order_0_is_one_constant():
    x, y = mesh()
    surface = sky_difference(np.full(x.shape, 90.0), 50 + 0.01 * x, x, y, 1.0, order=0)
    assert surface == Surface.constant(surface.coefficients[0])
    assert surface.coefficients[0] == pytest.approx(40 - 0.01 * x.mean(), abs=0.5)


@pytest.mark.parametrize(("cells", "slopes"), [(1, 0), (8, 0), (9, 2), (17, 2)])
def test_few_cells_lower_the_order(cells, slopes):
    x, y = mesh(5, 5)
    frame = np.full(x.shape, np.nan)
    frame.flat[:cells] = -(100 + x * 0.5 + x * x * 0.01).flat[:cells]
    surface = sky_difference(np.zeros(x.shape), frame, x, y, 1.0)
    assert np.count_nonzero(np.array(surface.coefficients)[1:]) <= slopes
    assert np.all(np.array(surface.coefficients)[3:] == 0)


def test_cells_in_one_row_tell_no_slope_across():
    x, y = mesh(1, 40)
    surface = sky_difference(10 + 0.5 * x, np.zeros(x.shape), x, y, 1.0)
    np.testing.assert_allclose(surface.evaluate(x, y + 100), 10 + 0.5 * x, atol=1e-6)


def test_no_common_cell_means_no_change():
    x, y = mesh(3, 3)
    assert sky_difference(np.full(x.shape, np.nan), x, x, y, 1.0) == Surface()


@settings(deadline=None, max_examples=25)
@given(COEFFICIENTS, COEFFICIENTS)
def test_surfaces_add(one, other):
    x, y = mesh(3, 4)
    both = total([Surface(one), Surface(other) * 2.0])
    wanted = Surface(one).evaluate(x, y) + 2 * Surface(other).evaluate(x, y)
    np.testing.assert_allclose(both.evaluate(x, y), wanted, atol=1e-9)


def test_a_pixel_has_the_same_bits_in_whatever_window_it_lies():
    rng = np.random.default_rng(1)
    frame = rng.normal(500, 10, (50, 130)).astype(np.float32)
    frame[7, 9] = np.nan
    surface = Surface((12.5, -3.3, 0.7, 0.123, 5.1, -2.2))
    whole, part = frame.copy(), frame[13:, 29:].copy()
    apply(whole, 1.07, surface, 1000, 2000)
    apply(part, 1.07, surface, 1029, 2013)
    np.testing.assert_array_equal(whole[13:, 29:], part)
    np.testing.assert_allclose(whole, 1.07 * frame + surface.grid(50, 130, 1000, 2000), rtol=1e-6)


def test_what_makes_no_sense_is_refused():
    x, y = mesh(2, 2)
    with pytest.raises(UsageError, match="order 3"):
        sky_difference(x, x, x, y, 1.0, order=3)
    with pytest.raises(UsageError, match="scale of nan"):
        sky_difference(x, x, x, y, np.nan)
    with pytest.raises(ShapeError, match="shapes"):
        sky_difference(x, x[:1], x, y, 1.0)
    with pytest.raises(ShapeError, match="float64"):
        apply(np.zeros((2, 2)), 1.0, Surface())
    with pytest.raises(UsageError, match="6 numbers"):
        Surface((1.0,))
