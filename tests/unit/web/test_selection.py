import json
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from exporter.domain.model import Failure, Integration
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.web.causes import find_concerns
from exporter.web.selection import Selection, judge, narrow, read_selection, select
from exporter.web.status_page import StatusPage
from exporter.web.view import ExporterStatus
from tests.unit.web.samples import NOW, ago, realistic_status, render_status_json, view, workspace


def names(selection: Selection) -> list[str]:
    return [one.view.integration.integration_name for one in select(judge(realistic_status()), selection)]


def test_the_workspace_with_the_worst_problem_comes_first_and_in_it_the_worst_integration() -> None:
    calm = workspace("calm", [view("a", ("partial",)), view("b")])
    burning = workspace("burning", [view("c"), view("d", ("partial",)), view("e", ("config_error",)), view("f")])
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (calm, burning))
    assert [one.view.integration.integration_name for one in judge(status)] == ["e", "d", "c", "f", "a", "b"]


def test_information_comes_before_what_is_healthy_and_needs_no_attention() -> None:
    paused, healthy = view("p", latest_at=ago(days=12), integration_status="Paused"), view("h")
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (workspace("w", [healthy, paused]),))
    first, second = judge(status)
    assert (first.view, second.view) == (paused, healthy)
    assert (first.severity, first.needs_attention) == (Severity.INFO, False)
    assert (second.severity, second.needs_attention) == (None, False)


def test_only_problems_leaves_out_what_is_healthy() -> None:
    assert "users" in names(Selection())
    assert "users" not in names(Selection(only_problems=True))
    assert {"loyalty_points", "paused_campaign"} <= set(names(Selection(only_problems=True)))


def test_problems_are_those_of_the_moment() -> None:
    one = view("a", ("config_error",), judged_at=ago(minutes=10))

    def kinds(now: datetime) -> set[str]:
        (judged,) = judge(ExporterStatus(now, "1", "", ago(hours=1), (workspace("w", [one]),)))
        return {problem.kind for problem in judged.problems}

    assert kinds(NOW - timedelta(microseconds=1)) == {"config_error"}
    assert kinds(NOW) == {"config_error", "stale"}


def test_a_workspace_is_chosen_by_its_exact_name() -> None:
    assert {one.workspace.name for one in select(judge(realistic_status()), Selection(workspace="staging"))} == {
        "staging"
    }
    assert names(Selection(workspace="stag")) == []


def test_a_query_finds_parts_of_names_and_ids_whatever_the_case() -> None:
    assert names(Selection(query="LOYAL")) == ["loyalty_points"]
    assert names(Selection(query="2222-3333")) == ["just_added"]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(page=3),
        Selection(unfold=True),
        Selection(workspace="a b&c", query="<x>", only_problems=True, refresh_seconds=15),
    ],
)
def test_a_link_reads_back_as_the_same_selection(selection: Selection) -> None:

    _, _, query = selection.link(7).partition("?")
    assert read_selection(dict(parse_qsl(query))) == replace(selection, page=7)


@pytest.mark.parametrize(
    "parameters",
    [
        {"page": "-1"},
        {"page": "x"},
        {"page": "0"},
        {"page": "9" * 5000},
        {"page": "²"},
        {"refresh": "1"},
        {"only": "x"},
        {"healthy": "x"},
    ],
)
def test_what_cannot_be_read_counts_as_not_asked_for(parameters: dict[str, str]) -> None:
    assert read_selection(parameters) == Selection()


def test_status_problem_and_team_are_chosen_exactly_on_page_and_in_json_alike() -> None:
    crm = view("a", ("error",), integration=Integration("w", "a", "a", (("team", "crm"),)))
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (workspace("w", [crm, view("b"), view("c", ())]),))
    wanted = {
        "status=error": ["a"],
        "status=success": ["b"],
        "status=none": ["c"],
        "status=err": [],
        "problem=failed": ["a"],
        "team=crm": ["a"],
        "team=c": [],
        "team=crm&status=success": [],
        "only=problems": ["a", "c"],
    }
    for query, names_wanted in wanted.items():
        selection = read_selection(dict(parse_qsl(query)))
        assert read_selection(dict(parse_qsl(selection.link(1)[3:]))) == selection
        shown = [one.view.integration.integration_name for one in select(judge(status), selection)]
        (listed,) = json.loads(render_status_json(narrow(status, selection)))["workspaces"]
        assert (shown, [one["name"] for one in listed["integrations"]]) == (names_wanted, names_wanted), query


def test_a_workspace_that_is_not_asked_for_is_not_in_the_json() -> None:
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (workspace("w", [view("a")]), workspace("x", [])))
    assert [one.name for one in narrow(status, Selection(workspace="x")).workspaces] == ["x"]
    assert narrow(status, Selection(page=2, refresh_seconds=5)) is status


def test_polls_that_fail_for_one_reason_are_one_concern_and_others_stay_apart() -> None:
    def dead(name: str, reason: str, minutes: int) -> View:
        failure = Failure(reason, f"Braze said {reason}", NOW)
        problem = Problem("stale", Severity.CRITICAL, "not polled", ago(minutes=minutes))
        failing = replace(view(name), up=False, failure=failure, failing_since=ago(minutes=minutes))
        return replace(failing, problems=(problem,), stale_problems=(problem,))

    members = [
        dead("a", "auth", 9),
        dead("b", "auth", 7),
        dead("c", "timeout", 8),
        view("d", ("config_error",)),
        view("e"),
    ]
    status = ExporterStatus(
        NOW, "1", "", ago(hours=1), (workspace("w", members), workspace("x", [dead("f", "auth", 5)]))
    )
    concerns = find_concerns(judge(status))
    shown = {tuple(one.view.integration.integration_name for one in concern.judged) for concern in concerns}
    assert shown == {("a", "b"), ("c",), ("d",), ("f",)}
    (outage,) = [concern for concern in concerns if len(concern.judged) > 1]
    assert outage.failing_since == ago(minutes=9)
    assert outage.link == "./?workspace=w&problem=stale"
    html = StatusPage(telemetry_path="/metrics").render(status, Selection()).decode()
    assert "2 integrations</span>" in html
    assert html.count("Braze said auth") == 1


def test_integrations_that_are_stale_because_polls_come_too_rarely_are_one_concern() -> None:
    def late(name: str, minutes: int) -> View:
        problem = Problem("stale", Severity.CRITICAL, f"not polled for {minutes} minutes", ago(minutes=1))
        stale = replace(view(name), up=True, last_poll_success_at=ago(minutes=minutes))
        return replace(stale, problems=(problem,), stale_problems=(problem,))

    rare = replace(workspace("w", [late("a", 11), late("b", 13)]), poll_interval_seconds=229.0)
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (rare,))
    (concern,) = find_concerns(judge(status))
    assert concern.failing_since == ago(minutes=13)
    html = StatusPage(telemetry_path="/metrics").render(status, Selection()).decode()
    assert "no poll has succeeded, though one is due every 3\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}49" in html
