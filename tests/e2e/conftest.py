"""A real browser: an installed Chromium, driven by Playwright; never one that Playwright downloads."""

import os
import shutil
from collections.abc import Iterator

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOFTWARE = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
"""WebGL 2 where there is no graphics card."""


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium without a window. Without one on the machine the tests skip, but in CI they fail."""
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
