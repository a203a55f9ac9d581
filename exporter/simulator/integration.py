"""
One simulated integration: its syncs so far, and what happens next.

The history advances only when it is read or a problem is switched, event by event, so that it does not
depend on how often that is. One sync runs at a time: a slot that comes while a sync runs is passed over.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.domain.model import Sync, SyncStatus
from exporter.simulator.behaviour import STATUSES, Behaviour, Outcome, Scale, draw_duration, draw_outcome
from exporter.simulator.schedule import NEVER, Schedule, derive_seed, random_stream
from exporter.simulator.style import Style, floor_time


@dataclass(frozen=True, slots=True)
class Profile:
    """An integration's fields in the list, apart from its syncs. `integration_type` is the kind of warehouse, too."""

    warehouse_type: str = "snowflake"
    app_group_id: str = ""
    contact_emails: str = "data-team@example.com"
    draft: bool = False
    """Not tested yet in the dashboard: listed, and never run."""


@dataclass(frozen=True, slots=True)
class Forced:
    """Chosen values of one sync; None is left to the integration's behaviour."""

    word: str | None = None
    rows_synced: int | None = None
    rows_failed_with_errors: int | None = None
    watermark: datetime | None = None


class SimulatedIntegration:
    """An integration with a past from *born_at* on. Times given to its methods never go back."""

    def __init__(
        self,
        *,
        workspace: str,
        integration_id: str,
        name: str,
        schedule: Schedule,
        behaviour: Behaviour,
        scale: Scale,
        profile: Profile,
        style: Style,
        born_at: datetime,
        seed: int,
    ) -> None:
        self.workspace = workspace
        self.integration_id = integration_id
        self.name = name
        self.schedule = schedule
        self.behaviour = behaviour
        self.scale = scale
        self.profile = profile
        self.problems: set[str] = set()
        self.syncs: list[Sync] = []
        """Every sync, oldest first."""
        self.words: list[str] = []
        """Braze's status for each sync, as the newer page spells it."""
        self.version = 0
        """Grows whenever a page about this integration may have changed."""
        self.watermark: datetime | None = None
        self._style = style
        self._quantum = style.quantum
        self._slot_seed = derive_seed(seed, integration_id, "slots")
        self._sync_seed = derive_seed(seed, integration_id, "syncs")
        self._slot = schedule.first_slot(born_at, self._slot_seed, self._quantum)
        self._announced_at = None if self._slot is None else self._slot.announced_at
        self._ends_at: datetime | None = None
        self._forced = Forced()
        self._due_at = NEVER if self._slot is None else self._slot.start_at

    @property
    def running(self) -> bool:
        return self._ends_at is not None

    @property
    def status(self) -> str:
        if self.profile.draft:
            return "draft"
        return "paused" if "paused" in self.problems else "active"

    @property
    def next_scheduled_run(self) -> datetime | None:
        """The announced run; None while paused, for drafts, on-demand and event-driven integrations."""
        announces = self.schedule.kind == "scheduled" and self.status == "active" and "unscheduled" not in self.problems
        return self._announced_at if announces else None

    def catch_up(self, now: datetime) -> None:
        """Let everything happen that is due until *now*. Costs next to nothing when nothing is."""
        while self._due_at <= now:
            self._step()

    def switch(self, problem: str, now: datetime) -> None:
        """Begin a problem."""
        self.catch_up(now)
        self.problems.add(problem)
        self._changed()

    def start_sync(self, now: datetime, *, duration: timedelta | None, forced: Forced) -> Sync:
        """
        Start a sync on demand.

        Raises:
            ValueError: One is running already, or began at the same moment: a start is a sync's identity.

        """
        self.catch_up(now)
        if self.running:
            raise ValueError(f"integration {self.name} is running a sync already, and runs one at a time")
        at = floor_time(now, self._quantum)
        if self.syncs and at <= self.syncs[-1].sync_start_time:
            raise ValueError(
                f"a sync of {self.name} began at {at} already: let {self._quantum} pass, or take a finer style"
            )
        self._start(at, duration, forced)
        self.catch_up(now)
        return self.syncs[-1]

    def _step(self) -> None:
        """Let the one next thing happen: the end of the running sync, else the next slot."""
        if self._ends_at is not None and self._end_due_at() == self._due_at:
            self._finish(self._ends_at)
        elif self._slot is not None:
            self._pass_slot()
        self._changed()

    def _end_due_at(self) -> datetime:
        return NEVER if self._ends_at is None or "never_finishes" in self.problems else self._ends_at

    def _changed(self) -> None:
        self.version += 1
        self._due_at = min(self._end_due_at(), NEVER if self._slot is None else self._slot.start_at)

    def _pass_slot(self) -> None:
        slot = self._slot
        assert slot is not None  # noqa: S101 - for the type checker: only called when there is one
        self._slot = self.schedule.slot_after(slot, self._slot_seed, self._quantum)
        silent = not self.problems.isdisjoint({"silent_stop", "unscheduled"})
        if not silent or self._style.announcement_rolls:
            self._announced_at = self._slot.announced_at
        follows = not self.syncs or slot.start_at > self.syncs[-1].sync_start_time
        if not silent and follows and not self.running and self.status == "active":
            self._start(slot.start_at, None, Forced())

    def _start(self, at: datetime, duration: timedelta | None, forced: Forced) -> None:
        if duration is None:
            random = random_stream(self._sync_seed, 2 * len(self.syncs))
            duration = draw_duration(self.scale, self.problems, random, self._quantum)
        sync = Sync(at, SyncStatus.RUNNING)
        if self._style.running_tells:
            sync = replace(sync, last_timestamp_synced=self.watermark, rows_synced=0, rows_failed_with_errors=0)
        self.syncs.append(sync)
        self.words.append("running")
        self._ends_at = at + floor_duration(duration, self._quantum)
        self._forced = forced
        self._changed()

    def _finish(self, at: datetime) -> None:
        number = len(self.syncs) - 1
        started_at = self.syncs[number].sync_start_time
        outcome = self._outcome(number, started_at)
        status = STATUSES.get(outcome.word, SyncStatus.UNKNOWN)
        sync = Sync(started_at, status, at)
        if self._style.failed_tells or not sync.failed:
            sync = Sync(started_at, status, at, outcome.watermark, outcome.rows_synced, outcome.rows_failed_with_errors)
        if outcome.watermark is not None:
            self.watermark = outcome.watermark
        self.syncs[number] = sync
        self.words[number] = outcome.word
        self._ends_at = None

    def _outcome(self, number: int, started_at: datetime) -> Outcome:
        forced = self._forced
        drawn = draw_outcome(
            self.behaviour,
            self.scale,
            self.problems,
            random_stream(self._sync_seed, 2 * number + 1),
            number=number,
            started_at=started_at,
            watermark=self.watermark,
            word=forced.word,
        )
        rows, failed = forced.rows_synced, forced.rows_failed_with_errors
        return Outcome(
            drawn.word,
            drawn.rows_synced if rows is None else rows,
            drawn.rows_failed_with_errors if failed is None else failed,
            forced.watermark or drawn.watermark,
        )


def floor_duration(duration: timedelta, quantum: timedelta) -> timedelta:
    """Return the duration in whole steps, never negative."""
    return max(timedelta(0), duration - duration % quantum)
