import numpy as np
import pytest

from real import DATA, needs_data
from sidera.demosaic.demosaic import SUPPORT, demosaic
from sidera.demosaic.mosaic import fill_defects, green_plane
from sidera.demosaic.superpixel import to_full
from sidera.errors import ShapeError, UsageError
from sidera.model.header import Bayer

PATTERNS = list(Bayer)
METHODS = ["rcd", "bilinear", "vng", "superpixel"]
FULL = ["rcd", "bilinear", "vng"]
NAN = np.float32(np.nan)


def seen_through(rgb, pattern):
    """What a camera of that pattern records of a colour picture."""
    rows, columns = rgb.shape[1:]
    site = [[pattern.colour(row, column) for column in range(columns)] for row in range(rows)]
    return np.take_along_axis(rgb, np.array(site)[np.newaxis], 0)[0].astype(np.float32)


def stars(shape, colour, fwhm=2.2, sky=(150, 300, 200), peak=3000.0, seed=3):
    """A colour picture of twelve equal stars of one colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    places = rng.uniform(12, np.array(shape) - 13, (12, 2))
    light = sum(np.exp(-4 * np.log(2) * ((x - px) ** 2 + (y - py) ** 2) / fwhm**2) for py, px in places)
    return np.stack([level + peak * tint * light for level, tint in zip(sky, colour, strict=True)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_flat_colour_comes_back_up_to_the_edges(pattern, method):
    scene = np.broadcast_to(np.float32([[[100]], [[250]], [[-30]]]), (3, 8, 6))
    got = demosaic(seen_through(scene, pattern), pattern, method, (2.0, 1.0, 1.5), 200.0)
    np.testing.assert_allclose(got, scene[:, : got.shape[1], : got.shape[2]], atol=1e-3)


@pytest.mark.parametrize("method", FULL)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_window_gives_the_bits_of_the_whole(pattern, method):
    cfa = np.random.default_rng(1).normal(500, 80, (53, 61)).astype(np.float32)
    whole, away = demosaic(cfa, pattern, method, (1.7, 1.0, 1.3), 100.0), SUPPORT[method]
    for row, column, rows, columns in [(0, 0, 53, 40), (3, 5, 31, 37), (10, 7, 40, 54), (7, 12, 45, 29)]:
        window = cfa[row : row + rows, column : column + columns]
        part = demosaic(window, pattern.shifted(row, column), method, (1.7, 1.0, 1.3), 100.0)
        inner = np.s_[:, away:-away, away:-away]
        np.testing.assert_array_equal(
            part[inner], whole[:, row : row + rows, column : column + columns][inner]
        )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("core", [(0, 0, 53, 61), (10, 4, 40, 51), (2, 20, 53, 22), (0, 0, 2, 2)])
def test_a_core_is_cut_out_of_the_whole_bit_for_bit(method, core):
    cfa = np.random.default_rng(3).normal(500, 80, (53, 61)).astype(np.float32)
    whole = demosaic(cfa, Bayer.GRBG, method, (1.7, 1.0, 1.3), 100.0)
    part = demosaic(cfa, Bayer.GRBG, method, (1.7, 1.0, 1.3), 100.0, core=core)
    top, left, bottom, right = (edge // 2 for edge in core) if method == "superpixel" else core
    np.testing.assert_array_equal(part, whole[:, top:bottom, left:right])


@pytest.mark.parametrize("method", FULL)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_measured_sample_stays_as_it_was(pattern, method):
    cfa = np.random.default_rng(2).normal(0, 80, (9, 12)).astype(np.float32)
    got = demosaic(cfa, pattern, method, (1.7, 0.9, 1.3), 100.0)
    np.testing.assert_array_equal(seen_through(got, pattern), cfa)


@pytest.mark.parametrize("method", FULL)
def test_one_missing_pixel_spoils_no_more_than_its_support(method):
    cfa = np.random.default_rng(4).normal(500, 20, (41, 43)).astype(np.float32)
    holed = cfa.copy()
    holed[20, 21] = NAN
    changed = np.any(demosaic(cfa, Bayer.RGGB, method) != demosaic(holed, Bayer.RGGB, method), axis=0)
    rows, columns = np.nonzero(changed)
    assert max(abs(rows - 20).max(), abs(columns - 21).max()) <= SUPPORT[method]


def test_bilinear_does_without_a_missing_neighbour():
    cfa = seen_through(np.broadcast_to(np.float32([[[10]], [[20]], [[30]]]), (3, 6, 6)), Bayer.RGGB)
    cfa[2, 2] = NAN  # a red site
    got = demosaic(cfa, Bayer.RGGB, "bilinear")
    assert np.argwhere(np.isnan(got)).tolist() == [[0, 2, 2]]
    np.testing.assert_array_equal(got[0][np.isfinite(got[0])], 10)


@pytest.mark.parametrize("method", METHODS)
def test_missing_everywhere_stays_missing(method):
    got = demosaic(np.full((6, 6), NAN), Bayer.GBRG, method)
    assert np.isnan(got).all()


@pytest.mark.parametrize("method", METHODS)
def test_data_below_zero_stays_finite_and_is_not_clipped(method):
    cfa = np.random.default_rng(5).normal(-20, 10, (16, 16)).astype(np.float32)
    got = demosaic(cfa, Bayer.BGGR, method)
    assert np.isfinite(got).all()
    assert got.min() < 0
    assert abs(got).max() < 200


@pytest.mark.parametrize("method", FULL)
def test_a_picture_seen_in_a_mirror_has_mirrored_colours(method):
    cfa = seen_through(stars((40, 44), (1, 1, 1)), Bayer.RGGB)
    there = demosaic(cfa, Bayer.RGGB, method)[:, :, ::-1]
    back = demosaic(cfa[:, ::-1], Bayer.RGGB.shifted(0, 43), method)
    np.testing.assert_allclose(there, back, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_star_stays_where_it_is(method):
    y, x = np.mgrid[:32, :32]
    light = np.exp(-4 * np.log(2) * ((x - 15.3) ** 2 + (y - 16.4) ** 2) / 4.0**2)
    cfa = seen_through(np.stack([1000 * light] * 3), Bayer.GRBG)
    got = demosaic(cfa, Bayer.GRBG, method, pedestal=50.0)
    row, column = np.mgrid[: got.shape[1], : got.shape[2]].astype(float)
    if method == "superpixel":
        column, row = to_full(column, row)
    for channel in got[1:2] if method == "superpixel" else got:  # red and blue lie in corners of their quad
        assert (channel * column).sum() / channel.sum() == pytest.approx(15.3, abs=0.05)
        assert (channel * row).sum() / channel.sum() == pytest.approx(16.4, abs=0.05)


def test_rcd_of_neutral_stars_is_far_closer_than_bilinear():
    scene = stars((96, 96), (1, 1, 1), sky=(200, 200, 200))
    cfa = seen_through(scene, Bayer.RGGB)
    error = {method: np.std(demosaic(cfa, Bayer.RGGB, method) - scene) for method in ("rcd", "bilinear")}
    assert error["rcd"] < 0.5 * error["bilinear"]


def test_white_balance_takes_most_of_the_error_from_coloured_stars():
    scene = stars((96, 96), (0.5, 1.0, 0.7))
    cfa = seen_through(scene, Bayer.RGGB)
    plain = demosaic(cfa, Bayer.RGGB, "rcd", pedestal=100.0)
    balanced = demosaic(cfa, Bayer.RGGB, "rcd", (2.0, 1.0, 1 / 0.7), 100.0)
    for colour in (0, 2):
        assert np.std(balanced[colour] - scene[colour]) < 0.8 * np.std(plain[colour] - scene[colour])


def test_full_scale_makes_the_unit_of_no_account():
    cfa = seen_through(stars((40, 40), (1, 1, 1)), Bayer.RGGB)
    large, small = demosaic(cfa, Bayer.RGGB), demosaic(cfa / 65536, Bayer.RGGB, full_scale=65535 / 65536)
    np.testing.assert_allclose(small * 65536, large, rtol=1e-5)


def test_superpixels_lie_between_their_four_pixels():
    cfa = np.arange(15, dtype=np.float32).reshape(3, 5)  # an odd last row and column are lost
    got = demosaic(cfa, Bayer.RGGB, "superpixel")
    assert got.tolist() == [[[0, 2]], [[3, 5]], [[6, 8]]]
    x, y = to_full(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    assert x.tolist() == [0.5, 2.5]
    assert y.tolist() == [0.5, 0.5]


def test_the_green_plane_shows_stars_where_they_are():
    scene = stars((40, 44), (1, 1, 1), fwhm=4)
    got = green_plane(seen_through(scene, Bayer.GBRG), Bayer.GBRG)
    assert np.std(got - scene[1]) < 0.03 * np.ptp(scene[1])


def test_a_frame_without_holes_is_returned_as_it_is():
    image = np.ones((4, 5), np.float32)
    filled, bad = fill_defects(image, None)
    assert filled is image
    assert not bad.any()


def test_a_hole_in_a_mosaic_is_filled_from_its_own_colour():
    cfa = seen_through(np.broadcast_to(np.float32([[[10]], [[20]], [[30]]]), (3, 8, 8)), Bayer.RGGB)
    holed = cfa.copy()
    holed[3:5, 3:6] = NAN
    filled, bad = fill_defects(holed, Bayer.RGGB)
    np.testing.assert_array_equal(filled, cfa)
    assert bad.sum() == 6


def test_what_no_neighbour_can_fill_is_zero():
    filled, bad = fill_defects(np.full((3, 3), NAN), None)
    assert not filled.any()
    assert bad.all()


@pytest.mark.parametrize("shape", [(3, 4, 4), (7,), (1, 8), (8, 1)])
def test_refuses_what_is_no_mosaic(shape):
    with pytest.raises(ShapeError, match="shape"):
        demosaic(np.zeros(shape, np.float32), Bayer.RGGB)


def test_refuses_settings_that_make_no_sense():
    cfa = np.zeros((4, 4), np.float32)
    with pytest.raises(UsageError, match="ahd"):
        demosaic(cfa, Bayer.RGGB, "ahd")
    with pytest.raises(UsageError, match="gains"):
        demosaic(cfa, Bayer.RGGB, gains=(1, 0, 1))
    with pytest.raises(UsageError, match="core"):
        demosaic(cfa, Bayer.RGGB, core=(1, 0, 4, 4))
    with pytest.raises(UsageError, match="core"):
        demosaic(cfa, Bayer.RGGB, core=(0, 0, 4, 6))
    with pytest.raises(UsageError, match="full scale"):
        demosaic(cfa, Bayer.RGGB, full_scale=0)


@needs_data
@pytest.mark.parametrize("method", METHODS)
def test_a_real_frame_keeps_its_sky_in_each_colour(method):
    from astropy.io import fits

    path = sorted((DATA / "m27-osc" / "lights").iterdir())[0]
    cfa = fits.getdata(path)[400:720, 500:900].astype(np.float32)
    dim = np.minimum(cfa, 1000)  # hot pixels and stars reach 65534
    got = demosaic(dim, Bayer.RGGB, method, (1.0, 1.0, 2.4), 300.0)
    raw = [dim[::2, ::2].mean(), (dim[::2, 1::2].mean() + dim[1::2, ::2].mean()) / 2, dim[1::2, 1::2].mean()]
    np.testing.assert_allclose(got.mean(axis=(1, 2)), raw, rtol=0.03)
