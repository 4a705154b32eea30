"""Coverage kernels agree with their plain twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidera.kernels import coverage as kernels
from twins import coverage as twin

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
grids = shapes.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 1, 1])))


@settings(deadline=None, max_examples=150)
@given(grids)
def test_the_largest_rectangle_is_the_one_that_brute_force_finds(good):
    found = np.empty(4, np.int64)
    kernels.largest_rectangle(good, found)
    top, left, bottom, right = found
    assert good[top:bottom, left:right].all()
    assert (bottom - top) * (right - left) == twin.largest_area(good)


@settings(deadline=None, max_examples=80)
@given(grids, st.integers(1, 4))
def test_gaps_are_closed_along_rows_and_along_columns(good, widest):
    closed = np.empty_like(good)
    kernels.close_gaps(good, widest, closed)
    np.testing.assert_array_equal(closed, twin.close_gaps(good, widest))


def test_what_is_covered_too_little_in_one_colour_is_not_good():
    good = np.ones((1, 4), np.uint8)
    kernels.covered(np.array([[4, 3, 2, 0]], np.uint16), 3.0, good)
    kernels.covered(np.array([[1, 4, 4, 4]], np.uint16), 3.0, good)
    np.testing.assert_array_equal(good, [[0, 1, 0, 0]])
