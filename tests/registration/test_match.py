"""Stars are paired by place, and patterns of four are known again however they lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidera.model.transform import Transform
from sidera.registration.match import Field, guesses, mutual_pairs, patterns
from starfields import SHAPE, Truth, noise_list, star_list
from twins import match as twin

places = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 2), elements=st.floats(0, 40, width=32), unique=True)
)


def field(at, shape=SHAPE):
    at = np.asarray(at, np.float64).reshape(-1, 2)
    return Field.of(star_list(at[:, 0], at[:, 1], np.arange(len(at), 0, -1)), shape)


@given(places, places, st.floats(0.5, 20))
@settings(deadline=None, max_examples=50)
def test_pairs_agree_with_the_plain_twin(here, there, radius):
    distance = np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1))
    ties = np.unique(distance.round(9)).size < distance.size or np.any(np.abs(distance - radius) < 1e-9)
    if not ties:  # of two equally near either may be taken
        got = mutual_pairs(Transform.identity(), field(here), field(there), radius)
        assert sorted(map(tuple, got.tolist())) == twin.mutual_pairs(here, there, radius)


def test_the_farther_of_two_rivals_stays_alone():
    pairs = mutual_pairs(Transform.identity(), field([[10, 10], [12, 10]]), field([[11.5, 10]]), 8)
    assert pairs.tolist() == [[1, 0]]


def test_nothing_pairs_beyond_the_radius():
    assert not len(mutual_pairs(Transform.identity(), field([[10, 10]]), field([[20, 10]]), 8))


def test_stars_without_a_place_are_passed_over():
    stars = star_list([1.0, np.nan, 3.0], [1.0, 2.0, np.inf], [3, 2, 1])
    assert Field.of(stars, SHAPE).index.tolist() == [0]


def test_a_star_of_unknown_error_is_neither_trusted_nor_lost():
    sigma = Field.of(star_list([1.0], [1.0], [1], sigma=np.nan), SHAPE).sigma
    assert 0.1 < sigma[0] < 1


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_and_scaled_pattern_has_the_same_code(mirrored):
    here = np.array([[0.0, 0], [100, 10], [30, 40], [60, -20]])
    there = np.column_stack(Truth(37, 0.5, 40, 9, mirrored).apply(*here.T))
    np.testing.assert_allclose(patterns(there).code, patterns(here, mirrored).code, atol=1e-12)


def test_the_order_of_the_four_is_of_no_account():
    four = np.random.default_rng(3).uniform(0, 100, (4, 2))
    np.testing.assert_allclose(patterns(four[[2, 0, 3, 1]]).code, patterns(four).code, atol=1e-12)


def test_stars_on_one_spot_make_no_pattern():
    assert not len(patterns(np.ones((5, 2))).code)


def test_a_long_list_makes_a_bounded_number_of_patterns():
    at = np.random.default_rng(0).uniform(0, 1000, (300, 2))
    assert 2000 < len(patterns(at).code) < 12000


@pytest.mark.parametrize("mirrored", [False, True])
def test_patterns_tell_how_the_frame_lies(mirrored):
    truth = Truth(110, 0.7, 12, -30, mirrored)
    here = Field.of(noise_list(5, 30), SHAPE)
    there = np.column_stack(truth.apply(*here.at.T))
    best = guesses(here.at, there, here.reach, here.middle, mirrored)[0]
    np.testing.assert_allclose(best.apply(*here.at.T), there.T, atol=1e-6)
    assert best.mirrored is mirrored


def test_three_stars_give_no_guess():
    three = noise_list(1, 3)
    at = np.column_stack([three.x, three.y])
    assert guesses(at, at, 400, (300, 300), False) == []
