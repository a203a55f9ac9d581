"""What is said of syncs that are unlike the usual, and what configured limits change about it."""

from dataclasses import replace

import pytest

from exporter.domain import health_trends
from exporter.domain.learned import Learned
from exporter.domain.limits import Keyword, Setting
from exporter.domain.model import Sync
from exporter.domain.problem import Case, Problem, Severity
from exporter.domain.trends import Trend
from tests.histories import minute
from tests.judging import ERROR, HEALTHY, NOW, case, running, state, sync

BEGAN = minute(NOW - 300)
SLOW = Trend("slow", BEGAN, 7200.0, 3600.0, 1800.0)
LOW = Trend("rows_low", BEGAN, 12.0, 105.4, 1234.5)
HIGH = Trend("rows_high", BEGAN, 54321.0, 2049.0, 99.4)
SAME = Trend("resynced", BEGAN, 1300.0, 1200.0, 0.0)


def learned(*trends: Trend, **limits: Setting) -> Case:
    return replace(case(HEALTHY, **limits), learned=Learned(trends=trends))


@pytest.mark.parametrize(("critical", "severity"), [(False, Severity.WARNING), (True, Severity.CRITICAL)])
def test_a_trend_is_told_with_what_is_usual_and_the_limit(critical: bool, severity: Severity) -> None:
    slow, low, high, same = (replace(each, critical=critical) for each in (SLOW, LOW, HIGH, SAME))
    all_of_them = learned(low, high, slow, same)
    assert health_trends.slow(all_of_them) == Problem(
        "slow",
        severity,
        "The latest syncs took 2 h, usually 30 min; limit 1 h for several in a row",
        BEGAN,
        7200.0,
        3600.0,
    )
    assert health_trends.rows_low(all_of_them) == Problem(
        "rows_low",
        severity,
        "The latest sync had 12 rows, usually 1,200 at this time of the week; limit at least 110",
        BEGAN,
        12.0,
        110.0,
    )
    assert health_trends.rows_high(all_of_them) == Problem(
        "rows_high",
        severity,
        "The latest sync had 54,321 rows, usually 99 at this time of the week; limit at most 2,000",
        BEGAN,
        54321.0,
        2000.0,
    )
    assert health_trends.resynced(all_of_them) == Problem(
        "resynced",
        severity,
        "1,300 syncs in a row synced rows while the watermark stood still at 2026-03-10 23:31 UTC; limit 1,200",
        BEGAN,
        1300.0,
        1200.0,
    )


def test_a_watermark_that_is_not_known_is_not_told() -> None:
    unknown = replace(learned(SAME), state=state(sync(NOW - 30, lag=None)))
    problem = health_trends.resynced(unknown)
    assert problem is not None
    assert problem.text == "1,300 syncs in a row synced rows while the watermark stood still; limit 1,200"


def test_without_a_trend_nothing_is_wrong() -> None:
    assert health_trends.slow(learned(LOW, HIGH, SAME)) is None
    assert health_trends.rows_low(learned(SLOW, HIGH, SAME)) is None
    assert health_trends.rows_high(learned(SLOW, LOW, SAME)) is None
    assert health_trends.resynced(learned(SLOW, LOW, HIGH)) is None


@pytest.mark.parametrize(
    ("limit", "is_slow"), [(Keyword.AUTO, True), (Keyword.OFF, False), (7199.0, True), (7200.0, False), (7201.0, False)]
)
def test_slow_syncs_are_fine_up_to_a_configured_limit(limit: Setting, is_slow: bool) -> None:
    assert (health_trends.slow(learned(SLOW, sync_duration=limit)) is not None) is is_slow


@pytest.mark.parametrize(("limit", "low", "high"), [(Keyword.AUTO, 1, 1), (Keyword.OFF, 0, 0), (50.0, 0, 1)])
def test_a_limit_of_rows_replaces_what_is_learned_of_fewer_and_off_silences_both(
    limit: Setting, low: bool, high: bool
) -> None:
    found = learned(LOW, HIGH, rows_synced=limit)
    assert (health_trends.rows_low(found) is not None) == low
    assert (health_trends.rows_high(found) is not None) == high


def syncs(*rows: int | str | None) -> list[Sync]:
    """The latest syncs, the latest first, half an hour apart; an error where it says so."""
    return [
        sync(NOW - 30 * place, ERROR, rows=0) if isinstance(each, str) else sync(NOW - 30 * place, rows=each)
        for place, each in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize(
    ("rows", "severity", "since"),
    [
        ([99], "warning", 30),
        ([100, 50], None, 0),
        ([None, 50], None, 0),
        (["error", 50], None, 0),
        ([99, 50, 0, 100, 50], "warning", 90),
        ([50, None, 50], "warning", 30),
        ([1, 1, 1, 5000], "critical", 90),
        ([1, 0, "error", 1], "critical", 120),
        ([1, 1, 1, 50], "critical", 120),
        ([1, 1], "warning", 60),
        ([1, "error", 1], "warning", 90),
        ([2, 1, 1, 1], "warning", 120),
        ([1, 1, 2], "warning", 90),
        ([1, None, 1, 1], "warning", 30),
    ],
)
def test_fewer_rows_than_configured_are_critical_once_three_syncs_have_next_to_none(
    rows: list[int | str | None], severity: str | None, since: int
) -> None:
    problem = health_trends.rows_low(case(state(*syncs(*rows)), rows_synced=100.0))
    if severity is None:
        assert problem is None
        return
    assert problem is not None
    assert (problem.severity.word, problem.since) == (severity, minute(NOW - since + 1))


def test_rows_are_those_of_the_latest_sync_that_has_finished() -> None:
    known = case(state(running(5), *syncs(1, 1, 1)), rows_synced=1000.0)
    text = "The latest sync synced 1 row; limit 1,000 rows"
    assert health_trends.rows_low(known) == Problem("rows_low", Severity.CRITICAL, text, minute(NOW - 89), 1, 1000)
    assert health_trends.rows_low(case(state(running(5)), rows_synced=100.0)) is None


@pytest.mark.parametrize(("limit", "is_low"), [(0.0, False), (1.0, True)])
def test_a_limit_of_no_rows_is_kept_by_every_sync(limit: float, is_low: bool) -> None:
    assert (health_trends.rows_low(case(state(*syncs(0)), rows_synced=limit)) is not None) is is_low
