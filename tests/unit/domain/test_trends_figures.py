"""What is said of the latest syncs, against figures that can be followed by hand; `test_trends.py` says what for."""

from dataclasses import replace
from datetime import timedelta, timezone
from math import log

import pytest

from exporter.domain.durations import Durations, Explained
from exporter.domain.normal import Normal
from exporter.domain.past import Run, to_moment
from exporter.domain.trends import Trend, judge_latest
from tests.pasts import DAY, FIRST, HOUR, WEEK, failure, run, usually

DURATIONS = Durations(100.0, 0.1, 400.0, (log(2),) * 4, Explained(100.0, 0.0, 1000.0, 1000.0))
USUAL = 1000


def hourly(*rows: int, gap: int = HOUR) -> list[Run]:
    return [run(FIRST + number * gap, count) for number, count in enumerate(rows)]


def about(value: float) -> float:
    """Return what is equal to that but for rounding."""
    return pytest.approx(value)  # type: ignore[return-value]


def low(began_at: int, *, critical: bool = False) -> Trend:
    """No rows. With one more each they are clearly fewer below a half of the usual."""
    return Trend("rows_low", to_moment(began_at), 0.0, about(499.5), about(1000), critical=critical)


def test_nothing_is_wrong_with_no_syncs_nor_against_nothing_learned() -> None:
    assert judge_latest([], Normal(rows=usually(USUAL, HOUR), durations=DURATIONS, frozen=0)) == ()
    assert judge_latest(hourly(*[0] * 9), Normal()) == ()
    assert judge_latest([failure(FIRST)], Normal(rows=usually(USUAL, HOUR), durations=DURATIONS, frozen=0)) == ()


def test_syncs_that_take_three_times_the_usual_are_slow() -> None:
    runs = [run(FIRST + number * HOUR, took=100 if number < 20 else 300) for number in range(23)]
    normal = Normal(durations=DURATIONS)
    began_at = to_moment(FIRST + 20 * HOUR)
    assert judge_latest(runs, normal) == (Trend("slow", began_at, 300.0, about(200), 100.0),)
    assert judge_latest(runs, normal, "low") == (Trend("slow", began_at, 300.0, about(100 * 2**1.5), 100.0),)
    assert judge_latest([each._replace(took=270) for each in runs], normal, "low") == ()


def test_rows_are_low_from_the_first_sync_on_that_is_off() -> None:
    normal = Normal(rows=usually(USUAL, HOUR))
    assert judge_latest(hourly(*[1000] * 9, 0, 0, 0), normal) == (low(FIRST + 9 * HOUR),)
    assert judge_latest(hourly(*[1000] * 9, 0, 0), normal) == ()
    assert judge_latest(hourly(*[1000] * 9, *[0] * 36), normal) == (low(FIRST + 9 * HOUR),)
    assert judge_latest(hourly(*[1000] * 9, *[0] * 37), normal) == (low(FIRST + 9 * HOUR, critical=True),)


def test_rows_are_high_beyond_twice_the_usual() -> None:
    normal = Normal(rows=usually(USUAL, HOUR))
    high = Trend("rows_high", to_moment(FIRST), 6000.0, about(2001), about(1000))
    assert judge_latest(hourly(*[6000] * 55), normal) == (high,)
    assert judge_latest(hourly(*[6000] * 54), normal) == ()


def test_sensitivity_widens_the_usual_and_the_depth() -> None:
    normal = Normal(rows=usually(USUAL, HOUR))
    (trend,) = judge_latest(hourly(*[0] * 10), normal, "low")
    assert (trend.limit, trend.usual) == (about(1001 / 2**1.5 - 1), about(1000))
    assert [len(judge_latest(hourly(*[120] * 10), normal, each)) for each in ("low", "medium", "high")] == [0, 1, 1]


def test_failed_syncs_and_ones_without_counts_are_not_looked_at_and_rows_that_failed_count() -> None:
    normal = Normal(rows=usually(USUAL, HOUR))
    zeros = hourly(0, 0, 0, 0, 0)
    zeros[1], zeros[3] = failure(zeros[1].start), run(zeros[3].start, None, rows_failed=None)
    assert judge_latest(zeros, normal) == (low(FIRST),)
    assert judge_latest(zeros[1:], normal) == ()
    failed = [each._replace(rows_failed=900) for each in hourly(*[100] * 9)]
    assert judge_latest(failed, normal) == ()
    assert judge_latest([each._replace(rows_failed=None) for each in failed], normal) != ()


def test_rows_of_a_sync_soon_after_another_are_few() -> None:
    """What piled up is since the last sync that did not fail."""
    normal = Normal(rows=usually(USUAL, WEEK))
    starts = (0, WEEK, WEEK + DAY)
    soon = [run(FIRST + start, rows) for start, rows in zip(starts, (1000, 1000, 120), strict=True)]
    assert judge_latest(soon, normal) == ()
    assert judge_latest([soon[0], failure(soon[1].start), soon[2]], normal) != ()


def test_what_is_usual_is_that_of_the_local_time() -> None:
    """FIRST is a Monday in UTC and in the zone. Double the usual rows come at two in the night there."""
    cells = [0.0] * 168
    cells[4 * 24 + 2] = log(2)
    rows = replace(usually(USUAL, HOUR), cells=tuple(cells))
    night = run(FIRST, 0)
    before = [run(FIRST - hours * HOUR, 0) for hours in (2, 1)]
    for zone, usual in ((timezone(timedelta(hours=2)), 2001), (None, 1000)):
        (trend,) = judge_latest([*before, night], Normal(rows=rows, zone=zone))
        assert (trend.began_at, trend.usual) == (to_moment(FIRST - 2 * HOUR), about(usual))


def test_a_sync_at_a_time_at_which_none_ever_came_is_not_judged() -> None:
    rows = replace(usually(USUAL, HOUR), cells=(*[0.0] * 99, None, *[0.0] * 68))
    assert judge_latest(hourly(0, 0, 0, 7), Normal(rows=rows)) == (low(FIRST),)


def test_thirty_two_days_are_looked_at() -> None:
    normal = Normal(rows=usually(USUAL, DAY))
    (trend,) = judge_latest(hourly(*[0] * 40, gap=DAY), normal)
    assert trend.began_at == to_moment(FIRST + 7 * DAY)
    (trend,) = judge_latest(hourly(*[0] * 33, gap=DAY), normal)
    assert trend.began_at == to_moment(FIRST)


@pytest.mark.parametrize(
    ("lags", "rows", "frozen", "again"),
    [
        # By how many hours the watermark is behind each sync; the same moment as before where an hour is added.
        ((0, 0, 1, 2), (9, 9, 9, 9), 0, 2),
        ((0, 0, 0, 1), (9, 9, 9, 9), 0, None),  # once is not again and again
        ((0, 1, 2, 3), (9, 9, 9, 9), 0, 3),
        ((0, 1, 2, 3), (9, 9, 9, 9), 1, 3),
        ((0, 1, 2, 3), (9, 9, 9, 9), 2, 3),
        ((0, 1, 2, 3), (9, 9, 9, 9), 3, None),  # came before
        ((0, 1, 2, 3), (9, 9, 9, 9), None, None),  # does not usually move
        ((0, 1, 2, 3), (9, 0, 9, 9), 0, 2),  # without rows nothing comes again
        ((0, 1, 2, 3), (9, 0, None, 9), 0, None),
        ((0, 1, None, 3), (9, 9, 9, 9), 0, 2),  # not known, or failed
        ((0, 1, 2, 3, 0), (9, 9, 9, 9, 9), 0, None),  # has moved since
    ],
)
def test_rows_from_the_same_watermark_are_resynced(
    lags: tuple[int | None, ...], rows: tuple[int | None, ...], frozen: int | None, again: int | None
) -> None:
    runs = [
        run(FIRST + number * HOUR, count, took=0, lag=None if lag is None else lag * HOUR)
        for number, (lag, count) in enumerate(zip(lags, rows, strict=True))
    ]
    runs.append(failure(FIRST + 9 * HOUR)._replace(lag=0))
    found = judge_latest(runs, Normal(frozen=frozen))
    if again is None:
        assert found == ()
    else:
        first = next(number for number, lag in enumerate(lags) if lag is not None and lags[number + 1] == lag + 1)
        limit = max(1, frozen or 0)
        assert found == (Trend("resynced", to_moment(FIRST + first * HOUR), float(again), float(limit), 0.0),)
