"""Where accounts are kept: on disk where there is a path, in memory where there is none."""

import asyncio
import contextlib
from collections.abc import Iterator

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.sqlite import open_store
from exporter.state.store import MemoryStore, Storage

_DAY_SECONDS = 24 * 3600.0


@contextlib.contextmanager
def storage(path: str, self_metrics: SelfMetrics, clock: Clock, log: FilteringBoundLogger) -> Iterator[Storage]:
    """
    Open the store at *path*, and close it in the end; an empty path means memory.

    Raises:
        StorageInUseError: Another exporter has the path.

    """
    if not path:
        self_metrics.state_persistent(False)
        yield MemoryStore()
        return
    store = open_store(path, now=clock.now, report=self_metrics, log=log)
    try:
        yield store
    finally:
        store.close()


async def keep_tidy(store: Storage, exporter: Exporter, clock: Clock) -> None:
    """At the start and once a day forget integrations that are watched no more and have been silent for long."""
    while True:
        store.forget_older(clock.now(), exporter.in_use)
        await asyncio.sleep(_DAY_SECONDS)
