"""Mono stacks become colour: on one grid, on one scale, with cards that tell what was done."""

import numpy as np
import pytest

import sidera
from sidera.errors import ShapeError, UsageError
from sidera.io.stacks import read_stack
from sidera.io.write import write
from sidera.model.header import Card
from sidera.model.stack import Stack
from sidera.pipeline.compose import combine_channels, save_combined

SHAPE, NOISE = (300, 340), 4.0


def field(sky=500.0, gain=1.0, seed=1, shift=(0.0, 0.0), degrees=0.0, shape=SHAPE, nebula=0.0, colour=0.0):
    """Sixty stars of FWHM 3, the same in every channel but for the gain, as seen from a place beside."""
    places = np.random.default_rng(77)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    turn, centre = np.exp(1j * np.radians(degrees)), complex(SHAPE[1], SHAPE[0]) / 2
    image = np.random.default_rng(seed).normal(sky, NOISE, shape)
    image += gain * nebula * np.exp(-((rows - 150) ** 2 + (columns - 170) ** 2) / (2 * 40**2))
    for number in range(60):
        place = complex(places.uniform(15, SHAPE[1] - 15), places.uniform(15, SHAPE[0] - 15))
        peak = 10 ** places.uniform(2.3, 3.8) * np.exp(colour * (number % 3 - 1))
        place = (place - centre) * turn + centre + complex(*shift)
        image += gain * peak * np.exp(-((rows - place.imag) ** 2 + (columns - place.real) ** 2) / 3.25)
    return image.astype(np.float32)


def stack(image, exposure=300.0, frames=5, name="R", **more):
    counts = np.full(image.shape, frames, np.uint16)
    cards = (Card("OBJECT", "M 8"), Card("EXPTIME", exposure), Card("NCOMBINE", frames), Card("FILTER", name))
    noise = np.full(image.shape, NOISE, np.float32)
    return Stack(image, noise, np.ones_like(image), counts, counts * 0, counts * 0 + 1, cards=cards, **more)


def rgb(**more):
    return {name: stack(field(sky, gain, seed, **more), name=name) for name, sky, gain, seed in
            (("r", 500.0, 0.5, 1), ("g", 900.0, 1.0, 2), ("b", 300.0, 0.25, 3))}  # fmt: skip


def test_channels_come_to_one_sky_and_white_stars():
    made = combine_channels(rgb())
    np.testing.assert_allclose([np.median(plane) for plane in made.image], 1700 / 3, atol=1.5)
    peaks = made.image.reshape(3, -1)[:, made.image[1].argmax()] - 1700 / 3
    np.testing.assert_allclose(peaks / peaks[1], 1, atol=0.02)
    np.testing.assert_allclose(made.noise[:, 5, 5], [2 * NOISE, NOISE, 4 * NOISE], rtol=0.03)
    assert (made.coverage == 5).all()


def test_values_may_be_left_as_they_are():
    given = rgb()
    made = combine_channels(given, match="none")
    for plane, name in zip(made.image, "rgb", strict=True):
        np.testing.assert_array_equal(plane, given[name].image)


def test_one_sky_alone_keeps_the_ratios():
    given = rgb()
    made = combine_channels(given, match="sky")
    apart = made.image[0] - given["r"].image
    assert np.ptp(apart) < 1e-2
    assert np.median(made.image[0]) == pytest.approx(1700 / 3, abs=1.5)


@pytest.mark.parametrize(("shift", "degrees"), [((7.3, -4.6), 0.0), ((3.0, 2.0), 25.0)])
def test_stacks_of_other_places_are_registered(shift, degrees):
    given = rgb()
    given["b"] = stack(field(300, 0.25, 3, shift, degrees, shape=(320, 310)), name="b")
    made = combine_channels(given)
    still = combine_channels(rgb())
    inner = (slice(None), slice(90, 210), slice(100, 230))
    known = np.isfinite(made.image[inner])
    assert known.mean() > 0.95
    bright = still.image[1][inner[1:]] > 1000
    off = (made.image[2] - still.image[2])[inner[1:]]
    assert np.nanmedian(np.abs(off[bright])) < 0.06 * np.nanmedian(still.image[2][inner[1:]][bright])
    assert np.isnan(made.image[2]).any()  # what blue did not see is not made up
    assert (made.coverage[2][np.isnan(made.image[2])] == 0).mean() > 0.9
    assert any("moved by" in line for line in made.history)


def test_stacks_on_one_grid_are_not_resampled():
    given = rgb()
    made = combine_channels(given)
    scaled = (given["g"].image - made.image[1]).std()
    assert scaled < 1e-3


def test_stacks_that_share_no_stars_are_refused_unless_their_size_agrees():
    given = rgb()
    given["b"] = np.random.default_rng(8).normal(300, NOISE, SHAPE).astype(np.float32)
    assert any("taken to lie" in line for line in combine_channels(given).history)
    given["b"] = given["b"][:200]
    with pytest.raises(UsageError, match="stars do not match"):
        combine_channels(given)


@pytest.mark.parametrize(
    ("palette", "order"),
    [("SHO", ("sii", "ha", "oiii")), ("hoo", ("ha", "oiii", "oiii")), (None, ("sii", "ha", "oiii"))],
)
def test_a_palette_says_which_stack_is_shown_in_which_colour(palette, order):
    given = {name: field(500 + 100 * n, seed=n) for n, name in enumerate(("ha", "oiii", "sii"))}
    if palette == "hoo":
        del given["sii"]
    made = combine_channels(given, palette, match="none")
    for plane, name in zip(made.image, order, strict=True):
        np.testing.assert_array_equal(plane, given[name])


def test_a_formula_mixes_light_above_the_sky_and_its_noise_follows():
    given = {name: stack(field(500, seed=n, nebula=200)) for n, name in enumerate(("ha", "oiii", "sii"))}
    made = combine_channels(given, "SHO", red="0.6*ha + 0.8*sii", blue="max(oiii, ha)", match="sky")
    light = {name: one.image - 500 for name, one in given.items()}
    np.testing.assert_allclose(made.image[0] - 500, 0.6 * light["ha"] + 0.8 * light["sii"], atol=2.0)
    assert made.noise[0, 9, 9] == pytest.approx(NOISE, rel=1e-3)  # 0.6² + 0.8² = 1
    assert made.history[-4:-1] == ("red = 0.6*ha + 0.8*sii", "green = ha", "blue = max(oiii, ha)")


def test_luminance_gives_brightness_and_less_noise():
    given = rgb(nebula=400)
    plain = combine_channels(given)
    given["l"] = stack(field(2000, 3.0, 9, nebula=400), exposure=600.0, frames=9, name="L")
    made = combine_channels(given)
    corner = (slice(None), slice(5, 40), slice(300, 335))
    assert made.image[corner].std(axis=(1, 2)).max() < 0.5 * plain.image[corner].std(axis=(1, 2)).max()
    centre = (slice(None), slice(140, 160), slice(160, 180))
    light = [one.image[centre].mean(axis=(1, 2)) - np.median(one.image[1]) for one in (made, plain)]
    np.testing.assert_allclose(light[0] / light[1], 1, atol=0.06)
    assert made.noise[0, 9, 300] < 0.5 * plain.noise[0, 9, 300]


def test_cards_and_history_tell_the_truth(tmp_path):
    given = rgb()
    for name, one in given.items():
        write(tmp_path / f"{name}.fits", one)
    made = sidera.combine_channels({name: tmp_path / f"{name}.fits" for name in given})
    save_combined(tmp_path / "c.fits", made, {})
    back = read_stack(tmp_path / "c.fits")
    cards = {card.keyword: card.value for card in back.cards}
    assert (cards["OBJECT"], cards["EXPTIME"], cards["NCOMBINE"], cards["FILTER"]) == (
        "M 8",
        900.0,
        15,
        "R+G+B",
    )
    assert any(line.startswith("b: sky 300") and "scale 4.0" in line for line in back.history)
    np.testing.assert_array_equal(back.image, made.image)
    np.testing.assert_array_equal(back.rejected_high, made.rejected_high)


def test_an_exposure_that_one_channel_does_not_tell_is_not_summed():
    given = rgb()
    given["b"] = given["b"].image
    assert "EXPTIME" not in {card.keyword for card in combine_channels(given).cards}


def test_a_source_is_never_overwritten_and_pictures_are_not_linear(tmp_path):
    made = combine_channels(rgb())
    for name, cure in (("r.fits", "another name"), ("c.png", "sidera finish")):
        with pytest.raises(UsageError, match=cure):
            save_combined(tmp_path / name, made, {"r": tmp_path / "r.fits"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "more", "what"),
    [
        ("rg", {}, "no colours"),
        ("rgb", {"palette": "SHO"}, "needs ha, oiii, sii"),
        ("rgb", {"palette": "XYZ"}, "palette"),
        ("rgb", {"red": "g", "match": "stars"}, "r was given and goes nowhere"),
        ("rgb", {"red": "ha"}, "no channel 'ha'"),
        ("rgbx", {}, "no channel 'x'"),
        ("rgb", {"match": "guess"}, "match"),
        ("", {}, "nothing"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(names, more, what):
    with pytest.raises(UsageError, match=what):
        combine_channels(dict.fromkeys(names, np.ones((9, 9), np.float32)), **more)


def test_colour_images_are_no_channels():
    with pytest.raises((UsageError, ShapeError)):
        combine_channels({"r": np.zeros((3, 5, 5)), "g": np.zeros((5, 5)), "b": np.zeros((5, 5))})


@pytest.mark.parametrize(
    "image",
    [np.full((9, 8), np.nan), np.full((1, 30), 5.0), np.zeros((1, 1)), -field() / 65_536],
    ids=["nan", "row", "pixel", "negative"],
)
def test_odd_channels_come_through(image):
    image = image.astype(np.float32)
    made = combine_channels({"r": image, "g": image, "b": image, "l": image})
    assert made.image.shape == (3, *image.shape)
    np.testing.assert_array_equal(np.isnan(made.image[0]), np.isnan(image))
