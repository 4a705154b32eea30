"""``sidera combine`` as people type it."""

import sys

import numpy as np
import pytest

from sidera.cli.main import run
from sidera.errors import Exit
from sidera.io.stacks import read_stack
from sidera.io.write import write
from sidera.model.stack import Stack


def stacks(folder, *names):
    for level, name in enumerate(names, 1):
        image = np.full((20, 30), 100.0 * level, np.float32)
        counts = np.ones(image.shape, np.uint16)
        write(folder / f"{name}.fits", Stack(image, image, image, counts, counts, counts))


def typed(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["sidera", "combine", *map(str, words)])
    return run()


def test_three_stacks_become_one_in_colour(tmp_path, monkeypatch, capsys):
    stacks(tmp_path, "ha", "oiii", "sii")
    files = [word for name in ("ha", "oiii", "sii") for word in (f"--{name}", tmp_path / f"{name}.fits")]
    code = typed(monkeypatch, *files, "--palette", "HSO", "--match", "none", "-o", tmp_path / "c.fits")
    assert code == Exit.DONE
    np.testing.assert_array_equal(read_stack(tmp_path / "c.fits").image[:, 3, 4], [100, 300, 200])
    assert "red = ha" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "nothing to combine"),
        (("--ha", "ha.fits"), "no colours"),
        (("--ha", "ha.fits", "--oiii", "oiii.fits", "--red", "ha +"), "missing at the end"),
        (("--ha", "ha.fits", "--oiii", "oiii.fits", "--match", "x"), "'x' is not known"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error_that_says_why(tmp_path, monkeypatch, capsys, words, told):
    stacks(tmp_path, "ha", "oiii")
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, *words, "-o", "c.fits") == Exit.USAGE
    assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "c.fits").exists()


def test_a_source_is_not_overwritten(tmp_path, monkeypatch, capsys):
    stacks(tmp_path, "ha", "oiii")
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "ha.fits").read_bytes()
    assert typed(monkeypatch, "--ha", "ha.fits", "--oiii", "oiii.fits", "-o", "ha.fits") == Exit.USAGE
    assert (tmp_path / "ha.fits").read_bytes() == before
