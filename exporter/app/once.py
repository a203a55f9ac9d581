"""One round of polls, for `once`."""

import asyncio

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import SystemClock
from exporter.config.load import Config
from exporter.state.memory import MemoryStore


async def poll_once(config: Config, log: FilteringBoundLogger) -> tuple[bool, bytes]:
    """Poll every integration once; return whether all polls succeeded, and the metrics page as text."""
    clock = SystemClock()
    exporter = Exporter(config, MemoryStore(), clock, log)
    async with exporter.polling():
        await asyncio.gather(*(poller.all_tried.wait() for poller in exporter.pollers))
    succeeded = all(poller.succeeded() for poller in exporter.pollers)
    return succeeded, b"".join(exporter.page.render(clock.now(), openmetrics=False).chunks)
