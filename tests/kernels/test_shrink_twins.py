"""Small pictures agree with their plain twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import shrink as kernels
from twins import shrink as twin


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_small_pixel_is_the_mean_of_what_was_measured_in_its_block(seed, down, across, rows, columns):
    rng = np.random.default_rng(seed)
    image = rng.normal(500, 90, (rows * down + 1, columns * across + 2)).astype(np.float32)
    image[rng.random(image.shape) < 0.4] = np.nan
    image[rng.random(image.shape) < 0.1] = np.inf
    out = np.empty((rows, columns), np.float32)
    kernels.block_means(image, down, across, out)
    np.testing.assert_allclose(out, twin.block_means(image, down, across, out.shape), rtol=1e-6)
