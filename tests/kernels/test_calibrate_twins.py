"""The compiled loops of calibration against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidera.calibration.defects import NETWORK
from sidera.kernels import calibrate as kernels
from twins import calibrate as twin

quickly = settings(deadline=None, max_examples=25)
values = st.floats(-2000, 2000, width=32) | st.just(np.nan)
images = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=values)
stacks = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 3)), elements=values
)


def padded(image, width):
    return np.pad(image, width, constant_values=np.nan)


@quickly
@given(images, st.integers(0, 2), st.integers(0, 2))
def test_a_window_is_calibrated_by_the_masters_own_pixels(raw, top, left):
    rows, columns = raw.shape
    generator = np.random.default_rng(1)
    dark = generator.normal(100, 5, (1, rows + 2, columns + 2)).astype(np.float32)
    inverse = generator.normal(1, 0.1, (1, rows + 2, columns + 2)).astype(np.float32)
    out = np.empty((1, rows, columns), np.float32)
    kernels.apply_masters(raw[None], dark, inverse, top, left, out)
    there = np.s_[:, top : top + rows, left : left + columns]
    np.testing.assert_allclose(
        out, twin.apply_masters(raw, dark[there], inverse[there]), rtol=1e-5, atol=1e-3
    )


@quickly
@given(images, st.integers(0, 1), st.integers(0, 1), st.integers(1, 2))
def test_moments(image, top, left, step):
    got = kernels.moments(image, top, left, step, 10.0, -500.0, 900.0)
    np.testing.assert_allclose(got, twin.moments(image, top, left, step, 10.0, -500.0, 900.0), rtol=1e-9)


@quickly
@given(stacks, st.sampled_from([0.5, 30.0, 3000.0]), st.sampled_from([0.0, 0.3]), st.booleans())
def test_hybrid_mean(samples, floor, slope, flat):
    generator = np.random.default_rng(2)
    frames = len(samples)
    offset = generator.normal(0, 5, (4, frames))
    unit = generator.uniform(0.5, 2, (4, frames)) if flat else np.ones((4, frames))
    model = np.array([floor, slope, 10.0])
    value, variance = np.empty((2, *samples.shape[1:]), np.float32)
    count = np.empty(samples.shape[1:], np.uint16)
    kernels.hybrid_mean(samples, offset, unit, model, 4.0, 1, 0, value, variance, count)
    for row, column in np.ndindex(value.shape):
        phase = 2 * ((row + 1) % 2) + column % 2
        expected = twin.hybrid_mean(samples[:, row, column], offset[phase], unit[phase], model, 4.0)
        got = value[row, column], variance[row, column], count[row, column]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3)


@quickly
@given(images, st.integers(1, 2))
def test_local_median(image, step):
    out, scratch = np.empty_like(image), np.zeros((24, 4), np.float32)
    kernels.local_median(padded(image, 2 * step), step, NETWORK, scratch, out)
    np.testing.assert_allclose(out, twin.local_median(image, step), rtol=1e-5, atol=1e-3)


@quickly
@given(images, st.integers(1, 2))
def test_excess(image, step):
    out = np.empty_like(image)
    kernels.excess(padded(image, step), step, out)
    np.testing.assert_allclose(out, twin.excess(image, step), rtol=1e-5, atol=1e-3)


@quickly
@given(images, st.sampled_from([1.0, 4.0, 8.0]))
def test_lone_pixels(image, factor):
    noise = np.array([[10, 20], [30, 40]], np.float32)
    standing = np.nan_to_num(twin.excess(image, 1), nan=0).astype(np.float32)
    rows = np.ascontiguousarray(noise[:, np.arange(image.shape[1]) % 2])
    out = np.empty_like(image)
    kernels.lone_pixels(image, padded(standing, 1), rows, 6.0, factor, out)
    np.testing.assert_array_equal(out, twin.lone_pixels(image, standing, noise, 6.0, factor))


@pytest.mark.parametrize("frames", range(1, 9))
def test_a_stack_of_nothing_is_nothing(frames):
    samples = np.full((frames, 1, 1), np.nan, np.float32)
    value, variance = np.zeros((2, 1, 1), np.float32)
    count = np.ones((1, 1), np.uint16)
    zeros, ones = np.zeros((4, frames)), np.ones((4, frames))
    kernels.hybrid_mean(samples, zeros, ones, np.array([1.0, 0, 0]), 4.0, 0, 0, value, variance, count)
    assert np.isnan(value[0, 0])
    assert np.isnan(variance[0, 0])
    assert count[0, 0] == 0
