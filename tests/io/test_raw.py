"""Camera RAW: the sensor's own numbers."""

import numpy as np
import pytest
import tifffile

from real import DATA, needs_data
from sidera.errors import FrameError
from sidera.io import fits, raw
from sidera.model.header import Bayer

WHOLE = slice(None)
SENSOR = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
MATRIX = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)


def dng(path, sensor=SENSOR, pattern=b"\0\1\1\2", extra=(), photometric=32803, **options):
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 0, "Test Cam", True), (50721, 10, 9, MATRIX, True)]
    if photometric == 32803:
        tags += [(33421, 3, 2, (2, 2), True), (33422, 1, 4, pattern, True), (50717, 3, 1, 4095, True)]
    tags += extra
    plain = {"photometric": photometric, "metadata": None, "extratags": tags}
    tifffile.imwrite(path, sensor, **(plain | options))
    return path


@pytest.mark.parametrize(
    ("pattern", "bayer"),
    [(b"\0\1\1\2", "RGGB"), (b"\2\1\1\0", "BGGR"), (b"\1\0\2\1", "GRBG"), (b"\1\2\0\1", "GBRG")],
)
def test_the_sensor_s_numbers_come_out_as_they_went_in(tmp_path, pattern, bayer):
    with raw.open(dng(tmp_path / "a.dng", pattern=pattern)) as reader:
        assert reader.header.bayer is Bayer[bayer]
        assert (reader.header.saturation, reader.header.camera) == (4095, "Test Cam")
        np.testing.assert_array_equal(reader.window(WHOLE, WHOLE), SENSOR)
        np.testing.assert_array_equal(reader.window(slice(3, 5), slice(7, 9)), SENSOR[3:5, 7:9])


def test_a_camera_held_upright_does_not_turn_the_sensor(tmp_path):
    turned = [(274, 3, 1, 6, True), (33434, 5, 1, (30, 1), True)]
    with raw.open(dng(tmp_path / "a.dng", extra=turned, datetime="2020:01:02 03:04:05")) as reader:
        np.testing.assert_array_equal(reader.window(WHOLE, WHOLE), SENSOR)
        assert reader.header.exposure == 30
        assert reader.header.date_obs.startswith("2020-01-02T03:04:05")


def test_black_travels_in_the_header(tmp_path):
    with raw.open(dng(tmp_path / "a.dng", extra=[(50714, 3, 1, 16, True)])) as reader:
        assert reader.header.black == 16
        assert reader.window(WHOLE, WHOLE)[0, 0] == 0


def test_unequal_blacks_become_one(tmp_path):
    levels = [(50713, 3, 2, (2, 2), True), (50714, 3, 4, (10, 11, 12, 13), True)]
    with raw.open(dng(tmp_path / "a.dng", extra=levels)) as reader:
        difference = SENSOR - reader.window(WHOLE, WHOLE)
    assert reader.header.black == 10
    np.testing.assert_array_equal(difference[:2, :2], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(difference[-2:, -2:], [[0, 1], [2, 3]])


def test_a_demosaiced_raw_is_refused(tmp_path):
    linear = dng(tmp_path / "a.dng", np.zeros((32, 32, 3), np.uint16), photometric=34892, planarconfig=1)
    with pytest.raises(FrameError, match="demosaiced already"):
        raw.open(linear)


class XTrans:
    raw_type, num_colors, raw_pattern = raw.rawpy.RawType.Flat, 3, np.zeros((6, 6), np.uint8)


def test_x_trans_says_that_it_is_not_read_yet():
    with pytest.raises(FrameError, match="X-Trans"):
        raw._bayer(XTrans())


@pytest.mark.parametrize("size", [0, 4, 300, 3000])
def test_a_truncated_file_is_refused(tmp_path, size):
    data = dng(tmp_path / "a.dng").read_bytes()[:size]
    (tmp_path / "b.dng").write_bytes(data)
    with pytest.raises(FrameError), raw.open(tmp_path / "b.dng") as reader:
        reader.window(WHOLE, WHOLE)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FrameError, match="cannot be read"):
        raw.open(tmp_path / "none.dng")


@needs_data
@pytest.mark.parametrize("number", [1069, 1114, 1171])
def test_real_frames_hold_the_values_of_their_fits(number):
    with (
        raw.open(DATA / f"m27-containers/dng/Light_{number}.dng") as one,
        fits.open(DATA / f"m27-osc/lights/Light_{number}.fits") as other,
    ):
        np.testing.assert_array_equal(one.window(WHOLE, WHOLE), other.window(WHOLE, WHOLE))
        assert (one.header.bayer, one.header.black) == (Bayer.RGGB, 16)
