"""One real server for the tests that leave it as it was."""

import pytest

from server.running import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server, logged in."""
    running = Server(tmp_path_factory.mktemp("home"))
    running.log_in()
    yield running
    running.stop()


@pytest.fixture
def fresh(tmp_path):
    """A server of the test's own, not logged in."""
    running = Server(tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop()
