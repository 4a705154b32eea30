"""The compiled loops of calibration against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidera.calibration.defects import NETWORK
from sidera.kernels import calibrate as kernels
from sidera.kernels.masters import hybrid_mean
from sidera.kernels.networks import network
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
@given(images)
def test_invert(flat):
    defects = (np.arange(flat.size).reshape(flat.shape) % 5 == 4).astype(np.uint8)
    out = np.empty_like(flat)
    kernels.invert(flat, defects, out)
    np.testing.assert_allclose(out, twin.invert(flat, defects), rtol=1e-6)


@quickly
@given(images)
def test_extremes(image):
    assert kernels.extremes(image) == twin.extremes(image)


@quickly
@given(images, st.floats(-500, 1500, width=32), st.integers(0, 8))
def test_saturation_spreads_over_the_seam_of_two_windows(raw, level, seam):
    mask = np.zeros(raw.shape, np.uint8)
    kernels.mark_full(raw[:seam], level, 0, mask)
    kernels.mark_full(raw[seam:], level, min(seam, len(raw)), mask)
    np.testing.assert_array_equal(mask, twin.mark_full(raw, level))


@quickly
@given(images)
def test_moments(image):
    got = kernels.moments(image.ravel(), 10.0, -500.0, 900.0)
    np.testing.assert_allclose(got, twin.moments(image, 10.0, -500.0, 900.0), rtol=1e-9)


def combined(samples, offset, unit, model, left=0):
    value, variance = np.empty((2, *samples.shape[1:]), np.float32)
    count = np.empty(samples.shape[1:], np.uint16)
    pairs = network(len(samples))
    hybrid_mean(samples, offset, unit, model, np.float32(4), pairs, 1, left, value, variance, count)
    return value, variance, count


def drifts(frames, flat):
    generator = np.random.default_rng(2)
    offset = generator.normal(0, 5, (4, frames)).astype(np.float32)
    unit = generator.uniform(0.5, 2, (4, frames)).astype(np.float32)
    return offset, unit if flat else np.ones_like(unit)


@quickly
@given(stacks, st.sampled_from([0.5, 30.0, 3000.0]), st.sampled_from([0.0, 0.3]), st.booleans())
def test_hybrid_mean(samples, floor, slope, flat):
    offset, unit = drifts(len(samples), flat)
    model = np.array([floor, slope, 10.0], np.float32)
    value, variance, count = combined(samples, offset, unit, model)
    for row, column in np.ndindex(value.shape):
        phase = 2 * ((row + 1) % 2) + column % 2
        expected = twin.hybrid_mean(samples[:, row, column], offset[phase], unit[phase], model, 4.0)
        got = value[row, column], variance[row, column], count[row, column]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("left", [0, 1])
def test_every_lane_is_combined_alike_past_the_first_64(frames, left):
    generator = np.random.default_rng(frames)
    samples = generator.normal(1000, 20, (frames, 1, 150)).astype(np.float32)
    samples[0, 0, ::7] += 4000
    samples[-1, 0, ::11] = generator.choice([np.nan, np.inf], 14)
    offset, unit = drifts(frames, flat=True)
    unit = 1 / (1 + 0.01 * unit)
    model = np.array([350.0, 0.05, 10.0], np.float32)
    value, variance, count = combined(samples, offset, unit, model, left)
    for column in range(150):
        phase = 2 + (left + column) % 2
        expected = twin.hybrid_mean(samples[:, 0, column], offset[phase], unit[phase], model, 4.0)
        got = value[0, column], variance[0, column], count[0, column]
        np.testing.assert_allclose(got, expected, rtol=2e-5)


@pytest.mark.parametrize("frames", [3, 4, 5, 10, 40])
@pytest.mark.parametrize("flat", [False, True])
def test_a_pixel_has_the_same_bits_whatever_stands_beside_it(frames, flat):
    """Where every sample of 64 pixels is kept, sums are plain; a neighbour that lacks one takes the long way."""
    samples = np.random.default_rng(frames).normal(1000, 20, (frames, 3, 320)).astype(np.float32)
    samples[-1, 1, 5::40] += 150  # some of the runs lose a sample by the clip
    offset, unit = drifts(frames, flat)
    unit = 1 / (1 + np.float32(0.01) * unit)
    model = np.array([350.0, 0.05, 10.0], np.float32)
    long_way = samples.copy()
    long_way[0, :, ::64] = np.nan
    for one, other in zip(
        combined(samples, offset, unit, model), combined(long_way, offset, unit, model), strict=True
    ):
        beside = np.arange(320) % 64 != 0
        np.testing.assert_array_equal(one[:, beside], other[:, beside])


@pytest.mark.parametrize("noise", [np.nan, 400.0])
def test_without_a_known_noise_every_sample_is_kept(noise):
    samples = np.random.default_rng(1).normal(1000, 20, (4, 2, 64)).astype(np.float32)
    samples[0, 0, 3] += 4000
    offset, unit = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    _, _, count = combined(samples, offset, unit, np.array([noise, 0, 0], np.float32))
    assert (count == 4).all() == np.isnan(noise)


@quickly
@given(stacks, st.booleans(), st.integers(0, 2**32 - 1))
def test_the_order_of_frames_changes_no_bit(samples, flat, seed):
    offset, unit = drifts(len(samples), flat)
    order = np.random.default_rng(seed).permutation(len(samples))
    model = np.array([30.0, 0.3, 10.0], np.float32)
    one = combined(samples, offset, unit, model)
    other = combined(samples[order], offset[:, order], unit[:, order], model)
    for expected, got in zip(one, other, strict=True):
        np.testing.assert_array_equal(got, expected)


@quickly
@given(images, st.booleans())
def test_normalise(image, with_variance):
    factor = np.array([[0.5, 1], [2, 0.25]], np.float32)
    least = np.array([[-100, 0], [300, 20]], np.float32)
    variance = np.abs(image) + 1 if with_variance else image[:0].copy()
    expected = twin.normalise(image, variance, factor, least)
    columns = np.arange(image.shape[1]) % 2
    tables = (np.ascontiguousarray(table[:, columns]) for table in (factor, least))
    kernels.normalise(image, variance, *tables)
    np.testing.assert_allclose(image, expected[0], rtol=1e-6)
    np.testing.assert_allclose(variance, expected[1], rtol=1e-6)


@quickly
@given(images, st.integers(1, 2))
def test_local_median(image, step):
    out, scratch = np.empty_like(image), np.zeros((24, 4), np.float32)
    kernels.local_median(padded(image, 2 * step), step, NETWORK, scratch, out)
    np.testing.assert_allclose(out, twin.local_median(image, step), rtol=1e-5, atol=1e-3)


@quickly
@given(
    images,
    st.integers(1, 2),
    st.sampled_from([(1, -20.5), (0.75, 0)]),
    st.sampled_from([(1, 20.5), (1.5, 0)]),
)
def test_stand_out(image, step, low, high):
    image = image.round()  # no median lies on a bound, where float32 and float64 may differ
    low, high = np.array(low, np.float32), np.array(high, np.float32)
    out = np.full(image.shape, 9, np.uint8)
    kernels.stand_out(padded(image, 2 * step), step, low, high, out)
    np.testing.assert_array_equal(out, twin.stand_out(image, step, low, high))


def test_half_of_the_neighbours_beyond_a_bound_are_decided_by_their_median():
    image = np.full((5, 5), 100, np.float32)
    image[:2] = image[2, :2] = 0
    image[4, 4] = 30  # the middle two of 24: 0 and 30
    for low, high, expected in (14, 16, 0), (16, 16, 1), (14, 14, 2):
        out = np.empty((5, 5), np.uint8)
        bounds = (np.array([0, bound], np.float32) for bound in (low, high))
        kernels.stand_out(padded(image, 2), 1, *bounds, out)
        assert out[2, 2] == expected


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
    zeros, ones = np.zeros((4, frames), np.float32), np.ones((4, frames), np.float32)
    value, variance, count = combined(samples, zeros, ones, np.array([1, 0, 0], np.float32))
    assert np.isnan(value[0, 0])
    assert np.isnan(variance[0, 0])
    assert count[0, 0] == 0
