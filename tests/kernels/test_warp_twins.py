import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidera.integration.resample import _table, resample
from sidera.kernels import warp as kernels
from sidera.kernels import warp_bad
from twins import warp as twin

quick = settings(deadline=None, max_examples=25)
STEP = 4
SHAPE = (6, 7)
levels = st.one_of(st.integers(0, 4).map(float), st.floats(-1000, 60000, width=32))
nodes = st.integers(-32, 160).map(lambda n: n / 16)  # sixteenths, so that every position is a whole 1/2048
interpolations = st.sampled_from(["lanczos3", "bilinear", "nearest"])


@st.composite
def scenes(draw):
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    values = draw(st.sampled_from([levels, st.one_of(levels, st.just(float("nan")))]))
    image = draw(arrays(np.float32, shape, elements=values))
    bad = draw(arrays(np.uint8, shape[1:], elements=st.sampled_from([0, 0, 0, 0, 1]), fill=st.just(0)))
    return image, bad


@quick
@given(scenes(), arrays(float, (2, 3, 3), elements=nodes), interpolations, st.sampled_from([None, 1.0, 30.0]))
def test_agrees_with_the_plain_twin(scene, grids, interpolation, noise):
    image, bad = scene
    got = resample(image, bad, *grids, STEP, SHAPE, interpolation, noise, 0.004)
    want = twin.resample(image, bad, *grids, STEP, SHAPE, interpolation, noise, 0.004)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=0.05)  # of values up to 60000, summed in float32


def test_agrees_with_the_plain_twin_inside_a_larger_image():
    rng = np.random.default_rng(5)
    image = rng.normal(1000, 20, (2, 40, 40)).astype(np.float32)
    image[:, 20, 20] = 50000  # sharp enough to be held
    bad = (rng.random((40, 40)) < 0.01).astype(np.uint8)
    grid_y, grid_x = np.mgrid[0:6, 0:6] * 8.0
    grid_x, grid_y = grid_x + 1.5 + grid_y / 64, grid_y + 2.25 - grid_x / 64
    got = resample(image, bad, grid_x, grid_y, 8, (32, 33), "lanczos3", 20.0)
    want = twin.resample(image, bad, grid_x, grid_y, 8, (32, 33), "lanczos3", 20.0, 0.004)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=0.05)


@quick
@given(scenes())
def test_footprints_that_are_not_all_there_are_marked(scene):
    image, bad = scene
    spoilt, careful = np.empty((2, *bad.shape), np.uint8)
    kernels.mark(image, spoilt, careful)
    there = np.pad(~np.isnan(image).any(axis=0), ((2, 3), (2, 3)), constant_values=False)
    for row, column in np.ndindex(bad.shape):
        assert careful[row, column] == (not there[row : row + 6, column : column + 6].all())


@quick
@given(scenes())
def test_footprints_that_hold_a_bad_pixel_are_marked_and_their_rows_told_apart(scene):
    _, bad = scene
    patterns, near = np.zeros((2, *bad.shape), np.uint8)
    found = warp_bad.footprints(bad, patterns, near)
    assert found == near.any()
    inside = np.pad(np.ones(bad.shape, bool), ((2, 3), (2, 3)), constant_values=False)
    wide = np.pad(bad, ((2, 3), (2, 3)))
    for row, column in np.ndindex(bad.shape):
        around = np.s_[row : row + 6, column : column + 6]
        assert bool(near[row, column]) == (inside[around].all() and wide[around].any())
        if inside[around].all():
            bits = patterns[row, column] >> np.arange(6) & 1
            np.testing.assert_array_equal(bits, wide[row + 2, column : column + 6])


@pytest.mark.parametrize("degrees", [0.0, 0.4, 7.0, 180.0])
def test_no_run_that_is_passed_over_meets_a_bad_pixel(degrees):
    rng = np.random.default_rng(3)
    image = rng.normal(1000, 20, (1, 90, 110)).astype(np.float32)
    bad = (rng.random(image.shape[1:]) < 0.002).astype(np.uint8)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    y, x = np.mgrid[0:11, 0:14] * 8.0 - np.array([44.5, 54.5])[:, None, None]
    got = resample(image, bad, 54.3 + c * x - s * y, 44.7 + s * x + c * y, 8, (80, 100), noise=20.0)
    want = twin.resample(
        image, bad, 54.3 + c * x - s * y, 44.7 + s * x + c * y, 8, (80, 100), "lanczos3", 20.0, 0.004
    )
    assert np.isnan(want).any()
    assert np.array_equal(np.isnan(got), np.isnan(want))


def test_the_tables_hold_the_twins_weights():
    for interpolation in ("lanczos3", "bilinear", "nearest"):
        want = [twin.weights(phase / 2048, interpolation) for phase in range(0, 2048, 37)]
        np.testing.assert_allclose(_table(interpolation)[::37], want, atol=1e-7)
