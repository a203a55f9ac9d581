"""What is worth a log line: what begins and what ends, once for a workspace where it meets all of it."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.domain.errors import NetworkError, NotFoundError, PollError
from exporter.domain.integration_state import PollResult
from exporter.domain.model import Failure, Integration
from exporter.domain.view import View
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.report import Reporter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Talk:
    """Polls reported one after the other, and what the log says at level info."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        self.reporter = Reporter(
            "production", SelfMetrics(), build_log("info", "logfmt", self.log), lambda: 0.0, needs_list=True
        )
        self.views: dict[str, View] = {}

    def poll(self, key: str, error: PollError | None = None) -> None:
        before = self.views.get(key, View(Integration("production", key, key)))
        failure = Failure(error.reason, str(error), NOW) if error else None
        after = replace(before, up=error is None, failure=failure)
        self.views[key] = after
        self.reporter.poll(before, after, PollResult(None, error=error), 0.1)

    @property
    def lines(self) -> list[str]:
        return self.log.getvalue().splitlines()


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_good_polls_say_nothing(talk: Talk) -> None:
    for key in ("a", "b", "a"):
        talk.poll(key)
    assert talk.lines == []


def test_a_failure_is_said_when_it_begins_and_when_it_ends(talk: Talk) -> None:
    for error in (NotFoundError("gone"), NotFoundError("gone"), None, None):
        talk.poll("a", error)
    assert [line.split()[1] for line in talk.lines] == ["level=warn", "level=info"]


def test_what_meets_a_whole_workspace_is_said_by_the_first_and_the_last(talk: Talk) -> None:
    for key in ("a", "b", "c"):
        talk.poll(key, NetworkError("down"))
    for key in ("b", "c", "a"):
        talk.poll(key)
    assert [("warn" in line, "integration_id=a" in line) for line in talk.lines] == [(True, True), (False, True)]


def test_what_meets_one_integration_is_said_for_each(talk: Talk) -> None:
    for key in ("a", "b"):
        talk.poll(key, NotFoundError("gone"))
    assert len(talk.lines) == 2


def test_another_reason_is_said_anew(talk: Talk) -> None:
    talk.poll("a", NetworkError("down"))
    talk.poll("a", NotFoundError("gone"))
    assert ["reason=network" in line for line in talk.lines] == [True, False]


def test_an_integration_that_is_gone_holds_back_no_line(talk: Talk) -> None:
    talk.poll("a", NetworkError("down"))
    talk.reporter.forget("a")
    talk.poll("b", NetworkError("down"))
    assert len(talk.lines) == 2
