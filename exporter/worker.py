"""
Threads for blocking work: each party has one of its own, so that none waits for another's.

asyncio's default pool is left to the resolution of names, which the system may keep waiting for half a minute.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """One thread, which does one job after the other; *party* names it, in a list of the process's threads."""

    def __init__(self, party: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=party)

    async def run(self, job: Callable[[], T]) -> T:
        """Do *job* in the thread. One who gives up while it waits for the thread takes it out of the queue."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, job)
