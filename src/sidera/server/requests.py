"""What a page may ask of the engine: every field that names a file is checked before it is passed on."""

from collections.abc import Mapping
from typing import Any

from sidera.server.folders import PICTURES, REPORTS, Folders

REFUSED = {"preview": "it writes raw pixels to any file", "shutdown": "the server starts and ends the engine"}
"""Commands that no page needs, and why they are not passed on."""
READ = frozenset((
    "path", "paths", "inputs", "lights", "darks", "flats", "biases", "flat_darks", "masters", "folder",
    "lightPaths", "darkPaths", "flatPaths", "biasPaths",
))  # fmt: skip
WRITTEN = {"output": PICTURES, "preview": PICTURES, "outputPath": PICTURES, "report": REPORTS}
FREE = frozenset((
    "id", "cmd", "image", "imageId", "index", "colour", "level", "x", "y", "width", "height", "channel", "most",
    "bins", "stretch", "format", "job", "events", "after", "exclude", "recipe", "toml", "changes", "memory",
    "threads", "kappa", "iterations", "stackMethod", "bayerPattern", "name", "kind", "frames", "verdict", "reason",
    "state", "shown",
))  # fmt: skip
"""Fields that name no file. What stands in none of these lists is not passed on."""


def check(request: Mapping[str, Any], folders: Folders) -> str | None:
    """None for a request that may be passed on; else the field of which the engine is to hear nothing.

    Raises
    ------
    ForbiddenError
        For a file outside of the allowed folders.
    """
    for field, value in request.items():
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        texts = [name for name in names if isinstance(name, str)]
        if field in READ:
            for text in texts:
                folders.readable(text)
        elif field in WRITTEN:
            for text in texts:
                folders.writable(text, WRITTEN[field])
        elif field not in FREE:
            return field
    return None
