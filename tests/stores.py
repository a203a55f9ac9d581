"""A store on disk, open from the beginning."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.state.sqlite import SqliteStore
from exporter.state.store import Report


def open_store(path: str, *, now: Callable[[], datetime], report: Report, log: FilteringBoundLogger) -> SqliteStore:
    """Open the store in a directory; that it is in use raises StorageInUseError."""
    store = SqliteStore(Path(path), now=now, report=report, log=log)
    store.start()
    return store
