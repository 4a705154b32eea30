"""A project remembers what the user did, whatever becomes of files and processes."""

import shutil

import numpy as np
import pytest

from sidera.errors import UnreadableError, UsageError
from sidera.model.header import Kind
from sidera.pipeline.recipe import Recipe
from sidera.session import create, open_project, recent_projects, work
from smallnight import contents, frame


def night(folder, lights=3):
    """Tiny frames with different noise, so that none is another's copy."""
    random = np.random.default_rng(3)
    for number in range(lights):
        image = random.normal(500, 9, (12, 16)).astype(np.uint16)
        frame(
            folder / "lights" / f"light_{number}.fits", image, IMAGETYP="Light Frame", EXPTIME=60.0, GAIN=100
        )
    frame(
        folder / "darks" / "dark_0.fits",
        random.normal(90, 3, (12, 16)).astype(np.uint16),
        IMAGETYP="Dark Frame",
    )
    return folder


@pytest.fixture
def project(tmp_path):
    with create(tmp_path / "m31") as project:
        work.add(project, [night(tmp_path / "frames")])
        yield project


def lights(project):
    return [one for one in project.frames() if one.header.kind is Kind.LIGHT]


def test_a_new_project_takes_its_folders_name_and_holds_nothing(tmp_path):
    with create(tmp_path / "m31") as project:
        state = project.state()
    assert (state.name, state.roots, state.counts, state.unfinished) == ("m31", (), {}, None)
    assert state.recipe == Recipe()


def test_a_folder_holds_one_project(tmp_path):
    create(tmp_path, "first").close()
    with pytest.raises(UsageError, match="holds a project already"):
        create(tmp_path, "second")
    with open_project(tmp_path) as project:
        assert project.name == "first"


def test_a_folder_without_a_project_is_told_so(tmp_path):
    with pytest.raises(UnreadableError, match=r"holds no project.*sidera project new"):
        open_project(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_frames_are_found_with_their_kind_and_stay_as_they_were(tmp_path):
    night(tmp_path / "frames")
    before = contents(tmp_path / "frames")
    with create(tmp_path / "m31") as project:
        work.add(project, [tmp_path / "frames"])
        assert project.state().counts == {Kind.DARK: 1, Kind.LIGHT: 3}
    assert contents(tmp_path / "frames") == before


def test_a_kind_that_the_user_says_wins(tmp_path):
    with create(tmp_path / "m31") as project:
        work.add(project, [night(tmp_path / "frames") / "lights"], Kind.FLAT)
        assert project.state().counts == {Kind.FLAT: 3}


def test_a_frame_added_to_a_root_later_is_found_at_the_next_look(project, tmp_path):
    night(tmp_path / "frames", lights=5)
    work.refresh(project)
    assert len(lights(project)) == 5


def test_what_does_not_exist_is_refused_and_nothing_is_added(project, tmp_path):
    with pytest.raises(UnreadableError, match="does not exist"):
        work.add(project, [tmp_path / "frames" / "lights", tmp_path / "frmaes"])
    assert [root.path for root in project.roots()] == [str(tmp_path / "frames")]


def test_a_verdict_stays_with_a_frame_that_is_moved(project, tmp_path):
    first = lights(project)[0]
    project.judge([first.id.path], "rejected", "a plane")
    shutil.move(first.id.path, tmp_path / "frames" / "lights" / "renamed.fits")
    work.refresh(project)
    moved = [one for one in lights(project) if one.key == first.key]
    assert [(one.id.path, one.verdict, one.reason) for one in moved] == [
        (str(tmp_path / "frames" / "lights" / "renamed.fits"), "rejected", "a plane")
    ]


def test_frames_on_a_disk_that_is_not_connected_are_missing_not_forgotten(project, tmp_path):
    project.judge([lights(project)[0].key], "rejected", "clouds")
    shutil.move(tmp_path / "frames", tmp_path / "unplugged")
    work.refresh(project)
    assert [one.missing for one in project.frames()] == [True] * 4
    with pytest.raises(UnreadableError, match=r"is not there.*connect its disk"):
        work.plan(project)
    shutil.move(tmp_path / "unplugged", tmp_path / "frames")
    work.refresh(project)
    assert [one.reason for one in lights(project)] == ["clouds", "", ""]
    assert not any(one.missing for one in project.frames())


def test_undo_takes_back_the_last_verdict_whole(project):
    one, two, three = (light.key for light in lights(project))
    project.judge([one], "rejected", "trailed")
    project.judge([one, two, three], "approved")
    assert project.undo()
    assert [light.verdict for light in lights(project)] == ["rejected", "undecided", "undecided"]
    assert project.undo()
    assert not project.undo()
    assert not project.state().can_undo


def test_a_verdict_on_an_unknown_frame_changes_nothing(project):
    with pytest.raises(UsageError, match="no frame of this project"):
        project.judge([lights(project)[0].key, "nonsense"], "rejected")
    assert project.state().rejected == 0


def test_a_rejected_frame_is_left_out_of_the_plan_with_the_users_reason(project):
    project.judge([lights(project)[1].key], "rejected", "a plane")
    plan = work.plan(project)
    assert [len(group.lights) for group in plan.stacks] == [2]
    left = [(one.code.value, one.reason) for one in plan.refused if one.kind is Kind.LIGHT]
    assert left == [("excluded", "rejected by you: a plane")]


def test_a_frame_taken_out_is_gone_until_its_root_is_added_again(project, tmp_path):
    path = lights(project)[0].id.path
    project.remove([path])
    work.refresh(project)
    assert path not in [one.id.path for one in lights(project)]
    work.add(project, [tmp_path / "frames"])
    assert path in [one.id.path for one in lights(project)]


def test_a_root_taken_out_takes_its_frames_along_and_no_other_roots(project, tmp_path):
    night(tmp_path / "second", lights=2)
    frame(tmp_path / "second" / "lights" / "extra.fits", np.eye(9, dtype=np.uint16), IMAGETYP="Light Frame")
    work.add(project, [tmp_path / "second" / "lights" / "extra.fits"])
    project.remove([tmp_path / "frames"])
    assert [one.id.path for one in project.frames()] == [str(tmp_path / "second" / "lights" / "extra.fits")]
    with pytest.raises(UsageError, match="no root and no frame"):
        project.remove([tmp_path / "frames"])


def test_recipe_and_view_are_found_again(tmp_path):
    chosen = Recipe().with_settings(["integration.rejection=winsorized"])
    with create(tmp_path / "m31") as project:
        project.keep_recipe(chosen)
        project.keep_view({"room": "stack", "zoom": [1, 2.5]})
    with open_project(tmp_path / "m31") as project:
        assert project.recipe == chosen
        assert project.view() == {"room": "stack", "zoom": [1, 2.5]}


def test_settings_that_this_version_does_not_know_fall_back_to_their_defaults(tmp_path):
    with create(tmp_path / "m31") as project:
        kept = {
            "integration": {"kappa_high": 4.5, "from_the_future": 1},
            "telepathy": {"on": True},
            "crop": 7,
        }
        project._keep("recipe", kept)
        assert project.recipe == Recipe().with_settings(["integration.kappa_high=4.5"])


def test_projects_opened_lately_are_offered_the_last_first(tmp_path):
    for name in ("m8", "m27", "m31"):
        create(tmp_path / name).close()
    open_project(tmp_path / "m8").close()
    shutil.rmtree(tmp_path / "m27")
    names = [one.name for one in recent_projects() if one.folder.startswith(str(tmp_path))]
    assert names == ["m8", "m31"]


def test_a_file_whose_name_is_no_unicode_is_told_and_stops_nothing(project, tmp_path):
    source = lights(project)[0].id.path
    try:
        shutil.copy(source, (str(tmp_path / "frames/lights/").encode() + b"/nebel_\xfc.fits"))
    except (OSError, TypeError):
        pytest.skip("this file system takes only Unicode names")
    frame(tmp_path / "frames" / "lights" / "other.fits", np.eye(9, dtype=np.uint16), IMAGETYP="Light Frame")
    work.refresh(project)
    assert len(lights(project)) >= 3
    assert any("no Unicode" in one.reason for one in project.refused())
    assert all(
        one.path.isprintable() for group in work.plan(project).stacks for one in (f.id for f in group.lights)
    )
