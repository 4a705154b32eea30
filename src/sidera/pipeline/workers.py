"""The only threads of the house: tasks spread over an Executor, results in the order of the tasks."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

from sidera.loading import load, loading

Task = TypeVar("Task")
Result = TypeVar("Result")
One = TypeVar("One")
Two = TypeVar("Two")


def default_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def first_run() -> bool:
    """Whether the kernels of this version have yet to be compiled on this machine."""
    with loading:
        from sidera.kernels._jit import (
            is_compiled,  # loads Numba: who only spreads tasks need not wait for it
        )

    return not is_compiled()


def spread(
    work: Callable[[Task], Result], tasks: Iterable[Task], threads: int, executor: Executor | None = None
) -> Iterator[Result]:
    """Yield ``work(task)`` in the order of the tasks, ``threads`` of them under way at once.

    At most ``threads`` + 1 results wait to be taken, so memory does not grow with the number of tasks. With one
    thread the work is done in the caller's, which keeps tracebacks and profiles plain.
    """
    if threads <= 1 and executor is None:
        yield from map(work, tasks)
        return
    pool = executor or ThreadPoolExecutor(threads, thread_name_prefix="sidera")
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)


def both(one: Callable[[], One], two: Callable[[], Two], threads: int) -> tuple[One, Two]:
    """What two functions give, the second by a thread of its own where there may be two."""
    if threads <= 1:
        return one(), two()
    with ThreadPoolExecutor(1, thread_name_prefix="sidera") as pool:
        other = pool.submit(two)
        return one(), other.result()


def load_ahead(module: str) -> None:
    """Begin to load a module that will be needed soon, while others work."""
    threading.Thread(target=load, args=(module,), name="sidera-load").start()


def processor() -> str:
    """The kind of processor that kernels are compiled for: others may round otherwise."""
    with loading:
        from sidera.kernels._jit import processor  # loads Numba: who only spreads tasks need not wait for it

    return processor()
