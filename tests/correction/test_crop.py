"""Smart crop: nothing that few frames saw is left, and nothing more is lost than must be."""

import math

import numpy as np
import pytest
from astropy.wcs import WCS

from sidera.correction.crop import Rectangle, best_rectangle, coverage_of, crop
from sidera.errors import ShapeError, UsageError
from sidera.model.finishing import CropSettings
from sidera.model.header import Card
from sidera.model.stack import Stack


def turned(degrees, rows=120, columns=160):
    """Coverage of ten frames: five upright, five turned about the middle."""
    y, x = np.mgrid[:rows, :columns]
    dy, dx, angle = y - (rows - 1) / 2, x - (columns - 1) / 2, math.radians(degrees)
    u, v = math.cos(angle) * dx + math.sin(angle) * dy, math.cos(angle) * dy - math.sin(angle) * dx
    inside = (np.abs(u) <= columns / 2 - 0.49) & (np.abs(v) <= rows / 2 - 0.49)
    return (5 + 5 * inside).astype(np.uint16)


def stack_of(image, **more):
    counts = np.full(image.shape, 5, np.uint16)
    return Stack(image, image * 0 + 1, image * 0 + 2, counts, counts, counts, **more)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 10.0, 45.0, 90.0])
def test_every_pixel_that_is_left_was_seen_well_and_no_side_can_grow(degrees):
    coverage = turned(degrees)
    kept = best_rectangle(coverage)
    assert (coverage[kept.window] >= 8).all()
    grown = [(-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    for step in grown:
        edges = np.array([kept.top, kept.left, kept.bottom, kept.right]) + step
        on_image = edges.min() >= 0 and edges[2] <= 120 and edges[3] <= 160
        assert not on_image or (coverage[Rectangle(*edges).window] < 8).any()


def test_a_turn_by_90_degrees_leaves_the_square_that_both_share():
    kept = best_rectangle(turned(90.0))
    assert kept == Rectangle(0, 20, 120, 140)


def test_a_defect_and_a_dead_column_do_not_break_the_crop():
    coverage = np.full((50, 80), 10, np.uint16)
    coverage[20, 33] = 0
    coverage[:, 50] = 0
    coverage[:, :4] = 5
    assert best_rectangle(coverage) == Rectangle(0, 4, 50, 80)
    assert best_rectangle(coverage, CropSettings(holes=0)).right <= 50


def test_a_hole_as_large_as_a_real_one_is_left_out():
    coverage = np.full((50, 80), 10, np.uint16)
    coverage[15:40, 40:80] = 0
    assert best_rectangle(coverage) == Rectangle(0, 0, 50, 40)


def test_the_poorest_colour_decides():
    coverage = np.full((3, 20, 20), 10, np.uint16)
    coverage[2, :, :3] = 2
    assert best_rectangle(coverage) == Rectangle(0, 3, 20, 20)


def test_what_nobody_covered_stays_whole():
    assert best_rectangle(np.zeros((4, 7), np.uint16)) == Rectangle(0, 0, 4, 7)
    assert best_rectangle(np.ones((1, 9), np.uint16)) == Rectangle(0, 0, 1, 9)
    with pytest.raises(ShapeError):
        best_rectangle(np.ones(5, np.uint16))


def test_without_a_map_missing_pixels_are_not_covered():
    image = np.ones((10, 12), np.float32)
    image[:, :2] = np.nan
    assert best_rectangle(coverage_of(image)) == Rectangle(0, 2, 10, 12)


def test_the_sky_stays_where_it_was():
    cards = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRVAL1": 80.0, "CRVAL2": -20.0}
    cards |= {"CRPIX1": 40.0, "CRPIX2": 30.0, "CD1_1": -1e-3, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 1e-3}
    cards |= {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-5, "B_0_2": -2e-5}
    whole = stack_of(
        np.zeros((60, 80), np.float32), cards=tuple(Card(name, value) for name, value in cards.items())
    )
    part = crop(whole, Rectangle(7, 11, 50, 70))
    moved = WCS({card.keyword: card.value for card in part.cards}).all_pix2world([[20.0, 10.0]], 0)
    np.testing.assert_allclose(moved, WCS(cards).all_pix2world([[31.0, 17.0]], 0), atol=1e-9)
    assert {card.keyword: card.value for card in part.cards}["LTV1"] == -11


def test_all_maps_and_stars_are_cut_alike():
    image = np.arange(3 * 20 * 30, dtype=np.float32).reshape(3, 20, 30)
    stars = tuple({"X": x, "Y": 10.0, "R": 1.0, "G": 2.0, "B": 3.0} for x in (2.0, 12.5))
    whole = stack_of(image, halves=(image, image + 1), star_colours=stars)
    part = crop(whole, Rectangle(5, 10, 15, 30))
    maps = (part.noise, part.weight, part.coverage, part.rejected_low, part.rejected_high, *part.halves)
    assert {one.shape for one in maps} == {(3, 10, 20)}
    np.testing.assert_array_equal(part.image, image[:, 5:15, 10:30])
    assert [(star["X"], star["Y"]) for star in part.star_colours] == [(2.5, 5.0)]
    with pytest.raises(UsageError):
        crop(whole, Rectangle(5, 10, 15, 31))


def test_a_second_crop_counts_from_the_same_stack():
    once = crop(stack_of(np.zeros((60, 80), np.float32)), Rectangle(1, 2, 50, 70))
    twice = crop(once, Rectangle(10, 20, 30, 40))
    assert {card.keyword: card.value for card in twice.cards} == {"LTV1": -22.0, "LTV2": -11.0}
