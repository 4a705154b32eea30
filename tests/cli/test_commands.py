"""The command line as a user meets it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from astropy.io import fits

from sidera.cli import report
from sidera.cli.main import run
from smallnight import contents, frame, small_night

Said = namedtuple("Said", "code out err")


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("night") / "M 31")


@pytest.fixture
def sidera(monkeypatch, capsys, tmp_path):
    """Runs a command in an empty folder; gives its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report.out, "width", 120)  # tables fold where a test runner says that lines are short

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["sidera", *map(str, arguments)])
        code = run()
        return Said(code, *capsys.readouterr())

    return command


def test_a_folder_becomes_a_stack_a_report_and_a_picture(sidera, night, tmp_path):
    said = sidera("stack", night, "-o", "m31.fits", "--preview", "m31.png", "--report", "told.json")
    assert said.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"m31.fits", "m31.png", "told.json", "told.html"}
    assert "Found 6 lights, 3 biases, 3 darks, 3 flats." in said.out
    assert "(light − dark) / flat" in said.out
    assert fits.getheader("m31.fits")["NCOMBINE"] == 6


def test_kinds_may_be_named_by_hand(sidera, night):
    lights = sorted((night / "lights").iterdir())[:3]
    said = sidera(
        "stack", *lights, "--darks", night / "darks", "--flats", f"{night}/flats/*.fits", "-o", "s.fits"
    )
    assert said.code == 0
    assert "Found 3 lights, 3 darks, 3 flats." in said.out
    assert sidera("stack", "--lights", night / "lights", "--dry-run").code == 0


def test_a_dry_run_tells_the_plan_and_writes_nothing(sidera, night, tmp_path):
    before = contents(os.environ["SIDERA_MASTERS"])
    said = sidera("stack", night, "--dry-run")
    assert said.code == 0
    assert "This will take about" in said.out
    assert not list(tmp_path.iterdir())
    assert contents(os.environ["SIDERA_MASTERS"]) == before


def test_without_a_name_the_stack_is_called_after_the_folder(sidera, night, tmp_path):
    assert sidera("stack", night / "lights").code == 0
    assert (tmp_path / "lights_stack.fits").is_file()


WRONG = {
    "--set nonsense": (["--set", "foo=1"], "stage.setting=value"),
    "--set unknown": (["--set", "integration.rejecton=none"], "rejection"),
    "--set range": (["--set", "integration.kappa_low=-3"], "Reject below this many sigma"),
    "--keep": (["--keep", "0%"], "90%"),
    "--memory": (["--memory", "lots"], "800M"),
    "--bayer": (["--bayer", "XYZW"], "GRBG"),
    "--framing": (["--framing", "wide"], "intersection"),
    "--reference": (["--reference", "absent.fits"], "light_0001.fits"),
    "-o format": (["-o", "x.docx"], ".fits"),
    "--preview format": (["--preview", "x.docx"], ".fits"),
    "--recipe": (["--recipe", "absent.toml"], "TOML"),
    "--threads": (["--threads", "0"], "greater than or equal to 1"),
    "option": (["--colour"], "No such option"),
}


@pytest.mark.parametrize(("arguments", "cure"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_ends_with_2_and_says_what_would_be_right(sidera, night, tmp_path, arguments, cure):
    said = sidera("stack", night, *arguments)
    assert said.code == 2
    assert cure in said.err
    assert "Traceback" not in said.err
    assert not list(tmp_path.iterdir())


def test_nothing_to_stack_is_4(sidera, night, tmp_path):
    (tmp_path / "empty").mkdir()
    assert sidera("stack", "empty").code == 4
    said = sidera("stack", night / "darks")
    assert said.code == 4
    assert "only 3 darks" in said.err
    assert sidera("stack").code == 2


def test_unreadable_and_unwritable_places_are_5(sidera, night):
    assert sidera("stack", "nowhere").code == 5
    said = sidera("stack", night, "-o", "nowhere/m31.fits")
    assert said.code == 5
    assert "nowhere does not exist" in said.err
    assert sidera("info", night / "truth.json").code == 5


def test_too_little_memory_is_6_and_names_what_is_needed(sidera, night):
    said = sidera("stack", night, "--memory", "10M")
    assert said.code == 6
    assert re.search(r"--memory \d+M", said.err)


def test_too_little_disk_is_6_before_any_work(sidera, night, monkeypatch, tmp_path):
    full = namedtuple("full", "total used free")(10**9, 10**9 - 5, 5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    said = sidera("stack", night, "-o", "m31.fits")
    assert said.code == 6
    assert "bytes)" in said.err
    assert "measuring" not in said.err
    assert not list(tmp_path.iterdir())


def test_no_output_goes_over_a_source_frame(sidera, night, tmp_path):
    light = night / "lights" / "light_0001.fits"
    before = contents(night)
    (tmp_path / "alias.fits").symlink_to(light)
    for options in (["-o", light], ["-o", "alias.fits"], ["-o", "s.fits", "--report", light]):
        said = sidera("stack", night, *options)
        assert said.code == 2
        assert "source frames" in said.err
    assert contents(night) == before


def test_a_result_beside_the_frames_takes_no_part_and_may_be_written_again(sidera, tmp_path):
    home = small_night(tmp_path / "night", frames=3)
    again = ["stack", home, "-o", home / "lights" / "m31.fits", "--preview", home / "lights" / "m31.png"]
    assert sidera(*again).code == 0
    said = sidera(*again)
    assert said.code == 0
    assert "Found 3 lights" in said.out
    assert "already_stacked" in said.out
    assert "Passed over 1 picture beside raw frames." in said.out


def test_strict_ends_with_3_when_a_frame_was_refused(sidera, tmp_path):
    home = small_night(tmp_path / "night", frames=3)
    (home / "lights" / "cut.fits").write_bytes((home / "lights" / "light_0001.fits").read_bytes()[:9000])
    assert sidera("stack", home, "-o", "s.fits").code == 0
    said = sidera("stack", home, "-o", "s.fits", "--strict")
    assert said.code == 3
    assert "cut.fits" in said.out
    assert sidera("stack", home, "-o", "s.fits", "--strict", "--exclude", "cut*").code == 0


def used(path="s_report.json"):
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    return [one for one in told["frames"] if one["kind"] == "light" and one["verdict"] == "used"], told


def test_exclude_keep_reference_and_bayer_do_as_they_say(sidera, night):
    assert sidera("stack", night, "-o", "s.fits", "--exclude", "*_0002*").code == 0
    assert len(used()[0]) == 5
    assert sidera("stack", night, "-o", "s.fits", "--keep", "50%").code == 0
    assert len(used()[0]) == 3
    said = sidera("stack", night, "-o", "s.fits", "--reference", "light_0003.fits", "--bayer", "none")
    assert said.code == 0
    assert used()[1]["stack"]["reference"] == "light_0003.fits"
    assert used()[1]["stack"]["channels"] == 1


def test_framings_are_nested(sidera, night):
    sizes = []
    for framing in ("intersection", "reference", "union"):
        assert sidera("stack", night, "-o", "s.fits", "--framing", framing).code == 0
        header = fits.getheader("s.fits")
        sizes.append((header["NAXIS1"], header["NAXIS2"]))
    assert sizes[0] < sizes[1] == (300, 240) < sizes[2]


def test_a_saved_recipe_and_set_reach_the_run(sidera, night, tmp_path):
    said = sidera("recipe", "--toml")
    assert said.code == 0
    (tmp_path / "mine.toml").write_text(said.out.replace('"hybrid"', '"winsorized"'), encoding="utf-8")
    options = ["--recipe", "mine.toml", "--set", "integration.kappa_high=2.5"]
    assert sidera("stack", night, "-o", "s.fits", *options).code == 0
    told = used()[1]["recipe"]["integration"]
    assert (told["rejection"], told["kappa_high"]) == ("winsorized", 2.5)
    assert 'rejection = "winsorized"' in str(fits.getheader("s.fits")["HISTORY"])


def test_masters_are_built_once_and_listed(sidera, night, tmp_path):
    said = sidera("masters", night, "--masters", "kept")
    assert said.code == 0
    first = contents(tmp_path / "kept")
    assert len(first) == 3
    assert sidera("masters", night, "--masters", "kept").code == 0
    assert contents(tmp_path / "kept") == first
    listed = sidera("masters", "--masters", "kept").out
    assert [listed.count(f"\n{kind}") for kind in ("bias", "dark", "flat")] == [1, 1, 1]


def test_ctrl_c_stops_cleanly_and_keeps_the_masters(sidera, night, tmp_path, monkeypatch):
    show = report.Terminal.__call__

    def interrupted(terminal, event):
        show(terminal, event)
        if event.stage == "combine":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(report.Terminal, "__call__", interrupted)
    said = sidera("stack", night, "-o", "m31.fits", "--masters", "kept")
    assert said.code == 130
    assert "nothing is left half-written" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert len(contents(tmp_path / "kept")) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_measure_and_info_speak_json(sidera, night):
    told = json.loads(sidera("measure", night / "lights", "--json").out)
    assert len(told["frames"]) == 6
    assert all(one["stars"] > 20 and 2 < one["fwhm"] < 4 for one in told["frames"])
    told = json.loads(sidera("info", night / "lights" / "light_0001.fits", "--json", "--cards").out)
    assert told["frames"][0]["exposure"] == 120
    assert told["frames"][0]["sources"]["exposure"] == "EXPTIME"
    assert any(card[0] == "EGAIN" for card in told["frames"][0]["cards"])


def test_measure_and_info_are_readable(sidera, night):
    assert "FWHM px" in sidera("measure", night / "lights").out
    said = sidera("info", night / "lights" / "light_0001.fits").out
    assert "exposure (s)" in said
    assert "None" not in said


def test_simulate_makes_a_night_and_leaves_others_alone(sidera, tmp_path):
    small = ["--frames", "2", "--size", "64x48", "--calibration", "1", "--bayer", "none"]
    assert sidera("simulate", "night", *small).code == 0
    assert len(list((tmp_path / "night").rglob("*.fits"))) == 5
    assert sidera("simulate", "night", *small).code == 2
    assert sidera("simulate", "other", "--size", "big").code == 2


@pytest.mark.parametrize("command", ["stack", "measure", "info", "masters", "simulate", "recipe"])
def test_help_teaches_by_example(sidera, command):
    said = sidera(command, "--help")
    assert said.code == 0
    assert f"sidera {command}" in said.out.replace("Usage: ", "", 1).split("\n", 3)[3]


def test_python_m_sidera_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "sidera", "recipe"], capture_output=True, text=True, check=True
    )
    assert "integration.rejection" in done.stdout


def test_a_hostile_header_writes_no_escape_codes_on_the_terminal(sidera, tmp_path):
    path = frame(tmp_path / "light_[red]x.fits", [[1, 2], [3, 4]], OBJECT="[bold]M31[/bold]")
    data = path.read_bytes().replace(b"[bold]M31[/bold]", b"\x1b[31mM31\x07[/bol].")
    path.write_bytes(data)
    said = sidera("info", path.parent)
    assert said.code == 0
    assert "\x1b" not in said.out + said.err
    assert "\x07" not in said.out + said.err
