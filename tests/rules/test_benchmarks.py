"""The benchmarks themselves: what they measure is true, and their scripts run. How fast anything is, is no test."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
STAGES = sorted(path.stem for path in BENCHMARKS.glob("bench_*.py"))
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only /proc tells")


@pytest.fixture(autouse=True)
def at_hand(monkeypatch, tmp_path):
    """Benchmarks can be imported, and keep what they keep in a folder of the test's own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("SIDERA_BENCHMARKS", str(tmp_path / "cache"))


def script(name, *arguments):
    """Run one of the scripts as a user does; returns what it printed."""
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def measured(code, **options):
    """Cost of a little Python program."""
    from measured import measure

    return measure([sys.executable, "-c", code], **options)


def tiny(**changes):
    """Settings of a night that is simulated in a moment."""
    from night import settings_of

    values = {"stars": 60, "saturated": 0, "nebula": False, "biases": 1, "darks": 1, "flats": 1} | changes
    return settings_of(values.pop("size", (300, 200)), 3, **values)


@pytest.mark.parametrize("portable", [False, True])
def test_the_memory_of_a_childs_child_is_counted(portable):
    inner = "import time; held = bytearray(60_000_000); time.sleep(0.8)"
    outer = "import subprocess, sys; held = bytearray(90_000_000); subprocess.run([sys.executable, '-c', sys.argv[1]])"
    from measured import measure

    cost = measure([sys.executable, "-c", outer, inner], portable=portable)
    assert cost.code == 0
    assert cost.processes >= 2
    assert 150e6 < cost.memory < 250e6


def test_the_work_of_a_childs_child_is_counted():
    work = "import os, subprocess, sys\nwhile os.times().user < 0.5: pass\n"
    both = work + "sys.argv[1:] and subprocess.run([sys.executable, '-c', sys.argv[1]])"
    from measured import measure

    assert measure([sys.executable, "-c", both, work]).user >= 1.0


@pytest.mark.parametrize("portable", [False, True])
def test_the_most_files_that_were_open_are_counted(portable):
    code = "import os, time; held = [open(os.devnull) for _ in range({})]; time.sleep(0.5)"
    assert measured(code.format(0), portable=portable).open_files < 20
    assert 60 < measured(code.format(60), portable=portable).open_files < 80


@ON_LINUX
def test_bytes_written_count_though_the_file_was_deleted_again(tmp_path):
    code = "import os; open('night', 'wb').write(bytes(20_000_000)); os.remove('night')"
    count = Path("/proc/self/io").read_text
    before = count()
    (tmp_path / "probe").write_bytes(bytes(1 << 20))
    if re.search(r"\nwrite_bytes: \d+", before)[0] in count():
        pytest.skip("this file system lies in memory, where nothing is counted as written")
    assert measured(code, folder=tmp_path).bytes_written >= 20_000_000


@ON_LINUX
def test_mapped_files_are_told_apart_from_memory(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(50_000_000))
    code = (
        "import mmap, time; file = open('raw', 'rb'); seen = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ);"
        "sum(seen[::4096]); time.sleep(0.5)"
    )
    cost = measured(code, folder=tmp_path)
    assert cost.file_pages >= 50e6
    assert cost.memory < 40e6


def test_a_failing_command_is_told_by_its_code(tmp_path):
    cost = measured("print('the dome is shut'); raise SystemExit(7)", log=tmp_path / "log")
    assert cost.code == 7
    assert (tmp_path / "log").read_text().strip() == "the dome is shut"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_command_beyond_its_limit_is_ended():
    assert measured("import time; time.sleep(60)", limit=0.3).code == -9


def test_of_several_runs_the_medians_count():
    from measured import Cost, median

    runs = [Cost(0, user, 1.0, 2 * user, 10, None, 3, 4, 5, 1, "proc") for user in (9.0, 2.0, 4.0)]
    assert median(runs) == Cost(0, 4.0, 1.0, 8.0, 10, None, 3, 4, 5, 1, "proc")
    assert median(runs[:2]).user == 5.5


def test_a_night_is_made_once_and_its_truth_laid_aside():
    from night import night

    one = night("tiny", tiny())
    light = one.files("lights")[0]
    born = light.stat().st_mtime_ns
    again = night("tiny", tiny())
    assert again == one
    assert light.stat().st_mtime_ns == born
    assert sorted(path.name for path in one.folder.iterdir()) == ["biases", "darks", "flats", "lights"]
    assert len(one.truth().frames) == 3


def test_another_seed_is_another_night():
    from night import night

    assert night("tiny", tiny()).folder != night("tiny", tiny(seed=2)).folder


def test_half_a_night_is_never_taken_for_one(monkeypatch):
    import night

    def broken(folder, *_, **__):
        (folder / "lights").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(night, "simulate_night", broken)
        with pytest.raises(KeyboardInterrupt):
            night.night("tiny", tiny())
    assert len(night.night("tiny", tiny()).files("lights")) == 3
    assert not list(night.cache_folder().glob("making-*"))


def test_the_first_frames_of_a_night_come_with_its_calibration(tmp_path):
    from night import first, night

    part = first(night("tiny", tiny()), 2, tmp_path / "part")
    assert [path.name for path in part.files("lights")] == ["light_0001.fits", "light_0002.fits"]
    assert found_by_sidera(part.folder) == "Found 2 lights, 1 bias, 1 dark, 1 flat."


def test_a_night_of_ones_own_is_seen_whole_and_without_its_truth(tmp_path):
    from night import lent

    from sidera.pipeline.simulate import simulate_night

    simulate_night(tmp_path / "mine", tiny())
    one = lent(tmp_path / "mine", tmp_path / "lent")
    assert found_by_sidera(one.folder) == "Found 3 lights, 1 bias, 1 dark, 1 flat."
    assert not (one.folder / "truth.json").exists()
    assert len(one.truth().frames) == 3


def found_by_sidera(folder):
    """What Sidera says that it found in a folder."""
    from sidera.pipeline.plan import make_plan

    return make_plan([str(folder)], masters=folder / "none").summary()[0]


def perfect(truth, frame):
    """What a perfect stack of a night shows on a frame's grid, [channel, row, column] in ADU."""
    from truth import true_transforms

    from sidera.pipeline.expectation import expected_stack, kept_frames

    width, height = truth.settings.size
    transforms = true_transforms(truth, frame)
    kept = kept_frames(transforms, truth, truth.frames[frame].file, None)
    expected = expected_stack(truth, kept, (3, height, width), (0.0, 0.0))
    noise = np.random.default_rng(1).normal(0, 3, expected.light.shape)
    return (expected.light + expected.sky + noise).astype(np.float32)


def test_a_picture_of_any_brightness_is_laid_onto_its_frame(tmp_path):
    from truth import judge

    from sidera.simulate.draw import truth_of

    truth = truth_of(tiny(size=(640, 480), stars=120))
    fits.writeto(tmp_path / "peer.fits", perfect(truth, 1) / 65535)
    judged = judge(tmp_path / "peer.fits", truth)
    assert judged.reason is None
    assert judged.reference == truth.frames[1].file
    for channel in judged.channels:
        assert channel.false_pixels == 0
        assert abs(channel.fwhm_growth) < 2
        assert abs(channel.flux_bias) < 3


def test_a_picture_that_lies_elsewhere_gets_no_figures(tmp_path):
    from truth import judge

    from sidera.simulate.draw import truth_of

    truth = truth_of(tiny(size=(640, 480), stars=120))
    moved = np.roll(perfect(truth, 1), (40, 23), axis=(1, 2))
    fits.writeto(tmp_path / "moved.fits", moved)
    fits.writeto(tmp_path / "cropped.fits", moved[:, 5:, 5:])
    assert "miss" in judge(tmp_path / "moved.fits", truth).reason
    assert "grid" in judge(tmp_path / "cropped.fits", truth).reason


def test_peers_that_are_absent_are_said_so_and_the_rest_is_measured(tmp_path):
    text = script("peers", "--rehearsal", "--only", "sidera", "seiza", "--output", tmp_path)
    row = next(line for line in text.splitlines() if line.startswith("| sidera |"))
    assert row.split("|")[13].strip() == "6"
    assert "- seiza:" in text
    assert "absent: python3 dev.py bench peers --install" in text
    kept = json.loads(next(tmp_path.glob("peers-rehearsal-*.json")).read_text())
    (cost,) = kept["participants"][0]["runs"]
    assert cost["code"] == 0
    assert 0 < cost["wall"] < 280
    assert [channel["band"] for channel in kept["participants"][0]["truth"]["channels"]] == ["R", "G", "B"]
    assert str(tmp_path) not in json.dumps(kept) + text


def installed_peers(tmp_path):
    """Peers that this machine has, their environments lent to the test's own folder."""
    import night
    import participants

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIDERA_BENCHMARKS")
        kept = night.cache_folder() / "environments"
    (tmp_path / "cache").mkdir(exist_ok=True)
    if kept.is_dir():
        (tmp_path / "cache" / "environments").symlink_to(kept)
    everybody = [one for one in participants.everyone() if not one.name.startswith("sidera")]
    return [one.name for one in everybody if one.version() is not None]


@pytest.mark.parametrize("kind", ["colour", pytest.param("mono", marks=pytest.mark.nightly)])
def test_every_peer_that_is_here_makes_a_stack_of_the_night(kind, tmp_path):
    present = installed_peers(tmp_path)
    if not present:
        pytest.skip("neither siril-cli on the PATH nor seiza and ccdproc in their environments")
    text = script("peers", kind, "--rehearsal", "--only", *present, "--output", tmp_path)
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][2:]
    frames = {cells[1].strip(): int(cells[13]) for cells in rows}
    assert list(frames) == present
    assert min(frames.values()) >= 3  # of 6: astroalign draws lots, and leaves out a frame now and then
    assert "not compared with the truth" not in text


@pytest.mark.nightly
def test_scaling_shows_growth_and_open_files(tmp_path):
    text = script("scaling", "--frames", 3, 6, "--size", "300x200", "--output", tmp_path)
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [int(cells[0]) for cells in rows] == [3, 6]
    assert float(rows[1][3]) > 0
    assert re.search(r"Most files open: \d+ \(within 64\)", text)


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_prints_a_rate_and_its_limit(stage):
    head, *rows = script(stage, "--size", "256x192", "--repeats", 1).splitlines()
    assert head.split()[-2:] == ["x", "limit"]
    assert rows
    for row in rows:
        assert re.search(r"\d+\.\d (Mpx|Msamples|k stars)/s +\d+\.\d{4} +\d+\.\d$", row)


def test_all_stages_of_the_pipeline_have_a_benchmark():
    assert [name.removeprefix("bench_") for name in STAGES] == [
        "calibrate", "combine", "decode", "demosaic", "detect", "match", "warp",
    ]  # fmt: skip


def test_siril_is_told_the_rejection_of_the_comparison():
    for kind in ("colour", "mono"):
        lines = (BENCHMARKS / f"siril_{kind}.ssf").read_text(encoding="ascii").splitlines()
        stacked = [line.split() for line in lines if line.startswith("stack ")]
        assert len(stacked) == 4
        assert all(words[2:6] == ["rej", "w", "3", "3"] for words in stacked)


def test_the_readme_names_every_script():
    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    missing = [path.name for path in BENCHMARKS.glob("*.*") if path.suffix in (".py", ".ssf")]
    assert not [name for name in missing if name not in text]
