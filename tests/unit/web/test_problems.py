from dataclasses import replace
from datetime import timedelta

import pytest

from exporter.domain.model import Failure, Integration, Snapshot
from exporter.web.problems import KINDS, Severity, find_problems, is_stale, worst
from tests.unit.web.samples import NOW, ago, realistic_status, snapshot, sync


def kinds(one: Snapshot) -> list[str]:
    return [problem.kind for problem in find_problems(one, NOW)]


def test_a_healthy_integration_has_no_problem() -> None:
    assert kinds(snapshot("users")) == []
    assert worst(()) is Severity.OK


def test_an_integration_without_syncs_or_polls_has_no_problem() -> None:
    assert kinds(snapshot("never_run", ())) == []
    assert kinds(Snapshot(Integration("production", "1", "just_added"))) == []


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        (("error", "success"), "The newest finished sync failed with error"),
        (("config_error", "error", "success"), "2 failed syncs in a row, the newest with config_error"),
        (("running", "error", "success"), "The newest finished sync failed with error"),
    ],
)
def test_a_failed_sync_is_critical_until_one_succeeds(statuses: tuple[str, ...], text: str) -> None:
    (problem,) = find_problems(snapshot("users", statuses), NOW)
    assert (problem.kind, problem.severity, problem.text) == ("sync_failed", Severity.CRITICAL, text)
    assert kinds(snapshot("users", ("success", *statuses))) == []


def test_a_failed_sync_whose_rows_failed_too_is_told_once() -> None:
    failed = sync(ago(minutes=5), "error", failed=12)
    assert kinds(snapshot("users", newest=failed, newest_finished=failed)) == ["sync_failed"]


def test_failed_rows_are_a_warning_whatever_the_status_says() -> None:
    partial = sync(ago(minutes=5), "partial", failed=None)
    success = sync(ago(minutes=5), "success", failed=1234)
    (of_partial,) = find_problems(snapshot("users", newest_finished=partial), NOW)
    (of_success,) = find_problems(snapshot("users", newest_finished=success), NOW)
    assert of_partial.text == "In the newest finished sync some rows failed"
    assert of_success.text == "In the newest finished sync 1,234 rows failed"
    assert of_success.severity is Severity.WARNING


@pytest.mark.parametrize(("seconds", "expected"), [(60, []), (61, ["future_watermark"])])
def test_a_watermark_in_the_future_is_a_problem_beyond_the_difference_of_clocks(
    seconds: int, expected: list[str]
) -> None:
    assert kinds(snapshot("users", last_timestamp_synced=NOW + timedelta(seconds=seconds))) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(600, []), (601, ["overdue"])])
def test_a_sync_that_did_not_start_is_overdue_after_ten_minutes(seconds: int, expected: list[str]) -> None:
    assert kinds(snapshot("users", expected_run_at=ago(seconds=seconds), last_poll_success_at=NOW)) == expected


def test_a_sync_is_not_called_overdue_for_the_time_in_which_nobody_could_see_it_start() -> None:
    failing = snapshot("users", expected_run_at=ago(hours=2), up=False, failure=Failure("timeout", "", NOW))
    assert kinds(replace(failing, last_poll_success_at=ago(hours=2))) == ["poll_failing"]
    assert kinds(replace(failing, last_poll_success_at=ago(hours=1))) == ["overdue", "poll_failing"]
    assert kinds(replace(failing, last_poll_success_at=None)) == ["poll_failing"]


def test_an_overdue_sync_tells_how_late_it_is_by_now() -> None:
    (problem,) = find_problems(snapshot("users", expected_run_at=ago(minutes=20)), NOW)
    assert problem.text == "A sync expected 20 min ago has not started"


def test_no_sync_is_overdue_while_one_runs() -> None:
    running = snapshot("users", ("running", "success"), expected_run_at=ago(hours=1))
    assert kinds(running) == []


def test_a_failing_poll_is_a_warning_and_critical_once_values_are_stale() -> None:
    failure = Failure("timeout", "no answer within 20 s", ago(seconds=20))
    failing = snapshot("users", up=False, failure=failure, last_poll_success_at=ago(minutes=3))
    assert kinds(failing) == ["poll_failing"]
    stale = replace(failing, stale_at=NOW)
    assert is_stale(stale, NOW)
    assert kinds(stale) == ["stale", "poll_failing"]
    assert worst(find_problems(stale, NOW)) is Severity.CRITICAL


def test_a_poll_that_never_succeeded_says_so() -> None:
    failing = Snapshot(
        Integration("production", "1", "users"), up=False, failure=Failure("auth", "401", ago(seconds=1)), stale_at=None
    )
    (problem,) = find_problems(failing, NOW)
    assert problem.text == "Polling fails with auth, never succeeded so far"


@pytest.mark.parametrize(("minutes", "expected"), [(7, []), (8, ["running_long"])])
def test_a_run_is_long_compared_with_the_longest_known_one(minutes: int, expected: list[str]) -> None:
    # The longest of the history takes 123 s: three times that and a minute are 7 min 9 s.
    running = snapshot("users", ("running", *("success",) * 5), newest_at=ago(minutes=minutes))
    assert kinds(running) == expected


def test_without_enough_history_no_run_is_called_long() -> None:
    assert kinds(snapshot("users", ("running", "success", "success"), newest_at=ago(days=3))) == []


def test_an_unknown_status_is_a_warning() -> None:
    assert kinds(snapshot("users", ("unknown", "success"))) == ["unknown_status"]


def test_the_worst_problem_comes_first() -> None:
    one = snapshot(
        "users",
        ("error", "success"),
        up=False,
        failure=Failure("timeout", "", NOW),
        expected_run_at=ago(hours=1),
    )
    assert kinds(one) == ["sync_failed", "overdue", "poll_failing"]


def test_the_samples_show_every_kind_of_problem() -> None:
    status = realistic_status()
    shown = {kind for workspace in status.workspaces for one in workspace.snapshots for kind in kinds(one)}
    assert shown == set(KINDS)
