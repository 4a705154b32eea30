"""Frames that do not belong: measured from pixels, offered to registration, and refused every time."""

import numpy as np
import pytest
from astropy.io import fits

from sidera.errors import FrameError, Refusal
from sidera.model.settings import RegistrationSettings
from sidera.pipeline.measure import Light, measure
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import scan
from sidera.registration.solve import solve
from sidera.simulate.camera import simulated_light
from sidera.simulate.night import NightSettings

WIDTH, HEIGHT = 320, 240
FIELD = NightSettings(
    frames=2,
    size=(WIDTH, HEIGHT),
    bayer="none",
    stars=40,
    faintest_snr=20.0,
    saturated=0,
    nebula=False,
    trails=0,
    cosmic_rays=20,
    maximum_shift=10,
    seed=1,
)
SEEDS = [
    pytest.param(range(first, first + 20), marks=[pytest.mark.nightly] if first else [], id=f"from {first}")
    for first in range(0, 200, 20)
]
REFUSED = {Refusal.NO_MATCH, Refusal.TOO_FEW_STARS, Refusal.POOR_FIT}


def changed(**values):
    return NightSettings(**{name: getattr(FIELD, name) for name in FIELD.__struct_fields__} | values)


def stars_of(folder, pixels):
    """What the run would measure on a frame of these pixels."""
    path = folder / "light.fits"
    fits.PrimaryHDU(pixels).writeto(path, overwrite=True)
    (found,) = scan([folder]).found
    with Readers() as readers:
        return measure(Light.of(found, Recipe()), readers, Recipe()).stars


def refusal_of(reference, frame):
    with pytest.raises(FrameError) as caught:
        solve(
            reference,
            frame,
            RegistrationSettings(),
            shape_reference=(HEIGHT, WIDTH),
            shape_frame=(HEIGHT, WIDTH),
        )
    return caught.value.code


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return stars_of(tmp_path_factory.mktemp("reference"), simulated_light(FIELD, 0))


def test_a_frame_of_the_same_field_is_taken(reference, tmp_path):
    stars = stars_of(tmp_path, simulated_light(FIELD, 1))
    assert solve(reference, stars, shape_reference=(HEIGHT, WIDTH), shape_frame=(HEIGHT, WIDTH)).inliers > 15


@pytest.mark.parametrize("seeds", SEEDS)
def test_another_field_is_refused_every_time(reference, tmp_path, seeds):
    for seed in seeds:
        stars = stars_of(tmp_path, simulated_light(changed(seed=1000 + seed), 0))
        assert len(stars) > 15
        assert refusal_of(reference, stars) in REFUSED


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_starless_frame_is_refused_every_time(reference, tmp_path, seeds):
    for seed in seeds:
        stars = stars_of(tmp_path, simulated_light(changed(seed=1000 + seed, stars=0), 0))
        assert refusal_of(reference, stars) in REFUSED


@pytest.mark.parametrize("seeds", SEEDS)
def test_pure_noise_is_refused_every_time(reference, tmp_path, seeds):
    for seed in seeds:
        noise = np.random.default_rng(seed).normal(1000, 30, (HEIGHT, WIDTH))
        stars = stars_of(tmp_path, np.rint(noise).astype(np.uint16))
        assert refusal_of(reference, stars) in REFUSED
