"""Master frames: noise as predicted, cosmic rays gone, vignetting measured."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.calibration import masters
from sidera.calibration.masters import combine_calibration, make_master, normalise_flat
from sidera.calibration.noise import NoiseModel, level, measure_noise
from sidera.errors import ShapeError, UsageError
from sidera.model.header import Bayer, Header, Kind


def darks(frames, rows=40, columns=60, seed=3):
    drift = np.arange(frames)[:, None, None] * 3.0
    noise = np.random.default_rng(seed).normal(0, 8, (frames, rows, columns))
    return (500 + drift + noise).astype(np.float32)


def master(kind, frames, bayer=None, **options):
    planes = frames[0].shape[0] if frames[0].ndim == 3 else 1
    rows, columns = frames[0].shape[-2:]
    header = Header(width=columns, height=rows, planes=planes, bayer=bayer)
    readers = [lambda top, bottom, frame=frame: frame[..., top:bottom, :] for frame in frames]
    return make_master(kind, readers, header, **options)


def combine(samples, kind=Kind.DARK, sigma=8.0):
    levels = np.array([level(frame) for frame in samples])
    return combine_calibration(samples, kind, levels=levels, noise=NoiseModel(sigma**2))


@pytest.mark.parametrize("frames", [2, 3, 8, 30])
def test_a_masters_variance_is_what_it_says(frames):
    made = master(Kind.DARK, darks(frames, 120, 160), band=32)
    assert made.image.var() == pytest.approx(made.variance.mean(), rel=0.08)
    assert made.image.mean() == pytest.approx(500 + 1.5 * (frames - 1), abs=0.2)


@pytest.mark.parametrize("frames", [2, 3, 4, 5, 20])
def test_a_cosmic_ray_in_one_dark_leaves_no_trace(frames):
    clean = darks(frames)
    levels = np.array([level(frame) for frame in clean])
    struck = clean.copy()
    struck[1, 20, 30:33] += 5000
    lost = clean.copy()
    lost[1, 20, 30:33] = np.nan
    got, expected = (
        combine_calibration(samples, Kind.DARK, levels=levels, noise=NoiseModel(64.0)).value
        for samples in (struck, lost)
    )
    np.testing.assert_array_equal(got, expected)


def test_the_order_of_frames_changes_no_bit():
    frames = darks(9)
    np.testing.assert_array_equal(combine(frames).value, combine(frames[::-1]).value)


def test_the_height_of_a_band_changes_no_bit():
    frames = list(darks(6))
    one, other = (master(Kind.BIAS, frames, Bayer.RGGB, band=band).image for band in (7, 40))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [Kind.DARK, Kind.FLAT])
def test_the_number_of_threads_changes_no_bit(kind, monkeypatch):
    monkeypatch.setattr(masters, "SAMPLE", 2000)
    frames = [frame + 20 * np.arange(60, dtype=np.float32) for frame in darks(7, 200)]
    alone = master(kind, frames, Bayer.GBRG)
    with ThreadPoolExecutor(4) as pool:
        shared = master(kind, frames, Bayer.GBRG, band=3, spread=pool.map)
    np.testing.assert_array_equal(shared.image, alone.image)
    np.testing.assert_array_equal(shared.variance, alone.variance)


@given(st.integers(1, 9000), st.integers(1, 12000))
def test_sampled_rows_come_in_pairs_from_all_over_the_frame(rows, columns):
    tops, bottoms = np.array(masters._sparse(rows, columns)).T
    assert tops[0] == 0
    assert bottoms[-1] <= rows
    if len(tops) > 1:
        assert (tops % 2 == 0).all()
        assert len(tops) >= 64 or (bottoms - tops == 2).all()
        assert ((bottoms - tops == 2) | (bottoms - tops == 8)).all()
        assert (tops[1:] >= bottoms[:-1]).all()
        assert np.diff(tops, append=rows).max() <= max(6 * rows * columns // masters.SAMPLE, rows // 15)
    else:
        assert bottoms[0] == rows


@pytest.mark.parametrize("flicker", [8, 16, 28, 64])
def test_sampled_rows_tell_a_flats_level_to_a_ten_thousandth(flicker, monkeypatch):
    monkeypatch.setattr(masters, "SAMPLE", 240_000)
    rows, columns = np.mgrid[-1:1:1600j, -1:1:1200j]
    light = 20_000 * (1 - 0.15 * ((rows - 0.2) ** 2 + columns**2))
    light *= 1 + 0.001 * np.sin(2 * np.pi * np.arange(1600) / flicker)[:, None]
    flat = np.random.default_rng(8).normal(light, 40).astype(np.float32)
    pairs = masters._sparse(*flat.shape)
    assert len(pairs) == 100
    sample = np.concatenate([flat[top:bottom] for top, bottom in pairs])
    np.testing.assert_allclose(level(sample, Bayer.RGGB), level(flat, Bayer.RGGB), rtol=1e-4)


def test_two_flats_of_unequal_brightness_tell_their_noise():
    generator = np.random.default_rng(12)
    light = np.linspace(8000, 12000, 300 * 400).reshape(300, 400)
    one, two = (generator.normal(lamp * light, np.sqrt(0.4 * lamp * light)) for lamp in (1, 1.3))
    assert measure_noise(one, two).variance(np.array([10_000.0]))[0] == pytest.approx(4000, rel=0.02)


def test_a_single_frame_is_its_own_master_of_unknown_noise():
    made = master(Kind.DARK, darks(1))
    np.testing.assert_array_equal(made.image, darks(1)[0])
    assert np.isnan(made.variance).all()


def test_what_no_frame_measured_stays_unknown():
    frames = darks(5)
    frames[:, 3, 4] = np.nan
    frames[0, 5, 6] = np.nan
    got = combine(frames)
    assert np.isnan(got.value[3, 4])
    assert got.kept[3, 4] == 0
    assert got.kept[5, 6] <= 4
    assert np.isfinite(got.value[5, 6])


def test_constant_and_negative_frames_keep_their_value():
    np.testing.assert_array_equal(master(Kind.BIAS, [np.full((5, 1), -7, np.float32)] * 4).image, -7)


def test_a_flat_measures_vignetting_and_not_the_lamp():
    rows, columns = np.mgrid[-1:1:80j, -1:1:120j]
    fall = 1 - 0.1 * (rows**2 + columns**2) / 2
    colour = np.where(np.arange(80)[:, None] % 2 == np.arange(120) % 2, 2.0, 1.0)
    generator = np.random.default_rng(5)
    lamps = (20000, 26000, 15000, 22000, 21000)
    frames = [
        (300 + generator.normal(0, 20, fall.shape) + lamp * colour * fall).astype(np.float32)
        for lamp in lamps
    ]
    made = master(Kind.FLAT, frames, Bayer.RGGB, pedestal=300.0)
    expected = np.array(fall)
    for top, left in np.ndindex(2, 2):
        expected[top::2, left::2] /= expected[top::2, left::2].mean()
    np.testing.assert_allclose(made.image, expected, atol=0.003)
    assert made.bias_removed
    assert (made.image - expected).var() == pytest.approx(made.variance.mean(), rel=0.15)


def test_colour_frames_are_combined_plane_by_plane():
    frames = [np.stack([frame, 2 * frame, 3 * frame]) for frame in darks(6)]
    made = master(Kind.DARK, frames)
    assert made.image.shape == (3, 40, 60)
    np.testing.assert_allclose(made.image[2], 3 * made.image[0], rtol=1e-3)


def test_noise_grows_with_light_as_photons_do():
    generator = np.random.default_rng(11)
    signal = np.linspace(100, 4000, 200 * 300).reshape(200, 300)
    one, two = (signal + generator.normal(0, 1, signal.shape) * np.sqrt(50 + 0.5 * signal) for _ in range(2))
    model = measure_noise(one, two)
    np.testing.assert_allclose(model.variance(np.array([500, 2000, 3900])), [300, 1050, 2000], rtol=0.05)


def test_a_drift_of_one_colour_is_no_noise():
    frames = np.random.default_rng(9).normal(500, 8, (2, 200, 200)).astype(np.float32)
    frames[0, ::2, ::2] -= 15
    frames[1, ::2, ::2] += 15
    assert measure_noise(*frames, Bayer.RGGB).variance(np.array([500.0]))[0] == pytest.approx(64, rel=0.03)


def test_cosmic_rays_do_not_enter_the_noise():
    frames = darks(2, 100, 100)
    frames[0, ::9, ::9] += 3000
    assert measure_noise(*frames).variance(np.array([500.0]))[0] == pytest.approx(64, rel=0.06)


def test_levels_are_measured_per_colour_and_without_hot_pixels():
    image = np.tile(np.array([[10, 20], [30, 40]], np.float32), (20, 20))
    image += np.random.default_rng(1).normal(0, 0.1, image.shape).astype(np.float32)
    image[5, 5] = 60000
    image[6, 6] = np.nan
    np.testing.assert_allclose(level(image, Bayer.RGGB), [[10, 20], [30, 40]], atol=0.03)
    assert level(np.full((3, 3), -5.0)) == pytest.approx(-5)
    assert np.isnan(level(np.full((3, 1), np.nan))).all()


def test_a_flat_too_low_to_divide_by_says_nothing():
    flat = np.full((20, 20), 1000.0, np.float32)
    flat[4, 4] = 20
    flat[5, 5] = -3
    normal = normalise_flat(flat)
    assert np.isnan(normal[[4, 5], [4, 5]]).all()
    assert np.nanmean(normal) == pytest.approx(1, rel=1e-3)


def test_mistakes_are_named():
    with pytest.raises(UsageError, match="flat's mean is -4"):
        normalise_flat(np.full((4, 4), -4.0))
    with pytest.raises(ShapeError, match="frames, rows, columns"):
        combine_calibration(np.ones((3, 3)), Kind.BIAS, levels=np.ones((3, 2, 2)), noise=NoiseModel(1))
    with pytest.raises(UsageError, match="above its pedestal"):
        master(Kind.FLAT, [np.full((8, 8), 100, np.float32)] * 2, pedestal=300.0)
    with pytest.raises(UsageError, match="no dark frames"):
        make_master(Kind.DARK, [], Header(width=4, height=4))
