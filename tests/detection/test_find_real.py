"""On real frames the same stars are found again, and hot pixels are not."""

import warnings

import numpy as np
from astropy.io import fits
from scipy.spatial import cKDTree

from real import DATA, needs_data
from sidera.detection.find import find_stars
from sidera.model.header import Bayer

pytestmark = needs_data


def pixels(path):
    with warnings.catch_warnings(action="ignore"), fits.open(path, memmap=False) as file:
        return file[0].data.astype(np.float32)


def green(cfa, pattern):
    """Green at every pixel: that of a green site, else the mean of its four neighbours."""
    grown = np.pad(cfa, 1, mode="reflect")
    mean = (grown[:-2, 1:-1] + grown[2:, 1:-1] + grown[1:-1, :-2] + grown[1:-1, 2:]) / 4
    rows, columns = np.indices(cfa.shape) % 2
    sites = np.array([[pattern.colour(i, j) == 1 for j in (0, 1)] for i in (0, 1)])[rows, columns]
    return np.where(sites, cfa, mean)


def shift(first, second):
    """The shift that most pairs of the brightest stars agree on."""
    steps = np.column_stack([second.x, second.y])[None, :80] - np.column_stack([first.x, first.y])[:80, None]
    steps = steps.reshape(-1, 2)
    votes = cKDTree(steps).query_ball_point(steps, 1.0)
    return steps[max(votes, key=len)].mean(axis=0)


def compared(first, second):
    """Share of the clear stars found again, and number of stars that stand still on the sensor."""
    tree, places = cKDTree(np.column_stack([second.x, second.y])), np.column_stack([first.x, first.y])
    again = tree.query(places + shift(first, second))[0] < 1.5
    still = (tree.query(places)[0] < 0.7) & ~again
    return again[first.snr > 15].mean(), np.count_nonzero(still)


def test_mono_stars_are_found_again_and_walking_hot_pixels_are_not():
    files = sorted((DATA / "arp145-mono/lights").glob("*.fit*"))
    first, second = (find_stars(pixels(files[k])) for k in (0, 4))
    again, still = compared(first, second)
    assert len(first) > 500
    assert again > 0.95
    assert still == 0


def test_colour_stars_are_found_again_on_the_green_plane():
    files = sorted((DATA / "m27-osc/lights").glob("*.fit*"))
    first, second = (find_stars(green(pixels(files[k]), Bayer.RGGB)) for k in (0, 3))
    again, still = compared(first, second)
    assert len(first) > 300
    assert again > 0.9
    assert still <= 2


def test_a_sparse_undersampled_field_gives_enough_stars():
    files = sorted((DATA / "m94-smart-telescope").rglob("*.fit*"))
    first, second = (find_stars(green(pixels(files[k]), Bayer.GRBG)) for k in (0, 5))
    again, still = compared(first, second)
    assert len(first) >= 30
    assert again > 0.9
    assert still == 0


def test_a_nebula_over_the_whole_field_does_not_hide_the_stars():
    files = sorted((DATA / "m8-lrgb/lights").glob("light_*"))
    for path in files[::8]:
        stars = find_stars(pixels(path))
        assert len(stars) > 200
        assert 1.2 < np.nanmedian(stars.fwhm) < 3


def test_a_frame_without_stars_gives_next_to_none():
    assert len(find_stars(pixels(DATA / "m8-lrgb/lights/L_12.fit"))) <= 3
