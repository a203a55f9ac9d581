"""
Threads for blocking work: each party has one of its own, so that none waits for another's.

asyncio's default pool is left to the resolution of names, which the system may keep waiting for half a minute.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """
    One thread, which does one job after the other; *party* names it, in a list of the process's threads.

    After each job it rests this many times (*rest*) as long as the job took.
    """

    def __init__(self, party: str, *, rest: float = 0.0) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=party)
        self._rest = rest
        self._rested_at = time.monotonic()

    async def run(self, job: Callable[[], T]) -> T:
        """Do *job* in the thread. One who gives up while it waits for the thread takes it out of the queue."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._do, job)

    def _do(self, job: Callable[[], T]) -> T:
        began = time.monotonic()
        if began < self._rested_at:
            time.sleep(self._rested_at - began)
            began = time.monotonic()
        try:
            return job()
        finally:
            ended = time.monotonic()
            self._rested_at = ended + self._rest * (ended - began)
