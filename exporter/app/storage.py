"""Where accounts are kept: on disk where there is a path, in memory where there is none."""

import asyncio
import contextlib
from collections.abc import Iterator

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.memory import MemoryStore
from exporter.state.sqlite import open_store
from exporter.state.store import Storage

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
    """
    Once a day forget the accounts of integrations that have been gone for long.

    Not at the start: what discovery has not named yet is not gone.
    """
    while True:
        await asyncio.sleep(_DAY_SECONDS)
        in_use = {
            (snapshot.integration.workspace, snapshot.integration.integration_id)
            for poller in exporter.pollers
            for snapshot in poller.snapshots
        }
        store.forget_older(clock.now(), in_use)
