"""SER films, frame by frame."""

import struct
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal, UsageError
from sidera.io.read import count_frames, open_frame, read

HEADER = struct.Struct("<14s7i40s40s40sqq")
COUNTS = np.arange(24).reshape(2, 3, 4)
NOON = (datetime(2026, 3, 1, 12) - datetime(1, 1, 1)).days * 864_000_000_000 + 432_000_000_000


def film(path, frames=COUNTS, colour=0, endian=0, depth=16, stamps=(), shape=None, declared=None, started=0):
    height, width = shape or frames.shape[1:3]
    numbers = (0, colour, endian, width, height, depth, len(frames) if declared is None else declared)
    names = (b"me", b"ASI224MC", b"a scope\0")
    dtype = "u1" if depth <= 8 else ">u2" if endian else "<u2"
    head = HEADER.pack(b"LUCAM-RECORDER", *numbers, *names, 0, started)
    path.write_bytes(head + frames.astype(dtype).tobytes() + struct.pack(f"<{len(stamps)}q", *stamps))
    return path


@pytest.mark.parametrize(("depth", "endian"), [(8, 0), (12, 0), (16, 0), (16, 1)])
def test_every_frame_of_a_film(tmp_path, depth, endian):
    path = film(tmp_path / "a.ser", depth=depth, endian=endian)
    assert count_frames(path) == 2
    for index in (0, 1):
        np.testing.assert_array_equal(read(path, index).image, COUNTS[index])


def test_a_window_of_a_film_is_that_slice(tmp_path):
    with open_frame(film(tmp_path / "a.ser"), 1) as reader:
        assert reader.windowed
        window = reader.window(slice(1, 3), slice(2, None))
    np.testing.assert_array_equal(window, COUNTS[1, 1:3, 2:])


@pytest.mark.parametrize(
    ("colour", "pattern"), [(0, None), (8, "RGGB"), (9, "GRBG"), (10, "GBRG"), (11, "BGGR")]
)
def test_the_colour_id_names_the_matrix(tmp_path, colour, pattern):
    header = read(film(tmp_path / "a.ser", colour=colour)).header
    assert header.bayer == pattern
    assert header.sources["camera"] == "INSTRUME"
    assert (header.camera, header.telescope, header.format, header.bits) == (
        "ASI224MC",
        "a scope",
        "SER",
        "uint16",
    )


@pytest.mark.parametrize(("colour", "order"), [(100, [0, 1, 2]), (101, [2, 1, 0])])
def test_rgb_and_bgr_become_planes(tmp_path, colour, order):
    frames = np.arange(36).reshape(1, 3, 4, 3)
    frame = read(film(tmp_path / "a.ser", frames, colour=colour))
    np.testing.assert_array_equal(frame.image, frames[0].transpose(2, 0, 1)[order])
    assert frame.header.planes == 3


def test_each_frame_has_its_own_time(tmp_path):
    path = film(tmp_path / "a.ser", stamps=(NOON, NOON + 25_000_000))
    assert read(path, 0).header.date_obs == "2026-03-01T12:00:00"
    assert read(path, 1).header.date_obs == "2026-03-01T12:00:02.500000"


def test_without_a_trailer_only_the_first_frame_s_time_is_known(tmp_path):
    path = film(tmp_path / "a.ser", started=NOON)
    assert read(path, 0).header.date_obs == "2026-03-01T12:00:00"
    assert read(path, 1).header.date_obs is None


def test_a_film_cut_short_keeps_its_whole_frames(tmp_path):
    path = film(tmp_path / "a.ser", declared=50)
    assert count_frames(path) == 3
    np.testing.assert_array_equal(read(path, 1).image, COUNTS[1])
    with pytest.raises(FrameError, match="declares 50 frames of 24 bytes, holds 2") as caught:
        read(path, 2)
    assert caught.value.code is Refusal.UNREADABLE


def test_no_frame_beyond_the_last(tmp_path):
    with pytest.raises(UsageError, match="no frame 2"):
        read(film(tmp_path / "a.ser"), 2)
    with pytest.raises(UsageError, match="no frame -1"):
        read(film(tmp_path / "a.ser"), -1)


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({"colour": 16}, Refusal.UNREADABLE, "ColorID 16"),
        ({"depth": 32}, Refusal.UNREADABLE, "32 bits"),
        ({"declared": 0}, Refusal.NOT_AN_IMAGE, "0 frames"),
        ({"shape": (0, 4)}, Refusal.UNREADABLE, "pixels"),
        ({"shape": (-3, 4)}, Refusal.UNREADABLE, "pixels"),
        ({"shape": (2**31 - 1, 2**31 - 1)}, Refusal.UNSAFE, "pixels"),
    ],
)
def test_absurd_films_are_refused_in_words(tmp_path, options, code, word):
    with pytest.raises(FrameError, match=word) as caught:
        read(film(tmp_path / "a.ser", **options))
    assert caught.value.code is code


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_bytes_at_all_give_a_frame_or_a_frame_error(tmp_path_factory, blob):
    path = tmp_path_factory.mktemp("any") / "a.ser"
    path.write_bytes(b"LUCAM-RECORDER" + blob)
    try:
        frame = read(path)
    except FrameError:
        return
    assert frame.image.size


@needs_data
def test_the_film_holds_the_camera_s_own_values():
    path = DATA / "m27-containers/ser/als.ser"
    lights = sorted((DATA / "m27-osc/lights").glob("*.fits"))
    assert count_frames(path) == len(lights) == 6
    for index, light in enumerate(lights):
        plain, other = read(light), read(path, index)
        np.testing.assert_array_equal(plain.image, other.image)
        assert other.header.bayer == plain.header.bayer
