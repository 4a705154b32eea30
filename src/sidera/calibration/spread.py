"""How work is spread over threads, of which this room has none of its own."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Spread(Protocol):
    """Does work on tasks, perhaps on several at a time, and yields the results in the tasks' order, as `map`."""

    def __call__(self, work: Callable[[Task], Result], tasks: Iterable[Task], /) -> Iterator[Result]:
        """Yield ``work(task)`` of every task."""
