"""Brightness from the luminance, colour from the colours, and no colour from noise."""

import numpy as np
import pytest

from sidera.correction.luminance import brightness_of, replace_luminance
from sidera.errors import ShapeError

NOISE = (10.0, 8.0, 12.0)


def colours(levels, seed=1, shape=(160, 180)):
    draw = np.random.default_rng(seed)
    planes = [level + draw.normal(0, sigma, shape) for level, sigma in zip(levels, NOISE, strict=True)]
    return np.stack(planes).astype(np.float32)


def luminance(level, sigma=3.0, seed=9, shape=(160, 180)):
    return (level + np.random.default_rng(seed).normal(0, sigma, shape)).astype(np.float32)


def test_clear_light_has_the_colours_ratios_and_the_luminance_s_brightness():
    rgb = colours((4000, 2000, 1000))
    light = luminance(3000)
    shown, used = replace_luminance(rgb, light, NOISE)
    np.testing.assert_allclose(brightness_of(shown), light, rtol=1e-5)
    np.testing.assert_allclose(shown[0] / shown[2], rgb[0] / rgb[2], rtol=1e-4)
    assert used.mean() > 0.9


def test_a_neutral_sky_stays_neutral_and_gets_the_luminance_s_noise():
    shown, used = replace_luminance(colours((0, 0, 0)), luminance(0), NOISE)
    np.testing.assert_allclose(shown.mean(axis=(1, 2)), 0, atol=0.15)
    assert (shown.std(axis=(1, 2)) < 4.5).all()
    assert used.mean() < 0.2


def test_faint_light_is_not_tinted_whatever_its_noise():
    shown, _ = replace_luminance(colours((12, 8, 6)), luminance(10), NOISE)
    wanted = np.array([12, 8, 6]) + 10 - (0.2126 * 12 + 0.7152 * 8 + 0.0722 * 6)
    np.testing.assert_allclose(shown.mean(axis=(1, 2)), wanted, atol=1.0)


def test_a_star_whose_luminance_is_full_has_no_dark_core():
    rows, columns = np.mgrid[:160, :180]
    star = 60_000 * np.exp(-((rows - 80) ** 2 + (columns - 90) ** 2) / 18)
    light = np.minimum(luminance(0) + star, 20_000).astype(np.float32)
    shown, _ = replace_luminance(colours((0, 0, 0)) + star, light, NOISE)
    assert brightness_of(shown)[80, 90] > 0.9 * 60_000


def test_stars_that_fill_up_at_different_levels_have_no_dark_core_either():
    rows, columns = np.mgrid[:160, :180]
    star, light = np.zeros((160, 180)), np.zeros((160, 180))
    fullest = (18_000, 20_000, 30_000)  # a well that overflows keeps more of a brighter star
    for place, full, height in zip((30, 80, 130), fullest, (50_000, 60_000, 90_000), strict=True):
        one = height * np.exp(-((rows - 80) ** 2 + (columns - place) ** 2) / 18)
        star += one
        light += np.minimum(one, full)
    shown, _ = replace_luminance(colours((0, 0, 0)) + star, (luminance(0) + light).astype(np.float32), NOISE)
    for place in (30, 80, 130):
        line = brightness_of(shown)[80, place : place + 8]
        assert line[0] > 0.9 * star[80, place]
        assert (np.diff(line) < 0).all()  # brightest in its middle, and no ring


def test_luminance_that_is_not_full_is_taken_as_it_is_up_to_its_highest():
    rows, columns = np.mgrid[:160, :180]
    star = 60_000 * np.exp(-((rows - 80) ** 2 + (columns - 90) ** 2) / 18)
    light = (luminance(0) + star).astype(np.float32)
    sharper = star**1.1 / 60_000**0.1  # the colours' seeing was a little better
    shown, _ = replace_luminance(colours((0, 0, 0)) + 1.05 * sharper, light, NOISE)
    np.testing.assert_allclose(brightness_of(shown)[78:83, 88:93], light[78:83, 88:93], rtol=1e-5)


def test_where_only_one_of_them_looked_the_other_is_not_lost():
    rgb, light = colours((4000, 2000, 1000)), luminance(3000)
    light[:20] = np.nan
    rgb[:, 100:] = np.nan
    shown, _ = replace_luminance(rgb, light, NOISE)
    np.testing.assert_array_equal(shown[:, :20], rgb[:, :20])
    assert np.isnan(shown[:, 100:]).all()
    assert np.isfinite(shown[:, :100]).all()


def test_sizes_must_agree():
    with pytest.raises(ShapeError):
        replace_luminance(colours((1, 1, 1)), np.zeros((4, 4)), NOISE)
