"""
Does the judgement by learned limits find what goes wrong, and is it calm otherwise?

Fleets of made-up integrations of twelve habits, smooth and harsh, are watched for six weeks after ninety days of past,
with labelled incidents of nineteen kinds, in virtual time. Run as `python -m benchmarks.detection`.
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.detection import limits as of
from benchmarks.detection import simulate
from benchmarks.detection.habits import DAY, HISTORY_DAYS, Habit, fleet
from benchmarks.detection.incidents import KINDS, Incident, plan, syncs
from benchmarks.detection.judge import CRITICAL, WARNING
from benchmarks.detection.simulate import Learner, Report, watch
from benchmarks.report import replace_section
from exporter.domain.past import Run

SEEDS = (1, 2, 3, 4, 5)
HELD_OUT = (4, 5)
"""Never looked at while the estimator was tuned."""
World = list[tuple[Habit, list[Incident], list[Run]]]


def world(seed: int, *, harsh: bool) -> World:
    random = Random(f"incidents {seed} {harsh}")
    wanted = [kind for kind in KINDS if kind != "never synced"]
    random.shuffle(wanted)
    result: World = []
    for number, habit in enumerate(fleet(seed, harsh=harsh)):
        if number == 3:
            begin = habit.born + HISTORY_DAYS * DAY
            never = Incident("never synced", begin, habit.end, habit.end)
            habit.born -= 400 * DAY
            habit.slots = [slot for slot in habit.slots if slot > begin]
            habit.born += 400 * DAY
            result.append((habit, [never], []))
            continue
        incidents = plan(habit, random, wanted)
        result.append((habit, incidents, syncs(habit, incidents, random)))
    return result


class Score:
    """What was found, and what was reported though nothing was wrong."""

    def __init__(self) -> None:
        self.found: dict[str, list[tuple[int | None, int, bool, list[str], Habit, Incident]]] = {}
        self.false: list[tuple[Habit, Report]] = []
        self.months = 0.0

    def add(self, habit: Habit, incidents: list[Incident], reports: list[Report]) -> None:
        begin = habit.born + HISTORY_DAYS * DAY
        self.months += (habit.end - begin - sum(each.grace - each.begin for each in incidents)) / (30 * DAY)
        owned = set()
        for each in incidents:
            inside = [(i, report) for i, report in enumerate(reports) if each.begin - 1 <= report.begin <= each.grace]
            owned |= {i for i, _ in inside}
            right = [report for _, report in inside if report.problem in KINDS[each.kind].problems]
            if each.kind == "failed":
                right += [report for _, report in inside if report.problem == "failing"]
            right = [report for report in right if report.begin <= each.end + DAY // 24]
            loud = sum(report.severity >= WARNING for _, report in inside)
            severe = bool(right) and max(report.severity for report in right) in KINDS[each.kind].severities
            delay = min(report.begin for report in right) - each.begin if right else None
            told = [report.problem for _, report in inside if report.severity >= WARNING]
            self.found.setdefault(each.kind, []).append((delay, loud, severe, told, habit, each))
        self.false += [
            (habit, report) for i, report in enumerate(reports) if i not in owned and report.severity >= WARNING
        ]

    def rate(self, severity: int) -> float:
        return sum(report.severity == severity for _, report in self.false) / self.months

    @property
    def episodes(self) -> float:
        loud = [loud for each in self.found.values() for delay, loud, *_ in each if delay is not None]
        return sum(loud) / max(1, len(loud))

    def share(self, kind: str, *, steady: bool = False) -> str:
        each = [one for one in self.found.get(kind, ()) if not steady or one[4].varies < 3]
        return f"{sum(one[0] is not None for one in each)} of {len(each)}"


def measure(worlds: list[World], learner: Learner, *, known: int | None = None) -> Score:
    score = Score()
    for one in worlds:
        for habit, incidents, runs in one:
            score.add(habit, incidents, watch(habit, runs, incidents, learner, known=known))
    return score


def text(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return (
        f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
        if seconds < 2 * DAY
        else f"{seconds / DAY:.1f} d"
    )


def found_table(score: Score) -> list[str]:
    lines = ["| incident | found | median delay | p90 delay | severity right | episodes |", "|---|--:|--:|--:|--:|--:|"]
    for kind in KINDS:
        each = score.found.get(kind, [])
        delays = sorted(delay for delay, *_ in each if delay is not None)
        right = sum(severe for _, _, severe, *_ in each)
        loud = sum(loud for delay, loud, *_ in each if delay is not None) / max(1, len(delays))
        p90 = delays[min(len(delays) - 1, int(0.9 * len(delays)))] if delays else None
        lines.append(
            f"| {kind} | {len(delays)} of {len(each)} | {text(median(delays) if delays else None)} | {text(p90)}"
            f" | {right} of {len(delays)} | {loud:.2f} |"
        )
        if kind.startswith("rows") and kind != "rows failing":
            lines.append(f"| – where rows vary less than three times | {score.share(kind, steady=True)} | | | | |")
    return lines


def summary(name: str, score: Score) -> str:
    wanted = (
        "silent stop",
        "durations x3",
        "rows 0",
        "rows /10",
        "rows /2",
        "rows x10",
        "source stopped",
        "lagging source",
    )
    cells = " | ".join(score.share(kind) for kind in wanted)
    return f"| {name} | {cells} | {score.rate(CRITICAL):.3f} | {score.rate(WARNING):.2f} | {score.episodes:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--only", action="store_true", help="leave out cold start and ablation")
    parser.add_argument("--show", action="store_true", help="name false problems and incidents that were not found")
    parser.add_argument("--write", metavar="FILE", type=Path)
    parser.add_argument("--refit-hours", type=int, default=6, help="more is quicker, for tuning")
    arguments = parser.parse_args()
    simulate.REFIT_HOURS = arguments.refit_hours
    began = time.process_time()
    lines = []
    worlds = {(seed, harsh): world(seed, harsh=harsh) for seed in arguments.seeds for harsh in (False, True)}
    for harsh in (False, True):
        score = measure([one for (_, is_harsh), one in worlds.items() if is_harsh is harsh], of.learned)
        print(f"{time.process_time() - began:.0f} s")
        lines += ["", f"{'Harsh' if harsh else 'Smooth'} fleets:", "", *found_table(score), ""]
        lines += [
            f"False in {score.months:.0f} integration-months: {score.rate(CRITICAL):.3f} pages,"
            f" {score.rate(WARNING):.2f} tickets a month; {score.episodes:.2f} episodes an incident."
        ]
        if arguments.show:
            show(score)
    print("\n".join(lines), f"\n{time.process_time() - began:.0f} s")
    if arguments.write:
        replace_section(arguments.write, "benchmarks/detection", "\n".join(lines))


def show(score: Score) -> None:
    print(Counter((report.problem, report.severity) for _, report in score.false))
    for habit, report in score.false:
        day = (report.begin - habit.born) / DAY - HISTORY_DAYS
        ended = "" if report.end is None else f"{(report.end - report.begin) / 3600:.1f} h"
        print(
            f"  false {report.problem:14} {report.severity} day {day:5.2f} {ended:8} {habit.name} varies {habit.varies:.1f}"
        )
    for kind, each in score.found.items():
        for delay, loud, _, told, habit, incident in each:
            begin = incident.begin
            if delay is None or loud > 1:
                print(
                    f"  {kind}: {'missed' if delay is None else ' '.join(f'{n} {k}' for k, n in Counter(told).items())} {habit.name} varies {habit.varies:.1f}"
                    f" day {(begin - habit.born) / DAY - HISTORY_DAYS:.1f} for {(incident.end - begin) / DAY:.1f} d"
                )


if __name__ == "__main__":
    main()
