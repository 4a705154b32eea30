"""A run that is killed goes on where it was, and ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import sidera
from sidera.errors import UnwritableError
from sidera.io.fits_canvas import FitsCanvas, blank
from sidera.io.fits_writer import Unit
from sidera.pipeline import canvas
from sidera.pipeline.measure import Light, measure
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import scan
from sidera.pipeline.store import FolderStore, measurement_key, pack, unpack
from smallnight import small_night

KILLED = """
import os, signal, sys
import sidera
from sidera.pipeline import canvas
from sidera.pipeline.progress import Progress
canvas.PAUSE = 0.0
def listen(event):
    if event.stage == "combine" and event.done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
sidera.stack(sys.argv[1], output=sys.argv[2], threads=1, progress=Progress(listen))
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("resume") / "night", frames=4, size=(1100, 640))


@pytest.fixture(scope="module")
def uninterrupted(night, tmp_path_factory):
    target = tmp_path_factory.mktemp("whole") / "s.fits"
    sidera.stack(night, output=target)
    return target.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_goes_on_after_its_last_tile_and_ends_in_the_same_bits(night, uninterrupted, tmp_path):
    target = tmp_path / "s.fits"
    done = subprocess.run([sys.executable, "-c", KILLED, night, target, "4"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".sidera-part", ".journal"]
    notes = []
    sidera.stack(night, output=target, progress=Progress(lambda event: notes.append(event.note)))
    assert notes.count("done before") == 2  # the third tile was done, but not yet noted
    assert target.read_bytes() == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == ["s.fits"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_was_left_behind_damaged_is_made_anew(night, uninterrupted, tmp_path):
    target = tmp_path / "s.fits"
    subprocess.run([sys.executable, "-c", KILLED, night, target, "4"], check=False)
    part = next(tmp_path.glob(".*.sidera-part"))
    with part.open("r+b") as stream:
        stream.seek(20_000)
        stream.write(b"lost in a power cut")
    sidera.stack(night, output=target)
    assert target.read_bytes() == uninterrupted


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_at_twenty_random_moments(night, tmp_path):
    rng, target = random.Random(5), tmp_path / "s.fits"
    environment = {
        **os.environ,
        "SIDERA_STORE": str(tmp_path / "store"),
        "SIDERA_MASTERS": str(tmp_path / "m"),
    }
    started = time.monotonic()
    command = [sys.executable, "-m", "sidera", "stack", str(night), "-o", str(target)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    usual, uninterrupted = time.monotonic() - started, target.read_bytes()
    for _ in range(20):
        target.unlink(missing_ok=True)
        run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.0) * usual)
        run.kill()
        run.wait()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert target.read_bytes() == uninterrupted


def test_threads_and_memory_change_no_bit(night, uninterrupted, tmp_path):
    for threads, memory in ((1, 1 << 30), (2, 2 << 30), (4, 8 << 30)):
        sidera.stack(night, output=tmp_path / "s.fits", threads=threads, memory=memory)
        assert (tmp_path / "s.fits").read_bytes() == uninterrupted


def test_in_memory_and_in_a_file_are_the_same_stack(night, uninterrupted, tmp_path):
    sidera.stack(night).save(tmp_path / "s.fits")
    assert (tmp_path / "s.fits").read_bytes() == uninterrupted


def test_a_second_run_measures_no_frame_again(night, monkeypatch):
    sidera.stack(night)

    def never(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr("sidera.pipeline.run.measure", never)
    sidera.stack(night, recipe=Recipe().with_settings(["integration.rejection=sigma"]))


def test_a_measurement_comes_back_to_the_last_bit_and_a_damaged_one_not_at_all(night, tmp_path):
    frame = scan([night / "lights"]).found[0]
    light, store = Light.of(frame, Recipe()), FolderStore(tmp_path)
    with Readers() as readers:
        packed = pack(measure(light, readers, Recipe()))
    key = measurement_key(light, Recipe())
    store.put(key, packed)
    found = unpack(store.get(key))
    assert pack(found) == packed
    assert unpack(packed[:-9]) is None
    assert key != measurement_key(light, Recipe().with_settings(["detection.threshold=7"]))


def test_the_folder_of_measurements_stays_below_its_limit(tmp_path):
    store = FolderStore(tmp_path, limit=10_000)
    for number in range(12):
        store.put(f"{number:032x}", bytes(1000))
        os.utime(store._path(f"{number:032x}"), (number, number))
    store.tidy()
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) == 9000
    assert store.get(f"{0:032x}") is None
    assert store.get(f"{11:032x}") == bytes(1000)


def test_two_runs_never_write_one_file(tmp_path):
    units = [Unit(blank((4, 5), np.float32))]
    first = FitsCanvas(tmp_path / "s.fits", "abc", units)
    if sys.platform != "win32":  # a lock is the process's own there, and this is one process
        child = (
            "from sidera.io.fits_canvas import FitsCanvas, blank; from sidera.io.fits_writer import Unit\n"
            "import numpy as np, sys; FitsCanvas(sys.argv[1], 'abc', [Unit(blank((4, 5), np.float32))])"
        )
        other = subprocess.run(
            [sys.executable, "-c", child, tmp_path / "s.fits"], capture_output=True, text=True, check=False
        )
        assert UnwritableError.__name__ in other.stderr
        assert "another run is writing" in other.stderr
    first.arrays[0][:] = 7
    first.finish(units)
    assert np.all(first.mapped()[0] == 7)


def test_parts_of_other_recipes_are_swept(tmp_path):
    stale = tmp_path / ".s.fits.oldkey.sidera-part"
    stale.write_bytes(b"x")
    other = tmp_path / ".t.fits.oldkey.sidera-part"
    other.write_bytes(b"x")
    FitsCanvas(tmp_path / "s.fits", "abc", [Unit(blank((4, 5), np.float32))]).discard()
    assert [path.name for path in tmp_path.iterdir()] == [other.name]


def test_counts_take_the_smallest_type_that_fits():
    assert [np.dtype(canvas.count_type(n)).name for n in (255, 256, 32767, 40000)] == [
        "uint8",
        "int16",
        "int16",
        "int32",
    ]


def test_a_cancelled_run_leaves_nothing_behind(night, tmp_path):
    progress = Progress(lambda event: event.done == 3 and event.stage == "combine" and progress.cancel())
    with pytest.raises(sidera.errors.Cancelled):
        sidera.stack(night, output=tmp_path / "s.fits", progress=progress)
    assert list(Path(tmp_path).iterdir()) == []


def test_checksums_of_a_file_made_in_place_are_right(night, tmp_path):
    sidera.stack(night, output=tmp_path / "s.fits")
    with fits.open(tmp_path / "s.fits", checksum=True) as opened:  # warnings are errors here
        assert [len(hdu.data) > 0 for hdu in opened] == [True] * len(opened)
