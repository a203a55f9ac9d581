"""What is worth a log line: what begins and what ends, once for a workspace where it meets all of it."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.domain.asked import Asked
from exporter.domain.errors import ForbiddenError, NetworkError, NotFoundError, PollError
from exporter.domain.integration_state import PollResult
from exporter.domain.interval import Interval
from exporter.domain.model import Failure, Integration
from exporter.domain.view import View
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.report import Reporter
from tests.log_lines import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = Interval(60.0, 60.0, is_limited=False)


class Talk:
    """Polls reported one after the other, and what the log says at level info."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        self.reporter = Reporter(
            "production", SelfMetrics(), build_log("info", "logfmt", self.log), lambda: 0.0, needs_list=True
        )
        self.views: dict[str, View] = {}
        self.reporter.plan(KEPT, 10, 0)

    def poll(self, key: str, error: PollError | None = None) -> None:
        before = self.view(key)
        failure = Failure(error.reason, str(error), NOW) if error else None
        after = replace(before, up=error is None, failure=failure)
        self.views[key] = after
        self.reporter.poll(before, after, PollResult(None, error=error), 0.1, NOW)

    def view(self, key: str) -> View:
        return self.views.get(key, View(Integration("production", key, key)))

    @property
    def lines(self) -> list[str]:
        return self.log.getvalue().splitlines()

    @property
    def events(self) -> list[str]:
        return [line["msg"] for line in parse(self.lines)]


def test_a_request_is_a_line_for_debugging_with_its_reason() -> None:
    lines = {}
    for level in ("debug", "info"):
        out = io.StringIO()
        log = build_log(level, "logfmt", out)
        reporter = Reporter("production", SelfMetrics(), log, lambda: 0.0, needs_list=True)
        reporter.asked("a", Asked(NOW, "job_sync_status", 2, "503", 0.0421, 7, 100, "the list shows a newer start"))
        reporter.asked("", Asked(NOW, "integrations", 1, "200", 0.3, None, None, "the list is read every interval"))
        lines[level] = out.getvalue().splitlines()
    own, listing = lines["debug"]
    assert lines["info"] == []
    for part in ("integration_id=a", "page=2", "outcome=503", "milliseconds=42", "remaining=7", "limit=100"):
        assert part in own.split(), own
    assert 'why="the list shows a newer start"' in own
    assert "integration_id" not in listing
    assert "endpoint=integrations" in listing


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


@pytest.mark.parametrize(("integrations", "enough"), [(2, 2), (3, 2), (5, 3), (8, 4), (9, 5), (1000, 5)])
def test_half_of_a_few_are_an_outage_and_five_of_many(talk: Talk, integrations: int, enough: int) -> None:
    talk.reporter.plan(KEPT, integrations, 0)
    keys = [f"integration-{number}" for number in range(enough)]
    for key in keys[:-1]:
        talk.poll(key, NetworkError("down"))
    assert talk.events == []
    talk.poll(keys[-1], NetworkError("down"))
    assert talk.events[0] == "outage began"
    for key in reversed(keys):
        talk.poll(key)
    assert talk.events[-1] == "outage ended"


def test_a_single_integration_has_no_outage(talk: Talk) -> None:
    talk.reporter.plan(KEPT, 1, 0)
    talk.poll("a", NetworkError("down"))
    talk.poll("a")
    assert talk.events == ["poll failed", "poll succeeded again"]


def test_a_poll_that_was_never_sent_is_no_failed_poll(talk: Talk) -> None:
    for key in ("a", "b", "a", "a"):
        talk.poll(key, ForbiddenError("denied", held_seconds=10.0))
    assert talk.events == []


def test_one_that_is_left_behind_by_an_outage_is_told_by_name(talk: Talk) -> None:
    for key in "abcde":
        talk.poll(key, NetworkError("down"))
    for key in "bcde":
        talk.poll(key)
    talk.poll("a", NetworkError("down"))
    talk.poll("a")
    assert talk.events == ["outage began", "outage ended", "poll failed", "poll succeeded again"]


def test_what_meets_one_integration_is_said_for_each(talk: Talk) -> None:
    for key in ("a", "b"):
        talk.poll(key, NotFoundError("gone"))
    assert len(talk.lines) == 2


def test_another_reason_is_said_anew(talk: Talk) -> None:
    for error in (NetworkError("down"), NetworkError("down"), NotFoundError("gone"), NotFoundError("gone")):
        talk.poll("a", error)
    assert ["reason=network" in line for line in talk.lines] == [True, False]


def test_integrations_that_are_polled_no_more_end_an_outage(talk: Talk) -> None:
    for key in "abcde":
        talk.poll(key, NetworkError("down"))
    for key in "abc":
        talk.reporter.left(talk.view(key), NOW)
    assert talk.events == ["outage began", "outage ended"]
