import msgspec
import numpy as np
import pytest
from astropy.io import fits

from sidera.errors import UnwritableError, UsageError
from sidera.pipeline.progress import Progress
from sidera.pipeline.simulate import NightSettings, load_truth, simulate_night

TINY = NightSettings(frames=2, size=(48, 32), stars=3, biases=1, darks=1, flats=1, cosmic_rays=2, trails=1)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_night_has_lights_darks_flats_biases_and_its_truth(tmp_path):
    truth = simulate_night(tmp_path / "night", TINY)
    assert sorted(files(tmp_path / "night")) == [
        "biases/bias_0001.fits",
        "darks/dark_0001.fits",
        "defects.npy",
        "flats/flat_0001.fits",
        "lights/light_0001.fits",
        "lights/light_0002.fits",
        "truth.json",
    ]
    assert load_truth(tmp_path / "night") == load_truth(tmp_path / "night" / "truth.json") == truth


def test_the_same_settings_write_the_same_bytes_for_any_number_of_threads(tmp_path):
    simulate_night(tmp_path / "one", TINY)
    simulate_night(tmp_path / "two", TINY, threads=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_headers_are_those_of_a_camera(tmp_path):
    simulate_night(tmp_path / "night", TINY)
    header = fits.getheader(tmp_path / "night" / "lights" / "light_0001.fits")
    want = {"IMAGETYP": "LIGHT", "EXPTIME": 120.0, "BAYERPAT": "RGGB", "ROWORDER": "TOP-DOWN", "EGAIN": 2.5}
    want |= {
        "CCD-TEMP": -10.0,
        "BZERO": 32768,
        "BITPIX": 16,
        "INSTRUME": "Sidera simulator",
        "GAIN": 100,
        "OFFSET": 50,
    }
    assert {keyword: header[keyword] for keyword in want} == want
    assert "FILTER" not in header
    later = fits.getheader(tmp_path / "night" / "lights" / "light_0002.fits")
    assert later["DATE-OBS"] > header["DATE-OBS"]
    kinds = {"darks/dark": "DARK", "flats/flat": "FLAT", "biases/bias": "BIAS"}
    for stem, kind in kinds.items():
        assert fits.getheader(tmp_path / "night" / f"{stem}_0001.fits")["IMAGETYP"] == kind


def test_each_filter_has_its_own_lights_and_flats(tmp_path):
    night = msgspec.structs.replace(TINY, bayer="none", filters=("L", "R"), frames=1)
    simulate_night(tmp_path / "night", night)
    flats = sorted((tmp_path / "night" / "flats").iterdir())
    assert [fits.getheader(path)["FILTER"] for path in flats] == ["L", "R"]
    assert "BAYERPAT" not in fits.getheader(tmp_path / "night" / "lights" / "light_R_0001.fits")


def test_no_calibration_frames_where_none_are_asked_for(tmp_path):
    simulate_night(tmp_path / "night", msgspec.structs.replace(TINY, biases=0, darks=0, flats=0))
    assert {path.name for path in (tmp_path / "night").iterdir()} == {"lights", "truth.json", "defects.npy"}


def test_the_defects_are_the_hot_pixels_of_the_darks(tmp_path):
    night = msgspec.structs.replace(TINY, hot_pixels=0.01, cosmic_rays=0)
    truth = simulate_night(tmp_path / "night", night)
    hot = np.load(tmp_path / "night" / "defects.npy")
    dark = fits.getdata(tmp_path / "night" / "darks" / "dark_0001.fits")
    assert len(hot) == truth.hot_pixels == 15
    assert (dark[hot[:, 1], hot[:, 0]] > np.median(dark) + 30).all()


def test_every_file_is_a_step_of_progress(tmp_path):
    events = []
    simulate_night(tmp_path / "night", TINY, Progress(events.append))
    assert events[-1].done == events[-1].total == 5


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        simulate_night(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UnwritableError, match="cannot write"):
        simulate_night(tmp_path / "file" / "night", TINY)


def test_a_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no truth\.json"):
        load_truth(tmp_path)
