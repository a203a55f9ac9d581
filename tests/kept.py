"""States to keep, and what a store needs around it: a clock by hand, a report and a log that can be read."""

import ctypes
import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.ledger import Ledger, Tail
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Failure, Polls, Sync, SyncStatus, Totals
from exporter.log import build_log
from exporter.state.sqlite import SqliteStore
from tests.stores import open_store

START = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)

_CAPABILITY_VERSION = 0x20080522


class Surroundings:
    """What `open_store` is given, for as many stores as one likes."""

    def __init__(self) -> None:
        self.time = START
        self.persistent: bool | None = None
        self.failures = 0
        self._stream = io.StringIO()
        self._log = build_log("debug", "logfmt", self._stream)

    def open(self, path: Path) -> SqliteStore:
        return open_store(str(path), now=lambda: self.time, report=self, log=self._log)

    def state_persistent(self, value: bool) -> None:
        self.persistent = value

    def state_write_failed(self) -> None:
        self.failures += 1

    def a_minute_passes(self) -> None:
        self.time += timedelta(minutes=1)

    def said(self) -> list[str]:
        """The lines logged since the last call, without their times."""
        lines = [line.partition(" ")[2] for line in self._stream.getvalue().splitlines()]
        self._stream.seek(0)
        self._stream.truncate()
        return lines


def state(number: int, *, judged_at: datetime = START, syncs: int = 20) -> IntegrationState:
    """A state that has everything that is kept of a state, and differs for each number."""
    recent = tuple(
        Sync(
            START - timedelta(minutes=15 * back),
            SyncStatus.ERROR if back % 3 else SyncStatus.SUCCESS,
            START - timedelta(minutes=15 * back - 2),
            START - timedelta(minutes=15 * back + 1),
            1000 + number,
            back,
        )
        for back in range(syncs)
    )
    oldest = Sync(START - timedelta(days=9), SyncStatus.SUCCESS, START - timedelta(days=9), None, 1, 0)
    ledger = Ledger(
        START - timedelta(days=1),
        START,
        recent,
        frozenset({START + timedelta(minutes=15)}),
        Tail(START - timedelta(days=8), 3, oldest, START - timedelta(days=8), START - timedelta(days=8)),
        Totals((number, 1, 2, 3, 4, 5), 2**53, 17, 0.1 + number),
        gaps=1,
        history_known=True,
        vanished=True,
        attempts=2,
        searched_at=START,
    )
    return IntegrationState(
        START - timedelta(days=2),
        ledger,
        ListedIntegration(
            f"id-{number}",
            f"name {number}",
            "snowflake_table",
            "paused",
            "snowflake",
            "group",
            START - timedelta(minutes=1),
            START - timedelta(minutes=2),
            SyncStatus.ERROR,
            START + timedelta(minutes=3),
            next_run_told=False,
        ),
        ExpectedRun(START + timedelta(hours=number % 24), announced=True),
        had_schedule=True,
        paused=Since(START - timedelta(hours=1), at_first_sight=True),
        unscheduled=Since(START - timedelta(hours=2)),
        gone=Since(START - timedelta(hours=3)),
        renamed_to="another name",
        resumed_at=START - timedelta(hours=4),
        judged_at=judged_at,
        polls=Polls(failure=Failure("timeout", "no answer", START), failing_since=START - timedelta(minutes=9)),
    )


def files(directory: Path) -> dict[str, bytes]:
    """What every file of a directory holds."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file can grow beyond *room* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_privileges() -> Iterator[None]:
    """The rights of files bind this thread, even if it is root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    before = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits each
    assert libc.capget(header, before) == 0
    none_effective = (ctypes.c_uint32 * 6)(*before)
    none_effective[0] = none_effective[3] = 0
    assert libc.capset(header, none_effective) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Neither the directory nor what is in it can be written."""
    paths = [*directory.iterdir(), directory]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with no_privileges():
            yield
    finally:
        for path in reversed(paths):
            path.chmod(0o755 if path.is_dir() else 0o644)
