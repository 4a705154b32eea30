"""How the output is cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidera.pipeline.tiles import (
    LARGEST,
    LATTICE,
    STEP,
    sample_bytes,
    sample_side,
    sample_tiles,
    tile_bytes,
    tile_shape,
    tiles,
)

sizes = st.integers(1, 1500)


@given(sizes, sizes, st.integers(1, 20_000), st.sampled_from([1, 3]))
def test_tiles_cover_every_pixel_once_and_begin_where_positions_are_exact(rows, columns, frames, channels):
    seen = np.zeros((rows, columns), np.uint8)
    shape = tile_shape(rows, columns, frames, channels)
    for tile in tiles(rows, columns, shape):
        seen[tile.area] += 1
        assert tile.top % STEP == tile.left % STEP == 0
        assert 0 < tile.rows <= shape[0] <= LARGEST
        assert 0 < tile.columns <= shape[1] <= LARGEST
    assert (seen == 1).all()


@given(sizes, sizes, st.integers(1, 20_000))
def test_sample_tiles_lie_inside_and_do_not_overlap(rows, columns, frames):
    seen = np.zeros((rows, columns), np.uint8)
    for tile in sample_tiles(rows, columns, frames, 1):
        assert seen[tile.area].shape == (tile.rows, tile.columns)
        seen[tile.area] += 1
    assert seen.max() == 1


def test_more_frames_take_smaller_tiles_and_no_more_memory():
    areas = [np.prod(tile_shape(4000, 6000, frames, 3)) for frames in (4, 40, 400, 4000)]
    assert areas == sorted(areas, reverse=True)
    for frames in (2, 20, 200, 2000, 20_000):
        assert tile_bytes(tile_shape(4000, 6000, frames, 1), frames, 1) <= 400 << 20


def test_tiles_of_an_image_are_alike():
    (rows, columns), size = tile_shape(1096, 1936, 200, 3), (1096, 1936)
    lasts = [whole % side or side for whole, side in zip(size, (rows, columns), strict=True)]
    assert lasts[0] > rows / 2
    assert lasts[1] > columns / 2


def test_what_the_noise_is_learned_from_takes_no_more_memory_the_more_frames_there_are():
    sides = [sample_side(frames, 3) for frames in (2, 100, 600, 4000)]
    assert sides[:2] == [LATTICE, LATTICE]
    assert sides == sorted(sides, reverse=True)
    assert all(sample_bytes(frames, 1) <= 400 << 20 for frames in (20, 5000, 20_000))


def test_a_tile_with_a_margin_keeps_its_middle():
    tile = next(tiles(100, 100, (64, 64))).widened(3)
    assert (tile.top, tile.left, tile.rows, tile.columns) == (-3, -3, 70, 70)
