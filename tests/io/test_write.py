"""What is written is whole, legal, and comes back."""

import errno
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.errors import DiskFullError, FrameError, UnwritableError, UsageError
from sidera.io import atomic, fits_writer
from sidera.io.masters import read_master
from sidera.io.read import read
from sidera.io.write import atomic_write, write, write_text
from sidera.model.frame import Frame
from sidera.model.header import Bayer, Card, Header, Kind
from sidera.model.masters import Master
from sidera.model.picture import Picture
from sidera.model.stack import Stack


def small_stack(planes=1, **more):
    shape = (5, 7) if planes == 1 else (3, 5, 7)
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image[..., 0, 0] = np.nan
    counts = np.full(shape, 40_000, np.uint16)
    return Stack(image, image + 1, image + 2, counts, counts, counts, **more)


def test_a_stack_comes_back_with_all_its_maps(tmp_path):
    rows = ({"file": "a.fit", "fwhm": 2.5, "stars": 7}, {"file": "bé.fit", "stars": 8, "verdict": "kept"})
    stack = small_stack(3, halves=(np.ones((3, 5, 7), np.float32),) * 2, table=rows, history=("mean of 2",))
    write(tmp_path / "s.fits", stack)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # astropy warns of a wrong checksum
        hdus = fits.open(tmp_path / "s.fits", checksum=True)
    with hdus:
        for hdu in hdus:
            hdu.verify("exception")
            assert hdu.verify_checksum() == 1
            assert hdu.verify_datasum() == 1
        names = [
            "PRIMARY",
            "NOISE",
            "WEIGHT",
            "COVERAGE",
            "REJLOW",
            "REJHIGH",
            "HALF_ODD",
            "HALF_EVEN",
            "FRAMES",
        ]
        assert [hdu.name for hdu in hdus] == names
        np.testing.assert_array_equal(hdus[0].data, stack.image)
        np.testing.assert_array_equal(hdus["COVERAGE"].data, stack.coverage)
        table = hdus["FRAMES"].data
        assert list(table["file"]) == ["a.fit", "be.fit"]
        assert list(table["stars"]) == [7, 8]
        assert table["fwhm"][0] == 2.5
        assert np.isnan(table["fwhm"][1])
        assert list(table["verdict"]) == ["", "kept"]
        assert hdus[0].header["HISTORY"][0] == "mean of 2"


def test_the_result_carries_the_input_s_header(tmp_path):
    cards = (
        Card("SIMPLE", True),
        Card("NAXIS1", 9999),
        Card("BZERO", 32768),
        Card("BAYERPAT", "RGGB"),
        Card("EXPTIME", 60.0, "s"),
        Card("EXPTIME", 61.0, "again"),
        Card("OBJECT", "Ñandú Nébula 5° µm"),
        Card("LONGTEXT", "x" * 200, "and a comment"),
        Card("ESO DET CHIP LONG", "y" * 100, "c" * 90),
        Card("BADNUM", float("nan"), "n" * 100),
        Card("GAIN", 100, "n" * 100),
        Card("HISTORY", "h" * 150),
        Card("", "blank"),
        Card("UNKNOWN", None),
    )
    write(tmp_path / "s.fit", small_stack(cards=cards, bottom_up=True))
    header = fits.getheader(tmp_path / "s.fit")
    assert header["EXPTIME"] == 60.0
    assert header["NAXIS1"] == 7
    assert header["OBJECT"] == "Nandu Nebula 5deg um"
    assert header["LONGTEXT"] == "x" * 200
    assert header["ROWORDER"] == "BOTTOM-UP"
    assert not {"BAYERPAT", "BZERO"} & set(header)
    assert read(tmp_path / "s.fit").header.bottom_up


letters = st.text(max_size=90)
values = st.one_of(letters, st.integers(-(2**63), 2**63), st.floats(), st.booleans(), st.none())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.builds(Card, letters, values, letters), max_size=6))
def test_any_cards_give_a_legal_header(cards):
    header = fits.Header(fits_writer.fits_cards(cards))
    again = fits.Header.fromstring(header.tostring())
    assert len(again) == len(header)


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=400))
def test_a_checksum_brings_the_sum_to_ones(data):
    data += bytes(-len(data) % 4)
    total = fits_writer.sum32(data, fits_writer.sum32(b"0" * 16, 0))
    text = fits_writer._encoded(total)
    assert text.isalnum()
    unrotated = (text[1:] + text[:1]).encode()  # in a card it starts at a byte of its own, 12 columns in
    assert fits_writer.sum32(unrotated, fits_writer.sum32(data, 0)) in (0xFFFFFFFF, 0)


def test_the_same_stack_gives_the_same_bytes(tmp_path):
    for suffix in ("fits", "xisf", "tif"):
        for name in "ab":
            write(tmp_path / f"{name}.{suffix}", small_stack(3))
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize("bottom_up", [False, True])
@pytest.mark.parametrize("suffix", ["fits", "xisf"])
def test_a_frame_keeps_its_mosaic_and_its_end_up(tmp_path, bottom_up, suffix):
    header = Header(width=7, height=5, bayer=Bayer.GRBG, bottom_up=bottom_up)
    image = np.arange(35, dtype=np.float32).reshape(5, 7)
    write(tmp_path / f"f.{suffix}", Frame(image, header))
    back = read(tmp_path / f"f.{suffix}")
    assert (back.header.bayer, back.header.bottom_up) == (Bayer.GRBG, bottom_up)
    np.testing.assert_array_equal(back.image, image)


@pytest.mark.parametrize("compression", ["none", "zlib", "lz4", "zstd"])
def test_a_stack_survives_xisf(tmp_path, compression):
    stack = small_stack(3, cards=(Card("OBJECT", "it's"), Card("EXPTIME", 1.5)), history=("made",))
    write(tmp_path / "s.xisf", stack, compression=compression)
    back = read(tmp_path / "s.xisf")
    np.testing.assert_array_equal(back.image, stack.image)
    assert back.header.exposure == 1.5
    assert Card("OBJECT", "it's") in back.header.cards


def test_pictures_are_written_top_first(tmp_path):
    write(tmp_path / "s.tif", small_stack(bottom_up=True))
    np.testing.assert_array_equal(read(tmp_path / "s.tif").image, small_stack().image[::-1])


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planes", [1, 3])
def test_a_picture_comes_back_to_half_a_step(tmp_path, suffix, bits, planes):
    image = np.linspace(-0.1, 1.1, 300, dtype=np.float32).reshape(3, 10, 10)[:planes].reshape(planes, 10, 10)
    image[0, 0, 1] = np.nan
    write(tmp_path / f"p.{suffix}", Picture(image if planes == 3 else image[0]), bits=bits)
    back = read(tmp_path / f"p.{suffix}").image.reshape(planes, 10, 10)
    expected = np.clip(np.nan_to_num(image, nan=0), 0, 1) * (2**bits - 1)
    assert np.abs(back - expected).max() <= 0.51


def test_linear_values_ask_for_their_black_and_white(tmp_path):
    with pytest.raises(UsageError, match="linear"):
        write(tmp_path / "s.png", small_stack())
    write(tmp_path / "s.tif", small_stack(), bits=16, limits=(0, 34))
    assert read(tmp_path / "s.tif").image.max() == 65535


@pytest.mark.parametrize(
    ("name", "format", "item"),
    [
        ("a.fits", "xisf", small_stack()),
        ("a.jpg", None, small_stack()),
        ("a.jpg", "png", Picture(np.zeros((2, 2), np.float32))),
        ("a", None, small_stack()),
        ("a.fits", None, Picture(np.zeros((2, 2), np.float32))),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(tmp_path, name, format, item):
    with pytest.raises(UsageError):
        write(tmp_path / name, item, format=format)
    assert list(tmp_path.iterdir()) == []


def test_a_master_comes_back_as_it_was(tmp_path):
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    header = Header(
        width=4,
        height=3,
        kind=Kind.DARK,
        bayer=Bayer.BGGR,
        exposure=60.0,
        gain=100.0,
        offset=10.0,
        temperature=-10.0,
        n_combined=20,
        camera="Cam",
        binning=(2, 2),
        date_obs="2026-03-01T22:00:00",
    )
    write(tmp_path / "m.fits", Master(Kind.DARK, image, image / 2, header, bias_removed=True, key="abc"))
    back = read_master(tmp_path / "m.fits")
    assert (back.kind, back.bias_removed, back.key) == (Kind.DARK, True, "abc")
    np.testing.assert_array_equal(back.variance, image / 2)
    for name in (
        "exposure",
        "gain",
        "offset",
        "temperature",
        "n_combined",
        "bayer",
        "camera",
        "binning",
        "is_master",
    ):
        wanted = True if name == "is_master" else getattr(header, name)
        assert getattr(back.header, name) == wanted, name


def test_a_damaged_master_is_noticed(tmp_path):
    image = np.ones((3, 4), np.float32)
    write(tmp_path / "m.fits", Master(Kind.BIAS, image, image, Header(width=4, height=3)))
    data = bytearray((tmp_path / "m.fits").read_bytes())
    data[-2880] ^= 1
    (tmp_path / "m.fits").write_bytes(data)
    with pytest.raises(FrameError, match="checksum"):
        read_master(tmp_path / "m.fits")


def test_another_program_s_dark_from_0_to_1_is_taken_in_adu(tmp_path):
    header = fits.Header([("IMAGETYP", "Master Dark"), ("NCOMBINE", 9)])
    fits.writeto(tmp_path / "d.fits", np.full((3, 4), 0.5, np.float32), header)
    master = read_master(tmp_path / "d.fits")
    assert (master.image == 32767.5).all()
    assert np.isnan(master.variance).all()
    assert (master.kind, master.key, master.bias_removed) == (Kind.DARK, "", False)


class StopHere(Exception):  # noqa: N818
    pass


def half_written(path):
    with atomic_write(path) as stream:
        stream.write(b"half")
        raise StopHere


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(StopHere):
        half_written(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(
    ("function", "code"), [("fsync", errno.EIO), ("replace", errno.EACCES), ("fsync", errno.ENOSPC)]
)
def test_whatever_the_system_refuses_the_old_file_stands(tmp_path, monkeypatch, function, code):
    (tmp_path / "a").write_text("old")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic.os, function, refuse)
    with pytest.raises(DiskFullError if code == errno.ENOSPC else UnwritableError):
        write_text(tmp_path / "a", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_full_disk_says_how_many_bytes_are_needed(tmp_path):
    with (
        pytest.raises(DiskFullError, match="1,000,000,000,000,000,000 bytes"),
        atomic_write(tmp_path / "a", 10**18),
    ):
        pass


def test_a_missing_folder_is_unwritable(tmp_path):
    with pytest.raises(UnwritableError, match="No such file"):
        write_text(tmp_path / "nowhere" / "a", "x")
    with pytest.raises(UnwritableError, match="is a folder"):
        write_text(tmp_path, "x")


def test_temporaries_of_crashed_runs_are_swept_and_those_of_others_stay(tmp_path):
    host = atomic._host()
    gone = tmp_path / f".sidera-{host}-4194999-00000000.tmp"
    ours = tmp_path / f".sidera-{host}-{os.getpid()}-00000000.tmp"
    theirs = tmp_path / ".sidera-elsewhere.example-4194999-00000000.tmp"
    for path in (gone, ours, theirs):
        path.touch()
    write_text(tmp_path / "a", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a", ours.name, theirs.name])


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    Path(tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
