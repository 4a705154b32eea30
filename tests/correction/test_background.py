"""Surfaces through the sky's cells are as stiff as they must be, and no stiffer."""

import numpy as np
import pytest

from sidera.correction.background import (
    Cells,
    count_terms,
    darkest,
    fit_polynomial,
    fit_spline,
    lattice,
    losses,
    simplest,
    surface,
    terms,
)


def cells(degree, seed=0, cloud=0.0, error=0.1):
    """Cells of a random polynomial sky; a cloud covers the middle 40 %."""
    rng = np.random.default_rng(seed)
    v, u = (axis.ravel() for axis in np.mgrid[-0.95:0.95:16j, -0.95:0.95:24j])
    level = terms(u, v, degree) @ rng.normal(0, 20, count_terms(degree)) + rng.normal(0, error, u.size)
    level += cloud * np.clip(1 - (u**2 + v**2) / 0.51, 0, None)
    whole = np.ones(u.size)
    return Cells(u, v, level[None], np.full((1, u.size), error), whole)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_a_polynomial_is_found_to_its_cells_errors(degree):
    sky = cells(degree)
    found = fit_polynomial(sky, 0, degree)
    assert np.std(sky.level[0] - found.at(sky.u, sky.v)) < 0.12


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_the_sky_s_own_degree_is_the_one_that_foretells_it(degree):
    sky = cells(degree, seed=degree)
    assert simplest([losses(sky, d) for d in range(5)]) == degree
    assert np.nanmedian(losses(sky, degree)) == pytest.approx(0.455, rel=0.5)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize("cloud", [3.0, 30.0, 300.0])
def test_the_darkest_cells_that_agree_lie_around_the_nebula(degree, cloud):
    sky = cells(degree, cloud=cloud)
    (start,) = darkest(sky, degree)
    outside = sky.u**2 + sky.v**2 > 0.51
    assert np.abs(sky.level[0] - start.at(sky.u, sky.v))[outside].max() < 0.6


def test_a_few_cells_of_nebula_do_not_move_a_fit():
    sky = cells(2)
    level = sky.level.copy()
    level[0, 100:130] += 50
    spoilt = Cells(sky.u, sky.v, level, sky.error, sky.share)
    difference = fit_polynomial(spoilt, 0, 2).at(sky.u, sky.v) - fit_polynomial(sky, 0, 2).at(sky.u, sky.v)
    assert np.abs(difference).max() < 0.1


def test_a_model_is_the_same_at_every_pixel_as_in_its_formula():
    sky = cells(4, error=1e-6)
    model = fit_polynomial(sky, 0, 4)
    image = surface(lattice(model, (300, 400)), (300, 400))
    u, v = np.meshgrid((np.arange(400) + 0.5) / 200 - 1, (np.arange(300) + 0.5) / 150 - 1)
    np.testing.assert_allclose(image, model.at(u, v), atol=0.01)


def test_a_spline_follows_what_no_polynomial_can_and_smoothing_holds_it_back():
    sky = cells(1, error=0.01)
    glow = 40 * np.exp(-((sky.u - 1) ** 2 + (sky.v + 1) ** 2) / 0.3)
    lit = Cells(sky.u, sky.v, sky.level + glow, np.full_like(sky.error, 5.0), sky.share)
    base = fit_polynomial(sky, 0, 1)
    missed = [
        np.std(lit.level[0] - fit_spline(lit, 0, smoothing, base).at(sky.u, sky.v))
        for smoothing in (0.0, 0.5, 1.0)
    ]
    assert missed[0] < 0.1
    assert missed[0] < missed[1] < missed[2]
