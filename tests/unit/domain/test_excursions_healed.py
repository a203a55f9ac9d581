"""How long excursions of rows lasted that came and went, on figures that can be followed by hand."""

from math import log1p

import pytest

from exporter.domain.excursions import patience
from exporter.domain.rows import Rows
from tests.pasts import DAY, FIRST, HOUR, WEEK, usually


def past(usual: Rows, *counts: int) -> tuple[int, ...]:
    ats = [FIRST + number * int(usual.gap_seconds) for number in range(len(counts))]
    return patience(usual, ats, counts, [usual.level] * len(counts))


DIP, CALM, TWO_DAYS = [0] * 8, [1000] * 40, 52 * HOUR
NINE_HOURS = int(1.3 * 9 * HOUR)
"""A dip of eight hours, from its first sync to the second usual one after it."""


def test_what_healed_twice_is_waited_for_and_where_days_off_came_twice_two_of_them() -> None:
    usual = usually(1000, HOUR)
    assert past(usual, *CALM, *DIP, *CALM) == (0,) * 8
    assert past(usual, *CALM, *DIP, *CALM, *DIP) == (0,) * 8  # has not healed yet
    twice = past(usual, *CALM, *DIP, *CALM, *DIP, *CALM)
    assert twice == (0, NINE_HOURS, TWO_DAYS, 0, 0, 0, 0, NINE_HOURS)
    longer_once = past(usual, *CALM, *DIP, *CALM, *DIP, *DIP, *CALM)
    assert longer_once == twice
    longer = [160] * 50
    assert past(usual, *CALM, *longer, *CALM, *longer, *CALM)[2] == int(1.3 * 51 * HOUR)
    assert past(usual, 0, 0, 0, *CALM, 0, 0, 0, *CALM)[1] == int(1.3 * 4 * HOUR)
    assert past(usual, *CALM, 0, 0, *CALM, 0, 0, *CALM) == (0,) * 8


@pytest.mark.parametrize(("hours", "times"), [(959, 2), (960, 3)])
def test_in_forty_days_excursions_must_heal_three_times(hours: int, times: int) -> None:
    usual = usually(1000, HOUR)
    counts = [*CALM, *DIP, *DIP, *CALM, *DIP, *CALM, 0, 0, 0, *CALM]
    counts += [1000] * (hours + 1 - len(counts))
    lasted = {2: 9 * HOUR, 3: 4 * HOUR}[times]
    assert past(usual, *counts)[1] == int(1.3 * lasted)
    assert past(usual, *counts)[7] == (NINE_HOURS if times == 2 else 0)


def test_more_rows_that_come_and_go_are_waited_for_as_well() -> None:
    usual = usually(1000, HOUR)
    campaign = [6000] * 60
    assert past(usual, *CALM, *campaign, *CALM, *campaign, *CALM) == (0, 0, 0, 0, 0, int(1.3 * 61 * HOUR), 0, 0)


@pytest.mark.parametrize(
    ("gap", "tenth"), [(4 * HOUR, TWO_DAYS), (6 * HOUR, TWO_DAYS), (DAY, int(1.9 * DAY)), (WEEK, int(1.9 * WEEK))]
)
def test_two_days_off_are_two_syncs_where_they_are_daily_or_rarer(gap: int, tenth: int) -> None:
    usual = usually(1000, gap)
    few = [500] * (DAY // gap or 1)
    assert past(usual, *CALM, *few, *CALM, *few, *CALM) == (0, 0, tenth, 0, 0, 0, 0, 0)
    assert past(usual, *CALM, *few, *CALM) == (0,) * 8


def test_rows_of_the_past_are_held_against_the_level_of_their_time() -> None:
    usual = usually(1000, HOUR)
    counts = [*[100] * 40, *[10] * 8, *[100] * 40, *[10] * 8, *[100] * 40, *CALM]
    ats = [number * HOUR for number in range(len(counts))]
    levels = [log1p(1000 if at >= ats[-40] else 100) for at in ats]
    assert patience(usual, ats, counts, levels) == (0, 0, TWO_DAYS, 0, 0, 0, 0, NINE_HOURS)
    assert patience(usual, ats, counts, [log1p(1000)] * len(ats)) == (0,) * 8


def test_the_few_rows_of_a_sync_soon_after_another_are_no_excursion() -> None:
    usual = usually(1000, WEEK)
    ats = [tenth * WEEK // 10 for tenth in (0, 10, 11, 21, 31, 41, 42, 52)]
    levels = [usual.level] * len(ats)
    assert patience(usual, ats, [1000, 1000, 100, 1000, 1000, 1000, 100, 1000], levels) == (0,) * 8
    assert patience(usual, ats, [1000, 100, 1000, 1000, 1000, 100, 1000, 1000], levels) != (0,) * 8
