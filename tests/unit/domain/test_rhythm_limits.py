"""How long the next start may take, on starts that can be followed by hand; `test_rhythm.py` says what for."""

from itertools import accumulate

import pytest

from exporter.domain.rhythm import Awake, Rhythm, learn_rhythm, usual_time_of_day

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
MONDAY = 4 * DAY
"""In seconds since 1970, which began on a Thursday."""
NINE = MONDAY + 9 * HOUR


def starts(*gaps: int, first: int = NINE) -> list[int]:
    return list(accumulate(gaps, initial=first))


def limit(*gaps: int, zoned: bool = True) -> float | None:
    return learn_rhythm(starts(*gaps), zoned=zoned).limit_seconds


def test_nothing_follows_from_one_start() -> None:
    assert learn_rhythm([], zoned=True) == learn_rhythm([NINE], zoned=True) == Rhythm()


def test_four_gaps_make_a_limit() -> None:
    assert limit(*[HOUR] * 3) is None
    assert limit(*[HOUR] * 4) is not None


@pytest.mark.parametrize(
    ("gap", "count", "expected"),
    [
        (15 * MINUTE, 100, 2 * 15 * MINUTE + 10 * MINUTE),  # one slot may be passed over, and ten minutes
        (HOUR, 100, 2 * HOUR + 15 * MINUTE),  # a quarter of the gap
        (2 * HOUR, 100, 4 * HOUR + 30 * MINUTE),
        (3 * HOUR, 100, 3 * HOUR + 30 * MINUTE),  # half an hour at most
        (6 * HOUR, 100, 6 * HOUR + 30 * MINUTE),
        (DAY, 100, DAY + 30 * MINUTE),
        (DAY, 50, DAY + 30 * MINUTE),
        (10 * DAY, 20, 10 * DAY + 30 * MINUTE),
    ],
)
def test_an_even_rhythm(gap: int, count: int, expected: float) -> None:
    by_chance = 0.5 * gap / count
    assert limit(*[gap] * count) == pytest.approx(expected + by_chance)
    for_clocks = 0 if gap <= 2 * HOUR else HOUR
    assert limit(*[gap] * count, zoned=False) == pytest.approx(expected + by_chance + for_clocks)
    known = learn_rhythm(starts(*[gap] * count), zoned=True)
    assert (known.kind, known.gap_seconds, known.lateness_seconds) == ("regular", gap, 0)


def test_of_a_weekly_rhythm_one_day_a_week_is_awake() -> None:
    known = learn_rhythm(starts(*[WEEK] * 20), zoned=True)
    assert (known.kind, sum(known.awake), known.gap_seconds) == ("regular", 1, DAY)
    assert known.deadline(NINE) == NINE + WEEK + 30 * MINUTE + 0.5 * DAY / 20


@pytest.mark.parametrize(
    ("count", "longer", "longest"),
    [
        (19, (4 * HOUR,), 4 * HOUR),  # of few gaps the longest
        (7, (5 * HOUR,), 5 * HOUR),
        (8, (6 * HOUR,), 3 * HOUR),  # unless it stands out
        (8, (5 * HOUR,), 5 * HOUR),
        (20, (4 * HOUR,), 3 * HOUR),  # of more the second longest
        (20, (4 * HOUR, 4 * HOUR), 4 * HOUR),
        (59, (4 * HOUR, 4 * HOUR), 4 * HOUR),
        (60, (4 * HOUR, 4 * HOUR), 3 * HOUR),  # of many the third
        (60, (4 * HOUR,) * 3, 4 * HOUR),
        (500, (4 * HOUR,) * 4, 3 * HOUR),  # of very many one in a hundred
        (500, (4 * HOUR,) * 5, 4 * HOUR),
    ],
)
def test_the_longest_gaps_are_left_out(count: int, longer: tuple[int, ...], longest: int) -> None:
    gaps = [3 * HOUR] * (count - len(longer))
    for number, each in enumerate(longer):
        gaps.insert((number + 1) * len(gaps) // (len(longer) + 1), each)
    assert limit(*gaps) == pytest.approx(longest + 30 * MINUTE + 0.5 * 3 * HOUR / count)


def test_lateness_is_what_one_in_twenty_exceed() -> None:
    assert learn_rhythm(starts(*[DAY] * 18, DAY + 300), zoned=True).lateness_seconds == 300
    assert learn_rhythm(starts(*[DAY] * 20, DAY + 300), zoned=True).lateness_seconds == 0
    often = learn_rhythm(starts(*[DAY] * 60, DAY + 300, DAY + 200, DAY + 100), zoned=True)
    assert often.lateness_seconds == 100
    assert learn_rhythm(starts(*[HOUR] * 18, HOUR + 15 * MINUTE), zoned=True).lateness_seconds == 15 * MINUTE
    assert learn_rhythm(starts(*[HOUR] * 18, HOUR + 15 * MINUTE + 1), zoned=True).lateness_seconds == 0


def test_where_less_than_seven_in_ten_gaps_are_alike_syncs_are_irregular() -> None:
    alike = starts(
        *[10 * HOUR, 10 * HOUR, 20 * HOUR, 10 * HOUR, 10 * HOUR, 10 * HOUR, 20 * HOUR, 10 * HOUR, 10 * HOUR] * 3
    )
    assert learn_rhythm(alike, zoned=True).kind == "regular"
    apart = starts(*[10 * HOUR, 20 * HOUR, 10 * HOUR, 10 * HOUR, 30 * HOUR] * 5)
    assert learn_rhythm(apart, zoned=True).kind == "irregular"


def test_irregular_syncs_may_be_silent_half_as_long_again_as_ever() -> None:
    gaps = [10 * DAY, 20 * DAY, 10 * DAY, 40 * DAY, 30 * DAY]
    assert limit(*gaps) is None
    assert limit(*gaps, 15 * DAY) == pytest.approx(1.5 * 40 * DAY * (1 + 4 / 6) + 10 * MINUTE)
    known = learn_rhythm(starts(*gaps, 15 * DAY), zoned=True)
    assert (known.kind, known.gap_seconds, known.lateness_seconds) == ("irregular", 20 * DAY, None)


@pytest.mark.parametrize(
    ("before", "after", "gap"),
    [
        ([HOUR] * 50, [6 * HOUR] * 3, HOUR),
        ([HOUR] * 50, [6 * HOUR] * 4, 6 * HOUR),
        ([HOUR] * 7, [6 * HOUR] * 4, HOUR),  # too little was known before
        ([HOUR] * 8, [6 * HOUR] * 4, 6 * HOUR),
        ([HOUR] * 50, [97 * MINUTE] * 4, 97 * MINUTE),  # 1.6 times as long
        ([HOUR] * 50, [95 * MINUTE] * 4, HOUR),
        ([HOUR] * 50, [2 * HOUR, 2 * HOUR, 2 * HOUR, 151 * MINUTE], HOUR),  # not alike
        ([6 * HOUR] * 100, [HOUR] * 19, 6 * HOUR),
        ([6 * HOUR] * 100, [HOUR] * 20, HOUR),
        ([6 * HOUR] * 39, [HOUR] * 20, 6 * HOUR),
        ([6 * HOUR] * 40, [HOUR] * 20, HOUR),
        ([100 * MINUTE] * 100, [61 * MINUTE] * 20, 100 * MINUTE),
        ([100 * MINUTE] * 100, [59 * MINUTE] * 20, 59 * MINUTE),
        ([HOUR, 3 * HOUR, 30 * MINUTE] * 20, [9 * HOUR] * 4, HOUR),  # there was no rhythm that could have changed
    ],
)
def test_another_rhythm_holds_from_four_longer_or_twenty_shorter_gaps_on(
    before: list[int], after: list[int], gap: int
) -> None:
    assert learn_rhythm(starts(*before, *after), zoned=True).gap_seconds == gap


def test_weekdays_on_which_syncs_hardly_ever_start_are_asleep() -> None:
    workdays = [NINE + day * DAY for day in range(70) if day % 7 < 5]
    known = learn_rhythm(workdays, zoned=True)
    assert (known.kind, known.unit, known.origin % DAY) == ("business days", DAY, (21 * HOUR + HOUR // 2))
    assert sum(known.awake) == 5
    once = learn_rhythm(sorted([*workdays, NINE + 12 * DAY]), zoned=True)
    assert once.awake == known.awake
    thrice = learn_rhythm(sorted([*workdays, *(NINE + day * DAY for day in (12, 26, 40))]), zoned=True)
    assert sum(thrice.awake) == 6
    two_days = learn_rhythm([NINE + day * DAY for day in range(70) if day % 7 in {1, 4}], zoned=True)
    assert (two_days.kind, sum(two_days.awake)) == ("regular", 2)


def test_hours_in_which_syncs_never_start_are_asleep_where_there_are_three_or_more_of_them() -> None:
    by_day = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < 12]
    known = learn_rhythm(by_day, zoned=True)
    assert (known.unit, known.origin, sum(known.awake)) == (HOUR, 0, 7 * 12)
    assert sum(learn_rhythm(by_day, zoned=False).awake) == 7 * 10  # an hour at both ends may be one when clocks change
    two_left_out = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < 22]
    assert learn_rhythm(two_left_out, zoned=True).awake in ((True,), (True,) * 168)
    three_left_out = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < 21]
    assert sum(learn_rhythm(three_left_out, zoned=True).awake) == 7 * 21


def test_time_awake() -> None:
    clock = Awake(HOUR, 1000, (True, False, False, True))
    assert [clock.until(1000 + at) for at in (0, 600, HOUR, 2 * HOUR, 3 * HOUR, 3 * HOUR + 5, 4 * HOUR)] == [
        0,
        600,
        HOUR,
        HOUR,
        HOUR,
        HOUR + 5,
        2 * HOUR,
    ]
    assert clock.until(1000 - 1) == -1
    assert [clock.at(seconds) - 1000 for seconds in (0, 600, HOUR, HOUR + 5, 2 * HOUR + 5)] == [
        0,
        600,
        HOUR,
        3 * HOUR + 5,
        4 * HOUR + 5,
    ]
    rhythm = Rhythm("regular", HOUR, 2 * HOUR, 0.0, HOUR, 1000, (True, False, False, True))
    assert rhythm.awake_seconds(1000, 1000 + 4 * HOUR + 7) == 2 * HOUR + 7


def test_a_deadline() -> None:
    regular = Rhythm("regular", DAY, DAY + HOUR, 0.0)
    assert regular.deadline(NINE) == NINE + DAY + HOUR
    assert regular.deadline(NINE, None, 2.0) == NINE + DAY + 2 * HOUR
    assert regular.deadline(NINE, None, 1.0, 600.0) == NINE + DAY + 600
    assert regular.deadline(NINE, DAY - 1) == NINE + DAY + HOUR
    assert regular.deadline(NINE, DAY) == NINE + 2 * DAY + HOUR
    irregular = Rhythm("irregular", DAY, 3 * DAY)
    assert irregular.deadline(NINE, 0, 1.0, 600.0) == NINE + 3 * DAY
    assert irregular.deadline(NINE, 2 * DAY) == NINE + 3 * DAY
    assert irregular.deadline(NINE, 4 * DAY) == NINE + 4 * DAY + 600
    at_once = Rhythm("regular", 0, HOUR, 0.0)
    assert at_once.deadline(NINE, 500) == NINE + HOUR + 500
    assert Rhythm("regular", DAY, None).deadline(NINE) is None
    assert Rhythm("regular", None, DAY).deadline(NINE) is None


def test_the_usual_time_of_day_is_the_middle_of_the_fullest_hours() -> None:
    assert usual_time_of_day([NINE + day * DAY for day in range(9)]) == 9 * HOUR + HOUR // 2
    assert usual_time_of_day([NINE - HOUR, NINE - HOUR, NINE, NINE + HOUR]) == 8 * HOUR + HOUR // 2
    assert usual_time_of_day([MONDAY - 1, MONDAY, MONDAY + HOUR]) == HOUR // 2
