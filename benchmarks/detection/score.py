"""What was found and how soon, and what was reported though nothing was wrong; as tables."""

from dataclasses import dataclass, field
from statistics import median

from benchmarks.detection.habits import DAY, HISTORY_DAYS, HOUR, Habit
from benchmarks.detection.incidents import KINDS, Incident
from benchmarks.detection.judge import CRITICAL, WARNING
from benchmarks.detection.simulate import Report

STEADY = 3.0
"""Rows that vary less than this many times, from the 5th to the 95th percentile."""
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One incident and what was reported while it lasted."""

    habit: Habit
    incident: Incident
    delay: int | None
    """Seconds until a problem that may report it; None if none did."""
    severity_right: bool
    told: tuple[str, ...]
    """All problems that began meanwhile, those for information apart."""


@dataclass(slots=True)
class Score:
    outcomes: list[Outcome] = field(default_factory=list)
    false: list[tuple[Habit, Report]] = field(default_factory=list)
    months: float = 0.0
    """Watched while nothing was wrong, in integrations times 30 days."""

    def add(self, habit: Habit, incidents: list[Incident], reports: list[Report]) -> None:
        wrong = sum(each.grace - each.begin for each in incidents)
        self.months += (habit.end - habit.born - HISTORY_DAYS * DAY - wrong) / (30 * DAY)
        owned: set[int] = set()
        for each in incidents:
            inside = [i for i, report in enumerate(reports) if each.begin - 1 <= report.begin <= each.grace]
            owned.update(inside)
            kind = KINDS[each.kind]
            right = [
                reports[i]
                for i in inside
                if reports[i].problem in kind.problems and reports[i].begin <= each.end + HOUR
            ]
            worst = max((report.severity for report in right), default=None)
            delay = min(report.begin for report in right) - each.begin if right else None
            told = tuple(reports[i].problem for i in inside if reports[i].severity >= WARNING)
            self.outcomes.append(Outcome(habit, each, delay, worst in kind.severities, told))
        self.false += [
            (habit, report) for i, report in enumerate(reports) if i not in owned and report.severity >= WARNING
        ]

    def rate(self, severity: int) -> float:
        """Return how many false problems of a severity there were in an integration and month."""
        return sum(report.severity == severity for _, report in self.false) / self.months

    @property
    def episodes(self) -> float:
        """How many problems an incident makes that is found."""
        found = [len(each.told) for each in self.outcomes if each.delay is not None]
        return sum(found) / max(1, len(found))

    def of(self, kind: str, *, steady: bool = False) -> list[Outcome]:
        return [
            each for each in self.outcomes
            if each.incident.kind == kind and (not steady or each.habit.varies < STEADY)
        ]  # fmt: skip

    def share(self, kind: str, *, steady: bool = False) -> str:
        each = self.of(kind, steady=steady)
        return f"{sum(one.delay is not None for one in each)} of {len(each)}"


def text(seconds: float | None) -> str:
    if seconds is None:
        return _NONE
    if seconds < 2 * HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.1f} h" if seconds < 2 * DAY else f"{seconds / DAY:.1f} d"


def found_table(score: Score) -> list[str]:
    lines = [
        "| incident | found | where rows vary less than 3 times | median delay | 90 % | severity right | problems |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for kind in KINDS:
        each = [one for one in score.of(kind) if one.delay is not None]
        delays = sorted(one.delay for one in each if one.delay is not None)
        steady = score.share(kind, steady=True) if kind.startswith("rows ") and kind != "rows failing" else ""
        p90 = delays[min(len(delays) - 1, int(0.9 * len(delays)))] if delays else None
        right = sum(one.severity_right for one in each)
        problems = f"{sum(len(one.told) for one in each) / len(each):.2f}" if each else _NONE
        lines.append(
            f"| {kind} | {score.share(kind)} | {steady} | {text(median(delays) if delays else None)} | {text(p90)}"
            f" | {right} of {len(each)} | {problems} |"
        )
    calm = (
        f"False, in {score.months:.0f} integration-months: {score.rate(CRITICAL):.3f} pages and"
        f" {score.rate(WARNING):.2f} tickets a month. {score.episodes:.2f} problems an incident."
    )
    return [*lines, "", calm]


COMPARED = (
    "silent stop",
    "hung",
    "durations x3",
    "rows 0",
    "rows /10",
    "rows /2",
    "rows x10",
    "source stopped",
    "resynced",
)


def comparison(rows: list[tuple[str, Score]]) -> list[str]:
    lines = [
        f"| limits | {' | '.join(COMPARED)} | false pages | false tickets | problems an incident |",
        "|---" + "|--:" * (len(COMPARED) + 3) + "|",
    ]
    for name, score in rows:
        cells = " | ".join(score.share(kind) for kind in COMPARED)
        lines.append(
            f"| {name} | {cells} | {score.rate(CRITICAL):.3f} | {score.rate(WARNING):.2f} | {score.episodes:.2f} |"
        )
    return lines
