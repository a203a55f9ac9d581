"""
Habits of made-up integrations: when they sync, how long that takes, how many rows come, and what is odd about them.

Nothing here knows how limits are learned. A smooth fleet has noise only; a harsh one has public holidays, campaign
days, wandering and growing levels, schedules that move with the clocks, skipped slots and failures that heal.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86400
HISTORY_DAYS, WATCHED_DAYS = 90, 42
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")


@dataclass(slots=True)
class Habit:
    """One integration. Times are seconds since 1970."""

    name: str
    kind: str
    gap: int
    slots: list[int]
    """When syncs are meant to start, history included."""
    announced: bool
    """Whether Braze's list may be read, and announces the next run."""
    listed: bool
    rows: Callable[[int, float], int]
    """Rows for a sync that has a number of usual gaps to catch up with."""
    took: Callable[[int], int]
    """Seconds that a sync takes, by its rows."""
    lag: Callable[[int], int | None]
    """Lag of the watermark at a time."""
    failed_share: Callable[[], float]
    error_share: float
    varies: float
    """How many times as many rows the 95th percentile has as the 5th, at the same time of the week."""
    born: int = 0
    end: int = 0
    extras: dict[str, float] = field(default_factory=dict)


KINDS = (
    "quarter-hourly", "hourly", "hourly office", "two-hourly", "six-hourly", "daily", "daily early", "business days",
    "weekly", "monthly", "on demand", "event-driven",
)  # fmt: skip


def fleet(seed: int, *, harsh: bool, copies: int = 2) -> list[Habit]:
    random = Random(f"{seed}-{harsh}")
    begin = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=random.randrange(0, 260))
    first = int(begin.timestamp())
    days = HISTORY_DAYS + WATCHED_DAYS
    holidays = {}
    if harsh:
        for day in random.sample(range(days), k=days // 14):
            holidays[day] = random.uniform(0.15, 0.5)
            if random.random() < 0.25:
                holidays[day + 1] = holidays[day]
    return [
        habit(random, f"{kind} {copy}", kind, first, holidays, harsh=harsh) for copy in range(copies) for kind in KINDS
    ]


def habit(random: Random, name: str, kind: str, first: int, holidays: dict[int, float], *, harsh: bool) -> Habit:
    own = Random(random.random())
    zone = ZoneInfo(own.choice(ZONES) if harsh or own.random() < 0.3 else "UTC")
    days = HISTORY_DAYS + WATCHED_DAYS
    gap, slots = _slots(own, kind, first, days, zone)
    if harsh and kind not in ("on demand", "event-driven") and gap < DAY and own.random() < 0.3:
        slots = [slot for slot in slots if own.random() > 0.0005]
    scheduled = kind not in ("on demand", "event-driven")
    listed = own.random() < 0.6
    rows, varies = _rows(own, kind, first, days, zone, holidays=holidays, harsh=harsh)
    base, spread = math.exp(own.uniform(math.log(40), math.log(1500))), own.uniform(0.08, 0.35 if harsh else 0.25)
    base = min(base, 0.35 * gap)
    elastic = own.choice((0.0, 0.0, 0.3, 0.8))
    typical = max(1.0, own.choice((1, 1, 1)) * rows(first + 10 * DAY + 12 * HOUR, 1.0))

    def took(count: int) -> int:
        work = (1 - elastic) + elastic * min(30.0, count / typical)
        return max(5, int(base * work * math.exp(own.gauss(0, spread))))

    noisy = own.random()
    error_share = 0.0 if noisy < 0.5 else own.uniform(0.0005, 0.006) if harsh else 0.0004
    return Habit(
        name, kind, gap, slots, scheduled and listed, listed, rows, took, _lag(own, gap), _share(own, harsh=harsh),
        error_share, varies, first, first + days * DAY,
    )  # fmt: skip


def _slots(own: Random, kind: str, first: int, days: int, zone: ZoneInfo) -> tuple[int, list[int]]:
    every = {"quarter-hourly": 15 * MINUTE, "hourly": HOUR, "hourly office": HOUR, "two-hourly": 2 * HOUR}
    end = first + days * DAY
    if kind in every:
        gap = every[kind]
        slots = list(range(first + own.randrange(gap), end, gap))
        if kind == "hourly office":
            slots = [slot for slot in slots if _office(slot, zone)]
        return gap, slots
    if kind in ("on demand", "event-driven"):
        gap = own.choice((3, 8, 20)) * HOUR if kind == "event-driven" else own.choice((16, 40)) * HOUR
        slots, at = [], float(first)
        office = kind == "on demand"
        while at < end:
            at += own.expovariate(1 / gap) + 10 * MINUTE
            if not office or _office(int(at), zone):
                slots.append(int(at))
        return gap, slots
    hour, minute = own.randrange(24), own.randrange(60)
    if kind == "daily early":
        hour = own.choice((0, 23))
    midnight = datetime.fromtimestamp(first, UTC).date()
    hours = range(hour % 6, 24, 6) if kind == "six-hourly" else (hour,)
    weekday, month_day = own.randrange(7), own.randrange(1, 28)
    slots = []
    # A day more on either side: local days begin before and after those of UTC.
    for day in range(-1, days + 1):
        date = midnight + timedelta(days=day)
        if (
            (kind == "business days" and date.weekday() > 4)
            or (kind == "weekly" and date.weekday() != weekday)
            or (kind == "monthly" and date.day != month_day)
        ):
            continue
        slots += [int(datetime(date.year, date.month, date.day, h, minute, tzinfo=zone).timestamp()) for h in hours]
    gap = {"six-hourly": 6 * HOUR, "weekly": 7 * DAY, "monthly": 30 * DAY}.get(kind, DAY)
    return gap, [slot for slot in slots if first <= slot < end]


def _office(at: int, zone: ZoneInfo) -> bool:
    local = datetime.fromtimestamp(at, zone)
    return local.weekday() < 5 and 7 <= local.hour < 19


def _rows(
    own: Random, kind: str, first: int, days: int, zone: ZoneInfo, *, holidays: dict[int, float], harsh: bool
) -> tuple[Callable[[int, float], int], float]:
    base = math.exp(own.uniform(math.log(30), math.log(50_000)))
    noise = own.choice((0.06, 0.15, 0.25, 0.25, 0.6) if kind != "event-driven" else (0.2, 0.6, 1.0))
    shape = own.choice(("flat", "diurnal", "office", "monday", "weekend"))
    whole = own.random() < 0.25
    if harsh and own.random() < 0.2 and kind in ("quarter-hourly", "event-driven", "hourly"):
        base = own.uniform(0.5, 8)
    trend = own.uniform(-0.004, 0.008) if harsh else 0.0
    wander = own.choice((0.0, 0.03, 0.08)) if harsh else 0.0
    season = own.uniform(0, 0.3) if harsh else 0.0
    levels, level = [], 0.0
    campaigns = {day: own.uniform(3, 12) for day in own.sample(range(days), k=days // 40)} if harsh else {}
    holiday_matters = own.random() < 0.8
    for day in range(days + 2):
        level = 0.97 * level + own.gauss(0, wander)
        value = level + trend * day + season * math.sin(day / 30)
        value += math.log(holidays.get(day, 1.0)) if holiday_matters else 0
        value += math.log(campaigns.get(day, 1.0))
        levels.append(value)

    def rows(at: int, gaps: float) -> int:
        local = datetime.fromtimestamp(at, zone)
        day = min(len(levels) - 1, max(0, (at - first) // DAY))
        mean = base * math.exp(levels[day] + own.gauss(0, noise)) * SHAPES[shape](local.weekday(), local.hour)
        return _poisson(own, mean if whole else mean * gaps)

    poisson = 1 / math.sqrt(max(base, 0.1))
    return rows, math.exp(3.3 * math.hypot(noise, poisson))


SHAPES: dict[str, Callable[[int, int], float]] = {
    "flat": lambda _day, _hour: 1.0,
    "diurnal": lambda _day, hour: 1 + 0.8 * math.sin((hour - 9) / 24 * 2 * math.pi),
    "office": lambda day, hour: (1.0 if 7 <= hour < 19 else 0.25) * (0.2 if day > 4 else 1.0),
    "monday": lambda day, _hour: 2.0 if day == 0 else 0.4 if day > 4 else 1.0,
    "weekend": lambda day, hour: (1.8 if day > 4 else 1.0) * (1 + 0.5 * math.sin((hour - 12) / 24 * 2 * math.pi)),
}


def _poisson(own: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(own.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, own.random()
    while product > limit:
        count += 1
        product *= own.random()
    return count


def _lag(own: Random, gap: int) -> Callable[[int], int | None]:
    kind = own.random()
    if kind < 0.15:
        return lambda _at: None
    if kind < 0.3:
        hour = own.randrange(24) * HOUR
        return lambda at: (at - hour) % DAY + int(own.uniform(0, HOUR))
    fresh = own.uniform(30, 900)
    wide = own.choice((0.3, 0.8))
    return lambda _at: int(fresh * math.exp(own.gauss(0, wide))) + (int(own.uniform(0, gap / 4)) if wide > 0.5 else 0)


def _share(own: Random, *, harsh: bool) -> Callable[[], float]:
    kind = own.random()
    if kind < 0.5:
        return lambda: 0.0
    usual = own.uniform(0.0005, 0.04)
    if kind < 0.8 or not harsh:
        return lambda: usual * math.exp(own.gauss(0, 0.3))
    return lambda: usual * math.exp(own.gauss(0, 0.6)) if own.random() < 0.3 else 0.0
