"""Compiling beforehand."""

import os
import subprocess
import sys
import threading
import time

import pytest

from sidera.errors import Cancelled
from sidera.pipeline import warm as module
from sidera.pipeline.progress import Progress
from sidera.pipeline.warm import warm
from smallnight import small_night

MISSES = """
import importlib, pkgutil, sys
import sidera.kernels
from numba.core.registry import CPUDispatcher

def kernels():
    for found in pkgutil.iter_modules(sidera.kernels.__path__):
        home = importlib.import_module(f"sidera.kernels.{found.name}")
        for name, one in vars(home).items():
            if isinstance(one, CPUDispatcher) and one.__module__ == home.__name__:
                yield f"{found.name}.{name}", one
"""
STACK = (
    MISSES
    + """
from sidera.cli.main import run
sys.argv = ["sidera", "stack", *sys.argv[1:]]
code = run()
missed = [name for name, one in kernels() if one.stats.cache_misses]
used = [name for name, one in kernels() if one.stats.cache_hits]
assert code == 0 and len(used) > 40, (code, used)
print("compiled:", *missed)
"""
)
WARM = (
    MISSES
    + """
from sidera.pipeline.warm import warm
assert warm()
from sidera.kernels import _jit
kept = {path.name.partition("-")[0] for path in _jit.CACHE.rglob("*.nbi")}
print("left:", *(name for name, one in kernels() if name not in kept))
"""
)


def last_line(code, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.timeout(1800)  # where nothing is compiled yet, and other tests compile beside it
@pytest.mark.parametrize("bayer", ["GBRG", "none"])
def test_after_warming_a_run_compiles_nothing(tmp_path, bayer):
    warm()
    night = small_night(tmp_path / "night", bayer=bayer)
    folders = {"SIDERA_STORE": str(tmp_path / "store"), "SIDERA_MASTERS": str(tmp_path / "masters")}
    output = ("-o", tmp_path / "m31.fits", "--preview", tmp_path / "m31.png")
    assert last_line(STACK, night, *output, **folders) == "compiled:"


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_warming_leaves_no_kernel_out(tmp_path):
    left = last_line(WARM, NUMBA_CACHE_DIR=str(tmp_path)).split()[1:]
    assert set(left) <= {"clip.clipped"}  # only its tests call it


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Times at which something was compiled, into a folder of this test's own."""
    times = []

    def compile_all(progress):
        times.append(time.monotonic())
        time.sleep(0.3)

    monkeypatch.setattr(module, "warm_mark", lambda: tmp_path / "warm-test")
    monkeypatch.setattr(module, "sweep", lambda: None)
    monkeypatch.setattr(module, "_run_everything", compile_all)
    return times


def test_of_two_that_ask_at_once_one_compiles_and_the_other_waits(compiled):
    answers = []
    both = [threading.Thread(target=lambda: answers.append(warm())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(answers) == [False, True]
    assert len(compiled) == 1
    assert not warm()


def test_who_waits_for_another_can_be_stopped(compiled, tmp_path):
    progress = Progress()
    progress.cancel()
    with module._alone(tmp_path / "warm.lock", Progress()), pytest.raises(Cancelled):
        warm(progress)
    assert not compiled


def test_a_warming_that_was_stopped_is_done_again(compiled, tmp_path, monkeypatch):
    def stopped(progress):
        raise Cancelled("cancelled", "")

    monkeypatch.setattr(module, "_run_everything", stopped)
    with pytest.raises(Cancelled):
        warm()
    assert not (tmp_path / "warm-test").exists()


def test_without_a_folder_for_compiled_code_there_is_nothing_to_warm(monkeypatch):
    monkeypatch.setattr(module, "warm_mark", lambda: None)
    assert not warm()


def test_work_aside_tells_its_own_share_and_stops_with_the_run():
    told = []
    run = Progress(told.append)
    aside = run.aside()
    aside.stage("compile", 2)
    aside.step()
    run.stage("scan", 1)
    assert [event.overall for event in told] == [0.0, 0.5, 0.0]
    run.cancel()
    with pytest.raises(Cancelled):
        aside.step()
