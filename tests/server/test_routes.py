"""What the server answers by itself: folders, reports, its own name."""

import os

import pytest

from sidera._version import __version__
from sidera.pipeline.browse import browse


@pytest.fixture(scope="module")
def home(server):
    for name in ("M31/lights", "M31/.thumbnails", "m8", "Elsewhere"):
        (server.home / name).mkdir(parents=True, exist_ok=True)
    for name in ("light_10.fits", "light_2.fits", "Light_1.fits", "notes.txt", ".hidden.fits", "film.ser"):
        (server.home / "M31" / name).write_bytes(b"1234")
    return server.home


def test_a_folder_shows_folders_and_frames_as_people_sort_them(server, home):
    shown = server.get(f"/api/browse?path={home}/M31").json
    assert [one["name"] for one in shown["files"]] == [
        "film.ser",
        "Light_1.fits",
        "light_2.fits",
        "light_10.fits",
    ]
    assert shown["files"][0] == {"name": "film.ser", "path": f"{home}/M31/film.ser", "size": 4}
    assert [one["name"] for one in shown["folders"]] == ["lights"]
    assert (shown["path"], shown["parent"]) == (f"{home}/M31", str(home))


def test_without_a_path_the_allowed_folders_are_shown(server, home):
    shown = server.get("/api/browse").json
    assert shown["folders"][0]["path"] == str(home)
    assert (shown["path"], shown["parent"]) == (None, None)
    assert server.get(f"/api/browse?path={home}").json["parent"] is None  # no way up and out


@pytest.mark.parametrize(
    ("path", "status"),
    [("/etc", 403), ("{home}/..", 403), ("{home}/.state", 403), ("{home}/nowhere", 404), ("%00", 403)],
)
def test_other_folders_are_not_shown(server, home, path, status):
    answer = server.get(f"/api/browse?path={path.format(home=home)}")
    assert answer.status == status
    assert answer.json["error"]


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
def test_names_that_no_page_can_show_are_left_out(tmp_path):
    (tmp_path / "light.fits").write_bytes(b"")
    try:
        os.mkdir(bytes(tmp_path) + b"/nebel_\xfc")
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert [one.name for one in browse(tmp_path).files] == ["light.fits"]
    assert browse(tmp_path).folders == ()


def test_a_report_is_shown_where_nothing_in_it_can_run(server, home):
    (home / "M31" / "a_report.html").write_text("<script>alert(1)</script>")
    (home / "M31" / "a_report.json").write_text("{}")
    answer = server.get(f"/api/report?path={home}/M31/a_report.html")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_a_page_that_is_no_report_is_not_shown(server, home):
    (home / "M31" / "saved_mail.html").write_text("private")
    for name in ("M31/saved_mail.html", "M31/notes.txt"):
        assert server.get(f"/api/report?path={home}/{name}").status == 403
    assert server.get("/api/report?path=/usr/share/doc/index.html").status == 403


def test_the_page_learns_version_folders_and_where_results_go(server, home):
    told = server.get("/api/server").json
    assert told["version"] == __version__
    assert told["results"] == str(home / "Sidera")
    assert str(home) in told["roots"]
    assert (home / "Sidera").is_dir()
