"""A night in a project is measured once, whatever is dropped or changed afterwards."""

import subprocess
import sys

import pytest

from sidera.errors import Cancelled, Refusal
from sidera.pipeline import run as pipeline_run
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.session import create, open_project, work
from smallnight import contents, small_night

KILLED = """
import os, signal, sys
from sidera.pipeline.progress import Progress
from sidera.session import open_project, work
def listen(event):
    if event.stage == "combine":
        os.kill(os.getpid(), signal.SIGKILL)
work.stack(open_project(sys.argv[1]), threads=2, progress=Progress(listen))
"""


@pytest.fixture
def measured(monkeypatch):
    """Names of the lights that are really measured."""
    names, true = [], pipeline_run.measure

    def counted(light, *rest):
        names.append(light.id.path)
        return true(light, *rest)

    monkeypatch.setattr(pipeline_run, "measure", counted)
    return names


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("night"))


@pytest.fixture
def project(tmp_path, night):
    with create(tmp_path / "m31") as project:
        work.add(project, [night])
        yield project


def lights(project):
    return [one for one in project.frames() if one.header.kind == "light"]


def test_dropping_a_frame_or_changing_rejection_measures_nothing_again(project, measured, night):
    before = contents(night)
    first = work.stack(project, threads=2)
    assert len(measured) == len(set(measured)) == 6
    project.judge([lights(project)[2].key], "rejected", "clouds")
    project.keep_recipe(Recipe().with_settings(["integration.rejection=winsorized"]))
    second = work.stack(project, threads=2)
    assert len(measured) == 6
    assert [len(done.result.outcomes[0].placed) for done in (first, second)] == [6, 5]
    left = [one for one in second.result.refused if one.code is Refusal.EXCLUDED]
    assert [one.reason for one in left] == ["rejected by you: clouds"]
    assert contents(night) == before


def test_stacks_are_kept_side_by_side_with_report_and_picture(project):
    first, second = work.stack(project, threads=2), work.stack(project, threads=2)
    results = project.state().results
    assert [one.path for one in results] == [str(done.paths[0]) for done in (second, first)]
    assert all(path.is_file() for done in (first, second) for path in done.paths)
    assert {path.suffix for path in first.paths} == {".fits", ".png", ".json", ".html"}
    assert results[0].report == str(second.paths[0].with_name(f"{second.paths[0].stem}_report.html"))


def test_a_name_that_is_taken_is_numbered_so_that_no_result_is_lost(project):
    wanted = project.results / "m31.fits"
    assert work.free_output(project, wanted) == wanted
    project.results.mkdir()
    for there, free in {
        "m31.fits": "m31-2.fits",
        "m31-2_R.fits": "m31-3.fits",
        "m31-3_report.html": "m31-4.fits",
        "m310.fits": "m31-4.fits",
    }.items():
        (project.results / there).touch()
        assert work.free_output(project, wanted).name == free


def test_measuring_tells_of_each_light_and_is_not_repeated_by_the_stack(project, measured):
    told = []
    assert work.measure(project, threads=2, tell=told.append) == ()
    assert sorted(one.id.path for one in told) == sorted(one.id.path for one in lights(project))
    assert all(one.figures.stars == len_of(told, one.id) for one in lights(project))
    work.stack(project, threads=2)
    assert len(measured) == 6


def len_of(told, frame):
    return next(one.figures.stars for one in told if one.id == frame)


def test_figures_and_fates_are_there_when_the_project_is_opened_again(project):
    work.stack(project, threads=2)
    with open_project(project.folder) as again:
        state, kept = again.state(), lights(again)
    assert state.measured == 6
    assert all(one.figures.fwhm > 1 and one.fate.verdict == "used" and one.fate.weight > 0 for one in kept)
    assert kept[0].fate.transform.inliers > 5


def test_a_run_that_was_killed_is_offered_again_and_goes_on_in_its_file(project, measured):
    project.close()
    done = subprocess.run([sys.executable, "-c", KILLED, str(project.folder)], capture_output=True)
    assert done.returncode == -9, done.stderr
    with open_project(project.folder) as again:
        unfinished = again.state().unfinished
        assert (unfinished.command, unfinished.output) == ("stack", str(work.default_output(again)))
        assert str(work.free_output(again, again.results / "m31.fits")) == unfinished.output
        assert work.free_output(again, again.results / "other.fits").name == "other.fits"
        stacked = work.stack(again, threads=2)
        assert str(stacked.paths[0]) == unfinished.output
        assert again.state().unfinished is None
    assert measured == []


def test_a_cancelled_run_is_not_offered_again(project):
    progress = Progress(lambda event: event.stage == "measure" and progress.cancel())
    with pytest.raises(Cancelled):
        work.stack(project, threads=2, progress=progress)
    assert project.state().unfinished is None
    assert project.state().results == ()
