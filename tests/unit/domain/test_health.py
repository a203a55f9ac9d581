"""The judge, held against contract 7: what each kind of problem needs, how bad it is, and what it hides."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from exporter.domain import health
from exporter.domain.expected_run import ExpectedRun
from exporter.domain.health import KINDS, PROBLEMS, assess
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.ledger import Tail
from exporter.domain.limits import Alerts, Keyword, Setting
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Failure, Polls, Sync, SyncStatus
from exporter.domain.problem import Case, Problem, Severity
from tests.histories import minute
from tests.judging import (
    CONFIG_ERROR,
    DAY,
    ERROR,
    HEALTHY,
    HOUR,
    LIMIT_EXCEEDED,
    NOW,
    PARTIAL,
    SUCCESS,
    UNKNOWN,
    case,
    expecting,
    problems,
    running,
    state,
    sync,
    the,
)  # fmt: skip
from tests.problems import HIGHEST, hidden_by
from tests.states import state_of

LOUD = ((0, "warning"), (3 * DAY - 1, "warning"), (3 * DAY, "info"), (30 * DAY, "info"))
"""How loud a change in Braze is after this many minutes."""


def test_nothing_is_wrong_with_a_healthy_one() -> None:
    assert problems(HEALTHY, lag=3600.0, success_age=86400.0) == {}


# What each kind needs, and how bad it is


def test_config_error() -> None:
    known = state(sync(NOW - 90), sync(NOW - 60, CONFIG_ERROR), sync(NOW - 30, CONFIG_ERROR))
    problem = the("config_error", known)
    assert (problem.severity, problem.since) == (Severity.CRITICAL, minute(NOW - 59))
    assert "config_error" in problem.text
    assert problems(state(sync(NOW - 60, CONFIG_ERROR), sync(NOW - 30))) == {}


@pytest.mark.parametrize(
    ("streak", "limit", "expected"),
    [
        (1, 1.0, ("failed", "warning")),
        (2, 1.0, ("failing", "critical")),
        (1, 0.0, ("failing", "critical")),
        (3, 3.0, ("failed", "warning")),
        (4, 3.0, ("failing", "critical")),
        (4, Keyword.AUTO, ("failing", "critical")),
        (4, Keyword.OFF, ("failed", "warning")),
    ],
)
def test_more_failed_syncs_in_a_row_than_the_limit_are_failing(
    streak: int, limit: Setting, expected: tuple[str, str]
) -> None:
    failed = [sync(NOW - 30 - n, LIMIT_EXCEEDED if n == 0 else ERROR) for n in range(streak)]
    assert problems(state(sync(NOW - 90), *failed), failed_syncs=limit) == dict([expected])


def test_failing_says_how_often_since_when_and_what_the_limit_is() -> None:
    known = state(sync(NOW - 90), sync(NOW - 60, ERROR), sync(NOW - 30, LIMIT_EXCEEDED))
    problem = the("failing", known)
    assert (problem.value, problem.limit, problem.since) == (2, 1, minute(NOW - 59))
    assert problem.text == "2 failed syncs in a row, the latest with limit_exceeded; limit 1"


def test_failed_says_how_often_and_what_the_limit_is_if_there_is_one() -> None:
    known = state(sync(NOW - 90), sync(NOW - 60, ERROR), sync(NOW - 30, ERROR))
    problem = the("failed", known, failed_syncs=2.0)
    assert (problem.value, problem.limit, problem.since) == (2, 2, minute(NOW - 59))
    assert problem.text == "The latest sync failed with error, 2 in a row; limit 2"
    unlimited = the("failed", known, failed_syncs=Keyword.OFF)
    assert (unlimited.value, unlimited.limit) == (2, None)
    assert unlimited.text == "The latest sync failed with error, 2 in a row"


def test_a_streak_reaches_beyond_the_syncs_that_are_kept() -> None:
    known = state(sync(NOW - 30, ERROR), tail=Tail(minute(NOW - 90), failed_streak=4))
    assert the("failing", known).value == 5


@pytest.mark.parametrize("kind", ["failing", "failed"])
def test_a_streak_has_begun_before_the_syncs_that_are_kept(kind: str) -> None:
    limits: dict[str, Setting] = {} if kind == "failing" else {"failed_syncs": Keyword.OFF}
    tail = Tail(minute(NOW - 90), failed_streak=4, failing_since=minute(NOW - 400))
    known = state(sync(NOW - 60, ERROR), sync(NOW - 30, ERROR), tail=tail)
    assert the(kind, known, **limits).since == minute(NOW - 400)
    recovered = state(sync(NOW - 60), sync(NOW - 30, ERROR), sync(NOW - 10, ERROR), tail=tail)
    assert the(kind, recovered, **limits).since == minute(NOW - 29)
    of_an_older_exporter = state(sync(NOW - 30, ERROR), tail=replace(tail, failing_since=None))
    assert the(kind, of_an_older_exporter, **limits).since == minute(NOW - 29)


@pytest.mark.parametrize(("late", "expected"), [(15, {}), (15.1, {"overdue": "critical"})])
def test_overdue_is_a_run_that_has_not_started_by_its_deadline(late: float, expected: dict[str, str]) -> None:
    assert problems(expecting(HEALTHY, NOW - late), start_delay=900.0) == expected


def test_overdue_says_which_run_how_late_and_what_the_limit_is() -> None:
    problem = the("overdue", expecting(HEALTHY, NOW - 20), start_delay=600.0)
    assert (problem.value, problem.limit, problem.since) == (1200, 600, minute(NOW - 10))
    assert problem.text == "The sync expected at 2026-03-10 23:40 UTC has not started, 20 min late; limit 10 min"


def test_nothing_is_overdue_while_a_sync_runs_without_a_limit_or_at_the_end_of_the_calendar() -> None:
    late = expecting(HEALTHY, NOW - 60)
    assert problems(late, start_delay=Keyword.OFF) == {}
    assert problems(expecting(state(sync(NOW - 90), running(10)), NOW - 60)) == {}
    never = replace(HEALTHY, expected=ExpectedRun(datetime.max.replace(tzinfo=minute(0).tzinfo), announced=True))
    assert problems(never) == {}


@pytest.mark.parametrize(
    ("watched", "expected_after", "since"),
    [
        (DAY, None, None),
        (DAY + 1, None, DAY),
        (75, 60, None),
        (76, 60, 75),
        (DAY + 1, 2 * DAY, DAY),
        (5, -60, 0),
    ],
)
def test_never_synced_after_a_day_or_the_deadline_of_a_run(
    watched: float, expected_after: float | None, since: float | None
) -> None:
    first_seen = NOW - watched
    known = replace(state(), first_seen_at=minute(first_seen))
    if expected_after is not None:
        known = expecting(known, first_seen + expected_after)
    if since is None:
        assert problems(known, start_delay=900.0) == {}
        return
    problem = the("never_synced", known, start_delay=900.0)
    assert (problem.severity, problem.since) == (Severity.WARNING, minute(first_seen + since))
    assert (problem.value, problem.limit) == (watched * 60, since * 60)


def test_never_synced_says_for_how_long() -> None:
    text = "No sync has been seen in the 10 d it has been watched; limit 1 d"
    assert the("never_synced", state()).text == text
    assert the("never_synced", expecting(state(), 30), start_delay=Keyword.OFF).text == text


def test_a_sync_that_runs_or_that_only_the_list_has_seen_is_a_sync() -> None:
    assert problems(state(running(5))) == {}
    listed = ListedIntegration("i", last_job_start_time=minute(5), last_job_status=SUCCESS)
    assert problems(state(listed=listed)) == {}
    assert problems(state(listed=ListedIntegration("i"))) == {"never_synced": "warning"}


def test_before_its_own_endpoint_has_answered_nobody_knows_that_it_has_never_synced() -> None:
    assert problems(replace(HEALTHY, ledger=None)) == {}
    assert problems(replace(state(), ledger=None)) == {}


@pytest.mark.parametrize(
    ("minutes", "limit", "expected"),
    [
        (60, 3600.0, {}),
        (61, 3600.0, {"running_long": "warning"}),
        (180, 3600.0, {"running_long": "warning"}),
        (181, 3600.0, {"stuck": "critical"}),
        (181, Keyword.OFF, {}),
        (360, Keyword.AUTO, {}),
        (361, Keyword.AUTO, {"running_long": "warning"}),
    ],
)
def test_a_sync_may_run_as_long_as_the_limit(minutes: float, limit: Setting, expected: dict[str, str]) -> None:
    assert problems(state(sync(NOW - 900), running(minutes)), sync_duration=limit) == expected


@pytest.mark.parametrize(("minutes", "kind", "words"), [(90, "running_long", "1 h 30 min"), (240, "stuck", "4 h")])
def test_a_long_run_says_how_long_and_what_the_limit_is(minutes: int, kind: str, words: str) -> None:
    problem = the(kind, state(sync(NOW - 900), running(minutes)), sync_duration=3600.0)
    assert (problem.value, problem.limit, problem.since) == (minutes * 60, 3600, minute(NOW - minutes + 60))
    assert problem.text == f"The latest sync has been running for {words}; limit 1 h"


def test_a_sync_of_a_status_that_is_not_running_does_not_run_long() -> None:
    assert problems(state(Sync(minute(0), UNKNOWN))) == {}


@pytest.mark.parametrize(
    ("status", "rows", "failed", "limit", "expected"),
    [
        (PARTIAL, 99, 1, 0.01, None),
        (PARTIAL, 98, 2, 0.01, "warning"),
        (SUCCESS, 98, 2, 0.01, "warning"),
        (UNKNOWN, 98, 2, 0.01, "warning"),
        (PARTIAL, 81, 19, 0.01, "warning"),
        (PARTIAL, 80, 20, 0.01, "critical"),
        (PARTIAL, 51, 49, 0.05, "warning"),
        (PARTIAL, 50, 50, 0.05, "critical"),
        (PARTIAL, 0, 100, 0.5, "warning"),
        (PARTIAL, 99, 1, 0.0, "warning"),
        (PARTIAL, 80, 20, 0.0, "critical"),
        (PARTIAL, 0, 0, 0.0, None),
        (PARTIAL, None, None, 0.01, "warning"),
        (PARTIAL, None, 7, 0.01, "warning"),
        (SUCCESS, None, None, 0.01, None),
        (PARTIAL, None, None, Keyword.OFF, None),
        (PARTIAL, 0, 100, Keyword.OFF, None),
        (PARTIAL, 98, 2, Keyword.AUTO, "warning"),
    ],
)
def test_rows_may_fail_up_to_the_limit(
    status: SyncStatus, rows: int | None, failed: int | None, limit: Setting, expected: str | None
) -> None:
    known = state(sync(NOW - 90), sync(NOW - 30, status, rows=rows, failed=failed))
    assert problems(known, failed_rows=limit).get("rows_failed") == expected


def test_failed_rows_say_how_many_which_share_and_what_the_limit_is() -> None:
    lossy = (sync(NOW - start, PARTIAL, rows=87_900, failed=12_100) for start in (60, 30))
    problem = the("rows_failed", state(sync(NOW - 90), *lossy), failed_rows=0.005)
    assert (problem.value, problem.limit, problem.since) == (0.121, 0.005, minute(NOW - 59))
    assert problem.text == "In the latest sync 12,100 rows failed, 12% of all; limit 0.5%"
    uncounted = state(sync(NOW - 90), sync(NOW - 30, PARTIAL, rows=None, failed=None))
    problem = the("rows_failed", uncounted, failed_rows=0.005)
    assert (problem.value, problem.limit, problem.since) == (None, 0.005, minute(NOW - 29))
    assert problem.text == "In the latest sync some rows failed, but Braze does not say how many; limit 0.5%"


@pytest.mark.parametrize(
    ("lag", "limit", "expected"),
    [
        (60, 3600.0, {}),
        (61, 3600.0, {"behind": "warning"}),
        (179, 3600.0, {"behind": "warning"}),
        (180, 3600.0, {"behind": "critical"}),
        (1, 0.0, {"behind": "critical"}),
        (-4, 0.0, {}),
        (180, Keyword.OFF, {}),
        (180, Keyword.AUTO, {}),
        (None, 3600.0, {}),
    ],
)
def test_data_may_be_as_old_at_a_finish_as_the_limit(
    lag: float | None, limit: Setting, expected: dict[str, str]
) -> None:
    assert problems(state(sync(NOW - 300), sync(NOW - 30, lag=lag)), lag=limit) == expected


def test_behind_says_how_far_and_what_the_limit_is_and_stands_still_between_syncs() -> None:
    known = state(sync(NOW - 300), sync(NOW - 60, lag=120), sync(NOW - 30, lag=150), running(1))
    problem = the("behind", known, lag=3600.0)
    assert (problem.value, problem.limit, problem.since) == (9000, 3600, minute(NOW - 59))
    assert problem.text == "When the latest sync finished, its data was 2 h 30 min old; limit 1 h"


@pytest.mark.parametrize(("ahead", "expected"), [(5, {}), (5.1, {"future_watermark": "critical"})])
def test_a_watermark_may_be_five_minutes_ahead(ahead: float, expected: dict[str, str]) -> None:
    assert problems(state(sync(NOW - 30, lag=-29 - ahead))) == expected


def test_a_future_watermark_says_how_far_and_what_follows() -> None:
    stuck_at = NOW + HOUR
    known = state(sync(NOW - 90), sync(NOW - 60, lag=-59 - HOUR), sync(NOW - 30, lag=-29 - HOUR))
    assert known.summary.last_timestamp_synced == minute(stuck_at)
    problem = the("future_watermark", known)
    assert (problem.value, problem.limit, problem.since) == (3600, 300, minute(NOW - 59))
    assert problem.text == "The watermark is 1 h in the future; limit 5 min: Braze skips every row dated before it"


def test_a_problem_of_a_sync_that_finishes_in_the_future_holds_from_now_on() -> None:
    problem = the("future_watermark", state(sync(NOW - 30), sync(NOW + HOUR)))
    assert problem.since == minute(NOW)
    failing = state(*(sync(NOW + late, ERROR, lag=None) for late in (HOUR, 2 * HOUR)))
    assert the("failing", failing).since == minute(NOW)


def test_a_watermark_that_only_the_list_has_shown_is_not_judged_without_a_good_poll() -> None:
    listed = ListedIntegration("i", last_updated_at=minute(NOW + 60))
    unpolled = replace(state_of(None, listed, judged_at=minute(NOW)), judged_at=None)
    assert unpolled.summary.last_timestamp_synced == minute(NOW + 60)
    assert problems(unpolled) == {}


@pytest.mark.parametrize(
    ("age", "limit", "expected"),
    [
        (60, 3600.0, {}),
        (60.1, 3600.0, {"success_too_old": "critical"}),
        (60.1, Keyword.OFF, {}),
        (60.1, Keyword.AUTO, {}),
    ],
)
def test_the_last_success_may_be_as_old_as_the_limit(age: float, limit: Setting, expected: dict[str, str]) -> None:
    assert problems(state(sync(NOW - 1 - age)), success_age=limit) == expected


def test_an_old_success_says_how_old_and_what_the_limit_is() -> None:
    problem = the("success_too_old", state(sync(NOW - 91), running(5)), success_age=3600.0)
    assert (problem.value, problem.limit, problem.since) == (5400, 3600, minute(NOW - 30))
    assert problem.text == "The last good sync finished 1 h 30 min ago; limit 1 h"


def test_a_success_that_is_no_longer_kept_one_by_one_counts() -> None:
    known = state(sync(NOW - 20, UNKNOWN), tail=Tail(minute(NOW - 90), success=sync(NOW - 91)))
    assert problems(known, success_age=3600.0) == {"success_too_old": "critical", "unknown_status": "warning"}
    assert problems(known, success_age=5400.0) == {"unknown_status": "warning"}


def test_without_any_success_its_age_is_not_known() -> None:
    assert problems(state(), success_age=0.0) == {"never_synced": "warning"}


@pytest.mark.parametrize(
    ("rows", "failed", "limit", "good"),
    [
        (99, 1, 0.01, True),
        (98, 2, 0.01, False),
        (None, None, 0.01, False),
        (0, 100, Keyword.OFF, True),
        (None, None, Keyword.OFF, True),
    ],
)
def test_a_partial_sync_within_its_limit_is_as_good_as_a_success(
    rows: int | None, failed: int | None, limit: Setting, good: bool
) -> None:
    partial = sync(NOW - 60, PARTIAL, rows=rows, failed=failed)
    known = state(sync(NOW - 600), partial, sync(NOW - 30, UNKNOWN))
    found = problems(known, success_age=7200.0, failed_rows=limit)
    assert ("success_too_old" not in found) is good


def test_unknown_status() -> None:
    problem = the("unknown_status", state(sync(NOW - 90), sync(NOW - 60, UNKNOWN), sync(NOW - 30, UNKNOWN)))
    assert (problem.severity, problem.since) == (Severity.WARNING, minute(NOW - 59))


def with_fact(known: IntegrationState, kind: str, since: Since) -> IntegrationState:
    fact: dict[str, Any] = {kind: since}
    return replace(known, **fact)


@pytest.mark.parametrize(("age", "severity"), LOUD)
@pytest.mark.parametrize("kind", ["paused", "gone", "unscheduled"])
def test_a_change_in_braze_is_loud_for_three_days(kind: str, age: float, severity: str) -> None:
    since = Since(minute(NOW - age))
    problem = the(kind, with_fact(state(sync(NOW - 60 * DAY)), kind, since))
    assert (problem.severity.word, problem.since) == (severity, since.at)


@pytest.mark.parametrize("kind", ["paused", "gone", "unscheduled"])
def test_what_was_so_at_first_sight_is_information(kind: str) -> None:
    at_first_sight = Since(minute(NOW), at_first_sight=True)
    problem = the(kind, with_fact(HEALTHY, kind, at_first_sight))
    assert (problem.severity, problem.since) == (Severity.INFO, None)


def test_with_an_interval_configured_a_schedule_is_known_whatever_braze_announces() -> None:
    """Else a lost schedule would hide for ever that the syncs the operator expects do not start."""
    late = replace(expecting(HEALTHY, NOW - 60), unscheduled=Since(minute(NOW - 90)))
    assert problems(late) == {"unscheduled": "warning"}
    verdict = assess(replace(case(late), expected_interval_seconds=3600.0))
    assert [(problem.kind, problem.severity.word) for problem in verdict.problems] == [("overdue", "critical")]
    assert [problem.kind for problem in verdict.stale_problems] == ["stale", "overdue"]


def test_a_sync_that_starts_later_ends_a_pause() -> None:
    assert problems(replace(HEALTHY, paused=Since(minute(NOW - 30)))) == {"paused": "warning"}
    assert problems(replace(HEALTHY, paused=Since(minute(NOW - 31)))) == {}


def test_gone_says_whether_it_was_renamed() -> None:
    gone = replace(HEALTHY, gone=Since(minute(NOW)))
    assert "no longer knows this integration" in the("gone", gone).text
    renamed = the("gone", replace(gone, renamed_to="old \u202eusers\n" + "x" * 300)).text
    assert renamed.startswith('Renamed in Braze to "old \ufffdusers xxx')
    assert renamed.endswith('x…", which the discovery filters exclude')


def failing_polls(known: IntegrationState, message: str = "Braze refused the key") -> IntegrationState:
    return replace(known, polls=Polls(minute(NOW), None, Failure("auth", message, minute(NOW)), minute(NOW - 5)))


def test_a_failing_poll_says_why() -> None:
    problem = the("poll_failing", failing_polls(HEALTHY))
    assert (problem.severity, problem.since) == (Severity.WARNING, minute(NOW - 5))
    assert problem.text == "Polling fails with auth: Braze refused the key"


def test_stale_says_since_when_and_why() -> None:
    (problem,) = assess(case(failing_polls(HEALTHY))).stale_problems
    assert (problem.kind, problem.severity) == ("stale", Severity.CRITICAL)
    assert (problem.since, problem.value, problem.limit) == (minute(NOW + 10), None, 600)
    good = "No poll has succeeded since 2026-03-11 00:00 UTC; limit 10 min. "
    assert problem.text == good + "Polling fails with auth: Braze refused the key"
    (problem,) = assess(case(HEALTHY)).stale_problems
    assert problem.text == good + "What is shown may be out of date"
    (problem,) = assess(case(IntegrationState(minute(NOW)))).stale_problems
    assert problem.text == "No poll has succeeded so far; limit 10 min. What is shown may be out of date"


def test_a_message_of_braze_becomes_one_short_line() -> None:
    for verdict in assess(case(failing_polls(HEALTHY, "<b>\u2028\ud800\n" * 200))):
        (problem,) = verdict
        assert problem.text.isprintable()
        assert problem.text.endswith("…")
        assert len(problem.text) < 400


# Ages stand still, drafts, muting, order


def test_ages_stand_still_at_the_latest_good_poll() -> None:
    known = failing_polls(state(sync(NOW - 90), running(59)))
    known = expecting(replace(known, paused=None, unscheduled=Since(minute(NOW - DAY))), NOW + 5)
    verdict = assess(case(known, sync_duration=3600.0, success_age=7200.0))
    assert {problem.kind for problem in verdict.problems} == {"unscheduled", "poll_failing"}
    assert {problem.kind for problem in verdict.stale_problems} == {"unscheduled", "stale"}


def test_what_was_wrong_stays_wrong_when_it_is_stale() -> None:
    known = state(sync(NOW - 60, ERROR), sync(NOW - 30, ERROR))
    verdict = assess(case(known))
    assert [problem.kind for problem in verdict.stale_problems] == ["stale", "failing"]
    assert verdict.stale_problems[1:] == verdict.problems


@pytest.mark.parametrize("status", ["draft", "Draft", "in DRAFT"])
def test_drafts_are_not_judged(status: str) -> None:
    listed = ListedIntegration("i", integration_status=status)
    known = failing_polls(replace(state(sync(NOW - 30, CONFIG_ERROR), listed=listed), paused=Since(minute(0))))
    assert assess(case(known)) == ((), ())


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        (Alerts.ALL, {"stale": "critical", "failing": "critical", "unknown_status": "warning"}),
        (Alerts.NO_PAGE, {"stale": "warning", "failing": "warning", "unknown_status": "warning"}),
        (Alerts.OFF, {"stale": "info", "failing": "info", "unknown_status": "info"}),
    ],
)
def test_alerts_lower_severities(alerts: Alerts, expected: dict[str, str]) -> None:
    failing = state(sync(NOW - 60, ERROR), sync(NOW - 30, ERROR))
    unknown = state(sync(NOW - 30, UNKNOWN))
    found = {
        problem.kind: problem.severity.word
        for known in (failing, unknown)
        for problem in assess(replace(case(known), alerts=alerts)).stale_problems
    }
    assert found == expected
    paused = replace(failing, paused=Since(minute(NOW)))
    (problem,) = assess(replace(case(paused), alerts=alerts)).problems
    assert problem.severity.word == ("info" if alerts is Alerts.OFF else "warning")


def test_the_worst_comes_first() -> None:
    known = failing_polls(state(sync(NOW - 3000), sync(NOW - 2500, lag=180), running(2000)))
    known = replace(known, unscheduled=Since(minute(0)))
    found = assess(case(known, lag=7200.0)).problems
    assert [(problem.kind, problem.severity.word) for problem in found] == [
        ("stuck", "critical"),
        ("behind", "warning"),
        ("poll_failing", "warning"),
        ("unscheduled", "info"),
    ]


# What hides what: contract 7.2, word for word


def _always(kind: str) -> Callable[[Case], Problem]:
    return lambda _: Problem(kind, Severity.WARNING, kind)


def _never(_: Case) -> None:
    return None


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_more_telling_kind_hides_what_follows_from_it(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ruled = tuple(replace(kind, rule=_always(kind.name) if kind.name in {one, other} else _never) for kind in PROBLEMS)
    monkeypatch.setattr(health, "PROBLEMS", ruled)
    monkeypatch.setattr(health, "_STALE", next(kind for kind in ruled if kind.name == "stale"))
    verdict = assess(case(HEALTHY))
    shown = {problem.kind for problem in (verdict.stale_problems if "stale" in {one, other} else verdict.problems)}
    assert shown == {one, other} - hidden_by(one) - hidden_by(other)


def test_one_that_is_hidden_hides_nothing() -> None:
    """A run that is not expected any more says nothing of how old the data is."""
    known = expecting(state(sync(NOW - 300, lag=120)), NOW - 60)
    assert problems(known, lag=3600.0) == {"overdue": "critical"}
    assert problems(replace(known, unscheduled=Since(minute(0))), lag=3600.0) == {
        "unscheduled": "info",
        "behind": "warning",
    }


def test_the_closed_list() -> None:
    assert sorted(KINDS) == sorted(HIGHEST)


@pytest.mark.parametrize(
    ("rows", "severity"),
    [((10,), None), ((9,), "warning"), ((0, 50, 50), "warning"), ((0, 0, 0), "critical"), ((1, 0, 0), "warning")],
)
def test_fewer_rows_than_configured_are_a_problem_and_critical_once_they_last_near_zero(
    rows: tuple[int, ...], severity: str | None
) -> None:
    syncs = [sync(NOW - 10 - 10 * place, rows=count) for place, count in enumerate(rows)]
    assert problems(state(*syncs), rows_synced=10.0) == ({"rows_low": severity} if severity else {})
    assert problems(state(*syncs)) == problems(state(*syncs), rows_synced=Keyword.OFF) == {}


def test_fewer_rows_than_configured_say_how_many_and_since_when() -> None:
    one = the(
        "rows_low",
        state(*(sync(NOW - 10 - 10 * place, rows=n) for place, n in enumerate((9, 3, 10)))),
        rows_synced=10.0,
    )
    assert (one.text, one.value, one.limit) == ("The latest sync synced 9 rows; limit 10 rows", 9, 10.0)
    assert one.since == minute(NOW - 19)  # when the first of them had finished


def test_syncs_that_failed_or_counted_no_rows_are_not_fewer_than_configured() -> None:
    failed = sync(NOW - 10, SyncStatus.ERROR, rows=3)
    assert "rows_low" not in problems(state(failed), rows_synced=10.0)
    assert problems(state(sync(NOW - 10, rows=None)), rows_synced=10.0) == {}
    # Failed ones between do not end what lasts, nor are they counted.
    low = [sync(NOW - 10 * place, rows=0) for place in (1, 3, 4)]
    assert problems(state(low[0], sync(NOW - 20, SyncStatus.ERROR, rows=50), *low[1:]), rows_synced=10.0) == {
        "rows_low": "critical"
    }
