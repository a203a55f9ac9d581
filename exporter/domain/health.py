"""
The one judge: what is wrong with an integration, from what is known of it and the limits in effect.

`PROBLEMS` is the closed list of contract 7, one entry a kind: the rule that finds it, and which kinds follow from it
and are hidden, because one incident is one problem. Status page, JSON, `braze_cdi_problem`, the shipped rules and
`replay` show its result; nothing else decides what is wrong.

Ages stand still at the latest good poll: what was wrong then stays wrong until a good poll says otherwise, so that a
blind exporter resolves no alert. Pure: the only thing that comes with time alone is that a state is stale.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.domain.integration_state import Since
from exporter.domain.limits import Alerts
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.problem import Case, Problem, Severity
from exporter.domain.wording import word_count, word_share, word_span

FUTURE_TOLERANCE = timedelta(minutes=5)
"""Clocks differ: a watermark this little ahead is not called "in the future"."""
EVERYTHING = "*"
STUCK_FACTOR = 3
BEHIND_FACTOR = 3
ROWS_FAILED_FACTOR = 10
ROWS_FAILED_SHARE = 0.2
"""From this share on, and from ten times the limit, failed rows are critical."""
LOUD_FOR = timedelta(days=3)
"""This long a change in Braze is a warning; after it somebody knows, and it is information."""
WATCHED_FOR = timedelta(days=1)
"""After this long without any sync an integration counts as never synced."""


def assess(case: Case) -> tuple[Problem, ...]:
    """
    Return what is wrong, worst first; a kind that follows from a more telling one is left out.

    Args:
        case: What is known, what is still fine, and whether no poll has succeeded for `stale_after`.

    """
    if case.state.is_draft:
        return ()
    found = {kind.name: problem for kind in PROBLEMS if (problem := kind.rule(case)) is not None}
    hidden: set[str] = set()
    for kind in PROBLEMS:
        if kind.name in found:
            if EVERYTHING in kind.hides:
                return (_muted(found[kind.name], case.alerts),)
            hidden |= kind.hides
    problems = [_muted(problem, case.alerts) for name, problem in found.items() if name not in hidden]
    return tuple(sorted(problems, key=lambda problem: -problem.severity))


def last_good_sync(case: Case) -> Sync | None:
    """Return the last success, or partial sync whose failed rows are within their limit."""
    limit, success = case.limits.failed_rows.value, case.state.summary.last_success
    for sync in case.finished:
        if sync is success:
            break
        share = sync.failed_rows_ratio
        if sync.job_status is SyncStatus.PARTIAL and limit is not None and share is not None and share <= limit:
            return sync
    return success


def _muted(problem: Problem, alerts: Alerts) -> Problem:
    if alerts is Alerts.OFF:
        return replace(problem, severity=Severity.INFO)
    if alerts is Alerts.NO_PAGE and problem.severity is Severity.CRITICAL:
        return replace(problem, severity=Severity.WARNING)
    return problem


def _fact(kind: str, since: Since | None, at: datetime, text: str) -> Problem | None:
    if since is None:
        return None
    loud = not since.at_first_sight and at - since.at < LOUD_FOR
    return Problem(kind, Severity.WARNING if loud else Severity.INFO, text, None if since.at_first_sight else since.at)


def _paused(case: Case) -> Problem | None:
    if not case.state.is_paused:
        return None
    return _fact("paused", case.state.paused, case.at, "Paused in Braze: nothing will sync until it is resumed")


def _gone(case: Case) -> Problem | None:
    text = "Braze no longer knows this integration: it was deleted, or is no longer visible to the key"
    if case.state.renamed_to:
        text = f"Renamed in Braze to {case.state.renamed_to!r}, which the filters of discovery do not let through"
    return _fact("gone", case.state.gone, case.at, text)


def _unscheduled(case: Case) -> Problem | None:
    text = "Braze no longer announces a next run: its schedule was removed"
    return _fact("unscheduled", case.state.unscheduled, case.at, text)


def _config_error(case: Case) -> Problem | None:
    latest = case.state.summary.latest_finished
    if latest is None or latest.job_status is not SyncStatus.CONFIG_ERROR:
        return None
    since = case.since(lambda sync: sync.job_status is SyncStatus.CONFIG_ERROR)
    text = "The latest sync ended with config_error: Braze cannot run the integration as it is configured"
    return Problem("config_error", Severity.CRITICAL, text, since, *_streak(case))


def _failing(case: Case) -> Problem | None:
    streak, limit = _streak(case)
    latest = case.state.summary.latest_finished
    if streak is None or limit is None or streak <= limit or latest is None:
        return None
    text = f"{word_count(streak, 'failed sync')} in a row, the latest with {latest.job_status}; limit {limit:g}"
    return Problem("failing", Severity.CRITICAL, text, case.since(lambda sync: sync.failed), streak, limit)


def _failed(case: Case) -> Problem | None:
    latest = case.state.summary.latest_finished
    streak, limit = _streak(case)
    if latest is None or not latest.failed or _failing(case) is not None:
        return None
    text = f"The latest sync failed with {latest.job_status}"
    return Problem("failed", Severity.WARNING, text, case.since(lambda sync: sync.failed), streak, limit)


def _streak(case: Case) -> tuple[float | None, float | None]:
    return case.state.summary.consecutive_failed_syncs, case.limits.failed_syncs.value


def _overdue(case: Case) -> Problem | None:
    expected, deadline = case.state.expected, case.start_deadline
    if expected is None or deadline is None or case.running is not None or case.at <= deadline:
        return None
    late, limit = (case.at - expected.at).total_seconds(), case.limits.start_delay.value
    text = (
        f"The sync expected at {expected.at:%Y-%m-%d %H:%M} UTC has not started; {word_span(limit or 0)} late is fine"
    )
    return Problem("overdue", Severity.CRITICAL, text, deadline, late, limit)


def _never_synced(case: Case) -> Problem | None:
    state = case.state
    if state.ledger is None or state.judged_at is None or state.summary.latest is not None:
        return None
    deadlines = [state.first_seen_at + WATCHED_FOR]
    if case.start_deadline is not None:
        deadlines.append(case.start_deadline)
    if case.at <= min(deadlines):
        return None
    watched = (case.at - state.first_seen_at).total_seconds()
    text = f"No sync has ever been seen; watched for {word_span(watched)}"
    return Problem("never_synced", Severity.WARNING, text, min(deadlines), watched)


def _running_for(case: Case, kind: str, severity: Severity, factor: int) -> Problem | None:
    running, limit = case.running, case.limits.sync_duration.value
    if running is None or limit is None or case.state.judged_at is None:
        return None
    seconds = (case.at - running.sync_start_time).total_seconds()
    if seconds <= limit * factor:
        return None
    text = f"The latest sync has been running for {word_span(seconds)}; limit {word_span(limit)}"
    since = running.sync_start_time + timedelta(seconds=limit)
    return Problem(kind, severity, text, since, seconds, limit)


def _stuck(case: Case) -> Problem | None:
    return _running_for(case, "stuck", Severity.CRITICAL, STUCK_FACTOR)


def _running_long(case: Case) -> Problem | None:
    return None if _stuck(case) is not None else _running_for(case, "running_long", Severity.WARNING, 1)


def _rows_failed(case: Case) -> Problem | None:
    sync, limit = case.state.summary.latest_finished, case.limits.failed_rows.value
    if sync is None or limit is None or sync.failed:
        return None
    share = sync.failed_rows_ratio

    def too_many(one: Sync) -> bool:
        ratio = one.failed_rows_ratio
        return ratio > limit if ratio is not None else one.job_status is SyncStatus.PARTIAL

    if not too_many(sync):
        return None
    if share is None:
        text = "In the latest sync some rows failed; Braze does not say how many"
        return Problem("rows_failed", Severity.WARNING, text, case.since(too_many), None, limit)
    severe = share >= ROWS_FAILED_FACTOR * limit and share >= ROWS_FAILED_SHARE
    rows = word_count(sync.rows_failed_with_errors or 0, "row")
    text = f"In the latest sync {rows} failed, {word_share(share)} of all; limit {word_share(limit)}"
    severity = Severity.CRITICAL if severe else Severity.WARNING
    return Problem("rows_failed", severity, text, case.since(too_many), share, limit)


def _behind(case: Case) -> Problem | None:
    sync, limit = case.state.summary.latest_finished, case.limits.lag.value
    lag = sync.lag_seconds if sync is not None else None
    if limit is None or lag is None or lag <= limit:
        return None
    text = f"At the latest finish the data was {word_span(lag)} behind; limit {word_span(limit)}"
    since = case.since(lambda one: one.lag_seconds is not None and one.lag_seconds > limit)
    severity = Severity.CRITICAL if lag > BEHIND_FACTOR * limit else Severity.WARNING
    return Problem("behind", severity, text, since, lag, limit)


def _future_watermark(case: Case) -> Problem | None:
    watermark = case.state.summary.last_timestamp_synced
    if watermark is None or case.state.judged_at is None or watermark <= case.at + FUTURE_TOLERANCE:
        return None
    ahead = (watermark - case.at).total_seconds()
    text = f"last_timestamp_synced lies {word_span(ahead)} in the future: Braze skips every row dated before it"
    first = case.since(lambda one: one.last_timestamp_synced == watermark)
    return Problem("future_watermark", Severity.CRITICAL, text, first, ahead, FUTURE_TOLERANCE.total_seconds())


def _success_too_old(case: Case) -> Problem | None:
    good, limit = last_good_sync(case), case.limits.success_age.value
    if good is None or limit is None or case.state.judged_at is None:
        return None
    age = (case.at - good.finished_at).total_seconds()
    if age <= limit:
        return None
    text = f"The last good sync finished {word_span(age)} ago; limit {word_span(limit)}"
    since = good.finished_at + timedelta(seconds=limit)
    return Problem("success_too_old", Severity.CRITICAL, text, since, age, limit)


def _unknown_status(case: Case) -> Problem | None:
    sync = case.state.summary.latest_finished
    if sync is None or sync.job_status is not SyncStatus.UNKNOWN:
        return None
    text = "The latest sync has a status that Braze does not document"
    since = case.since(lambda one: one.job_status is SyncStatus.UNKNOWN)
    return Problem("unknown_status", Severity.WARNING, text, since)


def _poll_failing(case: Case) -> Problem | None:
    polls = case.state.polls
    if polls.failure is None:
        return None
    text = f"Polling fails with {polls.failure.reason}: {polls.failure.message}"
    return Problem("poll_failing", Severity.WARNING, text, polls.failing_since)


def _stale(case: Case) -> Problem | None:
    if not case.stale:
        return None
    judged_at = case.state.judged_at
    since = f"since {judged_at:%Y-%m-%d %H:%M} UTC" if judged_at is not None else "so far"
    text = f"No good poll {since}: what is shown may be out of date"
    return Problem("stale", Severity.CRITICAL, text, case.stale_at)


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the closed list."""

    name: str
    rule: Callable[[Case], Problem | None]
    hides: frozenset[str] = frozenset()
    """The kinds that follow from it."""


_ROWS = ("rows_failed", "rows_low", "rows_high")
_OF_FAILURE = (*_ROWS, "behind", "success_too_old")


def _kind(name: str, rule: Callable[[Case], Problem | None], *hides: str) -> Kind:
    return Kind(name, rule, frozenset(hides))


# `success_too_old` stands for what nothing else explains: every kind above it hides it.
PROBLEMS = (
    _kind("config_error", _config_error, "failing", "failed", "overdue", *_OF_FAILURE),
    _kind("failing", _failing, "overdue", *_OF_FAILURE),
    _kind("failed", _failed, *_OF_FAILURE),
    _kind("overdue", _overdue, "behind", "success_too_old"),
    _kind("never_synced", _never_synced, "overdue", "success_too_old"),
    _kind("unscheduled", _unscheduled, "overdue", "success_too_old"),
    _kind("paused", _paused, EVERYTHING),
    _kind("gone", _gone, EVERYTHING),
    _kind("stuck", _stuck, "overdue", "success_too_old"),
    _kind("running_long", _running_long, "overdue", "success_too_old"),
    _kind("rows_failed", _rows_failed, "success_too_old"),
    _kind("behind", _behind, "success_too_old"),
    _kind("future_watermark", _future_watermark, "behind", "resynced", "rows_low", "success_too_old"),
    _kind("success_too_old", _success_too_old),
    _kind("unknown_status", _unknown_status),
    _kind("poll_failing", _poll_failing),
    _kind("stale", _stale, "poll_failing"),
)
"""Every problem there is."""
KINDS = tuple(kind.name for kind in PROBLEMS)
"""Every value of the label `problem`."""
