"""
What is learned from made-up pasts, to six digits: a change of figures must be meant.

The other tests say what the figures are for. After a wanted change run `pytest
tests/unit/domain/test_learned_figures.py --update-golden`, and read the difference in `tests/golden/learned.txt`.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from random import Random

import pytest

from exporter.domain.model import SyncStatus
from exporter.domain.normal import Normal, learn
from exporter.domain.past import Run, to_moment
from exporter.domain.rhythm import to_local
from exporter.domain.trends import judge_latest
from tests.pasts import DAY, FIRST, HOUR, MINUTE, after, every, failure, run

GOLDEN = Path(__file__).parents[2] / "golden" / "learned.txt"
QUARTER = 15 * MINUTE
WEEK = 7 * DAY
EAST = timezone(timedelta(hours=2))


def office(at: datetime) -> float:
    return (1000 if 8 <= at.hour < 18 else 150) * (0.2 if at.weekday() > 4 else 1)


def is_workday(each: Run) -> bool:
    return to_moment(each.start).weekday() < 5


def is_day(each: Run) -> bool:
    return 7 <= to_moment(each.start).hour < 19


def since(days: float, change: Callable[[Run], Run], runs: list[Run], until: float = 1000.0) -> list[Run]:
    """Change the syncs between two days of a past."""
    return [change(each) if days <= (each.start - FIRST) / DAY < until else each for each in runs]


def rows_times(factor: float) -> Callable[[Run], Run]:
    return lambda each: each._replace(rows_synced=int((each.rows_synced or 0) * factor))


def took_times(factor: float) -> Callable[[Run], Run]:
    return lambda each: each._replace(took=int((each.took or 0) * factor))


def of_chance(gap: int, days: int) -> list[Run]:
    """Syncs at no time in particular, with rows that vary much."""
    random, at, found = Random(gap), FIRST, []
    while at < FIRST + days * DAY:
        found.append(run(at, int(random.lognormvariate(5, 1.2)), took=60 + random.randrange(900)))
        at += int(gap * random.lognormvariate(0, 1))
    return found


def with_faults(runs: list[Run]) -> list[Run]:
    """Failed syncs, alone and in a row, partial ones, and ones of which Braze tells little."""
    odd: dict[int, Callable[[Run], Run]] = {
        7: lambda each: failure(each.start),
        20: lambda each: failure(each.start),
        21: lambda each: failure(each.start),
        33: lambda each: each._replace(status=SyncStatus.PARTIAL, rows_failed=11),
        34: lambda each: each._replace(status=SyncStatus.PARTIAL, rows_failed=400),
        40: lambda each: each._replace(rows_synced=None, rows_failed=None, lag=None),
        41: lambda each: each._replace(took=None, lag=None),
        50: lambda each: each._replace(rows_failed=15),
    }
    return [odd[number](each) if number in odd else each for number, each in enumerate(runs)]


def explained_by_rows(runs: list[Run]) -> list[Run]:
    return [each._replace(took=30 + (each.rows_synced or 0) // 4) for each in runs]


def lagging_on(weekday: int, runs: list[Run]) -> list[Run]:
    return [each._replace(lag=40 * HOUR if to_moment(each.start).weekday() == weekday else 2 * HOUR) for each in runs]


def standing_still(runs: list[Run], *numbers: int) -> list[Run]:
    """The watermark of each of these is that of the one before."""
    runs = list(runs)
    for number in numbers:
        before = runs[number - 1]
        runs[number] = runs[number]._replace(lag=runs[number].finish - (before.finish - (before.lag or 0)))
    return runs


def campaigns(at: datetime) -> float:
    return 9000 if at.day in {1, 15} else 1000


PASTS: dict[str, tuple[list[Run], tzinfo | None]] = {
    "nothing": ([], None),
    "one": (every(DAY, 1), None),
    "four": (every(DAY, 4), None),
    "five": (every(DAY, 5), None),
    "eight, one with a fault": (since(6, lambda each: each._replace(rows_failed=600), every(DAY, 8)), None),
    "twenty hours": (every(HOUR, 20 / 24), None),
    "quarters of an hour": (every(QUARTER, 20), None),
    "quarters of an hour, half of them empty": (
        [each._replace(rows_synced=each.rows_synced if i % 2 else 0) for i, each in enumerate(every(QUARTER, 20))],
        None,
    ),
    "hourly by day": (every(HOUR, 40, office), None),
    "hourly by day, zone known": (every(HOUR, 40, office), EAST),
    "hourly, at work only": ([each for each in every(HOUR, 40, office) if is_workday(each) and is_day(each)], None),
    "hourly, at work only, zone known": (
        [each for each in every(HOUR, 40, office) if is_workday(each) and is_day(each)],
        EAST,
    ),
    "hourly, with faults": (with_faults(every(HOUR, 30)), None),
    "hourly, rows take time": (explained_by_rows(every(HOUR, 30, office, noise=0.3)), None),
    "hourly, slow for a day": (since(20, took_times(4), every(HOUR, 40), 21), None),
    "hourly, longer for good": (since(20, took_times(2.5), every(HOUR, 50)), None),
    "hourly, tripled for good": (since(25, rows_times(3), every(HOUR, 50)), None),
    "hourly, an outage": (
        [each for each in every(HOUR, 40) if not 20 <= (each.start - FIRST) / DAY < 21],
        None,
    ),
    "hourly, then daily": (every(HOUR, 20) + every(DAY, 12, first=FIRST + 20 * DAY), None),
    "daily, then hourly": (every(DAY, 30) + every(HOUR, 3, first=FIRST + 30 * DAY), None),
    "every six hours": (every(6 * HOUR, 60, office), None),
    "daily, on workdays": ([each for each in every(DAY, 80) if is_workday(each)], None),
    "daily, lagging on Mondays": (lagging_on(0, every(DAY, 70)), None),
    "daily, campaigns": (every(DAY, 150, campaigns), None),
    "daily, lagging for good": (since(30, lambda each: each._replace(lag=9 * HOUR), every(DAY, 60)), None),
    "daily, faults for good": (since(30, lambda each: each._replace(rows_failed=80), every(DAY, 60)), None),
    "daily, stood still": (standing_still(every(DAY, 60), 20, 40, 41), None),
    "weekly": (every(WEEK, 200), None),
    "monthly": (every(30 * DAY, 360), None),
    "of chance": (of_chance(2 * HOUR, 40), None),
    "of chance, rare": (of_chance(4 * DAY, 300), None),
    "of chance, rare, lagging on Mondays": (lagging_on(0, of_chance(2 * DAY, 300)), None),
}

INCIDENTS: dict[str, Callable[[Run], Run]] = {
    "no rows": lambda each: each._replace(rows_synced=0),
    "a tenth of the rows": rows_times(0.1),
    "half of the rows": rows_times(0.45),
    "eight times the rows": rows_times(8),
    "three times the duration": took_times(3),
    "twelve times the duration": took_times(12),
}


def told(value: object) -> str:
    """A value in one line: numbers to six digits, flags as a string of 0 and 1, what has fields as those."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%m-%dT%H:%M:%S}"
    if isinstance(value, tuple):
        flags = bool(value) and all(isinstance(each, bool) for each in value)
        return ("" if flags else " ").join(map(told, value))
    if is_dataclass(value):
        return "; ".join(f"{field.name}={told(getattr(value, field.name))}" for field in fields(value))
    return str(value)


def limits(normal: Normal, last: Run, sensitivity: str) -> Iterator[object]:
    yield normal.start_deadline(last, sensitivity)
    yield normal.start_deadline(last._replace(took=None), sensitivity, 20.0 * MINUTE)
    yield normal.start_delay_seconds(sensitivity)
    yield normal.duration_limit_seconds(to_moment(last.start + HOUR), last, 0.0, sensitivity)
    yield normal.duration_limit_seconds(to_moment(last.start + 9 * DAY), last, 900.0, sensitivity)
    yield from (normal.lag_limit_seconds(to_moment(last.start + day * DAY), sensitivity) for day in range(2))
    yield normal.failed_rows_limit(sensitivity, 30)
    yield normal.success_age_limit_seconds(sensitivity)


def bands(normal: Normal, last: Run) -> Iterator[object]:
    """What is usual at eight moments of the week after."""
    for number in range(8):
        at = to_local(last.start + number * 21 * HOUR, normal.zone)
        yield normal.rows and normal.rows.band(at)


def incident(runs: list[Run], change: Callable[[Run], Run]) -> Iterator[str]:
    """What is told after the last eighth of a past, but not more than two days or six syncs, has changed."""
    few = max(len(runs) // 8, 1)
    begin = max(runs[-few].start, min(runs[-1].start - 2 * DAY, runs[-min(6, len(runs))].start))
    changed = [change(each) if each.start >= begin else each for each in runs]
    normal = learn(changed, after(runs))
    for sensitivity in ("low", "medium", "high"):
        for trend in judge_latest(changed, normal, sensitivity):
            yield f"{sensitivity} {told(trend)}"


def figures(name: str) -> list[str]:
    runs, zone = PASTS[name]
    normal = learn(runs, after(runs) if runs else to_moment(FIRST), zone=zone)
    lines = [f"# {name}"]
    lines += [f"{field.name}: {told(getattr(normal, field.name))}" for field in fields(normal) if field.name != "zone"]
    if runs:
        lines += [f"{each}: {told(tuple(limits(normal, runs[-1], each)))}" for each in ("low", "medium", "high")]
        lines += [f"rows: {'; '.join(map(told, bands(normal, runs[-1])))}"]
        lines += [f"now: {told(trend)}" for trend in judge_latest(runs, normal)]
    if len(runs) > 5:
        lines += [f"{what}: {line}" for what, change in INCIDENTS.items() for line in incident(runs, change)]
    return lines


@pytest.mark.parametrize("name", PASTS)
def test_what_is_learned_is_what_was_learned_before(name: str, request: pytest.FixtureRequest) -> None:
    known = {past.split("\n")[0]: past for past in GOLDEN.read_text().rstrip("\n").split("\n\n")}
    found = "\n".join(figures(name))
    if request.config.getoption("--update-golden"):
        known[f"# {name}"] = found
        GOLDEN.write_text("\n\n".join(known[f"# {each}"] for each in PASTS if f"# {each}" in known) + "\n")
    assert found == known[f"# {name}"]
