"""Stretching kernels agree with the formulas as printed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import stretch as kernels
from sidera.stretch.apply import LUMINANCE
from sidera.stretch.curves import Bend, Curve, shape
from twins import stretch as twin

quick = settings(deadline=None, max_examples=40)
points = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted)
bends = st.builds(
    lambda amount, local, order, kind: Bend(amount, local, order[1], order[0], order[2], kind),
    st.floats(0.01, 10),
    st.sampled_from([-3.0, -1.4, -1.0, -0.4, 0.0, 0.3, 1.0, 6.0]),
    points,
    st.sampled_from(["ghs", "asinh"]),
)
pixels = st.lists(st.floats(-50, 1200, width=32) | st.just(float("nan")), min_size=3, max_size=12)


def plane(values):
    return np.array([values], np.float32)


@quick
@given(pixels, st.floats(0.0005, 0.99), st.none() | bends)
def test_a_plane_is_stretched_as_the_formulas_say(values, midtones, bend):
    curve = Curve(0, 1000, 0.01, midtones if bend is None else 0.5, 0.9, bend)
    out, clipped = np.empty_like(plane(values)), np.zeros(3, np.int64)
    kernels.stretch_plane(plane(values), curve.black, curve.gain, shape(curve.midtones, bend), out, clipped)
    expected = [twin.curve(float(value), curve) for value in plane(values)[0]]
    np.testing.assert_allclose(out[0], expected, atol=2e-6)
    assert clipped[0] == sum(value < 10 for value in plane(values)[0])
    assert clipped[1] == sum(value > 900 for value in plane(values)[0])
    assert clipped[2] == np.isfinite(values).sum()


@quick
@given(pixels, st.floats(0.001, 0.9), st.floats(0, 1))
def test_colours_are_stretched_as_the_plain_twin_does_it(values, midtones, keep):
    curves = [Curve(low, high, 0.01, midtones) for low, high in ((0, 1000), (-20, 900), (10, 800))]
    image = np.stack([plane(np.roll(values, shift)) for shift in range(3)])
    out, clipped = np.empty_like(image), np.zeros(3, np.int64)
    black, gain = np.array([one.black for one in curves]), np.array([one.gain for one in curves])
    kernels.stretch_colour(image, black, gain, np.array(LUMINANCE), keep, shape(midtones, None), out, clipped)
    expected = [twin.colour([float(v) for v in pixel], curves, keep) for pixel in image[:, 0].T]
    np.testing.assert_allclose(out[:, 0].T, expected, atol=2e-6)


@quick
@given(pixels)
def test_clipped_samples_are_counted_as_the_stretch_clips_them(values):
    curve = Curve(0, 1000, 0.01, 0.3, 0.9)
    counts, same = np.ones(3, np.int64), np.ones(3, np.int64)
    kernels.count_clipped(plane(values), curve.black, curve.gain, counts)
    kernels.stretch_plane(
        plane(values), curve.black, curve.gain, shape(0.3, None), np.empty_like(plane(values)), same
    )
    np.testing.assert_array_equal(counts, same)
    assert (counts - 1).tolist() == twin.clipped([float(value) for value in plane(values)[0]], curve)


@pytest.mark.parametrize("local", [-4.0, -1.0, -0.5, 0.0, 1.0, 5.0])
@pytest.mark.parametrize("amount", [0.5, 3.0, 7.0, 11.0])
def test_tables_are_as_good_as_the_formulas_however_steep(local, amount):
    x = np.concatenate([np.linspace(0, 1, 3001), 10 ** np.linspace(-7, 0, 2000)])
    for bend in (Bend(amount, local), Bend(amount, local, 0.1, 0.05, 0.7), Bend(amount, kind="asinh")):
        found = np.array([kernels.curved(value, shape(0.5, bend)) for value in x])
        np.testing.assert_allclose(found, Curve(bend=bend).at(x), atol=1e-6)
