"""One round of polls, for `once`."""

import asyncio

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.app.storage import storage
from exporter.clock import SystemClock
from exporter.config.load import Config
from exporter.metrics.self_metrics import SelfMetrics


async def poll_once(config: Config, storage_path: str, log: FilteringBoundLogger) -> tuple[bool, bytes]:
    """
    Poll every integration once; return whether all polls succeeded, and the metrics page as text.

    Raises:
        StorageInUseError: Another exporter has the storage path.

    """
    clock = SystemClock()
    self_metrics = SelfMetrics()
    self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())
    with storage(storage_path, self_metrics, clock, log) as store:
        exporter = Exporter(store=store, self_metrics=self_metrics, clock=clock, log=log)
        await exporter.apply(config)
        try:
            await asyncio.gather(*(poller.readiness.all.wait() for poller in exporter.pollers))
        finally:
            await exporter.close()
        store.forget_older(clock.now(), exporter.in_use)
        succeeded = all(poller.succeeded() for poller in exporter.pollers)
        return succeeded, b"".join(exporter.page.render(clock.now(), openmetrics=False).chunks)
