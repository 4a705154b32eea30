"""``sidera finish`` as a user meets it."""

import sys
from collections import namedtuple

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from sidera.cli import report
from sidera.cli.main import run
from skies import sky

Said = namedtuple("Said", "code out err")


@pytest.fixture
def sidera(monkeypatch, capsys, tmp_path):
    """Runs a command in a folder that holds a colour stack; gives its exit code and what it said."""
    planes = np.stack(
        [sky(shape=(150, 200), curved=True, stars=60, seed=7).image + 30 * band for band in range(3)]
    )
    fits.writeto(tmp_path / "m1.fits", planes)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report.out, "width", 160)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["sidera", *map(str, arguments)])
        code = run()
        return Said(code, *capsys.readouterr())

    return command


def test_a_stack_becomes_a_picture_and_is_left_alone(sidera, tmp_path):
    before = (tmp_path / "m1.fits").read_bytes()
    said = sidera("finish", "m1.fits", "-o", "m1.png", "--model", "sky.fits")
    assert said.code == 0
    assert all(stage in said.out for stage in ("crop", "gradient", "neutralise", "whitebalance", "stretch"))
    with Image.open(tmp_path / "m1.png") as picture:
        assert picture.size == (200, 150)
    assert fits.getdata(tmp_path / "sky.fits").shape == (3, 150, 200)
    assert (tmp_path / "m1.fits").read_bytes() == before


def test_without_a_name_the_picture_is_called_after_the_stack(sidera, tmp_path):
    assert sidera("finish", "m1.fits").code == 0
    assert (tmp_path / "m1_finished.png").is_file()


def test_settings_reach_the_corrections(sidera):
    said = sidera(
        "finish",
        "m1.fits",
        "-o",
        "flat.fits",
        "--set",
        "gradient.enabled=false",
        "--set",
        "crop.enabled=false",
    )
    assert said.code == 0
    assert "gradient" not in said.out
    assert "gradient.enabled = false" in "\n".join(fits.getheader("flat.fits")["HISTORY"])


def test_a_saved_recipe_reaches_them_too(sidera, tmp_path):
    (tmp_path / "mine.toml").write_text("[neutralise]\nenabled = false\n")
    said = sidera("finish", "m1.fits", "-o", "a.jpg", "--recipe", "mine.toml")
    assert said.code == 0
    assert "neutralise" not in said.out


WRONG = {
    "no stack": (["absent.fits"], 5, "absent.fits"),
    "itself": (["m1.fits", "-o", "m1.fits"], 2, "another file"),
    "no folder": (["m1.fits", "-o", "nowhere/a.png"], 2, "make the folder"),
    "format": (["m1.fits", "-o", "a.docx"], 2, ".png"),
    "clash": (["m1.fits", "-o", "a.png", "--format", "fits"], 2, "PNG"),
    "unknown format": (["m1.fits", "-o", "a", "--format", "gif"], 2, "jpeg"),
    "model as picture": (["m1.fits", "-o", "a.png", "--model", "sky.jpg"], 2, ".fits"),
    "setting": (["m1.fits", "--set", "gradient.degree=9"], 2, "Degree"),
    "stage": (["m1.fits", "--set", "sharpen.on=1"], 2, "gradient"),
}


@pytest.mark.parametrize(("arguments", "code", "cure"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_says_what_would_be_right_and_writes_nothing(sidera, tmp_path, arguments, code, cure):
    said = sidera("finish", *arguments)
    assert said.code == code
    assert cure in said.err
    assert "Traceback" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["m1.fits"]


def test_the_help_teaches(sidera):
    said = sidera("finish", "--help")
    assert said.code == 0
    assert "gradient" in said.out
    assert "--model" in said.out
