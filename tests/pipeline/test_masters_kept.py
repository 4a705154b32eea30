"""Master frames: built once, kept, found again, and those of others."""

import os

import numpy as np
import pytest
from astropy.io import fits

import sidera
from sidera.errors import FrameError, Refusal
from sidera.io.masters import read_master
from sidera.io.write import NO_BIAS
from sidera.model.header import Kind
from sidera.pipeline.masters import build_all, known_masters, list_masters, masters_folder
from sidera.pipeline.plan import make_plan
from sidera.pipeline.scan import fingerprint
from smallnight import contents, frame, small_night

SENSOR = {"INSTRUME": "Camera", "GAIN": 100, "OFFSET": 50, "CCD-TEMP": -10.0}
SHAPE = (48, 64)


@pytest.fixture
def place(tmp_path):
    """A folder whose near parents say nothing: names of folders tell kinds, and pytest's are names of tests."""
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    return folder


def raws(folder, kind, level, count=3, exposure=60.0, start=0):
    for index in range(count):
        image = np.random.default_rng(start + index).normal(level, 5, SHAPE).astype(np.uint16)
        cards = {"IMAGETYP": kind, "EXPTIME": exposure, **SENSOR}
        frame(folder / f"{kind.lower()}_{start + index}.fits", image, **cards)
    return folder


def lights(folder, count=2):
    return raws(folder, "Light", 900, count, start=50)


def test_a_second_run_builds_nothing(place):
    night = small_night(place / "night", frames=3)
    one = sidera.stack(night, masters=place / "kept")
    kept = contents(place / "kept")
    other = sidera.stack(night, masters=place / "kept")
    assert len(kept) == 3
    assert contents(place / "kept") == kept
    np.testing.assert_array_equal(one.image, other.image)


def test_the_bias_is_not_even_read_where_the_flat_was_kept(place, monkeypatch):
    from sidera.pipeline import masters

    night = small_night(place / "night", frames=3)
    one = sidera.stack(night, masters=place / "kept")
    opened = []
    monkeypatch.setattr(masters, "read_master", lambda path: opened.append(path.name) or read_master(path))
    other = sidera.stack(night, masters=place / "kept")
    assert sorted(name.split("-")[0] for name in opened) == ["dark", "flat"]
    np.testing.assert_array_equal(one.image, other.image)


def test_a_flat_whose_bias_cannot_be_read_is_built_without(place, monkeypatch):
    from sidera.pipeline.masters import MasterStore

    night = small_night(place / "night", frames=3, darks=0)
    made = MasterStore._made

    def failing(self, group, *others):
        if group.kind is Kind.BIAS:
            raise FrameError(Refusal.UNREADABLE, "the disk is gone")
        return made(self, group, *others)

    monkeypatch.setattr(MasterStore, "_made", failing)
    for _ in range(2):  # the second run finds the flat, and says the same
        told = sidera.stack(night, masters=place / "kept")
        assert {one.kind for one in told.refused} == {"bias"}
        assert [path.name.split("-")[0] for path in (place / "kept").iterdir()] == ["flat"]


def test_a_copied_frame_is_known_again_and_a_changed_one_is_not(place):
    raws(place / "a", "Dark", 520)
    raws(place / "b", "Dark", 520)
    build_all([place / "a"], place / "kept")
    build_all([place / "b"], place / "kept")
    assert len(list_masters(place / "kept")) == 1
    raws(place / "b", "Dark", 520, start=7)
    build_all([place / "b"], place / "kept")
    assert len(list_masters(place / "kept")) == 2


def test_a_fingerprint_is_of_content_alone(place):
    (place / "one").write_bytes(bytes(range(256)) * 1000)
    (place / "other").write_bytes(bytes(range(256)) * 1000)
    (place / "short").write_bytes(bytes(range(256)) * 999)
    assert fingerprint(place / "one") == fingerprint(place / "other")
    assert fingerprint(place / "one") != fingerprint(place / "short")


def test_a_damaged_master_is_built_anew(place):
    raws(place / "darks", "Dark", 520)
    build_all([place / "darks"], place / "kept")
    (path,) = (place / "kept").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:4000] + b"?" + whole[4001:])
    build_all([place / "darks"], place / "kept")
    assert path.read_bytes() == whole


def test_masters_alone_calibrate_when_their_frames_are_gone(place):
    raws(place / "darks", "Dark", 520)
    build_all([place / "darks"], place / "kept")
    plan = make_plan([lights(place / "lights")], masters=place / "kept")
    (row,) = plan.calibration_rows()
    assert row[2].startswith("master dark 60 s")
    assert row[4] == "light − dark"


def test_ours_is_not_offered_twice_beside_its_own_frames(place):
    raws(place / "night" / "darks", "Dark", 520)
    lights(place / "night" / "lights")
    build_all([place / "night"], place / "kept")
    plan = make_plan([place / "night"], masters=place / "kept")
    assert [group.header.is_master for group in plan.calibration.groups] == [False]
    raws(place / "night" / "darks", "Dark", 520, count=5)  # two more: no longer the same master
    plan = make_plan([place / "night"], masters=place / "kept")
    assert sorted(group.header.is_master for group in plan.calibration.groups) == [False, True]


@pytest.mark.parametrize("where", ["--masters", "scanned folder"])
def test_a_master_of_another_program_is_used(place, where):
    folder = place / ("kept" if where == "--masters" else "night/masters")
    made = np.full(SHAPE, 530, np.float32)
    frame(folder / "MasterDark.fits", made, IMAGETYP="Master Dark", EXPTIME=60.0, NCOMBINE=20, **SENSOR)
    lights(place / "night" / "lights")
    plan = make_plan([place / "night"], masters=place / "kept")
    (row,) = plan.calibration_rows()
    assert row[2].startswith("master dark 60 s")


def test_a_dark_that_says_that_its_bias_is_gone_needs_the_bias_wherever_it_lies(place):
    night = place / "night"
    made = {"IMAGETYP": "Master Dark", "EXPTIME": 60.0, "NCOMBINE": 20, NO_BIAS: True}
    frame(night / "masters" / "MasterDark.fits", np.full(SHAPE, 20, np.float32), **made, **SENSOR)
    raws(night / "biases", "Bias", 500, exposure=0.0)
    lights(night / "lights")
    plan = make_plan([night])
    (row,) = plan.calibration_rows()
    assert "bias" in row[4]
    assert "dark" in row[4]


def test_what_is_no_master_is_passed_over(place):
    raws(place, "Dark", 520)
    (place / "notes.txt").write_text("clear")
    (place / "broken.fits").write_bytes(b"SIMPLE  = ")
    frame(place / "stack.fits", np.zeros(SHAPE, np.float32), IMAGETYP="Master Light", NCOMBINE=9)
    assert known_masters(place) == {}
    assert known_masters(place / "nowhere") == {}


def test_flats_lose_their_pedestal_before_they_are_kept(place):
    raws(place / "biases", "Bias", 500, exposure=0.0)
    raws(place / "flats", "Flat", 20500, exposure=1.0)
    build_all([place], place / "kept")
    (flat,) = (path for path, header in known_masters(place / "kept").items() if header.kind is Kind.FLAT)
    image = fits.getdata(flat.path)
    assert np.nanmean(image) == pytest.approx(1, abs=1e-4)


def test_the_user_s_cache_is_private_and_can_be_moved(place, monkeypatch):
    monkeypatch.setenv("SIDERA_MASTERS", str(place / "mine"))
    assert masters_folder() == place / "mine"
    raws(place / "darks", "Dark", 520)
    build_all([place / "darks"], masters_folder())
    if os.name == "posix":
        assert (place / "mine").stat().st_mode & 0o077 == 0
