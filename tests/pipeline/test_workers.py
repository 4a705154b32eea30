"""Tasks spread over threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sidera.pipeline.workers import default_threads, spread


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_in_the_order_of_the_tasks(threads):
    def slow_first(task):
        time.sleep(0.02 if task == 0 else 0)
        return task * task

    assert list(spread(slow_first, range(20), threads)) == [task * task for task in range(20)]


def test_no_more_than_a_few_results_wait():
    started = []
    results = spread(lambda task: started.append(task) or task, range(100), 2)
    next(results)
    time.sleep(0.05)
    assert len(started) <= 5
    results.close()
    assert len(started) < 100


def test_so_many_threads_and_no_more_work_at_once():
    lock, now, most = threading.Lock(), [0], [0]

    def work(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= 1

    list(spread(work, range(30), 3))
    assert 2 <= most[0] <= 3


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_a_task_reaches_the_caller_and_ends_the_rest(threads):
    done = []

    def work(task):
        if task == 3:
            raise ValueError("task 3")
        done.append(task)

    with pytest.raises(ValueError, match="task 3"):
        list(spread(work, range(1000), threads))
    assert len(done) < 20


def test_an_executor_of_the_user_s_own_is_used_and_left_open():
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        names = set(spread(lambda _: threading.current_thread().name, range(4), 1, pool))
        assert {name.partition("_")[0] for name in names} == {"mine"}
        assert pool.submit(int).result() == 0


def test_one_thread_at_least():
    assert default_threads() >= 1
