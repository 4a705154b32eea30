"""What every test stands on: master frames go to a folder of the session, never to the user's cache."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def masters_of_the_session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDERA_MASTERS", str(tmp_path_factory.mktemp("masters")))
        yield
