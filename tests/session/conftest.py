"""Projects of the tests are remembered in a folder of the session, not the user's."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def state_of_the_session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDERA_STATE", str(tmp_path_factory.mktemp("state")))
        yield
