"""The page itself: files that were built from ``web/``, read before anybody asks."""

import mimetypes
from pathlib import Path

from starlette.responses import Response

from sidera.server.guard import refusal

HOW = (
    "in a checkout `python3 dev.py ui` builds it (with Node 20.19 or newer, or one that it fetches itself); "
    "otherwise install a wheel of sidera-stack that carries it. All else works without: `sidera stack FOLDER`"
)
FOR_EVER = "private, immutable, max-age=31536000"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"} | {
    ".woff2": "font/woff2", ".png": "image/png", ".json": "application/json", ".ico": "image/x-icon",
}  # fmt: skip
"""What a browser is told; some systems' own tables know .js as plain text."""


def bundle_folder() -> Path | None:
    """Where the built page is: in the wheel, else in the checkout; None when it was not built."""
    here = Path(__file__).resolve().parent
    places = (here / "page", here.parents[2] / "web" / "dist")
    return next((place for place in places if (place / "index.html").is_file()), None)


class Bundle:
    """Files of the page as they were at the start, a megabyte or two.

    What was not there then is not found: no name can lead outside. A page that is built anew while the server runs
    changes nothing here; else an old ``index.html`` would name scripts that are gone, and the page stay blank.
    """

    def __init__(self, folder: Path | None) -> None:
        files = [] if folder is None else [path for path in sorted(folder.rglob("*")) if path.is_file()]
        self._files = {path.relative_to(folder or path).as_posix(): path.read_bytes() for path in files}

    def names(self) -> list[str]:
        """Every file, relative to the page."""
        return list(self._files)

    def file(self, name: str) -> Response:
        """A file; those under ``assets`` carry a digest of their content in their name and stay for ever."""
        data, suffix = self._files.get(name), Path(name).suffix
        if data is None:
            return refusal(404, "there is no such file")
        kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        cache = FOR_EVER if name.startswith("assets/") else "no-store"
        return Response(data, media_type=kind, headers={"cache-control": cache})
