"""Which run a state expects: what list, ledger and configuration say of it goes into one question."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import NEVER, IntegrationState, Moment, Session, Since, Watch
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, SyncStatus
from exporter.domain.settings import PollSettings
from exporter.domain.transitions import on_gone, on_listing, with_expected
from tests.histories import ended, latest_first, minute, running
from tests.states import state_of

ON_DEMAND = Watch(Integration("w", "i", "i"), PollSettings())
HOURLY = Watch(Integration("w", "i", "i", expected_interval_seconds=3600.0), PollSettings())
LEDGER = Ledger(minute(0), recent=latest_first(ended(10), ended(20)))
NOTHING = ListedIntegration("i", last_job_start_time=minute(20), last_job_status=SyncStatus.SUCCESS)
"""Shows the latest sync of the ledger, and that no run is planned."""
UNLISTED = {"listed": NOTHING, "session": Session(awaits_list=False)}
"""The list shows it no more."""


def listed(next_run: float, start: float = 20, status: SyncStatus | None = SyncStatus.SUCCESS) -> ListedIntegration:
    return replace(
        NOTHING, last_job_start_time=minute(start), last_job_status=status, next_scheduled_run=minute(next_run)
    )


def announced(number: float) -> ExpectedRun:
    return ExpectedRun(minute(number), announced=True)


def derived(number: float) -> ExpectedRun:
    return ExpectedRun(minute(number), announced=False)


@pytest.mark.parametrize(
    ("record", "known", "watch", "now", "expected"),
    [
        # What the list says.
        (listed(80), {}, ON_DEMAND, 30, announced(80)),
        (listed(80), {"paused": Since(minute(25))}, ON_DEMAND, 30, None),
        (NOTHING, {"expected": announced(80)}, ON_DEMAND, 30, None),
        (replace(NOTHING, next_run_told=False), {"expected": announced(80)}, ON_DEMAND, 30, announced(80)),
        (NOTHING, {"expected": announced(80), "unscheduled": Since(minute(85))}, ON_DEMAND, 144.9, announced(80)),
        (NOTHING, {"expected": announced(80), "unscheduled": Since(minute(85))}, ON_DEMAND, 145, None),
        # What the configuration says, where the list says nothing.
        (NOTHING, {}, HOURLY, 30, derived(80)),
        (NOTHING, {"first_seen_at": minute(30)}, HOURLY, 30, derived(80)),
        (NOTHING, {"resumed_at": minute(25)}, HOURLY, 30, derived(85)),
        (None, UNLISTED, HOURLY, 30, derived(80)),
        (None, {**UNLISTED, "listed": listed(200)}, HOURLY, 30, derived(80)),
        (None, {**UNLISTED, "expected": announced(70)}, HOURLY, 30, announced(70)),
        (None, {**UNLISTED, "expected": announced(70), "session": Session()}, HOURLY, 30, announced(70)),
        (None, {"session": Session()}, HOURLY, 30, None),
        # A sync that only the list has shown meets the run of its time.
        (listed(140, 80), {"expected": announced(80)}, ON_DEMAND, 82, announced(140)),
        (listed(140, 70), {"expected": announced(80)}, ON_DEMAND, 82, announced(80)),
        (listed(140, 70, None), {"expected": announced(80)}, ON_DEMAND, 82, announced(140)),
        (listed(140, 70, SyncStatus.RUNNING), {"expected": announced(80)}, ON_DEMAND, 82, announced(140)),
    ],
)
def test_which_run_is_expected(
    record: ListedIntegration | None, known: dict[str, Any], watch: Watch, now: float, expected: ExpectedRun | None
) -> None:
    state = replace(state_of(LEDGER, record, judged_at=minute(30)), **{"first_seen_at": minute(0), **known})
    assert with_expected(state, watch, minute(now)).expected == expected


def test_a_running_sync_that_the_list_shows_no_more_has_started_all_the_same() -> None:
    shown = state_of(LEDGER, listed(140, 80, SyncStatus.RUNNING), judged_at=minute(81))
    assert shown.summary.latest == running(80)
    lost = replace(shown, session=Session(awaits_list=False))
    assert with_expected(lost, HOURLY, minute(82)).expected == derived(140)


@pytest.mark.parametrize(("before", "expected"), [(10, announced(80)), (18, announced(20.55))])
def test_a_sync_may_be_early_by_a_quarter_of_the_time_between_syncs(before: float, expected: ExpectedRun) -> None:
    """Each sync counts once, though ledger and list both show it; the run was due 33 seconds after the latest."""
    ledger = Ledger(minute(0), recent=latest_first(ended(before), ended(20)))
    state = replace(state_of(ledger, listed(80), judged_at=minute(30)), expected=announced(20.55))
    assert with_expected(state, ON_DEMAND, minute(30)).expected == expected


def test_an_interval_of_a_day_keeps_the_time_of_day_where_the_zone_is_known() -> None:
    noon = (datetime(2026, 3, 28, 11, tzinfo=UTC) - minute(0)).total_seconds() / 60
    state = state_of(Ledger(minute(0), recent=(ended(noon),)), NOTHING, judged_at=minute(noon + 1))
    daily = Integration("w", "i", "i", expected_interval_seconds=86400.0)
    in_berlin = replace(daily, timezone=ZoneInfo("Europe/Berlin"))
    for integration, hour in ((daily, 11), (in_berlin, 10)):
        run = with_expected(state, Watch(integration, PollSettings()), minute(noon + 1)).expected
        assert run == ExpectedRun(datetime(2026, 3, 29, hour, tzinfo=UTC), announced=False)
        assert run.at.tzinfo is UTC


def test_a_slot_that_a_long_sync_passed_over_is_followed_by_one_at_the_same_time_of_day() -> None:
    start = (datetime(2026, 3, 27, 11, tzinfo=UTC) - minute(0)).total_seconds() / 60
    state = state_of(Ledger(minute(0), recent=(running(start),)), NOTHING, judged_at=minute(start))
    in_berlin = Integration("w", "i", "i", expected_interval_seconds=86400.0, timezone=ZoneInfo("Europe/Berlin"))
    run = with_expected(state, Watch(in_berlin, PollSettings()), datetime(2026, 3, 28, 11, tzinfo=UTC)).expected
    assert run == ExpectedRun(datetime(2026, 3, 29, 10, tzinfo=UTC), announced=False)


def show(state: IntegrationState, record: ListedIntegration, number: float) -> IntegrationState:
    return on_listing(state, ON_DEMAND, record, Moment(minute(number), 60 * number), list_is_short=True).state


def test_a_run_that_was_missed_stays_expected_but_for_one_that_was_gone() -> None:
    state = show(state_of(LEDGER, None, judged_at=minute(30)), listed(80), 31)
    assert state.expected == announced(80)
    assert show(state, listed(140), 90).expected == announced(80)
    gone = on_gone(state, ON_DEMAND, minute(85)).state
    assert gone.session.listed_at == NEVER
    assert show(gone, listed(140), 90).expected == announced(140)
