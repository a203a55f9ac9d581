"""
When an integration's syncs are due: on a schedule, whenever files arrive, or only on demand.

A schedule is a sequence of slots, each with a number, an announced time and the time when the sync really starts.
Everything about a slot follows from the integration's seed and the slot's number, so that the same slots come out
however often the world is advanced. A schedule knows nothing of what a sync does once it has started.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from hashlib import blake2b
from random import Random

NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than any moment of a simulation."""


def derive_seed(*parts: object) -> int:
    """Return a seed of 64 bits that depends on every part and on nothing else, on any machine."""
    return int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def random_stream(seed: int, number: int) -> Random:
    """Return the random numbers that belong to one slot or one sync. The streams of two numbers are unrelated."""
    return Random(seed ^ (number * 0x9E3779B97F4A7C15))  # noqa: S311 - a simulation wants repeatable numbers, not secrets


class ScheduleKind(StrEnum):
    """How syncs of an integration come about. Source: Braze's pages on integrations, S3 and "Trigger sync"."""

    SCHEDULED = "scheduled"
    EVENT_DRIVEN = "event_driven"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True)
class Slot:
    """One occasion for a sync. *announced_at* is what `next_scheduled_run` says beforehand."""

    number: int
    announced_at: datetime
    start_at: datetime
    wall_at: datetime | None = None
    """*announced_at* by the clocks of the schedule's zone, naive; None without one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    When syncs start.

    Args:
        kind: Scheduled, event-driven (files arrive at random) or on demand (requested).
        interval: Between scheduled runs; for the others the mean time between arrivals or requests, which come at
            random. Zero: no sync starts automatically.
        delay: How many seconds after the announced time a scheduled sync starts, at least and at most. May be
            negative: Braze promises no punctuality.
        phase: How long after the integration's birth the first scheduled run is.
        zone: Of the dashboard, by whose clocks a run every few days keeps its hour; None counts in UTC.

    Raises:
        ValueError: Times are not whole seconds, a schedule has slots but no interval, its delays may bring slots out of
            order, or it has a zone but runs more often than daily.

    """

    kind: ScheduleKind
    interval: timedelta = timedelta(0)
    delay: tuple[int, int] = (0, 0)
    phase: timedelta = timedelta(0)
    zone: tzinfo | None = None

    def __post_init__(self) -> None:
        if not self.interval and self.kind is not ScheduleKind.SCHEDULED:
            return
        if self.interval.microseconds or self.phase.microseconds:
            raise ValueError("a schedule counts in whole seconds, as the texts of its times may")
        if self.interval < timedelta(seconds=1):
            raise ValueError(f"a {self.kind} schedule needs an interval of at least a second, not {self.interval}")
        low, high = self.delay
        if low > high or timedelta(seconds=high - low) >= self.interval:
            raise ValueError(f"delays from {low} to {high} s would bring slots {self.interval} apart out of order")
        if self.zone is not None and self.interval % timedelta(days=1):
            raise ValueError("only a schedule of whole days follows the clocks of a zone")

    def first_slot(self, born_at: datetime, seed: int, quantum: timedelta) -> Slot | None:
        """Return slot 0, or None without slots. Starts are multiples of *quantum* after a whole second."""
        if not self.interval:
            return None
        born_at = born_at.replace(microsecond=0)
        if self.kind is ScheduleKind.SCHEDULED:
            first_at = born_at + self.phase
            wall_at = None if self.zone is None else first_at.astimezone(self.zone).replace(tzinfo=None)
            return self._scheduled(0, first_at, wall_at, seed, quantum)
        return self._arrival(0, born_at, seed, quantum)

    def slot_after(self, slot: Slot, seed: int, quantum: timedelta) -> Slot:
        """Return the next slot."""
        if self.kind is ScheduleKind.SCHEDULED:
            announced_at, wall_at = slot.announced_at + self.interval, None
            if slot.wall_at is not None:
                wall_at = slot.wall_at + self.interval
                announced_at = wall_at.replace(tzinfo=self.zone).astimezone(UTC)
            return self._scheduled(slot.number + 1, announced_at, wall_at, seed, quantum)
        return self._arrival(slot.number + 1, slot.announced_at, seed, quantum)

    def _scheduled(
        self, number: int, announced_at: datetime, wall_at: datetime | None, seed: int, quantum: timedelta
    ) -> Slot:
        low, high = self.delay
        if low == high == 0:
            return Slot(number, announced_at, announced_at, wall_at)
        steps = timedelta(seconds=1) // quantum
        delay = quantum * random_stream(seed, number).randint(low * steps, high * steps)
        return Slot(number, announced_at, announced_at + delay, wall_at)

    def _arrival(self, number: int, previous: datetime, seed: int, quantum: timedelta) -> Slot:
        """Files arrive and people ask without memory: exponential gaps, at least a second."""
        gap = random_stream(seed, number).expovariate(1 / self.interval.total_seconds())
        arrives_at = previous + max(timedelta(seconds=1), quantum * round(timedelta(seconds=gap) / quantum))
        return Slot(number, arrives_at, arrives_at)


def every(
    *,
    seconds: float = 0,
    minutes: float = 0,
    hours: float = 0,
    days: float = 0,
    delay: tuple[int, int] = (0, 0),
    phase: timedelta = timedelta(0),
    zone: tzinfo | None = None,
) -> Schedule:
    """Return a schedule with the given time between runs."""
    interval = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Schedule(ScheduleKind.SCHEDULED, interval, delay, phase, zone)


def on_arrival(mean: timedelta) -> Schedule:
    """Return an event-driven schedule: files arrive at random, *mean* apart on average."""
    return Schedule(ScheduleKind.EVENT_DRIVEN, mean)


ON_DEMAND = Schedule(ScheduleKind.ON_DEMAND)
"""Syncs start only when one is asked for."""
