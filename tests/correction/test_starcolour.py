"""A star has one colour, from core to rim, and keeps its light; what is no star stays as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.correction.starcolour import _field, unify_colours
from sidera.detection.find import find_stars
from sidera.errors import ShapeError
from sidera.kernels import starcolour as kernels
from sidera.model.finishing import StarColourSettings
from sidera.model.stars import Stars
from twins import starcolour as twin

SIGMA = 2.0
NOISE = (SIGMA, SIGMA, SIGMA)
SKY = (300.0, 310.0, 305.0)
SHAPE = (240, 320)
WIDTHS = (1.7, 2.5, 2.8)
"""FWHM of red, green and blue, as a real camera's raw pixels had them: a red core in a cyan rim."""
BLUE_AWAY = 0.3
"""Pixels by which blue lies lower, in the same frames."""


def spot(x, y, fwhm, light, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    scale = fwhm / (2 * np.sqrt(2 ** (1 / 3.5) - 1))
    profile = (1 + ((columns - x) ** 2 + (rows - y) ** 2) / scale**2) ** -3.5
    return light * profile / (np.pi * scale**2 / 2.5)


def field_of(colours, places, full=np.inf, widths=WIDTHS, noise=SIGMA, shape=SHAPE, seed=4):
    """Stars of given light [star, 3] through optics that focus each colour otherwise."""
    draw = np.random.default_rng(seed)
    image = np.zeros((3, *shape))
    for light, (x, y) in zip(colours, places, strict=True):
        for c in range(3):
            image[c] += spot(x, y + (BLUE_AWAY if c == 2 else 0), widths[c], light[c], shape)
    image = np.minimum(image, full) + np.array(SKY)[:, None, None]
    return (image + draw.normal(0, noise, image.shape)).astype(np.float32)


def lattice(rows=4, columns=6, seed=2):
    draw = np.random.default_rng(seed)
    return [
        (25 + 52 * i + draw.uniform(-2, 2), 28 + 60 * j + draw.uniform(-2, 2))
        for j in range(rows)
        for i in range(columns)
    ]


def colours_of(count, low=20_000, high=200_000, seed=3):
    draw = np.random.default_rng(seed)
    tint = draw.normal(0, 0.25, count)
    return draw.uniform(low, high, count)[:, None] * np.exp(np.outer(tint, (1, 0, -1)))


def measured(image, x, y, radius):
    """Light of each channel above the known sky within a circle."""
    inside = twin.away(image.shape[1:], x, y) <= radius
    return np.array([(plane[inside] - level).sum() for plane, level in zip(image, SKY, strict=True)])


def unified(image, **settings):
    new = image.copy()
    return new, unify_colours(new, find_stars(new[1]), NOISE, StarColourSettings(**settings))


def hues(image, x, y, floor):
    """R over G and B over G of each pixel near a star that is brighter than so much."""
    near = twin.away(image.shape[1:], x, y) < 8
    light = image[:, near] - np.array(SKY)[:, None]
    light = light[:, light[1] > floor]
    return light[[0, 2]] / light[1]


def test_core_and_rim_get_the_star_s_own_colour():
    light, places = colours_of(24), lattice()
    image = field_of(light, places)
    new, done = unified(image)
    assert done.stars == 24
    assert done.saturated == 0
    for (red, green, blue), (x, y) in zip(light, places, strict=True):
        before, after = hues(image, x, y, 100), hues(new, x, y, 100)
        assert np.ptp(np.log(before), axis=1).min() > 0.6  # this is what the optics made of it
        assert np.ptp(np.log(after), axis=1).max() < 0.16  # what is left is noise
        np.testing.assert_allclose(np.median(after, axis=1), (red / green, blue / green), rtol=0.03)


def test_brightness_stays_and_each_channel_s_light():
    light, places = colours_of(24), lattice()
    image = field_of(light, places)
    new, _ = unified(image)
    np.testing.assert_allclose(twin.brightness(new), twin.brightness(image), rtol=2e-6)
    for x, y in places:
        was, is_now = measured(image, x, y, 22), measured(new, x, y, 22)
        np.testing.assert_allclose(is_now, was, rtol=0.002)


def test_what_is_no_star_stays_bit_for_bit():
    places = lattice()
    image = field_of(colours_of(24), places)
    new, _ = unified(image)
    far = np.min([twin.away(SHAPE, x, y) for x, y in places], axis=0) > 20
    np.testing.assert_array_equal(new[:, far], image[:, far])
    assert far.mean() > 0.3


def test_optics_without_fault_leave_next_to_nothing_to_do():
    image = field_of(colours_of(24), lattice(), widths=(2.5, 2.5, 2.5), noise=0.0)
    image[2] = image[1] - SKY[1] + SKY[2]  # no shift either: blue is green
    image[0] = image[1] - SKY[1] + SKY[0]
    new, done = unified(image)
    assert done.stars == 24
    np.testing.assert_allclose(new, image, rtol=1e-4)


@pytest.mark.parametrize("tint", [(1.6, 1.0, 0.6), (0.7, 1.0, 1.5)])
def test_a_saturated_core_takes_its_flank_s_colour_and_has_no_ring(tint):
    light, places = colours_of(24, high=120_000), lattice()
    light[8] = 3e6 * np.array(tint)
    image = field_of(light, places, full=50_000.0, widths=(2.5, 2.5, 2.5))
    x, y = places[8]
    ring = np.abs(twin.away(SHAPE, x, y) - 1.6) < 0.5
    image[:, ring] = np.where(
        image[:, ring] > 40_000, image[:, ring] * 1.06, image[:, ring]
    )  # interpolation's
    new, done = unified(image)
    assert done.saturated == 1
    core = hues(image, x, y, 45_000)
    assert np.abs(np.median(core, axis=1) - 1).max() < 0.05  # white, since each channel was full
    np.testing.assert_allclose(np.median(hues(new, x, y, 30_000), axis=1), (tint[0], tint[2]), rtol=0.08)
    inside = twin.away(SHAPE, x, y) < 1.8
    assert np.ptp(twin.brightness(image)[inside]) > 0.05 * 50_000
    assert np.ptp(twin.brightness(new)[inside]) < 0.005 * 50_000


def test_a_saturated_star_whose_colours_differ_in_width_is_corrected_by_the_others():
    light, places = colours_of(24), lattice()
    light[8] = (4e5, 4e5, 4e5)
    image = field_of(light, places, full=25_000.0, widths=(2.0, 2.5, 2.7))
    new, done = unified(image)
    assert done.saturated >= 1
    np.testing.assert_allclose(np.median(hues(new, *places[8], 1000), axis=1), (1, 1), rtol=0.15)


def test_a_saturated_star_cut_by_the_border_that_no_search_finds_is_mended_too():
    light, places = colours_of(24, high=120_000), lattice()
    light[20], places[20] = 3e6 * np.array((1.5, 1.0, 0.7)), (places[20][0], 238.5)
    image = field_of(light, places, full=50_000.0, widths=(2.5, 2.5, 2.5))
    found = find_stars(image[1])
    assert (np.hypot(found.x - places[20][0], found.y - 238.5) > 5).all()
    new, done = unified(image)
    assert done.saturated == 1
    # Half a flank tells of blue, which lies lower, a sixth too little.
    np.testing.assert_allclose(np.median(hues(new, *places[20], 30_000), axis=1), (1.5, 0.7), rtol=0.2)


def test_cores_are_left_where_they_are_not_asked_for():
    light, places = colours_of(24), lattice()
    light[8] = 3e6
    image = field_of(light, places, full=50_000.0, widths=(2.5, 2.5, 2.5))
    _, done = unified(image, cores=False)
    assert done.saturated == 0


def test_a_galaxy_keeps_its_red_core_and_blue_arms():
    light, places = colours_of(24), lattice()
    light[8] = 0
    image = field_of(light, places)
    distance = twin.away(SHAPE, *places[8])
    for c, (scale, height) in enumerate(((3.0, 60_000), (4.0, 40_000), (5.5, 25_000))):
        image[c] += (height * np.exp(-distance / scale)).astype(np.float32)
    new, _ = unified(image)
    np.testing.assert_array_equal(new[:, distance < 12], image[:, distance < 12])


def test_a_broad_bright_cloud_is_no_saturated_star():
    image = field_of(colours_of(24), lattice())
    distance = twin.away(SHAPE, 160, 120)
    cloud = 60_000 * np.exp(-((distance / 55) ** 2))
    for c, tint in enumerate((1.5, 1.0, 0.7)):
        image[c] += (tint * cloud).astype(np.float32)
    _, done = unified(image)
    assert done.saturated == 0


def test_two_stars_that_touch_keep_their_two_colours():
    image = field_of(
        [(90_000, 60_000, 40_000), (40_000, 60_000, 90_000)], [(100, 100), (107, 100)], widths=(2.5, 2.5, 2.5)
    )
    new, done = unified(image)
    assert done.stars == 2
    np.testing.assert_allclose(np.median(hues(new, 98, 100, 3000), axis=1), (1.5, 0.667), rtol=0.1)
    right = twin.away(SHAPE, 108, 100) < 2
    light = new[:, right] - np.array(SKY)[:, None]
    np.testing.assert_allclose(np.median(light[[0, 2]] / light[1], axis=1), (0.667, 1.5), rtol=0.1)


def test_what_was_not_measured_stays_unknown_and_spreads_no_further():
    image = field_of(colours_of(24), lattice())
    image[0, 100:110] = np.nan
    image[:, :, 60:64] = np.nan
    new, _ = unified(image)
    np.testing.assert_array_equal(np.isnan(new), np.isnan(image))


def test_no_stars_no_noise_and_no_colours():
    image = field_of([], [])
    new = image.copy()
    assert unify_colours(new, Stars.none(), NOISE).stars == 0
    assert unify_colours(new, find_stars(field_of(colours_of(24), lattice())[1]), (np.nan,) * 3).stars == 0
    np.testing.assert_array_equal(new, image)
    with pytest.raises(ShapeError):
        unify_colours(image[0], Stars.none(), NOISE)


def listed(places, heights, fwhm, snr=100.0):
    x, y = (np.array(axis, np.float64) for axis in zip(*places, strict=True))
    heights = np.array(heights, np.float64)
    same = np.ones(len(x))
    return Stars(
        x,
        y,
        heights,
        heights,
        snr * same,
        fwhm * same,
        fwhm / 2 * same,
        0 * same,
        0 * same,
        0 * same,
        same < 0,
    )


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.floats(0, 39), st.floats(0, 29)), min_size=1, max_size=5),
    st.floats(1.5, 4),
    st.booleans(),
)
def test_agrees_with_the_plain_twin(seed, places, fwhm, holes):
    draw = np.random.default_rng(seed)
    shape = (30, 40)
    heights = draw.uniform(60, 4000, len(places))
    image = draw.normal(100, 2, (3, *shape)).astype(np.float32)
    for (x, y), height in zip(places, heights, strict=True):
        shapes = [spot(x, y, width, height * 5, shape) for width in (0.8 * fwhm, fwhm, 1.2 * fwhm)]
        image += np.array(shapes, np.float32)
    if holes:
        image[:, draw.random(shape) < 0.03] = np.nan
    field = _field(listed(places, heights, fwhm), 2.0, StarColourSettings())
    many = len(places)
    sky, top, flat = np.empty((many, 4)), np.empty((many, 4)), np.empty((many, 3), np.uint8)
    ratio, flank, level = np.empty((many, 3)), np.empty((many, 2, 3)), np.empty(many)
    kernels.star_reaches(image, field, 2.0)
    kernels.star_tops(image, field, sky, top, flat)
    kernels.star_colours(image, field, sky, top, np.zeros(many, np.uint8), ratio, flank, level)
    wanted = image.astype(np.float64)
    for star in range(many):
        assert twin.reach(image, field, star, 2.0) == (field.inner[star], field.outer[star])
        below = twin.sky(image, field, star)
        assert (below is None) == np.isnan(sky[star, 3])
        if below is None:
            continue
        np.testing.assert_allclose(sky[star], below, rtol=1e-6)
        told = twin.colour(image, field, star, below, top[star], 1.0)
        np.testing.assert_allclose(ratio[star], told, rtol=1e-4, atol=1e-4)
        if np.isfinite(told[0]):
            wanted = twin.painted(wanted, field, star, sky[star], ratio[star])
    kernels.paint_stars(image, field, sky, top, ratio, np.full(many, np.nan))
    np.testing.assert_allclose(image, wanted, rtol=1e-5, atol=1e-2)
