"""Better frames count for more."""

import numpy as np
import pytest

from sidera.errors import ShapeError, UsageError
from sidera.integration.weigh import weights
from sidera.model.settings import IntegrationSettings

ONE = np.ones(4)


def test_equal_frames_have_weight_1():
    np.testing.assert_array_equal(weights(5 * ONE, ONE, 3 * ONE), ONE)


def test_weight_is_inverse_variance_after_scaling_times_sharpness():
    got = weights(np.array([5.0, 10.0, 5.0, 5.0]), np.array([1, 1, 2, 1.0]), np.array([3, 3, 3, 6.0]))
    np.testing.assert_allclose(got / got[0], [1, 0.25, 0.25, 0.5])
    assert got.mean() == pytest.approx(1)


def test_noise_alone_and_none():
    fwhm = np.array([2, 3, 4, 5.0])
    np.testing.assert_array_equal(weights(ONE, ONE, fwhm, IntegrationSettings(weights="noise")), ONE)
    np.testing.assert_array_equal(weights(fwhm, ONE, fwhm, IntegrationSettings(weights="none")), ONE)


def test_a_hopeless_frame_gets_0_and_a_poor_one_stays():
    got = weights(np.array([1, 1, 1, 4, 5.0]), np.ones(5), np.full(5, 3.0))
    assert got[4] == 0
    assert got[3] > 0


def test_no_frame_outweighs_another_twentyfold():
    got = weights(np.array([0.1, 1, 1, 1.0]), ONE, ONE)
    assert got[0] / got[1] == pytest.approx(20)


def test_keep_leaves_the_best():
    got = weights(np.array([1, 2, 3, 4.0]), ONE, ONE, IntegrationSettings(keep=0.5))
    np.testing.assert_array_equal(got > 0, [True, True, False, False])
    assert np.count_nonzero(weights(ONE, ONE, ONE, IntegrationSettings(keep=0.01))) == 1


def test_an_unknown_fwhm_counts_as_the_median():
    got = weights(ONE, ONE, np.array([2, 3, 4, np.nan]))
    assert got[3] == got[1]
    np.testing.assert_array_equal(weights(ONE, ONE, np.full(4, np.nan)), ONE)


def test_frames_without_noise_or_scale_are_refused():
    with pytest.raises(UsageError, match="frame 2 has a noise of 0"):
        weights(np.array([1, 1, 0, 1.0]), ONE, ONE)
    with pytest.raises(UsageError, match="frame 0 has a scale of nan"):
        weights(ONE, np.array([np.nan, 1, 1, 1]), ONE)
    with pytest.raises(ShapeError, match=r"\(4,\), \(3,\)"):
        weights(ONE, ONE[:3], ONE)
    assert weights(np.empty(0), np.empty(0), np.empty(0)).size == 0
