"""
`backfill`: past syncs as OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.

Decides what a scrape would have shown when: the syncs are replayed through the rules that count and judge live ones,
with the limits learned by then, counters from 0 at the beginning of the period, and the catalogue renders the result.
A series has a sample after each finished sync, and wherever else its value changes; problems have one whenever they are
judged. Only families that follow from syncs alone are written; what polls would have seen is not known.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Self

from exporter.app.commands import open_api
from exporter.app.histories import known_integrations, read_history
from exporter.app.output import check_replaceable, replace_file
from exporter.braze.api import Api
from exporter.clock import SystemClock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import AuthError, ForbiddenError, PollError
from exporter.domain.model import Integration, Sync
from exporter.domain.replay import Replay
from exporter.domain.view import View
from exporter.domain.wording import word_count
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.columns import render_lines
from exporter.metrics.family import Family, integration_labels
from exporter.metrics.text import render_header, render_labels

_FROM_SYNCS = frozenset(
    {
        "latest",
        "latest_finished",
        "last_success_at",
        "last_timestamp_synced",
        "consecutive_failed_syncs",
        "totals",
        "problems",
        "limits",
        "usual_rows",
        "usual_duration_seconds",
        "learned_syncs",
        "failed_rows_ratio",
        "last_sync_lag_seconds",
        "start_deadline_at",
    }
)
FAMILIES = tuple(family for family in CATALOGUE if family.reads in _FROM_SYNCS and not family.against_now)
"""The families written."""

_TICK = timedelta(milliseconds=1)
"""Prometheus' resolution: two samples of a series need different milliseconds."""


@dataclass(frozen=True, slots=True)
class Period:
    """What is written of, and learned from."""

    since: datetime
    until: datetime
    history: timedelta = timedelta(0)
    """Before *since*; only learned from."""

    @property
    def first(self) -> datetime:
        return self.since - self.history


class Backfill:
    """
    Collects histories, and writes them as one page.

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

    def add(self, integration: Integration, syncs: tuple[Sync, ...], period: Period) -> None:
        """Add the history of one integration."""
        labels = render_labels(integration_labels(integration))
        replay = Replay(integration, syncs, period.since, period.until, period.history)
        moments = list(_apart(replay.moments()))
        self.syncs += replay.syncs
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


def _apart(moments: Iterable[tuple[datetime, View]]) -> Iterator[tuple[datetime, View]]:
    before: datetime | None = None
    for at, view in moments:
        before = at if before is None else max(at, before + _TICK)
        yield before, view


def _series(family: Family, labels: str, moments: list[tuple[datetime, View]]) -> Iterator[bytes]:
    """Yield the lines of a family's series, one series after the other, each in the order of time."""
    series: dict[bytes, list[bytes]] = {}
    known: dict[bytes, bytes] = {}
    finished: Sync | None = None
    for at, view in moments:
        seconds = b"%.3f" % at.timestamp()
        always = family.reads == "problems" or view.latest_finished is not finished
        finished, before, known = view.latest_finished, known, {}
        for line in render_lines(family, labels, getattr(view, family.reads)).splitlines():
            name, _, _ = line.rpartition(b" ")
            known[name] = line
            if always or before.get(name) != line:
                series.setdefault(name, []).append(line + b" " + seconds + b"\n")
    for lines in series.values():
        yield b"".join(lines)


async def backfill(config: Config, output: Path, since_seconds: float, say: Callable[[str], None]) -> bool:
    """
    Write the past syncs of all integrations to *output*; return whether none was missing.

    Args:
        config: Its integrations; with discovery, also those that the key can see. Its `history` before the period is
            read too, and learned from.
        output: Replaced at the end, in one step; left as it is where Braze has refused a key, since a page without a
            whole workspace would look complete.
        since_seconds: How far back, from now.
        say: Receives progress, and what could not be read.

    Raises:
        OutputError: The file cannot be written; raised before Braze is asked where possible.
        OSError: There is no room for the temporary files of `Backfill`.

    """
    check_replaceable(output)
    now = SystemClock().now()
    since = now - timedelta(seconds=since_seconds)
    complete = True
    with Backfill() as page:
        try:
            for configured in config.workspaces:
                async with open_api(configured) as api:
                    history = timedelta(seconds=configured.settings.history_seconds)
                    complete &= await _workspace(configured, api, page, Period(since, now, history), say)
        except (AuthError, ForbiddenError) as error:
            say(f"{output} was not written, and is as it was: {error}")
            return False
        with replace_file(output) as stream:
            page.write(stream)
        say(f"{output}: {word_count(page.syncs, 'sync')} since {since:%Y-%m-%d %H:%M} UTC")
    return complete


async def _workspace(
    configured: ConfiguredWorkspace,
    api: Api,
    page: Backfill,
    period: Period,
    say: Callable[[str], None],
) -> bool:
    integrations, complete = await known_integrations(configured, api, say)
    for number, integration in enumerate(integrations, 1):
        place = f"{integration.workspace}: {number} of {len(integrations)}: {integration.integration_name}"
        try:
            syncs = await read_history(api, integration.integration_id, period.since, period.first)
        except (AuthError, ForbiddenError):
            raise
        except PollError as error:
            say(f"{place}: left out: {error}")
            complete = False
        else:
            before = page.syncs
            page.add(integration, syncs, period)
            say(f"{place}: {word_count(page.syncs - before, 'sync')}")
    return complete
