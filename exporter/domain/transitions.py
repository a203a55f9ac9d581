"""
The only ways in which what is known of an integration changes: one pure function for each event.

Decides what a record of the list means, when an integration's own endpoint is asked next, and what must be committed.
Knows nothing of requests, queues or stores: times come in as a `Moment`, and what must be done goes out as a `Change`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from exporter.domain.errors import NotFoundError, PollError
from exporter.domain.expected_run import Schedule, expect
from exporter.domain.integration_state import (
    NEVER,
    Ask,
    Change,
    IntegrationState,
    Moment,
    PollResult,
    Session,
    Since,
    Watch,
)
from exporter.domain.listing import ListedIntegration, is_paused_status
from exporter.domain.model import Failure, Polls, Sync, SyncStatus
from exporter.domain.poll_queue import phase
from exporter.domain.summary import summarize

RUNNING_INTERVALS = 10
"""A sync that the list shows running is looked up itself after this number of intervals, since another may have
finished before it began; and again each time it has been running for twice as long."""
VERIFY_SPREAD = 0.25
"""Verifications are put off by up to this part of `verify_after`: not all at once, nor just before a regular sync."""
GONE_SECONDS = 3600.0
"""A configured integration that Braze no longer knows is asked this seldom."""
COMMIT_SHARE = 4
"""A state that does not change is committed again after this part of `stale_after`."""

_ENOUGH_SYNCS = 4
"""The latest ones, to tell whether a run was met."""


def on_start(state: IntegrationState, moment: Moment) -> IntegrationState:
    """Return a state that was kept, as a process that has just begun takes it up."""
    # What is known from before a restart is verified in its time; the list shows sooner whether it has changed.
    asked_at = moment.monotonic if state.ledger is not None else NEVER
    session = Session(asked_at=asked_at, begun_at=moment.monotonic, committed_at=state.judged_at)
    return replace(state, session=session, summary=summarize(state.ledger, state.listed))


def on_listing(
    state: IntegrationState, watch: Watch, listed: ListedIntegration, moment: Moment, *, list_is_short: bool
) -> Change:
    """
    Take in the record that a page of the list has of the integration.

    It stands for a poll where it tells that nothing has finished since; else its own endpoint is asked. After a failed
    poll only its own endpoint can tell that all is well again.

    Args:
        state: As it was.
        watch: Its configuration.
        listed: The record.
        moment: When the page came.
        list_is_short: Whether the list is read every interval, so that it may stand for polls.

    """
    ask = _compare(state, listed)
    session = replace(state.session, listed_at=moment.monotonic)
    if listed.newly_running(state.summary.latest) is not None:
        session = replace(session, begun_at=moment.monotonic)
    after = with_expected(_with_facts(state, listed, session, moment.now), watch, moment.now)
    if after.ledger is None or after.polls.failure is not None:
        # One that was gone is asked seldom.
        return _change(state, after, watch, Ask.AS_PLANNED if state.gone is None else Ask.AT_ONCE)
    if ask is Ask.AT_ONCE:
        return _change(state, after, watch, Ask.AT_ONCE)
    if ask is Ask.REGULARLY or not list_is_short:
        return _change(state, after, watch, Ask.REGULARLY)
    after = replace(after, judged_at=moment.now, polls=Polls(moment.now, moment.now))
    return _change(state, after, watch, Ask.AT, rests_until(after, watch), polled=True)


def on_poll_end(
    state: IntegrationState,
    watch: Watch,
    result: PollResult,
    asking: ListedIntegration | None,
    moment: Moment,
    *,
    list_covers: bool,
) -> Change:
    """
    Take in how a poll of the integration's own endpoint has ended.

    Args:
        state: As it is now; only listings can have changed it while the poll was in flight.
        watch: Its configuration.
        result: What was read.
        asking: What the list showed when the poll began.
        moment: The end of the poll.
        list_covers: Whether the list shows the integration often enough to let its own endpoint rest.

    """
    now, error = moment.now, result.error
    after = state
    if result.ledger is not None and result.pages > 0:
        summary = summarize(result.ledger, state.listed if state.is_listed else None)
        after = replace(after, ledger=result.ledger, summary=summary, judged_at=now)
        after = with_expected(after, watch, now)
    if error is None:
        latest = asking.latest if asking else None
        session = replace(after.session, asked_at=moment.monotonic)
        if latest != session.asked_latest:
            session = replace(session, asked_latest=latest, asked_latest_at=moment.monotonic)
        after = replace(after, session=session, polls=Polls(now, now), gone=None, renamed_to="")
        resting = after.is_told_by_list and list_covers
        return _change(state, after, watch, Ask.AT, rests_until(after, watch) if resting else None)
    if error.held_seconds is not None:
        # Nothing was sent, so nobody was polled: the failure shown is the one that Braze gave.
        after = replace(after, polls=_failed(state.polls, error, now, tried=state.polls.last_at))
        return _change(state, after, watch, Ask.AT, moment.monotonic + error.held_seconds)
    after = replace(after, polls=_failed(state.polls, error, now, tried=now))
    before = state.polls.failure
    again = before is not None and before.reason == error.reason  # one 404 may be a proxy's
    if isinstance(error, NotFoundError) and again and result.pages == 0 and not after.is_listed and state.judged_at:
        after = replace(after, gone=state.gone or Since(now), judged_at=now)
        return _change(state, after, watch, Ask.AT, moment.monotonic + GONE_SECONDS)
    return _change(state, after, watch, Ask.AT)


def on_list_lost(state: IntegrationState, watch: Watch, now: datetime) -> Change:
    """Forget what the list announced, as it has not shown the integration for too long."""
    # A running sync that only the list has shown stays known until a poll tells whether it still runs.
    after = replace(state, session=replace(state.session, listed_at=NEVER, awaits_list=False))
    return _change(state, with_expected(after, watch, now), watch, Ask.REGULARLY)


def on_no_list(state: IntegrationState, watch: Watch, now: datetime) -> Change | None:
    """Take in that the list tells nothing of the integration for the time being; None where that is no news."""
    if not state.session.awaits_list or state.is_listed:
        return None
    after = replace(state, session=replace(state.session, awaits_list=False))
    return _change(state, with_expected(after, watch, now), watch)


def on_gone(state: IntegrationState, watch: Watch, now: datetime, *, renamed_to: str = "") -> Change:
    """Take in that complete listings no longer show an integration that was discovered, under a name that is wanted."""
    session = replace(state.session, listed_at=NEVER)
    gone = state.gone or Since(now)
    after = replace(state, session=session, gone=gone, renamed_to=renamed_to, judged_at=now, polls=Polls())
    return _change(state, after, watch)


def on_replaced(state: IntegrationState, watch: Watch, replaced_by: str) -> Change:
    """Take in that the list shows its name under another id, or no longer does (an empty id)."""
    return _change(state, replace(state, session=replace(state.session, replaced_by=replaced_by)), watch)


def rests_until(state: IntegrationState, watch: Watch) -> float:
    """Until when (monotonic seconds) its own endpoint may be left alone while the list shows it."""
    interval, session = watch.poll.interval_seconds, state.session
    spread = 1 + VERIFY_SPREAD * phase(watch.integration.integration_id)
    verify_at = session.asked_at + watch.poll.verify_after_seconds * spread
    latest = state.summary.latest
    if state.listed is not None and state.is_listed and state.listed.is_ahead_of(latest):
        # What its own endpoint has not shown yet it may show soon, or never.
        return min(verify_at, session.asked_at + max(interval, session.asked_at - session.asked_latest_at))
    if latest is None or latest.finished:
        return verify_at
    pause = max(RUNNING_INTERVALS * interval, session.asked_at - session.begun_at)
    return min(verify_at, max(session.asked_at, session.begun_at) + pause)


def _compare(state: IntegrationState, listed: ListedIntegration) -> Ask:
    """Return what a record of the list asks for, compared with what its own endpoint has shown."""
    latest = state.latest_counted
    if listed.tells(latest):
        return Ask.AS_PLANNED
    if listed.latest == state.session.asked_latest:
        return Ask.REGULARLY if listed.leaves_open(latest) else Ask.AS_PLANNED
    shown = state.summary.latest
    ended = shown is not None and not shown.finished and shown.sync_start_time != listed.last_job_start_time
    # A sync that has begun while none was running before: its own endpoint would tell no more.
    return Ask.AS_PLANNED if listed.newly_running(latest) and not ended else Ask.AT_ONCE


def _with_facts(
    state: IntegrationState, listed: ListedIntegration, session: Session, now: datetime
) -> IntegrationState:
    """Note what the list shows: since when it is paused or has no schedule, its latest sync, and that it is there."""
    before = state.listed
    if before is not None and not (listed.integration_name and listed.integration_status):
        listed = replace(
            listed,
            integration_name=listed.integration_name or before.integration_name,
            integration_status=listed.integration_status or before.integration_status,
        )
    paused, resumed_at = None, state.resumed_at
    if is_paused_status(listed.integration_status):
        paused = state.paused or Since(now, at_first_sight=before is None)
    elif state.paused is not None or state.gone is not None:
        resumed_at = now
    unscheduled = state.unscheduled
    if listed.next_scheduled_run is not None:
        unscheduled = None
    elif listed.next_run_told and state.had_schedule and paused is None:
        running = listed.last_job_status is SyncStatus.RUNNING
        unscheduled = unscheduled or (None if running else Since(now))
    return replace(
        state,
        listed=listed,
        expected=state.expected if state.gone is None else None,
        had_schedule=state.had_schedule or listed.next_scheduled_run is not None,
        paused=paused,
        resumed_at=resumed_at,
        unscheduled=unscheduled,
        gone=None,
        renamed_to="",
        summary=summarize(state.ledger, listed),
        session=session,
    )


def with_expected(state: IntegrationState, watch: Watch, now: datetime) -> IntegrationState:
    interval, latest = watch.integration.expected_interval_seconds, state.summary.latest
    schedule, listed = None, state.listed if state.is_listed else None
    if listed is not None or not (interval is None or state.session.awaits_list):
        schedule = Schedule(
            listed.next_scheduled_run if listed else None,
            reported=listed is not None and listed.next_run_told,
            unscheduled_since=state.unscheduled.at if state.unscheduled else None,
            paused=state.is_paused,
            interval=None if interval is None else timedelta(seconds=interval),
            timezone=watch.integration.timezone,
            active_since=state.resumed_at or (state.first_seen_at if latest is None else None),
        )
    known = state.ledger.recent[:_ENOUGH_SYNCS] if state.ledger is not None else ()
    syncs = known if latest is None or latest in known else (latest, *known)
    if listed is not None and listed.last_job_start_time is not None and listed.is_ahead_of(latest):
        # Its own endpoint is behind the list; the run is met all the same.
        syncs = (Sync(listed.last_job_start_time, listed.last_job_status or SyncStatus.UNKNOWN), *syncs)
    return replace(state, expected=expect(state.expected, schedule, syncs, now))


def _failed(polls: Polls, error: PollError, now: datetime, *, tried: datetime | None) -> Polls:
    failure = Failure(error.reason, str(error), now)
    return Polls(tried, polls.succeeded_at, failure, polls.failing_since or now)


def _change(
    before: IntegrationState,
    after: IntegrationState,
    watch: Watch,
    ask: Ask = Ask.AS_PLANNED,
    ask_at: float | None = None,
    *,
    polled: bool = False,
) -> Change:
    """Commit what must outlive the process; the moment of the last good poll alone only now and then."""
    committed_at = before.session.committed_at
    commit = _durable(before) != _durable(after)
    if not commit and after.judged_at is not None:
        pause = timedelta(seconds=watch.poll.stale_after_seconds / COMMIT_SHARE)
        commit = committed_at is None or abs(after.judged_at - committed_at) >= pause
    if commit:
        after = replace(after, session=replace(after.session, committed_at=after.judged_at))
    return Change(after, commit, ask, ask_at, polled)


def _durable(state: IntegrationState) -> tuple[object, ...]:
    """What a restart must find as it was shown; the rest of a state follows from it or from the clock."""
    failing = state.polls.failure and state.polls.failure.reason
    return (
        state.ledger,
        state.listed,
        state.expected,
        state.paused,
        state.unscheduled,
        state.gone,
        state.renamed_to,
        state.resumed_at,
        state.polls.failing_since,
        failing,
    )
