"""Starlet kernels agree with their plain twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import starlet as kernels
from twins import starlet as twin

quick = settings(deadline=None, max_examples=25)


@quick
@given(st.integers(0, 999), st.integers(1, 14), st.integers(1, 14), st.sampled_from([1, 2, 4]), st.booleans())
def test_smoothing_leaves_out_what_is_unknown(seed, rows, columns, step, gaps):
    draw = np.random.default_rng(seed)
    image = draw.normal(100, 10, (rows, columns)).astype(np.float32)
    if gaps:
        image[draw.random(image.shape) < 0.3] = draw.choice([np.nan, np.inf])
    out = np.empty_like(image)
    kernels.smooth(image, step, out)
    np.testing.assert_allclose(out, twin.smooth(image, step), rtol=2e-6)


@quick
@given(st.lists(st.floats(-9, 9, width=32) | st.just(float("nan")), min_size=1, max_size=9), st.booleans())
def test_shrinking_is_the_published_rule(values, soft):
    layer = np.array([values], np.float32)
    threshold, total = np.full_like(layer, 2.5), np.full_like(layer, 100)
    kernels.shrink(layer, threshold, soft, total)
    expected = [100 + twin.shrink(float(value), 2.5, soft) for value in layer[0]]
    np.testing.assert_allclose(total[0], expected, rtol=1e-6)


def test_layers_of_white_noise_have_the_published_sigma():
    image = np.random.default_rng(1).normal(0, 1, (600, 600)).astype(np.float32)
    for scale, published in enumerate((0.8906, 0.2006, 0.0857)):
        out = np.empty_like(image)
        kernels.smooth(image, 1 << scale, out)
        assert (image - out)[20:-20, 20:-20].std() == pytest.approx(published, rel=0.04)
        image = out
