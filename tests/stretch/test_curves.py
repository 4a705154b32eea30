"""Curves are the published ones, and can be turned round."""

import numpy as np
import pytest

from sidera.errors import UsageError
from sidera.stretch.curves import Bend, Curve, bent, unbent
from twins import stretch as twin

X = np.linspace(0, 1, 201)
BENDS = [
    Bend(amount, local, symmetry, low, high)
    for amount in (0.5, 3.0, 8.0)
    for local in (-3.0, -1.0, -0.4, 0.0, 1.0, 6.0)
    for low, symmetry, high in ((0.0, 0.0, 1.0), (0.05, 0.2, 0.6), (0.0, 0.5, 1.0))
] + [Bend(4.0, symmetry=0.1, protect_high=0.9, kind="asinh")]


@pytest.mark.parametrize("bend", BENDS, ids=repr)
def test_a_hyperbolic_stretch_is_the_published_one_and_can_be_turned_round(bend):
    expected = [
        twin.hyperbolic(
            x, bend.amount, bend.local, bend.symmetry, bend.protect_low, bend.protect_high, bend.kind
        )
        for x in X
    ]
    y = bent(X, bend)
    np.testing.assert_allclose(y, expected, atol=1e-9)
    assert (np.diff(y) > -1e-12).all()
    # where exp(-D) has flattened the curve to nothing, no float64 knows the way back
    steep = (y > 1e-9) & (y < 1 - 1e-9)
    np.testing.assert_allclose(unbent(y, bend)[steep], X[steep], atol=1e-6)


def test_outside_its_protected_range_a_stretch_is_a_straight_line():
    y = bent(X, Bend(5.0, 1.0, 0.3, 0.2, 0.6))
    np.testing.assert_allclose(np.diff(y[:40], 2), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(y[121:], 2), 0, atol=1e-12)
    assert np.abs(np.diff(y[40:121], 2)).max() > 1e-4


def test_protected_shadows_take_the_curve_s_own_slope():
    bend = Bend(3.0, 0.0, 0.3, 0.1, 0.9)
    y = bent(np.array([0.0999, 0.1, 0.1001]), bend)
    assert y[1] - y[0] == pytest.approx(y[2] - y[1], rel=2e-3)


def test_no_amount_is_no_stretch():
    np.testing.assert_array_equal(bent(X, Bend(0.0)), X)
    np.testing.assert_array_equal(unbent(X, Bend(0.0)), X)


@pytest.mark.parametrize("bend", [None, Bend(3.0, 1.0, 0.1)])
def test_brightness_leads_back_to_the_value(bend):
    curve = Curve(-20, 5000, 0.01, 0.2 if bend is None else 0.5, 0.9, bend)
    values = np.linspace(curve.black, 4000, 50)
    np.testing.assert_allclose(curve.values(curve.at(values)), values, rtol=1e-6)


def test_a_table_holds_the_curve_at_even_steps_of_its_range():
    curve = Curve(100, 300, 0.1, 0.25, 1.0)
    table = curve.table()
    assert table.size == 65_536
    assert table[0] == 0
    assert table[-1] == 1
    np.testing.assert_allclose(table[::1000], curve.at(np.linspace(100, 300, 65_536))[::1000], atol=1e-7)


@pytest.mark.parametrize(
    "values", [(3.0, 0.0, 0.2, 0.3, 1.0), (3.0, 0.0, 0.9, 0.1, 0.8), (-1.0,), (3.0, float("nan"))]
)
def test_a_bend_that_contradicts_itself_is_refused(values):
    with pytest.raises(UsageError):
        Bend(*values)
