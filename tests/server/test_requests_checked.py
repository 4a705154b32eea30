"""Every field of the protocol is known to the server: it names a file and is checked, or it does not."""

import msgspec
import pytest

from sidera.engine.protocol import REPLIES
from sidera.server.folders import Folders, ForbiddenError
from sidera.server.requests import FREE, READ, REFUSED, WRITTEN, check

COMMANDS = {str(kind.__struct_config__.tag): kind for kind in REPLIES}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_field_of_a_command_is_sorted_into_one_list(command):
    names = {"cmd", *(field.encode_name for field in msgspec.structs.fields(COMMANDS[command]))}
    for name in names:
        assert (name in READ) + (name in WRITTEN) + (name in FREE) == 1, (
            f"{command}.{name}: does it name a file? Put it into one list of sidera/server/requests.py"
        )


def test_what_is_refused_is_a_command():
    assert set(REFUSED) <= set(COMMANDS)


@pytest.mark.parametrize("field", sorted(READ | set(WRITTEN)))
def test_a_file_outside_is_refused_in_every_field_that_names_one(tmp_path, field):
    (tmp_path / "home").mkdir()
    folders = Folders([tmp_path / "home"])
    for value in (f"{tmp_path}/x.fits", [f"{tmp_path}/home", f"{tmp_path}/x.fits"]):
        with pytest.raises(ForbiddenError):
            check({"id": 1, "cmd": "scan", field: value}, folders)


def test_a_field_that_nobody_knows_is_not_passed_on(tmp_path):
    folders = Folders([tmp_path])
    assert check({"id": 1, "cmd": "scan", "inputs": [str(tmp_path)]}, folders) is None
    assert check({"id": 1, "cmd": "scan", "secret_file": "/etc/passwd"}, folders) == "secret_file"
