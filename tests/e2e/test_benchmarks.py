"""
Every benchmark of `make bench` runs to its end in its smallest size, as it is called on the command line.

What it measures is of no interest here: only that the table comes out whole, and gets into benchmarks/README.md.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.detection import limits
from benchmarks.detection.__main__ import world
from benchmarks.detection.simulate import replayed, watch
from tests.components import find_component
from tests.e2e.command import run_command

ROOT = Path(__file__).resolve().parents[2]
NGINX = [["2", "nginx"]] if find_component("nginx", os.environ) else []
C = [["2", "C, the same bytes"]] if shutil.which("cc") else []
CASES: dict[str, tuple[str, list[list[str]]]] = {
    "page": (
        "--sizes 2 --rounds 1",
        [["2", "exporter"], ["2", "prometheus-client"], ["2", "exporter, random ids"], *NGINX, *C],
    ),
    "state": (
        "--sizes 100",
        [["100", what] for what in ("commit, a new sync", "commit, nothing new", "open", "open after kill -9")],
    ),
    "poll": (
        "--integrations 3 --rounds 1",
        [["httpx.AsyncClient: a GET, and its JSON read"], ["exporter: a GET alone"], ["exporter: a poll"]],
    ),
    "freshness": ("--sizes 5", [["5", "exporter"], ["5", "exporter, reading 90 days"], ["5", "plain"]]),
    "scale": (
        "--workspaces 2 --integrations-each 3 --minutes 0.01 --scrape-every 0.2",
        [["integrations, workspaces", "6 in 2"]],
    ),
    "start": ("--workspaces 2 --integrations-each 3 --rounds 1", [["integrations, workspaces", "6 in 2"]]),
    "host": (
        "--silent 2 --visitors 2 --integrations 20",
        [["2 workspaces with a silent Braze: the healthy one polled after"], ["slowest scrape meanwhile"]],
    ),
    "learning": ("--integrations 20", [["integrations, syncs", "20, 12,250"]]),
    "rules": (
        "--integrations 100 --rounds 1 --pause 1",
        [["shipped", "2"], ["shipped, everything wrong", "100"]],
    ),
    "dashboard": ("--integrations 100 --hours 0.25", [["100", "2"], ["100", "100"]]),
}
"""For each benchmark its flags, and how the rows of its table must begin, or at least the first of them."""

DAYS, FEWEST_HABITS = 150, 5
"""Integrations with a sync a day or fewer, of which a fleet has some: they are quick."""
DETECTION = "--tuned 1 --held-out --no-compared --copies 1 --refit-hours 1000 --stand-in"
PATIENCE_SECONDS = 240.0
"""Some start a Prometheus, and all share the machine with other tests."""


def rows(text: str) -> list[list[str]]:
    """Return the cells of a Markdown table without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert set(lines[1]) <= set("|-: "), lines
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def test_each_benchmark_is_tried_here() -> None:
    called = set(re.findall(r"python -m benchmarks\.(\w+)", (ROOT / "Makefile").read_text()))
    assert called == {*CASES, "detection"}


WITHOUT_SEMAPHORES = """
import runpy, _multiprocessing
_multiprocessing.SemLock = None
runpy.run_module("benchmarks.detection", run_name="__main__")
"""
"""As where nobody but root may write to /dev/shm, such as a system without that mount."""


def run_benchmark(flags: str, document: Path, home: Path, *module: str) -> str:
    """Return what a benchmark prints that also writes into a document."""
    done = run_command(
        ROOT,
        *flags.split(),
        "--write",
        str(document),
        env={"HOME": str(home)},
        program=(sys.executable, *module),
        patience_seconds=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_detection_writes_its_tables(tmp_path: Path) -> None:
    document = Path(shutil.copy(ROOT / "benchmarks" / "README.md", tmp_path))
    printed = run_benchmark(DETECTION, document, tmp_path, "-c", WITHOUT_SEMAPHORES)
    for fleets in ("Smooth fleets, tuned on: seeds 1:", "Harsh fleets, tuned on: seeds 1:"):
        assert fleets in printed
        assert fleets in document.read_text()
    found = [line for line in document.read_text().splitlines() if re.match(r"\| rows 0 \| \d+ of \d+ \|", line)]
    assert len(found) == 2, "one table for each kind of fleet"


@pytest.mark.parametrize("name", CASES)
def test_benchmark_writes_its_table(name: str, tmp_path: Path) -> None:
    flags, wanted = CASES[name]
    document = Path(shutil.copy(ROOT / "benchmarks" / "README.md", tmp_path))
    found = rows(run_benchmark(flags, document, tmp_path, "-m", f"benchmarks.{name}"))
    begins = [row[: len(begin)] for row, begin in zip(found, wanted, strict=False)]
    assert begins == wanted
    assert {len(row) for row in found} == {len(found[0])}
    section = re.escape(f"benchmarks/{name}.py")
    (written,) = re.findall(f"<!-- begin: {section} -->\n(.*?)<!-- end: {section} -->", document.read_text(), re.DOTALL)
    assert rows(written) == found


@pytest.mark.parametrize("harsh", [False, True])
def test_the_stand_in_of_the_comparison_judges_as_the_exporter_does(harsh: bool) -> None:
    seldom = [one for one in world(1, harsh=harsh, copies=1) if 0 < len(one[2]) <= DAYS]
    assert len(seldom) >= FEWEST_HABITS
    for habit, incidents, runs in seldom:
        by_stand_in = [(one.problem, one.severity) for one in watch(habit, runs, incidents, limits.learned)]
        assert [(one.problem, one.severity) for one in replayed(habit, runs, incidents)] == by_stand_in, habit.name
