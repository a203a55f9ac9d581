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

from exporter.braze.api import Api
from exporter.domain.integration_state import IntegrationState, Watch
from exporter.domain.ledger import EMPTY_PAST, Ledger, Page, Walk, absorb
from exporter.domain.limits import limits_in_effect
from exporter.domain.model import Integration, Sync
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import View, build_view
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.columns import render_lines
from exporter.metrics.family import Family, integration_labels
from exporter.metrics.text import render_header, render_labels

_FROM_SYNCS = frozenset(
    {"latest", "latest_finished", "last_success_at", "last_timestamp_synced", "consecutive_failed_syncs", "totals"}
)
FAMILIES = tuple(family for family in CATALOGUE if family.reads in _FROM_SYNCS and not family.against_now)
"""What is written."""

_TICK = timedelta(milliseconds=1)
"""Prometheus' resolution: two samples of a series need different milliseconds."""


async def read_history(api: Api, integration_id: str, since: datetime, now: datetime) -> tuple[Sync, ...]:
    """
    Return the finished syncs of an integration that started after *since*, the oldest first.

    Raises:
        PollError: A page did not come: half a history would be taken for a whole one.

    """
    found: dict[datetime, Sync] = {}
    pages, last = api.syncs(integration_id), False
    while not last:
        page = await pages.read()
        syncs = page.decoded.syncs
        found.update((sync.sync_start_time, sync) for sync in syncs if sync.finished)
        last = page.last or min((sync.sync_start_time for sync in syncs), default=now) <= since
    return tuple(found[start] for start in sorted(found) if start > since)


def replay(integration: Integration, syncs: Iterable[Sync], since: datetime) -> Iterator[tuple[datetime, View]]:
    """Yield what would have been shown at *since*, and after each of *syncs*, with the moment of it; in order."""
    watch = Watch(integration, PollSettings(), limits_in_effect(integration.limits))
    ledger = absorb(None, Walk(), Page((), last=True), now=since + EMPTY_PAST, max_pages=1).ledger
    at = since
    yield at, _view(ledger, watch, at)
    for sync in sorted(syncs, key=_end):
        ledger = absorb(ledger, Walk(), Page((sync,), last=True), now=_end(sync), max_pages=1).ledger
        at = max(_end(sync), at + _TICK)
        yield at, _view(ledger, watch, at)


def _view(ledger: Ledger, watch: Watch, at: datetime) -> View:
    state = IntegrationState(first_seen_at=at, ledger=ledger, judged_at=at, summary=summarize(ledger, None))
    return build_view(state, watch)


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


def _series(family: Family, labels: str, moments: list[tuple[datetime, View]]) -> Iterator[bytes]:
    """Yield the lines of a family's series, one series after the other, each in the order of time."""
    series: dict[bytes, list[bytes]] = {}
    for at, view in moments:
        seconds = b"%.3f" % at.timestamp()
        for line in render_lines(family, labels, getattr(view, family.reads)).splitlines():
            name, _, _ = line.rpartition(b" ")
            series.setdefault(name, []).append(line + b" " + seconds + b"\n")
    for lines in series.values():
        yield b"".join(lines)
