import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidera.demosaic.conserve import SUPPORT, conserve_flux
from sidera.demosaic.demosaic import demosaic
from sidera.errors import ShapeError
from sidera.model.header import Bayer
from twins import demosaic as twin

patterns = st.sampled_from(list(Bayer))
levels = st.floats(-1000, 60000, width=32)


def colours_of(pattern, shape):
    return np.array([[pattern.colour(row, column) for column in range(shape[1])] for row in range(shape[0])])


def red_star(x, y, pattern, flux=(60000.0, 30000.0, 15000.0), fwhm=2.5):
    """What a camera of that pattern records of one red star on a level sky of 100."""
    rows, columns = np.mgrid[:40, :40]
    light = np.exp(-4 * np.log(2) * ((columns - x) ** 2 + (rows - y) ** 2) / fwhm**2)
    light /= light.sum()
    colour = np.choose(colours_of(pattern, light.shape), np.array(flux)[:, None, None] * light)
    return (100 + colour).astype(np.float32)


@given(st.data(), patterns)
def test_agrees_with_the_plain_twin(data, pattern):
    shape = data.draw(st.tuples(st.integers(3, 8), st.integers(3, 8)))
    cfa = data.draw(arrays(np.float32, shape, elements=levels))
    rgb = data.draw(arrays(np.float32, (3, *shape), elements=levels))
    expected = twin.conserve_flux(rgb, cfa, colours_of(pattern, shape))
    conserve_flux(rgb, cfa, pattern)
    np.testing.assert_allclose(rgb, expected, rtol=1e-5, atol=0.1)


@pytest.mark.parametrize("method", ["rcd", "vng"])
@pytest.mark.parametrize("pattern", list(Bayer))
def test_a_red_star_keeps_its_red_light(pattern, method):
    """Over phases; without the correction a red star loses over a tenth of what makes it red."""
    errors, before = [], []
    for phase in np.random.default_rng(4).uniform(-1, 1, (20, 2)):
        cfa = red_star(20 + phase[0], 20 + phase[1], pattern)
        rgb = demosaic(cfa, pattern, method)
        before.append((rgb[0] - 100).sum() / 60000 - 1)
        conserve_flux(rgb, cfa, pattern)
        errors.append((rgb[0] - 100).sum() / 60000 - 1)
    assert abs(np.mean(errors)) < 0.002
    assert abs(np.mean(errors)) < 0.1 * abs(np.mean(before))


def test_a_level_colour_is_left_alone():
    cfa = np.choose(colours_of(Bayer.GRBG, (12, 14)), np.array([300.0, 200.0, 100.0])).astype(np.float32)
    rgb = demosaic(cfa, Bayer.GRBG, "rcd")
    before = rgb.copy()
    conserve_flux(rgb, cfa, Bayer.GRBG)
    np.testing.assert_allclose(rgb, before, atol=1e-3)


def test_a_window_gives_the_bits_of_the_whole():
    rng = np.random.default_rng(2)
    cfa, rgb = (
        rng.normal(500, 50, (30, 34)).astype(np.float32),
        rng.normal(500, 50, (3, 30, 34)).astype(np.float32),
    )
    part = np.ascontiguousarray(rgb[:, 5:25, 7:29])
    conserve_flux(part, np.ascontiguousarray(cfa[5:25, 7:29]), Bayer.RGGB.shifted(5, 7))
    conserve_flux(rgb, cfa, Bayer.RGGB)
    inner = slice(SUPPORT, -SUPPORT)
    np.testing.assert_array_equal(part[:, inner, inner], rgb[:, 5:25, 7:29][:, inner, inner])


def test_refuses_colours_of_another_image():
    with pytest.raises(ShapeError, match="filter array"):
        conserve_flux(np.zeros((3, 4, 4), np.float32), np.zeros((4, 6), np.float32), Bayer.RGGB)
