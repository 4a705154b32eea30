"""What a folder is sorted into."""

import os
import shutil

import numpy as np
import pytest

from sidera.errors import Refusal, UnreadableError
from sidera.model.header import Kind
from sidera.pipeline.scan import scan
from smallnight import frame

NOISE = np.random.default_rng(1)


def light(path, **cards):
    return frame(path, NOISE.integers(0, 4000, (12, 10), np.uint16), **{"IMAGETYP": "Light", **cards})


def codes(seen):
    return {os.path.basename(one.id.path): one.code for one in seen.refused}


def test_a_night_is_sorted_by_headers_then_folders_then_names(tmp_path):
    light(tmp_path / "a.fits")
    light(tmp_path / "darks" / "b.fits", IMAGETYP="Unknown")
    light(tmp_path / "flat_1.fits", IMAGETYP="")
    light(tmp_path / "what.fits", IMAGETYP="")
    seen = scan([tmp_path])
    assert [len(seen.of(kind)) for kind in (Kind.LIGHT, Kind.DARK, Kind.FLAT)] == [1, 1, 1]
    assert codes(seen) == {"what.fits": Refusal.UNKNOWN_KIND}
    assert "--lights" in seen.refused[0].cure


def test_a_kind_given_by_hand_wins(tmp_path):
    path = light(tmp_path / "a.fits", IMAGETYP="Dark Frame")
    seen = scan([], {Kind.FLAT: [str(path)]})
    assert seen.found[0].header.kind is Kind.FLAT
    assert seen.found[0].header.sources["kind"] == "given by you"


def test_hidden_files_and_others_are_left_alone(tmp_path):
    for name in (".a.fits", ".trash/b.fits", "c.txt", "sub/d.fits"):
        light(tmp_path / name)
    assert [os.path.basename(one.id.path) for one in scan([tmp_path]).found] == ["d.fits"]
    assert not scan([tmp_path]).refused


def test_pictures_beside_raw_frames_are_previews_and_alone_are_frames(tmp_path):
    from PIL import Image

    for place in ("lights", "pictures/lights"):
        (tmp_path / place).mkdir(parents=True)
        Image.fromarray(NOISE.integers(0, 255, (12, 10), np.uint8)).save(tmp_path / place / "x.png")
    light(tmp_path / "lights" / "x.fits")
    seen = scan([tmp_path])
    assert len(seen.previews) == 1
    assert sorted(one.header.format for one in seen.found) == ["FITS", "PNG"]
    assert not seen.refused
    assert len(scan([tmp_path / "lights" / "x.png"]).found) == 1  # a file that is named is meant


def test_a_stack_among_the_lights_is_no_light(tmp_path):
    light(tmp_path / "one.fits")
    light(tmp_path / "ours.fits", IMAGETYP="Master Light", NCOMBINE=6, CREATOR="Sidera 0.1.0")
    light(tmp_path / "theirs.fits", STACKCNT=200)
    seen = scan([tmp_path])
    assert codes(seen) == {"ours.fits": Refusal.ALREADY_STACKED, "theirs.fits": Refusal.ALREADY_STACKED}
    assert [os.path.basename(path) for path in seen.results] == ["ours.fits"]
    assert any("200 frames" in one.reason for one in seen.refused)


def test_a_copy_of_a_light_is_used_once(tmp_path):
    first = light(tmp_path / "a.fits", **{"DATE-OBS": "2026-01-01T20:00:00"})
    light(tmp_path / "b.fits", **{"DATE-OBS": "2026-01-01T20:00:00"})
    shutil.copy(first, tmp_path / "again.fits")
    seen = scan([tmp_path])
    assert len(seen.found) == 2
    assert codes(seen) == {"again.fits": Refusal.DUPLICATE}
    assert "a.fits" in seen.refused[0].reason


def test_each_broken_frame_of_a_film_keeps_its_index(tmp_path, monkeypatch):
    from sidera.errors import FrameError
    from sidera.pipeline import scan as module

    whole = light(tmp_path / "film.fits")
    opened = module.open_frame

    def third_is_broken(path, index):
        if index == 2:
            raise FrameError(Refusal.UNREADABLE, "film.fits: broken", "leave it out")
        return opened(path, 0)

    monkeypatch.setattr(module, "count_frames", lambda _: 4)
    monkeypatch.setattr(module, "open_frame", third_is_broken)
    seen = scan([whole])
    assert [one.id.index for one in seen.found] == [0, 1, 3]
    assert [(one.id.index, one.reason) for one in seen.refused] == [(2, "broken")]


def test_globs_folders_and_files_give_each_frame_once(tmp_path):
    for name in "abc":
        light(tmp_path / f"{name}.fits")
    seen = scan([tmp_path, tmp_path / "a.fits", f"{tmp_path}/*.fits"])
    assert len(seen.found) == 3
    with pytest.raises(UnreadableError, match="does not exist"):
        scan([f"{tmp_path}/z*.fits"])


def linked(link, folder):
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError:  # Windows lets only some users make links
        pytest.skip("links cannot be made here")


def test_a_link_to_a_folder_on_another_disk_is_followed(tmp_path):
    light(tmp_path / "disk" / "a.fits", IMAGETYP="")
    (tmp_path / "night").mkdir()
    linked(tmp_path / "night" / "lights", tmp_path / "disk")
    found = scan([tmp_path / "night"]).found
    assert [one.id.path for one in found] == [str(tmp_path / "night" / "lights" / "a.fits")]
    assert found[0].header.kind is Kind.LIGHT  # by the name of the link


def test_links_that_lead_in_a_circle_or_twice_to_a_folder_give_each_frame_once(tmp_path):
    light(tmp_path / "lights" / "a.fits")
    linked(tmp_path / "again", tmp_path / "lights")
    linked(tmp_path / "lights" / "up", tmp_path)
    linked(tmp_path / "nowhere", tmp_path / "gone")
    seen = scan([tmp_path])
    assert [one.id.path for one in seen.found] == [str(tmp_path / "lights" / "a.fits")]
    assert not seen.refused


def test_excluded_files_are_named_and_not_even_opened(tmp_path):
    (tmp_path / "bad_1.fits").write_bytes(b"not a FITS file")
    light(tmp_path / "good.fits")
    seen = scan([tmp_path], exclude=["bad*"])
    assert codes(seen) == {"bad_1.fits": Refusal.EXCLUDED}


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    from sidera.pipeline import scan as module

    light(tmp_path / "a.fits")
    closed = tmp_path / "closed"
    walk = os.walk

    def refusing(folder, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(closed)))
        yield from walk(folder)

    monkeypatch.setattr(module.os, "walk", refusing)
    seen = scan([tmp_path])
    assert codes(seen) == {"closed": Refusal.UNREADABLE}
    assert len(seen.found) == 1
    closed.mkdir()
    with pytest.raises(UnreadableError, match="Permission denied"):
        scan([closed])


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("Luminance", "L"),
        ("Lum", "L"),
        ("RED", "R"),
        ("H-alpha", "Ha"),
        ("H_Alpha", "Ha"),
        ("ha", "Ha"),
        ("O3", "OIII"),
        ("r", "r"),
        ("L-eXtreme", "L-eXtreme"),
        ("Ha-OIII", "Ha-OIII"),
        ("Antlia 3nm", "Antlia 3nm"),
    ],
)
def test_a_filter_has_one_spelling(tmp_path, written, usual):
    assert scan([light(tmp_path / "a.fits", FILTER=written)]).found[0].header.filter == usual
