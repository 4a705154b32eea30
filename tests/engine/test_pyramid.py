"""From an image to tiles for the screen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidera.engine import pyramid as rooms
from sidera.engine.failures import RequestError
from sidera.engine.pyramid import GUTTER, SENTINEL, TILE, LevelCache, Pyramid, channel_range, halved


def slowly_halved(image):
    """Mean of what is known of each 2×2 pixels, pixel by pixel."""
    channels, rows, columns = image.shape
    out = np.full((channels, -(-rows // 2), -(-columns // 2)), np.nan, np.float32)
    for place in np.ndindex(out.shape):
        channel, row, column = place
        quad = image[channel, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        known = quad[np.isfinite(quad)]
        if known.size:
            out[place] = known.mean(dtype=np.float64)
    return out


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9),
        elements=st.sampled_from([0.0, 1.0, -3.5, 100.25, 4000.0, float("nan"), float("inf")]),
    )
)
def test_halving_agrees_with_the_plain_twin(image):
    np.testing.assert_allclose(halved(image), slowly_halved(image), rtol=1e-6)


def field(rows=700, columns=1300, channels=1):
    rng = np.random.default_rng(5)
    image = rng.normal(1000, 10, (channels, rows, columns)).astype(np.float32)
    image[:, 300:310, 400:420] = 60_000  # a star
    image[:, 100:140, 1000:1100] = np.nan
    return image if channels > 1 else image[0]


@pytest.fixture
def cache(tmp_path):
    return LevelCache(tmp_path / "tiles")


def undone(pyramid, tile, channel=0):
    """A tile's values in ADU, NaN where nobody measured."""
    one = pyramid.ranges[channel]
    values = tile.astype(np.float64) * one.spread + one.centre
    return np.where(tile == SENTINEL, np.nan, values)


@pytest.mark.parametrize("bottom_up", [False, True])
def test_the_tiles_of_level_0_are_the_image(cache, bottom_up):
    image = field()
    pyramid = Pyramid(image, bottom_up, cache)
    top_first = image[::-1] if bottom_up else image
    whole = np.full(image.shape, -1.0)
    for y, x in np.ndindex(2, 3):
        inner = undone(pyramid, pyramid.tile(0, x, y, 0))[GUTTER:-GUTTER, GUTTER:-GUTTER]
        whole[y * TILE : y * TILE + inner.shape[0], x * TILE : x * TILE + inner.shape[1]] = inner
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(top_first))
    sky = top_first < 2000
    assert np.abs(whole - top_first)[sky].max() < 0.05  # a two-hundredth of the noise
    assert np.nanmax(np.abs(whole / top_first - 1)) < 1e-3


def test_gutters_are_the_neighbours_pixels_and_the_border_repeats(cache):
    pyramid = Pyramid(field(), False, cache)
    left, right = pyramid.tile(0, 0, 0, 0), pyramid.tile(0, 1, 0, 0)
    assert left.shape == (TILE + 2, TILE + 2)
    np.testing.assert_array_equal(left[:, -2], right[:, 0])
    np.testing.assert_array_equal(left[:, -1], right[:, 1])
    np.testing.assert_array_equal(left[0], left[1])


def test_each_level_is_the_halved_one_before(cache):
    image = field(1100, 2100, 3)
    pyramid = Pyramid(image, False, cache)
    assert [(level.width, level.height) for level in pyramid.levels] == [
        (2100, 1100), (1050, 550), (525, 275), (263, 138),
    ]  # fmt: skip
    level = image
    for number in range(1, 4):
        level = halved(level)
        got = undone(pyramid, pyramid.tile(number, 0, 0, 2), 2)[GUTTER:-GUTTER, GUTTER:-GUTTER]
        wanted = level[2, : got.shape[0], : got.shape[1]]
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=0.05)


def test_small_levels_are_kept_on_disk_and_made_once(cache, monkeypatch):
    image = field(1100, 2100)
    first = Pyramid(image, False, cache).tile(3, 0, 0, 0)
    monkeypatch.setattr(rooms, "halved", None)  # whoever halves now fails
    np.testing.assert_array_equal(Pyramid(image.copy(), False, cache).tile(3, 0, 0, 0), first)


def test_other_pixels_have_another_key(cache):
    image = field(50, 60)
    other = image.copy()
    other[3, 3] += 1
    keys = {Pyramid(one, False, cache).key for one in (image, other, image[::-1].copy(), image[:, :59])}
    assert len(keys) == 4
    assert Pyramid(image[::-1].copy(), True, cache).key == Pyramid(image, False, cache).key  # one picture


def test_the_cache_keeps_its_limit_by_dropping_the_oldest(tmp_path):
    cache = LevelCache(tmp_path, limit=800_000)
    for number in range(6):
        image = field(1100, 1300) + number  # 0.36 MB of levels
        Pyramid(image, False, cache).prepare()
    held = sum(file.stat().st_size for file in tmp_path.rglob("*.npy"))
    assert held <= 800_000
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_place_on_disk_levels_stay_in_memory(tmp_path):
    (tmp_path / "file").write_text("no folder")
    pyramid = Pyramid(field(1100, 1300), False, LevelCache(tmp_path / "file" / "tiles"))
    assert pyramid.tile(2, 0, 0, 0).shape == (277, 327)


@pytest.mark.parametrize(
    ("level", "x", "y", "channel"), [(9, 0, 0, 0), (0, 3, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1)]
)
def test_a_tile_that_the_image_does_not_have_is_refused(cache, level, x, y, channel):
    with pytest.raises(RequestError, match="give 0 to"):
        Pyramid(field(), False, cache).tile(level, x, y, channel)


def test_the_scale_of_a_tile_holds_the_sky_finely_and_the_brightest_star():
    image = np.random.default_rng(1).normal(0.001, 1e-7, (200, 200)).astype(np.float32)
    image[7, 7] = 1.0  # ten million sigma: beyond float16 by the noise alone
    one = channel_range(image)
    assert (one.maximum - one.centre) / one.spread <= 65504
    assert one.spread >= 1e-7


@pytest.mark.parametrize("value", [0.0, 5.0, float("nan")])
def test_one_value_everywhere_gives_a_scale_that_divides(value):
    one = channel_range(np.full((30, 30), value, np.float32))
    assert one.spread == 1.0
    assert one.missing == (900 if np.isnan(value) else 0)
