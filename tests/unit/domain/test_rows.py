"""What is usual of rows, on figures that can be followed by hand; `test_trends.py` says what they are for."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, expm1, log, log1p

import pytest

from exporter.domain.rows import Rows, learn_rows

HOUR, DAY = 3600, 86400
HOURLY = Rows(
    syncs=500,
    gap_seconds=HOUR,
    long_gap_seconds=2 * HOUR,
    unit=HOUR,
    origin=0,
    level=log1p(1000),
    cells=(0.0, 0.5, -1.0, None, None, *[0.0] * 163),
    noise=0.1,
    drift=0.1,
    zeros=0.0,
    zoned=False,
)
DAILY = replace(HOURLY, gap_seconds=DAY, unit=DAY, origin=1000, cells=(0.0, 0.5, None, 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("gap", "kind", "calm"),
    [
        (HOUR, 0, 3),
        (5 * HOUR - 1, 0, 3),
        (5 * HOUR, 1, 2),
        (20 * HOUR - 1, 1, 2),
        (20 * HOUR, 2, 1),
        (5 * DAY - 1, 2, 1),
        (5 * DAY, 3, 1),
    ],
)
def test_classes_of_syncs_by_how_they_follow_one_another(gap: int, kind: int, calm: int) -> None:
    rows = replace(HOURLY, gap_seconds=gap)
    assert (rows.kind, rows.calm) == (kind, calm)


def test_a_time_of_the_week_is_the_same_every_week() -> None:
    assert [HOURLY.cell(at) for at in (0, HOUR - 1, HOUR, 167 * HOUR, 168 * HOUR)] == [0, 0, 1, 167, 0]
    assert [DAILY.cell(at) for at in (999, 1000, 1000 + DAY, 1000 + 7 * DAY)] == [6, 0, 1, 0]


def test_an_hour_is_judged_with_the_ones_beside_it_while_clocks_may_change() -> None:
    level = HOURLY.level
    assert HOURLY.around(HOUR) == pytest.approx((level - 1, level + 0.5, level + 0.5))
    assert HOURLY.around(0) == pytest.approx((level, level, level + 0.5))
    assert HOURLY.around(3 * HOUR) == pytest.approx((level - 1, level - 1, level - 1))
    assert HOURLY.around(4 * HOUR) == pytest.approx((level, level, level))
    assert replace(HOURLY, cells=(1.0, None, 2.0, *[None] * 165)).around(HOUR) == pytest.approx(
        (level + 1, level + 1.5, level + 2)
    )
    assert replace(HOURLY, cells=(0.0, *[None] * 167)).around(3 * HOUR) is None
    assert replace(HOURLY, zoned=True).around(HOUR) == (level + 0.5,) * 3
    assert replace(HOURLY, zoned=True).around(3 * HOUR) is None


def test_a_day_is_judged_by_itself() -> None:
    assert DAILY.around(1000 + DAY) == (DAILY.level + 0.5,) * 3
    assert DAILY.around(1000 + 2 * DAY) is None
    assert DAILY.band(1000 + 2 * DAY) is None
    assert DAILY.bounds(1000 + 2 * DAY, None) is None


def test_rows_may_be_half_and_twice_or_three_spreads_off() -> None:
    assert DAILY.band(1000) == pytest.approx((expm1(DAILY.level - log(2)), 1000, expm1(DAILY.level + log(2))))
    wide = replace(DAILY, noise=0.5)
    assert wide.band(1000) == pytest.approx((expm1(DAILY.level - 1.5), 1000, expm1(DAILY.level + 1.5)))
    assert wide.band(1000, 2.0) == pytest.approx((expm1(DAILY.level - 3), 1000, expm1(DAILY.level + 3)))
    assert replace(wide, level=0.1).band(1000, 2.0) == pytest.approx((0, expm1(0.1), expm1(3.1)))
    assert replace(DAILY, level=-1.0).band(1000) == (0, 0, 0)
    low, usual, high = HOURLY.band(HOUR) or (0, 0, 0)
    assert low == pytest.approx(expm1(HOURLY.level - 1 - log(2)))
    assert usual == pytest.approx(expm1(HOURLY.level + 0.5))
    assert high == pytest.approx(expm1(HOURLY.level + 0.5 + log(2)))


@pytest.mark.parametrize(
    ("gap", "share"),
    [
        (None, 0.0),
        (0.67 * HOUR + 1, 0.0),
        (0.67 * HOUR, log(0.67)),
        (2.4 * HOUR - 1, 0.0),
        (2.4 * HOUR, log(1.2)),
        (0.5 * HOUR, log(0.5)),
        (6 * HOUR, log(3)),
        (0, log(1 / HOUR)),
    ],
)
def test_a_gap_that_is_longer_or_shorter_brings_more_or_fewer_rows(gap: int | None, share: float) -> None:
    assert HOURLY.uneven(gap) == pytest.approx(share)
    low, usual, high = HOURLY.around(0) or (0, 0, 0)
    assert HOURLY.bounds(0, gap) == pytest.approx((low + min(0, share), usual + share, high + max(0, share)))


def test_clearly_off_is_a_third_or_more_than_the_noise() -> None:
    assert HOURLY.margin == 0.35
    assert replace(HOURLY, noise=1.0).margin == 1.2


def learned(gap: int, counts: list[int], *, zoned: bool = False) -> Rows:
    found = learn_rows([number * gap for number in range(len(counts))], counts, zoned=zoned)
    assert found is not None
    return found[0]


def test_the_same_rows_each_time_are_usual() -> None:
    assert learn_rows([0, 1, 2, 3], [5, 5, 5, 5], zoned=False) is None
    for gap, unit, size in ((HOUR, HOUR, 168), (5 * HOUR, HOUR, 168), (20 * HOUR, DAY, 7), (5 * DAY, DAY, 1)):
        rows = learned(gap, [1000] * 400)
        assert (rows.syncs, rows.gap_seconds, rows.long_gap_seconds) == (400, gap, gap)
        assert (rows.unit, len(rows.cells)) == (unit, size)
        assert (rows.band(7 * gap) or (0, 0, 0))[1] == pytest.approx(1000)
        assert rows.zeros == 0
        assert 0.08 < rows.noise < 0.1


def test_syncs_at_one_moment_are_a_second_apart() -> None:
    found = learn_rows([5] * 6, [10] * 6, zoned=False)
    assert found is not None
    assert found[0].gap_seconds == 1


@pytest.mark.parametrize(
    ("empty", "zeros"),
    [
        ((), 0.0),
        ((100,), 0.0),
        ((100, 101, 102), 0.0),
        ((100, 101, 200), 0.0),
        ((50, 100, 150, 200, 250, 300), 6 / 400),
    ],
)
def test_syncs_without_rows_are_usual_where_they_came_again_and_again(empty: tuple[int, ...], zeros: float) -> None:
    assert learned(HOUR, [0 if number in empty else 1000 for number in range(400)]).zeros == pytest.approx(zeros)


def test_a_level_that_came_to_stay_is_told_with_the_one_before() -> None:
    rows = learned(HOUR, [1000] * 480 + [4000] * 480)
    assert rows.level_since == 480 * HOUR + 23 * HOUR
    assert rows.level_before is not None
    assert rows.level - rows.level_before == pytest.approx(log(4), rel=0.01)
    assert learned(HOUR, [1000] * 960).level_since is None


def test_the_quietest_weekday_is_known_by_hour() -> None:
    counts = [100 if number // 24 % 7 == 6 else 1000 for number in range(24 * 70)]
    rows = learned(HOUR, counts)
    assert len(rows.least) == 24
    assert rows.level + rows.least[0] == pytest.approx(log1p(100), abs=0.25)
    daily = learned(DAY, [100 if number % 7 == 6 else 1000 for number in range(70)])
    assert len(daily.least) == 1
    assert daily.level + daily.least[0] == pytest.approx(log1p(100), abs=0.25)
    assert learned(6 * DAY, [1000] * 40).least == ()


def swinging(weeks: int, day: int, more: float) -> list[int]:
    """Return a count a day, each second week a half higher by the logarithm, and of one day by so much as well."""
    values = [0.25 * (-1) ** (number // 7) - (number % 7 == 6) for number in range(7 * weeks)]
    values[day] = values[day - 7] + more
    return [round(100_000 * exp(value)) for value in values]


def cells(counts: list[int], *, without: Sequence[int] = ()) -> tuple[float | None, ...]:
    ats = [number * DAY for number in range(len(counts)) if number not in without]
    found = learn_rows(ats, [counts[at // DAY] for at in ats], zoned=True)
    assert found is not None
    return found[0].cells


@pytest.mark.parametrize(("more", "odd"), [(-2.1, False), (-2.3, True), (2.1, False), (2.3, True)])
def test_a_day_three_times_as_far_off_as_weeks_differ_is_left_out(more: float, odd: bool) -> None:
    """Weeks differ by 0.5, and three such spreads are 2.22."""
    counts = swinging(8, 34, more)
    assert (cells(counts) == cells(counts, without=[34])) is odd


@pytest.mark.parametrize(("more", "odd"), [(-0.95, False), (-1.05, True)])
def test_where_weeks_are_alike_a_day_is_left_out_from_a_factor_of_e_on(more: float, odd: bool) -> None:
    counts = [round(100_000 * exp(-(number % 7 == 6) + more * (number == 34))) for number in range(56)]
    assert (cells(counts) == cells(counts, without=[34])) is odd


@pytest.mark.parametrize(("days", "odd"), [(13, True), (14, False)])
def test_days_that_stay_off_for_two_weeks_are_a_new_level(days: int, odd: bool) -> None:
    counts = [round(100_000 * exp(-(number % 7 == 6) - 2 * (number >= 56))) for number in range(56 + days)]
    assert (cells(counts) == cells(counts, without=range(56, 56 + days))) is odd
    assert cells(counts)[6] == pytest.approx(-1 * (8 if odd else 10) / (8.5 if odd else 10.5), abs=0.001)


def test_days_that_are_off_from_a_new_level_are_left_out_as_well() -> None:
    counts = [round(100_000 * exp(-(number % 7 == 6) - 2 * (56 <= number < 70))) for number in range(73)]
    assert cells(counts) == cells(counts, without=range(70, 73))


@pytest.mark.parametrize(("days", "odd"), [(65, True), (64, False)])
def test_where_more_than_four_in_ten_days_are_off_none_is_left_out(days: int, odd: bool) -> None:
    off = [*range(21, 34), *range(48, 61)]
    counts = [round(100_000 * exp(-(number % 7 == 6) - 2 * (number in off))) for number in range(days)]
    assert (cells(counts) == cells(counts, without=off)) is odd


def test_hours_that_came_on_an_odd_day_alone_are_not_known() -> None:
    ats = [day * DAY + hour * HOUR for day in range(28) for hour in range(8, 20)] + [27 * DAY + 22 * HOUR]
    found = learn_rows(ats, [1000 if at < 27 * DAY else 100 for at in ats], zoned=True)
    assert found is not None
    assert [found[0].cells[27 % 7 * 24 + hour] is None for hour in (7, 8, 19, 22)] == [True, False, False, True]


def test_a_day_begins_half_a_day_before_the_usual_time() -> None:
    for hour, origin in ((0, -690 * 60), (21, 570 * 60)):
        found = learn_rows([day * DAY + hour * HOUR for day in range(21)], [1000] * 21, zoned=True)
        assert found is not None
        assert found[0].origin == origin
    assert learned(HOUR, [1000] * 21).origin == learned(5 * DAY, [1000] * 21).origin == 0
