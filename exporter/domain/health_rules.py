"""
The rules by which each kind of problem is found: contract 7, read from what is known of an integration.

A rule takes a case and returns the problem, or None. It says nothing of other kinds: which of them follow from this one
is in the table of `health.py`. `turning_points` says when time alone may change what they return.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from exporter.domain.integration_state import Since
from exporter.domain.limits import Source
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.problem import Case, Problem, Severity
from exporter.domain.wording import clip, word_count, word_moment, word_share, word_span

FUTURE_TOLERANCE = timedelta(minutes=5)
"""Clocks differ: a watermark this little ahead is not called "in the future"."""
STUCK_FACTOR = 3
BEHIND_FACTOR = 3
ROWS_FAILED_FACTOR = 10
ROWS_FAILED_SHARE = 0.2
"""From this share on, and from ten times the limit, failed rows are critical."""
LOUD_FOR = timedelta(days=3)
"""This long a change in Braze is a warning; after it somebody knows, and it is information."""
WATCHED_FOR = timedelta(days=1)
"""After this long without any sync an integration counts as never synced."""
_END = datetime.max.replace(tzinfo=UTC)
_LONGEST_NAME = 120
_LONGEST_MESSAGE = 250
"""A text stays below 400 characters with what is around them."""


def turning_points(case: Case) -> Iterator[datetime]:
    """Yield when time alone makes a rule find more, or less; some are past."""
    yield case.state.first_seen_at + WATCHED_FOR
    if case.start_deadline is not None:
        yield case.start_deadline
    if (running := case.running) is not None and (limit := case.limits.sync_duration.value) is not None:
        yield from (_later(running.sync_start_time, limit * factor) for factor in (1, STUCK_FACTOR))
    if (watermark := case.state.summary.last_timestamp_synced) is not None and watermark > case.at:
        yield watermark - FUTURE_TOLERANCE
    if (good := _good_until(case)) is not None:
        yield good[1]


def _later(at: datetime, seconds: float) -> datetime:
    """Return a moment so much later; the end of the calendar where Braze dates it near that."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return _END


def _fact(kind: str, since: Since, at: datetime, text: str) -> Problem:
    loud = not since.at_first_sight and at - since.at < LOUD_FOR
    return Problem(kind, Severity.WARNING if loud else Severity.INFO, text, None if since.at_first_sight else since.at)


def paused(case: Case) -> Problem | None:
    since = case.state.paused
    if since is None or not case.state.is_paused:
        return None
    return _fact("paused", since, case.at, "Paused in Braze: nothing will sync until it is resumed")


def gone(case: Case) -> Problem | None:
    since, name = case.state.gone, case.state.renamed_to
    if since is None:
        return None
    text = "Braze no longer knows this integration: it was deleted, or is no longer visible to the key"
    if heir := case.state.session.replaced_by:
        text += f". Another of this name has the id {clip(heir, _LONGEST_NAME)}: put that into the configuration"
    if name:
        text = f'Renamed in Braze to "{clip(name, _LONGEST_NAME)}", which the discovery filters exclude'
    return _fact("gone", since, case.at, text)


def unscheduled(case: Case) -> Problem | None:
    since = case.state.unscheduled
    if since is None or case.expected_interval_seconds is not None:
        return None
    return _fact("unscheduled", since, case.at, "Braze no longer announces a next run: its schedule was removed")


def config_error(case: Case) -> Problem | None:
    latest = case.state.summary.latest_finished
    if latest is None or latest.job_status is not SyncStatus.CONFIG_ERROR:
        return None
    text = "The latest sync ended with config_error: Braze cannot run the integration as it is configured"
    since = case.since(lambda sync: sync.job_status is SyncStatus.CONFIG_ERROR)
    return Problem("config_error", Severity.CRITICAL, text, since)


def failing(case: Case) -> Problem | None:
    latest, streak = case.state.summary.latest_finished, case.state.summary.consecutive_failed_syncs or 0
    limit = case.limits.failed_syncs.value
    if latest is None or limit is None or streak <= limit:
        return None
    text = f"{word_count(streak, 'failed sync')} in a row, the latest with {latest.job_status}; limit {limit:,.0f}"
    return Problem("failing", Severity.CRITICAL, text, case.failing_since, streak, limit)


def failed(case: Case) -> Problem | None:
    latest, streak = case.state.summary.latest_finished, case.state.summary.consecutive_failed_syncs
    limit = case.limits.failed_syncs.value
    if latest is None or not streak or (limit is not None and streak > limit):
        return None
    fine = "" if limit is None else f"; limit {limit:,.0f}"
    healed = case.learned.normal.healed_failures
    usual = f"; up to {healed:,} in a row healed before" if streak <= healed else ""
    text = f"The latest sync failed with {latest.job_status}, {streak:,} in a row{fine}{usual}"
    severity = Severity.INFO if usual else Severity.WARNING
    return Problem("failed", severity, text, case.failing_since, streak, limit)


def overdue(case: Case) -> Problem | None:
    expected, deadline, latest = case.state.expected, case.start_deadline, case.state.summary.latest
    if deadline is None or case.running is not None or case.at <= deadline:
        return None
    if expected is None:
        if latest is None:
            return None
        since = max(latest.sync_start_time, case.state.resumed_at or latest.sync_start_time)
        waited, limit = (case.at - since).total_seconds(), (deadline - since).total_seconds()
        usual = word_span(case.learned.normal.rhythm.gap_seconds or 0.0)
        text = (
            f"No sync has started for {word_span(waited)}, since {word_moment(since)}; usually one starts"
            f" every {usual}; limit {word_span(limit)}"
        )
        return Problem("overdue", Severity.CRITICAL, text, deadline, waited, limit)
    late, limit = (case.at - expected.at).total_seconds(), (deadline - expected.at).total_seconds()
    text = (
        f"The sync expected at {word_moment(expected.at)} has not started, {word_span(late)} late; "
        f"limit {word_span(limit)}"
    )
    return Problem("overdue", Severity.CRITICAL, text, deadline, late, limit)


def never_synced(case: Case) -> Problem | None:
    state, listed = case.state, case.state.listed
    if state.ledger is None or state.summary.latest is not None:
        return None
    if listed is not None and listed.last_job_start_time is not None:
        return None  # the list has seen one
    deadline = state.first_seen_at + WATCHED_FOR
    if case.start_deadline is not None:
        deadline = min(deadline, max(state.first_seen_at, case.start_deadline))
    if case.at <= deadline:
        return None
    watched, limit = (case.at - state.first_seen_at).total_seconds(), (deadline - state.first_seen_at).total_seconds()
    text = f"No sync has been seen in the {word_span(watched)} it has been watched; limit {word_span(limit)}"
    return Problem("never_synced", Severity.WARNING, text, deadline, watched, limit)


def stuck(case: Case) -> Problem | None:
    return _running_for(case, "stuck", Severity.CRITICAL, STUCK_FACTOR)


def running_long(case: Case) -> Problem | None:
    return _running_for(case, "running_long", Severity.WARNING, 1)


def _running_for(case: Case, kind: str, severity: Severity, factor: int) -> Problem | None:
    running, limit = case.running, case.limits.sync_duration.value
    if running is None or limit is None:
        return None
    seconds = (case.at - running.sync_start_time).total_seconds()
    if seconds <= limit * factor:
        return None
    text = f"The latest sync has been running for {word_span(seconds)}; limit {word_span(limit)}"
    since = running.sync_start_time + timedelta(seconds=limit)
    return Problem(kind, severity, text, since, seconds, limit)


def rows_failed(case: Case) -> Problem | None:
    sync, limit = case.state.summary.latest_finished, case.limits.failed_rows.value
    if sync is None or limit is None or not _lost_too_many(sync, limit):
        return None
    since = case.since(lambda one: _lost_too_many(one, limit))
    failed, share = sync.rows_failed_with_errors, sync.failed_rows_ratio
    if failed is None or share is None:
        text = f"In the latest sync some rows failed, but Braze does not say how many; limit {word_share(limit)}"
        return Problem("rows_failed", Severity.WARNING, text, since, None, limit)
    severe = share >= ROWS_FAILED_FACTOR * limit and share >= ROWS_FAILED_SHARE
    text = (
        f"In the latest sync {word_count(failed, 'row')} failed, {word_share(share)} of all; limit {word_share(limit)}"
    )
    return Problem("rows_failed", Severity.CRITICAL if severe else Severity.WARNING, text, since, share, limit)


def _lost_too_many(sync: Sync, limit: float) -> bool:
    share = sync.failed_rows_ratio
    return share > limit if share is not None else sync.job_status is SyncStatus.PARTIAL


def behind(case: Case) -> Problem | None:
    sync, limit = case.state.summary.latest_finished, case.limits.lag.value
    lag = sync.lag_seconds if sync is not None else None
    if limit is None or lag is None or lag <= limit:
        return None
    text = f"When the latest sync finished, its data was {word_span(lag)} old; limit {word_span(limit)}"
    since = case.since(lambda one: one.lag_seconds is not None and one.lag_seconds > limit)
    severity = Severity.CRITICAL if lag >= BEHIND_FACTOR * limit else Severity.WARNING
    return Problem("behind", severity, text, since, lag, limit)


def future_watermark(case: Case) -> Problem | None:
    watermark, judged_at = case.state.summary.last_timestamp_synced, case.state.judged_at
    if watermark is None or judged_at is None or watermark - judged_at <= FUTURE_TOLERANCE:
        return None
    ahead, limit = (watermark - judged_at).total_seconds(), FUTURE_TOLERANCE.total_seconds()
    text = (
        f"The watermark is {word_span(ahead)} in the future; limit {word_span(limit)}: "
        "Braze skips every row dated before it"
    )
    since = case.since(lambda one: one.last_timestamp_synced == watermark)
    return Problem("future_watermark", Severity.CRITICAL, text, since, ahead, limit)


def success_too_old(case: Case) -> Problem | None:
    limit, found = case.limits.success_age.value, _good_until(case)
    if limit is None or found is None or case.at <= found[1]:
        return None
    good, until = found
    age = (case.at - good.finished_at).total_seconds()
    text = f"The last good sync finished {word_span(age)} ago; limit {word_span(limit)}"
    return Problem("success_too_old", Severity.CRITICAL, text, until, age, limit)


def _good_until(case: Case) -> tuple[Sync, datetime] | None:
    """Return the last good sync, and until when it is not too old; None where there is none, or another kind tells."""
    limit, summary = case.limits.success_age.value, case.state.summary
    if limit is None:
        return None
    good = next((sync for sync in case.recent if _is_good(case, sync)), summary.last_success)
    if good is None:
        return None
    begun_at = good.finished_at
    if case.limits.success_age.source is Source.LEARNED:
        # That no sync starts, or that it takes long, is reported by its own kind, in its own time.
        if case.running is not None or (case.start_deadline is not None and good is summary.latest_finished):
            return None
        begun_at = max(begun_at, case.state.resumed_at or begun_at)
    return good, _later(begun_at, limit)


def _is_good(case: Case, sync: Sync) -> bool:
    """Whether a sync did what it should: a success, or partial with no more failed rows than is fine."""
    limit = case.limits.failed_rows.value
    fine = limit is None or not _lost_too_many(sync, limit)
    return sync.job_status is SyncStatus.SUCCESS or (sync.job_status is SyncStatus.PARTIAL and fine)


def unknown_status(case: Case) -> Problem | None:
    sync = case.state.summary.latest_finished
    if sync is None or sync.job_status is not SyncStatus.UNKNOWN:
        return None
    word = f" {clip(sync.unknown_word, _LONGEST_NAME)!r}" if sync.unknown_word else ""
    text = f"The latest sync has a status{word} that Braze does not document"
    since = case.since(lambda one: one.job_status is SyncStatus.UNKNOWN)
    return Problem("unknown_status", Severity.WARNING, text, since)


def poll_failing(case: Case) -> Problem | None:
    failing = _word_failure(case)
    return Problem("poll_failing", Severity.WARNING, failing, case.state.polls.failing_since) if failing else None


def stale(case: Case) -> Problem:
    judged_at, failing = case.state.judged_at, _word_failure(case)
    since = f"since {word_moment(judged_at)}" if judged_at is not None else "so far"
    limit = (case.stale_at - case.at).total_seconds()
    text = f"No poll has succeeded {since}; limit {word_span(limit)}. {failing or 'What is shown may be out of date'}"
    return Problem("stale", Severity.CRITICAL, text, case.stale_at, None, limit)


def _word_failure(case: Case) -> str:
    failure = case.state.polls.failure
    return f"Polling fails with {failure.reason}: {clip(failure.message, _LONGEST_MESSAGE)}" if failure else ""
