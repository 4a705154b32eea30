"""The mean, the median, their errors and the maps beside them."""

import numpy as np
import pytest

from sidera.errors import ShapeError, UsageError
from sidera.integration.combine import combine, combine_kept
from sidera.integration.noise import NoiseModel
from sidera.model.settings import IntegrationSettings

PLAIN = IntegrationSettings(rejection="none")


def column(*values):
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_the_weighted_mean_by_hand():
    got = combine(column(1, 2, 6), PLAIN, weights=[1, 1, 2])
    assert got.mean[0, 0] == 3.75
    assert got.weight[0, 0] == 4
    assert got.coverage[0, 0] == 3


def test_a_frame_of_weight_0_takes_no_part():
    got = combine(column(1, 2, 600), PLAIN, weights=[1, 1, 0])
    assert got.mean[0, 0] == 1.5
    assert got.coverage[0, 0] == 2


def test_halves_of_one_rejection_make_the_whole():
    stack = np.random.default_rng(1).normal(50, 4, (10, 6, 6)).astype(np.float32)
    stack[4, 2, 2] += 900
    verdicts = np.zeros(stack.shape, np.uint8)
    verdicts[4, 2, 2] = 2
    odd = np.arange(10) % 2.0
    whole, one, other = (combine_kept(stack, verdicts, w) for w in (None, odd, 1 - odd))
    joined = (one.mean * one.weight + other.mean * other.weight) / (one.weight + other.weight)
    np.testing.assert_allclose(joined, whole.mean, rtol=1e-6)
    np.testing.assert_array_equal(one.rejected_high + other.rejected_high, whole.rejected_high)


def test_a_pixel_that_nobody_saw_is_nan_with_weight_0():
    got = combine(column(np.nan, np.nan, np.nan), PLAIN)
    assert np.isnan(got.mean[0, 0])
    assert np.isnan(got.noise[0, 0])
    assert got.weight[0, 0] == 0
    assert got.coverage[0, 0] == 0


def test_a_missing_sample_does_not_count():
    got = combine(column(np.nan, 4, 6), PLAIN)
    assert got.mean[0, 0] == 5
    assert got.coverage[0, 0] == 2


def test_one_frame_is_its_own_mean_with_unknown_error():
    got = combine(column(7))
    assert got.mean[0, 0] == 7
    assert np.isnan(got.noise[0, 0])


def test_the_median_by_hand():
    chosen = IntegrationSettings(rejection="none", combine="median")
    assert combine(column(9, 1, 4), chosen).mean[0, 0] == 4
    assert combine(column(9, 1, 4, 6), chosen).mean[0, 0] == 5
    assert combine(column(9, 1, 4), chosen, weights=[0, 1, 1]).mean[0, 0] == 2.5


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("frames", [2, 3, 4, 9])
def test_the_error_is_the_scatter_of_the_result(method, known, frames):
    stack = np.random.default_rng(2).normal(300, 6, (frames, 64, 128)).astype(np.float32)
    noise = NoiseModel(np.full(frames, 36.0), np.zeros(frames)) if known else None
    got = combine_kept(stack, np.zeros(stack.shape, np.uint8), None, method, noise)
    # Of squares: small samples' deviations fall short on average, their variances do not.
    assert np.mean(got.noise**2) == pytest.approx(np.var(got.mean - 300), rel=0.08)


def test_photon_noise_of_bright_pixels_is_in_the_error():
    noise = NoiseModel(np.array([4.0, 4.0]), np.array([1.0, 1.0]), 100.0)
    got = combine(column(110, 90), PLAIN, noise=noise)
    assert got.noise[0, 0] == pytest.approx(np.sqrt(4 / 2))
    got = combine(column(110, 114), PLAIN, noise=noise)
    assert got.noise[0, 0] == pytest.approx(np.sqrt((4 + 12) / 2))


def test_a_large_offset_costs_no_precision():
    stack = np.random.default_rng(4).normal(60000, 0.5, (200, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(combine(stack, PLAIN).mean, stack.mean(axis=0, dtype=np.float64), atol=0.004)


def test_a_pixel_has_the_same_bits_in_whatever_tile_it_lies():
    stack = np.random.default_rng(5).normal(300, 6, (9, 8, 200)).astype(np.float32)
    noise = NoiseModel(np.full(9, 36.0), np.full(9, 0.1), 300.0)
    chosen = IntegrationSettings(combine="median")
    for settings in (None, chosen):
        whole = combine(stack, settings, np.arange(1.0, 10.0), noise)
        part = combine(stack[:, :, 37:170], settings, np.arange(1.0, 10.0), noise)
        for name in ("mean", "weight", "noise", "coverage"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:, 37:170])


def test_masked_data_of_astropy_is_missing():
    nddata = pytest.importorskip("astropy.nddata")
    masked = nddata.NDData(np.ones((2, 1, 1)), mask=np.array([[[True]], [[False]]]))
    assert combine(masked, PLAIN).coverage[0, 0] == 1


def test_bad_weights_are_refused():
    with pytest.raises(UsageError, match="-1"):
        combine(column(1, 2), PLAIN, weights=[1, -1])
    with pytest.raises(ShapeError, match="for 2 frames"):
        combine(column(1, 2), PLAIN, weights=[1])
    with pytest.raises(ShapeError, match="float64 verdicts"):
        combine_kept(column(1, 2), np.zeros((2, 1, 1)))
