"""From a linear stack to a picture: what is done, what is left alone, what is said."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

import sidera
from sidera.detection.find import find_stars
from sidera.errors import Cancelled, FrameError, ShapeError, UsageError
from sidera.io.stacks import read_stack
from sidera.io.write import write
from sidera.model.header import Card
from sidera.model.stack import Stack
from sidera.pipeline.finish import STAGES, finish
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.stretch.choose import stretch as stretched
from skies import SIGMA, at_mesh_scale, sky
from smallnight import small_night


def colour(seed=0, **more):
    """A colour image with a gradient, offsets between its channels, and white stars."""
    planes = [sky(shape=(240, 300), curved=True, stars=150, seed=seed, **more).image for _ in range(3)]
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, SIGMA, (3, 240, 300))
    return (np.stack(planes) + noise + np.array([0, 60, -80])[:, None, None]).astype(np.float32)


def stack_of(image, **more):
    counts = np.full(image.shape, 10, np.uint16)
    counts[..., :12] = 3
    zero = counts * 0
    return Stack(image, np.full_like(image, SIGMA), np.ones_like(image), counts, zero, zero, **more)


def only(*stages, **settings):
    """A recipe with all but some stages off."""
    off = [f"{name}.enabled=false" for name in STAGES if name not in stages]
    return Recipe().with_settings(
        [*off, *(f"{name.replace('__', '.')}={value}" for name, value in settings.items())]
    )


def test_the_chain_crops_levels_neutralises_and_stretches():
    done = finish(stack_of(colour()))
    assert [step.name for step in done.steps] == [
        "crop",
        "gradient",
        "neutralise",
        "whitebalance",
        "starcolour",
        "stretch",
    ]
    assert done.image.shape == (3, 240, 288)
    levels = at_mesh_scale(np.median(done.image, axis=0), 6)
    assert np.ptp(levels) < 2 * SIGMA
    assert np.ptp([np.median(plane) for plane in done.image]) < 0.5 * SIGMA
    assert done.picture.image.shape == done.image.shape
    assert 0 <= done.picture.image.min() < done.picture.image.max() <= 1


def test_the_stack_that_was_given_is_left_as_it_was():
    stack = stack_of(colour())
    before = stack.image.copy()
    finish(stack)
    np.testing.assert_array_equal(stack.image, before)


def test_with_everything_off_the_light_is_the_stack_s_own():
    stack = stack_of(colour())
    done = finish(stack, only())
    np.testing.assert_array_equal(done.image, stack.image)
    assert [step.name for step in done.steps] == ["stretch"]


@pytest.mark.parametrize(
    "stage", ["crop", "gradient", "neutralise", "whitebalance", "starcolour", "scnr", "denoise"]
)
def test_each_correction_works_by_itself(stage):
    done = finish(stack_of(colour()), only(stage, **{f"{stage}__enabled": "true"}))
    assert [step.name for step in done.steps] == [stage, "stretch"]
    assert done.steps[0].told


def test_manual_factors_scale_light_noise_and_not_the_sky():
    stack = stack_of(colour())
    recipe = only("whitebalance", whitebalance__method="manual", whitebalance__red=2.0)
    done = finish(stack, recipe)
    assert np.median(done.image[0]) == pytest.approx(np.median(stack.image[0]), abs=0.5 * SIGMA)
    assert np.ptp(done.image[0]) == pytest.approx(2 * np.ptp(stack.image[0]), rel=1e-3)
    np.testing.assert_array_equal(done.stack.noise[0], 2 * stack.noise[0])
    np.testing.assert_array_equal(done.image[1], stack.image[1])


def test_star_colours_of_the_raw_frames_are_preferred():
    rng = np.random.default_rng(2)
    rows = tuple({"X": 50.0, "Y": 50.0, "R": r, "G": 1.0, "B": 1.0} for r in rng.uniform(0.4, 0.6, 40))
    with_table = finish(stack_of(colour(), star_colours=rows), only("whitebalance"))
    assert "measured on the raw frames" in with_table.steps[0].told
    without = finish(stack_of(colour()), only("whitebalance"))
    assert "measured on the stack" in without.steps[0].told


def test_without_enough_stars_the_colours_are_left_alone_and_it_is_said():
    planes = np.stack([sky(shape=(200, 200), stars=2, seed=seed).image for seed in range(3)])
    step = finish(planes, only("whitebalance")).steps[0]
    assert not step.applied
    assert "too few" in step.told


def test_stars_get_one_colour_each_and_saturated_ones_are_told_of():
    rows, columns = np.mgrid[:200, :260]
    rng = np.random.default_rng(3)
    image = rng.normal(500, SIGMA, (3, 200, 260)).astype(np.float32)
    for number, (x, y) in enumerate(rng.uniform(20, 180, (30, 2))):
        away = (columns - x) ** 2 + (rows - y) ** 2
        for channel, width in enumerate((1.0, 1.3, 1.4)):
            height = 400_000 if number == 0 else 8000
            image[channel] += np.minimum(height * np.exp(-away / (2 * width**2)), 50_000).astype(np.float32)
    done = finish(image, only("starcolour"))
    assert [step.name for step in done.steps] == ["starcolour", "stretch"]
    assert "1 of them saturated" in done.steps[0].told
    assert done.steps[0].figures["stars"][0] > 20
    blank = finish(rng.normal(500, SIGMA, (3, 200, 260)).astype(np.float32), only("starcolour"))
    assert not blank.steps[0].applied


def colour_spread(image, stars):
    """Median over stars of the scatter of ln(R/G) and ln(B/G) over the 3×3 pixels at their centres."""
    found = []
    for x, y in zip(np.rint(stars.x).astype(int), np.rint(stars.y).astype(int), strict=True):
        near = image[:, max(y - 14, 0) : y + 15, max(x - 14, 0) : x + 15]
        core = image[:, y - 1 : y + 2, x - 1 : x + 2] - np.median(near, axis=(1, 2))[:, None, None]
        found.append(np.log(core[[0, 2]] / core[1]).std(axis=(1, 2)))
    return np.median(found, axis=0)


def test_what_demosaicing_does_to_a_star_s_colours_is_gone_from_the_finished_one(tmp_path):
    result = sidera.stack(small_night(tmp_path / "night", stars=300))
    with_it, without = (
        finish(result.stack, Recipe().with_settings([f"starcolour.enabled={on}", "crop.enabled=false"])).image
        for on in ("true", "false")
    )
    stars = find_stars(without[1])
    clear = stars[(stars.snr > 100) & (stars.x > 3) & (stars.y > 3)]
    clear = clear[(clear.x < without.shape[2] - 4) & (clear.y < without.shape[1] - 4)]
    assert len(clear) >= 5
    assert (colour_spread(without, clear) > 0.03).all()
    assert (colour_spread(with_it, clear) < 0.01).all()


def test_mono_has_no_colour_to_correct():
    done = finish(sky(shape=(200, 240)).image)
    assert [step.name for step in done.steps] == ["crop", "gradient", "stretch"]
    assert done.picture.image.ndim == 2


def test_what_was_done_stands_in_the_history_with_its_settings():
    done = finish(stack_of(colour(), history=("first",), cards=(Card("OBJECT", "M 1"),)))
    text = "\n".join(done.stack.history)
    assert text.startswith("first")
    assert all(f"{step.name}: {step.told}" in text for step in done.steps)
    assert "gradient.model = auto" in text
    assert Card("OBJECT", "M 1") in done.picture.cards
    assert done.picture.history == done.stack.history


def test_a_bottom_up_stack_gives_an_upright_picture_without_false_coordinates():
    image = sky(shape=(120, 160), rise=0.0, stars=0).image
    image[:10] += 500
    upright = finish(stack_of(image, bottom_up=True, cards=(Card("CRPIX1", 3.0),)), only())
    assert upright.picture.image[-5:].mean() > upright.picture.image[:5].mean()
    assert not [card for card in upright.picture.cards if card.keyword == "CRPIX1"]


def test_it_stops_when_it_is_told_to():
    progress = Progress(lambda event: progress.cancel() if event.done == 1 else None)
    with pytest.raises(Cancelled):
        finish(stack_of(colour()), progress=progress)


@pytest.mark.parametrize("shape", [(5,), (2, 9, 9), (0, 3)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ShapeError):
        finish(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (3, 1, 40), (3, 7, 7)])
def test_constant_and_narrow_images_come_through(shape):
    done = finish(np.full(shape, 7.5, np.float32))
    np.testing.assert_allclose(done.image, 7.5, atol=1e-5)


def test_missing_pixels_stay_missing_and_nothing_is_clipped_below():
    image = colour()
    image[:, 100:110, 100:110] = np.nan
    image[2] = np.nan
    done = finish(image)
    assert np.isnan(done.image[2]).all()
    assert np.nanmin(done.image[:2]) > 0


def test_a_stack_goes_through_a_file_and_back(tmp_path):
    rows = ({"X": 1.5, "Y": 2.0, "R": 1.0, "G": 2.0, "B": 3.0},)
    table = ({"FILE": "a.fits", "WEIGHT": 1.25},)
    stack = stack_of(colour(), star_colours=rows, table=table, history=("one", "two"), bottom_up=True)
    write(tmp_path / "s.fits", stack)
    back = read_stack(tmp_path / "s.fits")
    for name in ("image", "noise", "weight", "coverage", "rejected_low"):
        np.testing.assert_array_equal(getattr(back, name), getattr(stack, name))
    assert (back.star_colours, back.table, back.bottom_up) == (rows, table, True)
    assert back.history[:2] == ("one", "two")
    bare = read_stack(tmp_path / "s.fits", maps=False)
    assert bare.noise.size == 0
    assert finish(tmp_path / "s.fits", maps=False).image.shape == (3, 240, 288)


def test_any_linear_image_may_be_finished(tmp_path):
    fits.writeto(tmp_path / "other.fits", sky(shape=(120, 160)).image)
    assert finish(tmp_path / "other.fits").stack.coverage.max() == 1
    raw = fits.PrimaryHDU(np.ones((8, 8), np.uint16))
    raw.header["BAYERPAT"] = "RGGB"
    raw.writeto(tmp_path / "raw.fits")
    with pytest.raises(UsageError, match="stack it first"):
        finish(tmp_path / "raw.fits")
    with pytest.raises(FrameError):
        finish(tmp_path / "absent.fits")


def test_formats_take_linear_light_or_the_picture(tmp_path):
    done = finish(stack_of(colour()))
    for name in ("a.fits", "a.xisf", "a.png", "a.jpg", "a.tif"):
        done.save(tmp_path / name)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "a.fits"), done.image)
    done.save_model(tmp_path / "model.fits")
    model = fits.getdata(tmp_path / "model.fits")
    whole = finish(stack_of(colour()), only("crop")).image
    only_gradient = finish(stack_of(colour()), only("crop", "gradient")).image
    change = whole - only_gradient - model
    assert max(np.ptp(plane) for plane in change) < 0.01
    with pytest.raises(UsageError, match="no gradient"):
        finish(stack_of(colour()), only()).save_model(tmp_path / "none.fits")


def test_a_simulated_night_is_stacked_and_finished(tmp_path):
    night = small_night(tmp_path / "night", stars=300)
    result = sidera.stack(night)
    assert len(result.stack.star_colours) > 20
    steps = {step.name: step for step in result.report.stacks[0].finishing}
    assert set(steps) == {"crop", "gradient", "neutralise", "whitebalance", "starcolour", "stretch"}
    result.save(tmp_path / "s.fits", preview=tmp_path / "s.png")
    np.testing.assert_array_equal(read_stack(tmp_path / "s.fits").image, result.image)
    done = sidera.finish(tmp_path / "s.fits")
    assert "measured on the raw frames" in {step.name: step.told for step in done.steps}["whitebalance"]


def test_a_file_is_finished_as_the_same_stack_in_memory_is(tmp_path):
    stack = stack_of(colour(), star_colours=())
    write(tmp_path / "s.fits", stack)
    recipe = Recipe().with_settings(["scnr.enabled=true", "denoise.enabled=true"])
    here, there = finish(stack, recipe), finish(tmp_path / "s.fits", recipe)
    bare = finish(tmp_path / "s.fits", recipe, maps=False)
    np.testing.assert_array_equal(there.image, here.image)
    np.testing.assert_array_equal(bare.image, here.image)
    np.testing.assert_array_equal(there.stack.noise, here.stack.noise)
    assert bare.stack.noise.size == 0
    assert there.steps == here.steps


def test_a_stack_in_the_file_s_own_byte_order_is_finished_too():
    stack = stack_of(colour())
    turned = {name: getattr(stack, name).astype(">f4") for name in ("image", "noise", "weight")}
    swapped = replace(stack, **turned, coverage=stack.coverage.astype(">i2"))
    recipe = Recipe().with_settings(["scnr.enabled=true", "denoise.enabled=true"])
    np.testing.assert_array_equal(finish(swapped, recipe).image, finish(stack, recipe).image)


def test_a_picture_written_in_strips_is_the_whole_picture(tmp_path):
    tall = np.concatenate([colour(seed) for seed in range(3)], axis=1)  # more rows than one strip has
    done = finish(stack_of(tall, bottom_up=True))
    done.save(tmp_path / "strips.png")
    write(tmp_path / "whole.png", done.picture)
    assert (tmp_path / "strips.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    np.testing.assert_array_equal(
        done.picture.image, np.flip(stretched(done.image, parameters=done.parameters).image, 1)
    )


def test_green_is_judged_by_the_noise_that_the_stack_itself_claims():
    image = colour()
    image[1] += 25  # 2.5 sigma everywhere
    recipe = only("scnr", scnr__enabled="true")
    calm = replace(stack_of(image), noise=np.full_like(image, SIGMA))
    wild = replace(calm, noise=np.full_like(image, 100 * SIGMA))
    changed = [finish(stack, recipe).steps[0].figures["changed"][0] for stack in (calm, wild)]
    assert changed[0] > 0.9
    assert changed[1] < 0.1


def test_the_width_of_the_same_stars_is_told_before_and_after_noise_reduction():
    image = sky(shape=(400, 440), stars=200, rise=0.0).image
    step = finish(image, only("denoise", denoise__enabled="true")).steps[0]
    before, after = step.figures["fwhm_before"][0], step.figures["fwhm_after"][0]
    assert after == pytest.approx(before, rel=0.01)
    assert before == pytest.approx(2 * 2 * np.sqrt(2 ** (1 / 3) - 1), rel=0.15)  # of the Moffat profile
    assert f"FWHM of stars from {before:.3f}" in step.told
    assert step.figures["noise_after"][0] < step.figures["noise_before"][0]
