"""What killed the predecessor is an answer here."""

import numpy as np
import pytest
from astropy.io import fits

from engine.talking import Near
from smallnight import frame, small_night


@pytest.fixture(scope="module")
def engine():
    talk = Near()
    yield talk
    talk.close()


def sky(shape=(60, 80)):
    return np.random.default_rng(4).normal(1000, 10, shape).astype(np.float32)


def test_one_pixel_that_is_no_number(engine, tmp_path):
    image = sky()
    image[7, 9] = np.nan
    name = engine.data("load", path=str(frame(tmp_path / "a.fits", image)))["imageId"]
    told = engine.data("histogram", imageId=name)
    assert sum(told["bins"]) == 60 * 80 - 1
    engine.data("preview", imageId=name, outputPath=str(tmp_path / "a.rgba"))
    assert 0 <= engine.data("autoStretch", imageId=name)["midtones"] <= 1
    exact = engine.data("pixel", image=name, x=8, y=7, width=3, height=1)["values"][0][0]
    assert exact[1] is None
    assert exact[0] == float(image[7, 8])


def test_nothing_but_missing_pixels(engine, tmp_path):
    path = frame(tmp_path / "a.fits", np.full((60, 80), np.nan, np.float32))
    view = engine.data("open", path=str(path))
    assert view["ranges"][0]["minimum"] is None
    engine.data("tile", image=view["image"], level=0, x=0, y=0)
    engine.data("preview", imageId=view["image"], outputPath=str(tmp_path / "a.rgba"))
    assert engine.data("histogram", imageId=view["image"])["min"] is None


def test_one_smaller_frame_in_a_run(engine, tmp_path):
    night = small_night(tmp_path / "night")
    lights = sorted((night / "lights").iterdir())
    with fits.open(lights[0]) as file:
        header, image = file[0].header, file[0].data[:200, :260].copy()
    fits.PrimaryHDU(image, header).writeto(night / "lights" / "smaller.fits")
    every = sorted(map(str, (night / "lights").iterdir()))
    image = engine.data("pipeline", lightPaths=every)["imageId"]
    assert engine.data("imageInfo", imageId=image)["width"] == 300


@pytest.mark.parametrize("channel", [-1, 1, 10**6])
def test_a_histogram_channel_out_of_range(engine, tmp_path, channel):
    name = engine.data("load", path=str(frame(tmp_path / "a.fits", sky())))["imageId"]
    answer = engine.ask("histogram", imageId=name, channel=channel)
    assert (answer["ok"], answer["code"], answer["path"]) == (False, "usage", "$.channel")


def test_a_header_byte_that_is_no_ascii(engine, tmp_path):
    path = frame(tmp_path / "a.fits", sky(), OBJECT="Orion", IMAGETYP="Light")
    path.write_bytes(path.read_bytes().replace(b"Orion", b"Ori\xf3n"))
    told = engine.data("info", path=str(path))
    assert (told["width"], told["frameType"]) == (80, "Light")
    engine.data("load", path=str(path))


@pytest.mark.parametrize("length", [10**5, 10**9, 2**31, 10**18])
def test_an_absurd_naxis1(engine, tmp_path, length):
    path = frame(tmp_path / "a.fits", sky())
    card = f"NAXIS1  = {80:>20}".encode()
    assert card in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(card, f"NAXIS1  = {length:>20}".encode()))
    for cmd in ("info", "load", "open"):
        answer = engine.ask(cmd, path=str(path))
        assert (answer["ok"], answer["code"]) == (False, "frame")
        assert answer["refusal"] in ("unreadable", "unsafe")


@pytest.mark.parametrize("place", ["", "/", "/nothing/at/all.fits", "a\0b", "x" * 5000])
def test_a_path_that_is_no_file(engine, place):
    answer = engine.ask("info", path=place)
    assert answer["ok"] is False
    assert answer["code"] != "internal", answer
