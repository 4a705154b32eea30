"""How the output is cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidera.pipeline.tiles import LATTICE, SIDES, sample_side, sample_tiles, tile_bytes, tile_side, tiles

sizes = st.integers(1, 1500)


@given(sizes, sizes, st.sampled_from([*SIDES, 32]))
def test_tiles_cover_every_pixel_once_and_begin_on_the_lattice(rows, columns, side):
    seen = np.zeros((rows, columns), np.uint8)
    for tile in tiles(rows, columns, side):
        seen[tile.area] += 1
        assert tile.top % min(side, LATTICE) == tile.left % min(side, LATTICE) == 0
        assert 0 < tile.rows <= side
        assert 0 < tile.columns <= side
    assert (seen == 1).all()


@given(sizes, sizes, st.integers(1, 20_000))
def test_sample_tiles_lie_inside_and_do_not_overlap(rows, columns, frames):
    seen = np.zeros((rows, columns), np.uint8)
    for tile in sample_tiles(rows, columns, sample_side(frames, 1)):
        assert seen[tile.area].shape == (tile.rows, tile.columns)
        seen[tile.area] += 1
    assert seen.max() == 1


def test_more_frames_take_smaller_tiles_and_no_more_memory():
    sides = [tile_side(frames, 3) for frames in (4, 40, 400, 4000)]
    assert sides == sorted(sides, reverse=True)
    assert all(tile_bytes(frames, 1) <= 400 << 20 for frames in (2, 20, 200, 2000, 20_000))


def test_what_the_noise_is_learned_from_takes_no_more_memory_the_more_frames_there_are():
    sides = [sample_side(frames, 3) for frames in (2, 100, 600, 4000)]
    assert sides[:2] == [LATTICE, LATTICE]
    assert sides == sorted(sides, reverse=True)
    assert all(16 * sample_side(frames, 1) ** 2 * frames * 4 <= 400 << 20 for frames in (20, 5000, 20_000))


def test_a_tile_with_a_margin_keeps_its_middle():
    tile = next(tiles(100, 100, 64)).widened(3)
    assert (tile.top, tile.left, tile.rows, tile.columns) == (-3, -3, 70, 70)
