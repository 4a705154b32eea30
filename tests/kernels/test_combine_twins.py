"""The lanes agree with plain NumPy, pixel by pixel."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidera.integration.combine import combine_kept
from sidera.kernels import combine as kernels
from sidera.kernels import reject
from sidera.kernels.lanes import centre_and_spread
from sidera.kernels.networks import network
from sidera.kernels.surface import apply_surface
from twins import combine as twin

# Whole numbers and odd kappas: no sample lies on a limit, where float32 and float64 may differ.
VALUES = st.one_of(st.integers(-50, 50), st.integers(-20000, 20000), st.just(np.nan), st.just(7))
STACKS = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=VALUES.map(np.float32))
)
KAPPA_LOW, KAPPA_HIGH = np.float32(2.71828), np.float32(1.61803)
QUICK = settings(deadline=None, max_examples=25)


def maps(samples, number, dtype=np.float32):
    return [np.full(samples.shape[1:], 99, dtype) for _ in range(number)]


def assert_same_verdicts(verdicts, samples, expected):
    for row, column in np.ndindex(samples.shape[1:]):
        wanted = expected(row, column)
        np.testing.assert_array_equal(verdicts[:, row, column], wanted)


@QUICK
@given(st.integers(0, 70), st.integers(0, 2**32 - 1))
def test_the_network_sorts_any_number_of_values(frames, seed):
    values = np.random.default_rng(seed).integers(0, 9, frames)
    expected = np.sort(values)
    for first, second in network(frames):
        if values[second] < values[first]:
            values[[first, second]] = values[[second, first]]
    np.testing.assert_array_equal(values, expected)


def test_63_pairs_sort_16_values():
    assert len(network(16)) == 63  # Knuth, volume 3, 5.3.4


@QUICK
@given(STACKS)
def test_median_and_its_spread(samples):
    centre, spread, count = maps(samples, 3)
    centre_and_spread(samples, network(len(samples)), centre, spread, count)
    for row, column in np.ndindex(centre.shape):
        middle, away, number = twin.middle_and_spread(samples[:, row, column])
        assert count[row, column] == number
        np.testing.assert_allclose(centre[row, column], middle, rtol=1e-6)
        np.testing.assert_allclose(spread[row, column], away, rtol=1e-6, atol=1e-6)


@QUICK
@given(STACKS, st.integers(1, 4), st.booleans())
def test_sigma_and_winsorised_limits(samples, rounds, winsorised):
    low, high, centre = maps(samples, 3)
    clip = reject.Clip(winsorised, KAPPA_LOW, KAPPA_HIGH, rounds)
    reject.clip_limits(samples, network(len(samples)), clip, low, high, centre)
    verdicts = np.empty(samples.shape, np.uint8)
    reject.judge(samples, low, high, centre, verdicts)

    def expected(row, column):
        pixel = samples[:, row, column]
        limits = twin.clip_limits(pixel, winsorised, float(KAPPA_LOW), float(KAPPA_HIGH), rounds)
        return twin.judge(pixel, *limits, twin.middle_and_spread(pixel)[0])

    assert_same_verdicts(verdicts, samples, expected)


@QUICK
@given(STACKS, st.integers(-60, 60), st.integers(-60, 60))
def test_half_of_a_pixel_is_kept_by_any_limits(samples, low, high):
    low, high, centre = np.float32(low) + 0.5, np.float32(high) + 0.5, np.float32(0.25)
    verdicts = np.empty(samples.shape, np.uint8)
    reject.judge(samples, *(np.full(samples.shape[1:], v, np.float32) for v in (low, high, centre)), verdicts)

    def expected(row, column):
        return twin.judge(samples[:, row, column], low, high, centre)

    assert_same_verdicts(verdicts, samples, expected)
    kept, present = (verdicts == 0).sum(axis=0), np.isfinite(samples).sum(axis=0)
    assert np.all(2 * kept >= present)


@QUICK
@given(STACKS, st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_the_hybrid_clip(samples, rounds, seed):
    rng = np.random.default_rng(seed)
    frames = len(samples)
    a, b, blur = (rng.uniform(1, 30, frames).astype(np.float32) for _ in range(3))
    slack, bend = (rng.uniform(0, 5, samples.shape[1:]).astype(np.float32) for _ in range(2))
    median, spread, count = maps(samples, 3)
    centre_and_spread(samples, network(frames), median, spread, count)
    number = np.arange(frames + 1)
    shrink = np.where(number < 5, 0, 1 / (1 + 1.5 / np.sqrt(np.maximum(number, 1)))).astype(np.float32)
    verdicts = np.empty(samples.shape, np.uint8)
    level = np.float32(3)
    reject.hybrid_verdicts(
        samples,
        median,
        spread,
        count,
        slack,
        bend,
        a,
        b,
        blur,
        level,
        KAPPA_LOW,
        KAPPA_HIGH,
        rounds,
        shrink,
        verdicts,
    )

    def expected(row, column):
        return twin.hybrid(
            samples[:, row, column], *(v.astype(np.float64) for v in (a, b, blur)), 3.0,
            float(KAPPA_LOW), float(KAPPA_HIGH), rounds, float(slack[row, column]), float(bend[row, column]),
        )  # fmt: skip

    assert_same_verdicts(verdicts, samples, expected)


@QUICK
@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=VALUES.map(np.float32)
    )
)
def test_gradient_and_curvature_of_an_image(image):
    sigma = np.full(image.shape, 1.5, np.float32)
    gradient, curvature = np.empty_like(image), np.empty_like(image)
    reject.structure(image, sigma, gradient, curvature)
    for got, wanted in zip((gradient, curvature), twin.structure(image, sigma), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-2)


@QUICK
@given(STACKS, st.integers(0, 2**32 - 1))
def test_mean_median_and_errors(samples, seed):
    rng = np.random.default_rng(seed)
    verdicts = rng.integers(0, 3, samples.shape).astype(np.uint8)
    verdicts[np.isnan(samples)] = twin.MISSING
    weights = rng.integers(0, 4, len(samples)).astype(np.float64)
    a, b = rng.uniform(1, 9, (2, len(samples)))
    mean, weight, model, scatter, median, same_weight = maps(samples, 6)
    kernels.weighted_mean(samples, verdicts, weights, 0, mean, weight)
    kernels.model_error(verdicts, weights, a, b, 2.0, 0, mean, weight, model)
    kernels.scatter_error(samples, verdicts, weights, 0, mean, weight, scatter)
    kernels.kept_median(samples, verdicts, weights, network(len(samples)), 0, median, same_weight)
    np.testing.assert_array_equal(weight, same_weight)
    for row, column in np.ndindex(mean.shape):
        pixel, judged = samples[:, row, column], verdicts[:, row, column]
        wanted, share = twin.weighted_mean(pixel, judged, weights)
        np.testing.assert_allclose(mean[row, column], wanted, rtol=1e-6, atol=1e-3)
        assert weight[row, column] == share
        here = float(mean[row, column])
        error = twin.model_error(judged, weights, a, b, 2.0, here)
        np.testing.assert_allclose(model[row, column], error, rtol=1e-5)
        error = twin.scatter_error(pixel, judged, weights, here)
        np.testing.assert_allclose(scatter[row, column], error, rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(median[row, column], twin.kept_median(pixel, judged, weights), rtol=1e-6)


@QUICK
@given(STACKS, st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_counts(samples, weights):
    verdicts = (np.nan_to_num(samples).astype(np.int64) % 4).astype(np.uint8)
    shares = np.array(weights[: len(samples)], np.float64)
    coverage, low, high = maps(samples, 3, np.uint16)
    by_frame = np.empty((len(samples), 2), np.int64)
    kernels.tally(verdicts, shares, 0, coverage, low, high, by_frame)
    rejected = (verdicts == twin.LOW) | (verdicts == twin.HIGH)
    np.testing.assert_array_equal(by_frame[:, 0], rejected.sum(axis=(1, 2)))
    np.testing.assert_array_equal(by_frame[:, 1], (verdicts != twin.MISSING).sum(axis=(1, 2)))
    counted = verdicts[shares > 0]
    np.testing.assert_array_equal(coverage, (counted != twin.MISSING).sum(axis=0))
    np.testing.assert_array_equal(low, (counted == twin.LOW).sum(axis=0))
    np.testing.assert_array_equal(high, (counted == twin.HIGH).sum(axis=0))


@QUICK
@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=VALUES.map(np.float32)
    ),
    st.lists(st.floats(-100, 100), min_size=6, max_size=6),
    st.integers(-5000, 5000),
    st.integers(-5000, 5000),
)
def test_scale_and_surface(image, coefficients, x0, y0):
    got = image.copy()
    apply_surface(1.25, np.array(coefficients), x0, y0, got)
    np.testing.assert_allclose(got, twin.surface(image, 1.25, coefficients, x0, y0), rtol=1e-6, atol=2e-2)


NOISY = st.builds(
    lambda frames, seed, tail: (np.random.default_rng(seed).standard_t(tail, (frames, 3, 40)) * 9).astype(
        "f4"
    ),
    st.integers(4, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 4, 30]),
)


@QUICK
@given(NOISY, st.booleans(), st.sampled_from([1.5, 3.0, 4.5]))
def test_pixels_that_clipping_leaves_alone_at_a_glance_are_those_it_would_leave_alone(
    samples, winsorised, kappa
):
    low, high, centre = maps(samples, 3)
    clip = reject.Clip(winsorised, np.float32(kappa), np.float32(kappa), 5)
    reject.clip_limits(samples, network(len(samples)), clip, low, high, centre)
    for row, column in np.ndindex(low.shape):
        pixel = samples[:, row, column]
        least, greatest = twin.clip_limits(pixel, winsorised, kappa, kappa, 5)
        wanted = (pixel >= least) & (pixel <= greatest)
        got = (pixel >= low[row, column]) & (pixel <= high[row, column])
        np.testing.assert_array_equal(got, wanted)


def test_a_halo_is_left_out_of_every_map():
    rng = np.random.default_rng(3)
    samples = rng.normal(10, 3, (5, 12, 90)).astype(np.float32)
    verdicts = rng.integers(0, 3, samples.shape).astype(np.uint8)
    inside = (slice(None), slice(3, -3), slice(3, -3))
    for method in ("mean", "median"):
        got = combine_kept(samples, verdicts, method=method, halo=3)
        wanted = combine_kept(samples[inside], np.ascontiguousarray(verdicts[inside]), method=method)
        for name, plane in vars(wanted).items():
            np.testing.assert_array_equal(getattr(got, name), plane)
