"""The same night gives the same bits, whoever does the work and in whatever order files are found."""

import numpy as np
import pytest

from sidera.pipeline.simulate import NightSettings, simulate_night
from simulated import stacked

MAPS = ("image", "noise", "weight", "coverage", "rejected_low", "rejected_high")
NIGHT = {
    "frames": 6,
    "size": (400, 300),
    "stars": 120,
    "faintest_snr": 20.0,
    "maximum_shift": 10,
    "trails": 2,
}
CALIBRATION = {"darks": 4, "flats": 4, "biases": 4}


@pytest.fixture(scope="module", params=["none", "RGGB"])
def night(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("night") / "night"
    simulate_night(folder, NightSettings(bayer=request.param, flipped=2, **NIGHT, **CALIBRATION))
    return folder


def require_the_same(one, other):
    for name in MAPS:
        np.testing.assert_array_equal(getattr(one.stack, name), getattr(other.stack, name), err_msg=name)
    for half, same in zip(one.stack.halves, other.stack.halves, strict=True):
        np.testing.assert_array_equal(half, same)


def test_one_two_and_four_threads_give_the_same_bits(night):
    alone = stacked(night, "integration.halves=true", threads=1)
    for threads in (2, 4):
        require_the_same(alone, stacked(night, "integration.halves=true", threads=threads))


def test_the_order_in_which_files_are_given_does_not_matter(night):
    lights = sorted((night / "lights").iterdir())
    sources = {name: sorted((night / name).iterdir()) for name in ("darks", "flats", "biases")}
    shuffled = {name: files[::-1] for name, files in sources.items()}
    first = stacked(lights, "integration.halves=true", **sources)
    second = stacked([lights[i] for i in (3, 0, 5, 1, 4, 2)], "integration.halves=true", **shuffled)
    require_the_same(first, second)
