"""Chance is reckoned honestly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.model.transform import Transform
from sidera.registration.evidence import IMPOSSIBLE, Overlap, chance, log_pairings, needed, overlap, provable
from sidera.registration.match import Field
from starfields import SHAPE, noise_list


def shared(reference, frame, area=1e6):
    return Overlap(reference, frame, area, np.full(reference, frame / area), 9, 9)


def test_the_tail_is_the_binomial_one_on_the_back_of_an_envelope():
    """Six stars, two spent on the map: two or more of the other four by chance."""
    p = 1 - math.exp(-math.pi * 2**2 * 6 / 1e4)
    tail = sum(math.comb(4, k) * p**k * (1 - p) ** (4 - k) for k in (2, 3, 4))
    assert chance(4, shared(6, 6, 1e4), 2.0, 2, 0.0) == pytest.approx(math.log10(tail))


def test_trials_count_against_the_match():
    assert chance(6, shared(9, 9), 1, 2, 3.0) == pytest.approx(chance(6, shared(9, 9), 1, 2, 0.0) + 3)


@given(st.integers(4, 60), st.integers(4, 60), st.floats(1, 5))
@settings(deadline=None, max_examples=25)
def test_more_matches_are_never_weaker_proof(reference, frame, radius):
    both = shared(reference, frame)
    chances = [chance(m, both, radius, 2, 5.0) for m in range(both.candidates + 1)]
    assert chances == sorted(chances, reverse=True)
    assert all(IMPOSSIBLE <= one <= 0 for one in chances)


def test_needed_is_the_first_number_that_proves():
    both, trials = shared(50, 40), log_pairings(50, 40)
    least = needed(both, 1.0, 2, trials)
    assert chance(least, both, 1.0, 2, trials) <= -6 < chance(least - 1, both, 1.0, 2, trials)


def test_four_stars_prove_a_match_on_a_large_frame_but_not_on_a_small_one():
    def four(shape):
        return Field.of(noise_list(0, 4, shape), shape)

    assert provable(four((1080, 1920)), four((1080, 1920)))
    assert not provable(four((60, 80)), four((60, 80)))


def test_the_same_field_overlaps_wholly():
    field = Field.of(noise_list(0, 60), SHAPE)
    both = overlap(Transform.identity(), field, field, field.at)
    assert (both.reference, both.frame, both.spread) == (60, 60, 9)
    assert both.area == pytest.approx(SHAPE[0] * SHAPE[1])


def test_half_a_frame_aside_half_is_shared():
    field = Field.of(noise_list(0, 400), SHAPE)
    both = overlap(Transform.moved(SHAPE[1] / 2, 0), field, field, field.at[:0])
    assert both.area == pytest.approx(SHAPE[0] * SHAPE[1] / 2, rel=0.05)
    assert both.reference == np.count_nonzero(field.at[:, 0] < SHAPE[1] / 2 - 0.5)
    assert both.spread == 0


def test_nothing_is_shared_a_frame_away():
    field = Field.of(noise_list(0, 20), SHAPE)
    both = overlap(Transform.moved(5000, 0), field, field, field.at)
    assert both.candidates == 0
    assert chance(0, both, 1.0, 2, 0.0) == 0


def test_a_crowd_makes_chance_likelier():
    rng = np.random.default_rng(0)
    crowd = Field(rng.normal(300, 15, (60, 2)), np.full(60, 0.05), np.arange(60), SHAPE)
    even = Field.of(noise_list(0, 60), SHAPE)
    expected = [overlap(Transform.identity(), one, one, one.at).expected(1.0) for one in (crowd, even)]
    assert expected[0] > 10 * expected[1]
