"""
An event loop whose time is virtual, and a clock that follows it.

Where a loop would block until its next timer, this one moves its time on to that timer: a simulated week passes as
fast as its callbacks run, and the same program does the same things at the same moments every time. There is no I/O
and no thread. A loop that has nothing to run and waits for no timer would wait for ever, which is an error here.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_BEGINNING_SECONDS = 1000.0
"""A loop's time at its start: not 0, so that nothing can take it for a duration."""


class DeadlockError(Exception):
    """Every task waits for something that can no longer happen."""


class _TimeMachine(selectors.BaseSelector):
    """A selector without files: asked to wait, it moves the time on."""

    def __init__(self) -> None:
        self.time_seconds = _BEGINNING_SECONDS

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError("nothing is ready and nothing is scheduled")
        self.time_seconds += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Accept the loop's own wake-up socket, on which nothing ever arrives."""
        return selectors.SelectorKey(fileobj, -1, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, -1, 0, None)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on which waiting takes no time."""

    def __init__(self) -> None:
        self._machine = _TimeMachine()
        super().__init__(self._machine)

    def time(self) -> float:
        return self._machine.time_seconds


class VirtualClock:
    """
    The `exporter.clock.Clock` of the running virtual loop.

    Args:
        start: The time of day, aware, at the loop's beginning.

    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._stepped = timedelta(0)

    def now(self) -> datetime:
        """What the machine takes for the time of day: the true one, and whatever its clock was stepped by."""
        return self.true_now() + self._stepped

    def true_now(self) -> datetime:
        """The time of day in the world outside, which no step moves."""
        return self._start + timedelta(seconds=self.monotonic() - _BEGINNING_SECONDS)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def step(self, seconds: float) -> None:
        """Set the time of day forward, or back; what waits does not notice."""
        self._stepped += timedelta(seconds=seconds)


def run(main: Callable[[VirtualClock], Coroutine[Any, Any, T]], *, start: datetime) -> T:
    """
    Run *main* on a virtual loop of its own, with its clock, and return what it returns.

    Raises:
        DeadlockError: *main* waits for something that can no longer happen.

    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main(VirtualClock(start)))
