"""A colour frame's stars lie where all of its pixels see them; or where green does, if the colours disagree."""

from dataclasses import replace

import numpy as np
import pytest

from sidera.demosaic.mosaic import green_plane
from sidera.detection import centroid
from sidera.detection.centroid import refined
from sidera.detection.find import find_stars
from sidera.errors import ShapeError
from sidera.model.header import Bayer
from sidera.simulate.psf import placed

SHAPE = (360, 480)
NOISE = np.array([9.0, 9.0, 9.0])
COLOURS = np.array([0.8, 1.0, 0.6])
PATTERNS = list(Bayer)


def field(seed, fwhm=2.5, psf="moffat", pattern=Bayer.RGGB, red=lambda x, y: (0.0, 0.0), brightest=4.5):
    """70 stars on a colour filter array, and their places in green; ``red`` tells how far off their red light is."""
    rng = np.random.default_rng(seed)
    x, y = (edge.ravel()[:70] for edge in np.meshgrid(np.linspace(30, 450, 10), np.linspace(30, 330, 7)))
    x, y = x + rng.uniform(-4, 4, 70), y + rng.uniform(-4, 4, 70)
    flux = 10 ** rng.uniform(3.3, brightest, 70)
    hue = COLOURS * np.exp(rng.normal(0, 0.25, (70, 1)) * [1, 0, -1])
    rows, columns = np.indices(SHAPE)
    table = np.array([[pattern.colour(row, column) for column in (0, 1)] for row in (0, 1)])
    colour = table[rows % 2, columns % 2]
    image = np.zeros(SHAPE)
    for band in range(3):
        off = red(x, y) if band == 0 else (0.0, 0.0)
        for star, area, light in placed(psf, (fwhm,), (1.0,), x + off[0], y + off[1], SHAPE):
            image[area] += flux[star] * hue[star, band] * light * (colour[area] == band)
    image = 200 + image + rng.normal(0, 1, SHAPE) * np.sqrt(81 + image)
    return image.astype(np.float32), x, y


def found(image, pattern=Bayer.RGGB):
    return find_stars(green_plane(image, pattern), electrons_per_adu=1.0)


def errors(stars, x, y):
    """How far each star lies from the true one next to it."""
    away = np.stack([stars.x[:, None] - x, stars.y[:, None] - y])
    nearest = np.hypot(*away).argmin(axis=1)
    miss = away[:, np.arange(len(stars)), nearest]
    return miss[:, np.hypot(*miss) < 1]


def rms(stars, x, y):
    return float(np.sqrt(np.median((errors(stars, x, y) ** 2).sum(axis=0))))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    ("fwhm", "psf", "gain"), [(1.6, "gaussian", 3), (2.1, "moffat", 1.4), (3.5, "moffat", 1.15)]
)
def test_all_pixels_know_places_better_than_interpolated_green(pattern, fwhm, psf, gain):
    image, x, y = field(1, fwhm, psf, pattern)
    before = found(image, pattern)
    after = refined(image, pattern, before, NOISE, 1.0)
    assert rms(before, x, y) > gain * rms(after, x, y)


@pytest.mark.parametrize("electrons", [1.0, None])
def test_errors_of_places_are_known(electrons):
    image, x, y = field(2)
    stars = refined(image, Bayer.RGGB, found(image), NOISE, electrons)
    miss = errors(stars, x, y)
    pull = 1.4826 * np.median(np.abs(miss / stars.sigma))
    assert 0.6 < pull < 1.4


SPREADS = {
    "shifted": lambda x, y: (0.0, 0.2),
    "a little shifted": lambda x, y: (0.04, 0.0),
    "magnified": lambda x, y: (0.3 * (x / 240 - 1), 0.3 * (y / 180 - 1)),
}


@pytest.mark.parametrize("red", SPREADS.values(), ids=SPREADS)
def test_where_colours_are_spread_stars_lie_where_green_does(red):
    image, x, y = field(3, red=red)
    stars = refined(image, Bayer.RGGB, found(image), NOISE, 1.0)
    blind = image.copy()
    blind[0::2, 0::2] = np.nan  # red
    blind[1::2, 1::2] = np.nan  # blue
    green = refined(blind, Bayer.RGGB, found(image), NOISE, 1.0)
    np.testing.assert_array_equal([stars.x, stars.y], [green.x, green.y])
    assert np.abs(np.median(errors(stars, x, y), axis=1)).max() < 0.01


def test_a_spread_too_small_to_be_seen_moves_a_frame_by_less_than_green_is_wrong_by():
    """What can be seen depends on the noise, as the frame's own error does: 60 fields, red shifted by ever more."""
    moved, wrong = [], []
    for seed in range(60):
        image, x, y = field(seed, red=lambda x, y, seed=seed: (0.001 * seed, 0.0))
        stars = found(image)
        after = refined(image, Bayer.RGGB, stars, NOISE, 1.0)
        blind = np.where(np.indices(SHAPE).sum(axis=0) % 2 == 1, image, np.float32(np.nan))
        green = refined(blind, Bayer.RGGB, stars, NOISE, 1.0)
        moved.append(np.average(errors(after, x, y)[0], weights=after.sigma**-2))
        wrong.append(np.average(errors(green, x, y)[0], weights=green.sigma**-2))
    assert np.abs(moved).max() < 1.5 * np.abs(wrong).max()
    assert np.std(moved) <= 1.2 * np.std(wrong)


def test_stars_of_one_colour_are_told_to_agree_nine_times_in_ten():
    agreed = []
    watched = centroid.colours_agree
    for seed in range(30):
        image, _, _ = field(seed)
        stars = found(image)
        table = np.array([[0, 1], [1, 2]], np.uint8)
        before = np.column_stack([stars.x, stars.y])
        fitted = centroid._fitted(image, table, centroid._profile(stars), NOISE, 1.0, before)
        agreed.append(watched(*fitted))
    assert sum(agreed) >= 25


def test_a_few_stars_cannot_tell_and_green_decides():
    pulls, weights = np.zeros((5, 3, 2)), np.tile([100.0, 0.0, 100.0], (5, 3, 1))
    assert not centroid.colours_agree(np.zeros((5, 2)), pulls, weights)


def test_saturated_stars_stay_where_they_were():
    image, _, _ = field(4)
    stars = found(image)
    full = replace(stars, saturated=np.ones(len(stars), bool))
    assert refined(image, Bayer.RGGB, full, NOISE, 1.0) is full
    some = replace(stars, saturated=np.arange(len(stars)) < 5)
    after = refined(image, Bayer.RGGB, some, NOISE, 1.0)
    np.testing.assert_array_equal(after.x[:5], stars.x[:5])
    assert (after.x[5:] != stars.x[5:]).mean() > 0.9


def test_missing_pixels_leave_stars_where_they_are():
    image, x, y = field(5)
    stars = found(image)
    whole = refined(image, Bayer.RGGB, stars, NOISE, 1.0)
    image[np.random.default_rng(5).random(SHAPE) < 0.03] = np.nan
    assert rms(refined(image, Bayer.RGGB, stars, NOISE, 1.0), x, y) < 1.2 * rms(whole, x, y)


def test_wide_stars_are_left_to_the_windowed_centroid():
    image, _, _ = field(6, fwhm=7.0, brightest=5.5)
    stars = found(image)
    assert refined(image, Bayer.RGGB, stars, NOISE, 1.0) is stars


@pytest.mark.parametrize(("image", "noise"), [(np.zeros((3, 9, 9)), NOISE), (np.zeros((9, 9)), NOISE[:1])])
def test_other_than_a_mosaic_and_three_noises_is_refused(image, noise):
    with pytest.raises(ShapeError):
        refined(image, Bayer.RGGB, found(field(1)[0]), noise)
