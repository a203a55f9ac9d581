"""What holds for every test: hypothesis is repeatable, and what was left out is said last."""

import os

import hypothesis
import pytest

from tests.components import LEFT_OUT

# The same examples at every run and no example database: a red test is red for everyone. No deadline: machines differ.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
# A mutant must fall quickly: a smaller example of what felled it, or more that do not, only cost time.
hypothesis.settings.register_profile(
    "mutants",
    parent=hypothesis.settings.get_profile("repeatable"),
    max_examples=40,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the pages in tests/golden")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each test that did not run for want of a real component."""
    left_out = [
        (report.nodeid, report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and LEFT_OUT in report.longrepr[2]
    ]
    if left_out:
        terminalreporter.section("not everything was tested here", sep="!", yellow=True)
        for test, reason in left_out:
            terminalreporter.line(f"{test}: {reason.removeprefix('Skipped: ')}")
