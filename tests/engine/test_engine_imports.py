"""Threads of the engine load modules at once: one opens a picture while another begins a run."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import importlib, sys, threading
sys.setswitchinterval(1e-6)
names = ["calibrate", "coverage", "decode", "demosaic", "detect", "filter", "sky", "surface", "warp"]
def load(half):
    for name in half:
        importlib.import_module(f"sidera.kernels.{name}")
threads = [threading.Thread(target=load, args=(half,)) for half in (names[::2], names[1::2])]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
import numba
from numba.core import config
folders = set()
for name in names:
    for value in vars(sys.modules[f"sidera.kernels.{name}"]).values():
        if isinstance(value, numba.core.dispatcher.Dispatcher):
            folders.add(value.stats.cache_path or "none")
print(*sorted(folders), sep="\\n")
assert config.CACHE_DIR == "", config.CACHE_DIR
"""


def test_kernels_loaded_by_two_threads_are_kept_in_the_private_folder(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "LOCALAPPDATA": str(tmp_path / "cache")}
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=environment,
        )
        assert ran.returncode == 0, ran.stderr
        folders = ran.stdout.split("\n")[:-1]
        assert folders
        assert all("kernels-" in folder for folder in folders), folders


ALL_AT_ONCE = """
import sys, threading
from sidera.engine.engine import FILES, JOBS, LOOK, PROJECTS, found
sys.setswitchinterval(1e-5)
places = [*LOOK.values(), *FILES.values(), *PROJECTS.values(), *(place for place, _ in JOBS.values())]
failures, turn = [], int(sys.argv[1])
def load(place):
    try:
        found(place)
    except ImportError as error:
        failures.append(f"{place}: {error}")
threads = [threading.Thread(target=load, args=(place,)) for place in places[turn:] + places[:turn]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(threads) > 20 and not failures, failures
"""


@pytest.mark.parametrize("turn", range(0, 25, 4))
def test_commands_that_begin_at_once_each_find_their_modules_whole(turn):
    ran = subprocess.run(
        [sys.executable, "-c", ALL_AT_ONCE, str(turn)], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
