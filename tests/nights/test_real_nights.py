"""Real nights, from raw frames to the stack."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from real import DATA, needs_data
from sidera.pipeline.decide import star_gains
from sidera.pipeline.finish import finish
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.samples import Sampler
from sidera.pipeline.tiles import Tile
from simulated import say, spread, stacked

pytestmark = needs_data


def used(result):
    return [frame for frame in result.report.frames if frame.verdict == "used"]


def sky_of(plane, cell=16):
    """Where a stack shows nothing but sky: no star or nebula within two pixels or so."""
    rows, columns = (size // cell * cell for size in plane.shape)
    blocks = plane[:rows, :columns].reshape(rows // cell, cell, columns // cell, cell)
    with np.errstate(invalid="ignore"):
        level = np.kron(np.median(blocks, axis=(1, 3)), np.ones((cell, cell)))
    flat = np.full(plane.shape, np.nan)
    flat[:rows, :columns] = plane[:rows, :columns] - level
    known = np.isfinite(flat)
    smooth = gaussian_filter(np.where(known, flat, 0), 2)
    return known & (np.abs(smooth) < 2 * spread(smooth[known]))


def registered(outcome, recipe):
    """Every frame through the run's own demosaic and warp, ``[channel, frame, row, column]``."""
    grid = outcome.grid
    with Readers() as readers:
        sampler = Sampler(outcome.placed, grid, recipe, readers, star_gains(outcome.placed))
        return sampler.tile(Tile(0, 0, grid.rows, grid.columns))


def noise_by_halves(outcome, channel, sky):
    """Noise of the whole stack, from the difference of its two halves."""
    odd, even = (half[channel] if half.ndim == 3 else half for half in outcome.stack.halves)
    weights = np.array([one.weight for one in outcome.placed])
    first, second = weights[::2].sum(), weights[1::2].sum()
    difference = (odd - even)[sky]
    return spread(difference[np.isfinite(difference)]) * np.sqrt(first * second) / (first + second)


def noise_of_a_frame(frames, sky, left_out):
    """Of the middle one among the frames that were moved: by differences, in which the sky's structure cancels."""
    moved = [frame for index, frame in enumerate(frames) if index != left_out]
    differences = [(one - next_)[sky] for one, next_ in pairwise(moved)]
    return float(np.median([spread(d[np.isfinite(d)]) for d in differences]) / np.sqrt(2))


@pytest.fixture(scope="module")
def m27():
    return stacked(DATA / "m27-osc", "integration.halves=true")


def test_all_six_frames_of_m27_register_to_a_seventh_of_a_pixel(m27):
    frames = used(m27)
    assert len(frames) == 6
    assert not m27.refused
    for frame in frames:
        found = frame.transform
        say(f"{Path(frame.path).name}: {found.inliers} stars, {found.residual:.4f} px rms")
        assert found.residual <= 0.15
        assert found.inliers >= 60


def test_six_frames_of_m27_are_2_2_times_cleaner_than_one(m27):
    (outcome,) = m27.outcomes
    reference = m27.report.stacks[0].reference
    left_out = [Path(one.light.id.path).name for one in outcome.placed].index(reference)
    frames = registered(outcome, Recipe().with_settings(["integration.halves=true"]))
    for channel, name in enumerate("RGB"):
        sky = sky_of(outcome.planes[channel])
        whole = noise_by_halves(outcome, channel, sky)
        one = noise_of_a_frame(frames[channel], sky, left_out)
        say(f"{name}: one frame {one:.2f}, stack {whole:.2f} ADU: {one / whole:.3f} times cleaner")
        assert sky.mean() > 0.5
        assert whole <= one / 2.2


def unevenness(image):
    """By how much the skies in the corners differ, in each channel."""
    rows, columns = image.shape[1] // 8, image.shape[2] // 8
    tops, lefts = (slice(rows), slice(-rows, None)), (slice(columns), slice(-columns, None))
    corners = [image[:, top, left] for top in tops for left in lefts]
    return np.ptp([np.nanmedian(corner, axis=(1, 2)) for corner in corners], axis=0)


def test_the_amplifiers_glow_on_m27_goes_with_the_gradient(m27):
    (outcome,) = m27.outcomes
    done = finish(outcome.stack)
    told = next(step.told for step in done.steps if step.name == "gradient")
    before, after = unevenness(outcome.stack.image), unevenness(done.image)
    say(f"{told}; the corners' skies differ by {after.round(1)} ADU, before by {before.round(1)}")
    assert "a glow in one corner" in told
    assert (after < before / 2).all()


TRAILED = "00002"
RIDGE = (-0.44415, 951.874)
"""The satellite's trail in that frame, as x of y, from y = 455 down to the edge."""


@pytest.fixture(scope="module")
def arp145():
    return stacked(DATA / "arp145-mono")


def test_all_seventeen_frames_of_arp_145_are_used(arp145):
    assert len(used(arp145)) == 17
    assert not arp145.refused


def along_the_trail(image, transform, fwhm, stars):
    """Means over pieces of the trail less its flanks, in the stack's pixels; ``stars`` are left out."""
    rows, columns = image.shape
    x, y = transform.apply(*np.meshgrid(np.arange(columns, dtype=float), np.arange(rows, dtype=float)))
    off = (x - np.polyval(RIDGE, y)) / np.hypot(1, RIDGE[0])
    good = ~stars & np.isfinite(image) & (x < columns - 2) & (x > 2)
    pieces = []
    for top in range(455, 575, 8):
        here = good & (y >= top) & (y < top + 8)
        trail, flanks = (
            here & (np.abs(off) <= 1.5 * fwhm),
            here & (np.abs(off) > 4 * fwhm) & (np.abs(off) < 12 * fwhm),
        )
        if trail.sum() > 15 and flanks.sum() > 60:
            pieces.append(image[trail].mean() - image[flanks].mean())
    return np.array(pieces)


def test_the_satellite_of_frame_2_leaves_no_trace(arp145):
    (outcome,) = arp145.outcomes
    without = stacked(DATA / "arp145-mono", exclude=[f"*{TRAILED}*"]).outcomes[0].planes[0]
    stars = gaussian_filter((~sky_of(without)).astype(float), 1) > 0.1
    (crossed,) = [one for one in outcome.placed if TRAILED in Path(one.light.id.path).name]
    fwhm = crossed.found.figures.fwhm
    index = outcome.placed.index(crossed)
    frame = registered(outcome, Recipe().with_settings([]))[0, index]
    seen = along_the_trail(frame, crossed.transform, fwhm, stars)
    left = along_the_trail(outcome.planes[0], crossed.transform, fwhm, stars)
    error = left.std(ddof=1) / np.sqrt(left.size)
    say(f"trail: {seen.mean():.0f} ADU in the frame, {left.mean():+.2f} ± {error:.2f} in the stack")
    assert seen.mean() > 100 * error
    assert left.size >= 10
    assert left.mean() < 2 * error


@pytest.fixture(scope="module")
def m8():
    return stacked(DATA / "m8-lrgb")


def test_m8_gives_four_stacks_on_one_grid(m8):
    assert sorted(outcome.group.filter for outcome in m8.outcomes) == ["B", "G", "L", "R"]
    assert len({outcome.grid for outcome in m8.outcomes}) == 1
    assert [len(outcome.placed) for outcome in m8.outcomes] == [8, 8, 8, 8]


def test_the_starless_stranger_among_m8_is_refused_with_a_reason(m8):
    (stranger,) = m8.refused
    assert Path(stranger.path).name == "L_12.fit"
    assert stranger.code in ("too_few_stars", "no_match")
    assert stranger.reason
    assert stranger.cure


def test_two_telescopes_and_two_nights_make_one_stack_of_m94():
    result = stacked(DATA / "m94-smart-telescope")
    frames = used(result)
    turns = np.array([frame.transform.rotation for frame in frames])
    for frame in frames:
        say(f"{Path(frame.path).name}: {frame.transform.rotation:.2f}°, {frame.transform.inliers} stars")
    assert len(result.outcomes) == 1
    assert len(frames) == 14
    assert not result.refused
    assert 69 < np.ptp(turns) < 70
