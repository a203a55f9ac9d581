"""
The assumptions about how Braze's answers agree with each other and with time: order, list and status page, runs.

Each is a function of the evidence. Assumptions about the form of single answers are in `domain/answer_forms.py`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from exporter.domain.field_evidence import (
    SAME_MOMENT,
    Evidence,
    Pair,
    Record,
    kind_of,
    status_in,
    time_in,
)
from exporter.domain.finding import NOT_SEEN, Finding, Line, Verdict, judge, share, tally
from exporter.domain.listing import is_paused_status
from exporter.domain.model import SyncStatus

_RUNNING = SyncStatus.RUNNING
_FAILED = {SyncStatus.ERROR, SyncStatus.CONFIG_ERROR, SyncStatus.LIMIT_EXCEEDED}
_RUN_FIELDS = ("sync_finish_time", "last_timestamp_synced", "rows_synced", "rows_failed_with_errors")
_VISIBLE = timedelta(minutes=1)
"""A start is assumed to be visible within this time."""
_MISSED = timedelta(minutes=5)
"""An announced run that has not started by then is taken for missed."""


def order(evidence: Evidence) -> Finding:
    """Latest first, and page after page."""
    pages = [starts for page in evidence.status_pages if len(starts := page.starts) > 1]
    latest_first = sum(_falls(starts) for starts in pages)
    oldest_first = sum(_falls(starts[::-1]) for starts in pages)
    following = [(a.starts, b.starts) for a, b in evidence.following() if a.starts and b.starts]
    older = sum(max(b) <= min(a) for a, b in following)
    newer = sum(min(b) >= max(a) for a, b in following)
    if not pages:
        return NOT_SEEN
    style = {}
    if (latest_first, older) == (len(pages), len(following)):
        style = {"order": "latest first"}
    elif (oldest_first, newer) == (len(pages), len(following)):
        style = {"order": "oldest first"}
    elif older == len(following):
        style = {"order": "jumbled"}
    lines = (
        share("pages with the latest sync first", latest_first, len(pages)),
        share("pages with the oldest sync first", oldest_first, len(pages)),
        share("further pages that are older as a whole", older, len(following)),
    )
    return Finding(judge(latest_first + older, len(pages) + len(following)), lines, style)


def list_start(evidence: Evidence) -> Finding:
    """The list's latest start equals that of job_sync_status."""
    equal = listed_later = page_later = 0
    for pair in evidence.pairs():
        listed, page = time_in(pair.listed, "last_job_start_time"), max(pair.page.starts, default=None)
        if listed is None or page is None:
            continue
        equal += abs(listed - page) < SAME_MOMENT
        # A page that is not in order says nothing of the latest start, which may be on another.
        listed_later += listed - page >= SAME_MOMENT and _falls(pair.page.starts)
        # A sync that began between the two answers contradicts nothing.
        page_later += page - listed >= SAME_MOMENT and page <= pair.listed_at
    lines = (
        Line("equal: {}; list later: {}; job_sync_status later: {}", (equal, listed_later, page_later)),
        share("digits after the second are the same", *_same_digits(evidence)),
    )
    return Finding(judge(equal, equal + listed_later + page_later), lines)


def _same_digits(evidence: Evidence) -> tuple[int, int]:
    texts = [
        (pair.listed["last_job_start_time"], record["sync_start_time"])
        for pair in evidence.pairs()
        for record in pair.page.records
        if _equal(time_in(pair.listed, "last_job_start_time"), time_in(record, "sync_start_time"))
    ]
    return sum(len(one) == len(other) for one, other in texts), len(texts)


def finished_stays(evidence: Evidence) -> Finding:
    """A finished record never changes."""
    same = changed = 0
    for first, later in evidence.repeated():
        known = {repr(one.get("sync_start_time")): one for one in first.records if status_in(one) is not _RUNNING}
        for record in later.records:
            before = known.get(repr(record.get("sync_start_time")))
            if before is not None:
                same += before == record
                changed += before != record
    return Finding(judge(same, same + changed), (Line("read twice and equal: {}; changed: {}", (same, changed)),))


def running_fields(evidence: Evidence) -> Finding:
    """A running record has no finish."""
    running = [record for record in evidence.syncs if status_in(record) is _RUNNING]
    if not running:
        return NOT_SEEN
    without_finish = sum(record.get("sync_finish_time") is None for record in running)
    tells = any(record.get("rows_synced") is not None for record in running)
    return Finding(judge(without_finish, len(running)), _fields(running), {"running_tells": tells})


def failed_fields(evidence: Evidence) -> Finding:
    """After an error no rows are synced, and the finish is given."""
    failed = [record for record in evidence.syncs if status_in(record) in _FAILED]
    if not failed:
        return NOT_SEEN
    good = sum(not record.get("rows_synced") and record.get("sync_finish_time") is not None for record in failed)
    tells = any(record.get("rows_synced") is not None for record in failed)
    zero = sum(record.get("rows_synced") == 0 for record in failed)
    lines = (*_fields(failed), share("rows_synced is 0", zero, len(failed)))
    return Finding(judge(good, len(failed)), lines, {"failed_tells": tells})


def _fields(records: Sequence[Record]) -> tuple[Line, ...]:
    return tuple(Line("{}: {}", (name, tally(_kinds(records, name)))) for name in _RUN_FIELDS)


def _kinds(records: Iterable[Record], name: str) -> Counter[str]:
    return Counter(kind_of(record, name) for record in records)


def start_visible(evidence: Evidence) -> Finding:
    """A start becomes visible within a minute."""
    late = 0
    for first, later in evidence.repeated():
        latest = max(first.starts, default=first.at)
        late += sum(latest < start < first.at - _VISIBLE for start in later.starts)
    if late:
        return Finding(Verdict.REFUTED, (Line("starts that a page did not show a minute later: {}", (late,)),))
    ages = [page.at - max(page.starts) for page in evidence.status_pages if page.page == 0 and page.starts]
    if not ages:
        return NOT_SEEN
    youngest = min(ages)
    verdict = Verdict.CONFIRMED if youngest <= _VISIBLE else Verdict.NOT_SEEN
    return Finding(verdict, (Line("age of the latest start seen: {}", (youngest,)),))


def next_run_null(evidence: Evidence) -> Finding:
    """`next_scheduled_run` is null for integrations that do not run: paused ones and drafts."""
    others = [record for record in evidence.listed if not _never_runs(record)]
    idle, awake, of_files = (
        _kinds(records, "next_scheduled_run")
        for records in (filter(_never_runs, evidence.listed), others, filter(has_files, others))
    )
    lines = (
        Line("paused, disabled or draft: {}", (tally(idle),)),
        Line("all others: {}", (tally(awake),)),
        Line("of these, type s3: {}", (tally(of_files),)),
    )
    return Finding(judge(idle["null"] + idle["missing"], idle.total()), lines)


def _never_runs(record: Record) -> bool:
    word = str(record.get("integration_status"))
    return is_paused_status(word) or "draft" in word.lower()


def has_files(record: Record) -> bool:
    """Whether a listed integration reads files in S3, as far as its types tell."""
    return any("s3" in str(record.get(name)).lower() for name in ("integration_type", "warehouse_type"))


def next_run_rolls(evidence: Evidence) -> Finding:
    """`next_scheduled_run` is rolled forward when a run is missed."""
    stays = rolled = 0
    for pair in evidence.pairs():
        announced, started = (time_in(pair.listed, name) for name in ("next_scheduled_run", "last_job_start_time"))
        if announced is not None and pair.listed_at - announced > _MISSED:
            stays += started is None or started < announced
    for before, later, at in evidence.relisted():
        one, other = time_in(before, "next_scheduled_run"), time_in(later, "next_scheduled_run")
        if one is not None and other is not None and one + SAME_MOMENT < other and at > one:
            rolled += before.get("last_job_start_time") == later.get("last_job_start_time")
    lines = (Line("moved on without a start: {}; stayed in the past: {}", (rolled, stays)),)
    verdict = judge(rolled, rolled + stays)
    style = {} if verdict is Verdict.NOT_SEEN else {"announcement_rolls": verdict is Verdict.CONFIRMED}
    return Finding(verdict, lines, style)


def list_watermark(evidence: Evidence) -> Finding:
    """`last_updated_at` equals the watermark of the latest sync."""
    both = [(time_in(pair.listed, "last_updated_at"), _watermark_of_listed(pair)) for pair in evidence.pairs()]
    known = [(listed, watermark) for listed, watermark in both if listed and watermark]
    equal = sum(_equal(listed, watermark) for listed, watermark in known)
    return Finding(judge(equal, len(known)), (Line("equal: {}; different: {}", (equal, len(known) - equal)),))


def _watermark_of_listed(pair: Pair) -> datetime | None:
    """Return the watermark of the very sync that the list shows as the latest, if it has finished."""
    start = time_in(pair.listed, "last_job_start_time")
    if status_in(pair.listed, "last_job_status") is _RUNNING:
        return None
    for record in pair.page.records:
        if _equal(start, time_in(record, "sync_start_time")) and status_in(record) is not _RUNNING:
            return time_in(record, "last_timestamp_synced")
    return None


def _equal(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and abs(one - other) < SAME_MOMENT


def _falls(starts: Sequence[datetime]) -> bool:
    return all(one >= other for one, other in pairwise(starts))
