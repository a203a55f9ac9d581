"""
What has been counted for one integration, and the rules by which a page of syncs is added to it (contract 5).

Theory. Braze lists an integration's syncs latest first, ten a page, by offset; there is no run id.
- Identity: a sync is its integration and its start time; two records with the same start are one.
- Counting: a sync is counted when it is first seen finished. `recent` holds the latest syncs seen, `running` the starts
  of those seen unfinished and not counted yet. A finished record counts if its start is in `running`, or if it is new:
  not in `recent`, later than the tail's `floor` (the latest start that left `recent`) and than `baseline`. A record
  that drift repeats, or Braze changes, is in `recent`: it moves gauges, never totals.
- First sight: every sync listed is past and only fills `recent`. `baseline` is the latest start, or just before the
  oldest running sync, which counts when it finishes. Pages are walked until the failing streak and the last success are
  known. Where none is listed, `baseline` is a day ago: a page empty in error must not make all the past count.
- Future: a start later than now is an error of a clock. Such a sync counts like any other, but is neither `baseline`
  nor `anchor` while one that has begun is known: what comes before it is not past yet.
- Walking: `anchor` is the start up to which everything has been read. A walk goes from the first page back until it
  reaches the anchor; then the latest start becomes the anchor. One that breaks off, or finds a page short or empty (a
  cache, a replica behind), leaves the anchor, so the next poll resumes it, while the pages already read have counted.
  One that ends so (too many pages, or ATTEMPTS in a row) adds one to `gaps`.
- Running: one that later ones have pushed off the pages read is searched for less and less often. One gone from its
  place is forgotten; it counts as new if it comes back, and adds one to `gaps` where it could not.
- Bounds: at rest `recent` keeps RECENT syncs; older ones fold into `tail`. An unfinished walk may keep LONGEST.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus, Totals, one_record_each

RECENT = 20
"""Syncs kept one by one: two pages, so that a record that was unreadable at first still counts once it is readable."""
LONGEST = 1000
"""Syncs kept while a walk is unfinished; beyond it the walk is given up."""
ATTEMPTS = 5
"""How often a walk may break off at a later page, or find the history too short, before it is given up."""
MOST_RUNNING = 10
"""Unfinished syncs kept; Braze runs one at a time."""
SEARCH_SHARE = 8
"""A running sync off the pages read is searched for again after an eighth of the time it has been running."""
EMPTY_PAST = timedelta(days=1)
"""Where none is listed at first sight, syncs that started longer ago than this count as past."""

_INDEX = {status: index for index, status in enumerate(FINISHED_STATUSES)}
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tail:
    """All syncs older than the recent ones, folded into what the gauges need of them."""

    floor: datetime | None = None
    """The latest start in here."""
    failed_streak: int = 0
    """How many of the last finished syncs in here failed in a row."""
    success: Sync | None = None
    last_timestamp_synced: datetime | None = None
    failing_since: datetime | None = None
    """When the first sync of that streak finished."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One integration's account. The theory at the top of this file says what each part is for."""

    baseline: datetime
    anchor: datetime | None = None
    """None while no sync has ever been seen."""
    recent: tuple[Sync, ...] = ()
    """Latest first, each start once."""
    running: frozenset[datetime] = frozenset()
    tail: Tail = field(default_factory=Tail)
    totals: Totals = field(default_factory=Totals)
    gaps: int = 0
    history_known: bool = False
    """Whether the walk at first sight has ended."""
    vanished: bool = False
    """Whether the history was given up as empty, or with a page short: one gap, however often it is seen."""
    attempts: int = 0
    """How often the walk under way has failed so."""
    searched_at: datetime | None = None
    """When running syncs off the pages read were last searched for."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far back the pages of one poll have reached."""

    pages: int = 0
    seen: frozenset[datetime] = frozenset()
    """The starts read."""
    holed: bool = False
    """Whether a page came short or empty that has others behind it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of syncs. *last* when Braze gives no cursor to a further one; else it should be *full*."""

    syncs: tuple[Sync, ...]
    last: bool
    full: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What a page changed: *ledger* is the same object when nothing did, *walk* is None when the walk has ended."""

    ledger: Ledger
    counted: tuple[Sync, ...]
    walk: Walk | None


def absorb(ledger: Ledger | None, walk: Walk, page: Page, *, now: datetime, max_pages: int) -> Step:
    """
    Add one page to the ledger; *ledger* is None at first sight, *walk* is what the page before returned.

    Args:
        ledger: What is known so far.
        walk: The walk this page belongs to; `Walk()` for the first page of a poll.
        page: What Braze listed.
        now: Decides what is past at first sight, and when to search for a running sync.
        max_pages: A walk ends after this number of pages.

    """
    records = one_record_each(page.syncs)
    account = _open_account(records, now) if ledger is None else ledger
    merged, counted = _merge(account, records)
    walk = Walk(walk.pages + 1, walk.seen.union(records), walk.holed or not (page.last or (records and page.full)))
    found = _found_anchor(merged, walk, page)
    enough = found and _past_is_known(merged) and not _search_is_due(merged, walk, now)
    if not enough and not page.last and walk.pages < max_pages:
        return Step(merged, counted, walk)
    hidden = (walk.holed or (page.last and not found)) and not merged.vanished
    if hidden and (again := _try_again(merged, merged.attempts + 1)):
        return Step(again, counted, None)
    ended = _end(merged, walk, found=found, complete=page.last, now=now)
    return Step(account if ended == account else ended, counted, None)


def break_off(ledger: Ledger, walk: Walk, *, now: datetime, blame_page: bool) -> Ledger:
    """
    Leave the anchor for the next poll, or give the walk up, as a page after the first did not come.

    *ledger* and *walk* are as of the page before. Without *blame_page* (rate limit used up) waiting is free.
    """
    if again := _try_again(ledger, ledger.attempts + blame_page):
        return replace(again, searched_at=now)
    found = ledger.anchor is not None and min(walk.seen, default=now) <= ledger.anchor
    return _end(ledger, walk, found=found, complete=False, now=now)


def _try_again(ledger: Ledger, attempts: int) -> Ledger | None:
    return replace(ledger, attempts=attempts) if attempts < ATTEMPTS and len(ledger.recent) <= LONGEST else None


def _open_account(records: dict[datetime, Sync], now: datetime) -> Ledger:
    unfinished = [start for start, sync in records.items() if not sync.finished]
    recent = tuple(records[start] for start in sorted(records, reverse=True))
    latest = _latest_begun(recent, now)
    baseline = latest or now - EMPTY_PAST
    if unfinished:
        baseline = min(baseline, min(unfinished) - _JUST_BEFORE)
    return Ledger(baseline, latest, recent, frozenset(unfinished))


def _latest_begun(recent: tuple[Sync, ...], now: datetime) -> datetime | None:
    """Return the latest start that is not in the future; else the latest of all; None where there is none."""
    begun = (sync.sync_start_time for sync in recent if sync.sync_start_time <= now)
    return next(begun, recent[0].sync_start_time if recent else None)


def _merge(ledger: Ledger, records: dict[datetime, Sync]) -> tuple[Ledger, tuple[Sync, ...]]:
    """Add the records; return the ledger and the syncs that count."""
    recent = {sync.sync_start_time: sync for sync in ledger.recent}
    if all(recent.get(start) == sync for start, sync in records.items()):
        return ledger, ()
    tail, floor = ledger.tail, ledger.tail.floor
    running = set(ledger.running)
    counted = []
    for start, sync in records.items():
        beneath = floor is not None and start <= floor
        new = not beneath and start not in recent
        if sync.finished:
            if start in running or (new and start > ledger.baseline):
                counted.append(sync)
            running.discard(start)
        elif new and (start > ledger.baseline or not ledger.history_known):
            running.add(start)
        if not beneath:
            recent[start] = sync
        elif sync.job_status is SyncStatus.SUCCESS and (tail.success is None or start > tail.success.sync_start_time):
            tail = replace(tail, success=sync)
    merged = replace(
        ledger,
        recent=tuple(recent[start] for start in sorted(recent, reverse=True)),
        running=frozenset(running),
        tail=tail,
        totals=_add(ledger.totals, counted),
    )
    return merged, tuple(counted)


def _add(totals: Totals, counted: list[Sync]) -> Totals:
    if not counted:
        return totals
    syncs = list(totals.syncs)
    for sync in counted:
        syncs[_INDEX[sync.job_status]] += 1
    return Totals(
        tuple(syncs),
        totals.rows_synced + sum(sync.rows_synced or 0 for sync in counted),
        totals.rows_failed_with_errors + sum(sync.rows_failed_with_errors or 0 for sync in counted),
        totals.duration_seconds + sum(sync.duration_seconds or 0.0 for sync in counted),
    )


def _found_anchor(ledger: Ledger, walk: Walk, page: Page) -> bool:
    if ledger.anchor is None:
        return page.last or (bool(walk.seen) and min(walk.seen) <= ledger.baseline)
    return bool(walk.seen) and min(walk.seen) <= ledger.anchor


def _past_is_known(ledger: Ledger) -> bool:
    """Whether the gauges need no older page: a success ends the failing streak too."""
    return ledger.history_known or any(sync.job_status is SyncStatus.SUCCESS for sync in ledger.recent)


def _search_is_due(ledger: Ledger, walk: Walk, now: datetime) -> bool:
    """Whether a running sync stands further back than the pages read, and it is time to look for it."""
    if not ledger.running or not walk.seen:
        return False
    oldest = min(ledger.running)
    if oldest >= min(walk.seen):
        return False
    return ledger.searched_at is None or now - ledger.searched_at >= (now - oldest) / SEARCH_SHARE


def _end(ledger: Ledger, walk: Walk, *, found: bool, complete: bool, now: datetime) -> Ledger:
    """
    Settle the ledger, with all pages merged, at the end of a walk.

    *found*: the anchor was reached. *complete*: the walk reached the end of Braze's history.
    """
    gaps = ledger.gaps + ((not found or (walk.holed and ledger.history_known)) and not ledger.vanished)
    if not walk.seen and not found:
        return replace(ledger, gaps=gaps, vanished=True, attempts=0)
    searched = ledger.running and (walk.pages > 1 or _search_is_due(ledger, walk, now))
    ledger, lost = _forget_running(ledger, walk, complete=complete, now=now)
    recent, tail = ledger.recent[:RECENT], _fold(ledger.tail, ledger.recent[RECENT:])
    return replace(
        ledger,
        anchor=_latest_begun(recent, now) or ledger.anchor,
        recent=recent,
        tail=tail,
        gaps=gaps + lost,
        history_known=True,
        vanished=walk.holed,
        attempts=0,
        searched_at=now if searched else ledger.searched_at,
    )


def _forget_running(ledger: Ledger, walk: Walk, *, complete: bool, now: datetime) -> tuple[Ledger, int]:
    """
    Drop running syncs that are gone from the pages read, or beyond MOST_RUNNING.

    Return the ledger, and how many were dropped that can never count.
    """
    unread = ledger.running - walk.seen
    oldest_read = min(walk.seen, default=now)
    gone = {start for start in unread if complete or start > oldest_read}
    kept = sorted(ledger.running - gone, reverse=True)
    past = max(ledger.baseline, ledger.tail.floor or ledger.baseline)
    recent = tuple(sync for sync in ledger.recent if sync.sync_start_time not in gone)
    lost = len(kept[MOST_RUNNING:]) + sum(start <= past for start in gone)
    return replace(ledger, recent=recent, running=frozenset(kept[:MOST_RUNNING])), lost


def _fold(tail: Tail, older: Sequence[Sync]) -> Tail:
    """Return the tail with *older* added: syncs that leave `recent`, latest first."""
    for sync in reversed(older):
        streak, since = tail.failed_streak, tail.failing_since
        if sync.finished:
            streak, since = (streak + 1, since if streak else sync.finished_at) if sync.failed else (0, None)
        success = sync if sync.job_status is SyncStatus.SUCCESS else tail.success
        watermark = sync.last_timestamp_synced or tail.last_timestamp_synced
        tail = Tail(sync.sync_start_time, streak, success, watermark, since)
    return tail
