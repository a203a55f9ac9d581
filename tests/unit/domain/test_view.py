"""What is shown of a state, besides its problems: which part of it each value comes from."""

from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

import pytest

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Moment, Since, Watch
from exporter.domain.learned import learn_past
from exporter.domain.ledger import Ledger
from exporter.domain.limits import Alerts, LimitSettings, Sensitivity, limits_in_effect
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Failure, Integration, Polls, Sync, SyncStatus, Totals
from exporter.domain.past import Past, to_moment
from exporter.domain.settings import PollSettings
from exporter.domain.transitions import on_start
from exporter.domain.view import View, build_view, described
from tests.histories import ended, latest_first, minute, running
from tests.pasts import FIRST, HOUR, every
from tests.states import state_of

WATCH = Watch(
    Integration("w", "i", "i", labels=(("team", "crm"),)),
    PollSettings(stale_after_seconds=600),
)
LEDGER = Ledger(
    minute(0), minute(9), latest_first(ended(8), ended(9, rows=90, failed=10)), totals=Totals(rows_synced=7), gaps=3
)
HEALTHY = replace(LEDGER, recent=latest_first(ended(8), ended(9)))
LISTED = ListedIntegration(
    "i",
    "users",
    "snowflake_table",
    "active",
    "snowflake",
    "group",
    next_scheduled_run=minute(60),
)


def state(ledger: Ledger | None = LEDGER, listed: ListedIntegration | None = LISTED) -> IntegrationState:
    """A state that the list shows at present, judged at minute 10 at minute 11."""
    known = state_of(ledger, listed, judged_at=minute(10))
    return replace(known, first_seen_at=minute(0), polls=Polls(minute(11), minute(10)))


def shown(known: IntegrationState, watch: Watch = WATCH) -> View:
    return build_view(known, watch)


def test_counters_gaps_and_history_are_those_of_the_ledger() -> None:
    view = shown(state())
    assert (view.totals, view.history_gaps, view.history) == (LEDGER.totals, 3, LEDGER.recent)


def test_before_its_own_endpoint_has_answered_there_are_no_counters() -> None:
    view = shown(state(ledger=None))
    assert (view.totals, view.history_gaps, view.history, view.consecutive_failed_syncs) == (None, 0, (), None)


def test_share_and_lag_are_those_of_the_latest_finished_sync() -> None:
    view = shown(state())
    assert view.latest_finished == LEDGER.recent[0]
    assert (view.failed_rows_ratio, view.last_sync_lag_seconds) == (0.1, 3600.0)


def test_status_schedule_and_properties_are_those_of_the_list() -> None:
    view = shown(state())
    assert (view.integration_status, view.next_scheduled_run) == ("active", minute(60))
    assert view.integration == replace(
        WATCH.integration,
        integration_name="users",
        integration_type="snowflake_table",
        warehouse_type="snowflake",
        app_group_id="group",
    )


def test_a_configured_name_goes_before_that_of_the_list() -> None:
    watch = replace(WATCH, integration=replace(WATCH.integration, integration_name="people"))
    assert shown(state(), watch).integration.integration_name == "people"


def test_after_a_restart_name_and_properties_are_known_and_status_and_schedule_are_not() -> None:
    view = shown(on_start(state(), Moment(minute(20), 5.0)))
    assert view.integration.integration_name == "users"
    assert (view.integration_status, view.next_scheduled_run) == (None, None)


def test_it_goes_stale_so_long_after_the_latest_good_poll() -> None:
    assert shown(state()).stale_at == minute(20)
    never_judged = replace(state(), judged_at=None)
    assert shown(never_judged).stale_at == minute(0) + timedelta(minutes=10)


def test_of_one_that_is_gone_only_what_still_holds_is_shown() -> None:
    known = replace(state(), gone=Since(minute(9)))
    view = shown(known)
    assert view == View(
        described(known, WATCH.integration),
        up=True,
        last_poll_at=minute(11),
        last_poll_success_at=minute(10),
        stale_at=minute(20),
        history_gaps=None,
        history=LEDGER.recent,
        limits=None,
        rows_failed_at=minute(9.5),
        problems=view.problems,
        stale_problems=view.problems,
    )
    assert view.verdict == (("gone", "warning"),)


def test_the_latest_syncs_are_those_of_ledger_and_list() -> None:
    listed = replace(LISTED, last_job_start_time=minute(9.9), last_job_status=SyncStatus.RUNNING)
    view = shown(state(listed=listed))
    assert (view.latest, view.latest_finished) == (running(9.9), LEDGER.recent[0])
    assert (view.last_timestamp_synced, view.consecutive_failed_syncs) == (LEDGER.recent[0].last_timestamp_synced, 0)


def test_what_was_learned_is_shown_for_the_latest_finished_sync() -> None:
    assert (shown(state()).learned_syncs, shown(state()).changes) == (None, ())
    day, night = (Sync(to_moment(FIRST + 400 * HOUR + hour * HOUR), SyncStatus.SUCCESS) for hour in (12, 0))
    runs = every(HOUR, 14, lambda at: 1000.0 if at.hour < 6 else 9000.0)
    learned = learn_past(runs, to_moment(FIRST + 400 * HOUR), Sensitivity.MEDIUM)
    rows = replace(learned.normal.rows, level_since=FIRST, level_before=learned.normal.rows.level)  # type: ignore[type-var, union-attr]
    learned = replace(learned, normal=replace(learned.normal, rows=rows))
    for sync in (day, night):
        view = shown(state(replace(LEDGER, recent=(sync,))), replace(WATCH, learned=learned))
        assert view.usual_duration_seconds == learned.usual_duration_seconds is not None
        assert view.usual_rows == learned.usual_rows(sync) is not None
        assert view.learned_syncs == learned.normal.learned_syncs > 300
        assert view.changes == ("rows are 1 times what they were, since 2026-03-02",)
    assert learned.usual_rows(day) != learned.usual_rows(night)


def test_the_last_success_is_shown_by_its_finish() -> None:
    failed = Sync(minute(9), SyncStatus.ERROR, minute(9.5))
    ledger = replace(LEDGER, recent=latest_first(ended(8), failed))
    assert shown(state(ledger)).last_success_at == minute(8.5)


def test_what_is_wrong_depends_on_the_moment_of_looking_at_the_moment_it_goes_stale() -> None:
    view = shown(replace(state(HEALTHY), unscheduled=Since(minute(9))))
    assert view.stale_at == minute(20)
    assert (view.is_stale(minute(19.99)), view.is_stale(minute(20))) == (False, True)
    assert [problem.kind for problem in view.problems_at(minute(19.99))] == ["unscheduled"]
    assert [problem.kind for problem in view.problems_at(minute(20))] == ["stale", "unscheduled"]
    assert view.verdict == (("unscheduled", "warning"),)
    nothing = View(WATCH.integration)
    assert (nothing.is_stale(minute(20)), nothing.problems_at(minute(20))) == (False, ())


def test_an_interval_that_is_configured_is_a_schedule() -> None:
    watch = replace(WATCH, integration=replace(WATCH.integration, expected_interval_seconds=3600.0))
    assert shown(replace(state(HEALTHY), unscheduled=Since(minute(9))), watch).verdict == ()


@pytest.mark.parametrize(("timezone", "deadline"), [(None, 80), (UTC, 20)])
def test_where_the_zone_of_a_schedule_is_known_clocks_make_no_run_late(timezone: tzinfo | None, deadline: int) -> None:
    due = replace(state(HEALTHY), expected=ExpectedRun(minute(5), announced=False))
    every_day = replace(WATCH.integration, expected_interval_seconds=86400.0, timezone=timezone)
    assert shown(due, replace(WATCH, integration=every_day)).start_deadline_at == minute(deadline)


def test_problems_are_judged_by_the_limits_and_alerts_of_the_integration() -> None:
    late = replace(state(HEALTHY), expected=ExpectedRun(minute(5), announced=True))
    assert shown(late).verdict == ()
    limits = LimitSettings({"start_delay": 60.0})
    watch = replace(WATCH, integration=replace(WATCH.integration, limits=limits))
    view = shown(late, watch)
    assert view.verdict == (("overdue", "critical"),)
    assert (view.limits, view.expected_run_at, view.start_deadline_at) == (
        limits_in_effect(limits),
        minute(5),
        minute(6),
    )
    quiet = replace(watch, integration=replace(watch.integration, alerts=Alerts.NO_PAGE))
    assert shown(late, quiet).verdict == (("overdue", "warning"),)


def test_polls_and_their_failure_are_shown() -> None:
    failure = Failure("timeout", "no answer", minute(11))
    view = shown(replace(state(), polls=Polls(minute(11), minute(10), failure, minute(10.5))))
    assert (view.up, view.failure, view.failing_since) == (False, failure, minute(10.5))
    assert (view.last_poll_at, view.last_poll_success_at) == (minute(11), minute(10))
    gone = shown(replace(state(), gone=Since(minute(9)), polls=Polls(minute(11), None, failure, minute(10.5))))
    assert (gone.up, gone.failure, gone.failing_since) == (False, failure, minute(10.5))


def test_a_description_keeps_everything_that_is_configured() -> None:
    configured = Integration(
        "w", "i", "people", (("team", "crm"),), "", "", "", 60.0, LimitSettings({"lag": 5.0}), Alerts.OFF, UTC
    )
    properties = {"integration_type": "snowflake_table", "warehouse_type": "snowflake", "app_group_id": "group"}
    assert described(state(), configured) == replace(configured, **properties)  # type: ignore[arg-type]
    assert described(state(listed=None), configured) == configured
    nameless = replace(LISTED, integration_name="")
    assert described(state(listed=nameless), WATCH.integration).integration_name == "i"


def test_rows_failed_when_a_known_sync_or_one_of_the_past_says_so() -> None:
    assert shown(state()).rows_failed_at == LEDGER.recent[0].finished_at
    past = Past().extend([ended(1, rows=90, failed=10), ended(2), ended(8)])
    learned = learn_past(past.runs, minute(10), Sensitivity.MEDIUM)
    assert shown(state(HEALTHY), replace(WATCH, learned=learned)).rows_failed_at == ended(1).finished_at
    assert shown(state(HEALTHY)).rows_failed_at is None
