"""Projects through the engine: what was acknowledged is there for the next engine, and nothing is measured twice."""

from pathlib import Path

import pytest

from engine.talking import Child, Near
from smallnight import small_night


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("projects") / "night")


@pytest.fixture
def engine():
    talk = Near()
    yield talk
    talk.close()


@pytest.fixture(scope="module")
def measured(night, tmp_path_factory):
    """Folder of a project whose lights are measured, and what was heard on the way."""
    folder = str(tmp_path_factory.mktemp("measured") / "m8")
    talk = Near()
    talk.data("project.new", folder=folder)
    talk.data("project.add", folder=folder, inputs=[str(night)])
    answer = talk.data("project.measure", folder=folder)
    heard = [one["frame"] for one in talk.heard if "frame" in one]
    talk.close()
    return folder, answer, heard


def lights(told):
    return [one for one in told["frames"] if one["frame"]["kind"] == "light"]


def test_a_project_remembers_folders_and_counts_their_frames(engine, night, tmp_path):
    made = engine.data("project.new", folder=str(tmp_path / "p"), name="Lagoon")
    assert (made["name"], made["roots"], made["counts"]) == ("Lagoon", [], {})
    told = engine.data("project.add", folder=str(tmp_path / "p"), inputs=[str(night)])
    assert told["roots"] == [{"path": str(night), "kind": None}]
    assert told["counts"] == {"light": 6, "dark": 3, "flat": 3, "bias": 3}
    assert engine.ask("project.new", folder=str(tmp_path / "p"))["code"] == "usage"
    names = [one["folder"] for one in engine.data("project.list")["projects"]]
    assert names[0] == str(tmp_path / "p")


def test_every_light_is_told_of_as_it_is_measured(measured):
    _, answer, heard = measured
    assert sorted(one["path"] for one in heard) == sorted(one["frame"]["path"] for one in lights(answer))
    assert all(one["figures"]["stars"] > 10 and 1 < one["figures"]["fwhm"] < 6 for one in lights(answer))


def test_a_verdict_survives_the_end_of_the_engine_and_can_be_undone(measured, tmp_path):
    folder, answer, _ = measured
    first = lights(answer)[0]
    child = Child()
    told = child.data(
        "project.verdict", folder=folder, frames=[first["key"]], verdict="rejected", reason="trail"
    )
    assert (told["rejected"], told["can_undo"]) == (1, True)
    child.process.kill()
    child.process.wait()
    child.process.stdin.close()
    child.process.stdout.close()
    again = Near()
    kept = lights(again.data("project.frames", folder=folder))[0]
    assert (kept["verdict"], kept["reason"]) == ("rejected", "trail")
    planned = again.data("project.plan", folder=folder)
    assert planned["stacks"][0]["lights"] == 5
    assert any(one["reason"].endswith("trail") for one in planned["refused"])
    assert again.data("project.undo", folder=folder)["rejected"] == 0
    again.close()


def test_recipe_and_view_are_found_again(engine, measured):
    folder, *_ = measured
    recipe = {"integration": {"rejection": "winsorized"}}
    kept = engine.data("project.recipe", folder=folder, recipe=recipe)["recipe"]["integration"]
    assert kept["rejection"] == "winsorized"
    engine.data("project.view", folder=folder, state={"shown": "a.fits"})
    assert engine.data("project.view", folder=folder) == {"state": {"shown": "a.fits"}}
    assert engine.data("project.status", folder=folder)["recipe"]["integration"]["rejection"] == "winsorized"
    engine.data("project.recipe", folder=folder, recipe={})


def test_a_stack_is_written_into_the_project_and_measures_nothing_again(engine, measured):
    folder, *_ = measured
    name = engine.send("project.stack", folder=folder)
    made = engine.answer(name)["data"]
    assert {one["stage"] for one in engine.progress(name)} >= {"combine", "write"}
    (stack,) = made["stacks"]
    assert Path(stack["path"]).parent == Path(folder) / "results"
    assert engine.data("view", image=stack["image"])["kind"] == "stack"
    state = engine.data("project.status", folder=folder)
    assert (state["results"][0]["path"], state["unfinished"]) == (stack["path"], None)
    assert state["results"][0]["report"].endswith(".html")


def test_a_second_stack_under_the_same_name_leaves_the_first_as_it_was(engine, measured):
    folder, *_ = measured
    wanted = Path(folder) / "results" / "again.fits"
    first = engine.data("project.stack", folder=folder, output=str(wanted))["stacks"][0]["path"]
    before = wanted.read_bytes()
    second = engine.data("project.stack", folder=folder, output=str(wanted))["stacks"][0]["path"]
    assert [Path(path).name for path in (first, second)] == ["again.fits", "again-2.fits"]
    assert wanted.read_bytes() == before
    kept = [one["path"] for one in engine.data("project.status", folder=folder)["results"]]
    assert kept[:2] == [second, first]


def test_a_folder_without_a_project_says_how_one_is_made(engine, tmp_path):
    answer = engine.ask("project.status", folder=str(tmp_path))
    assert (answer["code"], "project new" in answer["hint"]) == ("unreadable", True)
