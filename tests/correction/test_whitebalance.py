"""White balance from stars: the camera's colours are found from the field alone."""

import numpy as np
import pytest

from sidera.correction.whitebalance import TEMPERATURES, locus, manual_balance, star_balance, white_balance
from sidera.errors import ShapeError, UsageError
from sidera.model.finishing import WhiteBalanceSettings


def stars(count, camera, seed=1, outliers=0.1, scatter=0.05):
    """Fluxes of stars of usual temperatures through a camera that sees red and blue so strongly."""
    rng = np.random.default_rng(seed)
    colours = locus(1e6 / np.clip(rng.normal(185, 45, count), 90, 330)) + rng.normal(0, scatter, (count, 2))
    odd = int(outliers * count)
    colours[:odd] += rng.normal(0, 1, (odd, 2))
    flux = 10 ** rng.uniform(2, 5, count)[:, None]
    return flux * np.column_stack(
        [camera[0] * np.exp(colours[:, 0]), np.ones(count), camera[1] * np.exp(colours[:, 1])]
    )


@pytest.mark.parametrize("camera", [(1.0, 1.0), (0.6, 0.8), (0.5, 0.4)])
def test_a_camera_s_colours_are_found_to_a_few_percent(camera):
    balance = star_balance(stars(300, camera))
    white = np.exp(-locus(np.array([5800.0]))[0])
    assert balance.factors[0] == pytest.approx(white[0] / camera[0], rel=0.03)
    assert balance.factors[2] == pytest.approx(white[1] / camera[1], rel=0.05)
    assert balance.factors[1] == 1
    assert balance.stars > 240


def test_the_star_that_is_to_be_white_becomes_white():
    for kelvin in (4000.0, 9000.0):
        balance = star_balance(stars(200, (1.0, 1.0)), WhiteBalanceSettings(white=kelvin))
        light = np.exp(locus(np.array([kelvin]))[0]) * np.array(balance.factors)[[0, 2]]
        np.testing.assert_allclose(light, 1, rtol=0.08)


def test_hotter_bodies_are_bluer_and_less_red():
    table = locus()
    assert (np.diff(TEMPERATURES) < 0).all()
    assert (np.diff(table[:, 0]) > 0).all()
    assert (np.diff(table[:, 1]) < 0).all()
    assert len(table) == 20


def test_planck_s_law_gives_the_slope_that_it_has_for_hot_bodies():
    # Rayleigh-Jeans: photons as wavelength^-3, whatever the temperature
    hot, hotter = locus(np.array([1e7, 1e8]))
    np.testing.assert_allclose(hot, hotter, atol=1e-3)
    assert hot[0] == pytest.approx(np.log((535 / 610) ** 3), abs=0.06)


@pytest.mark.parametrize("count", [0, 1, 24])
def test_too_few_stars_leave_the_colours_alone_and_say_so(count):
    balance = star_balance(stars(count, (0.5, 0.5), outliers=0))
    assert balance.factors == (1, 1, 1)
    assert f"{count} stars" in balance.reason
    assert "25" in balance.reason


def test_stars_without_light_in_a_colour_do_not_count():
    fluxes = stars(60, (0.6, 0.8), outliers=0)
    spoilt = np.concatenate([fluxes, -fluxes, np.full((9, 3), np.nan)])
    assert star_balance(spoilt) == star_balance(fluxes)
    with pytest.raises(ShapeError):
        star_balance(np.ones((9, 2)))


def test_no_camera_needs_a_factor_of_ten():
    balance = star_balance(stars(100, (0.05, 1.0)))
    assert balance.method == "none"
    assert balance.factors == (1, 1, 1)
    assert "red" in balance.reason


def test_light_is_scaled_and_the_sky_stays():
    image = np.full((3, 2, 2), 100.0, np.float32)
    image[:, 0, 0] = 150
    image[:, 1, 1] = np.nan
    balance = manual_balance(WhiteBalanceSettings(method="manual", red=2.0, blue=0.5))
    done = white_balance(image, balance, (100.0, 100.0, 100.0))
    np.testing.assert_allclose(done[:, 0, 0], [200, 150, 125])
    np.testing.assert_allclose(done[:, 0, 1], 100)
    assert np.isnan(done[:, 1, 1]).all()
    np.testing.assert_array_equal(white_balance(image[0], balance, (100.0,)), image[0])


def test_no_factor_may_take_all_light():
    bad = manual_balance(WhiteBalanceSettings(method="manual", red=-1.0))
    with pytest.raises(UsageError):
        white_balance(np.ones((3, 2, 2), np.float32), bad, (0.0, 0.0, 0.0))
