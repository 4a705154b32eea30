"""The log, and what is left of a crash."""

import logging
import os
import subprocess
import sys

import pytest

from sidera.engine import logs
from sidera.engine.logs import Log, crashed, plain


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SIDERA_LOGS", str(tmp_path))
    return tmp_path


def test_what_a_header_says_moves_no_cursor_and_feigns_no_line():
    assert plain("M 31\x1b[31m\nerror: all lost\x07é") == "M 31\\x1b[31m\\nerror: all lost\\x07é"


def test_a_crash_file_names_versions_and_the_trace(folder):
    try:
        raise KeyError("missing")
    except KeyError as error:
        crashed(error, "stack")
    (place,) = folder.glob("crash-*.txt")
    text = place.read_text(encoding="utf-8")
    assert all(
        word in text for word in ("sidera 0.", "Python 3.", "while doing stack", "KeyError: 'missing'")
    )


def test_only_the_newest_crash_files_are_kept(folder):
    for number in range(logs.CRASHES + 5):
        crashed(ValueError(str(number)), "test")
    kept = sorted(folder.glob("crash-*.txt"))
    assert len(kept) == logs.CRASHES
    assert "ValueError: 14" in kept[-1].read_text(encoding="utf-8")


def logging_child(program, folder):
    """A process that logs into a folder."""
    environment = {**os.environ, "SIDERA_LOGS": str(folder)}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, env=environment)


def test_even_a_dead_interpreter_leaves_its_stacks_and_the_next_start_keeps_them(folder):
    die = "from sidera.engine.logs import catch_faults; catch_faults(); import ctypes; ctypes.string_at(0)"
    assert logging_child(die, folder).returncode != 0
    assert "Fatal Python error" in (folder / "fault.txt").read_text(encoding="utf-8")
    start = "from sidera.engine.logs import catch_faults; catch_faults()"
    for _ in range(2):
        assert logging_child(start, folder).returncode == 0
    (kept,) = folder.glob("crash-*.txt")
    assert "sidera 0." in kept.read_text(encoding="utf-8")


def test_the_log_file_rotates_and_warnings_are_in_it(folder):
    program = (
        "import logging, warnings; from sidera.engine import logs; logs.FILE_BYTES = 20_000; logs.start(); "
        "[logging.getLogger('sidera').info('line %d %s', n, 'x' * 100) for n in range(2000)]; "
        "warnings.warn('mind the gap')"
    )
    assert logging_child(program, folder).returncode == 0
    files = list(folder.glob("engine.log*"))
    assert len(files) == 1 + logs.FILES
    assert sum(file.stat().st_size for file in files) < 90_000
    assert "mind the gap" in (folder / "engine.log").read_text(encoding="utf-8")


def test_where_no_file_can_be_written_the_log_is_on_stderr(tmp_path):
    (tmp_path / "file").write_text("no folder")
    program = "import logging; from sidera.engine import logs; logs.start(); logging.warning('still here')"
    ran = logging_child(program, tmp_path / "file")
    assert (ran.returncode, b"still here" in ran.stderr) == (0, True)


def test_lines_are_asked_for_by_number_and_level():
    log = Log()
    for number in range(30):
        level = 40 if number % 10 == 0 else 20
        log.emit(logging.LogRecord("sidera", level, "", 0, "line %d", (number,), None))
    assert [line.text for line in log.after(25, "info", 100)] == [f"line {n}" for n in range(25, 30)]
    assert [line.text for line in log.after(0, "error", 2)] == ["line 10", "line 20"]
