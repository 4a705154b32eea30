import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.integration.resample import SHARE, _course, _limits, _mask, _table, _wide_table
from sidera.kernels import warp as direct
from sidera.kernels import warp_bad
from sidera.kernels import warp_separable as separable
from twins import warp as twin

quick = settings(deadline=None, max_examples=15)
STEP = 8
SIZE = (44, 52)


def nodes(shape, place, step=STEP):
    row, column = np.meshgrid(
        *(np.arange((size - 1) // step + 2) * float(step) for size in shape), indexing="ij"
    )
    return np.stack(place(column, row)).astype(np.float64)


def turned(degrees, shift=(0.0, 0.0), size=SIZE, mirrored=False):
    """A turn about the middle of the image, which lies at the middle of the output."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y0, x0 = (size[0] - 1) / 2, (size[1] - 1) / 2

    def place(x, y):
        x, y = (x0 - x if mirrored else x - x0), y - y0
        return x0 + shift[0] + c * x - s * y, y0 + shift[1] + s * x + c * y

    return place


def both(image, grids, shape=SIZE, bad=None, noise=None, step=STEP):
    """The same picture by two passes and directly."""
    bad = np.zeros(image.shape[1:], np.uint8) if bad is None else bad
    spoilt, careful = np.empty((2, *bad.shape), np.uint8)
    direct.mark(image, spoilt, careful)
    frame = direct.Frame(image, bad, careful)
    rough, limits = np.empty_like(bad), _limits(image.shape[0], noise, 0.004)
    separable.mark_rough(careful, rough)
    got, want = np.full((2, image.shape[0], 2, *shape), 7, np.float32)
    direct.warp(frame, grids, step, _table("lanczos3"), limits, SHARE, 1, want)
    course = _course(grids, step, shape, bad.shape)
    assert course is not None
    separable.warp_separable(frame, rough, course, _wide_table(), limits, SHARE, 1, got)
    for out in (got, want):
        warp_bad.mask_bad(frame, grids, step, _mask("lanczos3"), 1, out)
    assert (got[:, 0] == 7).all()  # another frame's samples
    return got[:, 1], want[:, 1]


def smooth(shape=SIZE, channels=2):
    """Waves that Lanczos-3 carries over well, and a star."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    star = 3000 * np.exp(-((row - 20.3) ** 2 + (column - 25.6) ** 2) / 3)
    wave = 1000 + 50 * np.sin(row / 3) * np.cos(column / 4) + star
    return np.stack([wave * (k + 1) for k in range(channels)]).astype(np.float32)


@quick
@given(
    st.integers(-120, 120), st.integers(-120, 120), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_shifts_and_flips_agree_with_the_plain_twin(dx, dy, flip_x, flip_y, seed):
    """In sixteenths of a pixel, so that every position is a whole 1/2048; with bad and missing pixels."""
    rng = np.random.default_rng(seed)
    size, shape = (16, 20), (9, 12)
    image = rng.normal(1000, 30, (1, *size)).astype(np.float32)
    image[0, 8, 9] = rng.choice([1000.0, 60000.0])
    image[rng.random(image.shape) < 0.01] = np.nan
    bad = (rng.random(size) < 0.01).astype(np.uint8)
    x0, y0 = 4 + dx / 16, 3 + dy / 16
    grids = nodes(shape, lambda x, y: (x0 + (14 - x if flip_x else x), y0 + (10 - y if flip_y else y)))
    got, _ = both(image, grids, shape, bad, 30.0)
    want = twin.resample(image, bad, *grids, STEP, shape, "lanczos3", 30.0, 0.004)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=0.05)


@pytest.mark.parametrize("degrees", [0, 0.3, -1, 180, 179.4, 181])
@pytest.mark.parametrize("mirrored", [False, True])
def test_small_turns_agree_with_the_direct_way(degrees, mirrored):
    image = smooth()
    got, want = both(image, nodes(SIZE, turned(degrees, (0.37, -2.6), mirrored=mirrored)), noise=(5.0, 10.0))
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.nanmax(np.abs(got - want)[0]) < 1e-3 * 3000
    assert np.nanmax(np.abs(got - want)[1]) < 1e-3 * 6000


@pytest.mark.parametrize("scale", [0.9965, 0.999, 1.0, 1.001, 1.0035])
def test_small_stretches_agree_with_the_direct_way(scale):
    grids = nodes(SIZE, lambda x, y: (scale * x + 0.2, scale * y + 0.7))
    got, want = both(smooth(), grids)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, atol=1e-3 * 3000)


def test_bad_and_missing_pixels_and_edges_are_treated_alike():
    rng = np.random.default_rng(4)
    image, bad = smooth(), (rng.random(SIZE) < 0.01).astype(np.uint8)
    image[0, 15, 30] = np.nan
    got, want = both(image, nodes(SIZE, turned(0.8, (3.4, -5.2))), bad=bad)
    assert np.isnan(want).any()
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.nanmax(np.abs(got - want)) < 1e-3 * 6000


@pytest.mark.parametrize("shift", [(-70.0, 0.0), (0.0, 60.0), (45.0, -38.0), (1e12, -1e12)])
def test_an_output_that_lies_partly_or_wholly_off_the_image_is_missing_there(shift):
    got, want = both(smooth(), nodes(SIZE, turned(0.5, shift)))
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.isnan(got).mean() > 0.7


@pytest.mark.parametrize("slant", [-0.0175, 0.0, 0.0175])
def test_places_are_kept_where_the_map_is_as_curved_as_may_be(slant):
    """A picture of its own columns (rows), read anywhere, tells the place it was read at."""
    size, shape = (80, 90), (64, 70)
    picture = np.stack(
        np.meshgrid(*(np.arange(pixels, dtype=np.float32) for pixels in size), indexing="ij")[::-1]
    )

    def curved(x, y):  # both second differences over 32 pixels are 0.0049 pixel
        return x + 6.3 + slant * (y - 32) + 2.4e-6 * (x * x + y * y), y + 5.1 - slant * (x - 35) + 2.4e-6 * (
            x * x - y * y
        )

    grids = nodes(shape, curved, 32)
    got, _ = both(picture, grids, shape, step=32)
    exact = np.empty((2, *shape))
    for axis, r, c in np.ndindex(exact.shape):
        exact[axis, r, c] = twin.position(grids[axis], 32, r, c)
    assert np.abs(got - exact)[:, 3:-3, 3:-3].max() < 5e-4


def test_a_pixel_beside_a_rough_one_is_rough():
    careful = np.zeros((7, 8), np.uint8)
    careful[3, 4] = 1
    rough = np.empty_like(careful)
    separable.mark_rough(careful, rough)
    assert (rough[2:5, 3:6] == 1).all()
    assert rough[1:-1, 1:-1].sum() == 9
    assert rough[0].all()
    assert rough[:, -1].all()


def test_the_wide_table_continues_the_other():
    wide, table = _wide_table(), _table("lanczos3")
    np.testing.assert_array_equal(wide[separable.EXTRA : -separable.EXTRA - 1], table)
    np.testing.assert_array_equal(wide[-separable.EXTRA - 1], [0, 0, 0, 1, 0, 0])
    np.testing.assert_allclose(wide.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "place",
    [
        turned(1.5),
        turned(90),
        lambda x, y: (1.01 * x, y),
        lambda x, y: (x + 2e-4 * y * y, y),
        lambda x, y: (x * np.nan, y),
    ],
    ids=["more than a degree", "a quarter turn", "a stretch", "a bend", "nowhere"],
)
def test_what_does_not_lie_alike_goes_the_direct_way(place):
    assert _course(nodes(SIZE, place), STEP, SIZE, SIZE) is None


@quick
@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_how_far_a_map_is_from_a_shift(rows, columns, seed):
    rng = np.random.default_rng(seed)
    row, column = np.meshgrid(np.arange(rows) * 8.0, np.arange(columns) * 8.0, indexing="ij")
    upright = np.stack([column, row]) + rng.normal(0, 0.3, (2, rows, columns))
    got = separable.form(upright, STEP)
    along, down = np.diff(upright, axis=2)[:, :-1] / STEP, np.diff(upright, axis=1)[:, :, :-1] / STEP
    changes = [np.diff(upright, 2, axis=1), np.diff(upright, 2, axis=2)]
    changes.append(np.diff(np.diff(upright, axis=1), axis=2))
    np.testing.assert_allclose(got.slant, max(np.abs(along[1]).max(), np.abs(down[0]).max()))
    np.testing.assert_allclose(got.growth, np.abs(down[1] - 1).max())
    np.testing.assert_allclose(got.stretch, np.abs(along[0] - 1 - down[0] * along[1] / down[1]).max())
    np.testing.assert_allclose(got.bend, max(np.abs(change).max(initial=0) for change in changes))
    np.testing.assert_allclose(got.fall, np.ptp(upright[1], axis=1).max())
