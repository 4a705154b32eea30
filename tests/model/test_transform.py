"""Maps do what their names say, and come back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.errors import ShapeError, UsageError
from sidera.model.transform import Model, Transform, polynomial_slopes, polynomial_terms

X, Y = np.meshgrid(np.linspace(0, 751, 7), np.linspace(0, 579, 6))


def turned(degrees, scale=1.0, mirrored=False, x=0.0, y=0.0, centre=(375.5, 289.5)):
    a, b = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    flip = -1 if mirrored else 1
    return Transform(Model.SIMILARITY, np.array([[a, -b * flip, x], [b, a * flip, y], [0, 0, 1]]), centre)


def bent(model, size=2.0, seed=0):
    terms = {Model.QUADRATIC: 6, Model.CUBIC: 10}[model]
    coefficients = np.random.default_rng(seed).normal(0, size, (2, terms))
    coefficients[:, :3] = [[380, 470, 5], [290, -5, 470]]
    return Transform(model, coefficients, (375.5, 289.5), 475.0)


def tilted():
    return Transform(
        Model.HOMOGRAPHY, np.array([[1.01, 0.02, 5], [-0.02, 0.99, -7], [2e-5, -1e-5, 1.0]]), (375.5, 289.5)
    )


ALL = [Transform.identity(), Transform.moved(12.5, -3), turned(69.5), turned(5, 0.5, mirrored=True), tilted(),
       bent(Model.QUADRATIC), bent(Model.CUBIC)]  # fmt: skip


def test_the_identity_moves_nothing_by_one_bit():
    x, y = Transform.identity().apply(X, Y)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


def test_a_shift_moves_everything_alike():
    x, y = Transform.moved(12.5, -3).apply(np.array([0.0, 10.0]), np.array([5.0, 5.0]))
    np.testing.assert_array_equal(x, [12.5, 22.5])
    np.testing.assert_array_equal(y, [2.0, 2.0])


def test_a_quarter_turn_takes_right_to_down():
    x, y = turned(90).apply(np.array(10.0), np.array(0.0))
    np.testing.assert_allclose([x, y], [0, 10], atol=1e-12)


@given(st.floats(-179, 179), st.floats(0.2, 5), st.booleans())
@settings(deadline=None, max_examples=25)
def test_figures_for_people_are_those_it_was_made_of(degrees, scale, mirrored):
    transform = turned(degrees, scale, mirrored)
    assert transform.rotation == pytest.approx(degrees, abs=1e-9)
    assert transform.scale == pytest.approx(scale)
    assert transform.mirrored is mirrored
    assert transform.shear == pytest.approx(0, abs=1e-9)


def test_the_shift_is_that_of_the_centre_whatever_the_turn():
    about_centre = turned(180, x=751 + 4, y=579 - 2)
    assert about_centre.shift == pytest.approx((4, -2))


@pytest.mark.parametrize("transform", ALL, ids=lambda t: t.model.value)
def test_json_brings_back_the_same_bits(transform):
    assert Transform.from_dict(json.loads(json.dumps(transform.as_dict()))) == transform


@pytest.mark.parametrize("transform", ALL, ids=lambda t: t.model.value)
def test_there_and_back_is_where_one_was(transform):
    x, y = transform.invert_points(*transform.apply(X, Y))
    np.testing.assert_allclose(x, X, atol=1e-6)
    np.testing.assert_allclose(y, Y, atol=1e-6)


def test_a_point_that_no_point_leads_to_is_nan():
    fold = np.zeros((2, 6))
    fold[0, 1], fold[0, 3], fold[1, 2] = 1, 1, 1  # x + x² is never below -1/4
    x, y = Transform(Model.QUADRATIC, fold).invert_points(np.array([-1.0, 2.0]), np.array([0.0, 0.0]))
    assert np.isnan(x[0])
    assert np.isnan(y[0])
    assert x[1] == pytest.approx(1)


@pytest.mark.parametrize("transform", ALL, ids=lambda t: t.model.value)
def test_the_jacobian_is_the_difference_of_neighbours(transform):
    half = 1e-3
    along_x = np.subtract(transform.apply(X + half, Y), transform.apply(X - half, Y)) / (2 * half)
    along_y = np.subtract(transform.apply(X, Y + half), transform.apply(X, Y - half)) / (2 * half)
    expected = np.stack([along_x, along_y], axis=-1).transpose(1, 2, 0, 3)
    np.testing.assert_allclose(transform.jacobian(X, Y), expected, atol=1e-7)
    np.testing.assert_allclose(transform.area(X, Y), np.abs(np.linalg.det(expected)), atol=1e-6)


@pytest.mark.parametrize("transform", ALL[:5], ids=lambda t: t.model.value)
def test_the_inverse_undoes(transform):
    x, y = transform.inverse().apply(*transform.apply(X, Y))
    np.testing.assert_allclose(x, X, atol=1e-8)
    np.testing.assert_allclose(y, Y, atol=1e-8)


@pytest.mark.parametrize("outer", ALL, ids=lambda t: t.model.value)
@pytest.mark.parametrize("inner", ALL, ids=lambda t: t.model.value)
def test_composed_is_one_after_the_other(outer, inner):
    two_bends = outer.model.degree and inner.model.degree
    mixed = Model.HOMOGRAPHY in (outer.model, inner.model) and (outer.model.degree or inner.model.degree)
    if two_bends or mixed:
        with pytest.raises(UsageError, match="one after the other"):
            outer.compose(inner)
        return
    expected = outer.apply(*inner.apply(X, Y))
    np.testing.assert_allclose(outer.compose(inner).apply(X, Y), expected, atol=1e-7)


@pytest.mark.parametrize("transform", ALL, ids=lambda t: t.model.value)
def test_the_grid_has_a_point_on_each_side_of_every_pixel(transform):
    grid_x, grid_y = transform.grid(top=64, left=-10, rows=33, columns=32, step=16)
    assert grid_x.shape == (4, 3)  # rows 64, 80, 96 and 112; columns -10, 6, 22
    x, y = transform.apply(np.array(6.0), np.array(112.0))
    assert (grid_x[3, 1], grid_y[3, 1]) == pytest.approx((float(x), float(y)))


def test_a_tile_of_one_pixel_has_four_corners():
    grid_x, grid_y = Transform.identity().grid(5, 7, 1, 1, 32)
    np.testing.assert_array_equal(grid_x, [[7, 39], [7, 39]])
    np.testing.assert_array_equal(grid_y, [[5, 5], [37, 37]])


@pytest.mark.parametrize("transform", ALL, ids=lambda t: t.model.value)
def test_every_pixel_of_a_tile_lies_within_its_bounds(transform):
    top, left, bottom, right = transform.bounds(100, 200, 64, 48)
    x, y = transform.apply(*np.meshgrid(np.arange(200.0, 248), np.arange(100.0, 164)))
    assert top <= y.min() + 1e-3
    assert bottom >= y.max() - 1e-3
    assert left <= x.min() + 1e-3
    assert right >= x.max() - 1e-3


def test_the_tangent_touches_at_the_centre():
    cubic = bent(Model.CUBIC)
    here = np.array(375.5), np.array(289.5)
    np.testing.assert_allclose(cubic.tangent().apply(*here), cubic.apply(*here))
    np.testing.assert_allclose(cubic.tangent().jacobian(*here), cubic.jacobian(*here))


def test_terms_and_slopes_are_the_written_powers():
    x, y = np.array(2.0), np.array(3.0)
    np.testing.assert_array_equal(polynomial_terms(x, y, 3), [1, 2, 3, 4, 6, 9, 8, 12, 18, 27])
    along_x, along_y = polynomial_slopes(x, y, 3)
    np.testing.assert_array_equal(along_x, [0, 1, 0, 4, 3, 0, 12, 12, 9, 0])
    np.testing.assert_array_equal(along_y, [0, 0, 1, 0, 2, 6, 0, 4, 12, 27])


def test_coefficients_cannot_be_changed_behind_its_back():
    mine = np.eye(3)
    transform = Transform(Model.AFFINE, mine)
    mine[0, 2] = 99
    assert transform == Transform(Model.AFFINE, np.eye(3))
    assert hash(transform) == hash(Transform(Model.AFFINE, np.eye(3)))
    with pytest.raises(ValueError, match="read-only"):
        transform.coefficients[0, 0] = 2


def test_nonsense_is_refused():
    with pytest.raises(ShapeError, match="shape"):
        Transform(Model.CUBIC, np.eye(3))
    with pytest.raises(ShapeError, match="finite"):
        Transform(Model.AFFINE, np.full((3, 3), np.nan))
    with pytest.raises(ShapeError, match="1 or more"):
        Transform.identity().grid(0, 0, 0, 5, 16)
    with pytest.raises(UsageError, match="flat"):
        Transform(Model.AFFINE, np.zeros((3, 3))).inverse()
    with pytest.raises(UsageError, match="invert_points"):
        bent(Model.CUBIC).inverse()
