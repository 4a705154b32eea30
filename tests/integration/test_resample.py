import math
import sys

import numpy as np
import pytest

from real import DATA, needs_data
from sidera.errors import ShapeError, UsageError
from sidera.integration.resample import resample

STEP = 32
SIZE = 40
NAN = np.float32(np.nan)
METHODS = ["lanczos3", "bilinear", "nearest"]


def grid(shape, place):
    """Nodes of a map given as x, y of the output's column and row."""
    nodes = [np.arange((size - 1) // STEP + 2) * float(STEP) for size in shape]
    row, column = np.meshgrid(*nodes, indexing="ij")
    x, y = place(column, row)
    return x, y


def moved(image, place, shape=None, interpolation="lanczos3", bad=None, **options):
    shape = shape or image.shape[-2:]
    return resample(image, bad, *grid(shape, place), STEP, shape, interpolation, **options)


def sky(seed=1, shape=(SIZE, SIZE)):
    return np.random.default_rng(seed).normal(1000, 10, shape).astype(np.float32)


def pixel_share(centre, fwhm):
    """Part of a Gaussian's light that each of ``SIZE`` pixels of a line collects."""
    scale = fwhm / (2 * math.sqrt(math.log(2)))
    edges = [math.erf((k - 0.5 - centre) / scale) for k in range(SIZE + 1)]
    return np.diff(edges) / 2


def star(x, y, fwhm, peak):
    light = np.outer(pixel_share(y, fwhm), pixel_share(x, fwhm))
    return (1000 + light * (peak / light.max())).astype(np.float32), peak / light.max()


def shifted_stars(fwhm, peak, noise, trials=60):
    """Pictures of one star each, moved by part of a pixel: light, flux and true place."""
    rng = np.random.default_rng(2)
    for _ in range(trials):
        (x, y), (dx, dy) = 19 + rng.uniform(0, 1, 2), rng.uniform(0, 1, 2)
        image, flux = star(x, y, fwhm, peak)
        shape = (SIZE - 8, SIZE - 8)
        got = moved(image, lambda c, r, dx=dx, dy=dy: (c + 4 + dx, r + 4 + dy), shape, noise=noise)[0]
        yield got.astype(float) - 1000, flux, x - 4 - dx, y - 4 - dy


@pytest.mark.parametrize("interpolation", METHODS)
def test_standing_still_changes_no_bit(interpolation):
    image = sky(shape=(3, SIZE, SIZE + 30))
    np.testing.assert_array_equal(moved(image, lambda x, y: (x, y), None, interpolation, noise=10.0), image)


@pytest.mark.parametrize("interpolation", METHODS)
def test_mirrors_and_turns_by_whole_pixels_change_no_bit(interpolation):
    image, last = sky(), SIZE - 1

    def got(place):
        return moved(image, place, None, interpolation, noise=10.0)[0]

    np.testing.assert_array_equal(got(lambda x, y: (last - x, last - y)), image[::-1, ::-1])
    np.testing.assert_array_equal(got(lambda x, y: (x, last - y)), image[::-1])
    np.testing.assert_array_equal(got(lambda x, y: (last - y, x)), np.rot90(image))


def test_a_whole_shift_moves_pixels_and_leaves_the_rest_missing():
    image = sky()
    got = moved(image, lambda x, y: (x + 3, y - 2))[0]
    np.testing.assert_array_equal(got[2:, :-3], image[:-2, 3:])
    assert np.isnan(got[:2]).all()
    assert np.isnan(got[:, -3:]).all()


def test_a_sloping_sky_keeps_its_slope():
    row, column = np.mgrid[:SIZE, :SIZE]
    image = (1000 + 2 * column - 3 * row).astype(np.float32)
    got = moved(image, lambda x, y: (0.9 * x + 3.3 + 0.01 * y, 0.9 * y + 2.7 - 0.01 * x), (36, 36))[0]
    row, column = np.mgrid[:36, :36]
    want = 1000 + 2 * (0.9 * column + 3.3 + 0.01 * row) - 3 * (0.9 * row + 2.7 - 0.01 * column)
    inner = np.s_[2:-4, 2:-4]  # beside the edge, edge pixels repeat
    np.testing.assert_allclose(got[inner], want[inner], atol=2e-3)


def test_stars_keep_their_flux_and_place():
    for light, flux, x, y in shifted_stars(2.5, 20000.0, 10.0):
        row, column = np.mgrid[: light.shape[0], : light.shape[1]]
        assert light.sum() == pytest.approx(flux, rel=1e-3)
        assert (light * column).sum() / light.sum() == pytest.approx(x, abs=0.005)
        assert (light * row).sum() / light.sum() == pytest.approx(y, abs=0.005)


def test_a_sharp_bright_star_has_no_dark_ring():
    plain = min(light.min() for light, *_ in shifted_stars(1.5, 50000.0, None))
    held = min(light.min() for light, *_ in shifted_stars(1.5, 50000.0, 10.0))
    assert plain < -0.02 * 50000
    assert held > -0.005 * 50000


def test_clamping_leaves_the_sky_as_it_is():
    image = sky(shape=(256, 256))

    def place(x, y):
        return 0.99 * x + 0.5 + 0.003 * y, 0.99 * y + 0.4 - 0.003 * x

    np.testing.assert_array_equal(moved(image, place, noise=10.0), moved(image, place))


def test_a_level_sky_stays_level():
    got = moved(np.full((SIZE, SIZE), 1000, np.float32), lambda x, y: (0.97 * x + 0.3, 0.97 * y + 0.6))
    np.testing.assert_allclose(got, 1000, rtol=3e-7)


def test_a_bad_pixel_spoils_only_what_leans_on_it():
    image, bad = sky(), np.zeros((SIZE, SIZE), np.uint8)
    bad[20, 20] = 1
    got = moved(image, lambda x, y: (x + 0.25, y + 0.25), bad=bad)[0]
    assert np.argwhere(np.isnan(got[:-1, :-1])).tolist() == [[20, 20]]
    half = moved(image, lambda x, y: (x + 0.5, y), bad=bad)[0]  # 0.61 of 1.32 on either side
    assert np.argwhere(np.isnan(half[:, :-1])).tolist() == [[20, 19], [20, 20]]


def test_a_missing_pixel_is_left_out_of_its_neighbours():
    image = np.full((SIZE, SIZE), 500, np.float32)
    image[20, 20] = NAN
    got = moved(image, lambda x, y: (x + 0.25, y + 0.25))[0]
    assert np.argwhere(np.isnan(got[:-1, :-1])).tolist() == [[20, 20]]
    np.testing.assert_allclose(got[np.isfinite(got)], 500, rtol=1e-6)
    same = moved(image, lambda x, y: (x, y))[0]
    np.testing.assert_array_equal(same, image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 3)])
def test_images_smaller_than_the_footprint_can_be_moved(shape):
    image = np.full(shape, 7, np.float32)
    np.testing.assert_allclose(moved(image, lambda x, y: (x, y))[0], 7, rtol=1e-6)


def test_nowhere_and_all_missing_are_missing():
    assert np.isnan(moved(sky(), lambda x, y: (x * np.nan, y))).all()
    assert np.isnan(moved(sky(), lambda x, y: (x + 1e12, y - 1e12))).all()
    assert np.isnan(moved(np.full((8, 8), NAN), lambda x, y: (x, y))).all()


def test_a_step_that_is_no_power_of_two_serves_as_well():
    image = sky(shape=(50, 50))
    row, column = np.mgrid[:6, :6] * 10.0
    got = resample(image, None, column + 0.3, row + 0.6, 10, (49, 49))
    want = moved(image, lambda x, y: (x + 0.3, y + 0.6), (49, 49))
    np.testing.assert_array_equal(got, want)


def test_channels_move_together():
    image = sky(shape=(3, SIZE, SIZE))
    together = moved(image, lambda x, y: (x + 0.3, y + 0.2), noise=(10.0, 20.0, 30.0))
    alone = [moved(plane, lambda x, y: (x + 0.3, y + 0.2), noise=10.0)[0] for plane in image]
    np.testing.assert_array_equal(together, alone)


def star_field(turn, phase, fwhm=2.5, size=150):
    """Stars on a lattice, turned about the middle, and where they should come out."""
    rng = np.random.default_rng(8)
    c, s, middle = math.cos(math.radians(turn)), math.sin(math.radians(turn)), (size - 1) / 2
    x, y = (
        part.ravel() for part in np.meshgrid(np.arange(22.0, size - 20, 21), np.arange(22.0, size - 20, 21))
    )
    x, y = x + rng.uniform(-2, 2, x.size), y + rng.uniform(-2, 2, y.size)
    edges, scale = np.arange(size + 1) - 0.5, fwhm / (2 * math.sqrt(math.log(2)))
    share = [
        np.diff([[math.erf((edge - at) / scale) / 2 for edge in edges] for at in axis], axis=1)
        for axis in (y, x)
    ]
    image = (1000 + 1e5 * np.einsum("kr,kc->rc", *share)).astype(np.float32)

    def place(column, row):
        u, v = column - middle, row - middle
        return middle + phase[0] + c * u - s * v, middle + phase[1] + s * u + c * v

    u, v = x - middle - phase[0], y - middle - phase[1]
    return image, place, middle + c * u + s * v, middle - s * u + c * v


@pytest.mark.parametrize("turn", [0, 0.2, -0.5, 1, -2, 5, 180, 179.5, -181, 184])
@pytest.mark.parametrize("phase", [(0.13, 0.71), (0.5, 0.5)])
def test_stars_of_a_turned_frame_keep_their_flux_and_place(turn, phase):
    image, place, x, y = star_field(turn, phase)
    got = moved(image, place, noise=10.0)[0].astype(float) - 1000
    row, column = np.mgrid[-8:9, -8:9]
    for at_x, at_y in zip(x, y, strict=True):
        i, j = round(at_y), round(at_x)
        light = got[i - 8 : i + 9, j - 8 : j + 9]
        assert light.sum() == pytest.approx(1e5, rel=1e-3)
        assert j + (light * column).sum() / light.sum() == pytest.approx(at_x, abs=0.005)
        assert i + (light * row).sum() / light.sum() == pytest.approx(at_y, abs=0.005)


@pytest.mark.parametrize("turn", [0.3, 0.9, 180.6])
def test_two_passes_show_what_one_does(turn, monkeypatch):
    image, place, *_ = star_field(turn, (0.4, 0.2), fwhm=2)
    quick = moved(image, place, noise=10.0)[0]
    monkeypatch.setattr(sys.modules["sidera.integration.resample"], "FEWEST", image.size + 1)
    direct = moved(image, place, noise=10.0)[0]
    assert not np.array_equal(quick, direct)
    assert np.array_equal(np.isnan(quick), np.isnan(direct))
    near = np.lib.stride_tricks.sliding_window_view(direct, (7, 7))
    local = near.max(axis=(2, 3)) - near.min(axis=(2, 3)) + 50
    apart = np.abs(quick - direct)[3:-3, 3:-3] / local
    assert np.nanmax(apart[8:-8, 8:-8]) < 1e-3


@pytest.mark.parametrize("periods", [2, 5, 29])
def test_the_sky_keeps_four_fifths_of_its_variance(periods):
    """Lanczos-3 averages neighbours: 0.798 of the variance, over whole periods of all phases."""
    image, turn = sky(shape=(3, 400, 400)), math.asin(periods / 330)
    c, s = math.cos(turn), math.sin(turn)
    got = moved(image, lambda x, y: (40 + c * x - s * y, 10 + s * x + c * y), (330, 330), noise=10.0)
    assert np.isfinite(got).all()
    assert got.var() / 100 == pytest.approx(0.798, abs=0.01)


@pytest.mark.parametrize("interpolation", METHODS)
def test_whole_shifts_and_flips_of_a_tile_change_no_bit(interpolation):
    image = sky(shape=(3, 110, 130))
    got = moved(image, lambda x, y: (x + 3, y + 2), (100, 120), interpolation, noise=10.0)
    np.testing.assert_array_equal(got, image[:, 2:102, 3:123])
    got = moved(image, lambda x, y: (129 - x, 109 - y), None, interpolation, noise=10.0)
    np.testing.assert_array_equal(got, image[:, ::-1, ::-1])


def test_a_tile_is_the_same_however_often_and_in_whatever_company():
    image, place, *_ = star_field(0.4, (0.1, 0.6))
    first = moved(image, place, noise=10.0)[0]
    np.testing.assert_array_equal(moved(image, place, noise=10.0)[0], first)
    np.testing.assert_array_equal(moved(np.stack([image[::-1], image]), place, noise=10.0)[1], first)


def test_refuses_what_does_not_fit():
    image, (x, y) = sky(), grid((SIZE, SIZE), lambda x, y: (x, y))
    with pytest.raises(ShapeError, match="mask"):
        resample(image, np.zeros((2, 2), np.uint8), x, y, STEP, (SIZE, SIZE))
    with pytest.raises(ShapeError, match="do not cover"):
        resample(image, None, x, y, STEP, (SIZE, 3 * SIZE))
    with pytest.raises(ShapeError, match="no image"):
        resample(np.zeros((0, 4), np.float32), None, x, y, STEP, (SIZE, SIZE))
    with pytest.raises(UsageError, match="bicubic"):
        resample(image, None, x, y, STEP, (SIZE, SIZE), "bicubic")
    with pytest.raises(UsageError, match="step 0"):
        resample(image, None, x, y, 0, (SIZE, SIZE))


@needs_data
def test_a_real_frame_turned_there_and_back_is_itself_again():
    from astropy.io import fits

    path = DATA / "m8-lrgb" / "lights" / "light_B_15000ms_1.fit"
    image = fits.getdata(path)[200:360, 300:460].astype(np.float32)
    c, s = math.cos(0.02), math.sin(0.02)
    there = moved(image, lambda x, y: (80 + c * (x - 80) - s * (y - 80), 80 + s * (x - 80) + c * (y - 80)))
    back = moved(there, lambda x, y: (80 + c * (x - 80) + s * (y - 80), 80 - s * (x - 80) + c * (y - 80)))[0]
    inner = np.s_[10:-10, 10:-10]
    assert np.mean(back[inner]) == pytest.approx(np.mean(image[inner]), rel=1e-4)
    assert np.corrcoef(back[inner].ravel(), image[inner].ravel())[0, 1] > 0.8
