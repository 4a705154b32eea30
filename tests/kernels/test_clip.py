"""Clipping by bins: what the twin test of the sky does not reach."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidera.kernels import clip as kernels
from twins import sky as twin

anything = st.floats(-1e6, 1e6, width=32) | st.integers(-3, 3).map(float) | st.just(np.nan)


@settings(deadline=None, max_examples=200)
@given(hnp.arrays(np.float32, st.integers(1, 90), elements=anything), st.sampled_from([1.5, 3.0]))
def test_the_median_is_that_of_a_sort_whatever_the_distribution(samples, kappa):
    known = np.sort(samples[np.isfinite(samples)])
    _, median, _, count = kernels.clipped(samples, kappa, 0)
    if known.size == 0 or known[0] == known[-1]:
        assert count == known.size
        return
    place = int(np.ceil(known.size / 2)) - 1
    values = np.unique(known)
    here = int(np.searchsorted(values, known[place]))
    inner = 0 < here < values.size - 1
    gap = min(np.diff(values.astype(float))[here - 1 : here + 1]) if inner else 0.0
    assert abs(median - known[place]) <= gap / 2 + 1e-6 * max(1.0, abs(known[place]))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 999), st.sampled_from([0.02, 0.3, 2.0, 40.0]))
def test_counts_are_those_of_the_twin_for_quiet_and_loud_cameras(seed, sigma):
    values = np.round(np.random.default_rng(seed).normal(1000.4, sigma, 700)).astype(np.float32)
    got, expected = kernels.clipped(values, 5.0, 20), twin.clipped(values, 5.0, 20)
    assert got[3] == pytest.approx(expected[3], abs=4)
    assert got[0] == pytest.approx(expected[0], abs=0.1 * sigma + 1e-6)


def test_the_order_of_the_samples_changes_next_to_nothing():
    rng = np.random.default_rng(4)
    values = rng.normal(100, 9, 900).astype(np.float32)
    values[::17] += 3000
    some = [kernels.clipped(rng.permutation(values), 3.0, 8) for _ in range(20)]
    np.testing.assert_allclose(some, np.broadcast_to(some[0], (20, 4)), rtol=1e-9)


def test_scratch_that_was_used_before_leaves_no_trace():
    rng = np.random.default_rng(5)
    scratch = kernels.room(600)
    for size in (600, 40, 333):
        values = rng.normal(5, 2, size).astype(np.float32)
        assert kernels.clip(values, 3.0, 8, scratch) == kernels.clipped(values, 3.0, 8)
