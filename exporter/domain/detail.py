"""
One integration in depth: its past beside what is usual for it, why its next sync is expected, what Braze was asked.

What the page and the JSON of one integration show besides its view. Pure; computed when somebody looks, never before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from exporter.domain.asked import Asked
from exporter.domain.integration_state import IntegrationState, Watch
from exporter.domain.model import Sync
from exporter.domain.normal import WIDEN
from exporter.domain.past import Past, Run, to_seconds, to_sync
from exporter.domain.rhythm import to_local
from exporter.domain.view import View
from exporter.domain.wording import word_count, word_span


class Band(NamedTuple):
    """How many rows are usual for a sync, and between which numbers nothing is wrong."""

    fewest: float
    usual: float
    most: float


class PastRun(NamedTuple):
    """One finished sync, and what is usual for its time of the week by all that is known now."""

    run: Run
    band: Band | None


class Expectation(NamedTuple):
    """Where the expectation of the next sync comes from."""

    by: str
    """`braze`, `expected_interval` or `rhythm`; empty where no sync is expected."""
    because: str
    """The same in words, or why none is."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One integration, as somebody sees it who looks at it alone."""

    state: IntegrationState
    view: View
    watch: Watch
    past: Past
    requests: tuple[Asked, ...] = ()
    """The latest about it, latest first."""
    list_requests: tuple[Asked, ...] = ()
    """The latest for the list of all integrations, latest first."""

    def runs(self, since: int) -> Iterator[PastRun]:
        """Yield the syncs that started at *since*, in seconds since 1970, or later, oldest first."""
        normal, widen = self.watch.learned.normal, WIDEN[self.watch.integration.limits.sensitivity]
        rows = normal.rows
        bands: dict[int, Band | None] = {}
        for run in self.past.runs:
            if run.start < since:
                continue
            if rows is None:
                yield PastRun(run, None)
                continue
            at = to_local(run.start, normal.zone)
            cell = rows.cell(at)
            if cell not in bands:
                band = rows.band(at, widen)
                bands[cell] = None if band is None else Band(*band)
            yield PastRun(run, bands[cell])

    def latest_syncs(self, count: int) -> list[Sync]:
        """Return the latest syncs, running included, latest first, as exactly as each is known."""
        known = {run.start: to_sync(run) for run in self.past.runs[-count:]}
        known |= {to_seconds(sync.sync_start_time): sync for sync in self.view.history}
        return [known[start] for start in sorted(known, reverse=True)][:count]

    @property
    def expectation(self) -> Expectation:
        expected, interval = self.state.expected, self.watch.integration.expected_interval_seconds
        if reason := self._expects_nothing:
            return Expectation("", reason)
        if expected is not None and expected.announced:
            return Expectation("braze", "Braze announces this run")
        if expected is not None and interval:
            return Expectation("expected_interval", f"expected_interval is {word_span(interval)}")
        if self.view.start_deadline_at is not None:
            return Expectation("rhythm", f"learned: {_rhythm(self.watch)}")
        return Expectation("", f"Braze announces no run, and {_rhythm(self.watch)}")

    @property
    def _expects_nothing(self) -> str:
        if self.state.gone is not None:
            return "the integration is gone"
        if self.state.is_paused:
            return "the integration is paused in Braze"
        return "Braze calls the integration a draft, and drafts never sync" if self.state.is_draft else ""


def _rhythm(watch: Watch) -> str:
    """What was learned of when syncs start."""
    normal = watch.learned.normal
    rhythm, known = normal.rhythm, word_count(normal.learned_syncs, "past sync")
    if rhythm.gap_seconds is None:
        return f"too little is known of its rhythm ({known})"
    every = word_span(rhythm.gap_seconds)
    if rhythm.kind == "irregular":
        return f"its syncs start irregularly, half of them within {every} ({known})"
    on = " on business days" if rhythm.kind == "business days" else ""
    return f"its syncs start every {every}{on} ({known})"
