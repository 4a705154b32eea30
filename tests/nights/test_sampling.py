"""Red and blue stars of 2.5 px cannot scatter as little as photons do: one pixel in four does not hold their light.

`docs/mathematics.md` ("What one pixel in four can know") derives what is proven here without noise.
"""

import numpy as np
import pytest
from scipy.special import kv

from sidera.demosaic.bilinear import bilinear
from sidera.demosaic.superpixel import superpixel
from sidera.model.header import Bayer
from sidera.pipeline.expectation import Kept
from sidera.simulate.draw import truth_of
from sidera.simulate.night import NightSettings
from sidera.simulate.psf import alpha, stamp
from simulated import _clear_stars, _sampling, say, spread

SIZE = 128
GATE = 1.2


def mosaic(fwhm, x, y):
    """A red Moffat star of unit flux on red sites (even rows and columns), off the middle by (x, y)."""
    light = stamp("moffat", fwhm, x % 1, y % 1)
    half = light.shape[0] // 2
    image = np.zeros((SIZE, SIZE))
    top, left = SIZE // 2 + int(y // 1) - half, SIZE // 2 + int(x // 1) - half
    image[top : top + 2 * half + 1, left : left + 2 * half + 1] = light
    red = np.zeros_like(image)
    red[::2, ::2] = image[::2, ::2]
    return red.astype(np.float32)


def transform(fwhm, u, v):
    """Of a Moffat profile of beta 3 seen by square pixels, at (u, v) cycles a pixel."""
    scaled = np.pi * np.hypot(u, v) * alpha(fwhm)
    return 2 * scaled**2 * kv(2, 2 * scaled) * np.sinc(u) * np.sinc(v)


def expected_error(fwhm):
    """Standard deviation over all places of four times the sum over red pixels: Poisson's summation formula."""
    return 2 * np.hypot(transform(fwhm, 0.5, 0), transform(fwhm, 0.5, 0.5))


@pytest.mark.parametrize("fwhm", [2.0, 2.5, 3.0])
def test_the_sum_over_red_pixels_depends_on_where_between_them_a_star_lies(fwhm):
    places = np.arange(0, 2, 0.25)
    sums = np.array([4 * mosaic(fwhm, x, y).sum() for x in places for y in places])
    assert sums.mean() == pytest.approx(1, abs=1e-4)
    assert sums.std() == pytest.approx(expected_error(fwhm), rel=0.03)


def test_the_error_falls_steeply_with_the_stars_width():
    assert [round(100 * expected_error(fwhm), 2) for fwhm in (2.0, 2.5, 3.0, 4.0)] == [3.42, 0.97, 0.26, 0.02]


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.3, 1.6)])
def test_bilinear_and_superpixel_keep_that_sum_and_so_that_error(place):
    red = mosaic(2.5, *place)
    held = 4 * red.sum(dtype=float)
    assert bilinear(red, Bayer.RGGB)[0].sum(dtype=float) == pytest.approx(held, rel=1e-5)
    assert 4 * superpixel(red, Bayer.RGGB)[0].sum(dtype=float) == pytest.approx(held, rel=1e-5)


def test_green_cannot_tell_how_much_of_a_star_fell_between_the_red_pixels():
    """Two ripples that differ in their sum over red pixels look the same to every green one."""
    rows, columns = np.indices((SIZE, SIZE))
    along, down = np.cos(np.pi * columns), np.cos(np.pi * rows)
    green = (rows + columns) % 2 == 1
    np.testing.assert_array_equal((along + down)[green], 0)
    assert (along + down)[::2, ::2].mean() == 2


@pytest.mark.parametrize("power", [1, -2])
@pytest.mark.parametrize("band", [0, 2])
def test_perfect_stacks_of_five_nights_scatter_red_and_blue_past_the_gate(band, power):
    """Nothing but photons and the places of the stars between the pixels; frames count as FWHM^-power.

    1 is what the stacker does, -2 what harms red and blue least: the blurred frames lead.
    """
    rng = np.random.default_rng(band)
    ratios, noises = [], []
    for seed in (1, 2, 3, 4, 5):
        truth = truth_of(NightSettings(frames=20, bayer="RGGB", seed=seed, flipped=7))
        fwhm = np.array([frame.fwhm for frame in truth.frames])
        weights = fwhm**-power / (fwhm**-power).sum()
        kept = Kept(tuple(range(20)), tuple(weights), 0)
        x, y, true, limit = _clear_stars(truth, kept, band, float(weights @ fwhm))
        error = _sampling(truth, kept, x, y, band)
        ratios.append((error - np.median(error)) * true / limit)
        noises.append(np.full(x.size, np.sqrt(20 * (weights**2).sum())))
    ratio, noise = np.concatenate(ratios), np.concatenate(noises)
    seen = np.mean([spread(ratio + noise * rng.standard_normal(ratio.size)) for _ in range(100)])
    say(
        f"band {band}, weights FWHM^{-power}: sampling alone {spread(ratio):.2f}, with photons {seen:.2f} limits"
    )
    assert seen > 1.05 * GATE
