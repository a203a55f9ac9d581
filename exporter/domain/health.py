"""
The one judge: what is wrong with an integration, from what is known of it and the limits in effect.

`PROBLEMS` is the closed list of contract 7, one entry a kind: the rule that finds it (in `health_rules.py` and
`health_trends.py`), and which kinds follow from it and are hidden, because one incident is one problem. Status page,
JSON, `braze_cdi_problem`, the shipped rules and `replay` show its result; nothing else decides what is wrong.

Ages stand still at the latest good poll: what was wrong then stays wrong until a good poll says otherwise, so that a
blind exporter resolves no alert. Pure: the only thing that comes with time alone is that a state is stale.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from exporter.domain import health_rules as rules
from exporter.domain import health_trends as trends
from exporter.domain.limits import Alerts, Unit
from exporter.domain.problem import Case, Problem, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the closed list."""

    name: str
    rule: Callable[[Case], Problem | None]
    hides: tuple[str, ...] = ()
    """The kinds that follow from it."""
    hides_all: bool = False
    unit: Unit = Unit.COUNT
    """Of value and limit, where it has them."""


_OF_FAILURE = ("behind", "rows_failed", "rows_low", "rows_high", "success_too_old")
_STALE = Kind("stale", rules.stale, ("poll_failing",), unit=Unit.SECONDS)

# The more telling, the further up: a kind hides only what stands below it, and nothing where it is hidden itself. An
# old success is explained by syncs that fail, do not start, do not end or lose rows, not by the age of the data.
PROBLEMS = (
    Kind("paused", rules.paused, hides_all=True),
    Kind("gone", rules.gone, hides_all=True),
    Kind("config_error", rules.config_error, ("failing", "failed", "overdue", *_OF_FAILURE)),
    Kind("failing", rules.failing, ("overdue", *_OF_FAILURE)),
    Kind("failed", rules.failed, _OF_FAILURE),
    Kind("never_synced", rules.never_synced, ("overdue",), unit=Unit.SECONDS),
    Kind("unscheduled", rules.unscheduled, ("overdue", "success_too_old")),
    Kind("stuck", rules.stuck, ("running_long", "overdue", "success_too_old"), unit=Unit.SECONDS),
    Kind("running_long", rules.running_long, ("overdue", "success_too_old"), unit=Unit.SECONDS),
    Kind("overdue", rules.overdue, ("behind", "success_too_old"), unit=Unit.SECONDS),
    Kind("rows_failed", rules.rows_failed, ("success_too_old",), unit=Unit.SHARE),
    Kind("future_watermark", rules.future_watermark, ("behind", "resynced", "rows_low"), unit=Unit.SECONDS),
    Kind("rows_low", trends.rows_low),
    Kind("rows_high", trends.rows_high),
    Kind("resynced", trends.resynced),
    Kind("behind", rules.behind, unit=Unit.SECONDS),
    Kind("success_too_old", rules.success_too_old, unit=Unit.SECONDS),
    Kind("slow", trends.slow, unit=Unit.SECONDS),
    Kind("unknown_status", rules.unknown_status),
    _STALE,
    Kind("poll_failing", rules.poll_failing),
)
"""Every problem there is."""
KINDS = tuple(kind.name for kind in PROBLEMS)
"""Every value of the label `problem`."""
UNITS = {kind.name: kind.unit for kind in PROBLEMS}


def assess(case: Case) -> Verdict:
    """Return what is wrong, worst first; a kind that follows from a more telling one is left out."""
    if case.state.is_draft:
        return Verdict((), ())
    found: list[Problem] = []
    hidden = set[str]()
    for kind in PROBLEMS:
        if kind is _STALE or kind.name in hidden or (problem := kind.rule(case)) is None:
            continue
        if kind.hides_all:
            alone = (_muted(problem, case.alerts),)
            return Verdict(alone, alone)
        found.append(problem)
        hidden.update(kind.hides)
    left = [problem for problem in found if problem.kind not in _STALE.hides]
    return Verdict(_rank(found, case.alerts), _rank([rules.stale(case), *left], case.alerts))


def _rank(found: list[Problem], alerts: Alerts) -> tuple[Problem, ...]:
    return tuple(sorted((_muted(problem, alerts) for problem in found), key=lambda problem: -problem.severity))


def _muted(problem: Problem, alerts: Alerts) -> Problem:
    if alerts is Alerts.OFF:
        return replace(problem, severity=Severity.INFO)
    if alerts is Alerts.NO_PAGE and problem.severity is Severity.CRITICAL:
        return replace(problem, severity=Severity.WARNING)
    return problem
