"""Carry the built page in the wheel: ``web/dist`` becomes ``sidera/server/page``.

With no Node to be had the wheel is built without it, and ``sidera ui`` says how to get the page.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Builds the page when it is stale; an editable install finds it in the checkout, where dev.py builds it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is put together."""
        if version == "editable" or self.target_name != "wheel":
            return
        web = Path(self.root) / "web"
        if not (web / "build.py").is_file():
            return
        code = runpy.run_path(str(web / "build.py"))["main"]()
        if code == 0 and (web / "dist" / "index.html").is_file():
            build_data["force_include"][str(web / "dist")] = "sidera/server/page"
        else:
            sys.stderr.write("the wheel is built without the page\n")
