"""Raw ADU become calibrated ADU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.calibration.apply import calibrate, calibrator, prepare, saturated, saturation_level
from sidera.calibration.match import Pairing
from sidera.calibration.overscan import subtract_overscan, trim
from sidera.errors import ShapeError, UsageError
from sidera.model.header import Bayer, Header, Kind
from sidera.model.masters import Master

SHAPE = (40, 60)
rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
BIAS = 300 + rows
DARK = BIAS + 5 * (columns % 7)
FLAT = 1 - 0.1 * ((rows - 20) ** 2 + (columns - 30) ** 2) / 1300
TRUTH = 100 + 3 * columns


def test_a_calibrated_light_is_the_truth():
    raw = TRUTH * FLAT + DARK
    np.testing.assert_allclose(calibrate(raw, dark=DARK, flat=FLAT), TRUTH, rtol=1e-5)


def test_a_dark_of_half_the_exposure_is_doubled_above_the_bias():
    raw = TRUTH + BIAS + 2 * (DARK - BIAS)
    np.testing.assert_allclose(calibrate(raw, bias=BIAS, dark=DARK, dark_scale=2), TRUTH, rtol=1e-5)


def test_the_bias_is_never_subtracted_twice():
    raw = TRUTH + DARK
    np.testing.assert_allclose(calibrate(raw, bias=BIAS, dark=DARK), TRUTH, rtol=1e-5)
    got = calibrate(raw, bias=BIAS, dark=DARK - BIAS, bias_removed=True)
    np.testing.assert_allclose(got, TRUTH, rtol=1e-5)


def test_the_declared_black_level_goes_where_nothing_else_holds_it():
    raw = TRUTH + 64
    np.testing.assert_allclose(calibrate(raw, black=64), TRUTH)
    np.testing.assert_allclose(calibrate(raw, bias=np.full(SHAPE, 64), black=64), TRUTH)


def test_the_sky_may_fall_below_zero():
    assert calibrate(np.full(SHAPE, 10), bias=np.full(SHAPE, 12))[0, 0] == -2


def test_noise_of_the_light_is_all_that_is_left():
    noise = np.random.default_rng(2).normal(0, 4, SHAPE)
    got = calibrate(TRUTH * FLAT + DARK + noise, dark=DARK, flat=FLAT)
    np.testing.assert_allclose((got - TRUTH) * FLAT, noise, atol=1e-3)


def test_unknown_pixels_stay_unknown():
    raw, flat, defects = TRUTH.copy(), FLAT.copy(), np.zeros(SHAPE, np.uint8)
    raw[1, 1], flat[2, 2], flat[3, 3], defects[4, 4] = np.nan, np.nan, 0, 1
    got = calibrate(raw, flat=flat, defects=defects)
    assert np.isnan(got[[1, 2, 3, 4], [1, 2, 3, 4]]).all()
    assert np.count_nonzero(np.isnan(got)) == 4


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 39), st.integers(0, 59), st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_a_window_has_the_bits_of_the_whole(top, left, height, width, colour):
    raw = np.random.default_rng(1).normal(500, 50, SHAPE).astype(np.float32)
    masters = {"dark": DARK, "flat": FLAT}
    if colour:
        raw = np.stack([raw, raw + 1, raw + 2])
        masters = {name: np.stack([master] * 3) for name, master in masters.items()}
    made = calibrator(raw.shape, **masters)
    whole = made.window(raw)
    part = np.s_[..., top : top + height, left : left + width]
    np.testing.assert_array_equal(made.window(raw[part], top, left), whole[part])


def test_a_pairing_is_prepared_once():
    header = Header(width=60, height=40)
    masters = {
        name: Master(kind, plane.astype(np.float32), plane, header)
        for name, kind, plane in (("b", Kind.BIAS, BIAS), ("d", Kind.DARK, DARK), ("f", Kind.FLAT, FLAT))
    }
    pairing = Pairing(shape=SHAPE, bias="b", dark="d", flat="f", dark_scale=2.0)
    raw = TRUTH * FLAT + BIAS + 2 * (DARK - BIAS)
    got = prepare(pairing, masters).window(raw[5:9, 7:20], 5, 7)
    np.testing.assert_allclose(got, TRUTH[5:9, 7:20], rtol=1e-5)
    assert prepare(Pairing(shape=SHAPE, black=9.0), {}).window(raw)[0, 0] == raw[0, 0] - 9


def test_misfits_are_named():
    with pytest.raises(ShapeError, match="dark has shape"):
        calibrate(TRUTH, dark=np.ones((3, 3)))
    with pytest.raises(ShapeError, match="outside the masters"):
        calibrator(SHAPE, dark=DARK).window(TRUTH, 1, 0)
    with pytest.raises(UsageError, match="without a bias"):
        calibrate(TRUTH, dark=DARK, dark_scale=2)


def test_saturation_spreads_to_the_pixels_that_touch():
    raw = np.zeros((5, 6))
    raw[1, 1] = 4000
    expected = np.zeros((5, 6), np.uint8)
    expected[0:3, 0:3] = 1
    np.testing.assert_array_equal(saturated(raw, 4000), expected)
    assert not saturated(raw, None).any()
    assert saturated(np.full((1, 1), np.nan), 5).sum() == 0


def header(**known):
    return Header(width=60, height=40, **known)


def test_the_saturation_level_is_where_pixels_pile_up():
    image = np.random.default_rng(1).normal(300, 20, SHAPE).astype(np.float32)
    assert saturation_level(header(bits="uint16"), image) == pytest.approx(0.97 * 65535)
    assert saturation_level(header(bits="float32"), image) is None
    image[5, 5:15] = 4095
    assert saturation_level(header(bits="uint16"), image) == pytest.approx(0.99 * 4095)
    assert saturation_level(header(bits="uint16", saturation=3800.0), image) == 3800
    assert saturation_level(header(bits="8-bit JPEG"), np.full(SHAPE, np.nan)) == pytest.approx(0.97 * 255)


def test_overscan_shows_the_pedestal_of_each_row():
    pedestal = 500 + 10 * np.sin(np.arange(200) / 60)[:, None]
    raw = np.random.default_rng(3).normal(0, 2, (200, 60)) + pedestal
    raw[:, :40] += 1000
    raw[50, 50] = 60000
    head = Header(
        width=60, height=200, bias_section=(0, 200, 40, 60), trim_section=(0, 200, 1, 40), bayer=Bayer.RGGB
    )
    image, trimmed = trim(subtract_overscan(raw, head), head)
    assert image.shape == (200, 39)
    assert (trimmed.width, trimmed.bayer) == (39, Bayer.GRBG)
    np.testing.assert_allclose(image.mean(axis=1), 1000, atol=2)


def test_overscan_below_the_image_shows_the_pedestal_of_each_column():
    raw = np.tile(np.arange(60.0), (40, 1))
    raw[:30] += 1000
    head = Header(width=60, height=40, bias_section=(30, 40, 0, 60), trim_section=(0, 30, 0, 60))
    np.testing.assert_allclose(subtract_overscan(raw, head)[:30], 1000, atol=1e-3)


def test_no_overscan_no_change():
    np.testing.assert_array_equal(subtract_overscan(TRUTH, header()), TRUTH)
    image, same = trim(TRUTH, header())
    assert same == header()
    np.testing.assert_array_equal(image, TRUTH)
    with pytest.raises(ShapeError, match="trim section"):
        trim(TRUTH, header(trim_section=(0, 99, 0, 9)))
