"""Measurements in, decisions out."""

import numpy as np
import pytest

from sidera.calibration.apply import calibrator
from sidera.detection.sky import Sky
from sidera.errors import NothingToStackError, Refusal, UsageError
from sidera.model.frame import Figures, FrameId
from sidera.model.header import Bayer, Header
from sidera.model.stars import Stars
from sidera.pipeline.decide import Measured, Placed, place, register, star_gains
from sidera.pipeline.measure import Light, Measurement
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe

ROWS, COLUMNS = 600, 800
SKY = 500.0


def field(seed, count=60):
    """Places and fluxes of stars, brightest first."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(60, [COLUMNS - 60, ROWS - 60], (count, 2))
    return places, 1e5 * np.arange(1, count + 1) ** -0.8


def light(name, places, fluxes, *, scale=1.0, fwhm=2.5, noise=5.0, sky=SKY, channels=1):
    """A measured light that shows these stars."""
    count = len(places)
    flux = scale * np.asarray(fluxes)
    snr = flux / 50.0
    width = np.full(count, fwhm)
    no = np.zeros(count, np.bool_)
    stars = Stars(
        places[:, 0], places[:, 1], flux, flux / 10, snr, width, width / 2, 0 * snr, 0 * snr, 1 / snr, no
    )
    mesh = np.full((10, 13), sky, np.float32)
    skies = (Sky(mesh, np.full_like(mesh, noise), (ROWS, COLUMNS)),) * channels
    figures = Figures(
        stars=count,
        sky=(sky,) * channels,
        noise=(noise,) * channels,
        fwhm=fwhm,
        hfr=fwhm / 2,
        eccentricity=0.2,
        snr=60.0,
    )
    header = Header(width=COLUMNS, height=ROWS, bayer=Bayer.RGGB if channels == 3 else None)
    plain = Light(FrameId(f"/n/{name}.fits"), header, header.bayer, calibrator((ROWS, COLUMNS)), False)
    colours = np.repeat(flux[:, None], channels, axis=1)
    return Measured(plain, Measurement(stars, skies, colours, figures, np.zeros((2, 2), np.float32)))


def turned(places, degrees, shift=(0.0, 0.0)):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = np.array([COLUMNS / 2, ROWS / 2])
    return (places - middle) @ np.array([[c, s], [-s, c]]) + middle + shift


RECIPE = Recipe()


def onto(*lights, recipe=RECIPE):
    return register(lights, recipe, Progress())


def placed(*lights, recipe=RECIPE):
    found = onto(*lights, recipe=recipe)
    members = [
        Placed(lights[index].light, lights[index].found, one) for index, one in found.solutions.items()
    ]
    return place(members, found.reference, recipe)


@pytest.fixture
def night():
    places, fluxes = field(1)
    return [
        light("soft", turned(places, 1.0, (7, -4)), fluxes, fwhm=3.5),
        light("sharp", places, fluxes, fwhm=2.2),
        light("flipped", turned(places, 180.0), fluxes),
    ]


def test_the_sharpest_frame_is_the_reference_and_stays_where_it_is(night):
    found = onto(*night)
    assert found.reference.light.id.path == "/n/sharp.fits"
    assert not found.refused
    x, y = found.solutions[1].transform.apply(np.array([10.5]), np.array([20.25]))
    assert (x[0], y[0]) == (10.5, 20.25)
    assert abs(abs(found.solutions[2].transform.rotation) - 180) < 0.01


def test_a_reference_given_by_name_is_taken(night):
    recipe = RECIPE.with_settings(["registration.reference=flipped.fits"])
    assert onto(*night, recipe=recipe).reference.light.id.path == "/n/flipped.fits"
    with pytest.raises(UsageError, match="not among the 3 lights"):
        onto(*night, recipe=RECIPE.with_settings(["registration.reference=absent"]))


def test_a_foreign_field_is_refused_and_the_others_go_on(night):
    found = onto(*night, light("foreign", *field(99)))
    assert len(found.solutions) == 3
    assert [(one.id.path, one.code) for one in found.refused] == [("/n/foreign.fits", Refusal.NO_MATCH)]


def test_a_foreign_frame_that_looks_best_does_not_become_the_reference_of_nobody(night):
    places, fluxes = field(99, count=90)
    found = onto(light("foreign", places, fluxes, fwhm=1.8), *night)
    assert found.reference.light.id.path == "/n/sharp.fits"
    assert [one.id.path for one in found.refused] == ["/n/foreign.fits"]


def test_scale_and_sky_bring_every_light_to_the_reference(night):
    places, fluxes = field(1)
    hazy = light("hazy", places, fluxes, scale=0.8, sky=650.0)
    kept, refused = placed(*night, hazy)
    assert not refused
    one = next(one for one in kept if one.light.id.path == "/n/hazy.fits")
    assert one.scale.value == pytest.approx(1.25, rel=1e-3)
    x, y = np.array([100.0, 700.0]), np.array([80.0, 500.0])
    # the reference's sky = scale × its own sky + surface
    assert 1.25 * 650.0 + one.surfaces[0].evaluate(x, y) == pytest.approx(SKY, abs=1.0)


def test_a_noisy_hazy_light_weighs_less_and_a_hopeless_one_is_refused(night):
    places, fluxes = field(1)
    poor = light("poor", places, fluxes, noise=10.0)
    hopeless = light("hopeless", places, fluxes, scale=0.2, noise=25.0)
    kept, refused = placed(*night, poor, hopeless)
    weights = {one.light.id.path: one.weight for one in kept}
    assert weights["/n/poor.fits"] < 0.5 * weights["/n/sharp.fits"]
    assert [(one.id.path, one.code) for one in refused] == [("/n/hopeless.fits", Refusal.POOR_QUALITY)]
    assert "FWHM" in refused[0].reason


def test_keep_leaves_the_best_and_says_so(night):
    kept, refused = placed(*night, recipe=RECIPE.with_settings(["integration.keep=0.34"]))
    assert len(kept) < 3
    assert len(kept) + len(refused) == 3
    assert all("best 34 %" in one.reason and "--keep" in one.cure for one in refused)


def test_nothing_is_placed_of_nothing(night):
    with pytest.raises(NothingToStackError):
        place([], night[0], RECIPE)
    places, fluxes = field(1)
    with pytest.raises(NothingToStackError):
        onto(light("empty", places[:0], fluxes[:0]))


def test_gains_make_the_mean_star_neutral():
    places, fluxes = field(1)
    one = light("colour", places, fluxes, channels=3)
    coloured = one.found.fluxes * np.array([0.5, 1.0, 0.8])
    found = Measurement(one.found.stars, one.found.skies, coloured, one.found.figures, one.found.thumbnail)
    (member,) = placed(Measured(one.light, found))[0]
    assert star_gains([member]) == pytest.approx((2.0, 1.0, 1.25))
    assert star_gains([]) == (1.0, 1.0, 1.0)
