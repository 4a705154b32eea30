"""Bad pixels are found; stars are not taken for them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.calibration import defects
from sidera.calibration.defects import COSMETIC_SUPPORT, NETWORK, Defect, cosmetic, find_defects, pixel_noise
from sidera.errors import UsageError
from sidera.model.header import Bayer, Header, Kind
from sidera.model.masters import Master

NOISE = 10.0
cfa = st.sampled_from([None, *Bayer])


def sky(seed=0, shape=(60, 80)):
    return np.random.default_rng(seed).normal(1000, NOISE, shape).astype(np.float32)


def star(x, y, fwhm, size=21):
    """A Gaussian averaged over each pixel, its brightest pixel 1."""

    def profile(centre):
        edges = (np.arange(size + 1) - 0.5 - centre) * 2.3548 / fwhm / math.sqrt(2)
        return np.diff([math.erf(edge) for edge in edges])

    image = np.outer(profile(y), profile(x))
    return image / image.max()


def dark_of(image, kind=Kind.DARK, variance=4.0, frames=10):
    header = Header(width=image.shape[1], height=image.shape[0], n_combined=frames)
    return Master(kind, image, np.full(image.shape, variance, np.float32), header)


def light_with_a_star(rng, fwhm, pattern):
    """Sky, one star of any phase and brightness, and its own photon noise."""
    response = np.ones((21, 21))
    if pattern:
        response = np.array([[(0.6, 1, 0.7)[pattern.colour(r, c)] for c in range(21)] for r in range(21)])
    peak = NOISE * 20 * 250 ** rng.random()
    light = peak * star(*(10 + rng.uniform(-1, 1, 2)), fwhm) * response
    return (rng.normal(1000, np.hypot(NOISE, np.sqrt(light)))).astype(np.float32)


@pytest.mark.parametrize("pattern", [None, *Bayer])
@pytest.mark.parametrize("fwhm", [1.5, 2.0, 3.0, 5.0])
def test_stars_of_every_size_phase_and_brightness_stay(fwhm, pattern):
    """Photon noise may take one pixel of a hundred stars for a hot one; that is filled from its neighbours."""
    rng = np.random.default_rng(11)
    found = [cosmetic(light_with_a_star(rng, fwhm, pattern), pattern, NOISE)[4:17, 4:17] for _ in range(100)]
    assert sum(np.count_nonzero(np.isnan(core)) for core in found) <= 1


@pytest.mark.parametrize("pattern", [None, Bayer.GRBG])
@pytest.mark.parametrize("sign", [1, -1])
def test_hot_and_cold_pixels_go(pattern, sign):
    image = sky()
    image[5:55:7, 5:75:7] += sign * 40 * NOISE
    image[0, 0] = image[20, 0] = image[20, 20] = 1000
    gone = np.isnan(cosmetic(image, pattern, NOISE))
    assert gone[5:55:7, 5:75:7].mean() > 0.98
    assert gone.sum() == gone[5:55:7, 5:75:7].sum()


def test_a_pair_of_hot_pixels_goes_too():
    image = sky()
    image[30, 40:42] += 900
    assert np.isnan(cosmetic(image, None, NOISE)[30, 40:42]).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 30), st.integers(0, 40), cfa)
def test_a_window_with_a_halo_gives_the_bits_of_the_whole(top, left, pattern):
    image = sky(4)
    image[::5, ::6] += 300
    image[7, 8] = np.nan
    halo = COSMETIC_SUPPORT
    whole = cosmetic(image, pattern, NOISE)
    first = pattern.shifted(top, left) if pattern else None
    window = cosmetic(image[top : top + 26, left : left + 30], first, NOISE)
    inner = np.s_[halo:-halo, halo:-halo]
    np.testing.assert_array_equal(window[inner], whole[top : top + 26, left : left + 30][inner])


@pytest.mark.parametrize(
    "image", [np.full((4, 6), np.nan), np.full((5, 5), 7.0), np.ones((1, 9)), np.ones((9, 1))]
)
def test_nothing_stands_out_of_nothing(image):
    np.testing.assert_array_equal(cosmetic(image, Bayer.RGGB, 1.0), image)
    np.testing.assert_array_equal(cosmetic(image, None, 1.0), image)


def test_colour_planes_are_cleaned_each_for_itself():
    image = np.stack([sky(1), sky(2), sky(3)])
    image[1, 20, 20] += 900
    gone = np.isnan(cosmetic(image, None, NOISE))
    assert gone.sum() == 1
    assert gone[1, 20, 20]


@pytest.mark.parametrize("pattern", [None, Bayer.RGGB])
def test_noise_of_pixels_is_measured_beside_hot_ones(pattern):
    image = sky(6, (200, 300))
    image[::9, ::7] += 5000
    np.testing.assert_allclose(pixel_noise(image, pattern), NOISE, rtol=0.05)
    assert np.isnan(pixel_noise(np.full((4, 4), np.nan))).all()


@pytest.mark.parametrize("pattern", [None, Bayer.GBRG])
def test_hot_and_cold_pixels_of_a_dark_are_mapped(pattern):
    image = sky(8) / 5  # noise 2
    image[10, 10] += 100
    image[12, 13] -= 100
    image[0, 40] += 100
    mask = find_defects(dark_of(image), pattern=pattern)
    assert mask[10, 10] == mask[0, 40] == Defect.HOT
    assert mask[12, 13] == Defect.COLD
    assert np.count_nonzero(mask) == 3


@pytest.mark.parametrize("pattern", [None, Bayer.RGGB])
def test_a_hot_pixel_is_mapped_in_whatever_row_it_lies(pattern, monkeypatch):
    monkeypatch.setattr(defects, "SAMPLE", 4000)
    image = sky(7, (150, 155)) / 5
    image[np.arange(150), np.arange(150)] += 100
    np.testing.assert_array_equal(find_defects(dark_of(image), pattern=pattern), np.eye(150, 155))


def test_a_smooth_amplifier_glow_is_no_defect():
    rows, columns = np.mgrid[:60, :80]
    glow = 500 * np.exp(-(rows**2 + columns**2) / 2000)
    assert not find_defects(dark_of((sky() / 5 + glow).astype(np.float32)), pattern=Bayer.RGGB).any()


def test_a_column_bad_in_most_of_a_segment_is_bad_in_all_of_it():
    image = sky(9, (128, 40)) / 5
    image[64:110, 20] += 500
    mask = find_defects(dark_of(image))
    assert (mask[64:, 20] & Defect.COLUMN).all()
    assert not mask[:64].any()


def test_noisy_pixels_are_mapped_where_enough_frames_tell():
    noisy = dark_of(sky() / 5)
    noisy.variance[30, 30] = 40
    assert find_defects(noisy)[30, 30] == Defect.NOISY
    assert not find_defects(Master(Kind.DARK, noisy.image, noisy.variance, Header(width=80, height=60))).any()


def test_a_dead_pixel_of_a_flat_is_mapped():
    flat = (sky() / 1000).astype(np.float32)
    flat[9, 9], flat[11, 30] = 0.5, np.nan
    mask = find_defects(None, dark_of(flat, Kind.FLAT, 1e-6), Bayer.RGGB)
    assert mask[9, 9] == mask[11, 30] == Defect.FLAT
    assert np.count_nonzero(mask) == 2


def test_no_master_no_map():
    with pytest.raises(UsageError, match="no master"):
        find_defects()
    assert not find_defects(dark_of(np.full((6, 6), np.nan, np.float32))).any()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 1), min_size=24, max_size=24))
def test_the_network_sorts(values):
    for first, second in NETWORK:  # zeros and ones suffice (Knuth, 0-1 principle)
        values[first], values[second] = sorted((values[first], values[second]))
    assert values == sorted(values)
