"""
What does one refresh of the fleet dashboard cost? All its queries, one after the other, to a real Prometheus.

Hours are played in a hundred and eightieth of their time: steps are that much shorter, so that each query is
evaluated as often and over as many series, and each rate over as many samples, as in production; only what is stored is
less. Bytes are those of Prometheus's answers, uncompressed.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks.report import replace_section
from benchmarks.rules import SHIPPED, page, prometheus, served, wait_for_series
from tools.dashboards.asking import choose
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import FOLDER, Question, Window, dashboards, filled, questions

HOURS, SCALE = 6.0, 180
SCRAPE_SECONDS = 6
_POINTS = 360
"""As many as a wide panel asks for at least."""


def cost(url: str, question: Question, chosen: dict[str, str], now: float, span: float) -> tuple[float, int]:
    """The seconds that Prometheus takes for *question* over *span* seconds, and the bytes of its answer."""
    step = max(question.step_seconds / SCALE, span / _POINTS)
    variables = {**chosen, **Window(now, span, step, SCRAPE_SECONDS).variables(), "__interval": f"{1000 * step:.0f}ms"}
    asked: dict[str, object] = {"query": filled(question.expr, variables)}
    if question.now:
        path, times = "query", {"time": now}
    else:
        path, times = "query_range", {"start": now - span, "end": now, "step": step}
    began = time.perf_counter()
    with urlopen(f"{url}/api/v1/{path}", urlencode({**asked, **times}).encode(), timeout=60) as answer:
        size = len(answer.read())
    return time.perf_counter() - began, size


def read_page(integrations: int, with_problem: int) -> bytes:
    """Of the page, what dashboards and rules read: a scrape of all of it would not be over before the next."""
    read = "".join(path.read_text() for folder in (FOLDER, SHIPPED) for path in folder.iterdir())
    lines = page(integrations, with_problem).decode().splitlines(keepends=True)
    kept = {name for name in {line.partition("{")[0] for line in lines} if name in read}
    return "".join(line for line in lines if line.partition("{")[0] in kept).encode()


def measure(integrations: int, with_problem: int, hours: float) -> list[tuple[str, float, int]]:
    """Each question with its seconds, the least of three, and its bytes."""
    span = hours * 3600 / SCALE
    fleet = dashboards()["braze-cdi-fleet"]
    with (
        tempfile.TemporaryDirectory() as folder,
        served(read_page(integrations, with_problem)) as target,
        prometheus(Path(folder), SHIPPED, target, SCRAPE_SECONDS, SCRAPE_SECONDS) as url,
    ):
        wait_for_series(url, integrations)
        time.sleep(span)
        found = []
        chosen = choose(fleet, Prometheus(url), Window(time.time(), span, 1, SCRAPE_SECONDS))
        for question in questions(fleet):
            costs = [cost(url, question, chosen, time.time(), span) for _ in range(3)]
            found.append((question.place.partition(": ")[2], min(seconds for seconds, _ in costs), costs[-1][1]))
    return found


def table(integrations: int, hours: float) -> str:
    lines = [
        f"{hours:g} hours; {os.cpu_count()} CPUs.",
        "",
        "| integrations | with a problem | seconds | kB | costliest query | largest answer |",
        "|--:|--:|--:|--:|---|---|",
    ]
    for with_problem in (integrations // 50, integrations):
        found = measure(integrations, with_problem, hours)
        slow, large = max(found, key=lambda each: each[1]), max(found, key=lambda each: each[2])
        lines.append(
            f"| {integrations:,} | {with_problem:,} | {sum(each[1] for each in found):.2f} "
            f"| {sum(each[2] for each in found) / 1000:.0f} "
            f"| {slow[0]}: {slow[1]:.2f} s | {large[0]}: {large[2] / 1000:.0f} kB |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--integrations", type=int, default=5_000)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--all", action="store_true", help="every query, for the first of both")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    if arguments.all:
        for place, seconds, size in measure(arguments.integrations, arguments.integrations // 50, arguments.hours):
            print(f"{seconds:6.3f} s {size / 1000:8.1f} kB  {place}", flush=True)
        return
    text = table(arguments.integrations, arguments.hours)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/dashboard.py", text)


if __name__ == "__main__":
    main()
