"""
The only place that reads the wall clock.

Waiting is `asyncio.sleep`: the tests run the same code on an event loop whose time is virtual. Due times and rate
limits use `monotonic`, which a step of the wall clock does not move; times shown to users use `now`.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward, on the running event loop's scale."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
