"""A frame is brought onto the reference wherever it lies, and never wrongly."""

import sys

import numpy as np
import pytest

from sidera.errors import FrameError, Refusal, ShapeError
from sidera.model.settings import RegistrationSettings
from sidera.model.stars import Stars
from sidera.model.transform import Model, Transform
from sidera.registration.solve import register_all, solve
from starfields import SHAPE, Truth, error, noise_list, star_list, two_frames

WIDE = (1080, 1920)


def solved(reference, frame, shape=SHAPE, model="auto", prediction=None):
    settings = RegistrationSettings(model=model)
    return solve(reference, frame, settings, shape_reference=shape, shape_frame=shape, prediction=prediction)


def refusal(reference, frame, shape=SHAPE, model="auto"):
    with pytest.raises(FrameError) as caught:
        solved(reference, frame, shape, model)
    return caught.value


HARD = {
    "a shift of 50 px": Truth(x=50, y=30),
    "a shift of 100 px": Truth(x=100, y=-20),
    "a turn of 0.7°": Truth(0.7, x=3),
    "a turn of 10°": Truth(10),
    "a turn of 69.5°": Truth(69.5, x=30),
    "upside down": Truth(180, x=5),
    "mirrored": Truth(mirrored=True),
    "mirrored and turned": Truth(133, mirrored=True, y=20),
    "stored bottom up": Truth(0, mirrored=True, y=-2),
    "half the scale": Truth(37, 0.5),
    "twice the scale": Truth(-50, 2),
    "30 % overlap": Truth(x=400, y=170),
}


@pytest.mark.parametrize("truth", HARD.values(), ids=HARD.keys())
@pytest.mark.parametrize("seed", range(3))
def test_finds_the_frame_with_stars_missing_and_others_false(truth, seed):
    count = 400 if truth.scale > 1 else 150
    solution = solved(*two_frames(truth, seed, count))
    assert error(solution.transform, truth)[1] < 0.25
    assert solution.transform.mirrored is truth.mirrored
    assert solution.transform.rotation == pytest.approx(truth.degrees, abs=0.1) or truth.degrees == 180
    assert solution.chance < -6


@pytest.mark.parametrize(("noise", "count"), [(0.05, 170), (0.1, 450)])
def test_a_hundred_stars_tell_the_place_to_a_fiftieth_of_a_pixel(noise, count):
    """Or as many as theory asks: 0.1 px in both lists leaves 0.02 px with 200 stars."""
    truth = Truth(0.7, x=3)
    solutions = [solved(*two_frames(truth, seed, count, noise)) for seed in range(6)]
    assert min(solution.inliers for solution in solutions) >= 100
    assert np.sqrt(np.mean([error(one.transform, truth)[0] ** 2 for one in solutions])) <= 0.02


@pytest.mark.parametrize("seed", range(5))
def test_two_telescopes_with_few_stars_each(seed):
    """As in a real set: 17 to 40 stars a frame, turned by 69.5°."""
    truth = Truth(69.5, x=30, shape=WIDE)
    solution = solved(*two_frames(truth, seed, 40), WIDE)
    assert solution.transform.model in (Model.SIMILARITY, Model.AFFINE)
    assert error(solution.transform, truth)[1] < 0.4


@pytest.mark.parametrize("count", [4, 5, 8, 12])
def test_few_stars_suffice_where_all_agree(count):
    truth = Truth(25, x=12, shape=WIDE)
    here = noise_list(count, 40, WIDE)
    x, y = truth.apply(here.x, here.y)
    both = np.flatnonzero((x > 0) & (x < WIDE[1]) & (y > 0) & (y < WIDE[0]))[:count]
    there = star_list(x[both], y[both], here.flux[both])
    assert error(solved(here[both], there, WIDE).transform, truth)[1] < 0.01


def test_brightness_may_rank_otherwise_in_another_filter():
    truth = Truth(12, x=20)
    solution = solved(*two_frames(truth, 1, 150, colour=1.0))
    assert error(solution.transform, truth)[1] < 0.2


def test_distortion_is_followed_into_the_corners():
    truth = Truth(1, x=8, bend=2)
    solution = solved(*two_frames(truth, 2, 400))
    assert solution.transform.model is Model.CUBIC
    assert error(solution.transform, truth)[0] < 0.05


def test_a_cluster_and_its_doubles_are_matched():
    rng = np.random.default_rng(4)
    x, y = rng.normal(370, 60, 150), rng.normal(290, 60, 150)
    x, y = np.append(x, x[:40] + 3), np.append(y, y[:40])
    flux = rng.pareto(1.2, 190) + 1
    truth = Truth(30, x=15)
    there = np.array(truth.apply(x, y)) + rng.normal(0, 0.05, (2, 190))
    solution = solved(star_list(x, y, flux), star_list(*there, flux * np.exp(rng.normal(0, 0.1, 190))))
    assert np.abs(np.subtract(solution.transform.apply(x, y), truth.apply(x, y))).max() < 0.05


def test_the_same_list_twice_is_the_identity():
    stars = noise_list(0, 80)
    solution = solved(stars, stars)
    assert solution.transform.model is Model.SHIFT
    assert solution.transform.shift == pytest.approx((0, 0), abs=1e-9)
    np.testing.assert_array_equal(solution.pairs[:, 0], solution.pairs[:, 1])
    assert solution.inliers == 80


def test_pairs_name_the_same_star_in_either_list():
    truth = Truth(69.5, x=30)
    here, there = two_frames(truth, 0)
    one, two = solved(here, there).pairs.T
    x, y = truth.apply(here.x[one], here.y[one])
    assert np.hypot(x - there.x[two], y - there.y[two]).max() < 1


def test_pairs_count_the_stars_that_have_no_place_too():
    here = noise_list(0, 60)
    there = here[np.arange(60)]
    there.x[3] = np.nan
    pairs = solved(here, there).pairs
    assert 3 not in pairs
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])


def test_a_prediction_is_refined_and_a_false_one_does_no_harm():
    truth = Truth(25, x=30)
    here, there = two_frames(truth, 0)
    free = solved(here, there)
    near = solved(here, there, prediction=Transform.moved(3, -2).compose(free.transform))
    false = solved(here, there, prediction=Transform.moved(200, 100))
    for one in (near, false):
        assert error(one.transform, truth)[1] < 0.1


@pytest.mark.parametrize("shift", [(0.0, 0.0), (60.0, -35.0), (-7.9, 8.1), (-150.0, 120.0)])
def test_a_dithered_frame_is_found_by_its_neighbours_map_without_patterns(shift, monkeypatch):
    here, there = two_frames(Truth(3), 0)
    neighbour = solved(here, there).transform
    moved = star_list(there.x + shift[0], there.y + shift[1], there.flux)
    monkeypatch.setattr(
        sys.modules["sidera.registration.search"], "guesses", lambda *_: pytest.fail("patterns")
    )
    solution = solved(here, moved, prediction=neighbour)
    assert error(solution.transform, Truth(3, x=shift[0], y=shift[1]))[1] < 0.1


def test_hot_pixels_that_stay_do_not_outvote_the_stars():
    truth = Truth(x=60, y=40)
    here, there = two_frames(truth, 3, 100)
    hot = noise_list(9, 30)

    def with_hot(stars):
        return star_list(*(np.append(getattr(stars, k), getattr(hot, k)) for k in ("x", "y", "flux")))

    assert error(solved(with_hot(here), with_hot(there)).transform, truth)[1] < 0.2


@pytest.mark.parametrize("count", [6, 12, 20, 40, 120])
def test_noise_is_refused(count):
    for seed in range(20):
        error_ = refusal(noise_list(seed, count), noise_list(seed + 1000, count))
        assert error_.code in (Refusal.NO_MATCH, Refusal.TOO_FEW_STARS)


@pytest.mark.parametrize("seed", range(20))
def test_another_field_is_refused(seed):
    here, _ = two_frames(Truth(), seed)
    _, there = two_frames(Truth(), seed + 1000)
    assert refusal(here, there).code is Refusal.NO_MATCH


def test_a_crowd_is_no_proof():
    def crowd(seed):
        rng = np.random.default_rng(seed)
        return star_list(rng.normal(370, 40, 150), rng.normal(290, 40, 150), rng.pareto(1.2, 150))

    for seed in range(5):
        assert refusal(crowd(seed), crowd(seed + 1000)).code is Refusal.NO_MATCH


@pytest.mark.nightly
@pytest.mark.parametrize("count", [6, 12, 20, 40, 120])
def test_noise_is_refused_two_hundred_times(count):
    for seed in range(200):
        refusal(noise_list(seed, count), noise_list(seed + 1000, count))


@pytest.mark.nightly
def test_another_field_is_refused_two_hundred_times():
    for seed in range(200):
        here, _ = two_frames(Truth(), seed)
        _, there = two_frames(Truth(), seed + 1000)
        refusal(here, there)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_starless_frame_is_refused_with_its_count(count):
    starless = noise_list(0, count) if count else Stars.none()
    refused = refusal(noise_list(1, 100), starless)
    assert refused.code is Refusal.TOO_FEW_STARS
    assert f"{count} star" in str(refused)


def test_a_refusal_tells_the_numbers():
    told = str(refusal(noise_list(0, 120), noise_list(1, 120)))
    assert "stars match, by chance one would expect" in told
    assert "needed" in told


def test_so_small_a_frame_proves_nothing():
    stars = noise_list(0, 4, (60, 80))
    assert refusal(stars, stars, (60, 80)).code is Refusal.TOO_FEW_STARS


def test_stars_in_one_corner_of_the_shared_sky_are_a_poor_fit():
    """A match of 40 stars in one corner, amid 60 that match nowhere, says nothing of the rest."""
    rng = np.random.default_rng(0)
    x, y, flux = rng.uniform(0, 120, 40), rng.uniform(0, 120, 40), np.full(40, 9.0)

    def with_others(seed):
        others = noise_list(seed, 60)
        return star_list(np.append(x, others.x), np.append(y, others.y), np.append(flux, others.flux))

    refused = refusal(with_others(1), with_others(2))
    assert refused.code is Refusal.POOR_FIT
    assert "of 9 parts" in str(refused)


def test_a_model_asked_for_by_name_is_taken_or_refused():
    here, there = two_frames(Truth(0.7), 0)
    assert solved(here, there, model="affine").transform.model is Model.AFFINE
    refused = refusal(here, there, model="shift")
    assert refused.code is Refusal.POOR_FIT
    assert "px rms" in str(refused)


def test_a_model_that_the_stars_cannot_carry_is_refused():
    stars = noise_list(0, 8, WIDE)
    refused = refusal(stars, stars, WIDE, "cubic")
    assert refused.code is Refusal.POOR_FIT
    assert "8 matched stars do not determine" in str(refused)


def test_a_squeezed_image_is_no_sky():
    here = noise_list(0, 100)
    assert refusal(here, star_list(here.x * 0.96, here.y, here.flux)).code is Refusal.POOR_FIT


def test_a_size_without_pixels_is_refused():
    with pytest.raises(ShapeError, match="1 or more"):
        solve(noise_list(0, 9), noise_list(0, 9), shape_reference=(0, 5), shape_frame=SHAPE)


def test_a_night_goes_on_past_a_bad_frame():
    lists = [two_frames(Truth(0.1 * i, x=2 * i), 0)[1] for i in range(4)]
    lists[2] = Stars.none()
    results = register_all(lists, [SHAPE] * 4, reference=0)
    assert isinstance(results[2], FrameError)
    assert results[3].transform.rotation == pytest.approx(0.3, abs=0.01)


def test_the_same_stars_give_the_same_bits():
    here, there = two_frames(Truth(69.5, bend=1), 0, 300)
    assert solved(here, there).transform == solved(here, there).transform
