"""How a run says how far it is."""

import itertools
import threading

import pytest

from sidera.errors import Cancelled, Exit
from sidera.pipeline.progress import STAGES, Progress


def test_the_whole_run_goes_from_0_to_1_and_never_back():
    seen = []
    progress = Progress(seen.append)
    for stage in STAGES:
        progress.stage(stage, 4)
        for _ in range(4):
            progress.step("a frame")
    shares = [event.overall for event in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)


def test_a_stage_that_comes_twice_does_not_turn_the_clock_back():
    seen = []
    progress = Progress(seen.append)
    for stage in ("measure", "combine", "register", "combine"):
        progress.stage(stage, 1)
        progress.step()
    shares = [event.overall for event in seen]
    assert shares == sorted(shares)


def test_every_stage_s_time_is_kept():
    progress = Progress()
    for stage in ("scan", "measure", "scan"):
        progress.stage(stage, 1)
    progress.finish()
    assert set(progress.seconds) == {"scan", "measure"}
    assert all(seconds >= 0 for seconds in progress.seconds.values())


def test_a_cancelled_run_stops_at_its_next_step():
    progress = Progress()
    progress.stage("measure", 3)
    progress.step()
    progress.cancel()
    with pytest.raises(Cancelled) as caught:
        progress.step()
    assert caught.value.exit_code == Exit.CANCELLED == 130


def test_steps_of_many_threads_are_all_counted():
    seen = []
    progress = Progress(seen.append)
    progress.stage("measure", 400)
    workers = [threading.Thread(target=lambda: [progress.step() for _ in range(100)]) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert max(event.done for event in seen) == 400


def test_four_stacks_share_the_combine_stage_evenly():
    seen = []
    progress = Progress(seen.append)
    progress.expect("combine", 4)
    for _ in range(4):
        progress.stage("combine", 1)
        progress.step()
    ends = [event.overall for event in seen[1::2]]
    steps = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert steps == pytest.approx([0.55 / 4] * 3)
