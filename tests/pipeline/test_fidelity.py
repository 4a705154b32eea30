import math

import msgspec
import numpy as np
import pytest

from sidera.errors import ShapeError, UsageError
from sidera.model.transform import Model, Transform
from sidera.pipeline.expectation import Kept, frames_that_see, photon_limit
from sidera.pipeline.fidelity import aperture_sum, fidelity, table
from sidera.simulate import NightSettings, truth_image, truth_of
from sidera.simulate.draw import background_variance

NIGHT = NightSettings(
    frames=4,
    size=(400, 300),
    bayer="none",
    stars=60,
    faintest_snr=30.0,
    brightest_snr=500.0,
    saturated=0,
    nebula_peak=20.0,
    maximum_shift=5,
    maximum_rotation=0.5,
    seed=5,
)
STEADY = msgspec.structs.replace(NIGHT, seeing_scatter=0.0)


def true_transforms(truth, reference=0):
    bottom = [[0, 0, 1]]
    return {
        frame.file: Transform(Model.SIMILARITY, np.vstack([truth.relative(reference, index), bottom]))
        for index, frame in enumerate(truth.frames)
    }


def limit(truth):
    """Photon limit of one pixel of sky in ADU of frame 0."""
    settings, frames = truth.settings, truth.frames
    variances = [background_variance(settings, f.sky) / f.transparency**2 for f in frames]
    return frames[0].transparency / settings.gain / math.sqrt(sum(1 / v for v in variances))


def noisy(truth, factor=1.0):
    clean = truth_image(truth, 0)
    noise = np.random.default_rng(2).normal(0, factor * limit(truth), clean.shape)
    return (clean + noise).astype(np.float32)


def measured(image, truth, noise=None, **more):
    return fidelity(image, noise, true_transforms(truth), truth, truth.frames[0].file, **more)


def test_the_truth_itself_is_without_fault():
    truth = truth_of(STEADY)
    result = measured(truth_image(truth, 0), truth)
    channel = result.channels[0]
    assert result.worst_transform_rms < 1e-9
    assert channel.stars > 5
    assert abs(channel.flux_bias) < 1e-3
    assert channel.fwhm_growth == pytest.approx(0, abs=1e-3)


def test_a_stack_at_the_photon_limit_is_told_to_be_there():
    truth = truth_of(STEADY)
    channel = measured(noisy(truth), truth).channels[0]
    assert channel.noise_ratio == pytest.approx(1, abs=0.05)
    assert channel.pixel_noise_ratio == pytest.approx(1, abs=0.03)
    assert channel.noise == pytest.approx(limit(truth), rel=0.03)
    assert channel.false_pixels == 0
    assert channel.empty_pixels > 10_000


def test_the_limit_of_a_star_is_that_of_the_frames_that_see_it():
    truth = truth_of(msgspec.structs.replace(STEADY, transparency_scatter=0.0, sky_scatter=0.0))
    kept = Kept((0, 1, 2, 3), (0.25,) * 4, 0)
    x, y = np.array([200.0, 6.0, -50.0]), np.array([150.0, 150.0, 150.0])
    seen = frames_that_see(truth, kept, x, y, 6.0)
    places = [truth.relative(0, index) @ (6.0, 150.0, 1.0) for index in range(4)]
    np.testing.assert_array_equal(seen[:, 1], [place[0] >= 6 for place in places])
    assert 0 < seen[:, 1].sum() < 4
    whole = photon_limit(truth, kept, 0, np.full(3, 9e3), 80.0)
    some = photon_limit(truth, kept, 0, np.full(3, 9e3), 80.0, seen)
    assert some[0] == whole[0]
    assert some[1] == pytest.approx(whole[1] * math.sqrt(4 / seen[:, 1].sum()))
    assert some[2] == math.inf


def test_a_stack_twice_as_noisy_is_told_so():
    truth = truth_of(STEADY)
    assert measured(noisy(truth, 2.0), truth).channels[0].noise_ratio == pytest.approx(2, abs=0.1)


def test_stars_two_percent_too_bright_are_told():
    truth = truth_of(STEADY)
    image = truth_image(truth, 0) + np.float32(0.02) * truth_image(truth, 0, sky=False)
    channel = measured(image, truth).channels[0]
    assert channel.flux_bias == pytest.approx(2, abs=0.02)
    assert channel.flux_slope == pytest.approx(0, abs=0.05)


def test_a_flux_that_tilts_over_the_field_is_told():
    truth = truth_of(STEADY)
    tilt = np.linspace(-0.02, 0.02, 400, dtype=np.float32)
    image = truth_image(truth, 0) + tilt * truth_image(truth, 0, sky=False, nebula=False)
    assert measured(image, truth).channels[0].flux_slope == pytest.approx(4, abs=0.3)


def test_blurred_stars_are_told_to_have_grown():
    truth = truth_of(STEADY)
    sharp = truth_image(truth, 0)
    blurred = sum(np.roll(sharp, step, axis) for step in (-1, 0, 1) for axis in (0, 1)) / 6
    assert measured(blurred.astype(np.float32), truth).channels[0].fwhm_growth > 3


def test_an_outlier_left_in_the_sky_is_counted():
    truth = truth_of(STEADY)
    image = noisy(truth)
    light = truth_image(truth, 0, sky=False)
    row, column = np.unravel_index(light[100:200, 100:300].argmin(), (100, 200))
    image[row + 100, column + 100] += 10 * limit(truth)
    noise = np.full_like(image, limit(truth))
    result = measured(image, truth, noise).channels[0]
    assert result.false_pixels == 1
    assert result.false_ppm == pytest.approx(1e6 / result.empty_pixels)
    assert result.noise_map_ratio == pytest.approx(1, abs=0.03)


def test_a_smooth_remainder_of_the_sky_is_not_noise():
    truth = truth_of(STEADY)
    image = noisy(truth) + np.linspace(0, 20, 400, dtype=np.float32)
    channel = measured(image, truth).channels[0]
    assert channel.false_pixels == 0
    assert channel.noise_ratio < 1.15


def test_a_wrong_transform_is_told_in_pixels():
    truth = truth_of(NIGHT)
    transforms = true_transforms(truth)
    name = truth.frames[2].file
    wrong = transforms[name].coefficients + np.array([[0, 0, 0.3], [0, 0, 0.4], [0, 0, 0]])
    transforms[name] = Transform(Model.SIMILARITY, wrong)
    result = fidelity(truth_image(truth, 0), None, transforms, truth, "light_L_0001.fits")
    assert result.worst_transform_rms == pytest.approx(0.5)
    assert result.transform_rms == pytest.approx(0.25)
    assert [frame.transform_rms > 0.1 for frame in result.frames] == [False, False, True, False]


def test_a_cropped_stack_is_compared_at_its_own_place():
    truth = truth_of(STEADY)
    cropped = truth_image(truth, 0)[40:260, 30:370]
    channel = measured(cropped, truth, origin=(30.0, 40.0)).channels[0]
    assert abs(channel.flux_bias) < 1e-3
    assert channel.stars > 2


def test_a_colour_stack_is_judged_by_channel():
    truth = truth_of(msgspec.structs.replace(STEADY, bayer="RGGB"))
    image = truth_image(truth, 0)
    image[2] *= np.float32(1.01)
    channels = measured(image, truth).channels
    assert [channel.band for channel in channels] == ["R", "G", "B"]
    assert channels[2].flux_bias == pytest.approx(1, abs=0.05)
    assert abs(channels[0].flux_bias) < 1e-3


def test_a_stack_with_nothing_in_it_gives_nan_and_zero_not_an_error():
    truth = truth_of(NIGHT)
    image = np.full((300, 400), np.nan, np.float32)
    channel = measured(image, truth).channels[0]
    assert channel.stars == channel.empty_pixels == 0
    assert math.isnan(channel.flux_bias)
    assert math.isnan(channel.noise_ratio)


def test_the_table_names_every_channel_and_figure():
    truth = truth_of(STEADY)
    text = table(measured(truth_image(truth, 0), truth))
    assert "flux bias" in text
    assert "photon limit" in text
    assert len(text.splitlines()) == 14


def test_a_star_of_even_light_holds_its_area():
    image = np.ones((21, 21), np.float32)
    total, area = aperture_sum(image, 10.3, 9.8, 0, 5)
    assert total == area == pytest.approx(math.pi * 25, rel=0.01)
    assert math.isnan(aperture_sum(image, 2.0, 9.0, 0, 5)[0])


def test_frames_of_another_night_are_refused():
    truth = truth_of(NIGHT)
    with pytest.raises(UsageError, match=r"m31\.fits"):
        fidelity(truth_image(truth, 0), None, {"m31.fits": Transform.identity()}, truth, truth.frames[0].file)
    with pytest.raises(ShapeError, match="channel"):
        measured(np.zeros((3, 300, 400), np.float32), truth)
