"""``sidera ui``: the page in a browser."""

import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidera.cli import report
from sidera.errors import UnreadableError, UsageError

if TYPE_CHECKING:
    from sidera.server.serve import Address

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)


def ui(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDERS...",
            help="Folders that the page may use, beside the home folder, this one and plugged-in disks.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
    app: Annotated[
        bool, typer.Option("--app", help="A window of its own (Chromium, Chrome or Edge).")
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where results go. Default: Sidera in the home folder."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Let others on the network in: an address of this machine. Read on first."
        ),
    ] = None,
) -> int:
    """Look at frames, stack them and finish the picture in a browser, on this machine alone.

    [bold]sidera ui ~/M31[/bold]   opens the browser; Ctrl-C ends it.

    From afar, rather than --listen, which nothing encrypts: [bold]ssh -L 8765:127.0.0.1:8765 telescope[/bold]
    and there [bold]sidera ui --no-browser --port 8765[/bold]
    """
    from sidera.server.bundle import HOW, bundle_folder
    from sidera.server.serve import serve

    if bundle_folder() is None:
        raise UnreadableError("the page was not built", HOW)
    missing = next((folder for folder in folders or [] if not folder.is_dir()), None)
    if missing is not None:
        raise UsageError(f"{missing} is no folder", "name folders that exist")
    window = _window() if app else None
    if listen is not None:
        report.note(
            "Anybody who sees the link, or what goes over the network, can use this Sidera and read and write in its "
            "folders: nothing is encrypted. Do this on a network of your own only; ssh -L is safer."
        )

    def ready(address: "Address") -> None:
        if browser or app:
            report.say(f"Sidera is at {address.plain} (Ctrl-C ends it)")
            _open(address, window)
        else:
            report.say(address.link)
            report.note("This link is good for one use. Ctrl-C ends Sidera.")
        sys.stdout.flush()

    place = results or Path.home() / "Sidera"
    return serve(folders or [], results=place.expanduser(), port=port, listen=listen, ready=ready)


def _open(address: "Address", window: str | None) -> None:
    """Open the file that leads to the link; the link itself would stand in the list of processes."""
    if window is not None:
        command = [window, f"--app={address.file.as_uri()}"]
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    elif not webbrowser.open(address.file.as_uri()):
        report.note(f"No browser could be opened. Open this link in one, good for one use:\n{address.link}")


def _window() -> str:
    """A browser that shows a page in a window of its own."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    found = found or next((place for place in PLACES if Path(place).is_file()), None)
    if found is None:
        raise UsageError("--app needs Chromium, Chrome or Edge, and none was found", "leave --app away")
    return found
