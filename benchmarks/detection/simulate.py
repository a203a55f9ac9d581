"""One integration in virtual time, from event to event: what is reported, from when to when."""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from benchmarks.detection.habits import DAY, HISTORY_DAYS, HOUR, Habit
from benchmarks.detection.incidents import Incident
from benchmarks.detection.judge import Facts, Limits, Problems, judge
from exporter.domain.normal import FEW
from exporter.domain.past import MOST, Run
from exporter.domain.trends import LOOK_BACK

REFIT_HOURS = 6
"""As contract 7.1 has it; more makes tuning quicker."""
Learner = Callable[[Sequence[Run], int], Limits]
WORSE = {"failing": "failed", "stuck": "running_long"}
"""The worse name of one problem (contract 8)."""


@dataclass(slots=True)
class Report:
    """One problem, from its beginning to its end."""

    problem: str
    severity: int
    begin: int
    end: int | None = None


def watch(
    habit: Habit, runs: Sequence[Run], incidents: Sequence[Incident], learner: Learner, *, known: int | None = None
) -> list[Report]:
    """
    Return what is reported while an integration is watched.

    Args:
        habit: The integration.
        runs: All its syncs.
        incidents: Those that only the list shows matter.
        learner: Gives limits from finished syncs and a moment.
        known: How many past syncs are known at first; all if None.

    """
    begin = habit.born + HISTORY_DAYS * DAY
    finished = [run for run in runs if run.finish <= begin]
    if known is not None:
        finished = finished[-known:] if known else []
    facts = Facts(begin, habit.slots if habit.announced else ())
    later = [run for run in runs if run.finish > begin]
    facts.running = later[0] if later and later[0].start <= begin else None
    events: list[tuple[int, int, str, object]] = []
    for run in later:
        events += [(max(begin, run.start), 1, "start", run), (run.finish, 0, "finish", run)]
    for each in incidents:
        if each.kind in ("paused", "gone", "unscheduled"):
            events += [(each.begin, 2, each.kind, True), (each.end, 2, each.kind, False)]
    period = REFIT_HOURS * HOUR
    shift = crc32(habit.name.encode()) % period
    first = (begin - shift) // period * period + shift + period
    events += [(moment, 3, "learn", None) for moment in range(first, habit.end, period)]
    heapq.heapify(events)
    limits = learner(finished[-MOST:], begin)
    facts.verdicts = limits.recent(recent(finished))
    open_: dict[str, Report] = {}
    reports: list[Report] = []
    fresh = False
    now = begin
    problems, look = judge(finished, facts, limits, now)
    _note(problems, open_, reports, now)
    while events:
        if look is not None and look < events[0][0]:
            now = int(look) + 1
        else:
            now, _, what, value = heapq.heappop(events)
            if what == "start":
                facts.running = value  # type: ignore[assignment]
            elif what == "finish":
                facts.running = None
                finished.append(value)  # type: ignore[arg-type]
                fresh = True
                if len(finished) < FEW:
                    limits = learner(finished, now)
                facts.verdicts = limits.recent(recent(finished))
            elif what == "learn":
                if not fresh:
                    continue
                fresh = False
                limits = learner(finished[-MOST:], now)
                facts.verdicts = limits.recent(recent(finished))
            else:
                setattr(facts, what, value)
                facts.resumed_at = now
                if what == "unscheduled":
                    facts.slots = () if value else habit.slots[bisect_right(habit.slots, now) :]
                elif not value:
                    facts.slots = facts.slots and habit.slots[bisect_right(habit.slots, now) :]
            if events and events[0][0] == now:
                continue
        problems, look = judge(finished, facts, limits, now)
        _note(problems, open_, reports, now)
    return reports


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
