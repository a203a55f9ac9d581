"""What holds for every test: hypothesis is repeatable, children have default signals, what was left out comes last."""

import gc
import os
import signal
from types import FrameType

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

# Python looks for garbage after every 700 new objects, which takes a twentieth of the time of all tests.
gc.set_threshold(50_000, 20, 1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the pages in tests/golden")


def pytest_sessionstart(session: pytest.Session) -> None:
    """
    Let what tests start have the default signals.

    A script that starts the tests with `&` makes them ignore SIGINT, nohup SIGHUP; children would inherit that. A
    handler that does nothing is not inherited. Those that only distribute tests start none.
    """
    if session.config.getoption("dist", "no") != "no":
        return
    for number in signal.valid_signals() - _PYTHONS_OWN:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


_PYTHONS_OWN = {signal.SIGPIPE, signal.SIGXFSZ}
"""Python ignores them, and restores them in its children."""


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


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
