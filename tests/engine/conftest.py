"""Logs, levels of images and what is remembered go to folders of the session."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def places_of_the_engine(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDERA_LOGS", str(tmp_path_factory.mktemp("logs")))
        patch.setenv("SIDERA_STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("SIDERA_TILES", str(tmp_path_factory.mktemp("tiles")))
        yield
