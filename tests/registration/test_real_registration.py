"""Real nights: two telescopes, four filters, a foreign frame."""

from functools import cache

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import convolve

from real import DATA, needs_data
from sidera.detection.find import find_stars
from sidera.errors import FrameError, Refusal
from sidera.registration.solve import solve

pytestmark = [
    needs_data,
    pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning"),
]

M94 = "m94-smart-telescope"
NIGHT1 = f"{M94}/night1/Light_M 94_10.0s_IRCUT_20250326-212046.fit"


@cache
def seen(name, green=None):
    """Stars and size of a frame; of a mosaic, those on green interpolated. ``green`` is its parity."""
    image = fits.getdata(DATA / name).astype(np.float32)
    if green is not None:
        row, column = np.indices(image.shape)
        kernel = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
        image = convolve(np.where((row + column) % 2 == green, image, 0), kernel)
    return find_stars(image), image.shape


def solved(reference, frame, green=None):
    (here, shape_here), (there, shape_there) = seen(reference, green), seen(frame, green)
    return solve(here, there, shape_reference=shape_here, shape_frame=shape_there)


@pytest.mark.parametrize(
    ("name", "degrees"),
    [
        ("night1/Light_M 94_10.0s_IRCUT_20250326-212210.fit", 0.0),
        ("night2/Light_M 94_10.0s_IRCUT_20250327-014525.fit", 0.3),
        ("other-scope/Light_M 94_10.0s_IRCUT_20250409-225435.fit", -69.4),
        ("other-scope/Light_M 94_10.0s_IRCUT_20250409-225516.fit", -69.5),
        ("other-scope/Light_M 94_10.0s_IRCUT_20250409-225539.fit", -69.5),
    ],
)
def test_two_nights_and_a_second_telescope_are_one_stack(name, degrees):
    solution = solved(NIGHT1, f"{M94}/{name}", green=0)
    assert solution.transform.rotation == pytest.approx(degrees, abs=0.15)
    assert solution.transform.scale == pytest.approx(1, abs=0.003)
    assert solution.residual < 0.4


@pytest.mark.parametrize("name", ["L_15000ms_32", "R_15000ms_9", "G_15000ms_24", "B_15000ms_1"])
def test_all_filters_share_one_grid(name):
    solution = solved("m8-lrgb/lights/light_L_15000ms_13.fit", f"m8-lrgb/lights/light_{name}.fit")
    assert abs(solution.transform.rotation) < 1.1
    assert solution.residual < 0.25
    assert solution.inliers > 60


def test_the_foreign_frame_is_refused():
    with pytest.raises(FrameError) as caught:
        solved("m8-lrgb/lights/light_L_15000ms_13.fit", "m8-lrgb/lights/L_12.fit")
    assert caught.value.code in (Refusal.NO_MATCH, Refusal.TOO_FEW_STARS)


def test_field_rotation_is_followed():
    lights = sorted(path.name for path in (DATA / "arp145-mono/lights").iterdir())
    solution = solved(f"arp145-mono/lights/{lights[0]}", f"arp145-mono/lights/{lights[9]}")
    assert solution.transform.rotation == pytest.approx(-0.29, abs=0.03)
    assert solution.residual < 0.2
