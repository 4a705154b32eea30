"""What every test stands on: steady examples, and master frames in a folder of the session."""

import os

import pytest
from hypothesis import settings

# A change is judged by the same examples each time; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session", autouse=True)
def masters_of_the_session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDERA_MASTERS", str(tmp_path_factory.mktemp("masters")))
        yield
