"""The factor on a dark is found from the hot pixels that it shares with a light."""

import numpy as np
import pytest

from sidera.calibration.scaling import dark_scale_from_light
from sidera.errors import ShapeError
from sidera.model.header import Bayer

SHAPE = (300, 400)


def night(factor, seed=1, glow=0.0):
    """A light of a star-free sky and a master dark of 10 frames, bias removed."""
    generator = np.random.default_rng(seed)
    current = generator.gamma(2, 4, SHAPE)
    hot = generator.random(SHAPE) < 0.02
    current[hot] += generator.exponential(800, np.count_nonzero(hot))
    dark = generator.poisson(current * 10) / 10 + generator.normal(0, 5 / np.sqrt(10), SHAPE)
    strength = np.full(SHAPE, factor)
    if glow:
        corner = np.s_[:90, :120]
        dark[corner] = dark[corner] + 300
        strength[corner] = glow
    light = generator.poisson(current * strength + 200) + generator.normal(0, 5, SHAPE)
    return light, dark


@pytest.mark.parametrize("pattern", [None, Bayer.RGGB])
@pytest.mark.parametrize("factor", [0.25, 0.63, 1.4])
def test_the_factor_is_found_within_three_percent(factor, pattern):
    light, dark = night(factor)
    got = dark_scale_from_light(light, dark, pattern, dark_variance=4.0, expected=factor)
    assert got.value == pytest.approx(factor, rel=0.03)
    assert got.error < 0.02
    assert got.trusted


def test_a_factor_far_from_the_exposures_is_not_trusted():
    got = dark_scale_from_light(*night(0.3), expected=1.0)
    assert not got.trusted
    assert "1 was expected" in got.reason


def test_amplifier_glow_of_another_law_is_not_trusted():
    got = dark_scale_from_light(*night(0.5, glow=0.9), expected=0.5)
    assert not got.trusted
    assert "amplifier glow" in got.reason


def test_no_hot_pixels_no_factor():
    noise = np.random.default_rng(2).normal(0, 1, (2, 30, 30))
    got = dark_scale_from_light(*noise)
    assert np.isnan(got.value)
    assert not got.trusted
    assert not dark_scale_from_light(*np.full((2, 9, 9), np.nan)).trusted
    assert not dark_scale_from_light(*np.ones((2, 9, 9))).trusted


def test_saturated_pixels_do_not_tell():
    light, dark = night(1.0)
    light = np.minimum(light, 900)
    got = dark_scale_from_light(light, dark, saturation=880.0, dark_variance=4.0)
    assert got.value == pytest.approx(1, abs=0.05)


def test_sizes_must_agree():
    with pytest.raises(ShapeError, match="of one size"):
        dark_scale_from_light(np.ones((9, 9)), np.ones((8, 9)))
    with pytest.raises(ShapeError, match="all its neighbours"):
        dark_scale_from_light(np.ones((9, 1)), np.ones((9, 1)))
