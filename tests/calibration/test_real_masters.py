"""Masters of a real camera: an ASI120 with a decimal comma in its headers and hot pixels by the thousand."""

import warnings

import numpy as np
import pytest
from astropy.io import fits

from real import DATA, needs_data
from sidera.calibration.apply import calibrate
from sidera.calibration.defects import Defect, cosmetic, find_defects, pixel_noise
from sidera.calibration.masters import make_master
from sidera.model.header import Bayer, Header, Kind

pytestmark = needs_data
PATTERN = Bayer.GRBG


def raw(folder):
    paths = sorted((DATA / "asi120-calibration" / folder).glob("*.fit"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [fits.getdata(path).astype(np.float32) for path in paths]


def master(kind, folder, **options):
    readers = [lambda top, bottom, image=image: image[top:bottom] for image in raw(folder)]
    return make_master(kind, readers, Header(width=1280, height=960, bayer=PATTERN), band=256, **options)


@pytest.fixture(scope="module")
def bias():
    return master(Kind.BIAS, "bias")


@pytest.fixture(scope="module")
def dark():
    return master(Kind.DARK, "dark/dark_100s")


def test_the_levels_are_the_cameras(bias, dark):
    assert np.median(bias.image) == pytest.approx(2302, abs=5)
    assert np.median(dark.image) == pytest.approx(2980, abs=50)
    assert np.isfinite(dark.image).all()


def test_two_half_masters_differ_by_what_they_say():
    frames = raw("bias")
    halves = [
        make_master(Kind.BIAS, [lambda a, b, f=f: f[a:b] for f in half], Header(width=1280, height=960))
        for half in (frames[::2], frames[1::2])
    ]
    expected = np.sqrt(np.median(halves[0].variance + halves[1].variance))
    spread = 1.4826 * np.median(np.abs(halves[0].image - halves[1].image))
    assert spread == pytest.approx(expected, rel=0.15)


def test_hot_pixels_of_a_long_dark_are_found(dark):
    found = find_defects(dark, pattern=PATTERN)
    assert 20_000 < np.count_nonzero(found & Defect.HOT) < 80_000
    assert np.count_nonzero(found & Defect.COLUMN) == 0


def test_hot_pixels_are_found_in_a_single_dark_as_well():
    frame = raw("dark/dark_100s")[0]
    gone = np.isnan(cosmetic(frame, PATTERN, pixel_noise(frame, PATTERN)))
    assert 10_000 < gone.sum() < 60_000
    assert frame[gone].mean() > 2 * frame[~gone].mean()


def test_a_dark_calibrated_by_the_others_is_black(dark):
    frame = raw("dark/dark_100s")[2]
    got = calibrate(frame, dark=dark.image, defects=find_defects(dark, pattern=PATTERN))
    assert abs(np.nanmedian(got)) < 60  # this camera's darks come at two levels, 100 ADU apart
    assert np.nanstd(got) < np.std(frame) / 10


def test_a_flat_flattens_another_flat_of_the_lamp(bias):
    flat = master(Kind.FLAT, "flat", pedestal=bias)
    assert 0.7 < np.nanmin(flat.image) < np.nanmax(flat.image) < 1.3
    before = raw("flat")[0]
    after = calibrate(before, bias=bias.image, flat=flat.image)
    # The lamp flickers and the shutter rolls: rows differ from frame to frame, columns do not.
    profiles = [image[::2, ::2].reshape(480, 16, 40).mean(axis=(0, 2)) for image in (before, after)]
    uneven = [np.ptp(profile) / profile.mean() for profile in profiles]
    assert uneven[1] < uneven[0] / 4
