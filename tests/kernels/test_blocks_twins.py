"""Sums over blocks agree with their plain twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import blocks as kernels
from twins import blocks as twin

sizes = st.integers(1, 9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), sizes, sizes)
def test_blocks_of_four_are_summed_up_to_the_edges(seed, rows, columns):
    sums = np.random.default_rng(seed).normal(0, 9, (2, rows, columns)).astype(np.float32)
    out = np.empty((2, (rows + 1) // 2, (columns + 1) // 2), np.float32)
    kernels.halved(sums, out)
    for got, plane in zip(out, sums, strict=True):
        np.testing.assert_allclose(got, twin.halved(plane), rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), sizes, sizes, st.sampled_from([0, 1]), st.floats(0, 8))
def test_means_are_of_what_was_measured_near(seed, rows, columns, reach, least):
    rng = np.random.default_rng(seed)
    total = rng.normal(0, 9, (2, rows, columns)).astype(np.float32)
    count = rng.integers(0, 3, total.shape).astype(np.float32)
    out = np.empty_like(total)
    kernels.means(total, count, reach, np.float32(least), out)
    for got, lights, numbers in zip(out, total, count, strict=True):
        np.testing.assert_allclose(
            got, twin.means(lights, numbers, reach, np.float32(least)), rtol=1e-4, atol=1e-5
        )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.integers(1, 3), sizes, sizes)
def test_what_was_not_measured_counts_nothing_and_the_mean_is_the_last_view(seed, channels, rows, columns):
    rng = np.random.default_rng(seed)
    planes = rng.normal(0, 9, (channels, rows, columns)).astype(np.float32)
    planes[rng.random(planes.shape) < 0.1] = rng.choice([np.nan, np.inf])
    units = rng.uniform(1, 5, channels).astype(np.float32)
    total, count = np.empty((2, channels + (channels > 1), rows, columns), np.float32)
    kernels.begun(planes, units, total, count)
    light, known = twin.begun(planes, units)
    np.testing.assert_allclose(total, light, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(count, known)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.integers(0, 50), st.integers(1, 7))
def test_every_so_manyth_value_below_zero_is_gathered(seed, size, step):
    values = np.random.default_rng(seed).normal(0, 1, size).astype(np.float32)
    values[::5] = np.nan
    out = np.empty(size + 1, np.float32)
    number = kernels.below_zero(values, step, out)
    some = values[::step]
    np.testing.assert_array_equal(out[:number], some[some < 0])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), sizes, sizes, st.integers(1, 2), st.integers(1, 4))
def test_blocks_near_a_hit_are_taken_out(seed, rows, columns, reach, side):
    rng = np.random.default_rng(seed)
    hits = rng.random((rows, columns)) < 0.1
    total, count = rng.normal(0, 9, (2, 3, rows, columns)).astype(np.float32)
    shape = max(rows * side - 1, 1), max(columns * side - 1, 1)  # the last blocks may hold fewer pixels
    found = np.zeros(shape, np.bool_)
    light, number, marked = twin.take_out(hits, reach, side, total, count, shape)
    kernels.take_out(hits, reach, side, total, count, found)
    np.testing.assert_array_equal(total, light)
    np.testing.assert_array_equal(count, number)
    np.testing.assert_array_equal(found, marked)
