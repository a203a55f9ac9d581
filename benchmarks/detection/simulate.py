"""One integration in virtual time, from event to event: what is reported, from when to when."""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from benchmarks.detection.habits import DAY, HISTORY_DAYS, HOUR, MINUTE, Habit
from benchmarks.detection.incidents import LISTED, Incident
from benchmarks.detection.judge import CRITICAL, INFO, WARNING, Facts, Limits, Problems, judge
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration
from exporter.domain.normal import FEW
from exporter.domain.past import MOST, Run, to_moment, to_seconds, to_sync
from exporter.domain.problem import Severity
from exporter.domain.replay import Replay
from exporter.domain.trends import LOOK_BACK

REFIT_HOURS = 6
"""As contract 7.1 has it; more makes tuning quicker."""
Learner = Callable[[Sequence[Run], int], Limits]
SEVERITIES = {Severity.INFO: INFO, Severity.WARNING: WARNING, Severity.CRITICAL: CRITICAL}
WORSE = {"failing": "failed", "stuck": "running_long"}
"""The worse name of one problem (contract 8)."""


@dataclass(slots=True)
class Report:
    """One problem, from its beginning to its end."""

    problem: str
    severity: int
    begin: int
    end: int | None = None


def watch(habit: Habit, runs: Sequence[Run], incidents: Sequence[Incident], learner: Learner) -> list[Report]:
    """
    Return what is reported while an integration is watched.

    Args:
        habit: The integration.
        runs: All its syncs.
        incidents: Those that only the list shows matter.
        learner: Gives limits from finished syncs and a moment.

    """
    begin = habit.born + HISTORY_DAYS * DAY
    watched = _Watched(habit, [run for run in runs if run.finish <= begin], learner, begin)
    later = [run for run in runs if run.finish > begin]
    if later and later[0].start <= begin:
        watched.facts.running = later[0]
    events = _events(habit, later, incidents, begin)
    look = watched.judge(begin)
    while events:
        if look is not None and look < events[0][0]:
            look = watched.judge(int(look) + 1)
            continue
        now, _, what, value = heapq.heappop(events)
        changed = watched.happens(what, value, now)
        if changed and not (events and events[0][0] == now):
            look = watched.judge(now)
    return watched.reports


def replayed(
    habit: Habit, runs: Sequence[Run], incidents: Sequence[Incident], *, known: int | None = None
) -> list[Report]:
    """As `watch`, by the exporter's own judge, with what it learned."""
    begin = habit.born + HISTORY_DAYS * DAY
    integration = Integration("benchmark", habit.name, habit.name)
    past = [run for run in runs if run.finish <= begin]
    forgotten = 0 if known is None else max(0, len(past) - known)
    replay = Replay(
        integration,
        [to_sync(run) for run in runs[forgotten:]],
        to_moment(begin),
        to_moment(habit.end),
        timedelta(days=HISTORY_DAYS),
        listings=list(_listings(habit, incidents, begin)),
    )
    return [
        Report(
            one.problem.kind,
            SEVERITIES[one.problem.severity],
            to_seconds(one.began_at),
            None if one.ended_at is None else to_seconds(one.ended_at),
        )
        for one in replay.run().problems
    ]


def _listings(
    habit: Habit, incidents: Sequence[Incident], begin: int
) -> Iterator[tuple[datetime, ListedIntegration | None]]:
    """Yield what Braze's list shows from when on, where it may be read: the run announced, and what was done to it."""
    if not habit.listed:
        return
    hidden = [each for each in incidents if each.kind in LISTED]
    moments = {begin - MINUTE, *(moment for each in hidden for moment in (each.begin, each.end))}
    if habit.announced:
        moments |= {slot for slot in habit.slots if slot >= begin}
    for now in sorted(moments):
        kind = next((each.kind for each in hidden if each.begin <= now < each.end), "")
        index = bisect_right(habit.slots, now)
        following = habit.slots[index] if index < len(habit.slots) else habit.end + DAY
        listed = ListedIntegration(
            habit.name,
            integration_status="Paused" if kind == "paused" else "Active",
            next_scheduled_run=to_moment(following) if habit.announced and kind not in LISTED else None,
        )
        yield to_moment(now), None if kind == "gone" else listed


def _events(
    habit: Habit, later: Sequence[Run], incidents: Sequence[Incident], begin: int
) -> list[tuple[int, int, str, Run | bool]]:
    """Return a heap of moments, their order at the same moment, what happens, and to what."""
    events: list[tuple[int, int, str, Run | bool]] = []
    for run in later:
        events += [(max(begin, run.start), 1, "start", run), (run.finish, 0, "finish", run)]
    for each in incidents:
        if each.kind in LISTED:
            events += [(each.begin, 2, each.kind, True), (each.end, 2, each.kind, False)]
    period = REFIT_HOURS * HOUR
    shift = crc32(habit.name.encode()) % period
    first = (begin - shift) // period * period + shift + period
    events += [(moment, 3, "learn", True) for moment in range(first, habit.end, period)]
    heapq.heapify(events)
    return events


class _Watched:
    """What is known of one integration, the limits in effect, and what was reported."""

    def __init__(self, habit: Habit, finished: list[Run], learner: Learner, begin: int) -> None:
        self._habit, self._learner = habit, learner
        self._finished = finished
        self._new = False
        """Whether a sync has finished since limits were learned."""
        self._open: dict[str, Report] = {}
        self.facts = Facts(begin, habit.slots if habit.announced else ())
        self.reports: list[Report] = []
        self._learn(begin)

    def happens(self, what: str, value: Run | bool, now: int) -> bool:
        """Take note of an event, and return whether it changes anything."""
        if isinstance(value, Run):
            self.facts.running = value if what == "start" else None
            if what == "finish":
                self._finished.append(value)
                self._new = True
                if len(self._finished) < FEW:
                    self._learn(now)
                self.facts.verdicts = self._limits.recent(recent(self._finished))
            return True
        if what == "learn":
            if self._new:
                self._learn(now)
                return True
            return False
        setattr(self.facts, what, value)
        self.facts.resumed_at = now
        later = self._habit.slots[bisect_right(self._habit.slots, now) :]
        if what == "unscheduled":
            self.facts.slots = () if value else later
        elif not value and self.facts.slots:
            self.facts.slots = later
        return True

    def _learn(self, now: int) -> None:
        self._new = False
        self._limits = self._learner(self._finished[-MOST:], now)
        self.facts.verdicts = self._limits.recent(recent(self._finished))

    def judge(self, now: int) -> float | None:
        problems, look = judge(self._finished, self.facts, self._limits, now)
        _note(problems, self._open, self.reports, now)
        return look


def recent(finished: Sequence[Run]) -> Sequence[Run]:
    index = len(finished)
    if not finished:
        return ()
    first = finished[-1].start - LOOK_BACK
    while index and finished[index - 1].start >= first and len(finished) - index < MOST:
        index -= 1
    return finished[index:]


def _note(problems: Problems, open_: dict[str, Report], reports: list[Report], now: int) -> None:
    held = {WORSE.get(problem, problem): (problem, severity) for problem, severity in problems.items()}
    for name in [name for name in open_ if name not in held]:
        open_.pop(name).end = now
    for name, (problem, severity) in held.items():
        report = open_.get(name)
        if report is None:
            open_[name] = report = Report(problem, severity, now)
            reports.append(report)
        elif severity > report.severity or problem in WORSE:
            report.severity = max(severity, report.severity)
            report.problem = problem if problem in WORSE else report.problem
