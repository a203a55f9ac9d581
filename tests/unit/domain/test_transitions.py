"""How each event changes what is known of an integration, what must be committed, and when its endpoint is asked."""

from dataclasses import replace

import pytest

from exporter.domain.errors import AuthError, NotFoundError, PollError, ServerError
from exporter.domain.expected_run import ExpectedRun
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
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration, is_paused_status
from exporter.domain.model import Failure, Integration, Polls, Sync, SyncStatus
from exporter.domain.poll_queue import phase
from exporter.domain.settings import PollSettings
from exporter.domain.summary import Summary
from exporter.domain.transitions import (
    GONE_SECONDS,
    on_gone,
    on_list_lost,
    on_listing,
    on_no_list,
    on_poll_end,
    on_replaced,
    on_start,
    rests_until,
)
from tests.histories import ended, latest_first, minute, running

SUCCESS, RUNNING, ERROR = SyncStatus.SUCCESS, SyncStatus.RUNNING, SyncStatus.ERROR
WATCH = Watch(Integration("w", "i", "i"), PollSettings(60, 20, 600, 20, 3600))
VERIFY_AFTER = 3600 * (1 + phase("i") / 4)
LEDGER = Ledger(minute(0), recent=latest_first(ended(10), ended(20)), history_known=True)
LISTED = ListedIntegration("i", "users", integration_status="active", next_scheduled_run=minute(80))
LATEST = replace(LISTED, last_job_start_time=minute(20), last_job_status=SUCCESS)
"""Shows the very sync that the ledger has as its latest."""


def at(number: float) -> Moment:
    """The moment *number* minutes after the morning, on both clocks."""
    return Moment(minute(number), 60 * number)


def first_seen(number: float = 0) -> IntegrationState:
    return IntegrationState(first_seen_at=minute(number))


def polled(
    state: IntegrationState,
    number: float,
    *,
    ledger: Ledger | None = LEDGER,
    error: PollError | None = None,
    pages: int = 1,
    asking: ListedIntegration | None = None,
    list_covers: bool = True,
) -> Change:
    """What a poll changes that ends at minute *number*."""
    if error is not None and pages == 0:
        ledger = state.ledger
    result = PollResult(ledger, (), error, pages)
    return on_poll_end(state, WATCH, result, asking, at(number), list_covers=list_covers)


def failed(state: IntegrationState, number: float, error: PollError | None = None) -> Change:
    return polled(state, number, error=error or ServerError("broken"), pages=0)


def shown(state: IntegrationState, number: float, listed: ListedIntegration = LATEST, *, short: bool = True) -> Change:
    """What the record changes that the list shows at minute *number*."""
    return on_listing(state, WATCH, listed, at(number), list_is_short=short)


KNOWN = shown(polled(first_seen(), 30).state, 31).state
"""Polled well, and shown by the list, as it is."""


# Polls


def test_a_good_poll_says_up_to_when_all_is_known() -> None:
    change = polled(first_seen(), 30)
    state = change.state
    assert (state.ledger, state.judged_at, state.polls) == (LEDGER, minute(30), Polls(minute(30), minute(30)))
    assert state.summary.latest == ended(20)
    assert state.session.asked_at == 1800
    assert (change.commit, change.ask, change.ask_at) == (True, Ask.AT, None)


def test_a_poll_lets_the_endpoint_rest_where_the_list_tells_as_much() -> None:
    assert polled(KNOWN, 40, asking=LATEST).ask_at == 2400 + VERIFY_AFTER
    assert polled(KNOWN, 40, asking=LATEST, list_covers=False).ask_at is None
    assert polled(first_seen(), 40).ask_at is None
    silent = shown(KNOWN, 35, LISTED).state
    assert polled(silent, 40).ask_at is None


def test_a_failed_poll_keeps_what_is_known_and_since_when_polls_have_failed() -> None:
    first = failed(KNOWN, 40)
    assert (first.commit, first.ask, first.ask_at) == (True, Ask.AT, None)
    assert first.state.polls == Polls(minute(40), minute(31), Failure("server_error", "broken", minute(40)), minute(40))
    again = failed(first.state, 42, ServerError("broken still"))
    assert again.state.polls.failing_since == minute(40)
    assert again.state.polls.failure == Failure("server_error", "broken still", minute(42))
    assert not again.commit
    other = failed(again.state, 43, AuthError("refused"))
    assert other.commit
    for state in (first.state, other.state):
        assert (state.judged_at, state.ledger, state.session.asked_at) == (minute(31), LEDGER, 1800)
    assert polled(other.state, 44).state.polls == Polls(minute(44), minute(44))


def test_a_poll_that_was_held_back_has_failed_and_was_not_tried() -> None:
    change = failed(KNOWN, 40, AuthError("refused", held_seconds=90))
    assert (change.ask, change.ask_at) == (Ask.AT, 2490)
    assert change.state.polls.last_at == minute(31)
    assert change.state.polls.up is False
    assert change.state.polls.failing_since == minute(40)
    again = failed(change.state, 41, AuthError("refused", held_seconds=30))
    assert (again.commit, again.ask_at) == (False, 2490)


def test_a_walk_that_breaks_off_has_told_the_latest_syncs_all_the_same() -> None:
    more = replace(LEDGER, recent=latest_first(ended(10), ended(20), ended(35)))
    state = polled(KNOWN, 40, ledger=more, error=ServerError("broken"), pages=1).state
    assert (state.ledger, state.judged_at, state.summary.latest) == (more, minute(40), ended(35))
    assert state.polls.up is False
    assert state.session.asked_at == 1800


# Gone


def test_a_second_404_after_a_good_poll_means_that_it_is_gone() -> None:
    """One may be a proxy's."""
    unlisted = polled(first_seen(), 30).state
    first = failed(unlisted, 39, NotFoundError("404"))
    assert (first.state.gone, first.ask_at) == (None, None)
    assert failed(failed(unlisted, 39).state, 40, NotFoundError("404")).state.gone is None
    change = failed(first.state, 40, NotFoundError("404"))
    assert change.state.gone == Since(minute(40))
    assert (change.commit, change.ask, change.ask_at) == (True, Ask.AT, 2400 + GONE_SECONDS)
    assert change.state.judged_at == minute(40)
    assert change.state.polls.up is False
    again = failed(change.state, 100, NotFoundError("404"))
    assert (again.state.gone, again.state.judged_at) == (Since(minute(40)), minute(100))
    assert failed(again.state, 110).state.gone == Since(minute(40))
    assert polled(again.state, 160).state.gone is None


def test_a_404_does_not_mean_gone_before_any_good_poll_while_the_list_shows_it_or_on_a_later_page() -> None:
    missing = NotFoundError("404")

    def twice(state: IntegrationState) -> IntegrationState:
        return failed(failed(state, 40, missing).state, 41, missing).state

    assert twice(first_seen()).gone is None
    assert twice(KNOWN).gone is None
    unlisted = failed(polled(first_seen(), 30).state, 39, missing).state
    assert polled(unlisted, 40, error=missing, pages=1).state.gone is None
    lost = on_list_lost(KNOWN, WATCH, minute(40)).state
    assert twice(lost).gone == Since(minute(41))


def test_one_that_complete_listings_no_longer_show_is_gone() -> None:
    change = on_gone(failed(KNOWN, 40).state, WATCH, minute(50))
    state = change.state
    assert change.commit
    assert (state.gone, state.renamed_to, state.judged_at, state.polls) == (Since(minute(50)), "", minute(50), Polls())
    assert not state.is_listed
    later = on_gone(state, WATCH, minute(60), renamed_to="other").state
    assert (later.gone, later.renamed_to, later.judged_at) == (Since(minute(50)), "other", minute(60))
    assert not on_gone(later, WATCH, minute(61), renamed_to="other").commit
    back = polled(later, 70).state
    assert (back.gone, back.renamed_to) == (None, "")


def test_one_that_is_shown_again_is_not_gone_and_is_asked_at_once() -> None:
    gone = on_gone(KNOWN, WATCH, minute(50), renamed_to="other").state
    change = shown(gone, 60)
    assert (change.state.gone, change.state.renamed_to, change.commit) == (None, "", True)
    refused = failed(polled(first_seen(), 30).state, 39, NotFoundError("404")).state
    refused = failed(refused, 40, NotFoundError("404")).state
    assert refused.gone is not None
    change = shown(refused, 45)
    assert (change.state.gone, change.ask) == (None, Ask.AT_ONCE)
    assert change.state.polls.up is False


# The record of the list


def test_a_record_that_shows_the_latest_sync_stands_for_a_poll() -> None:
    change = shown(KNOWN, 40)
    assert change.polled
    assert (change.state.judged_at, change.state.polls) == (minute(40), Polls(minute(40), minute(40)))
    assert (change.ask, change.ask_at) == (Ask.AT, 1800 + VERIFY_AFTER)
    assert change.state.session.listed_at == 2400


def test_a_long_list_stands_for_no_poll() -> None:
    change = shown(KNOWN, 40, short=False)
    assert (change.polled, change.ask, change.state.judged_at) == (False, Ask.REGULARLY, minute(31))


@pytest.mark.parametrize(
    ("start", "status", "ask"),
    [
        (20, ERROR, Ask.AT_ONCE),
        (20, RUNNING, Ask.AT_ONCE),
        (35, SUCCESS, Ask.AT_ONCE),
        (35, RUNNING, Ask.AT),
        (None, None, Ask.AT_ONCE),
    ],
)
def test_its_own_endpoint_is_asked_at_once_when_a_sync_has_ended(
    start: float | None, status: SyncStatus | None, ask: Ask
) -> None:
    listed = replace(LISTED, last_job_start_time=None if start is None else minute(start), last_job_status=status)
    change = shown(KNOWN, 40, listed)
    assert change.ask is ask
    assert change.polled is (ask is Ask.AT)
    assert change.state.judged_at == (minute(40) if change.polled else minute(31))


def test_what_its_own_endpoint_does_not_show_is_asked_for_once_and_then_regularly() -> None:
    silent = shown(KNOWN, 40, LISTED)
    assert silent.ask is Ask.AT_ONCE
    again = shown(silent.state, 40.5, LISTED)
    assert (again.ask, again.commit) == (Ask.AT_ONCE, False)
    asked = polled(silent.state, 41, asking=LISTED).state
    assert (asked.session.asked_latest, asked.session.asked_latest_at) == ((None, None), 2460)
    assert polled(asked, 42, asking=LISTED).state.session.asked_latest_at == 2460
    assert shown(asked, 42, LISTED).ask is Ask.REGULARLY
    ahead = replace(LATEST, last_job_start_time=minute(40))
    asked = polled(shown(KNOWN, 41, ahead).state, 42, asking=ahead).state
    assert shown(asked, 43, ahead).ask is Ask.AT


def test_another_sync_that_runs_after_one_that_ran_is_asked_for_at_once() -> None:
    begun = shown(KNOWN, 40, replace(LATEST, last_job_start_time=minute(40), last_job_status=RUNNING))
    assert begun.state.summary.latest == running(40)
    assert begun.state.session.begun_at == 2400
    assert polled(begun.state, 40.5).state.summary.latest == running(40)
    same = shown(begun.state, 41, replace(LATEST, last_job_start_time=minute(40), last_job_status=RUNNING))
    assert (same.ask, same.state.session.begun_at) == (Ask.AT, 2400)
    another = shown(begun.state, 42, replace(LATEST, last_job_start_time=minute(42), last_job_status=RUNNING))
    assert another.ask is Ask.AT_ONCE
    assert another.state.session.begun_at == 2520


def test_after_a_failed_poll_and_before_the_first_the_list_stands_for_no_poll() -> None:
    change = shown(failed(KNOWN, 40).state, 41)
    assert (change.polled, change.ask, change.state.judged_at) == (False, Ask.AS_PLANNED, minute(31))
    assert change.state.polls.up is False
    change = shown(first_seen(), 41)
    assert (change.polled, change.ask, change.state.judged_at) == (False, Ask.AS_PLANNED, None)
    assert change.state.summary.latest == Sync(minute(20), SUCCESS)


def test_a_name_and_a_status_that_the_list_has_lost_stay() -> None:
    state = shown(KNOWN, 40, replace(LATEST, integration_name="", integration_status="")).state
    assert state.listed == LATEST
    state = shown(KNOWN, 40, replace(LATEST, integration_name="people", integration_status="")).state
    assert state.listed == replace(LATEST, integration_name="people")
    assert shown(first_seen(), 40, ListedIntegration("i")).state.listed == ListedIntegration("i")


# Paused


@pytest.mark.parametrize(
    "status", ["paused", "Paused", "PAUSED_BY_USER", "inactive", "Disabled", "stopped", "archived", "is archived"]
)
def test_words_that_mean_paused(status: str) -> None:
    assert is_paused_status(status)


@pytest.mark.parametrize("status", ["", "active", "Active", "deleted", "draft", "running", "error"])
def test_words_that_do_not_mean_paused(status: str) -> None:
    assert not is_paused_status(status)


PAUSED = replace(LATEST, integration_status="paused", next_scheduled_run=None)


def test_paused_at_first_sight_nobody_knows_since_when() -> None:
    state = shown(first_seen(), 40, PAUSED).state
    assert state.paused == Since(minute(40), at_first_sight=True)
    assert shown(state, 50, PAUSED).state.paused == state.paused
    assert state.is_paused
    assert state.resumed_at is None


def test_paused_later_and_resumed() -> None:
    change = shown(KNOWN, 40, PAUSED)
    assert (change.state.paused, change.commit) == (Since(minute(40)), True)
    paused = shown(change.state, 50, PAUSED).state
    assert (paused.paused, paused.resumed_at) == (Since(minute(40)), None)
    silent = shown(paused, 55, replace(PAUSED, integration_status="")).state
    assert silent.paused == Since(minute(40))
    resumed = shown(paused, 60)
    assert (resumed.state.paused, resumed.state.resumed_at, resumed.commit) == (None, minute(60), True)
    assert shown(resumed.state, 70).state.resumed_at == minute(60)


def test_an_interval_counts_from_when_it_was_resumed() -> None:
    hourly = replace(WATCH, integration=replace(WATCH.integration, expected_interval_seconds=3600))
    resumed_at = replace(KNOWN, resumed_at=minute(60))
    on_demand = replace(LATEST, next_scheduled_run=None)
    change = on_listing(replace(resumed_at, had_schedule=False), hourly, on_demand, at(61), list_is_short=True)
    assert change.state.expected == ExpectedRun(minute(120), announced=False)


def test_while_it_is_paused_no_run_is_expected() -> None:
    assert KNOWN.expected == ExpectedRun(minute(80), announced=True)
    assert shown(KNOWN, 40, PAUSED).state.expected is None


# Unscheduled

ON_DEMAND = replace(LATEST, next_scheduled_run=None)


def test_unscheduled_is_one_that_had_a_schedule_and_is_announced_no_more() -> None:
    change = shown(KNOWN, 40, ON_DEMAND)
    assert (change.state.unscheduled, change.commit) == (Since(minute(40)), True)
    assert shown(change.state, 50, ON_DEMAND).state.unscheduled == Since(minute(40))
    assert shown(change.state, 60).state.unscheduled is None
    never = shown(first_seen(), 40, ON_DEMAND).state
    assert shown(never, 50, ON_DEMAND).state.unscheduled is None


def test_a_record_that_says_nothing_of_the_next_run_changes_nothing() -> None:
    silent = replace(ON_DEMAND, next_run_told=False)
    assert shown(KNOWN, 40, silent).state.unscheduled is None
    unscheduled = shown(KNOWN, 40, ON_DEMAND).state
    assert shown(unscheduled, 50, silent).state.unscheduled == Since(minute(40))


def test_while_a_sync_runs_or_it_is_paused_the_next_run_may_be_missing() -> None:
    runs = replace(ON_DEMAND, last_job_start_time=minute(39), last_job_status=RUNNING)
    assert shown(KNOWN, 40, runs).state.unscheduled is None
    paused = shown(KNOWN, 40, PAUSED).state
    assert paused.unscheduled is None
    assert shown(paused, 60, ON_DEMAND).state.unscheduled == Since(minute(60))
    unscheduled = shown(KNOWN, 40, ON_DEMAND).state
    assert shown(unscheduled, 50, runs).state.unscheduled == Since(minute(40))
    assert shown(unscheduled, 50, PAUSED).state.unscheduled == Since(minute(40))


def test_that_it_had_a_schedule_is_remembered() -> None:
    assert not shown(first_seen(), 40, ON_DEMAND).state.had_schedule
    announced = shown(first_seen(), 40).state
    assert announced.had_schedule
    assert shown(announced, 41, ON_DEMAND).state.had_schedule


# The list is lost


def test_a_list_that_is_lost_takes_nothing_back() -> None:
    runs = replace(PAUSED, last_job_start_time=minute(39), last_job_status=RUNNING)
    state = shown(KNOWN, 40, runs).state
    change = on_list_lost(state, WATCH, minute(55))
    assert change.ask is Ask.REGULARLY
    assert not change.state.is_listed
    assert change.state.session.awaits_list is False
    assert (change.state.listed, change.state.paused, change.state.judged_at) == (runs, state.paused, minute(40))
    assert change.state.summary.latest == running(39)
    assert polled(change.state, 56).state.summary.latest == ended(20)


def test_what_was_announced_stays_expected_when_the_list_is_lost() -> None:
    announced = ExpectedRun(minute(80), announced=True)
    hourly = replace(WATCH, integration=replace(WATCH.integration, expected_interval_seconds=3600))
    for watch in (WATCH, hourly):
        assert on_list_lost(KNOWN, watch, minute(55)).state.expected == announced
        never_shown = replace(KNOWN, session=Session())
        change = on_no_list(never_shown, watch, minute(55))
        assert change is not None
        assert change.state.expected == announced


def test_without_a_list_an_interval_decides() -> None:
    hourly = replace(WATCH, integration=replace(WATCH.integration, expected_interval_seconds=3600))
    state = on_poll_end(first_seen(), hourly, PollResult(LEDGER, pages=1), None, at(30), list_covers=False).state
    assert state.expected is None  # the list may yet announce a run
    change = on_no_list(state, hourly, minute(31))
    assert change is not None
    assert change.state.expected == ExpectedRun(minute(80), announced=False)
    assert change.commit
    assert change.state.session.awaits_list is False
    assert on_no_list(change.state, hourly, minute(32)) is None
    assert on_no_list(KNOWN, hourly, minute(32)) is None


def test_with_an_interval_one_that_has_never_synced_is_expected_from_first_sight() -> None:
    hourly = replace(WATCH, integration=replace(WATCH.integration, expected_interval_seconds=3600))
    change = on_listing(first_seen(5), hourly, ListedIntegration("i"), at(30), list_is_short=True)
    assert change.state.expected == ExpectedRun(minute(65), announced=False)


# Restart


def test_after_a_restart_everything_that_was_known_is_known_and_nothing_is_listed() -> None:
    runs = replace(PAUSED, last_job_start_time=minute(39), last_job_status=RUNNING)
    state = failed(shown(KNOWN, 40, runs).state, 41).state
    after = on_start(state, Moment(minute(60), 7.0))
    assert after == state
    assert (after.is_listed, after.session.awaits_list) == (False, True)
    assert after.summary.latest == running(39)
    assert on_start(replace(state, summary=Summary()), at(60)).summary == state.summary
    assert (after.session.asked_at, after.session.begun_at) == (7.0, 7.0)
    assert after.session.committed_at == minute(40)


def test_one_whose_endpoint_has_never_answered_has_not_been_asked() -> None:
    after = on_start(first_seen(), at(60))
    assert (after.session.asked_at, after.session.committed_at) == (NEVER, None)


# What is committed


def test_a_good_poll_that_changes_nothing_is_committed_now_and_then() -> None:
    assert KNOWN.session.committed_at == minute(31)
    assert not shown(KNOWN, 33.4).commit
    change = shown(KNOWN, 33.5)
    assert change.commit
    assert change.state.session.committed_at == minute(33.5)
    assert not shown(change.state, 35).commit
    assert shown(KNOWN, 28.5).commit  # the clock was set back


@pytest.mark.parametrize(
    "listed",
    [
        replace(LATEST, integration_name="people"),
        replace(LATEST, integration_status="Active"),
        replace(LATEST, next_scheduled_run=minute(90)),
        replace(LATEST, last_updated_at=minute(20)),
        PAUSED,
        ON_DEMAND,
    ],
)
def test_what_the_list_shows_anew_is_committed(listed: ListedIntegration) -> None:
    assert shown(KNOWN, 32, listed).commit
    assert not shown(shown(KNOWN, 32, listed).state, 33, listed).commit


def test_before_anything_is_known_there_is_nothing_to_commit() -> None:
    change = on_no_list(first_seen(), WATCH, minute(1))
    assert change is not None
    assert not change.commit
    told = on_no_list(replace(first_seen(), judged_at=minute(1)), WATCH, minute(1))
    assert told is not None
    assert told.commit


# How long its own endpoint rests


def resting(state: IntegrationState, **session: float) -> float:
    merged = replace(state.session, **{"asked_at": 1000.0, "asked_latest_at": 1000.0, **session})  # type: ignore[arg-type]
    return rests_until(replace(state, session=merged), WATCH)


def test_while_nothing_runs_its_own_endpoint_is_verified_now_and_then() -> None:
    assert resting(KNOWN) == 1000 + VERIFY_AFTER
    never_synced = shown(polled(first_seen(), 30, ledger=Ledger(minute(0))).state, 31, LISTED).state
    assert resting(never_synced) == 1000 + VERIFY_AFTER


def test_a_running_sync_is_looked_up_less_and_less_often() -> None:
    runs = replace(LATEST, last_job_start_time=minute(40), last_job_status=RUNNING)
    state = shown(KNOWN, 40, runs).state
    assert resting(state, begun_at=1200.0) == 1200 + 600
    assert resting(state, begun_at=900.0) == 1000 + 600
    assert resting(state, begun_at=100.0) == 1000 + 900
    assert resting(state, begun_at=NEVER) == 1000 + VERIFY_AFTER


def test_what_only_the_list_shows_is_looked_for_less_and_less_often() -> None:
    ahead = replace(LATEST, last_job_start_time=minute(25))
    state = shown(KNOWN, 32, ahead).state
    assert resting(state) == 1000 + 60
    assert resting(state, asked_latest_at=800.0) == 1000 + 200
    assert resting(state, asked_latest_at=NEVER) == 1000 + VERIFY_AFTER
    unlisted = replace(state, session=replace(state.session, listed_at=NEVER))
    assert resting(unlisted, listed_at=NEVER) == 1000 + VERIFY_AFTER


def test_a_name_under_another_id_is_known_until_the_list_no_longer_shows_it() -> None:
    known = IntegrationState(minute(0), ledger=LEDGER)
    change = on_replaced(known, WATCH, "j")
    assert change.state.session == replace(known.session, replaced_by="j")
    assert on_replaced(change.state, WATCH, "").state.session == known.session
    assert not on_replaced(KNOWN, WATCH, "j").commit
