"""Files dropped onto the page: whole or absent, under harmless names, in one place."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.server import uploads
from sidera.server.uploads import UploadError, check_room, place_of, sanitised


def put(server, name, body, batch="night", **headers):
    from urllib.parse import urlencode

    query = urlencode({"batch": batch, "name": name})
    kind = {"Content-Type": "application/octet-stream", **headers}
    return server.ask("PUT", f"/api/upload?{query}", body, **server.ours, **kind)


def test_a_dropped_file_lies_in_its_batch_with_its_own_folders(server):
    answer = put(server, "lights/light_1.fits", b"pixels")
    place = server.home / "Sidera" / "Dropped" / "night"
    assert answer.json == {"path": str(place / "lights" / "light_1.fits"), "folder": str(place)}
    assert (place / "lights" / "light_1.fits").read_bytes() == b"pixels"
    assert put(server, "lights/light_1.fits", b"new pixels").status == 200
    assert (place / "lights" / "light_1.fits").read_bytes() == b"new pixels"


@pytest.mark.parametrize(
    "name",
    ["../../.bashrc", "/etc/passwd", "..\\..\\x.fits", "a/../../../x.fits", ".hidden", "x\0.fits", "~/x"],
)
def test_no_name_leads_out_of_the_batch(server, name):
    answer = put(server, name, b"x", batch="../../..")
    dropped = server.home / "Sidera" / "Dropped"
    if answer.status == 200:
        assert answer.json["path"].startswith(f"{dropped}/")
        assert "/." not in answer.json["path"].removeprefix(str(dropped))
    else:
        assert answer.status == 400


def test_a_file_that_is_cut_short_leaves_nothing(server):
    import socket

    head = (
        f"PUT /api/upload?batch=cut&name=x.fits HTTP/1.1\r\nHost: {server.host}\r\nOrigin: {server.origin}\r\n"
        f"Cookie: {server.cookie}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head.encode() + b"half")
    put(server, "after.fits", b"x", batch="cut")  # the server has seen the end of the first by now, or soon
    end = time.monotonic() + 60
    while (left := os.listdir(server.home / "Sidera" / "Dropped" / "cut")) != ["after.fits"]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def test_the_largest_file_and_the_last_room_on_the_disk_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UploadError, match="at most"):
        check_room(tmp_path, uploads.LONGEST + 1)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 5 << 30}))
    check_room(tmp_path, 4 << 30)
    with pytest.raises(UploadError, match="too few"):
        check_room(tmp_path, (4 << 30) + 1)


def test_a_declared_size_is_refused_before_a_byte_is_read(server):
    answer = put(server, "x.fits", iter([b""]), **{"Content-Length": str(1 << 40)})
    assert answer.status == 413


def test_only_bytes_are_taken(server):
    assert put(server, "x.fits", b"{}", **{"Content-Type": "application/json"}).status == 415


@given(st.text(max_size=300))
def test_any_name_becomes_a_harmless_one_or_none(name):
    try:
        plain = sanitised(name)
    except UploadError:
        return
    assert 0 < len(plain) <= uploads.LONGEST_NAME + 1
    assert plain == sanitised(plain)
    assert not plain.startswith(".")
    assert not set(plain) & set('/\\<>:"|?*\0\n')
    plain.encode("utf-8")


def test_devices_of_windows_are_files_like_any_other(tmp_path):
    assert place_of(tmp_path, "night", "CON.fits").name == "_CON.fits"
    assert place_of(tmp_path, "night", "light.tar.fits").name == "light.tar.fits"
