"""The report of a whole run: every frame is in it once, and what it says is so."""

import shutil

import numpy as np
import pytest
from astropy.io import fits

import sidera
from sidera.errors import Refusal
from sidera.pipeline.against_truth import truth_table
from sidera.pipeline.plan import make_plan
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report import read_report
from sidera.pipeline.run import run
from sidera.pipeline.simulate import NightSettings, simulate_night

SMALL = NightSettings(
    frames=4,
    size=(320, 240),
    bayer="none",
    stars=120,
    trails=0,
    cosmic_rays=5,
    biases=2,
    darks=3,
    flats=3,
    seed=5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A night with everything that can befall a frame: see the names."""
    night = tmp_path_factory.mktemp("tell") / "night"
    simulate_night(night, SMALL)
    light = night / "lights" / "light_L_0001.fits"
    (night / "lights" / "truncated.fits").write_bytes(light.read_bytes()[:9000])
    shutil.copy(light, night / "lights" / "clouds_excluded.fits")
    with fits.open(light) as file:
        file[0].data = np.random.default_rng(1).normal(600, 10, file[0].data.shape).astype(np.uint16)
        file.writeto(night / "lights" / "starless.fits")
    with fits.open(night / "darks" / "dark_0001.fits") as file:
        file[0].header["EXPTIME"] = 7.0
        file.writeto(night / "darks" / "short.fits")
    return night


@pytest.fixture(scope="module")
def result(folder):
    plan = make_plan(
        [folder], recipe=Recipe().with_settings(["integration.halves=true"]), exclude=["clouds*"]
    )
    return run(plan)


def by_name(result):
    return {frame.path.rpartition("/")[2].rpartition("\\")[2]: frame for frame in result.report.frames}


def test_every_file_of_the_folder_is_told_of_once(result, folder):
    told = [frame.path for frame in result.report.frames]
    assert sorted(told) == sorted(str(path) for path in folder.rglob("*.fits"))
    assert {frame.verdict for frame in result.report.frames} == {"used", "refused"}
    for frame in result.report.frames:
        assert (frame.verdict == "refused") == (frame.code is not None) == bool(frame.reason)


def test_each_refused_frame_says_what_it_is_and_why(result):
    frames = by_name(result)
    assert frames["truncated.fits"].code == Refusal.UNREADABLE
    assert frames["clouds_excluded.fits"].code == Refusal.EXCLUDED
    assert frames["starless.fits"].code in (Refusal.TOO_FEW_STARS, Refusal.NO_MATCH)
    assert frames["starless.fits"].kind == "light"
    assert frames["starless.fits"].group == result.report.stack.name
    assert frames["starless.fits"].thumbnail
    assert result.report.stack.frames_refused == 1


def test_calibration_frames_are_used_where_their_master_was(result):
    frames = by_name(result)
    for name, kind in (("dark_0001.fits", "dark"), ("flat_L_0001.fits", "flat"), ("bias_0001.fits", "bias")):
        assert (frames[name].kind, frames[name].verdict) == (kind, "used")
    assert [(one.kind, one.frames) for one in result.report.stack.masters] == [
        ("bias", 2),
        ("dark", 3),
        ("flat", 3),
    ]


def test_a_dark_that_no_light_needs_is_left_out_and_nothing_is_wrong(result):
    short = by_name(result)["short.fits"]
    assert (short.kind, short.verdict, short.code) == ("dark", "refused", Refusal.NOT_NEEDED)
    assert "7 s" in short.reason
    assert short.path not in [frame.path for frame in result.refused]


def test_a_bias_is_not_needed_where_darks_hold_it(folder):
    lone = make_plan(
        [folder / "lights" / f"light_L_000{n}.fits" for n in (1, 2, 3)]
        + [folder / "darks", folder / "biases"]
    )
    told = by_name(run(lone))
    assert told["bias_0001.fits"].reason.endswith("the darks hold the bias")


def test_the_noise_that_frames_promise_is_the_noise_that_the_stack_has(result):
    assert result.report.stack.efficiency == pytest.approx(1, abs=0.08)
    assert result.report.stack.gain == pytest.approx(2, abs=0.25)


def test_a_simulated_night_is_compared_with_its_truth(result, tmp_path):
    truth = result.report.stack.truth
    assert [len(truth.frames), len(truth.channels)] == [4, 1]
    assert truth.transform_rms < 0.05
    assert abs(truth.channels[0].flux_bias) < 2
    assert truth.channels[0].false_pixels == 0
    assert "star flux bias" in "\n".join(result.summary())
    paths = result.save(tmp_path / "out.fits")
    kept = read_report(next(path for path in paths if path.suffix == ".json"))
    assert kept.stack.truth == truth
    assert truth_table(kept.stack.truth) == truth_table(truth)


def test_each_filter_is_compared_with_its_own_truth(tmp_path):
    settings = {"frames": 3, "filters": ("R", "B"), "transparency_scatter": 0.2, "sky_scatter": 0.2}
    simulate_night(tmp_path / "night", NightSettings(**{**vars_of(SMALL), **settings}))
    report = sidera.stack(tmp_path / "night").report
    assert [stack.truth.channels[0].band for stack in report.stacks] == ["R", "B"]
    for stack in report.stacks:
        assert stack.truth.transform_rms < 0.05
        assert abs(stack.truth.channels[0].flux_bias) < 2


def test_frames_of_no_known_truth_are_not_compared(folder, tmp_path):
    shutil.copytree(folder / "lights", tmp_path / "night" / "lights")
    (tmp_path / "night" / "truth.json").write_text('{"a lie": true}')
    lights = [tmp_path / "night" / "lights" / f"light_L_000{number}.fits" for number in (1, 2, 3)]
    assert sidera.stack(lights).report.stack.truth is None


def vars_of(settings):
    return {name: getattr(settings, name) for name in settings.__struct_fields__}
