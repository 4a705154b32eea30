import msgspec
import numpy as np
import pytest

from sidera.errors import UsageError
from sidera.simulate import NightSettings, Truth, truth_from_json, truth_image, truth_of
from sidera.simulate.camera import add_cosmic_rays, bias, dark, flat, light, sensor_of
from sidera.simulate.draw import background_variance
from sidera.simulate.night import colour_map
from sidera.simulate.sky import light_electrons, nebula_light, sky_light, stars_in

SMALL = NightSettings(frames=4, size=(96, 64), stars=12, saturated=0, cosmic_rays=5, trails=2, seed=3)
MONO = msgspec.structs.replace(SMALL, bayer="none")
QUIET = msgspec.structs.replace(
    MONO, stars=0, nebula=False, gradient=0, cosmic_rays=0, trails=0, hot_pixels=0
)


def test_the_same_seed_gives_the_same_night():
    assert truth_of(SMALL) == truth_of(SMALL)
    np.testing.assert_array_equal(
        light(truth_of(SMALL), 2, sensor_of(SMALL)), light(truth_of(SMALL), 2, sensor_of(SMALL))
    )


def test_another_seed_gives_another_night():
    assert truth_of(SMALL).stars != truth_of(msgspec.structs.replace(SMALL, seed=4)).stars


def test_a_frame_does_not_depend_on_how_many_follow_it():
    still = msgspec.structs.replace(SMALL, trails=0, gradient_turn=0)
    longer = msgspec.structs.replace(still, frames=9)
    np.testing.assert_array_equal(
        light(truth_of(still), 1, sensor_of(still)), light(truth_of(longer), 1, sensor_of(longer))
    )


def test_the_truth_survives_its_document():
    assert truth_from_json(truth_of(SMALL).to_json()) == truth_of(SMALL)


@pytest.mark.parametrize("document", ["", "{}", '{"settings": {"frames": "many"}}', "[1, 2]"])
def test_another_document_is_refused(document):
    with pytest.raises(UsageError, match="truth"):
        truth_from_json(document)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 0}, "frames"),
        ({"size": (1, 50)}, "1 x 50"),
        ({"bayer": "XYZW"}, "bayer"),
        ({"flipped": 7}, "index 7"),
        ({"filters": ("../L",)}, "filters"),
        ({"date": "yesterday"}, "yesterday"),
        ({"faintest_snr": 2000.0}, "2000"),
        ({"trail_sigma": (0.0, 5.0)}, "trail_sigma"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_value(change, words):
    with pytest.raises(UsageError, match=words):
        truth_of(msgspec.structs.replace(SMALL, **change))


def test_every_setting_says_what_it_means():
    properties = msgspec.json.schema(NightSettings)["$defs"]["NightSettings"]["properties"]
    assert all(entry.get("description") for entry in properties.values())


def test_the_relative_map_takes_one_frames_stars_to_the_others():
    truth = truth_of(msgspec.structs.replace(SMALL, flipped=2))
    x, y, _ = stars_in(truth, 1)
    there = truth.relative(1, 2) @ np.stack([x, y, np.ones_like(x)])
    np.testing.assert_allclose(there, stars_in(truth, 2)[:2], atol=1e-9)


def test_a_flipped_frame_is_turned_by_half_a_circle():
    truth = truth_of(msgspec.structs.replace(SMALL, flipped=2, maximum_rotation=0))
    np.testing.assert_allclose(truth.matrix(2)[:, :2], -np.eye(2), atol=1e-12)


def test_shifts_and_rotations_keep_within_their_limits():
    truth = truth_of(msgspec.structs.replace(SMALL, frames=50))
    middle = np.array([95 / 2, 63 / 2, 1.0])
    for index in range(50):
        matrix = truth.matrix(index)
        assert np.hypot(*(matrix @ middle - middle[:2])) <= SMALL.maximum_shift + 1e-9
        assert abs(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))) <= SMALL.maximum_rotation


def test_the_gradient_turns_through_the_night_and_keeps_its_strength():
    gradients = [frame.gradient for frame in truth_of(SMALL).frames]
    np.testing.assert_allclose(np.hypot(*np.transpose(gradients)), 0.25)
    np.testing.assert_allclose(gradients[0], np.negative(gradients[-1]), atol=1e-12)


def test_the_sky_rises_by_the_gradient_from_edge_to_edge():
    truth = truth_of(SMALL)
    sky, frame = sky_light(truth, 0), truth.frames[0]
    assert (sky[0, -1] - sky[0, 0]) / frame.sky == pytest.approx(frame.gradient[0], rel=1e-4)
    assert sky.mean() == pytest.approx(frame.sky, rel=1e-5)


def test_a_stars_light_arrives_whole():
    lonely = msgspec.structs.replace(QUIET, stars=1, maximum_shift=0, maximum_rotation=0, size=(128, 128))
    truth = truth_of(lonely)
    star = msgspec.structs.replace(truth.stars[0], x=60.3, y=64.7)
    truth = msgspec.structs.replace(truth, stars=(star,))
    got = truth_image(truth, 1, sky=False).sum(dtype=np.float64) * lonely.gain
    assert got == pytest.approx(star.flux[0] * truth.frames[1].transparency, rel=1e-4)


def test_the_mosaic_sees_each_colours_plane():
    truth = truth_of(SMALL)
    planes, mosaic = truth_image(truth, 0), light_electrons(truth, 0)
    seen = np.take_along_axis(planes, colour_map(SMALL)[None].astype(np.int64), axis=0)[0]
    np.testing.assert_allclose(mosaic, seen * SMALL.gain, rtol=1e-5)


def test_without_stars_and_nebula_the_truth_is_empty():
    image = truth_image(truth_of(QUIET), 0, sky=False)
    assert image.shape == (64, 96)
    assert not image.any()


def test_the_nebula_is_never_negative_and_follows_the_pointing():
    truth = truth_of(msgspec.structs.replace(MONO, size=(300, 200), maximum_rotation=0, flipped=1))
    shifted, flipped = nebula_light(truth, 0), nebula_light(truth, 1)
    assert shifted.min() >= 0
    row, column = np.unravel_index(shifted.argmax(), shifted.shape)
    x, y = truth.relative(0, 1) @ (column, row, 1.0)
    assert flipped[round(y), round(x)] == pytest.approx(shifted.max(), rel=0.02)


def test_noise_is_what_photons_dark_current_and_read_out_make():
    even = msgspec.structs.replace(
        QUIET, size=(300, 300), vignetting=0, motes=0, pixel_response=0, bias_pattern=0
    )
    truth = truth_of(even)
    raw = light(truth, 0, sensor_of(even)).astype(np.float64)
    variance = background_variance(even, truth.frames[0].sky) / even.gain**2
    assert raw.var() == pytest.approx(variance, rel=0.02)
    assert raw.mean() == pytest.approx(even.bias + (truth.frames[0].sky + 2.4) / even.gain, abs=0.1)


def test_calibration_frames_show_bias_hot_pixels_and_vignetting():
    camera = msgspec.structs.replace(SMALL, cosmic_rays=0, hot_pixels=0.01)
    sensor = sensor_of(camera)
    assert bias(camera, 0, sensor).mean() == pytest.approx(camera.bias, abs=1)
    shot = dark(camera, 0, sensor)
    cold = np.ones(shot.shape, np.bool_)
    cold[sensor.hot[:, 1], sensor.hot[:, 0]] = False
    assert shot[~cold].min() > shot[cold].max()
    grey = flat(camera, 0, sensor).astype(np.float64) - camera.bias
    assert grey[:8:2, 1:8:2].mean() < grey[24:40:2, 41:57:2].mean()  # green: corner against middle


def test_the_flats_response_has_a_mean_of_one_per_colour():
    response, colours = sensor_of(SMALL).response, colour_map(SMALL)
    for colour in range(3):
        assert response[colours == colour].mean() == pytest.approx(1, abs=1e-5)


def test_trails_cross_the_frames_they_are_said_to_cross():
    truth = truth_of(msgspec.structs.replace(SMALL, trail_frames=(1, 3), trails=3))
    assert [len(frame.trails) for frame in truth.frames] == [0, 2, 0, 1]


def test_a_trails_ridge_stands_as_many_sigma_high_as_it_is_said():
    dim = msgspec.structs.replace(QUIET, trails=1, trail_frames=(0,), trail_sigma=(20.0, 20.0))
    truth = truth_of(dim)
    with_trail = light(truth, 0, sensor_of(dim)).astype(np.float64) - light_electrons(truth, 0) / dim.gain
    noise = np.sqrt(background_variance(dim, truth.frames[0].sky)) / dim.gain
    assert with_trail.max() - np.median(with_trail) == pytest.approx(20 * noise, rel=0.35)


def test_cosmic_rays_keep_their_energy_and_their_place():
    image = np.zeros((40, 50), np.float32)
    add_cosmic_rays(image, 10, np.random.default_rng(1))
    assert 10 <= np.count_nonzero(image) <= 120
    assert image.min() == 0


def test_nothing_exceeds_saturation():
    bright = msgspec.structs.replace(MONO, saturated=3, saturation=4095)
    assert light(truth_of(bright), 0, sensor_of(bright)).max() == 4095


def test_filters_of_a_mono_camera_follow_one_another():
    truth = truth_of(msgspec.structs.replace(MONO, filters=("L", "R"), frames=2))
    assert [frame.file for frame in truth.frames] == [
        "lights/light_L_0001.fits",
        "lights/light_L_0002.fits",
        "lights/light_R_0001.fits",
        "lights/light_R_0002.fits",
    ]
    assert [frame.band for frame in truth.frames] == [0, 0, 1, 1]
    assert truth_image(truth, 3).ndim == 2


def test_no_such_frame_is_said():
    truth: Truth = truth_of(SMALL)
    with pytest.raises(UsageError, match="index 4"):
        truth_image(truth, 4)
