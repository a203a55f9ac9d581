"""
The story: everything goes wrong at about the same time, each thing is mended as soon as its alerts have arrived, one
exporter is killed and restarted in the middle of it; when all is well again all exporters go down.

It waits for what must come, up to a deadline, and judges nothing: the tests look at its record.
"""

from collections.abc import Callable
from contextlib import ExitStack
from time import sleep, time

from tests.stack.cast import SYNCS, places_of
from tests.stack.copies import short_sighted
from tests.stack.faults import ALL_DOWN, FAULTS, Fault
from tests.stack.receiver import Alert
from tests.stack.stage import EXPORTERS, Stage

START_SECONDS = 45.0
LONGEST_SECONDS = 240.0
"""From the first fault until all alerts have come and gone. It takes about half of that."""
LAST_ACT_SECONDS = 45.0
UNSEEN_AT_FIRST = {"hanging", "undiscovered"}
"""Workspaces of which nothing can be polled before their faults end."""
RESTART_AT_LATEST_SECONDS = 45.0
"""Even if those alerts have not arrived, so that one that is missing does not hold up all others."""
FIRING_BEFORE_RESTART = {"BrazeCDISyncFailing", "BrazeCDISyncConfigError", "BrazeCDISyncOverdue"}


def ending(fault: Fault) -> frozenset[Alert]:
    """Return the alerts of *fault* whose end can be waited for: twins stand in for those that last."""
    return frozenset(alert._replace(name=short_sighted(alert.name)) for alert in fault.alerts)


class Story:
    """Plays on a stage; afterwards it tells what happened when, in seconds since 1970."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.killed_at = 0.0
        self.back_at = 0.0
        self.last_act_at = 0.0

    def play(self, stack: ExitStack) -> None:
        """Play everything; the exporters live until *stack* ends."""
        for fault in FAULTS:
            if fault.from_start:
                self._begin(fault)
        for name in EXPORTERS:
            self.stage.enter(name, stack)
        polled = sum(
            actor.configured
            for exporter in EXPORTERS
            for place in places_of(exporter)
            if place.name not in UNSEEN_AT_FIRST
            for actor in place.actors
        )
        # Each exporter, too: one that Prometheus had never seen when it is killed would be missed by nobody.
        self._wait(
            lambda: self._count("up == 1") >= len(EXPORTERS) and self._count("braze_cdi_up == 1") >= polled,
            START_SECONDS,
        )
        for fault in FAULTS:
            if not fault.from_start and not fault.after:
                self._begin(fault)
        self._wait(self._act_one, LONGEST_SECONDS)
        self.last_act_at = time()
        self._begin(ALL_DOWN)
        self._wait(lambda: self._arrived(ALL_DOWN), LAST_ACT_SECONDS)
        self._end(ALL_DOWN)
        self._wait(lambda: not self._firing(ALL_DOWN), LAST_ACT_SECONDS)

    def _act_one(self) -> bool:
        """Do what is next; return whether everything has come and gone."""
        if not self.back_at and {alert.name for alert in self.stage.inbox.arrived()} >= FIRING_BEFORE_RESTART:
            self._restart()
        for fault in FAULTS:
            if fault.name not in self.began and fault.after in self.ended:
                self._begin(fault)
            may_end = fault.name in self.began and (self.back_at or not fault.through_restart)
            if may_end and fault.name not in self.ended and self._arrived(fault):
                self._end(fault)
        return len(self.ended) == len(FAULTS) and not any(self._firing(fault) for fault in FAULTS)

    def _restart(self) -> None:
        """Kill the exporter that watches the syncs, and have it back."""
        self.killed_at = time()
        self.stage.kill(SYNCS)
        self._wait(lambda: self._count(self._up(0)) == 1, START_SECONDS)
        self.stage.start(SYNCS)
        self._wait(lambda: self._count(self._up(1)) == 1, START_SECONDS)
        self.back_at = time()

    def _up(self, value: int) -> str:
        return f'up{{instance="{self.stage.addresses[SYNCS]}"}} == {value}'

    def _begin(self, fault: Fault) -> None:
        self.began[fault.name] = time()
        fault.begin(self.stage)

    def _end(self, fault: Fault) -> None:
        self.ended[fault.name] = time()
        fault.end(self.stage)

    def _arrived(self, fault: Fault) -> bool:
        return fault.alerts | ending(fault) <= self.stage.inbox.arrived()

    def _firing(self, fault: Fault) -> frozenset[Alert]:
        return ending(fault) & self.stage.inbox.firing()

    def _count(self, query: str) -> int:
        """How many series there are now."""
        return len(self.stage.prometheus.now(query, time()))

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait until it is done, but no longer; what is missing then the tests will say."""
        deadline = time() + seconds
        while not done() and time() < deadline:
            sleep(0.2)
