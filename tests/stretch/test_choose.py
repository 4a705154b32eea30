"""The stretch that settings ask for is the same wherever it is made, and shows what is there."""

import numpy as np
import pytest

from sidera.errors import ShapeError
from sidera.model.finishing import StretchSettings
from sidera.model.header import Card
from sidera.stretch.apply import Parameters, apply, joined, parameters_from_cards
from sidera.stretch.choose import choose, stretch
from sidera.stretch.curves import Bend, Curve
from twins import stretch as twin


def night(sky=1000.0, noise=10.0, seed=1, shape=(120, 150)):
    image = np.random.default_rng(seed).normal(sky, noise, shape)
    image[40:44, 50:54] += 40_000
    return image.astype(np.float32)


def colours(skies=(1000.0, 1000.0, 1000.0)):
    return np.stack([night(sky, seed=seed) for seed, sky in enumerate(skies)])


METHODS = ["auto", "stf", "mtf", "asinh", "ghs", "log", "linear"]


def test_stf_is_pixinsight_s():
    image = night()
    curve = choose(image, StretchSettings(method="stf")).curves[0]
    x = (image[1:-1, 2:-2].astype(np.float64) - curve.low) / (curve.high - curve.low)
    sky = np.median(x)
    clip = sky - 2.8 * 1.4826 * np.median(np.abs(x - sky))
    assert curve.shadows == pytest.approx(clip, abs=1e-4)
    assert curve.midtones == pytest.approx(
        twin.midtones((sky - curve.shadows) / (1 - curve.shadows), 0.25), rel=0.02
    )
    assert np.median(stretch(image, StretchSettings(method="stf")).image) == pytest.approx(0.25, abs=2e-3)


@pytest.mark.parametrize("background", [0.1, 0.25, 0.4])
def test_the_sky_comes_to_the_brightness_asked_for(background):
    shown = stretch(night(), StretchSettings(method="stf", background=background))
    assert np.median(shown.image) == pytest.approx(background, abs=2e-3)


def test_white_may_lie_15_sigma_above_the_sky():
    image = night()
    curve = choose(image, StretchSettings(method="stf", highlights_sigma=15)).curves[0]
    white = curve.low + curve.highlights * (curve.high - curve.low)
    assert white == pytest.approx(1150, abs=3)


def test_linked_channels_share_one_range_and_unlinked_ones_have_each_their_own():
    image = colours((500, 1000, 2000))
    assert len(choose(image, StretchSettings(method="stf")).curves) == 1
    apart = stretch(image, StretchSettings(method="stf", linked=False))
    np.testing.assert_allclose([np.median(plane) for plane in apart.image], 0.25, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_header_keeps_the_stretch_to_the_last_bit(method):
    image = colours()
    made = stretch(image, StretchSettings(method=method, protect_low=0.0, symmetry=0.02))
    again = stretch(image, parameters=parameters_from_cards(made.cards))
    np.testing.assert_array_equal(again.image, made.image)


def test_three_curves_and_a_bend_come_back_from_their_cards():
    bend = Bend(3.0, -1.4, 0.1, 0.05, 0.9, "asinh")
    given = Parameters(tuple(Curve(n, 100 + n, 0.01, 0.3, 0.9, bend) for n in range(3)), 0.25)
    assert parameters_from_cards((Card("OBJECT", "M 27"), *given.cards())) == given
    assert parameters_from_cards([Card("OBJECT", "M 27")]) is None
    assert parameters_from_cards(joined(Parameters((Curve(),)).cards(), given)) == given


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "image",
    [
        np.full((5, 6), 7.0),
        np.full((5, 6), np.nan),
        np.zeros((1, 1)),
        np.full((3, 7, 1), -3.0),
        np.array([[np.nan, 1.0]]),
        np.array([[np.inf, 1.0, 2.0]]),
        np.stack([np.arange(30.0).reshape(5, 6), np.full((5, 6), np.nan), np.ones((5, 6))]),
        night() / 65_535,
        -night(),
    ],
    ids=["flat", "nan", "pixel", "narrow", "two", "infinite", "no green", "0..1", "negative"],
)
def test_odd_images_give_a_picture_all_the_same(method, image):
    shown = stretch(image.astype(np.float32), StretchSettings(method=method)).image
    assert shown.shape == image.shape
    assert ((shown >= 0) & (shown <= 1)).all()


def test_an_image_without_green_still_shows_red_and_blue():
    image = colours()
    image[1] = np.nan
    shown = stretch(image).image
    assert (shown[1] == 0).all()
    assert np.median(shown[0]) == pytest.approx(StretchSettings().brightness, abs=0.01)


def test_a_bright_star_keeps_its_colour():
    image = colours()
    for channel, share in enumerate((1.0, 0.5, 0.25)):
        image[channel, 40:44, 50:54] = 1000 + 40_000 * share
    kept = stretch(image, StretchSettings(colour=1.0)).image[:, 42, 52]
    alone = stretch(image, StretchSettings(colour=0.0)).image[:, 42, 52]
    assert kept[2] / kept[0] == pytest.approx(0.25, abs=0.01)
    assert alone[2] / alone[0] > 0.8


def test_borders_that_few_frames_saw_do_not_count():
    image, coverage = night(shape=(200, 200)), np.full((200, 200), 20, np.uint16)
    image[:110], coverage[:110] = 5000, 3
    shown = stretch(image, StretchSettings(method="stf"), coverage).image
    assert np.median(shown[110:]) == pytest.approx(0.25, abs=2e-3)
    with pytest.raises(ShapeError):
        stretch(image, coverage=coverage[:5])


def test_it_is_told_what_share_was_clipped():
    image = np.linspace(0, 100, 101, dtype=np.float32).reshape(1, -1)
    made = apply(image, Parameters((Curve(9.5, 90.5),)))
    assert made.clipped == (10 / 101, 10 / 101)
    image[0, :50] = np.nan
    assert apply(image, Parameters((Curve(9.5, 90.5),))).clipped == (0, 10 / 51)


def test_the_scale_of_the_data_does_not_change_the_picture():
    image = colours()
    one, other = stretch(image).image, stretch(image / np.float32(65_536)).image
    np.testing.assert_allclose(other, one, atol=2e-6)


def test_curves_must_fit_the_channels():
    with pytest.raises(ShapeError):
        apply(colours(), Parameters((Curve(), Curve())))
