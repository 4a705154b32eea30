"""What was acknowledged is on the disk; old files open with a backup, newer and foreign ones are left alone."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from sidera.errors import DiskFullError, UnreadableError, UnwritableError
from sidera.session import create, database, open_project
from sidera.session.database import Database
from sidera.session.schema import STEPS

WRITER = """
import sys
from sidera.session import create
project = create(sys.argv[1])
number = 0
while True:
    number += 1
    project.keep_view({"number": number})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
ONE_MORE = (
    *STEPS,
    (
        "CREATE TABLE moon (phase REAL NOT NULL) STRICT",
        "UPDATE document SET value = '\"new\"' WHERE name = 'name'",
    ),
)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("moment", [1, 2, 30, 71])
def test_a_change_that_was_acknowledged_survives_kill_9(tmp_path, moment):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    told = 0
    for line in writer.stdout:
        told = int(line)
        if told >= moment:
            writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    with open_project(tmp_path) as project:
        assert project.view()["number"] in (told, told + 1)  # the next may be on the disk and not yet told


def test_the_disk_is_waited_for_at_every_change(tmp_path):
    with create(tmp_path) as project:
        assert project.database.value("PRAGMA synchronous") == 2  # FULL
        assert project.database.value("PRAGMA journal_mode") == "wal"
        strict = project.database.rows("PRAGMA table_list")
    assert all(row[5] == 1 for row in strict if not row[1].startswith("sqlite_"))


def test_an_old_project_opens_with_its_contents_and_a_backup_of_the_old_file(tmp_path):
    create(tmp_path, "old").close()
    newer = Database(tmp_path / "sidera.db", ONE_MORE)
    assert newer.value("SELECT value FROM document WHERE name = 'name'") == '"new"'
    assert newer.rows("SELECT * FROM moon") == []
    newer.close()
    (backup,) = tmp_path.glob("sidera_version1_*.db")
    kept = Database(backup)
    assert kept.value("SELECT value FROM document WHERE name = 'name'") == '"old"'
    kept.close()
    assert list(tmp_path.glob("*.part*")) == []


def test_a_step_that_fails_leaves_the_old_project_as_it_was(tmp_path):
    create(tmp_path, "old").close()
    broken = (
        *STEPS,
        ("CREATE TABLE moon (phase REAL NOT NULL) STRICT", "CREATE TABLE moon (again REAL) STRICT"),
    )
    with pytest.raises(UnreadableError, match="already exists"):
        Database(tmp_path / "sidera.db", broken)
    with open_project(tmp_path) as project:
        assert project.name == "old"
        assert project.database.value("SELECT count(*) FROM sqlite_schema WHERE name = 'moon'") == 0


def test_a_newer_project_is_refused_politely_and_not_touched(tmp_path):
    create(tmp_path, "new").close()
    Database(tmp_path / "sidera.db", ONE_MORE).close()
    before = (tmp_path / "sidera.db").read_bytes()
    with pytest.raises(
        UnreadableError, match=r"newer Sidera \(version 2 of the file; this one knows 1\).*update"
    ):
        open_project(tmp_path)
    assert (tmp_path / "sidera.db").read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / "sidera.db")
    other.execute("CREATE TABLE recipes (cake TEXT)")
    other.commit()
    other.close()
    with pytest.raises(UnreadableError, match="no project of Sidera's"):
        open_project(tmp_path)


def test_a_damaged_file_is_told_as_such(tmp_path):
    (tmp_path / "sidera.db").write_bytes(b"clouds" * 1000)
    with pytest.raises(UnreadableError, match=r"cannot be used \(file is not a database\).*backup"):
        open_project(tmp_path)


def test_a_project_that_was_never_finished_being_made_is_made_anew(tmp_path):
    Database(tmp_path / "sidera.db").close()  # killed between the tables and the name
    with create(tmp_path, "m31") as project:
        assert project.name == "m31"


def test_half_a_change_is_no_change(tmp_path):
    base = Database(tmp_path / "sidera.db")

    def stopped_in_the_middle():
        with base.writing() as connection:
            connection.execute("INSERT INTO removed (path) VALUES ('/a')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_in_the_middle()
    assert base.rows("SELECT path FROM removed") == []
    base.close()


def test_threads_write_one_after_the_other(tmp_path):
    base = Database(tmp_path / "sidera.db")

    def write(name):
        for number in range(20):
            with base.writing() as connection:
                connection.execute("INSERT INTO removed (path) VALUES (?)", (f"/{name}/{number}",))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert base.value("SELECT count(*) FROM removed") == 80
    base.close()


def test_a_second_program_waits_for_the_first_and_gives_up_politely(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    first, second = Database(tmp_path / "sidera.db"), Database(tmp_path / "sidera.db")
    with first.writing(), pytest.raises(UnwritableError, match="another program"), second.writing():
        pass
    with second.writing() as connection:
        connection.execute("INSERT INTO removed (path) VALUES ('/a')")
    assert first.rows("SELECT path FROM removed") == [("/a",)]
    first.close()
    second.close()


def test_a_full_disk_is_told_and_what_was_kept_stays(tmp_path):
    base = Database(tmp_path / "sidera.db")
    base.rows("PRAGMA max_page_count = 40")
    with pytest.raises(DiskFullError, match="disk is full"), base.writing() as connection:
        connection.execute("INSERT INTO removed (path) VALUES (?)", ("/" + 1_000_000 * "a",))
    assert base.rows("SELECT path FROM removed") == []
    base.close()
