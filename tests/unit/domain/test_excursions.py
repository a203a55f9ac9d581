"""When few or many rows in a row are a problem, on figures that can be followed by hand; `test_trends.py` says why."""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import pytest

from exporter.domain.excursions import Excursion, latest_excursion
from exporter.domain.rows import Rows
from tests.pasts import DAY, HOUR, MINUTE, WEEK, usually

Fired = tuple[int | None, ...]


def latest(usual: Rows, counts: Sequence[int], *, low: bool = True, widen: float = 1.0) -> Excursion | None:
    gap = int(usual.gap_seconds)
    syncs = [(number * gap, count, gap) for number, count in enumerate(counts)]
    return latest_excursion(usual, reversed(syncs), low=low, widen=widen)


def fired(usual: Rows, counts: Sequence[int], *, low: bool = True, widen: float = 1.0) -> Fired:
    found = latest(usual, [1000] * 5 + list(counts), low=low, widen=widen)
    assert found is not None
    return found.fired


def after(seconds: int, *times: float | None) -> Fired:
    return tuple(None if each is None else int(each * seconds) for each in times)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        # So many hours, and so many syncs: for most rules a sync more than fit into them.
        (15 * MINUTE, after(HOUR, 36, 0.75, 6, 60, 96, None, None, 6, 6)),
        (HOUR, after(HOUR, 36, 2, 6, 60, 96, None, None, 6, 6)),
        (4 * HOUR, after(HOUR, 36, 8, 20, 60, 96, None, None, 20, 20)),
        (5 * HOUR, after(HOUR, 40, 5, 10, 60, 100, None, None, 10, 10)),
        # Syncs alone.
        (DAY, after(DAY, 2, 0, 1, 3, 5, None, None, 1, 0)),
        (7 * DAY, after(WEEK, 1, 0, 0, 1, 2, None, None, 0, 0)),
    ],
)
def test_each_rule_has_its_time(gap: int, expected: Fired) -> None:
    assert fired(usually(1000, gap), [0] * (101 * HOUR // gap + 8)) == expected


@pytest.mark.parametrize(
    ("gap", "expected"), [(HOUR, (54, 120)), (6 * HOUR, (54, 120)), (DAY, (48, 120)), (WEEK, (168, 336))]
)
def test_more_rows_have_rules_of_their_own(gap: int, expected: tuple[int, int]) -> None:
    many = fired(usually(1000, gap), [5500] * (121 * HOUR // gap + 8), low=False)
    assert many == after(HOUR, *[None] * 5, *expected, None, None)
    assert latest(usually(1000, gap), [5500] * 9) is latest(usually(1000, gap), [0] * 9, low=False) is None


@pytest.mark.parametrize(
    ("count", "rules"),
    [
        (28, [0, 1, 2, 3, 4, 7, 8]),
        (31, [2, 3, 4, 7, 8]),
        (119, [2, 3, 4, 7, 8]),
        (121, [2, 3, 4, 8]),
        (169, [2, 3, 4, 8]),
        (171, [3, 4, 8]),
        (449, [3, 4, 8]),
        (451, [4, 8]),
        (599, [4, 8]),
        (601, [4]),
        (629, [4]),
        (631, []),
    ],
)
def test_the_deeper_a_drop_the_more_rules_see_it(count: int, rules: list[int]) -> None:
    found = fired(usually(1000, HOUR), [count] * 100)
    assert [rule for rule, each in enumerate(found) if each is not None] == rules


@pytest.mark.parametrize(("count", "rules"), [(5010, (True, True)), (4990, (False, True)), (2490, (False, False))])
def test_more_rows_have_their_depth(count: int, rules: tuple[bool, bool]) -> None:
    found = fired(usually(1000, HOUR), [count] * 130, low=False)
    assert tuple(each is not None for each in found[5:7]) == rules


def test_sensitivity_asks_for_more_hours_and_for_more_depth() -> None:
    assert fired(usually(1000, HOUR), [0] * 200, widen=1.5) == after(HOUR, 54, 2, 9, 90, 144, None, None, 9, 9)
    assert fired(usually(1000, HOUR), [int(1000 * 0.17**1.5) - 1] * 20, widen=1.5)[2] is not None
    assert fired(usually(1000, HOUR), [int(1000 * 0.17**1.5) + 2] * 20, widen=1.5)[2] is None
    assert fired(usually(1000, DAY), [0] * 9, widen=1.5) == fired(usually(1000, DAY), [0] * 9)


@pytest.mark.parametrize(("usual", "holds"), [(6.67, True), (6.66, False)])
def test_so_many_rows_must_be_missing(usual: float, holds: bool) -> None:
    """Twenty in three syncs, for a drop to 0.17."""
    found = latest(usually(usual, 6 * HOUR), [0] * 9)
    assert found is not None
    assert (found.fired[2] is not None) is holds


@pytest.mark.parametrize(
    ("usual", "counts", "holds"),
    [
        # Of 51.21 rows that were to come 29 must be missing by a factor of exp(4 / sqrt(52.21)) = 1.7393, ...
        (17.07, [10, 10, 9], True),  # and 52.21 / 30 is 1.7403,
        (17.07, [10, 10, 10], False),  # but 52.21 / 31 is 1.684.
        (17.05, [10, 10, 9], False),  # Of 51.15 by 1.7405, and 52.15 / 30 is 1.738.
    ],
)
def test_few_rows_must_be_missing_by_a_larger_part(usual: float, counts: list[int], holds: bool) -> None:
    found = latest(usually(usual, WEEK), counts)
    assert found is not None
    assert (found.fired[4] is not None) is holds


@pytest.mark.parametrize(
    ("usual", "last", "holds"), [(9.99, 54, True), (9.99, 53, False), (1.67, 999, True), (1.66, 999, False)]
)
def test_more_rows_are_five_times_as_many_and_five_at_least(usual: float, last: int, holds: bool) -> None:
    """With one more each: 155 of 30.97, and 154 of them."""
    found = latest(usually(usual, DAY), [50, 50, last], low=False)
    assert found is not None
    assert (found.fired[5] is not None) is holds


@pytest.mark.parametrize(
    ("usual", "counts", "rule", "holds"),
    [
        # A drop to 0.168 is 1.784 of the logarithm, or 3.5 times 0.51; one to 0.449 is 0.801, or 4.5 times 0.178.
        (usually(1000, HOUR, drift=0.5), [168] * 9, 2, True),
        (usually(1000, HOUR, drift=0.51), [168] * 9, 2, False),
        (usually(1000, HOUR, drift=0.17), [449] * 70, 3, True),
        (usually(1000, HOUR, drift=0.18), [449] * 70, 3, False),
        # One to 0.167 is 1.788, or 3.5 times 1.352 over the root of the seven syncs that are looked at.
        (usually(1000, HOUR, noise=1.34), [167] * 9, 2, True),
        (usually(1000, HOUR, noise=1.36), [167] * 9, 2, False),
        # Of 61 syncs a quarter and one have the usual rows: 1.403, or 3.5 times 1.203 over the root of nine at most.
        (usually(1000, HOUR, noise=1.2), [*[0, 0, 0, 1000] * 15, 0], 3, True),
        (usually(1000, HOUR, noise=1.21), [*[0, 0, 0, 1000] * 15, 0], 3, False),
    ],
)
def test_a_drop_is_more_than_days_wander_and_more_than_syncs_do(
    usual: Rows, counts: list[int], rule: int, holds: bool
) -> None:
    assert (fired(usual, counts)[rule] is not None) is holds


@pytest.mark.parametrize(
    ("gap", "zeros", "holds"),
    [(HOUR, 0.04, True), (HOUR, 0.05, False), (6 * HOUR, 0.0099, True), (6 * HOUR, 0.01, False)],
)
def test_syncs_without_rows_tell_nothing_where_they_are_usual(gap: int, zeros: float, holds: bool) -> None:
    """Three or two in a row must come by chance less than once in ten thousand times."""
    found = fired(usually(1000, gap, zeros=zeros), [0] * 9)
    assert (found[1] is not None, found[2] is not None) == (holds, True)


def test_three_in_four_syncs_that_a_rule_looks_at_are_off() -> None:
    usual = usually(1000, 4 * HOUR)
    twelve, eleven = [0, 0, 0, 1000] * 3, [0, 0, 1000, 0, 0, 1000, 0, 1000, 0, 0, 0, 1000]
    assert fired(usual, [*twelve, 0, 1000, 0, 0])[3] == 60 * HOUR
    assert fired(usual, [*eleven, 0, 1000, 0, 0])[3] is None
    assert fired(usual, [0, 0, 1000] * 20)[3:5] == (None, None)
    assert fired(usual, [*twelve, 0, 0, 0, 1000])[3] is None  # looks when a sync is off
    assert fired(usual, [*twelve, 0, 0, 0, 1000, 0])[3] == 64 * HOUR


def test_on_the_first_day_a_drop_is_one_against_the_quietest_weekday() -> None:
    hourly = usually(1000, HOUR)
    for quietest, expected in ((0.9, 6), (0.2, 6), (0.1, 30)):
        usual = replace(hourly, least=(log(quietest),) * 24)
        assert fired(usual, [30] * 60)[2] == expected * HOUR
    by_hour = replace(hourly, least=(*[0.0] * 11, log(0.05), *[0.0] * 12))
    assert fired(by_hour, [160] * 60)[2] == 13 * HOUR  # from 05:00 on; few rows are usual at 11:00
    daily = replace(usually(1000, DAY), origin=DAY // 2, least=(log(0.05),))
    assert fired(daily, [0] * 9)[1] == 0
    assert fired(daily, [20] * 9)[1:3] == (2 * DAY, 2 * DAY)
    assert fired(daily, [1] * 9)[1:3] == (2 * DAY, DAY)


def test_an_excursion_lasts_from_the_first_sync_that_is_off_to_the_latest() -> None:
    usual = usually(1000, HOUR)
    dip = [1000, 1000, 1000, 700, 0]
    assert latest(usual, []) is None
    assert latest(usual, [1000, 1000]) is None
    for later, seconds in (([], HOUR), ([1000], 2 * HOUR), ([1000, 1000], 3 * HOUR), ([1000, 1000, 0], 4 * HOUR)):
        found = latest(usual, [*dip, *later])
        assert found is not None
        assert (found.low, found.began_at, found.seconds) == (True, 3 * HOUR, seconds)
    assert latest(usual, [*dip, 1000, 1000, 1000]) is None
    again = latest(usual, [*dip, 1000, 1000, 1000, 0])
    assert again is not None
    assert (again.began_at, again.seconds) == (8 * HOUR, 0)


@pytest.mark.parametrize(("count", "is_off"), [(706, False), (703, True)])
def test_a_sync_is_off_where_it_is_clearly_beyond_what_is_usual(count: int, is_off: bool) -> None:
    """A factor of exp(0.35) = 1.419, or of 1.2 spreads."""
    assert (latest(usually(1000, HOUR), [count]) is not None) is is_off
    assert (latest(usually(count, HOUR), [1000], low=False) is not None) is is_off
    assert (latest(usually(1000, HOUR, noise=0.35 / 1.2), [count]) is not None) is is_off
    assert latest(usually(1000, HOUR, noise=0.31), [count]) is None
    assert latest(replace(usually(1000, HOUR), level=0.35), [0]) is None


def test_what_is_usual_depends_on_the_time_of_the_week_and_on_the_gap() -> None:
    usual = replace(usually(1000, HOUR), cells=(0.0, None, log(0.1), *[0.0] * 165))

    def goes_on(*latest_first: tuple[int, int, int | None], low: bool = True) -> bool:
        return latest_excursion(usual, latest_first, low=low, widen=1.0) is not None

    assert not goes_on((2 * HOUR, 100, HOUR), (HOUR, 0, HOUR), (0, 1000, None))
    assert goes_on((3 * HOUR, 100, HOUR), (HOUR, 0, HOUR), (0, 1000, None))
    assert not goes_on((20 * HOUR, 9000, 10 * HOUR), low=False)
    assert goes_on((20 * HOUR, 9000, HOUR), low=False)
    assert not goes_on((20 * HOUR, 110, HOUR // 10))


def test_an_excursion_is_a_problem_where_a_rule_holds_after_such_ones_have_healed() -> None:
    patient = [10**9] * 8
    patient[1] = 5 * HOUR
    usual = replace(usually(1000, HOUR), patience=tuple(patient))
    found = [latest(usual, [0] * count) for count in (2, 5, 6)]
    assert [each and (each.fired[1], each.is_problem) for each in found] == [
        (None, False),
        (2 * HOUR, False),
        (2 * HOUR, True),
    ]
    for empty, is_problem in ((3, False), (6, True)):
        less_later = latest(usual, [0] * empty + [500] * 9)
        assert less_later is not None
        assert (less_later.fired[1], less_later.is_problem) == (2 * HOUR, is_problem)
    quiet_day = latest(usually(1000, HOUR), [590] * 20)
    assert quiet_day is not None
    assert (quiet_day.fired[8], quiet_day.is_problem) == (6 * HOUR, False)
    at_once = latest(usually(1000, DAY), [0])
    assert at_once is not None
    assert at_once.is_problem


def test_no_rows_for_long_are_critical() -> None:
    usual = usually(1000, HOUR)
    assert [(found := latest(usual, [0] * count)) and found.is_critical for count in (36, 37)] == [False, True]
