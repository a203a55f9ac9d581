"""
What an operator should look at, judged from one snapshot and the time: the rules behind "needs attention".

A problem has a kind of a closed set, a severity and a sentence. The order of the rules is the order on the page. The
thresholds are those of a page for people; alert rules have their own. Not judged: a watermark that falls behind,
because how far behind is too far differs from integration to integration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from exporter.domain.model import Snapshot, SyncStatus
from exporter.web.words import word_span

_CLOCK_TOLERANCE_SECONDS = 60.0
"""Clocks differ: a watermark this little ahead of us is not called "in the future"."""

_LATE_SECONDS = 600.0
"""An expected run may be met and noticed this much later before it is called missing."""

_LONG_RUN_FACTOR = 3.0
_LONG_RUN_SLACK_SECONDS = 60.0
_LONG_RUN_SAMPLES = 3
"""A run is long when it exceeds the longest of at least so many finished ones by factor and slack."""


class Severity(IntEnum):
    """How bad it is; the greater, the further up the page."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    severity: Severity
    text: str


def find_problems(snapshot: Snapshot, now: datetime) -> tuple[Problem, ...]:
    """All problems of one integration, the worst first; empty when there is none, or nothing known yet."""
    found = (
        Problem(kind, severity, text) for kind, severity, rule in _RULES if (text := rule(snapshot, now)) is not None
    )
    return tuple(sorted(found, key=lambda problem: -problem.severity))


def is_stale(snapshot: Snapshot, now: datetime) -> bool:
    """Whether the gauges about syncs have left the metrics page for want of a good poll."""
    return snapshot.stale_at is not None and now >= snapshot.stale_at


def worst(problems: tuple[Problem, ...]) -> Severity:
    return max((problem.severity for problem in problems), default=Severity.OK)


def _stale(snapshot: Snapshot, now: datetime) -> str | None:
    if not is_stale(snapshot, now) or snapshot.last_poll_success_at is None:
        return None
    span = word_span((now - snapshot.last_poll_success_at).total_seconds())
    return f"No good poll for {span}: what is shown is old, and its gauges have left the metrics page"


def _sync_failed(snapshot: Snapshot, _now: datetime) -> str | None:
    if snapshot.newest_finished is None or not snapshot.newest_finished.failed:
        return None
    streak = snapshot.consecutive_failed_syncs
    status = snapshot.newest_finished.job_status
    if streak is not None and streak > 1:
        return f"{streak} failed syncs in a row, the newest with {status}"
    return f"The newest finished sync failed with {status}"


def _future_watermark(snapshot: Snapshot, now: datetime) -> str | None:
    if snapshot.last_timestamp_synced is None:
        return None
    ahead = (snapshot.last_timestamp_synced - now).total_seconds()
    if ahead <= _CLOCK_TOLERANCE_SECONDS:
        return None
    return f"last_timestamp_synced lies {word_span(ahead)} in the future: Braze skips every row dated before it"


def _overdue(snapshot: Snapshot, now: datetime) -> str | None:
    """Whether an expected run is missing, as far as the last good poll tells: what has started since is not known."""
    if snapshot.expected_run_at is None or snapshot.last_poll_success_at is None or _running(snapshot):
        return None
    seen_late = (snapshot.last_poll_success_at - snapshot.expected_run_at).total_seconds()
    if seen_late <= _LATE_SECONDS:
        return None
    return f"A sync expected {word_span((now - snapshot.expected_run_at).total_seconds())} ago has not started"


def _poll_failing(snapshot: Snapshot, now: datetime) -> str | None:
    if snapshot.failure is None:
        return None
    since = "never succeeded so far"
    if snapshot.last_poll_success_at is not None:
        since = f"last succeeded {word_span((now - snapshot.last_poll_success_at).total_seconds())} ago"
    return f"Polling fails with {snapshot.failure.reason}, {since}"


def _rows_failed(snapshot: Snapshot, _now: datetime) -> str | None:
    sync = snapshot.newest_finished
    if sync is None or sync.failed or not (sync.job_status is SyncStatus.PARTIAL or sync.rows_failed_with_errors):
        return None
    if sync.rows_failed_with_errors is None:
        return "In the newest finished sync some rows failed"
    return f"In the newest finished sync {sync.rows_failed_with_errors:,} rows failed"


def _unknown_status(snapshot: Snapshot, _now: datetime) -> str | None:
    sync = snapshot.newest_finished
    if sync is None or sync.job_status is not SyncStatus.UNKNOWN:
        return None
    return "The newest finished sync has a status this exporter does not know"


def _running_long(snapshot: Snapshot, now: datetime) -> str | None:
    if snapshot.newest is None or not _running(snapshot):
        return None
    usual = [sync.duration_seconds for sync in snapshot.history if sync.finished and sync.duration_seconds is not None]
    if len(usual) < _LONG_RUN_SAMPLES:
        return None
    running = (now - snapshot.newest.sync_start_time).total_seconds()
    if running <= _LONG_RUN_FACTOR * max(usual) + _LONG_RUN_SLACK_SECONDS:
        return None
    return f"Running for {word_span(running)}; the longest known sync took {word_span(max(usual))}"


def _running(snapshot: Snapshot) -> bool:
    """Whether a sync runs. While one does, the next cannot start."""
    return snapshot.newest is not None and snapshot.newest.job_status is SyncStatus.RUNNING


_RULES: tuple[tuple[str, Severity, Callable[[Snapshot, datetime], str | None]], ...] = (
    ("stale", Severity.CRITICAL, _stale),
    ("sync_failed", Severity.CRITICAL, _sync_failed),
    ("future_watermark", Severity.CRITICAL, _future_watermark),
    ("overdue", Severity.CRITICAL, _overdue),
    ("poll_failing", Severity.WARNING, _poll_failing),
    ("running_long", Severity.WARNING, _running_long),
    ("rows_failed", Severity.WARNING, _rows_failed),
    ("unknown_status", Severity.WARNING, _unknown_status),
)

KINDS = tuple(kind for kind, _, _ in _RULES)
"""Every value that a problem's kind can have."""
