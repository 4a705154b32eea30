"""Which part of the sky the output shows."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidera.errors import NothingToStackError
from sidera.model.transform import Model, Transform
from sidera.pipeline.framing import largest_rectangle, output_grid


def frame(x=0.0, y=0.0, turn=0.0, rows=100, columns=150):
    """A frame whose pixel (x + a, y + b) saw what the reference saw at (a, b), turned about the corner."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    matrix = np.array([[c, -s, x], [s, c, y], [0, 0, 1]])
    light = SimpleNamespace(shape=(rows, columns))
    return SimpleNamespace(light=light, transform=Transform(Model.SIMILARITY, matrix))


BASE = frame()


def grid(framing, *frames):
    found = output_grid(BASE, frames, framing)
    return found.top, found.left, found.rows, found.columns


def test_the_reference_s_frame_is_its_own_whatever_the_others_saw():
    assert grid("reference", BASE, frame(40, -7), frame(turn=30)) == (0, 0, 100, 150)


def test_a_frame_shifted_to_the_right_widens_the_union_and_narrows_what_is_shared():
    moved = frame(x=-16.0)  # its first column saw the reference's column 16
    assert grid("union", BASE, moved) == (0, 0, 100, 166)
    top, left, rows, columns = grid("intersection", BASE, moved)
    assert (top, left) == (0, 16)
    assert rows > 90
    assert 134 - 8 <= columns <= 134


def test_a_turned_frame_is_held_whole_by_the_union():
    turned = frame(turn=45.0)
    top, left, rows, columns = grid("union", BASE, turned)
    x, y = turned.transform.invert_points(np.array([0.0, 149, 0, 149]), np.array([0.0, 0, 99, 99]))
    assert left <= x.min() + 1e-6
    assert top <= y.min() + 1e-6
    assert left + columns > x.max() - 1e-6
    assert top + rows > y.max() - 1e-6


def test_every_pixel_of_what_is_shared_was_seen_by_all():
    frames = [BASE, frame(5.5, -9.2, 4.0), frame(-3.0, 12.0, -6.0), frame(rows=80, columns=120)]
    top, left, rows, columns = grid("intersection", *frames)
    assert rows * columns > 3000
    y, x = np.mgrid[top : top + rows, left : left + columns].astype(float)
    for one in frames:
        there_x, there_y = one.transform.apply(x, y)
        height, width = one.light.shape
        assert there_x.min() >= -1e-9
        assert there_y.min() >= -1e-9
        assert there_x.max() <= width - 1 + 1e-9
        assert there_y.max() <= height - 1 + 1e-9


def test_frames_that_share_nothing_are_told_so():
    with pytest.raises(NothingToStackError, match="share no part"):
        grid("intersection", BASE, frame(x=500.0))


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_the_largest_rectangle_is_the_largest(mask):
    top, left, bottom, right = largest_rectangle(mask)
    assert mask[top:bottom, left:right].all()
    rows, columns = mask.shape
    areas = [
        (low - high) * (end - start)
        for high in range(rows)
        for low in range(high + 1, rows + 1)
        for start in range(columns)
        for end in range(start + 1, columns + 1)
        if mask[high:low, start:end].all()
    ]
    assert (bottom - top) * (right - left) == max(areas, default=0)
