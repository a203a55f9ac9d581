"""How long the next start may take, on starts that can be followed by hand; `test_rhythm.py` says what for."""

from itertools import accumulate, product

import pytest

from exporter.domain.rhythm import Awake, Rhythm, learn_rhythm, usual_time_of_day

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
MONDAY = 4 * DAY
"""In seconds since 1970, which began on a Thursday."""
NINE = MONDAY + 9 * HOUR


def starts(*gaps: int, first: int = NINE) -> list[int]:
    return list(accumulate(gaps, initial=first))


def days_awake(known: Rhythm) -> str:
    """Initials of the weekdays, Monday first; day 0 was a Thursday."""
    days = known.awake * (7 // len(known.awake))
    return "".join("MTWTFSS"[day] for day in range(7) if days[(day + 4) % 7])


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
    rarer = learn_rhythm(starts(*[8 * DAY] * 20), zoned=True)
    assert (rarer.kind, rarer.unit, rarer.origin, rarer.awake, rarer.gap_seconds) == (
        "regular",
        DAY,
        0,
        (True,),
        8 * DAY,
    )


@pytest.mark.parametrize(
    ("count", "longer", "longest"),
    [
        (19, (4 * HOUR,), 4 * HOUR),  # of few gaps the longest
        (7, (6 * HOUR,), 6 * HOUR),
        (8, (6 * HOUR,), 3 * HOUR),  # unless it stands out
        (8, (5.1 * HOUR,), 5.1 * HOUR),
        (8, (5 * HOUR, 6 * HOUR), 6 * HOUR),
        (8, (3.5 * HOUR, 6 * HOUR), 3.5 * HOUR),
        (20, (4 * HOUR,), 3 * HOUR),  # of more the second longest
        (20, (4 * HOUR, 4 * HOUR), 4 * HOUR),
        (59, (4 * HOUR, 4 * HOUR), 4 * HOUR),
        (60, (4 * HOUR, 4 * HOUR), 3 * HOUR),  # of many the third
        (60, (4 * HOUR,) * 3, 4 * HOUR),
        (500, (4 * HOUR,) * 4, 3 * HOUR),  # of very many one in a hundred
        (500, (4 * HOUR,) * 5, 4 * HOUR),
    ],
)
def test_the_longest_gaps_are_left_out(count: int, longer: tuple[float, ...], longest: float) -> None:
    gaps = [3 * HOUR] * (count - len(longer))
    for number, each in enumerate(longer):
        gaps.insert((number + 1) * len(gaps) // (len(longer) + 1), int(each))
    assert limit(*gaps) == pytest.approx(longest + 30 * MINUTE + 0.5 * 3 * HOUR / count)


def test_lateness_is_what_one_in_twenty_exceed() -> None:
    assert learn_rhythm(starts(*[DAY] * 18, DAY + 300), zoned=True).lateness_seconds == 300
    assert learn_rhythm(starts(*[DAY] * 19, DAY + 300), zoned=True).lateness_seconds == 0
    often = learn_rhythm(starts(*[DAY] * 60, DAY + 300, DAY + 200, DAY + 100), zoned=True)
    assert often.lateness_seconds == 100
    assert learn_rhythm(starts(*[HOUR] * 18, HOUR + 15 * MINUTE), zoned=True).lateness_seconds == 15 * MINUTE
    assert learn_rhythm(starts(*[HOUR] * 18, HOUR + 15 * MINUTE + 1), zoned=True).lateness_seconds == 0
    assert learn_rhythm(starts(*[HOUR // 3] * 18, HOUR // 2), zoned=True).lateness_seconds == 10 * MINUTE
    assert learn_rhythm(starts(*[HOUR // 3] * 18, HOUR // 2 + 1), zoned=True).lateness_seconds == 0


def test_where_less_than_seven_in_ten_gaps_are_alike_syncs_are_irregular() -> None:
    for alike, kind in ((7, "regular"), (6, "irregular")):
        known = learn_rhythm(starts(*[10 * DAY] * alike, *[20 * DAY] * (10 - alike)), zoned=True)
        assert known.kind == kind
    twice_a_day = [NINE + day * DAY + hour * HOUR for day in range(70) if day % 7 < 5 for hour in (0, 5)]
    known = learn_rhythm(twice_a_day, zoned=True)
    assert (known.kind, known.gap_seconds) == ("irregular", 5 * HOUR)
    assert (known.unit, known.origin, days_awake(known)) == (DAY, -150 * MINUTE, "MTWTF")


def test_irregular_syncs_may_be_silent_half_as_long_again_as_ever() -> None:
    gaps = [10 * DAY, 20 * DAY, 10 * DAY, 40 * DAY, 30 * DAY]
    assert limit(*gaps) is None
    assert limit(*gaps, 15 * DAY) == pytest.approx(1.5 * 40 * DAY * (1 + 4 / 6) + 10 * MINUTE)
    known = learn_rhythm(starts(*gaps, 15 * DAY), zoned=True)
    assert (known.kind, known.gap_seconds, known.lateness_seconds) == ("irregular", 20 * DAY, None)
    usual = [days * DAY for days in (10, 14, 18, 11, 15, 19, 12, 20, 13, 16)] * 2
    for once, longest in ((39, 39), (41, 20)):  # one more than twice as long is left out
        assert limit(*usual, once * DAY) == pytest.approx(1.5 * longest * DAY * (1 + 4 / 21) + 10 * MINUTE)
    clocks_set_back = starts(*[90 * MINUTE, 20 * MINUTE, 50 * MINUTE] * 9, -40 * MINUTE)
    assert learn_rhythm(clocks_set_back, zoned=True).kind == "irregular"


@pytest.mark.parametrize(
    ("before", "after", "gap"),
    [
        ([HOUR] * 50, [6 * HOUR] * 3, HOUR),
        ([HOUR] * 50, [6 * HOUR] * 4, 6 * HOUR),
        ([HOUR] * 7, [6 * HOUR] * 4, HOUR),  # too little was known before
        ([HOUR] * 8, [6 * HOUR] * 4, 6 * HOUR),
        ([HOUR] * 50, [97 * MINUTE] * 4, 97 * MINUTE),  # 1.6 times as long
        ([HOUR] * 50, [96 * MINUTE] * 4, HOUR),
        ([HOUR] * 50, [2 * HOUR, 2 * HOUR, 2 * HOUR, 150 * MINUTE], 2 * HOUR),
        ([HOUR] * 50, [2 * HOUR, 2 * HOUR, 2 * HOUR, 151 * MINUTE], HOUR),  # not alike
        ([6 * HOUR] * 100, [HOUR] * 19, 6 * HOUR),
        ([6 * HOUR] * 100, [HOUR] * 20, HOUR),
        ([6 * HOUR] * 39, [HOUR] * 20, 6 * HOUR),
        ([6 * HOUR] * 40, [HOUR] * 20, HOUR),
        ([100 * MINUTE] * 100, [60 * MINUTE] * 20, 100 * MINUTE),
        ([100 * MINUTE] * 100, [59 * MINUTE] * 20, 59 * MINUTE),
        # There was no rhythm that could have changed, where less than seven in ten were within a quarter of the usual.
        ([*[HOUR] * 6, 45 * MINUTE, *[30 * MINUTE] * 3], [2 * HOUR] * 4, 2 * HOUR),
        ([*[HOUR] * 6, 44 * MINUTE, *[30 * MINUTE] * 3], [2 * HOUR] * 4, HOUR),
        ([HOUR, 3 * HOUR, 30 * MINUTE] * 40, [9 * HOUR] * 19, HOUR),
        ([HOUR, 3 * HOUR, 30 * MINUTE] * 40, [9 * HOUR] * 20, 9 * HOUR),  # there is now
    ],
)
def test_another_rhythm_holds_from_four_longer_or_twenty_shorter_gaps_on(
    before: list[int], after: list[int], gap: int
) -> None:
    assert learn_rhythm(starts(*before, *after), zoned=True).gap_seconds == gap


@pytest.mark.parametrize(
    ("minutes", "first"),
    [
        ((100, 100, 100, 100), 50),
        ((70, 100, 100, 100, 100), 50),
        ((69, 100, 100, 100, 100), 51),
        ((140, 100, 100, 100, 100), 50),
        ((141, 100, 100, 100, 100), 51),
        ((72, 100, 105, 100, 120), 51),  # less than 0.7 of 105
    ],
)
@pytest.mark.parametrize("zoned", [True, False])
def test_another_rhythm_is_learned_from_its_own_starts(minutes: tuple[int, ...], first: int, zoned: bool) -> None:
    changed = starts(*[HOUR] * 50, *[each * MINUTE for each in minutes])
    known = learn_rhythm(changed, zoned=zoned)
    assert known == learn_rhythm(changed[first:], zoned=zoned)
    assert known.gap_seconds == 100 * MINUTE + 5 * MINUTE * (105 in minutes)


def test_another_rhythm_knows_whether_the_zone_is_known() -> None:
    zoned, unzoned = (limit(*[HOUR] * 50, *[6 * HOUR] * 4, zoned=each) for each in (True, False))
    assert (zoned, unzoned) == (6 * HOUR + 75 * MINUTE, 7 * HOUR + 75 * MINUTE)


def test_weekdays_on_which_syncs_hardly_ever_start_are_asleep() -> None:
    workdays = [NINE + day * DAY for day in range(70) if day % 7 < 5]
    known = learn_rhythm(workdays, zoned=True)
    assert (known.kind, known.unit, known.origin, days_awake(known)) == ("business days", DAY, -150 * MINUTE, "MTWTF")
    by_night = learn_rhythm([each + 12 * HOUR for each in workdays], zoned=True)
    assert (by_night.unit, by_night.origin, days_awake(by_night)) == (DAY, 570 * MINUTE, "MTWTF")
    once = learn_rhythm(sorted([*workdays, NINE + 12 * DAY]), zoned=True)
    assert once.awake == known.awake
    thrice = learn_rhythm(sorted([*workdays, *(NINE + day * DAY for day in (12, 26, 40))]), zoned=True)
    assert sum(thrice.awake) == 6
    long = sorted(NINE + day * DAY for day in (*(day for day in range(71) if day % 7 < 5), 12, 26))
    assert sum(learn_rhythm(long, zoned=True).awake) == 5  # two Saturdays in ten weeks
    assert sum(learn_rhythm(long[:-1], zoned=True).awake) == 6
    three_days = learn_rhythm([NINE + day * DAY for day in range(70) if day % 7 in {0, 2, 4}], zoned=True)
    assert (three_days.kind, sum(three_days.awake)) == ("business days", 3)
    two_days = learn_rhythm([NINE + day * DAY for day in range(70) if day % 7 in {1, 4}], zoned=True)
    assert (two_days.kind, sum(two_days.awake)) == ("regular", 2)


@pytest.mark.parametrize(
    ("gap", "first", "days", "awake"),
    [
        (DAY, 0, 4, "MTWTF"),  # what has not been seen yet is as other business days
        (DAY, 2, 3, "MTWTF"),
        (DAY, 5, 2, "SS"),
        (DAY, 4, 2, "MTWTFSS"),
        (9 * HOUR, 0, 2, "MTWTF"),
        (8 * HOUR, 0, 2, "MTWTFSS"),  # round the clock
        (6 * DAY, 0, 79, "MTWTFSS"),  # each weekday is hit once in six weeks
    ],
)
def test_weekdays_that_a_past_does_not_span_are_guessed(gap: int, first: int, days: int, awake: str) -> None:
    begin = NINE + first * DAY
    assert days_awake(learn_rhythm(range(begin, begin + days * DAY, gap), zoned=True)) == awake


@pytest.mark.parametrize(
    ("hours", "awake"), [((0, 24, 72), "MTTF"), ((0, 48, 72), "MWTF"), ((79.5, 87.5, 95.5), "MTWTFSS")]
)
def test_days_within_a_short_past_are_not_guessed_those_after_it_are(hours: tuple[float, ...], awake: str) -> None:
    assert days_awake(learn_rhythm([NINE + int(hour * HOUR) for hour in hours], zoned=True)) == awake


@pytest.mark.parametrize(
    ("seen", "hours", "weekdays", "awake"),
    [
        (range(2), range(7, 19), range(5), range(7, 19)),
        (range(1, 4), range(21), range(5), range(21)),
        (range(2), range(22), range(7), range(24)),  # two hours are no rest, and so weekends are taken for awake
        (range(5, 7), range(7, 19), range(5, 7), range(7, 19)),
        (range(4, 6), range(7, 19), range(7), range(7, 19)),
        (range(2), range(24), range(7), range(24)),
    ],
)
def test_hours_that_a_past_does_not_span_are_guessed(seen: range, hours: range, weekdays: range, awake: range) -> None:
    known = learn_rhythm([MONDAY + day * DAY + hour * HOUR for day in seen for hour in hours], zoned=False)
    found = {((slot // 24 + 3) % 7, slot % 24) for slot, flag in enumerate(known.awake) if flag}
    assert found == set(product(weekdays, awake))


def test_hours_in_which_syncs_never_start_are_asleep_where_there_are_three_or_more_of_them() -> None:
    by_day = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < 12]
    known = learn_rhythm(by_day, zoned=True)
    assert (known.unit, known.origin, sum(known.awake)) == (HOUR, 0, 7 * 12)
    assert sum(learn_rhythm(by_day, zoned=False).awake) == 7 * 10  # an hour at both ends may be one when clocks change
    for seen, awake in ((22, 24), (21, 21)):
        some_left_out = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < seen]
        assert sum(learn_rhythm(some_left_out, zoned=True).awake) == 7 * awake
    two_awake = [NINE + hour * HOUR for hour in range(24 * 21) if hour % 24 < 2]
    assert sum(learn_rhythm(two_awake, zoned=True).awake) == 14
    assert learn_rhythm(two_awake, zoned=False).awake == (True,)
    at_random = [NINE + number * 61 * HOUR + hour * HOUR for number in range(60) for hour in range(3)]
    assert learn_rhythm(at_random, zoned=True).awake == (True,) * 168


@pytest.mark.parametrize(("last", "awake"), [(167, 7 * 10), (154, 7 * 12)])
def test_after_a_week_an_hour_at_both_ends_is_left_to_clocks(last: int, awake: int) -> None:
    by_day = [NINE + hour * HOUR for hour in range(last + 1) if 8 <= (hour + 9) % 24 < 20]
    assert sum(learn_rhythm(by_day, zoned=False).awake) == awake


def test_time_awake() -> None:
    clock = Awake(HOUR, 1000, (True, False, False, True))
    known = {0: 0, 600: 600, HOUR: HOUR, HOUR + 9: HOUR, 3 * HOUR: HOUR, 3 * HOUR + 5: HOUR + 5, 4 * HOUR: 2 * HOUR}
    assert {at: clock.until(1000 + at) for at in known} == known
    assert clock.until(1000 - 1) == -1
    known = {0: 0, 600: 600, HOUR: HOUR, HOUR + 5: 3 * HOUR + 5, 2 * HOUR + 5: 4 * HOUR + 5}
    assert {seconds: clock.at(seconds) - 1000 for seconds in known} == known
    rhythm = Rhythm("regular", HOUR, 2 * HOUR, 0.0, HOUR, 1000, (True, False, False, True))
    assert rhythm.awake_seconds(1000 + 9, 1000 + 4 * HOUR + 7) == 2 * HOUR - 2


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
    assert Rhythm("regular", MINUTE, 2 * MINUTE, 0.0).deadline(NINE) == NINE + 10 * MINUTE
    assert Rhythm("regular", DAY, None).deadline(NINE) is None
    assert Rhythm("regular", None, DAY).deadline(NINE) is None


def test_the_usual_time_of_day_is_the_middle_of_the_fullest_hours() -> None:
    assert usual_time_of_day([NINE + day * DAY + 7 for day in range(9)]) == 9 * HOUR + HOUR // 2
    assert usual_time_of_day([NINE - HOUR, NINE - HOUR, NINE, NINE + HOUR]) == 8 * HOUR + HOUR // 2
    assert usual_time_of_day([MONDAY - 1, MONDAY - 1, MONDAY, MONDAY, MONDAY + HOUR]) == HOUR // 2
    for usual, hours in ((10, (3, 3, 3, 9, 9, 10, 10, 11, 11)), (10, (3, 3, 3, 9, 9, 9, 10, 11, 11, 11))):
        assert usual_time_of_day([hour * HOUR for hour in hours]) == usual * HOUR + HOUR // 2
    assert usual_time_of_day([hour * HOUR for hour in (0, 0, 3, 3, 3, 22, 22, 23, 23)]) == 23 * HOUR + HOUR // 2
