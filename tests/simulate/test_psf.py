import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.simulate.psf import alpha, half_width, mixture, peak_fraction, placed, stamp

shapes = st.sampled_from(["moffat", "gaussian"])
offsets = st.floats(-0.5, 0.5)
widths = st.floats(1.6, 3.5)  # under 1.6 px the moments of any star depend on where in a pixel it lies


def finely(psf, fwhm, x, y, cells=41):
    """The plain twin: each pixel cut into many cells."""
    half = half_width(psf, fwhm)
    fine = (np.arange((2 * half + 1) * cells) + 0.5) / cells - half - 0.5
    r2 = (fine[:, None] - y) ** 2 + (fine[None, :] - x) ** 2
    light = (1 + r2 / alpha(fwhm) ** 2) ** -3 if psf == "moffat" else np.exp(-4 * np.log(2) * r2 / fwhm**2)
    pixels = light.reshape(2 * half + 1, cells, 2 * half + 1, cells).sum(axis=(1, 3))
    return pixels / pixels.sum()


@settings(deadline=None, max_examples=20)
@given(shapes, widths, offsets, offsets)
def test_a_star_agrees_with_pixels_cut_into_many_cells(psf, fwhm, x, y):
    got = stamp(psf, fwhm, x, y)
    np.testing.assert_allclose(got, finely(psf, fwhm, x, y), atol=3e-4 * got.max())


@settings(deadline=None, max_examples=20)
@given(shapes, widths, offsets, offsets)
def test_a_stars_light_is_one_and_lies_where_it_was_put(psf, fwhm, x, y):
    got = stamp(psf, fwhm, x, y)
    middle = got.shape[0] // 2
    assert got.sum() == pytest.approx(1, abs=1e-12)
    assert got.sum(axis=0) @ np.arange(-middle, middle + 1) == pytest.approx(x, abs=2e-3)
    assert got.sum(axis=1) @ np.arange(-middle, middle + 1) == pytest.approx(y, abs=2e-3)


@pytest.mark.parametrize("psf", ["moffat", "gaussian"])
def test_half_the_peak_lies_half_the_fwhm_out(psf):
    got = stamp(psf, 20.0, 0.0, 0.0)
    middle = got.shape[0] // 2
    assert got[middle, middle + 10] / got[middle, middle] == pytest.approx(0.5, abs=0.005)


def test_a_moffat_holds_the_light_that_theory_says():
    fwhm, radius = 8.0, 20.0
    got = stamp("moffat", fwhm, 0.0, 0.0)
    row, column = np.indices(got.shape) - got.shape[0] // 2
    inside = got[row**2 + column**2 <= radius**2].sum()
    assert inside == pytest.approx(1 - (1 + (radius / alpha(fwhm)) ** 2) ** -2, abs=5e-4)


def test_the_peak_of_a_sharp_star_is_brighter():
    assert peak_fraction("moffat", 2.0) > peak_fraction("moffat", 3.0)


def test_mixed_seeing_is_the_mean_of_its_stamps():
    mixed = mixture("gaussian", (2.0, 4.0), (0.25, 0.75), 0.2, -0.3)
    wide, narrow = stamp("gaussian", 4.0, 0.2, -0.3), stamp("gaussian", 2.0, 0.2, -0.3)
    inner = (wide.shape[0] - narrow.shape[0]) // 2
    np.testing.assert_allclose(mixed, 0.75 * wide + 0.25 * np.pad(narrow, inner), atol=1e-15)


def test_stars_at_the_edge_are_cut_and_stars_far_off_left_out():
    places = np.array([0.0, -500.0]), np.array([5.0, 5.0])
    got = list(placed("gaussian", (2.0,), (1.0,), *places, (11, 11)))
    assert [star for star, _, _ in got] == [0]
    assert 0.5 < got[0][2].sum() < 0.75  # half, and the half of its middle column
