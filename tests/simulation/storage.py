"""Opens the states for a simulated run: a real SQLite file, which every life of the exporter opens anew."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from exporter.state.store import Storage
from tests.simulation.drive import OpenDisk
from tests.stores import open_store


class NotPersistentError(Exception):
    """The store has lost its disk, where nothing was wrong with the disk."""


class _Report:
    """Hears how the store fares; there is nothing that may go wrong."""

    def state_persistent(self, value: bool) -> None:
        if not value:
            raise NotPersistentError

    def state_write_failed(self) -> None:
        raise NotPersistentError


_LOG = structlog.wrap_logger(
    structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)


MEMORY = "/dev/shm"


@contextmanager
def state_file() -> Iterator[OpenDisk]:
    """Give a run a state file of its own, in memory where the system has a place for that."""
    with _folder() as directory:

        def open_disk(now: Callable[[], datetime]) -> Storage:
            return open_store(directory, now=now, report=_Report(), log=_LOG)

        yield open_disk


def _folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(dir=MEMORY)
    except OSError:  # a container may have none, or one that is root's
        return tempfile.TemporaryDirectory()
