"""
Does the judgement by learned limits find what goes wrong, and is it calm otherwise?

Fleets of made-up integrations of twelve habits, smooth and harsh, are watched for six weeks after ninety days of past,
in virtual time, with labelled incidents of nineteen kinds. Run as `python -m benchmarks.detection`.
"""

import argparse
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from benchmarks.detection import limits as of
from benchmarks.detection import simulate
from benchmarks.detection.habits import DAY, HISTORY_DAYS, Habit, fleet
from benchmarks.detection.incidents import KINDS, Incident, plan, syncs
from benchmarks.detection.score import Score, comparison, found_table
from benchmarks.detection.simulate import Learner, Report, replayed, watch
from benchmarks.report import replace_section
from exporter.domain.past import Run

TUNED = (1, 2, 3)
HELD_OUT = (11, 12)
"""Seeds that were not looked at while the estimator was tuned."""
World = list[tuple[Habit, list[Incident], list[Run]]]
LEFT_OUT = ("rhythm", "durations", "rows", "lag_seconds", "failed_rows_ratio", "success_age_seconds", "frozen")


def world(seed: int, *, harsh: bool, copies: int = 2) -> World:
    """Return a fleet, what goes wrong in it, and its syncs; one integration is never to sync."""
    random = Random(f"incidents {seed} {harsh}")
    wanted = [kind for kind in KINDS if kind != "never synced"]
    random.shuffle(wanted)
    result: World = []
    for number, habit in enumerate(fleet(seed, harsh=harsh, copies=copies)):
        begin = habit.born + HISTORY_DAYS * DAY
        if number == 3:
            habit.slots = [slot for slot in habit.slots if slot > begin]
            result.append((habit, [Incident("never synced", begin, habit.end, habit.end)], []))
            continue
        incidents = plan(habit, random, wanted)
        result.append((habit, incidents, syncs(habit, incidents, random)))
    return result


def measure(worlds: list[World], learner: Learner) -> Score:
    return _measure(worlds, partial(watch, learner=learner))


def measure_exporter(worlds: list[World], *, known: int | None = None) -> Score:
    """As `measure`, by the exporter's own judge, from a number of past syncs of each integration; from all if None."""
    return _measure(worlds, partial(replayed, known=known))


def _measure(worlds: list[World], reports: Callable[[Habit, list[Run], list[Incident]], list[Report]]) -> Score:
    """Return the score of what is reported of each integration; each processor watches some."""
    integrations = [one for each in worlds for one in each]
    told = _watch_side_by_side([partial(reports, habit, runs, incidents) for habit, incidents, runs in integrations])
    score = Score()
    for (habit, incidents, _), reported in zip(integrations, told, strict=True):
        score.add(habit, incidents, reported)
    return score


def _watch_side_by_side(jobs: list[Callable[[], list[Report]]]) -> list[list[Report]]:
    """Return what each job does. By forks and pipes alone: a pool's semaphores need a writable /dev/shm."""
    context, processors = multiprocessing.get_context("fork"), os.cpu_count() or 1
    readers = []
    for place in range(processors):
        reader, writer = context.Pipe(duplex=False)
        context.Process(target=_watch, args=(jobs[place::processors], writer), daemon=True).start()
        writer.close()
        readers.append(reader)
    return [readers[number % processors].recv() for number in range(len(jobs))]


def _watch(jobs: list[Callable[[], list[Report]]], results: Connection) -> None:
    for job in jobs:
        results.send(job())


def found(seeds: tuple[int, ...], title: str, *, copies: int, shown: bool, stand_in: bool) -> list[str]:
    lines = []
    for harsh in (False, True):
        worlds = [world(seed, harsh=harsh, copies=copies) for seed in seeds]
        score = measure(worlds, of.learned) if stand_in else measure_exporter(worlds)
        fleets = f"{'Harsh' if harsh else 'Smooth'} fleets, {title} {', '.join(map(str, seeds))}:"
        lines += ["", fleets, "", *found_table(score)]
        if shown:
            show(score)
        print(f"{fleets}\n{lines[-1]}", flush=True)
    return lines


def compared() -> list[str]:
    """Return cold starts and ablation, on held-out fleets of half the size, smooth and harsh together."""
    worlds = [world(seed, harsh=harsh, copies=1) for seed in HELD_OUT for harsh in (False, True)]
    cold = [_row(f"{known} syncs known", measure_exporter(worlds, known=known)) for known in (0, 5, 20, 100)]
    others: list[tuple[str, Learner]] = [
        ("learned", of.learned),
        ("fixed defaults", of.fixed),
        ("a week's median, 4 spreads", of.week_band),
        ("14 days' mean, 3 deviations (as Elementary)", of.elementary),
        ("a day's median, 3 spreads (as Grafana's robust bands)", of.grafana_robust),
        *((f"learned, without {part}", of.without(part)) for part in LEFT_OUT),
        ("learned, one low day is no holiday", of.without_quiet_days),
        ("learned, natural dips are not known", of.without_patience),
    ]
    rest = [_row(name, measure(worlds, learner)) for name, learner in others]
    return ["", "Cold start:", "", *comparison(cold), "", "Ablation:", "", *comparison(rest)]


def _row(name: str, score: Score) -> tuple[str, Score]:
    print(comparison([(name, score)])[-1], flush=True)
    return name, score


def show(score: Score) -> None:
    print(Counter((report.problem, report.severity) for _, report in score.false))
    for habit, report in score.false:
        day = (report.begin - habit.born) / DAY - HISTORY_DAYS
        ended = "" if report.end is None else f"{(report.end - report.begin) / 3600:.1f} h"
        print(
            f"  false {report.problem} {report.severity} day {day:.2f} {ended} {habit.name} varies {habit.varies:.1f}"
        )
    for each in score.outcomes:
        if each.delay is not None and len(each.told) < 2:
            continue
        told = ", ".join(f"{count} {kind}" for kind, count in Counter(each.told).items())
        day = (each.incident.begin - each.habit.born) / DAY - HISTORY_DAYS
        missed = "missed; " if each.delay is None else ""
        print(f"  {each.incident.kind}: {missed}{told} {each.habit.name} varies {each.habit.varies:.1f} day {day:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tuned", type=int, nargs="*", default=TUNED, help="seeds that limits were tuned on")
    parser.add_argument("--held-out", type=int, nargs="*", default=HELD_OUT)
    parser.add_argument(
        "--compared", action=argparse.BooleanOptionalAction, default=True, help="cold start and ablation"
    )
    parser.add_argument("--copies", type=int, default=2, help="integrations of each habit in a fleet")
    parser.add_argument("--show", action="store_true", help="name false problems and incidents that were not found")
    parser.add_argument("--stand-in", action="store_true", help="judge by the stand-in of the comparison, for tuning")
    parser.add_argument("--refit-hours", type=int, default=6, help="more is quicker, for tuning; of the stand-in only")
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    simulate.REFIT_HOURS = arguments.refit_hours
    lines = []
    for seeds, title in ((arguments.tuned, "tuned on: seeds"), (arguments.held_out, "held out: seeds")):
        if seeds:
            lines += found(
                tuple(seeds), title, copies=arguments.copies, shown=arguments.show, stand_in=arguments.stand_in
            )
    if arguments.compared:
        lines += compared()
    print("\n".join(lines))
    children = os.times()
    print(f"\n{children.children_user + children.children_system:.0f} s of CPU")
    if arguments.write:
        replace_section(arguments.write, "benchmarks/detection", "\n".join(lines))


if __name__ == "__main__":
    main()
