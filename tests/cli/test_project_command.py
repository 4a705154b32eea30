"""``sidera project`` as a user types it."""

import json
import os
import subprocess
import sys

import pytest

from sidera.errors import Exit
from smallnight import small_night


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run one command in a place of its own; returns exit code, stdout and stderr."""
    place = tmp_path_factory.mktemp("here")
    small_night(place / "night")
    environment = {**os.environ, "SIDERA_STATE": str(place / "state"), "COLUMNS": "200"}

    def run(*arguments):
        command = [sys.executable, "-m", "sidera", "project", *arguments]
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=250
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_night_from_new_to_a_second_stack_without_a_frame(told):
    code, out, err = told("new", "m31", "night")
    assert (code, "6 light" in out) == (Exit.DONE, True), err
    code, first, err = told("stack", "m31", "--threads", "2")
    assert (code, "m31-1.fits" in first) == (Exit.DONE, True), err
    assert told("reject", "m31", "light_0002.fits", "--reason", "a plane")[0] == Exit.DONE
    assert told("set", "m31", "integration.rejection=winsorized")[0] == Exit.DONE
    code, second, err = told("stack", "m31", "--threads", "2")
    assert code == Exit.DONE, err
    assert "5 frames" in second
    assert "rejected by you: a plane" in second
    status = json.loads(told("status", "m31", "--json")[1])
    assert (status["measured"], status["rejected"], len(status["results"])) == (6, 1, 2)
    assert status["recipe"]["integration"]["rejection"] == "winsorized"
    listed = told("list", "m31")[1]
    assert "rejected: a plane" in listed
    assert "excluded" in listed


def test_verdicts_are_taken_back(told):
    told("new", "m8", "night")
    told("reject", "m8", "light_0001.fits", "light_0002.fits")
    assert "rejected 2" in told("status", "m8")[1]
    assert told("undo", "m8")[1].strip() == "took back the last verdict"
    assert "rejected 0" in told("status", "m8")[1]


def test_projects_opened_lately_are_listed(told):
    told("new", "m27", "--name", "Dumbbell")
    assert json.loads(told("list", "--json")[1])[0]["name"] == "Dumbbell"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("status", "nowhere"), Exit.UNREADABLE, "holds no project"),
        (("add", "m13", "no-such-folder"), Exit.UNREADABLE, "does not exist"),
        (("reject", "m13", "no-such-frame.fits"), Exit.USAGE, "no frame of this project"),
        (("set", "m13", "integration.rejection=magic"), Exit.USAGE, "integration.rejection"),
        (("stack", "m13"), Exit.NOTHING_TO_STACK, "there is no image"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_cure(told, arguments, code, said):
    told("new", "m13")
    got, _, err = told(*arguments)
    assert (got, said in err) == (code, True), err
