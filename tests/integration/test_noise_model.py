"""The noise of frames, found again on a sky whose truth is known."""

import numpy as np
import pytest

from sidera.errors import ShapeError, UsageError
from sidera.integration.noise import NoiseModel, fit_noise_model


def night(frames, gain=0.8, seed=1):
    """A faint nebula under skies of other transparency: the samples, scales, and true sky variances."""
    rng = np.random.default_rng(seed)
    scale, read_noise = rng.uniform(0.8, 1.3, frames), rng.uniform(3, 12, frames)
    y, x = np.mgrid[:128, :256]
    true = 200 + 800 * np.exp(-((x - 190) ** 2 + (y - 60) ** 2) / (2 * 35**2))
    stack = [
        s * (rng.poisson(true / s * gain) / gain + rng.normal(0, r, true.shape))
        for s, r in zip(scale, read_noise, strict=True)
    ]
    return np.array(stack, np.float32), scale, scale**2 * read_noise**2 + scale * 200 / gain


@pytest.mark.parametrize("frames", [3, 4, 5, 8, 30])
def test_noise_of_frames_of_other_scale_and_read_noise(frames):
    stack, scale, variance = night(frames)
    model = fit_noise_model(stack, scale)
    assert model.level == pytest.approx(200, abs=10)
    np.testing.assert_allclose(model.a / variance, 1, atol=0.15)
    np.testing.assert_allclose(model.b, scale / 0.8, rtol=0.15)


def test_two_frames_share_their_difference():
    stack, scale, variance = night(2)
    model = fit_noise_model(stack, scale)
    assert model.a[0] == model.a[1] == pytest.approx(variance.mean(), rel=0.1)


def test_trails_and_missing_corners_do_not_disturb():
    stack, scale, variance = night(8)
    stack[3, 40:44, :] += 900
    stack[5, :, :100] = np.nan
    np.testing.assert_allclose(fit_noise_model(stack, scale).a / variance, 1, atol=0.2)


def test_a_frame_that_saw_nothing_gets_the_typical_noise():
    stack, scale, variance = night(8)
    stack[5] = np.nan
    model = fit_noise_model(stack, scale)
    assert variance.min() * 0.8 < model.a[5] < variance.max() * 1.2


def test_blur_tells_the_soft_frame():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:64, :64]
    widths = np.array([1.4, 1.5, 1.4, 1.3, 2.0, 1.45, 1.35, 1.4])
    stack = [3e5 / s**2 * np.exp(-((x - 30.3) ** 2 + (y - 31) ** 2) / (2 * s * s)) for s in widths]
    model = fit_noise_model(np.array(stack) + rng.normal(100, 5, (8, 64, 64)))
    assert model.blur is not None
    assert np.argmax(model.blur) == 4
    # Half the difference of variances, (1.5² - 1.4²) / 2; an empty sky tells nothing.
    assert model.blur[1] == pytest.approx(0.145, abs=0.04)
    assert fit_noise_model(rng.normal(100, 5, (8, 64, 64))).blur is None


@pytest.mark.parametrize("value", [0.0, -50.0, 3e4])
def test_equal_frames_have_almost_no_noise(value):
    model = fit_noise_model(np.full((4, 10, 10), value, np.float32))
    assert np.all((model.a > 0) & (model.a < 1e-3))
    assert np.all(model.b >= 0)


def test_too_little_is_refused():
    with pytest.raises(UsageError, match="one frame"):
        fit_noise_model(np.zeros((1, 9, 9)))
    with pytest.raises(UsageError, match="only 4 pixels"):
        fit_noise_model(np.zeros((3, 2, 2)))
    with pytest.raises(ShapeError, match="2 scales for 3"):
        fit_noise_model(np.zeros((3, 9, 9)), [1.0, 1.0])
    with pytest.raises(UsageError, match="above 0"):
        NoiseModel(np.zeros(2), np.zeros(2))
    with pytest.raises(ShapeError, match="one of each"):
        NoiseModel(np.ones(2), np.ones(3))


def test_variance_grows_above_the_sky_only():
    model = NoiseModel(np.array([4.0]), np.array([0.5]), 100.0)
    np.testing.assert_array_equal(model.variance(0, np.array([90.0, 100.0, 110.0])), [4, 4, 9])
