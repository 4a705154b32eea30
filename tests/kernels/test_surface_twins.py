"""Surface kernels agree with their plain twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import sky as sky_kernels
from sidera.kernels import surface as kernels
from twins import surface as twin

quick = settings(deadline=None, max_examples=40)


def image_of(seed, rows, columns, missing):
    rng = np.random.default_rng(seed)
    image = rng.normal(300, 40, (rows, columns)).astype(np.float32)
    image[rng.random(image.shape) < missing] = np.nan
    return image


@quick
@given(
    st.integers(0, 999), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30),
    st.sampled_from([0.0, 0.4, 1.0]),
)  # fmt: skip
def test_blocks_are_means_of_what_was_measured(seed, rows, columns, down, across, missing):
    image = image_of(seed, rows, columns, missing)
    shape = min(rows, down), min(columns, across)
    out = np.empty(shape, np.float32)
    kernels.block_means(image, out)
    np.testing.assert_allclose(out, twin.block_means(image, shape), rtol=1e-5)


@quick
@given(st.integers(0, 999), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4), st.booleans())
def test_a_surface_is_taken_from_an_image_whole_or_in_strips(seed, rows, columns, nodes, divide):
    image = image_of(seed, rows, columns, 0.1)
    mesh = np.random.default_rng(seed).uniform(5, 9, (nodes, nodes)).astype(np.float32)
    grown = np.ascontiguousarray(np.pad(mesh, 2, mode="reflect", reflect_type="odd"))
    wide = np.empty((nodes + 4, columns), np.float32)
    sky_kernels.widen(grown, wide)
    whole, strips = image.copy(), image.copy()
    kernels.level_rows(wide, 0, rows, divide, whole)
    for top in range(0, rows, 3):
        kernels.level_rows(wide, top, rows, divide, strips[top : top + 3])
    np.testing.assert_array_equal(strips, whole)
    np.testing.assert_allclose(whole, twin.levelled(image, mesh, divide), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_measured(value):
    out = np.empty((1, 1), np.float32)
    kernels.block_means(np.array([[3, 5, value]], np.float32), out)
    assert out[0, 0] == 4
