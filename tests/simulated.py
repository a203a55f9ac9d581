"""
A simulated Braze on a loopback port, in a thread with an event loop of its own, for tests over real sockets.

The world belongs to that loop: a test looks into it and switches faults through `call`.
"""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from exporter.clock import Clock, SystemClock
from exporter.simulator.serve import serve_world
from exporter.simulator.world import World

T = TypeVar("T")
_PATIENCE_SECONDS = 20


class SimulatedBraze:
    def __init__(self, world: World, *, clock: Clock | None = None, port: int = 0) -> None:
        self.world = world
        self.url = ""
        self._clock = clock or SystemClock()
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._bound = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulated-braze", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._bound.wait(_PATIENCE_SECONDS) or self._failure is not None:
            raise RuntimeError("the simulated Braze did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the simulated Braze did not stop"
        self._loop.close()
        if self._failure is not None:
            raise RuntimeError("the simulated Braze failed") from self._failure

    def call(self, function: Callable[[World], T]) -> T:
        """Run *function* with the world, brought up to the present, on the thread that serves it."""

        async def run() -> T:
            self.world.advance(self._clock.now())
            return function(self.world)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(
                serve_world(self.world, self._clock, port=self._port, stop=self._stop, bound=self._set_bound)
            )
        except BaseException as failure:  # noqa: BLE001 - told to the test, which runs in another thread
            self._failure = failure
            self._bound.set()

    def _set_bound(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._bound.set()
