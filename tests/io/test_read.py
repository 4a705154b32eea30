"""The door in."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal, ShapeError, UsageError
from sidera.io.read import count_frames, open_frame, read, refusals


@pytest.mark.parametrize(
    "error",
    [
        OSError("x"),
        KeyError("x"),
        ZeroDivisionError("x"),
        RecursionError("x"),
        UnicodeError("x"),
        EOFError("x"),
    ],
)
def test_whatever_a_library_raises_is_one_frame_error_that_names_the_file(tmp_path, error):
    with pytest.raises(FrameError, match="light_7") as caught, refusals(tmp_path / "light_7.fit"):
        raise error
    assert caught.value.code is Refusal.UNREADABLE
    assert caught.value.__cause__ is error


def test_a_library_s_own_exception_is_known_once_it_is_loaded(tmp_path):
    from astropy.io.fits.verify import VerifyError

    with pytest.raises(FrameError, match="VerifyError: bad card"), refusals(tmp_path / "a.fit"):
        raise VerifyError("bad\n card")


def test_our_own_faults_pass_the_boundary():
    class OurFaultError(Exception):
        pass

    with pytest.raises(OurFaultError), refusals(DATA):
        raise OurFaultError


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FrameError, match=r"nowhere.*cannot be opened"):
        read(tmp_path / "nowhere.fit")
    with pytest.raises(FrameError, match="cannot be opened"):
        read(tmp_path)


def test_only_films_have_more_than_one_frame(tmp_path):
    path = tmp_path / "a.fit"
    path.write_bytes(b"SIMPLE  =                    T".ljust(80))
    assert count_frames(path) == 1
    with pytest.raises(UsageError, match="no frame 1"):
        read(path, 1)


@needs_data
def test_a_misnamed_file_is_read_by_its_content(tmp_path):
    light = DATA / "m27-osc/lights/Light_1069.fits"
    (tmp_path / "a.png").write_bytes(light.read_bytes())
    np.testing.assert_array_equal(read(tmp_path / "a.png").image, read(light).image)


@needs_data
def test_windows_have_no_step():
    light = DATA / "m27-osc/lights/Light_1069.fits"
    with open_frame(light) as reader, pytest.raises(ShapeError, match="step"):
        reader.window(slice(0, 10, 2), slice(None))


@needs_data
@pytest.mark.parametrize("name", ["dng/Light_1069.dng", "xisf/Light_1069.xisf"])
def test_every_cfa_container_gives_the_same_raw_values(name):
    plain, other = read(DATA / "m27-osc/lights/Light_1069.fits"), read(DATA / "m27-containers" / name)
    np.testing.assert_array_equal(plain.image, other.image)
    assert other.header.bayer == "RGGB"


@needs_data
@pytest.mark.parametrize("name", ["tiff16/Light_1069.tif", "jpeg8/Light_1069.jpg"])
def test_pictures_come_as_three_planes(name):
    frame = read(DATA / "m27-containers" / name)
    assert frame.image.shape == (3, 488, 652)
    assert frame.header.target == "M 27"


@needs_data
def test_reading_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(DATA / "asi120-calibration/bias/Bias_ASIImg_frame0001.fit")
        read(DATA / "odd/fits-corpus/io__fits__hdu__compressed__tests__data__m13_rice.fits")


def test_the_door_opens_without_the_slow_libraries():
    slow = "{'astropy', 'rawpy', 'tifffile', 'PIL', 'numba'}"
    script = f"import sys, sidera.io.read; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
