"""A page reads and writes in the allowed folders only, whatever a path looks like."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.server.folders import PICTURES, Folders, ForbiddenError

links = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


@pytest.fixture
def place(tmp_path):
    for name in ("home/m31/lights", "home/.ssh", "homework", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("home/m31/lights/a.fits", "home/.ssh/key.fits", "homework/a.fits", "elsewhere/a.fits"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.fixture
def folders(place):
    return Folders([place / "home"])


@pytest.mark.parametrize(
    "path",
    [
        "home",
        "home/m31",
        "home/m31/lights/a.fits",
        "home/m31/new.fits",
        "home/m31/../m31/lights/*.fits",
        "home/**/*.fits",
    ],
)
def test_what_lies_in_the_folder_is_taken(place, folders, path):
    folders.readable(f"{place}/{path}")


@pytest.mark.parametrize(
    "path",
    [
        "elsewhere/a.fits", "homework/a.fits", "home/../elsewhere/a.fits", "home/m31/../../homework", "",
        "home/.ssh/key.fits", "home/.ssh", "home/m31\0/../../elsewhere", "elsewhere/*.fits",
        "home/*/../../elsewhere/*.fits", "*/a.fits", "home/.*/*.fits",
    ],
)  # fmt: skip
def test_what_lies_outside_or_hidden_is_refused(place, folders, path):
    with pytest.raises(ForbiddenError):
        folders.readable(f"{place}/{path}" if path else "")


@pytest.mark.parametrize("path", ["m31", "m31/lights/*.fits", "*.fits", ".", "./m31", "../home"])
def test_a_path_that_is_not_a_whole_one_is_refused_wherever_the_server_was_started(
    place, folders, path, monkeypatch
):
    monkeypatch.chdir(place / "home")
    with pytest.raises(ForbiddenError, match="not a whole path"):
        folders.readable(path)


@links
@pytest.mark.parametrize(
    "path",
    [
        "home/m31/link",
        "home/m31/link/a.fits",
        "home/m31/link/*.fits",
        "home/m31/*/a.fits",
        "home/m31/file.fits",
    ],
)
def test_a_link_that_leads_out_is_refused(place, folders, path):
    (place / "home/m31/link").symlink_to(place / "elsewhere")
    (place / "home/m31/file.fits").symlink_to(place / "elsewhere/a.fits")
    with pytest.raises(ForbiddenError, match="outside"):
        folders.readable(f"{place}/{path}")


@links
def test_a_link_among_the_allowed_folders_is_followed_once_and_for_all(place):
    (place / "disk").symlink_to(place / "elsewhere")
    folders = Folders([place / "disk"])
    folders.readable(f"{place}/disk/a.fits")
    folders.readable(f"{place}/elsewhere/a.fits")


def test_a_hidden_folder_that_is_named_by_hand_is_allowed(place):
    Folders([place / "home", place / "home/.ssh"]).readable(f"{place}/home/.ssh/key.fits")


@pytest.mark.parametrize("name", ["home/m31/x.fits", "home/x.PNG", "home/new/x.tiff"])
def test_pictures_are_written_into_the_folder(place, folders, name):
    folders.writable(f"{place}/{name}", PICTURES)


@pytest.mark.parametrize(
    "name",
    ["home/.bashrc", "home/x.sh", "home/m31/authorized_keys", "elsewhere/x.fits", "home/.config/x.png"],
)
def test_nothing_else_is_written_and_nowhere_else(place, folders, name):
    with pytest.raises(ForbiddenError):
        folders.writable(f"{place}/{name}", PICTURES)


@given(
    parts=st.lists(
        st.sampled_from(["..", ".", "home", "m31", "homework", "elsewhere", "~", "//", "*", "a.fits"]),
        max_size=6,
    )
)
def test_no_path_at_all_leads_out(tmp_path_factory, parts):
    base = tmp_path_factory.getbasetemp() / "allowed"
    (base / "home" / "m31").mkdir(parents=True, exist_ok=True)
    path = os.path.join(str(base / "home"), *parts)
    folders = Folders([base / "home"])
    try:
        real = folders.inside(path)
    except ForbiddenError:
        return
    assert os.path.commonpath([real, os.path.realpath(base / "home")]) == os.path.realpath(base / "home")
