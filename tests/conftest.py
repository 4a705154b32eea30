"""What every test stands on: steady examples, and masters and measurements in folders of the session."""

import os

import pytest
from hypothesis import settings

# A change is judged by the same examples each time; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session", autouse=True)
def folders_of_the_session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDERA_MASTERS", str(tmp_path_factory.mktemp("masters")))
        patch.setenv("SIDERA_STORE", str(tmp_path_factory.mktemp("store")))
        yield
