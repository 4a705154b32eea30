"""Two threads of the engine load the kernels at once: one opens a picture while the other begins a run."""

import os
import subprocess
import sys

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
