"""The fit of stars' places agrees with its plain twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels.centroid import star_places
from twins.centroid import star_place

ROUND = np.array([0.25, 0.02, 0.2, 3.5])
NOISE = np.array([3.0, 2.0, 4.0])
MOSAIC = np.array([[0, 1], [1, 2]], np.uint8)
GREEN = np.array([[3, 1], [1, 3]], np.uint8)
PLAIN = np.ones((2, 2), np.uint8)


def star(seed, heights, missing=0.0):
    """A star of three colours on noise, near the middle of 21×25 pixels, and where it is."""
    rng = np.random.default_rng(seed)
    x, y = 12 + rng.uniform(-1, 1), 10 + rng.uniform(-1, 1)
    rows, columns = np.indices((21, 25))
    colour = MOSAIC[rows % 2, columns % 2]
    light = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2.5) * np.take(heights, colour)
    image = light + 50 + rng.normal(0, 1, light.shape) * np.take(NOISE, colour)
    image[rng.random(light.shape) < missing] = np.nan
    return image.astype(np.float32), x, y


def fitted(image, colours, photons, x, y):
    places, pulls, weights = np.array([[x, y]]), np.empty((1, 3, 2)), np.empty((1, 3, 3))
    star_places(image, colours, ROUND, NOISE, photons, places, pulls, weights)
    return places[0], pulls[0], weights[0]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 9999),
    st.sampled_from([MOSAIC, GREEN, PLAIN]),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.0, 0.05]),
    st.floats(100, 9000),
    st.floats(0, 2),
)
def test_places_pulls_and_weights_are_those_of_whole_least_squares(
    seed, colours, photons, missing, height, red
):
    image, x, y = star(seed, [red * height, height, 0.7 * height], missing)
    place, pulls, weights = fitted(image, colours, photons, x + 0.2, y - 0.1)
    expected, expected_pulls, expected_weights = star_place(
        image.astype(float), colours, ROUND, NOISE, photons, x + 0.2, y - 0.1
    )
    np.testing.assert_allclose(place, expected, atol=1e-3)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-2, atol=1e-2 * expected_weights.max())
    error = np.sqrt(expected_weights.max())
    np.testing.assert_allclose(pulls, expected_pulls, atol=0.02 * error + 1e-3 * expected_weights.max())


def test_where_there_is_no_star_there_is_no_place():
    falling = np.tile(np.linspace(900, 0, 25), (21, 1)).astype(np.float32)
    assert np.isnan(fitted(falling, PLAIN, 0.0, 12.0, 10.0)[0]).all()
    assert np.isnan(fitted(np.full((21, 25), np.nan, np.float32), MOSAIC, 0.0, 12.0, 10.0)[0]).all()


def test_a_star_at_the_border_stays_inside():
    image, _, _ = star(1, [500, 900, 600])
    place, _, _ = fitted(np.ascontiguousarray(image[9:, 11:]), MOSAIC, 0.0, 1.0, 1.0)
    assert np.isnan(place).all() or (place > -1).all()
