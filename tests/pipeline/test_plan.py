"""What is decided before a pixel is read."""

import os
from collections import namedtuple

import numpy as np
import psutil
import pytest

from sidera.errors import BudgetError, NothingToStackError, UnwritableError, UsageError
from sidera.model.header import Bayer
from sidera.pipeline import plan as module
from sidera.pipeline.plan import make_plan
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.run import run
from smallnight import frame, small_night

SHAPE = (40, 60)


def night(folder, filters=("",), count=2, **cards):
    for name in filters:
        for index in range(count):
            image = np.random.default_rng(index + 100 * len(name)).integers(500, 600, SHAPE).astype(np.uint16)
            facts = {"IMAGETYP": "Light", "EXPTIME": 90.0, "OBJECT": "M31", "FILTER": name, **cards}
            frame(folder / f"light_{name or 'x'}{index}.fits", image, **facts)
    return folder


def test_a_plan_tells_counts_stacks_and_total_exposure(tmp_path):
    plan = make_plan([night(tmp_path, "LR")])
    assert plan.summary() == [
        "Found 4 lights.",
        "Stack M 31 L: 2 lights, 3.0 min in all.",
        "Stack M 31 R: 2 lights, 3.0 min in all.",
    ]


def test_two_spellings_of_a_target_are_one_stack(tmp_path):
    night(tmp_path / "one", OBJECT="M31")
    night(tmp_path / "two", OBJECT="M 31", GAIN=7)
    assert [group.name for group in make_plan([tmp_path]).stacks] == ["M 31"]


def test_a_pattern_given_by_hand_reaches_every_frame(tmp_path):
    night(tmp_path, BAYERPAT="GRBG")
    for wish, pattern in (("auto", Bayer.GRBG), ("RGGB", Bayer.RGGB), ("none", None)):
        plan = make_plan([tmp_path], recipe=Recipe().with_settings([f"demosaic.bayer={wish}"]))
        assert {one.header.bayer for one in plan.stacks[0].lights} == {pattern}
        assert plan.stacks[0].colour is (pattern is not None)


def test_without_lights_there_is_no_plan(tmp_path):
    with pytest.raises(NothingToStackError, match="no image"):
        make_plan([tmp_path])
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  = ")
    with pytest.raises(NothingToStackError, match=r"1 file left out.*broken\.fits"):
        make_plan([tmp_path])


def test_strict_calibration_refuses_lights_that_have_none(tmp_path):
    recipe = Recipe().with_settings(["calibration.strict=true"])
    with pytest.raises(NothingToStackError, match="calibrated safely"):
        make_plan([night(tmp_path)], recipe=recipe)


def test_the_reference_must_be_one_of_the_lights(tmp_path):
    night(tmp_path)
    for name in ("light_x1.fits", "light_x1", str(tmp_path / "light_x1.fits")):
        make_plan([tmp_path], recipe=Recipe().with_settings([f"registration.reference={name}"]))
    with pytest.raises(UsageError, match=r"light_x0\.fits"):
        make_plan([tmp_path], recipe=Recipe().with_settings(["registration.reference=other"]))


def test_a_budget_is_kept_by_fewer_threads_or_refused_with_the_least_that_serves(tmp_path, monkeypatch):
    night(tmp_path)
    monkeypatch.setattr(module, "LEAST_MEMORY", 110 << 20)
    enough = make_plan([tmp_path], memory=8 << 30, threads=8)
    assert enough.threads == 8
    budget = int(enough.cost.memory / module.LEEWAY) - 1
    tight = make_plan([tmp_path], memory=budget, threads=8)
    assert 1 <= tight.threads < 8
    assert tight.cost.memory <= module.LEEWAY * budget
    with pytest.raises(BudgetError, match=r"--memory \d+M"):
        make_plan([tmp_path], memory=100 << 20)


def test_where_memory_is_short_calibration_is_read_from_the_disk_and_changes_no_bit(tmp_path):
    small_night(tmp_path / "night", size=(1200, 900), frames=2, stars=60)
    enough = make_plan([tmp_path / "night"], memory=8 << 30, threads=1)
    short = make_plan([tmp_path / "night"], memory=int(enough.cost.memory / module.LEEWAY) - 1, threads=1)
    assert (enough.lean, short.lean) == (False, True)
    assert short.cost.memory < enough.cost.memory
    assert short.cost.scratch == 1200 * 900 * 8
    np.testing.assert_array_equal(run(enough).image, run(short).image)


def test_without_a_wish_half_of_the_free_memory_is_the_budget(tmp_path, monkeypatch):
    free = namedtuple("free", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free(6 << 30))
    assert make_plan([night(tmp_path)]).memory == 3 << 30


def test_every_file_of_a_run_of_many_stacks_is_checked(tmp_path):
    plan = make_plan([night(tmp_path / "in", "LR")])
    plan.check_output(tmp_path / "m31.fits")
    (tmp_path / "in" / "light_L0.fits").rename(tmp_path / "in" / "m31_M_31_R.fits")
    plan = make_plan([tmp_path / "in"])
    with pytest.raises(UsageError, match=r"m31_M_31_R\.fits is one of the source frames"):
        plan.check_output(tmp_path / "in" / "m31.fits")


def test_a_folder_that_takes_no_files_is_said_before_the_work(tmp_path, monkeypatch):
    plan = make_plan([night(tmp_path)])
    with pytest.raises(UnwritableError, match="does not exist"):
        plan.check_output(tmp_path / "nowhere" / "m31.fits")
    with pytest.raises(UnwritableError, match="does not exist"):
        plan.check_output(tmp_path / "m31.fits", tmp_path / "nowhere" / "m31.png")
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    with pytest.raises(UnwritableError, match="takes no files"):
        plan.check_output(tmp_path / "m31.fits")


def test_a_plan_is_made_from_headers_alone(tmp_path, monkeypatch):
    from sidera.io.fits import FitsReader

    night(tmp_path)
    monkeypatch.setattr(FitsReader, "window", lambda *_: pytest.fail("a pixel was read"))
    before = os.listdir(tmp_path)
    make_plan([tmp_path])
    assert os.listdir(tmp_path) == before
