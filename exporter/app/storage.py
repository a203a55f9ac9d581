"""
The store of a command, and what the daemon does for it beside polling.

Decides how often the disk is looked after and old states are dropped; how is for `state/`.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.sqlite import SqliteStore
from exporter.state.statefile import StateFile
from exporter.state.store import MemoryStore, Storage

_DAY_SECONDS = 24 * 3600.0
_LOOK_SECONDS = 5.0


@contextlib.contextmanager
def storage(path: str, self_metrics: SelfMetrics, clock: Clock, log: FilteringBoundLogger) -> Iterator[Storage]:
    """Yield the store at *path*, to be started, and close it in the end; an empty path means memory."""
    if not path:
        self_metrics.state_persistent(False)
        yield MemoryStore()
        return
    store = SqliteStore(Path(path), now=clock.now, report=self_metrics, log=log)
    try:
        yield store
    finally:
        store.close()


def copied(state: StateFile) -> MemoryStore:
    """Return everything in *state*, for a command that must not write to it."""
    store = MemoryStore()
    for (workspace, key), one in state.read().states.items():
        store.commit(workspace, key, one)
        store.pasts[workspace, key] = state.load_past((workspace, key))[0]
    return store


async def look_after(store: Storage) -> None:
    """Have the state on disk within seconds of the disk's return, whether there is news or not."""
    while True:
        store.look_after()
        await asyncio.sleep(_LOOK_SECONDS)


async def keep_tidy(store: Storage, exporter: Exporter, clock: Clock) -> None:
    """At the start and once a day forget what is watched no more and has been silent for long, and free its space."""
    while True:
        store.forget_older(clock.now(), exporter.in_use)
        for _ in store.shrink():
            await asyncio.sleep(0)  # scrapes are answered meanwhile
        await asyncio.sleep(_DAY_SECONDS)
