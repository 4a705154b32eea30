"""Maps are fitted robustly, and no more pliant than the stars prove."""

import numpy as np
import pytest

from sidera.model.transform import Model, Transform
from sidera.registration.fit import Pairs, choose, fit, permitted, robust, supported
from sidera.registration.match import Field
from starfields import SHAPE, Truth, error

CENTRE, REACH = ((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2), float(np.hypot(*SHAPE)) / 2
FRAME = Field(np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int64), SHAPE)
EACH_MODEL = [(model, seed) for seed, model in enumerate(Model)]


def pairs_of(truth, count=100, noise=0.0, seed=0, within=(0.0, 1.0)):
    rng = np.random.default_rng(seed)
    here = np.column_stack([rng.uniform(*within, count) * SHAPE[1], rng.uniform(*within, count) * SHAPE[0]])
    there = np.column_stack(truth.apply(*here.T)) + rng.normal(0, noise, (count, 2))
    return Pairs(here, there, np.full(count, max(noise, 0.02)), CENTRE, REACH)


@pytest.mark.parametrize(("model", "seed"), EACH_MODEL)
def test_each_model_finds_itself(model, seed):
    x = np.random.default_rng(seed).normal(0, 1, (2, 10))
    matrices = {
        Model.SHIFT: [[1, 0, 5], [0, 1, -3], [0, 0, 1]],
        Model.SIMILARITY: [[0.6, -0.8, 5], [0.8, 0.6, -3], [0, 0, 1]],
        Model.AFFINE: [[1.01, 0.02, 5], [0.03, 0.97, -3], [0, 0, 1]],
        Model.HOMOGRAPHY: [[1.01, 0.02, 5], [0.03, 0.97, -3], [2e-5, -3e-5, 1]],
        Model.QUADRATIC: x[:, :6] + [[0, 400, 0, 0, 0, 0], [0, 0, 400, 0, 0, 0]],
        Model.CUBIC: x + np.array([[0, 400] + [0] * 8, [0, 0, 400] + [0] * 7]),
    }
    true = Transform(model, np.array(matrices[model], np.float64), CENTRE, REACH)
    pairs = pairs_of(true)
    got = fit(model, pairs, np.ones(len(pairs)))
    np.testing.assert_allclose(got.apply(*pairs.here.T), pairs.there.T, atol=1e-7)


def test_a_mirror_image_is_no_shift():
    pairs = pairs_of(Truth(mirrored=True))
    assert fit(Model.SHIFT, pairs, np.ones(100), mirrored=True) is None
    assert fit(Model.SIMILARITY, pairs, np.ones(100), mirrored=True).mirrored


@pytest.mark.parametrize("model", [Model.AFFINE, Model.HOMOGRAPHY, Model.QUADRATIC, Model.CUBIC])
def test_stars_on_one_line_determine_no_plane(model):
    along = np.linspace(0, 700, 60)
    line = np.column_stack([along, along * 0.5])
    assert fit(model, Pairs(line, line, np.ones(60), CENTRE, REACH), np.ones(60)) is None


def test_stars_on_one_spot_determine_no_turn():
    spot = np.ones((5, 2))
    assert fit(Model.SIMILARITY, Pairs(spot, spot, np.ones(5), CENTRE, REACH), np.ones(5)) is None


def test_wrong_pairs_do_not_pull():
    pairs = pairs_of(Truth(3, x=5), noise=0.05)
    pairs.there[:20] += np.random.default_rng(1).uniform(-3, 3, (20, 2))
    transform, weights = robust(Model.SIMILARITY, pairs, mirrored=False)
    assert error(transform, Truth(3, x=5))[0] < 0.02
    assert np.count_nonzero(weights[:20]) < 5
    assert np.count_nonzero(weights[20:]) > 75


@pytest.mark.parametrize("count", [30, 60, 100, 300])
@pytest.mark.parametrize("seed", range(5))
def test_a_plain_turn_is_fitted_as_one(count, seed):
    chosen = choose(pairs_of(Truth(1, x=3), count, 0.06, seed), False, FRAME)
    assert chosen.transform.model is Model.SIMILARITY


@pytest.mark.parametrize("seed", range(5))
def test_a_plain_shift_is_fitted_as_one(seed):
    assert choose(pairs_of(Truth(x=3.3), 60, 0.06, seed), False, FRAME).transform.model is Model.SHIFT


def test_seven_tenths_of_a_degree_are_no_shift():
    """A turn of 0.7° taken for a shift smears the corners by 6 px."""
    truth = Truth(0.7, x=4)
    chosen = choose(pairs_of(truth, 40, 0.1), False, FRAME)
    assert chosen.transform.rotation == pytest.approx(0.7, abs=0.02)
    assert error(chosen.transform, truth)[1] < 0.2


@pytest.mark.parametrize("seed", range(5))
def test_two_pixels_of_distortion_are_found(seed):
    truth = Truth(1, bend=2)
    chosen = choose(pairs_of(truth, 300, 0.06, seed), False, FRAME)
    assert chosen.transform.model is Model.CUBIC
    assert error(chosen.transform, truth)[0] < 0.04


def test_few_stars_carry_stiff_models_only():
    assert permitted(14, mirrored=False) == [Model.SHIFT, Model.SIMILARITY]
    assert permitted(15, mirrored=True) == [Model.SIMILARITY, Model.AFFINE]
    assert Model.CUBIC not in permitted(39, mirrored=False)
    assert permitted(40, mirrored=False)[-1] is Model.CUBIC


def test_a_bend_is_not_believed_where_no_star_is_near():
    """Noise in one corner's stars would throw the other corners off by pixels."""
    corner = pairs_of(Truth(), 60, 0.2, within=(0.0, 0.3))
    ones = np.ones(60)
    assert not supported(fit(Model.CUBIC, corner, ones), corner, ones, False, FRAME)
    whole = pairs_of(Truth(), 60, 0.05)
    assert supported(fit(Model.CUBIC, whole, ones), whole, ones, False, FRAME)


@pytest.mark.parametrize("count", [5, 6, 7, 10])
def test_seven_stars_far_off_a_shift_are_turned(count):
    assert choose(pairs_of(Truth(70), count, 0.05), False, FRAME).transform.model is Model.SIMILARITY


def test_a_perfect_fit_is_the_simplest():
    assert choose(pairs_of(Truth()), False, FRAME).transform.model is Model.SHIFT
