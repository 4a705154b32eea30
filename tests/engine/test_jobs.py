"""Jobs: one at a time, progress that never falls, a cancel that takes effect at once."""

import queue
import threading
import time

import msgspec
import pytest

from sidera.engine.failures import failure
from sidera.engine.jobs import Course, Jobs
from sidera.engine.protocol import Failure, ProgressMessage, Success
from sidera.engine.values import Nothing
from sidera.errors import SideraError, UsageError
from sidera.pipeline.progress import STAGES, Event

NAME = msgspec.Raw(b'"a"')


def guard(name, doing, work):
    try:
        return Success(id=name, data=work())
    except (SideraError, ValueError) as error:
        return failure(name, error)


class Board:
    """Jobs, with what they tell kept."""

    def __init__(self):
        self.messages, self.states = queue.Queue(), []
        self.jobs = Jobs(self.messages.put, lambda job: self.states.append((job.job, job.state)), guard)

    def add(self, work, name="a", weights=STAGES):
        self.jobs.add(NAME, name, "test", work, weights)

    def answer(self, timeout=60):
        while isinstance(message := self.messages.get(timeout=timeout), ProgressMessage):
            pass
        return message


@pytest.fixture
def board():
    made = Board()
    yield made
    made.jobs.cancel()
    made.jobs.close(60)


def test_jobs_run_one_after_the_other_in_the_order_they_came(board):
    done = []
    for number in range(5):
        board.add(lambda ticket, number=number: done.append(number) or Nothing())
    assert all(board.answer().ok for _ in range(5))
    assert done == [0, 1, 2, 3, 4]
    assert [state for job, state in board.states if job == "job-3"] == ["queued", "running", "done"]


def test_a_job_that_fails_says_so_and_the_next_one_runs(board):
    def fail(ticket):
        raise UsageError("no such thing", "give another")

    board.add(fail)
    board.add(lambda ticket: Nothing())
    first, second = board.answer(), board.answer()
    assert (first.error, first.code, first.hint) == ("no such thing. give another", "usage", "give another")
    assert second.ok
    assert [job.state for job in board.jobs.all()] == ["done", "failed"]


def test_cancel_stops_at_the_next_step(board):
    begun, ended = threading.Event(), threading.Event()

    def steps(ticket):
        ticket.progress.stage("measure", 10_000)
        begun.set()
        try:
            while True:
                ticket.progress.step()
                time.sleep(0.001)
        finally:
            ended.set()

    board.add(steps)
    assert begun.wait(60)
    assert board.jobs.cancel("a") == ("job-1",)
    assert board.answer().code == "cancelled"
    assert ended.wait(60)


def test_cancel_is_answered_though_a_kernel_cannot_be_interrupted(board):
    least = float("inf")
    for _ in range(4):  # the best of some: what other programs take from us is no time of ours
        release = threading.Event()
        least = min(least, deaf_one_cancelled(board, release))
        board.add(lambda ticket: Nothing(), "b")
        assert board.jobs.all()[0].state == "queued"  # the deaf one still has the thread
        release.set()
        assert board.answer().ok
        assert board.messages.empty()  # what the deaf one gave at last went nowhere
        if least < 1:
            break
    assert least < 1.0  # 0.1 s on a quiet machine


def deaf_one_cancelled(board, release):
    """Cancel what hears nothing until it is released; returns after how many seconds it was answered."""
    begun = threading.Event()

    def deaf(ticket):
        ticket.progress.stage("combine", 1)
        begun.set()
        release.wait(60)
        return Nothing()

    board.add(deaf)
    assert begun.wait(60)
    start = time.monotonic()
    board.jobs.cancel()
    assert board.answer().code == "cancelled"
    return time.monotonic() - start


def test_a_job_that_is_writing_its_file_is_too_late_to_cancel(board):
    begun, release = threading.Event(), threading.Event()

    def writing(ticket):
        ticket.progress.stage("write", 1)
        begun.set()
        release.wait(60)
        return Nothing()

    board.add(writing)
    assert begun.wait(60)
    board.jobs.cancel()
    time.sleep(0.3)
    release.set()
    assert board.answer().ok


def test_a_queued_job_is_cancelled_without_ever_running(board):
    release, ran = threading.Event(), []
    board.add(lambda ticket: release.wait(60) and Nothing())
    board.add(lambda ticket: ran.append(1), "b")
    assert board.jobs.cancel("b") == ("job-2",)
    assert board.answer().code == "cancelled"
    release.set()
    assert board.answer().ok
    assert not ran


def test_to_cancel_what_is_not_there_is_no_error(board):
    assert board.jobs.cancel("nobody") == ()


def test_progress_comes_ten_times_a_second_at_most_but_for_new_stages(board):
    def busy(ticket):
        end = time.monotonic() + 0.55
        ticket.progress.stage("measure", 10**6)
        while time.monotonic() < end:
            ticket.progress.step()
        ticket.progress.stage("register", 1)
        return Nothing()

    board.add(busy)
    told = []
    while isinstance(message := board.messages.get(timeout=60), ProgressMessage):
        told.append(message.progress)
    assert 2 <= len(told) <= 8
    assert told[-1].stage == "register"


def test_the_overall_percentage_never_falls_though_stages_come_again():
    course = Course(STAGES)
    course.expect("combine", 3)
    events = [("scan", 0, 4), ("scan", 4, 4), ("measure", 10, 10)]
    events += [("combine", done, 5) for _ in range(3) for done in range(6)] + [
        ("write", 1, 2),
        ("write", 2, 2),
    ]
    told = [course.at(Event(stage, done, total, 0.0, None)).overall for stage, done, total in events]
    assert told == sorted(told)
    combines = told[3:21]
    assert len(set(combines)) >= 16  # each of the three stacks moves it on
    assert told[-1] == pytest.approx(1.0)


def test_the_time_left_begins_with_the_plans_guess_and_ends_with_the_jobs_own_pace(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("sidera.engine.jobs.time.monotonic", lambda: clock[0])
    course = Course({"measure": 1.0})
    assert course.at(Event("measure", 0, 100, 0.0, None)).eta_s is None
    course.guess(50.0)
    left = []
    for done in range(101):  # it takes 100 s, twice the guess
        clock[0] = 100.0 + done
        left.append(course.at(Event("measure", done, 100, 0.0, None)).eta_s)
    assert left[0] == 50.0
    assert left[20:] == pytest.approx([100 - done for done in range(20, 101)])
    assert all(45 <= one <= 85 for one in left[:21])


def test_the_log_of_jobs_that_are_over_is_bounded(board):
    for _ in range(60):
        board.add(lambda ticket: Nothing())
    assert not any(isinstance(board.answer(), Failure) for _ in range(60))
    assert len(board.jobs.all()) <= 51
