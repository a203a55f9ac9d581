"""
Any history, however it is paged, repeated, disturbed and restarted: each finished sync counts once.

The truth is brute force: every sync with its start, its end and its place in Braze's list. A drawn world grows while
an account polls it; pages drift, fail and repeat; in the end, with Braze quiet, what was counted is what had happened.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.ledger import ATTEMPTS, Ledger, Page, Tail, Walk, absorb, break_off
from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus
from exporter.domain.summary import summarize
from tests.histories import PAGE_SIZE, minute


@dataclass
class Braze:
    """Grows by the minute; one sync may run for long while others pass it by."""

    now: int = 0
    records: dict[int, Sync] = field(default_factory=dict)
    """By start, in minutes."""

    def start(self, status: SyncStatus, rows: int, *, runs: bool) -> None:
        self.now += 1
        begun = Sync(minute(self.now), SyncStatus.RUNNING)
        self.records[self.now] = begun
        if not runs:
            self.finish(self.now, status, rows)

    def finish(self, start: int, status: SyncStatus, rows: int) -> None:
        end = minute(self.now) + timedelta(seconds=30)
        self.records[start] = Sync(minute(start), status, end, None, rows, rows // 2)

    @property
    def unfinished(self) -> list[int]:
        return [start for start, sync in self.records.items() if not sync.finished]

    def listed(self) -> list[Sync]:
        return sorted(self.records.values(), key=lambda sync: sync.sync_start_time, reverse=True)


class Exporter:
    """Polls a `Braze` as the poller does, and keeps what it counts."""

    def __init__(self, braze: Braze, max_pages: int) -> None:
        self.braze = braze
        self.max_pages = max_pages
        self.ledger: Ledger | None = None
        self.counted: list[Sync] = []
        self.past: set[int] = set()
        """What had finished when the account was opened."""
        self.beyond: set[int] = set()
        """What ran then beyond the first page. Nobody may have seen it, so it may count or not."""

    def poll(
        self,
        *,
        fails_at: int | None = None,
        drift: int = 0,
        status: SyncStatus | None = None,
        killed_at: int | None = None,
    ) -> None:
        if self.ledger is None:
            first_page = {sync.sync_start_time for sync in self.braze.listed()[:PAGE_SIZE]}
            self.past = {start for start, sync in self.braze.records.items() if sync.finished}
            self.beyond = {start for start in self.braze.unfinished if minute(start) not in first_page}
        walk: Walk | None = Walk()
        ledger, page_number = self.ledger, 0
        counted: list[Sync] = []
        while walk is not None:
            if page_number == killed_at:
                return
            if page_number == fails_at:
                if ledger is not None and page_number:
                    ledger = break_off(ledger, walk, now=minute(self.braze.now), blame_page=True)
                break
            listed = self.braze.listed()
            begin = page_number * PAGE_SIZE
            page = Page(tuple(listed[begin : begin + PAGE_SIZE]), last=begin + PAGE_SIZE >= len(listed))
            step = absorb(ledger, walk, page, now=minute(self.braze.now), max_pages=self.max_pages)
            ledger, walk = step.ledger, step.walk
            counted += step.counted
            page_number += 1
            if status is not None and page_number < 4:
                for _ in range(drift):
                    self.braze.start(status, 1, runs=False)
        self.ledger = ledger
        self.counted += counted

    @property
    def due(self) -> list[datetime]:
        """What must have counted in the end, in order."""
        return sorted(minute(start) for start in self.braze.records if start not in self.past | self.beyond)

    @property
    def starts(self) -> list[datetime]:
        """What has counted, in order."""
        beyond = set(map(minute, self.beyond))
        return sorted(sync.sync_start_time for sync in self.counted if sync.sync_start_time not in beyond)

    def come_to_rest(self) -> None:
        """Nothing runs any more, nothing fails, and time enough passes for every search."""
        for start in self.braze.unfinished:
            self.braze.finish(start, SyncStatus.SUCCESS, 3)
        for _ in range(12):
            self.braze.now = self.braze.now * 2 + 100
            self.poll()


class Play:
    """Lets drawn steps happen, one method each."""

    def __init__(self, max_pages: int) -> None:
        self.braze = Braze()
        self.exporter = Exporter(self.braze, max_pages)

    def start(self, status: SyncStatus, number: int, flag: bool) -> None:
        self.braze.start(status, number, runs=flag and len(self.braze.unfinished) < 3)

    def burst(self, status: SyncStatus, number: int, _flag: bool) -> None:
        for _ in range(5 * number):
            self.braze.start(status, 1, runs=False)

    def finish(self, status: SyncStatus, number: int, _flag: bool) -> None:
        if unfinished := self.braze.unfinished:
            self.braze.finish(unfinished[number % len(unfinished)], status, number)

    def revise(self, status: SyncStatus, number: int, _flag: bool) -> None:
        """Braze words a record differently that was counted before."""
        if counted := self.exporter.counted:
            start = counted[number % len(counted)].sync_start_time
            self.braze.finish(round((start - minute(0)).total_seconds() / 60), status, 77)

    def poll(self, _status: SyncStatus, number: int, _flag: bool) -> None:
        for _ in range(1 + number // 4):
            self.exporter.poll()

    def poll_that_fails(self, _status: SyncStatus, number: int, _flag: bool) -> None:
        """A page fails, but not so often that the walk would be given up."""
        ledger = self.exporter.ledger
        if ledger is None or ledger.attempts < ATTEMPTS - 1:
            self.exporter.poll(fails_at=number // 2)

    def poll_in_drift(self, status: SyncStatus, number: int, _flag: bool) -> None:
        self.exporter.poll(drift=number, status=status)

    def poll_that_is_killed(self, _status: SyncStatus, number: int, _flag: bool) -> None:
        self.exporter.poll(killed_at=number // 2)


Step = tuple[Callable[[Play, SyncStatus, int, bool], None], SyncStatus, int, bool]
_KINDS = (
    *(Play.start, Play.burst, Play.finish, Play.revise, Play.poll),
    *(Play.poll_that_fails, Play.poll_in_drift, Play.poll_that_is_killed),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(_KINDS), st.sampled_from(FINISHED_STATUSES), st.integers(0, 9), st.booleans()),
    max_size=60,
)


def act(steps: list[Step], *, max_pages: int = 1000) -> Exporter:
    """Let the steps happen, and then let everything come to rest."""
    play = Play(max_pages)
    for kind, status, number, flag in steps:
        kind(play, status, number, flag)
    play.exporter.come_to_rest()
    return play.exporter


@given(STEPS)
@settings(max_examples=300)
def test_each_finished_sync_counts_exactly_once(steps: list[Step]) -> None:
    exporter = act(steps)
    assert exporter.ledger is not None
    assert exporter.starts == exporter.due
    assert exporter.ledger.gaps == 0


@given(STEPS, st.integers(1, 3))
@settings(max_examples=200)
def test_with_few_pages_none_counts_twice_and_whatever_is_missing_shows_as_a_gap(
    steps: list[Step], max_pages: int
) -> None:
    exporter = act(steps, max_pages=max_pages)
    assert exporter.ledger is not None
    assert len(exporter.starts) == len(set(exporter.starts))
    assert set(exporter.starts) <= set(exporter.due)
    if exporter.ledger.gaps == 0:
        assert exporter.starts == exporter.due


@given(STEPS)
@settings(max_examples=200)
def test_the_totals_are_the_sums_over_what_was_counted(steps: list[Step]) -> None:
    exporter = act(steps)
    assert exporter.ledger is not None
    totals, counted = exporter.ledger.totals, exporter.counted
    assert totals.syncs == tuple(sum(sync.job_status is status for sync in counted) for status in FINISHED_STATUSES)
    assert totals.rows_synced == sum(sync.rows_synced or 0 for sync in counted)
    assert totals.rows_failed_with_errors == sum(sync.rows_failed_with_errors or 0 for sync in counted)
    assert totals.duration_seconds == sum(sync.duration_seconds or 0 for sync in counted)


@given(STEPS)
@settings(max_examples=200)
def test_the_gauges_are_those_of_the_whole_history(steps: list[Step]) -> None:
    """One sync at a time, as Braze has it; the ledger knows the rest of the history by its tail alone."""
    exporter = act([(kind, status, number, False) for kind, status, number, _ in steps if kind is not Play.revise])
    assert exporter.ledger is not None
    shown = summarize(exporter.ledger, None)
    history = exporter.braze.listed()
    assert shown.latest == (history[0] if history else None)
    success = next((sync for sync in history if sync.job_status is SyncStatus.SUCCESS), None)
    assert shown.last_success == success
    streak = next((at for at, sync in enumerate(history) if not sync.failed), len(history))
    assert shown.consecutive_failed_syncs == streak


@given(STEPS)
@settings(max_examples=100)
def test_the_same_history_again_leaves_the_very_same_ledger(
    steps: list[Step],
) -> None:
    exporter = act(steps)
    before = exporter.ledger
    exporter.poll()
    assert exporter.ledger is before


@given(STEPS)
@settings(max_examples=100)
def test_at_rest_the_ledger_is_bounded(steps: list[Step]) -> None:
    exporter = act(steps)
    assert exporter.ledger is not None
    assert len(exporter.ledger.recent) <= 20
    assert isinstance(exporter.ledger.tail, Tail)
    assert exporter.ledger.running == frozenset()
