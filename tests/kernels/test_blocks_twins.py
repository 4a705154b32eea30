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
