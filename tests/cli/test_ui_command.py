"""How `sidera ui` opens the browser: by a file, so that the link stands in no list of processes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sidera.cli import ui
from sidera.cli.main import app
from sidera.errors import UsageError
from sidera.server.serve import Address

ADDRESS = Address(
    "http://127.0.0.1:9", "http://127.0.0.1:9/login?token=secret", Path("/home/ann/Sidera/open.html")
)


def test_the_browser_is_given_the_file_and_the_terminal_no_token(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(ui.webbrowser, "open", lambda url: opened.append(url) or True)
    ui._open(ADDRESS, None)
    assert opened == ["file:///home/ann/Sidera/open.html"]
    assert "secret" not in "".join(capsys.readouterr())


def test_where_no_browser_opens_the_link_is_told(monkeypatch, capsys):
    monkeypatch.setattr(ui.webbrowser, "open", lambda url: False)
    ui._open(ADDRESS, None)
    assert ADDRESS.link in capsys.readouterr().err


def test_a_window_of_its_own_gets_the_file_too(monkeypatch):
    started = []
    monkeypatch.setattr(ui.subprocess, "Popen", lambda command, **_: started.append(command))
    ui._open(ADDRESS, "/usr/bin/chromium")
    assert started == [["/usr/bin/chromium", "--app=file:///home/ann/Sidera/open.html"]]


def test_a_window_without_a_browser_that_has_them_is_told(monkeypatch):
    monkeypatch.setattr(ui.shutil, "which", lambda name: None)
    monkeypatch.setattr(ui, "PLACES", ())
    with pytest.raises(UsageError, match="needs Chromium, Chrome or Edge"):
        ui._window()


def test_help_says_what_to_do_from_afar():
    told = CliRunner().invoke(app, ["ui", "--help"], env={"COLUMNS": "120"})
    assert told.exit_code == 0
    assert "ssh -L" in told.output
    assert "--no-browser" in told.output
