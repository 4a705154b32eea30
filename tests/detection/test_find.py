"""Stars are found where they are, as wide and as bright as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.special import erf

from sidera.detection.find import aperture_flux, colour_fluxes, find_stars
from sidera.detection.sky import sky_mesh
from sidera.errors import ShapeError
from sidera.model.header import Bayer
from sidera.model.settings import DetectionSettings
from sidera.model.stars import Stars

SIGMA = 5.0  # noise of a pixel


def gaussian(stars, shape, x, y, fwhm):
    """Round stars of given fluxes, integrated over each pixel."""

    def profile(centre, size):
        edges = (np.arange(size + 1) - 0.5 - centre) / (fwhm / 2.3548) / np.sqrt(2)
        return np.diff(erf(edges)) / 2

    return sum(
        (
            flux * profile(v, shape[0])[:, None] * profile(u, shape[1])
            for flux, u, v in zip(stars, x, y, strict=True)
        ),
        np.zeros(shape),
    )


def moffat(stars, shape, x, y, fwhm, beta=3.0):
    """Stars with wings; each pixel the sum of 7×7 points."""
    alpha = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    cut = (np.arange(7) + 0.5) / 7 - 0.5
    image = np.zeros(shape)
    for flux, u, v in zip(stars, x, y, strict=True):
        across = (np.arange(shape[1])[:, None] + cut).ravel() - u
        down = (np.arange(shape[0])[:, None] + cut).ravel() - v
        light = (
            flux
            * (beta - 1)
            / (np.pi * alpha**2 * 49)
            * (1 + (across**2 + down[:, None] ** 2) / alpha**2) ** -beta
        )
        image += light.reshape(shape[0], 7, shape[1], 7).sum(axis=(1, 3))
    return image


def flux_for(snr, fwhm):
    """Flux of a star that a matched filter sees at this SNR."""
    return snr * SIGMA * np.sqrt(4 * np.pi * ((fwhm / 2.3548) ** 2 + 1 / 12))


def field(draw, fwhm, snr, seed=5, count=9, pitch=48):
    """A lattice of equal stars, each off its pixel by up to a half: image, x, y, flux."""
    rng = np.random.default_rng(seed)
    x, y = (
        v.ravel() + rng.uniform(-0.5, 0.5, count**2)
        for v in np.meshgrid(*[(np.arange(count) + 0.5) * pitch] * 2)
    )
    flux = flux_for(snr, fwhm)
    size = count * pitch
    image = draw(np.full(x.size, flux), (size, size), x, y, fwhm) + rng.normal(1000, SIGMA, (size, size))
    return image.astype(np.float32), x, y, flux


def paired(found, x, y):
    """The found star nearest to each true one."""
    distance, index = cKDTree(np.column_stack([found.x, found.y])).query(np.column_stack([x, y]))
    assert (distance < 1).all()
    return found[index]


def cramer_rao(fwhm, flux):
    """Least standard error of a coordinate that white noise allows, over all pixel phases."""
    bounds = []
    for phase in np.linspace(-0.5, 0.5, 5):
        star = [gaussian([flux], (41, 41), [20 + phase + d], [20.2], fwhm) for d in (-0.01, 0.01)]
        bounds.append(SIGMA / np.sqrt(np.sum(((star[1] - star[0]) / 0.02) ** 2)))
    return np.sqrt(np.mean(np.square(bounds)))


@pytest.mark.parametrize("snr", [74, 983])
def test_centroids_come_close_to_the_cramer_rao_bound(snr):
    image, x, y, flux = field(gaussian, 2.5, snr, count=12)
    stars = paired(find_stars(image), x, y)
    rms = np.sqrt(np.mean(np.concatenate([stars.x - x, stars.y - y]) ** 2))
    assert rms < 1.25 * cramer_rao(2.5, flux)
    assert np.median(stars.sigma) < 1.3 * np.hypot(rms, 0.01)


@pytest.mark.parametrize("fwhm", [1.5, 1.9, 2.5, 4.0, 8.0])
def test_size_and_light_of_gaussian_stars_are_unbiased(fwhm):
    image, x, y, flux = field(gaussian, fwhm, 800, pitch=48 if fwhm < 5 else 110, count=9 if fwhm < 5 else 5)
    stars = paired(find_stars(image), x, y)
    assert np.median(stars.fwhm) == pytest.approx(fwhm, rel=0.03 if fwhm > 1.6 else 0.05)
    assert np.median(stars.hfr) == pytest.approx(fwhm / 2, rel=0.05)
    assert np.median(stars.flux) == pytest.approx(flux, rel=0.005)
    assert np.median(stars.snr) == pytest.approx(800, rel=0.12)
    assert np.median(stars.eccentricity) < 0.35


@pytest.mark.parametrize(("fwhm", "beta"), [(2.0, 4.0), (2.5, 3.0), (3.0, 2.5)])
def test_the_width_of_stars_with_wings_is_that_at_half_maximum(fwhm, beta):
    image, x, y, _ = field(lambda *sky: moffat(*sky, beta=beta), fwhm, 600, count=6)
    stars = paired(find_stars(image), x, y)
    assert np.median(stars.fwhm) == pytest.approx(fwhm, rel=0.03)


def test_elongation_and_its_direction_are_seen():
    rng = np.random.default_rng(2)
    rows, columns = np.indices((300, 300))
    image = rng.normal(100, 2, rows.shape)
    for x, y in rng.permutation(np.argwhere(np.ones((5, 5)))) * 60 + 30.0:
        u, v = (columns - x + rows - y) / np.sqrt(2), (rows - y - columns + x) / np.sqrt(2)
        image += 4000 * np.exp(-(u**2) / 2 / 2.0**2 - v**2 / 2 / 1.4**2)
    stars = find_stars(image)
    assert len(stars) == 25
    assert np.median(stars.eccentricity) == pytest.approx(np.sqrt(1 - (1.4 / 2.0) ** 2), abs=0.03)
    assert np.median(stars.angle) == pytest.approx(45, abs=2)


def test_noise_has_no_stars():
    found = [find_stars(np.random.default_rng(seed).normal(100, 5, (1000, 1000))) for seed in range(4)]
    assert sum(len(stars) for stars in found) < 4


def test_hot_pixels_are_no_stars():
    image, x, _, _ = field(gaussian, 1.9, 200)
    hot = np.random.default_rng(8).integers(5, 420, (500, 2))
    image[hot[:, 0], hot[:, 1]] += 3000
    stars = find_stars(image)
    near_hot, _ = cKDTree(hot[:, ::-1]).query(np.column_stack([stars.x, stars.y]))
    assert np.count_nonzero(near_hot < 0.3) <= 2
    assert len(stars) > 0.8 * x.size


def test_hot_pixels_that_interpolation_has_spread_are_no_stars():
    image, x, _, _ = field(gaussian, 2.5, 200)
    hot = np.random.default_rng(8).integers(5, 420, (200, 2))
    for row, column in hot:
        image[row, column] += 3000
        for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            image[row + i, column + j] += 750
    stars = find_stars(image)
    near_hot, _ = cKDTree(hot[:, ::-1]).query(np.column_stack([stars.x, stars.y]))
    assert np.count_nonzero(near_hot < 0.3) <= 2
    assert len(stars) > 0.8 * x.size


def test_a_satellite_trail_is_not_a_row_of_stars():
    image, x, _, _ = field(gaussian, 2.5, 100)
    rows, columns = np.indices(image.shape)
    image += (300 * np.exp(-((rows - 0.7 * columns - 7.3) ** 2) / 1.49 / 3)).astype(np.float32)
    stars = find_stars(image)
    off = np.abs(stars.y - 0.7 * stars.x - 7.3) / 1.22
    assert np.count_nonzero(off < 1.5) <= 6  # stars of the lattice that the trail touches
    assert len(stars) > 0.85 * x.size


def test_a_missing_pixel_in_the_core_hardly_moves_a_star():
    image, x, y, flux = field(gaussian, 2.5, 300)
    holed = image.copy()
    holed[np.rint(y).astype(int), np.rint(x).astype(int) + 1] = np.nan
    stars = paired(find_stars(holed), x, y)
    assert np.median(np.abs(stars.x - x)) < 0.03
    assert np.median(stars.flux) == pytest.approx(flux, rel=0.02)


def test_saturated_stars_are_marked_and_kept():
    image, x, y, _ = field(gaussian, 2.5, 500, count=3)
    mask = np.zeros(image.shape, np.uint8)
    mask[round(y[4]), round(x[4])] = 1
    stars = paired(find_stars(image, saturation=mask), x, y)
    np.testing.assert_array_equal(stars.saturated, np.arange(9) == 4)


def test_photon_noise_lowers_the_snr_of_bright_stars():
    image, _, _, flux = field(gaussian, 2.5, 500, count=4)
    quiet, noisy = find_stars(image), find_stars(image, electrons_per_adu=0.5)
    assert np.median(noisy.snr) == pytest.approx(1 / np.sqrt(np.median(quiet.snr) ** -2 + 2 / flux), rel=0.01)


def test_the_brightest_are_kept_and_every_part_of_the_field_is_heard():
    rng = np.random.default_rng(4)
    image, _, _, _ = field(gaussian, 2.5, 40, count=10)
    image[:200, :200] += rng.normal(0, 1, (200, 200)) + 2 * (
        image[:200, :200] - 1000
    )  # brighter stars in a corner
    stars = find_stars(image, DetectionSettings(maximum=50))
    assert len(stars) == 50
    assert (np.diff(stars.flux) <= 0).all()
    assert {(int(u // 240), int(v // 240)) for u, v in zip(stars.x, stars.y, strict=True)} == {
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    }


@pytest.mark.parametrize("value", [0.0, 100.3, -7.7, 65504.0, np.nan])
@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (7, 300), (64, 9), (130, 140)])
def test_an_image_without_structure_has_no_stars(shape, value):
    assert len(find_stars(np.full(shape, value, np.float32))) == 0


def test_a_star_on_a_perfectly_quiet_sky_is_found():
    image = gaussian([5000.0], (100, 120), [60.3], [40.8], 2.5)
    stars = find_stars(image)
    assert len(stars) == 1
    assert (stars.x[0], stars.y[0]) == pytest.approx((60.3, 40.8), abs=0.01)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.integers(8, 60), st.integers(8, 60), st.floats(0, 1), st.floats(-1000, 1000))
def test_whatever_the_pixels_every_star_is_finite_and_inside(seed, rows, columns, missing, level):
    rng = np.random.default_rng(seed)
    image = (rng.standard_cauchy((rows, columns)) * 10 + level).astype(np.float32)
    image[rng.random(image.shape) < missing] = np.nan
    stars = find_stars(image)
    assert isinstance(stars, Stars)
    assert np.isfinite([stars.x, stars.y, stars.flux, stars.snr, stars.sigma]).all()
    assert ((stars.x > 0) & (stars.x < columns) & (stars.y > 0) & (stars.y < rows)).all()


def test_what_is_no_plane_is_refused():
    with pytest.raises(ShapeError, match=r"\(3, 9, 9\)"):
        find_stars(np.zeros((3, 9, 9)))
    with pytest.raises(ShapeError, match="saturation"):
        find_stars(np.zeros((9, 9)), saturation=np.zeros((8, 9)))
    with pytest.raises(ShapeError, match="apertures"):
        aperture_flux(np.zeros((3, 9, 9)), np.zeros(1), np.zeros(1), 2, 3, 4)


def test_aperture_fluxes_are_unbiased_and_know_their_error():
    image, x, y, flux = field(gaussian, 2.5, 100, count=12)
    got, error = aperture_flux(image, x, y, 6.0, 9.0, 14.0)
    assert np.mean(got) == pytest.approx(flux, rel=0.004)
    assert np.std(got) == pytest.approx(np.mean(error), rel=0.2)


def test_each_colour_of_a_star_is_measured_on_its_own_sites():
    image, x, _, flux = field(gaussian, 3.0, 2000)
    stars = find_stars(image)
    cfa = np.empty_like(image)
    share = (0.5, 1.0, 0.25)
    for row, column in np.ndindex(2, 2):
        cfa[row::2, column::2] = share[Bayer.GRBG.colour(row, column)] * image[row::2, column::2]
    fluxes = colour_fluxes(cfa, Bayer.GRBG, stars, 7.5, (12.0, 18.0))
    assert fluxes.shape == (x.size, 3)
    np.testing.assert_allclose(np.median(fluxes, axis=0) / flux, share, rtol=0.005)
    scatter = fluxes.std(axis=0) / fluxes.mean(axis=0)
    assert (scatter < (0.03, 0.01, 0.03)).all()


def test_planes_and_mono_frames_have_a_flux_a_plane():
    image, x, _, flux = field(gaussian, 2.5, 1000, count=3)
    stars = find_stars(image)
    assert colour_fluxes(image, None, stars, 6.0, (9.0, 14.0)).shape == (x.size, 1)
    fluxes = colour_fluxes(np.stack([image, 2 * image]), None, stars, 6.0, (9.0, 14.0))
    np.testing.assert_allclose(np.median(fluxes, axis=0), [flux, 2 * flux], rtol=0.005)


def test_a_flux_whose_core_is_missing_is_not_known():
    image, x, y, _ = field(gaussian, 2.5, 1000, count=3)
    image[round(y[0]), round(x[0])] = np.nan
    got, error = aperture_flux(image, x, y, 6.0, 9.0, 14.0)
    np.testing.assert_array_equal(np.isnan(got), np.arange(9) == 0)
    np.testing.assert_array_equal(np.isnan(error), np.isnan(got))


def test_a_sky_measured_before_gives_the_same_stars():
    image, _, _, _ = field(gaussian, 2.5, 50, count=4)
    np.testing.assert_array_equal(find_stars(image).x, find_stars(image, sky=sky_mesh(image)).x)


def test_an_image_measured_in_place_comes_back_as_it_was():
    image = field(gaussian, 2.5, 100)[0]
    image[::7, ::5] = np.nan
    kept = image.copy()
    apart = find_stars(image)
    np.testing.assert_array_equal(image, kept)
    in_place = find_stars(image, in_place=True)
    np.testing.assert_array_equal(image, kept)
    assert len(apart) > 0
    np.testing.assert_array_equal(in_place.flux, apart.flux)
