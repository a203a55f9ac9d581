"""
Past syncs as OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.

Decides what a scrape would have shown after each past sync: the syncs are played through the very rules that count live
ones, from a first sight at the beginning of the period, and the catalogue renders what comes of it. Only families that
follow from syncs alone are written; nobody knows any more what polls would have seen.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import IO, Self

from exporter.braze.gate import Gate
from exporter.braze.link import Cursor
from exporter.braze.wire import Endpoint, build_job_sync_status
from exporter.domain.decode import decode_job_sync_status
from exporter.domain.errors import PayloadError
from exporter.domain.ledger import EMPTY_PAST, Page, Walk, absorb
from exporter.domain.model import Integration, Snapshot, Sync
from exporter.domain.summary import with_ledger
from exporter.metrics.catalogue import CATALOGUE, Family, integration_labels
from exporter.metrics.columns import render_lines
from exporter.metrics.text import render_header, render_labels

_FROM_SYNCS = frozenset(
    {"newest", "newest_finished", "last_success_at", "last_timestamp_synced", "consecutive_failed_syncs", "totals"}
)
FAMILIES = tuple(family for family in CATALOGUE if family.reads in _FROM_SYNCS and not family.against_now)
"""What is written."""

_TICK = timedelta(milliseconds=1)
"""Prometheus' resolution: two samples of a series need different milliseconds."""


async def read_history(gate: Gate, integration_id: str, since: datetime, now: datetime) -> tuple[Sync, ...]:
    """
    Return the finished syncs of an integration that started after *since*, the oldest first.

    Raises:
        PollError: A page did not come: half a history would be taken for a whole one.

    """
    found: dict[datetime, Sync] = {}
    cursors: set[Cursor | None] = set()
    cursor: Cursor | None = None
    while cursor not in cursors:
        cursors.add(cursor)
        request = build_job_sync_status(integration_id, cursor)
        await gate.turn(Endpoint.JOB_SYNC_STATUS)
        answer = await gate.ask(request)
        decoded = decode_job_sync_status(answer.body, now)
        if decoded.problem is not None:
            raise PayloadError(f"{decoded.problem}; nothing of this integration was written")
        found.update((sync.sync_start_time, sync) for sync in decoded.syncs if sync.finished)
        cursor = answer.next_cursor
        if cursor is None or min((sync.sync_start_time for sync in decoded.syncs), default=now) <= since:
            break
    return tuple(found[start] for start in sorted(found) if start > since)


def replay(integration: Integration, syncs: Iterable[Sync], since: datetime) -> Iterator[tuple[datetime, Snapshot]]:
    """Yield what would have been shown at *since*, and after each of *syncs*, with the moment of it; in order."""
    ledger = absorb(None, Walk(), Page((), last=True), now=since + EMPTY_PAST, max_pages=1).ledger
    at = since
    yield at, with_ledger(Snapshot(integration), ledger)
    for sync in sorted(syncs, key=_end):
        ledger = absorb(ledger, Walk(), Page((sync,), last=True), now=_end(sync), max_pages=1).ledger
        at = max(_end(sync), at + _TICK)
        yield at, with_ledger(Snapshot(integration), ledger)


def _end(sync: Sync) -> datetime:
    return sync.sync_finish_time or sync.sync_start_time


class Backfill:
    """
    Gathers histories, and writes them as one page.

    OpenMetrics wants all samples of a family together while histories come integration by integration, so each family
    waits in a temporary file of its own: a year of syncs need not fit into memory. Any method raises OSError where
    there is no room for these.
    """

    def __init__(self) -> None:
        self._files = ExitStack()
        self._spools: dict[str, IO[bytes]] = {}
        self.syncs = 0
        """Written so far."""

    def __enter__(self) -> Self:
        for family in FAMILIES:
            self._spools[family.name] = self._files.enter_context(tempfile.TemporaryFile())
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, integration: Integration, syncs: tuple[Sync, ...], since: datetime) -> None:
        """Take in the history of one integration."""
        labels = render_labels(integration_labels(integration))
        moments = list(replay(integration, syncs, since))
        self.syncs += len(syncs)
        for family in FAMILIES:
            for lines in _series(family, labels, moments):
                self._spools[family.name].write(lines)

    def write(self, page: IO[bytes]) -> None:
        """Write the page."""
        for family in FAMILIES:
            spool = self._spools[family.name]
            spool.seek(0)
            page.write(render_header(family.name, family.kind, family.help, openmetrics=True))
            while chunk := spool.read(1 << 20):
                page.write(chunk)
        page.write(b"# EOF\n")


def _series(family: Family, labels: str, moments: list[tuple[datetime, Snapshot]]) -> Iterator[bytes]:
    """Yield the lines of a family's series, one series after the other, each in the order of time."""
    series: dict[bytes, list[bytes]] = {}
    for at, snapshot in moments:
        seconds = b"%.3f" % at.timestamp()
        for line in render_lines(family, labels, getattr(snapshot, family.reads)).splitlines():
            name, _, _ = line.rpartition(b" ")
            series.setdefault(name, []).append(line + b" " + seconds + b"\n")
    for lines in series.values():
        yield b"".join(lines)
