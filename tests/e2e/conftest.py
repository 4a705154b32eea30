"""A real browser: an installed Chromium, driven by Playwright; never one that Playwright downloads."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidera.io.lock import take

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOFTWARE = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
"""WebGL 2 where there is no graphics card."""


WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(scope="session")
def bundle() -> None:
    """The page as its sources are now. Where it cannot be built the tests skip, but in CI they fail."""
    with (WEB / "package.json").open("rb+") as stream:
        while not take(stream):  # another worker is building it
            time.sleep(0.2)
        made = subprocess.run([sys.executable, str(WEB / "build.py")], capture_output=True, text=True)
    if made.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"the page was not built: {made.stderr[-500:]}"
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window. Without one on the machine the tests skip, but in CI they fail.

    Of a module, not of the session: while Playwright is started its event loop counts as running in this thread,
    and a test of another module that starts one of its own (`asyncio.run`) would fail.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        said = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        sandbox = () if os.geteuid() else ("--no-sandbox",)  # Chromium refuses a sandbox to root
        opened = started.chromium.launch(executable_path=path, args=[*SOFTWARE, *sandbox])
        yield opened
        opened.close()
