"""
One simulated run: the exporter lives, dies and lives again while its scenario happens, is watched, and is judged.

Everything happens in one virtual event loop in an order that the seed alone decides. What must hold at every moment is
checked by each scrape; what must hold in the end by `verdict.py`, when everything has come to rest.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from random import Random

from exporter.domain.model import SyncStatus
from exporter.domain.settings import WorkspaceSettings
from exporter.state.store import Storage
from tests.faults import Fault
from tests.simulation.disk import DiskOfOneLife, Kept, Life
from tests.simulation.process import Process
from tests.simulation.scenario import START, Scenario, draw_scenario
from tests.simulation.timeline import Event
from tests.simulation.verdict import check_pasts, check_rest, check_scrape
from tests.simulation.watch import Scraper
from tests.virtual_time import VirtualClock, run

OpenDisk = Callable[[Callable[[], datetime]], Storage]
"""Opens the states on disk, given the time of day."""

SCRAPES = 40
"""During a run, at random moments; and one after each start."""
_SETTLING_SECONDS = 5400.0
"""The longest walk under way when everything came to rest ends within that."""


class SimulationError(Exception):
    """The exporter did wrong; the text says how, and how to see it again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; the digest is the same whenever the same seed is run."""

    digest: str
    requests: int
    syncs: int
    lives: int
    gaps: int


def simulate(seed: int, open_disk: OpenDisk, duration_seconds: float | None = None) -> Outcome:
    """
    Run a seed to its end.

    Args:
        seed: What everything follows from.
        open_disk: Called at the beginning of each life of the exporter.
        duration_seconds: Instead of a week.

    Raises:
        SimulationError: The exporter did wrong.

    """
    scenario = draw_scenario(seed) if duration_seconds is None else draw_scenario(seed, duration_seconds)
    drive = _Drive(scenario, open_disk)
    try:
        return run(drive.main, start=START)
    except Exception as error:
        raise SimulationError(
            f"seed {seed} ({scenario.kind}), {drive.moment()}: {type(error).__name__}: {error}; "
            f"repeat it with: .venv/bin/python -m tests.simulation --first {seed} --seeds 1"
        ) from error


class _Drive:
    def __init__(self, scenario: Scenario, open_disk: OpenDisk) -> None:
        self._scenario = scenario
        self._world = scenario.world
        self._open_disk = open_disk
        self._random = Random(f"drive {scenario.seed}")
        self._scraper = Scraper()
        self._kept = Kept()
        self._process: Process | None = None
        self._disk: Storage | None = None
        self._downtime_seconds = 0.0
        self._left_out: str | None = None
        self._lives = 0
        self._requests = 0
        self._complaints: list[str] = []
        self._revised: set[str] = set()
        self._at_rest = False
        self._clock = VirtualClock(START)

    def moment(self) -> str:
        return f"{self._world.now:%a %H:%M:%S}, life {self._lives}"

    async def main(self, clock: VirtualClock) -> Outcome:
        self._clock = clock
        living = asyncio.create_task(self._live())
        try:
            await self._happen(living)
            await self._come_to_rest()
            self._scrape()
            assert self._process is not None
            assert self._disk is not None
            check_pasts(self._scenario, self._kept, self._revised, self._disk)
            gaps = check_rest(self._scenario, self._kept, self._revised, self._process.views)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        return self._outcome(gaps)

    async def _live(self) -> None:
        """One life after the other."""
        while True:
            life = Life()
            disk = self._disk = self._open_disk(self._clock.now)
            process = Process(
                world=self._world,
                workspaces=self._configured(),
                store=DiskOfOneLife(disk, life, self._kept),
                clock=self._clock,
                life=life,
                kept=self._kept,
                random=Random(f"life {self._scenario.seed} {self._lives}"),
                complaints=self._complaints,
            )
            self._process = process
            self._lives += 1
            self._scrape()
            try:
                await process.run()
            finally:
                self._process = None
                self._requests += process.requests
                disk.close()
            await asyncio.sleep(self._downtime_seconds)

    def _configured(self) -> tuple[WorkspaceSettings, ...]:
        return tuple(
            replace(each, integrations=tuple(i for i in each.integrations if i.integration_id != self._left_out))
            for each in self._scenario.workspaces
        )

    async def _happen(self, living: asyncio.Task[None]) -> None:
        """Let everything happen that the scenario holds, and scrape in between."""
        began = self._clock.monotonic()
        moments: list[tuple[float, Event | None]] = [(event.at_seconds, event) for event in self._scenario.events]
        moments += [(self._random.uniform(0, self._scenario.duration_seconds), None) for _ in range(SCRAPES)]
        for at_seconds, event in sorted(moments, key=itemgetter(0)):
            await asyncio.sleep(max(0.0, began + at_seconds - self._clock.monotonic()))
            if living.done():
                living.result()
            self._world.advance(self._clock.true_now())
            if event is None:
                self._scrape()
            elif (end := self._begin(event)) is not None:
                asyncio.get_running_loop().call_later(event.seconds, self._end, end)

    def _end(self, end: Callable[[], None]) -> None:
        if not self._at_rest:
            self._world.advance(self._clock.true_now())
            end()

    def _begin(self, event: Event) -> Callable[[], None] | None:
        """Let an event happen, and return what ends it."""
        world, target = self._world, event.integration_id or event.workspace or ""
        needed = {target} if target else world.integrations.keys()
        if event.needs_sight and not needed <= self._kept.ledgers.keys():
            return None
        match event.what:
            case "fault":
                fault = self._add_fault(event)
                return partial(world.faults.remove, fault)
            case "problem" | "workspace_problem":
                world.switch(event.name, target)
                return partial(world.clear, event.name, target)
            case "kill":
                self._kill(event)
            case "clock_step":
                self._clock.step(event.step_seconds)
                return partial(self._clock.step, -event.step_seconds)
            case "sync":
                with suppress(ValueError):  # one runs already
                    world.start_sync(target, duration=timedelta(seconds=self._random.choice((0, 5, 400))))
            case "revise":
                self._revise(target)
        return None

    def _add_fault(self, event: Event) -> Fault:
        return self._world.faults.add(
            event.name,
            integration_id=event.integration_id,
            page=event.page,
            record=event.record,
            times=event.times,
        )

    def _kill(self, event: Event) -> None:
        if self._process is None:
            return
        self._downtime_seconds, self._left_out = event.seconds, event.leaves_out
        life = self._process.life
        match event.moment:
            case "now":
                life.kill()
            case "at_request":
                life.kill_after_requests = event.countdown
            case "before_commit":
                life.kill_before_commits = event.countdown
            case "after_commit":
                life.kill_after_commits = event.countdown

    def _revise(self, target: str) -> None:
        """Braze words a record differently that has been counted."""
        ledger = self._kept.ledger(target)
        finished = [sync.sync_start_time for sync in ledger.recent if sync.finished] if ledger else []
        if not finished:
            return
        start = self._random.choice(finished)
        number = next(n for n, sync in enumerate(self._world.truth(target)) if sync.sync_start_time == start)
        changes: tuple[dict[str, object], ...] = (
            {"rows_synced": 1_000_000},
            {"job_status": SyncStatus.ERROR, "rows_synced": 0},
            {"job_status": SyncStatus.RUNNING, "sync_finish_time": None},
            {"sync_finish_time": start + timedelta(days=2)},
        )
        self._world.revise_sync(target, number, **self._random.choice(changes))
        self._revised.add(target)

    def _scrape(self) -> None:
        if self._complaints:
            raise AssertionError(self._complaints[0])
        if self._process is None or self._process.life.ended.is_set():
            return
        now = self._clock.now()
        times = {poller.settings.name: poller.clock.now() for poller in self._process.pollers}
        shown = self._scraper.scrape(self._process.page, now, times, openmetrics=self._random.random() < 0.5)
        check_scrape(self._scenario, self._kept, shown)
        if unhealthy := self._process.unhealthy():
            raise AssertionError(unhealthy[0])

    async def _come_to_rest(self) -> None:
        """End all that goes wrong, let nothing new happen, and wait until the exporter has seen it all."""
        self._at_rest = True
        world = self._world
        world.faults.clear()
        for name, home in world.workspaces.items():
            for problem in sorted(home.problems):
                world.clear(problem, name)
        for key, integration in world.integrations.items():
            for problem in sorted(integration.problems):
                world.clear(problem, key)
            world.switch("paused", key)
            if integration.running:
                world.finish_sync(key)
        self._clock.step((self._clock.true_now() - self._clock.now()).total_seconds())
        self._left_out = None
        self._downtime_seconds = 1.0
        if self._process is not None:
            self._process.life.kill()
        interval = self._scenario.workspaces[0].poll.interval_seconds
        at_rest = self._clock.now() + timedelta(seconds=_SETTLING_SECONDS)
        for _ in range(30):
            await asyncio.sleep(interval)
            polled = [each.last_poll_success_at for each in self._process.views.values()] if self._process else []
            if polled and all(at is not None and at > at_rest for at in polled):
                return
        raise AssertionError("not every integration was polled with success after everything had come to rest")

    def _outcome(self, gaps: int) -> Outcome:
        syncs = sum(sum(ledger.totals.syncs) for ledger in self._kept.ledgers.values())
        words = [f"{key} {state}" for key, state in sorted(self._kept.states.items())]
        words += [str(self._requests), str(self._lives), str(self._clock.monotonic())]
        digest = hashlib.blake2b("\n".join(words).encode(), digest_size=8).hexdigest()
        return Outcome(digest, self._requests, syncs, self._lives, gaps)
