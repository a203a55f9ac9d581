"""
How long do a poll's commit and the opening of the state file take?

A commit after a poll that saw a new sync writes the whole state; one after a quiet poll only its facts. Every commit
is timed alone, so checkpoints of SQLite are among them: they are the worst. Run as `python -m benchmarks.state`.
"""

import argparse
import io
import os
import platform
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import replace_section
from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState
from exporter.domain.ledger import RECENT, Ledger, Tail
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync, SyncStatus, Totals
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.sqlite import SqliteStore
from tests.stores import open_store

SIZES = (1_000, 10_000)
COMMITS = 5_000
OPENINGS = 9
WANTED_OPEN_SECONDS = 0.2
WANTED_COMMIT_SECONDS = 0.005
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    integrations: int
    what: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def sync(number: int) -> Sync:
    start = START + timedelta(minutes=15 * number, microseconds=number)
    return Sync(start, SyncStatus.SUCCESS, start + timedelta(seconds=90), start, 1000 + number, number % 7)


def first_state(number: int) -> IntegrationState:
    recent = tuple(sync(number + back) for back in reversed(range(RECENT)))
    totals = Totals((number, 1, 2, 0, 0, 0), 123_456 + number, 17, 3600.5 + number)
    tail = Tail(START, 0, sync(number), START)
    ledger = Ledger(START, recent[0].sync_start_time, recent, frozenset(), tail, totals, history_known=True)
    listed = ListedIntegration(name(number)[1], f"users {number}", "users", "active", "snowflake", "0123456789abcdef")
    return IntegrationState(START, ledger, listed, ExpectedRun(START, announced=True), judged_at=START)


def with_new_sync(state: IntegrationState, number: int) -> IntegrationState:
    assert state.ledger is not None
    latest = sync(number)
    recent = (latest, *state.ledger.recent[:-1])
    return replace(state, ledger=replace(state.ledger, recent=recent, anchor=latest.sync_start_time))


def opened(folder: Path) -> SqliteStore:
    self_metrics, log = SelfMetrics(), build_log("info", "logfmt", io.StringIO())
    return open_store(str(folder), now=lambda: datetime.now(UTC), report=self_metrics, log=log)


def timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def name(number: int) -> tuple[str, str]:
    return f"workspace-{number // 100}", f"4f2c9a1e-7b3d-4c5e-8f60-{number:012d}"


def measure(integrations: int, folder: Path) -> list[Result]:
    states = [first_state(number) for number in range(integrations)]
    store = opened(folder)
    for number, state in enumerate(states):
        store.commit(*name(number), state)
    fresh, quiet = [], []
    for round_ in range(COMMITS):
        number = round_ * 7 % integrations
        states[number] = with_new_sync(states[number], RECENT + number + round_)
        fresh.append(timed(lambda: store.commit(*name(number), states[number])))  # noqa: B023 - called at once
    for round_ in range(COMMITS):
        number = round_ * 7 % integrations
        states[number] = replace(states[number], judged_at=START + timedelta(seconds=round_))
        quiet.append(timed(lambda: store.commit(*name(number), states[number])))  # noqa: B023 - called at once
    left = folder / "left-by-a-kill"
    shutil.copytree(folder, left)
    store.close()
    return [
        Result(integrations, "commit, a new sync", fresh),
        Result(integrations, "commit, nothing new", quiet),
        Result(integrations, "open", [opening(folder, folder) for _ in range(OPENINGS)]),
        Result(integrations, "open after kill -9", [opening(left, folder / "again") for _ in range(OPENINGS)]),
    ]


def opening(files: Path, folder: Path) -> float:
    """Seconds to open *folder*, filled from *files* before if it is another."""
    if folder != files:
        shutil.copytree(files, folder)
    began = time.perf_counter()
    store = opened(folder)
    seconds = time.perf_counter() - began
    assert len(store.load("workspace-0")) == 100
    store.close()
    if folder != files:
        shutil.rmtree(folder)
    return seconds


def table(results: list[Result]) -> str:
    lines = [
        f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} CPUs.",
        "",
        "| integrations | what | median, ms | 99th percentile, ms | longest, ms |",
        "|--:|---|--:|--:|--:|",
    ]
    for result in results:
        cuts = statistics.quantiles(result.seconds, n=100, method="inclusive")
        figures = (result.median, cuts[98], max(result.seconds))
        cells = " | ".join(f"{seconds * 1000:.3g}" for seconds in figures)
        lines.append(f"| {result.integrations:,} | {result.what} | {cells} |")
    return "\n".join([*lines, "", *verdict(results)])


def verdict(results: list[Result]) -> list[str]:
    first = {result.what: result.median for result in results if result.integrations == SIZES[0]}
    if not first:
        return []
    opened_in, after_kill, committed_in = (first[what] for what in ("open", "open after kill -9", "commit, a new sync"))
    slowest = max(opened_in, after_kill)
    return [
        f"With {SIZES[0]:,} integrations the state file",
        f"- opens in {slowest:.2f} s, kill or not (wanted: under {WANTED_OPEN_SECONDS} s);",
        f"- takes a commit in {committed_in * 1000:.2f} ms (wanted: under {WANTED_COMMIT_SECONDS * 1000:.0f} ms).",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of integrations, at least 100")
    parser.add_argument("--folder", type=Path, help="where to write; by default the folder for temporary files")
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    results = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            results += measure(size, Path(folder))
    text = table(results)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/state.py", text)


if __name__ == "__main__":
    main()
