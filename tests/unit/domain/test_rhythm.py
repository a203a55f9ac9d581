"""How often syncs start, and until when the next one must have started."""

from datetime import UTC, datetime, timedelta, tzinfo
from random import Random
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.normal import learn
from exporter.domain.past import Run, to_seconds
from exporter.domain.rhythm import learn_rhythm, to_local, to_utc
from tests.pasts import DAY, HOUR, MINUTE, MONDAY, after, every, run

BERLIN = ZoneInfo("Europe/Berlin")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """*day* of March 2026; the 2nd is a Monday."""
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC) + timedelta(days=day - 1)


def daily(first: datetime, days: int, *, skip: tuple[int, ...] = (), zone: ZoneInfo | None = None) -> list[Run]:
    """Return a sync at the same wall-clock time each day, but those weekdays."""
    starts = []
    for number in range(days):
        start = first + timedelta(days=number)
        if zone:
            start = (first.astimezone(zone) + timedelta(days=number)).astimezone(UTC)
        if start.weekday() not in skip:
            starts.append(start)
    return [run(to_seconds(start)) for start in starts]


def deadline(runs: list[Run], zone: ZoneInfo | None = None, sensitivity: str = "medium") -> datetime:
    found = learn(runs, after(runs), zone=zone).start_deadline(runs[-1], sensitivity)
    assert found is not None
    return found


def kind(runs: list[Run]) -> str:
    return learn(runs, after(runs)).rhythm.kind


def test_nothing_is_expected_of_what_never_synced_or_seldom() -> None:
    assert learn([], MONDAY).rhythm.kind == "never"
    assert learn([], MONDAY).start_deadline(run(0)) is None
    few = every(HOUR, 4 / 24)
    assert learn(few, after(few)).start_deadline(few[-1]) is None


@pytest.mark.parametrize(
    ("gap", "days", "least", "most"),
    [
        (15 * MINUTE, 10, 20 * MINUTE, 45 * MINUTE),
        (HOUR, 20, 75 * MINUTE, 150 * MINUTE),
        (6 * HOUR, 30, 7 * HOUR, 8 * HOUR),
        (DAY, 60, 25 * HOUR, 27 * HOUR),
        (7 * DAY, 90, 7 * DAY + HOUR, 7 * DAY + 12 * HOUR),
    ],
)
def test_a_regular_sync_must_start_soon_after_its_time(gap: int, days: int, least: int, most: int) -> None:
    runs = every(gap, days)
    assert kind(runs) == "regular"
    waited = (deadline(runs) - at(2, 0)).total_seconds() - (runs[-1].start - to_seconds(at(2, 0)))
    assert least <= waited <= most


def test_on_business_days_nothing_is_late_at_the_weekend() -> None:
    runs = daily(at(2, 9), 33, skip=(5, 6))
    assert kind(runs) == "business days"
    assert runs[-1].start == to_seconds(at(34, 9) - timedelta(days=0))
    friday = [each for each in runs if each.start <= to_seconds(at(27, 9))]
    assert at(30, 10) <= deadline(friday) <= at(30, 12)
    thursday = friday[:-1]
    assert at(27, 10) <= deadline(thursday) <= at(27, 12)


def test_a_single_run_on_a_saturday_makes_no_saturday_a_business_day() -> None:
    runs = daily(at(2, 9), 61, skip=(5, 6))
    runs = sorted([*runs, run(to_seconds(at(14, 15)))])
    friday = [each for each in runs if each.start <= to_seconds(at(27, 9))]
    assert at(30, 10) <= deadline(friday) <= at(30, 12)


def test_hours_without_syncs_are_not_waited_through() -> None:
    runs = [each for each in every(HOUR, 30) if 7 <= each.start % DAY // HOUR < 19]
    last = [each for each in runs if each.start <= to_seconds(at(25, 18, 1))]
    assert at(26, 8) < deadline(last) <= at(26, 10, 30)


@pytest.mark.parametrize(
    ("gap", "days", "most"),
    [(15 * MINUTE, 1.1, HOUR), (15 * MINUTE, 3, HOUR), (HOUR, 2, 3 * HOUR), (6 * HOUR, 2, 9 * HOUR)],
)
@pytest.mark.parametrize("day", [2, 4, 7])
def test_hours_and_days_that_the_past_does_not_span_yet_are_not_taken_for_asleep(
    day: int, gap: int, days: float, most: int
) -> None:
    runs = every(gap, days, first=to_seconds(at(day, 5)))
    assert gap < to_seconds(deadline(runs)) - runs[-1].start <= most


def test_a_past_of_hours_is_late_a_day_after_not_a_week_after() -> None:
    runs = every(HOUR, 10 / 24, first=to_seconds(at(3, 8)))
    assert kind(runs) == "regular"
    assert at(4, 8) < deadline(runs) < at(4, 12)


@pytest.mark.parametrize("gap", [15 * MINUTE, HOUR])
def test_a_schedule_of_business_hours_is_not_late_on_its_first_evening_or_weekend(gap: int) -> None:
    runs = [each for each in every(gap, 5, first=to_seconds(at(2, 0))) if 7 <= each.start % DAY // HOUR < 19]
    wednesday = [each for each in runs if each.start < to_seconds(at(5, 0))]
    assert at(5, 7) < deadline(wednesday) <= at(5, 9, 30)
    assert at(9, 7) < deadline(runs) <= at(9, 9, 30)


def test_an_hour_more_is_granted_when_clocks_change_unless_the_zone_is_known() -> None:
    runs = daily(datetime(2026, 9, 1, 4, 30, tzinfo=UTC), 54, zone=BERLIN)
    saturday = datetime(2026, 10, 24, 4, 30, tzinfo=UTC)
    assert runs[-1].start == to_seconds(saturday)
    moved = saturday + timedelta(days=1, hours=1)
    assert deadline(runs) > moved
    assert moved < deadline(runs, BERLIN) < moved + timedelta(hours=1)


def test_a_sync_that_overruns_its_slot_moves_the_deadline() -> None:
    runs = every(6 * HOUR, 30)
    long = [*runs[:-1], runs[-1]._replace(took=7 * HOUR)]
    later = deadline(long) - deadline(runs)
    assert later == timedelta(hours=6)


def test_a_few_outages_of_the_past_do_not_widen_the_deadline() -> None:
    runs = every(15 * MINUTE, 20)
    broken = [
        each
        for each in runs
        if not any(day * DAY < each.start - runs[0].start < day * DAY + 5 * HOUR for day in (3, 9))
    ]
    assert abs(deadline(broken) - deadline(runs)) < timedelta(seconds=1)


def test_irregular_syncs_may_be_silent_for_half_as_long_again_as_ever() -> None:
    gaps = [2, 9, 4, 1, 12, 3, 7, 5, 2, 20, 6, 3, 8, 14, 1, 19, 2, 5, 11, 4] * 3
    starts = [to_seconds(at(2, 0)) + sum(gaps[:number]) * HOUR for number in range(len(gaps))]
    runs = [run(start) for start in starts]
    assert kind(runs) == "irregular"
    waited = to_seconds(deadline(runs)) - runs[-1].start
    assert 30 * HOUR < waited < 34 * HOUR


def test_a_rhythm_that_slowed_down_is_learned_from_the_fourth_gap_on() -> None:
    hourly = every(HOUR, 20)
    slower = every(6 * HOUR, 2, first=to_seconds(at(22, 6)))
    runs = [*hourly, *slower]
    waited = to_seconds(deadline(runs)) - runs[-1].start
    assert 6 * HOUR < waited < 10 * HOUR


def test_sensitivity_moves_the_deadline() -> None:
    runs = every(HOUR, 20)
    assert deadline(runs, sensitivity="high") < deadline(runs) < deadline(runs, sensitivity="low")


def test_four_gaps_alike_by_chance_are_no_rhythm() -> None:
    random = Random(3)
    starts = [0]
    for _ in range(100):
        starts.append(starts[-1] + int(random.expovariate(1 / (3 * HOUR))) + 600)
    for _ in range(4):
        starts.append(starts[-1] + 6 * HOUR)
    rhythm = learn_rhythm(starts, zoned=False)
    assert rhythm.kind == "irregular"
    assert rhythm.limit_seconds is not None
    assert rhythm.limit_seconds > 12 * HOUR


@pytest.mark.parametrize("zone", [None, UTC, BERLIN])
def test_a_moment_is_in_utc_whatever_the_zone(zone: tzinfo | None) -> None:
    noon = at(2, 12)
    assert to_local(to_seconds(noon), zone) == to_seconds(noon) + HOUR * (zone is BERLIN)
    assert to_utc(to_local(to_seconds(noon), zone), zone) == noon
    assert to_utc(to_local(to_seconds(noon), zone), zone).tzinfo is UTC
