"""What a user may rely on, line by line, and the tests that prove it.

Faults that a run of today must not have:

==  ==============================================================  ==========================================
1   pixels are read from behind the header's block                  io/test_fits: pixels_begin_at_the_block...
2   method, kappa and rounds change the result; a trail goes        here; integration/test_rejection
3   no wrong registration; turns are no shifts                      registration/test_solve, test_fit
4   data from 0 to 1 and sky near 0 are data                        here
7   NaN, a smaller frame, hostile headers stop nothing              here; io/test_fits, io/test_read
8   calibration frames are not in memory all at once                here
9   ROWORDER, XBAYROFF, extensions, compressed FITS                 io/test_cards, io/test_fits
10  the result carries the input's header                           here; io/test_write
S12 no pickle, no eval; compiled code in a private folder           here; rules/test_house
S13 decompression bombs                                             io/test_fits, test_png, test_tiff, test_xisf
S14 header strings are escaped                                      cli/test_commands, pipeline/test_report
S15 declared size against file size before memory is asked for      io/test_fits, test_ser, test_raw
R2  the old file or the whole new one                               here; io/test_write
R4  free space is checked first                                     here; cli/test_commands, io/test_write
R6  sources are never touched                                       here
R7  one bad frame never stops a run                                 here
R9  the same bytes for any number of threads                        here
==  ==============================================================  ==========================================
"""

import os
import pickle
import shutil
import stat
import subprocess
import sys
import tracemalloc
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import sidera
from sidera.errors import Cancelled, DiskFullError, Refusal
from sidera.pipeline.masters import build_all
from sidera.pipeline.plan import make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from smallnight import contents, frame, small_night


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("night") / "night")


def with_settings(*assignments):
    return Recipe().with_settings(assignments)


def test_sources_keep_their_bytes_their_dates_and_their_folder(night, tmp_path):
    before = contents(night)
    sidera.stack(night).save(tmp_path / "s.fits")
    assert contents(night) == before


def test_any_number_of_threads_gives_the_same_bytes(night, tmp_path):
    recipe = with_settings("integration.halves=true")
    for threads in (1, 3):
        sidera.stack(night, recipe=recipe, threads=threads).save(tmp_path / f"{threads}.fits")
    one, three = (fits.open(tmp_path / f"{threads}.fits") for threads in (1, 3))
    with one, three:
        assert [hdu.name for hdu in one] == [hdu.name for hdu in three]
        for left, right in zip(one, three, strict=True):
            assert left.data.tobytes() == right.data.tobytes(), left.name


def test_the_order_in_which_frames_are_named_changes_nothing(night):
    lights = sorted((night / "lights").iterdir())
    one, other = sidera.stack(lights), sidera.stack(lights[::-1])
    np.testing.assert_array_equal(one.image, other.image)


HOSTILE = {
    "huge": {"NAXIS1": 2_000_000_000},
    "negative": {"NAXIS1": -5},
    "bitpix": {"BITPIX": 17},
    "flat": {"NAXIS": 1},
    "deep": {"NAXIS": 9},
    "text": {"NAXIS2": "'many'"},
    "pattern": {"BAYERPAT": "'XYZW'"},
}


def hostile(path, source, cards):
    """A light whose header lies in one card."""
    data = bytearray(source.read_bytes())
    for keyword, value in cards.items():
        place = data.index(f"{keyword:8}=".encode())
        data[place : place + 80] = f"{keyword:8}= {value!s:>20}".ljust(80).encode()
    path.write_bytes(data)


def test_one_bad_frame_never_stops_a_run(tmp_path):
    home = small_night(tmp_path / "night", frames=4)
    lights = home / "lights"
    good = lights / "light_0001.fits"
    for name, cards in HOSTILE.items():
        hostile(lights / f"hostile_{name}.fits", good, cards)
    whole = good.read_bytes()
    (lights / "cut_header.fits").write_bytes(whole[:2000])
    (lights / "cut_pixels.fits").write_bytes(whole[: len(whole) // 2])
    (lights / "empty.fits").touch()
    (lights / "letter.fits").write_bytes(b"Dear diary, clear skies tonight.")
    with fits.open(lights / "light_0002.fits") as opened:
        pixels, header = opened[0].data.astype(np.float32), opened[0].header
    pixels[100, 100] = np.nan
    frame(lights / "light_0002.fits", pixels, IMAGETYP="LIGHT", BAYERPAT="RGGB", OBJECT=header["OBJECT"])
    frame(lights / "blank.fits", np.full((240, 300), 700, np.uint16), IMAGETYP="LIGHT", BAYERPAT="RGGB")
    frame(lights / "small.fits", pixels[:40, :60], IMAGETYP="LIGHT", BAYERPAT="RGGB")
    result = sidera.stack(home)
    told = {Path(one.path).name: one for one in result.report.frames if one.kind != "dark"}
    assert {name for name, one in told.items() if one.verdict == "used"} >= {
        f"light_{number:04}.fits" for number in (1, 2, 3, 4)
    }
    bad = [f"hostile_{name}.fits" for name in HOSTILE]
    bad += ["cut_header.fits", "cut_pixels.fits", "empty.fits", "letter.fits", "blank.fits", "small.fits"]
    for name in bad:
        assert told[name].verdict == "refused", name
        assert told[name].code in set(Refusal), name
        assert told[name].reason, name
        assert told[name].cure, name
    assert np.isfinite(result.image[:, 60:180, 60:240]).all()


def test_a_bad_calibration_frame_never_stops_a_run(tmp_path):
    home = small_night(tmp_path / "night", frames=3)
    for kind in ("dark", "flat", "bias"):
        path = next((home).glob(f"{kind}*/*_0002.fits"))
        path.write_bytes(path.read_bytes()[:-30000])
    result = sidera.stack(home)
    assert sum(one.verdict == "used" and one.kind == "light" for one in result.report.frames) == 3
    assert len([one for one in result.refused if "0002" in one.path]) == 3


def test_a_truncated_frame_that_only_shows_while_measuring_is_refused_then(tmp_path, monkeypatch):
    from sidera.errors import FrameError
    from sidera.pipeline.readers import Readers

    home = small_night(tmp_path / "night", frames=3)
    read = Readers.window

    def failing(self, one, *area):
        if "light_0002" in one.path:
            raise FrameError(Refusal.UNREADABLE, "the disk lost it", "copy it again")
        return read(self, one, *area)

    monkeypatch.setattr(Readers, "window", failing)
    result = sidera.stack(home)
    assert [Path(one.path).name for one in result.refused] == ["light_0002.fits"]


def test_method_kappa_and_rounds_change_the_stack_and_a_trail_goes(tmp_path):
    still = {"maximum_shift": 0.0, "maximum_rotation": 0.0, "flipped": None, "trails": 0}
    home = small_night(tmp_path / "night", darks=0, flats=0, biases=0, bayer="none", **still)
    rng = np.random.default_rng(3)
    path = sorted((home / "lights").iterdir())[3]
    with fits.open(path, mode="update") as opened:
        crossed = opened[0].data.astype(np.float32)
        crossed[150, :] += 20_000 + rng.normal(0, 100, crossed.shape[1])
        opened[0].data = np.clip(crossed, 0, 65535).astype(np.uint16)
    images = [
        sidera.stack(home, recipe=with_settings(*settings)).image
        for settings in (
            (),
            ("integration.rejection=none",),
            ("integration.combine=median",),
            ("integration.rejection=sigma", "integration.kappa_high=1.2"),
            ("integration.rejection=sigma", "integration.kappa_high=1.2", "integration.iterations=1"),
        )
    ]
    for index, one in enumerate(images):
        for other in images[index + 1 :]:
            assert not np.array_equal(one, other, equal_nan=True)

    def left(image):
        """Median along the trail, over its flanks."""
        level = np.nanmedian(image, axis=1)
        return float(np.nanmax(level[145:156]) - np.nanmedian(level[130:170]))

    assert left(images[1]) > 2000
    assert abs(left(images[0])) < 5


def test_data_from_0_to_1_and_a_sky_near_0_are_data(tmp_path):
    home = small_night(tmp_path / "night", frames=3, darks=0, flats=0, biases=0, bayer="none")
    scaled = tmp_path / "scaled"
    for path in sorted((home / "lights").iterdir()):
        with fits.open(path) as opened:
            unit = (opened[0].data.astype(np.float64) - 560) / 65535
            cards = {key: opened[0].header[key] for key in ("IMAGETYP", "DATE-OBS", "EXPTIME")}
        frame(scaled / path.name, unit.astype(np.float32), **cards)
    plain, unit = sidera.stack(home / "lights").image, sidera.stack(scaled).image
    assert np.nanmax(unit) > 0.001
    back = unit.astype(np.float64) * 65535 + 560
    both = np.isfinite(back) & np.isfinite(plain)
    assert both.mean() > 0.9
    assert abs(np.median((back - plain)[both])) < 0.5


def test_the_result_says_where_it_came_from(night, tmp_path):
    sidera.stack(night).save(tmp_path / "s.fits")
    header = fits.getheader(tmp_path / "s.fits")
    assert header["NCOMBINE"] == 6
    assert header["EXPTIME"] == 720
    assert header["OBJECT"] == "Simulated field"
    assert header["INSTRUME"] == "Sidera simulator"
    assert header["DATE-OBS"].startswith("2026-01-15")
    assert "rejection" in str(header["HISTORY"])
    assert header["CHECKSUM"]


def test_building_a_master_holds_a_few_frames_however_many_there_are(tmp_path):
    shape = (1200, 500)
    for index in range(30):
        image = np.random.default_rng(index).integers(500, 600, shape).astype(np.uint16)
        frame(tmp_path / "darks" / f"d{index:02}.fits", image, EXPTIME=60.0)
    darks = sorted((tmp_path / "darks").iterdir())
    build_all(darks[:3], tmp_path / "warm")  # loads what is loaded late
    peaks = []
    for count in (10, 30):
        tracemalloc.start()
        build_all(darks[:count], tmp_path / str(count), threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    whole = 4 * shape[0] * shape[1]
    assert peaks[0] < 25 * whole  # one frame in double precision, sorted and clipped; a large one is sampled
    assert peaks[1] - peaks[0] < whole  # not one of the 20 others is held


@pytest.mark.parametrize("stage", ["scan", "masters", "measure", "register", "combine", "write"])
def test_a_run_that_is_cancelled_anywhere_leaves_nothing_half_written(night, tmp_path, stage):
    def told(event):
        if event.stage == stage:
            progress.cancel()

    progress = Progress(told)
    with pytest.raises(Cancelled, match="half-written"):
        sidera.stack(night, progress=progress).save(tmp_path / "s.fits", progress=progress)
    left = list(tmp_path.iterdir())
    assert [path.name for path in left] in ([], ["s.fits"])
    if stage != "write":
        assert not left
    for path in left:
        with fits.open(
            path, checksum=True
        ) as whole:  # a wrong sum would warn, and a warning is an error here
            whole.verify("exception")


def test_free_space_is_asked_for_before_the_work(night, tmp_path, monkeypatch):
    plan = make_plan([night])
    space = namedtuple("space", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: space(1, 1, plan.cost.disk - 1))
    with pytest.raises(DiskFullError, match=f"{plan.cost.disk:,} bytes"):
        plan.check_output(tmp_path / "s.fits")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: space(1, 1, plan.cost.disk))
    plan.check_output(tmp_path / "s.fits")


def test_what_the_result_takes_was_foretold(night, tmp_path):
    plan = make_plan([night])
    sidera.stack(night).save(tmp_path / "s.fits")
    written = (tmp_path / "s.fits").stat().st_size
    assert written == pytest.approx(plan.cost.disk, rel=0.1)


def in_new_process(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


CACHE = "from sidera.kernels import _jit; print(_jit.CACHE)"


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is named by XDG_CACHE_HOME on Linux")
def test_compiled_code_lies_in_a_folder_that_nobody_else_may_enter(tmp_path):
    shared = tmp_path / "sidera" / f"kernels-{sidera.__version__}"
    shared.mkdir(parents=True, mode=0o777)
    shared.chmod(0o777)  # somebody was careless
    told = in_new_process(CACHE, XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR="")
    assert Path(told) == shared
    assert stat.S_IMODE(shared.stat().st_mode) == 0o700
    code = "import numpy as np; from sidera.kernels.filter import *; from sidera.kernels import filter as f\n"
    code += "import numba; print(numba.config.CACHE_DIR == '', f.__file__)"
    assert in_new_process(code, XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR="").startswith("True")


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is named by XDG_CACHE_HOME on Linux")
def test_compiled_code_is_not_kept_where_it_cannot_be_private(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sidera").mkdir()
    (tmp_path / "sidera" / f"kernels-{sidera.__version__}").symlink_to(tmp_path / "elsewhere")
    assert in_new_process(CACHE, XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR="") == "None"
    (tmp_path / "file").touch()
    assert in_new_process(CACHE, XDG_CACHE_HOME=str(tmp_path / "file"), NUMBA_CACHE_DIR="") == "None"


def test_a_cache_folder_of_the_users_own_choice_is_obeyed(tmp_path):
    assert in_new_process(CACHE, NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)


def test_a_pickle_among_the_frames_is_never_loaded(tmp_path):
    home = small_night(tmp_path / "night", frames=3, darks=0, flats=0, biases=0)
    harm = tmp_path / "harm"

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(harm),))

    for name in ("light_x.fits", "light_y.npy", "light_z.tif"):
        (home / "lights" / name).write_bytes(pickle.dumps(Bomb()))
    sidera.stack(home)
    assert not harm.exists()
