"""Outliers go, sky and stars stay."""

import numpy as np
import pytest

from sidera.errors import ShapeError
from sidera.integration.combine import combine, combine_kept
from sidera.integration.noise import NoiseModel, fit_noise_model
from sidera.integration.reject import HALO, HIGH, KEPT, LOW, MISSING, reject
from sidera.model.settings import IntegrationSettings

EVERY = ("none", "sigma", "winsorized", "mad", "hybrid")
SKY, NOISE = 1000.0, 10.0


def sky(frames, rows=64, columns=256, seed=1):
    return np.random.default_rng(seed).normal(SKY, NOISE, (frames, rows, columns)).astype(np.float32)


def model(frames, blur=None):
    return NoiseModel(np.full(frames, NOISE**2), np.zeros(frames), SKY, blur)


def stars(frames, seeing, seed=1, electrons=(5e4, 1e6), side=29):
    """Nine Gaussian stars of growing flux, each in its own square; FWHM 3.3 px and as it may breathe."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: 3 * side, : 3 * side]
    stack = np.empty((frames, *x.shape), np.float32)
    fluxes = np.geomspace(*electrons, 9).reshape(3, 3)
    for frame in range(frames):
        sigma = 1.4 * max(1 + seeing * rng.normal(), 0.6)
        dx, dy = rng.normal(0, 0.06, 2)
        u, v = x % side - side // 2 - 0.3 - dx, y % side - side // 2 + 0.2 - dy
        light = (
            fluxes[y // side, x // side] * np.exp(-(u * u + v * v) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
        )
        stack[frame] = rng.poisson(500 + light) + rng.normal(0, 5, x.shape)
    return stack, side


def fluxes(image, side):
    return (image.astype(np.float64) - 500).reshape(3, side, 3, side).sum(axis=(1, 3))


@pytest.mark.parametrize(("frames", "found"), [(8, 0.83), (20, 0.87)])
def test_hybrid_finds_five_sigma_and_spares_the_sky(frames, found):
    clean = sky(frames)
    crossed = clean.copy()
    crossed[0] += 5 * NOISE
    noise = model(frames)
    assert (reject(clean, noise=noise) != KEPT).mean() < 0.001
    assert (reject(crossed, noise=noise)[0] == HIGH).mean() > found
    error = combine_kept(clean, reject(clean, noise=noise)).mean - SKY
    assert error.var() * frames / NOISE**2 < 1.04


@pytest.mark.parametrize("frames", [4, 8, 20])
def test_stars_keep_their_flux_when_seeing_varies_by_15_percent(frames):
    stack, side = stars(frames, seeing=0.15)
    whole = fluxes(stack.mean(axis=0, dtype=np.float64), side)
    got = combine_kept(stack, reject(stack, noise=fit_noise_model(stack))).mean
    np.testing.assert_allclose(fluxes(got, side) / whole, 1, atol=0.003)


def test_a_soft_frame_stays_in_the_stars_and_a_cosmic_ray_beside_one_goes():
    stack, side = stars(20, seeing=0.1)
    stack[7] = stars(1, seeing=0.0, seed=5)[0][0]
    stack[3, side // 2 + 6, side // 2] += 2000
    verdicts = reject(stack, noise=fit_noise_model(stack))
    assert verdicts[3, side // 2 + 6, side // 2] == HIGH
    core = verdicts[:, 2 * side + 12 : 2 * side + 17, 2 * side + 12 : 2 * side + 17]
    assert (core != KEPT).mean() < 0.01


@pytest.mark.parametrize("method", ["winsorized", "mad", "hybrid"])
def test_a_trail_in_one_of_six_frames_leaves_no_trace(method):
    stack = sky(6)
    stack[2, 30, :] += 20_000
    got = combine(stack, IntegrationSettings(rejection=method))
    beside = np.delete(stack[:, 30], 2, axis=0).mean(axis=0)
    assert abs(np.mean(got.mean[30] - beside)) < 2 * np.mean(got.noise[30]) / np.sqrt(got.noise[30].size)
    assert np.all(got.rejected_high[30] >= 1)


def test_sigma_clipping_cannot_see_a_lone_trail_in_six_frames():
    stack = sky(6)
    stack[2, 30, :] += 20_000
    verdicts = reject(stack, IntegrationSettings(rejection="sigma"))
    assert np.all(verdicts == KEPT)  # one of six lies sqrt(5) = 2.2 deviations off at most


def test_sigma_clipping_sees_it_in_twenty():
    stack = sky(20)
    stack[2, 30, :] += 20_000
    verdicts = reject(stack, IntegrationSettings(rejection="sigma"))
    assert np.all(verdicts[2, 30] == HIGH)


@pytest.mark.parametrize("method", ["sigma", "winsorized", "mad", "hybrid"])
def test_kappa_changes_what_is_rejected(method):
    stack = sky(20)
    counts = [
        (
            reject(stack, IntegrationSettings(rejection=method, kappa_low=k, kappa_high=k), model(20)) != KEPT
        ).sum()
        for k in (1.5, 2.5, 3.5)
    ]
    assert counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize("method", ["sigma", "winsorized", "hybrid"])
def test_rounds_change_what_is_rejected(method):
    stack = sky(20)
    kappas = {"rejection": method, "kappa_low": 2, "kappa_high": 2}
    once, often = (reject(stack, IntegrationSettings(iterations=n, **kappas), model(20)) for n in (1, 5))
    assert np.any(once != often)


def test_every_method_gives_another_result():
    stack = sky(20, rows=16)
    stack[3, 4, :] += 55
    results = {combine(stack, IntegrationSettings(rejection=method)).mean.tobytes() for method in EVERY}
    assert len(results) == len(EVERY)


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7])
def test_missing_samples_are_called_missing_and_half_are_kept(method, frames):
    stack = sky(frames, 5, 70)
    rng = np.random.default_rng(3)
    stack[rng.random(stack.shape) < 0.4] = np.nan
    stack[rng.random(stack.shape) < 0.1] = np.inf
    verdicts = reject(
        stack, IntegrationSettings(rejection=method, kappa_low=0.3, kappa_high=0.3), model(frames)
    )
    np.testing.assert_array_equal(verdicts == MISSING, ~np.isfinite(stack))
    assert np.all(2 * (verdicts == KEPT).sum(axis=0) >= np.isfinite(stack).sum(axis=0))


@pytest.mark.parametrize("method", EVERY)
def test_equal_samples_are_all_kept(method):
    for value in (0.0, -3.0, 1e30):
        stack = np.full((6, 3, 1), value, np.float32)
        assert np.all(reject(stack, IntegrationSettings(rejection=method), model(6)) == KEPT)


@pytest.mark.parametrize("method", EVERY)
def test_a_pixel_has_the_same_verdicts_in_whatever_tile_it_lies(method):
    stack, _ = stars(7, seeing=0.2)
    stack[2, :, 40] += 300
    stack[np.random.default_rng(1).random(stack.shape) < 0.05] = np.nan
    chosen = IntegrationSettings(rejection=method, kappa_low=2, kappa_high=2)
    noise = NoiseModel(np.full(7, 525.0), np.ones(7), 500.0, np.full(7, 0.3))
    whole = reject(stack, chosen, noise)
    for top, left in ((5, 3), (17, 11)):
        part = reject(stack[:, top:, left:], chosen, noise)
        inner = np.s_[:, HALO:-HALO, HALO:-HALO]
        np.testing.assert_array_equal(part[inner], whole[:, top:, left:][inner])


def test_one_frame_is_kept_as_it_is():
    assert np.all(reject(sky(1), noise=model(1)) == KEPT)


def test_of_two_frames_the_lower_stays_where_they_differ_too_much():
    stack = sky(2, 20, 20)
    stack[0, 10, 10] += 500
    stack[1, 5, 5] += 500
    verdicts = reject(stack, noise=model(2))
    assert verdicts[:, 10, 10].tolist() == [HIGH, KEPT]
    assert verdicts[:, 5, 5].tolist() == [KEPT, HIGH]
    assert (verdicts != KEPT).sum() <= 3


@pytest.mark.parametrize("frames", [3, 4])
def test_of_three_and_four_frames_one_hit_by_a_cosmic_ray_goes(frames):
    stack = sky(frames, 20, 20)
    stack[1, 10, 10] += 500
    stack[2, 4, 4] -= 500
    verdicts = reject(stack, noise=model(frames))
    assert verdicts[1, 10, 10] == HIGH
    assert verdicts[2, 4, 4] == LOW
    assert (verdicts != KEPT).sum() <= 6  # of 1600, two of them these


def test_without_a_noise_model_hybrid_judges_by_the_samples_scatter():
    stack = sky(9, 8, 8)
    with_mad = reject(stack, IntegrationSettings(rejection="mad"))
    np.testing.assert_array_equal(reject(stack, IntegrationSettings(rejection="hybrid")), with_mad)


def test_what_cannot_be_stacked_is_refused():
    with pytest.raises(ShapeError, match=r"\(3, 4\)"):
        reject(np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="model of 2 frames for 3"):
        reject(np.zeros((3, 4, 4)), noise=model(2))
