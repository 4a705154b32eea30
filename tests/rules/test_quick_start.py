"""What must answer at once may not load what is slow."""

import subprocess
import sys

import pytest

SLOW = ("numba", "scipy", "astropy", "rawpy", "numpy")


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running ``code``."""
    tail = "\nimport sys; sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("slow", SLOW)
def test_version_loads_nothing_slow(slow):
    loaded = modules_after(
        "import sys; sys.argv = ['sidera', '--version']\nfrom sidera.__main__ import main; main()"
    )
    assert slow not in loaded


def test_importing_sidera_loads_nothing_slow():
    assert not modules_after("import sidera") & set(SLOW)


def test_help_loads_no_numba():
    code = "import sys; sys.argv = ['sidera', 'stack', '--help']\nfrom sidera.__main__ import main; main()"
    assert not modules_after(code) & {"numba", "scipy", "astropy", "rawpy"}


def test_version_prints_the_version():
    done = subprocess.run(
        [sys.executable, "-m", "sidera", "--version"], capture_output=True, text=True, check=True
    )
    import sidera

    assert done.stdout.strip() == f"sidera {sidera.__version__}"
