"""What the past says at present, from what is normal: figures for the latest sync, and which syncs were odd."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import exp, log

import pytest

from exporter.domain.durations import Durations, Explained
from exporter.domain.learned import Learned, compare, learn_past
from exporter.domain.limits import Limit, Limits, LimitSettings, Sensitivity, Source
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.normal import Normal, learn
from exporter.domain.past import HISTORY, Run, to_moment
from exporter.domain.rhythm import Rhythm
from exporter.domain.rows import Rows
from exporter.domain.summary import Summary
from exporter.domain.trends import Trend
from tests.pasts import DAY, FIRST, HOUR, MINUTE, MONDAY, after, every, failure, run

LOW, MEDIUM, HIGH = Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH
WEST = timezone(timedelta(hours=-1))
"""There it still is Sunday at the first moment of MONDAY."""
LEVEL = log(1001)
ROWS = Rows(
    syncs=40,
    gap_seconds=float(DAY),
    long_gap_seconds=float(DAY),
    unit=DAY,
    origin=0,
    level=LEVEL,
    cells=(None, 1.0, 1.0, log(3), 0.0, 1.0, 1.0),  # the first is that of a Thursday
    noise=0.1,
    drift=0.1,
    zeros=0.0,
    zoned=False,
)
DURATIONS = Durations(600.0, 0.1, 2400.0, (1.0,) * 4, Explained(600.0, 0.0, 100.0, 1000.0))
RHYTHM = Rhythm("regular", 3600.0, 5400.0, lateness_seconds=1200.0)
NORMAL = Normal(40, RHYTHM, DURATIONS, ROWS, 0.05, (100.0, *(200.0,) * 5, 300.0), 7200.0)
KNOWN = Learned(NORMAL)
SLOW = Trend("slow", MONDAY, 1200.0, 600.0, 600.0)


def sync(start: float = 0, took: float = 2, rows: int | None = 900, failed: int | None = 100) -> Sync:
    """A sync so many minutes after the first moment of a Monday."""
    at = MONDAY + timedelta(minutes=start)
    return Sync(at, SyncStatus.SUCCESS, at + timedelta(minutes=took), None, rows, failed)


# What is usual


def test_what_is_usual_is_that_of_the_time_of_the_week() -> None:
    assert KNOWN.usual_duration_seconds == 600
    assert [KNOWN.usual_rows(sync(days * 24 * 60)) for days in (0, 3, 6)] == [1000, None, 3000]
    assert KNOWN.usual_rows(None) is None
    assert Learned(replace(NORMAL, zone=WEST)).usual_rows(sync()) == 3000
    nothing = Learned()
    assert (nothing.usual_duration_seconds, nothing.usual_rows(sync()), nothing.changes) == (None, None, ())


@pytest.mark.parametrize(
    ("factor", "words"), [(3.0, "3 times"), (2.53, "2.5 times"), (1.0, "1 times"), (0.5, "50% of"), (0.0123, "1.2% of")]
)
def test_what_has_become_usual_for_good_is_told_with_its_day(factor: float, words: str) -> None:
    rows = replace(ROWS, level_since=FIRST + DAY, level_before=LEVEL - log(factor))
    learned = Learned(replace(NORMAL, rows=rows))
    assert learned.changes == (f"rows are {words} what they were, since 2026-03-03",)
    both = Learned(replace(learned.normal, durations=replace(DURATIONS, changed_at=FIRST)))
    assert both.changes == (*learned.changes, "durations have changed, on 2026-03-02")
    assert KNOWN.changes == ()


# The deadline of the next start


def minutes(deadline: datetime | None) -> float | None:
    return None if deadline is None else (deadline - MONDAY) / timedelta(minutes=1)


@pytest.mark.parametrize(
    ("delay", "sensitivity", "deadline"),
    [
        (Limit(600.0, Source.LEARNED), MEDIUM, 90),
        (Limit(600.0, Source.DEFAULT), MEDIUM, 90),
        (Limit(600.0, Source.CONFIGURED), MEDIUM, 70),
        (Limit(600.0, Source.LEARNED), LOW, 105),
        (Limit(600.0, Source.LEARNED), HIGH, 81),
    ],
)
def test_the_next_sync_must_start_by_the_learned_rhythm_or_within_a_configured_delay(
    delay: Limit, sensitivity: Sensitivity, deadline: float
) -> None:
    assert minutes(KNOWN.deadline(sync(), None, delay, sensitivity)) == pytest.approx(deadline)


@pytest.mark.parametrize(("resumed", "deadline"), [(None, 210), (-1, 210), (0, 210), (1, 91), (60, 150)])
def test_after_a_resumption_the_rhythm_begins_anew(resumed: float | None, deadline: float) -> None:
    resumed_at = None if resumed is None else MONDAY + timedelta(minutes=resumed)
    delay = Limit(None, Source.LEARNED)
    assert minutes(KNOWN.deadline(sync(took=120), resumed_at, delay, MEDIUM)) == deadline


def test_no_deadline_is_later_than_the_end_of_the_calendar() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    assert KNOWN.deadline(Sync(end, SyncStatus.SUCCESS), None, Limit(None, Source.LEARNED), MEDIUM) == end


# Limits


def limits(learned: Learned, summary: Summary, sensitivity: Sensitivity = MEDIUM) -> Limits:
    return learned.limits(LimitSettings(sensitivity=sensitivity), summary)


def summary(latest: Sync) -> Summary:
    return Summary(latest, latest)


@pytest.mark.parametrize(
    ("sensitivity", "learned"),
    [
        (MEDIUM, (0.05, 2100.0, 2400.0, 100.0, 7200.0, 500.0, 2000.0)),
        (LOW, (0.075, 3150.0, 600 * 4**1.5, 150.0, 10800.0, 350.0, 2800.0)),
        (HIGH, (0.035, 1470.0, 600 * 4**0.7, 70.0, 5040.0, 620.0, 1600.0)),
    ],
)
def test_limits_are_those_of_the_latest_sync(sensitivity: Sensitivity, learned: tuple[float, ...]) -> None:
    found = limits(KNOWN, summary(sync()), sensitivity)
    of_the_past = {name: limit for name, limit in found if name != "failed_syncs"}
    assert [limit.value for limit in of_the_past.values()] == pytest.approx(list(learned))
    assert {(limit.source, limit.syncs) for limit in of_the_past.values()} == {(Source.LEARNED, 40)}
    assert found.failed_syncs == Limit(1.0, Source.DEFAULT)


def test_before_a_sync_has_finished_there_is_no_limit_that_depends_on_one() -> None:
    def learned(known: Summary) -> list[str]:
        return [name for name, limit in limits(KNOWN, known) if limit.source is Source.LEARNED]

    assert learned(Summary()) == ["failed_rows", "start_delay", "success_age"]
    assert learned(Summary(sync())) == ["failed_rows", "start_delay", "sync_duration", "success_age"]
    assert limits(KNOWN, Summary()).failed_rows.value == 0.05


@pytest.mark.parametrize(
    ("rows", "failed", "share"), [(4, 1, 1 / 5), (None, 4, 1 / 4), (4, None, 1 / 4), (None, None, 0.05), (999, 1, 0.05)]
)
def test_of_few_rows_one_may_fail(rows: int | None, failed: int | None, share: float) -> None:
    assert limits(KNOWN, summary(sync(rows=rows, failed=failed))).failed_rows.value == share


def test_lag_and_rows_are_those_of_the_time_at_which_the_finished_sync_started() -> None:
    two = Summary(sync(24 * 60), sync())
    assert limits(Learned(replace(NORMAL, zone=WEST)), two).lag.value == 300
    assert [limits(KNOWN, one).lag.value for one in (two, summary(sync(24 * 60)))] == [100, 200]
    assert limits(KNOWN, two).rows_synced.value == 500
    assert limits(KNOWN, summary(sync(3 * 24 * 60))).rows_synced.value is None


def test_a_sync_may_take_longer_while_syncs_are_slow_after_many_rows_and_after_a_long_pause() -> None:
    def seconds(learned: Learned, latest: Sync) -> float | None:
        return limits(learned, summary(latest)).sync_duration.value

    assert seconds(replace(KNOWN, trends=(replace(SLOW, problem="resynced"),)), sync()) == 2400
    assert seconds(replace(KNOWN, trends=(SLOW,)), sync()) == 4800
    assert seconds(replace(KNOWN, latest_good=run(FIRST - HOUR)), sync()) == 2400
    assert seconds(replace(KNOWN, latest_good=run(FIRST - 10 * HOUR)), sync()) == pytest.approx(2.5 * 2400)
    many = seconds(replace(KNOWN, latest_good=run(FIRST - HOUR, 5000)), sync())
    assert many == pytest.approx(2400 * 5001 / 1201 * exp(-0.5))


# The latest syncs


PARTIAL = SyncStatus.PARTIAL


@pytest.mark.parametrize(
    ("runs", "good", "rows_failed"),
    [
        ([], None, None),
        ([failure(FIRST)], None, None),
        ([run(FIRST), run(FIRST + HOUR), failure(FIRST + 2 * HOUR)], 1, None),
        ([run(FIRST, rows_failed=3), run(FIRST + HOUR, rows_failed=1), run(FIRST + 2 * HOUR)], 2, 1),
        ([run(FIRST, status=PARTIAL, rows_failed=None), run(FIRST + HOUR, rows_failed=None)], 1, 0),
        ([run(FIRST, status=PARTIAL)], 0, 0),
    ],
)
def test_the_latest_good_sync_and_the_latest_with_failed_rows_are_known(
    runs: list[Run], good: int | None, rows_failed: int | None
) -> None:
    learned = compare(runs, NORMAL, MEDIUM)
    assert learned.normal == NORMAL
    assert learned.latest_good == (None if good is None else runs[good])
    finish = None if rows_failed is None else to_moment(runs[rows_failed].start + 2 * MINUTE)
    assert learned.rows_failed_at == finish


@pytest.mark.parametrize(("sensitivity", "slow"), [(LOW, False), (MEDIUM, True), (HIGH, True)])
def test_the_latest_syncs_are_compared_as_sensitively_as_is_configured(sensitivity: Sensitivity, slow: bool) -> None:
    took = [600, 600, 600, *[round(600 * exp(1.2))] * 3]
    runs = [run(FIRST + n * HOUR, took=seconds) for n, seconds in enumerate(took)]
    learned = compare(runs, replace(NORMAL, rows=None), sensitivity)
    assert [trend.problem for trend in learned.trends] == ["slow"] * slow
    assert (learned.trend("slow") is not None) is slow
    assert learned.trend("resynced") is None


def test_what_is_learned_from_a_past_is_what_is_normal_and_how_its_latest_syncs_compare() -> None:
    runs = every(DAY, 100)
    at = after(runs)
    usual = learn_past(runs, at, MEDIUM)
    assert usual == compare(runs, learn(runs, at, history=HISTORY), MEDIUM)
    shorter = learn_past(runs, at, HIGH, history=timedelta(days=30), zone=WEST)
    assert shorter == compare(runs, learn(runs, at, history=timedelta(days=30), zone=WEST), HIGH)
    assert (usual.normal.learned_syncs, shorter.normal.learned_syncs) == (90, 30)
