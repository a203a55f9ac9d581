from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from exporter.domain.problem import Severity
from exporter.web.selection import Selection, judge, read_selection, select
from exporter.web.view import ExporterStatus
from tests.unit.web.samples import NOW, ago, realistic_status, view, workspace


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
    ],
)
def test_what_cannot_be_read_counts_as_not_asked_for(parameters: dict[str, str]) -> None:
    assert read_selection(parameters) == Selection()
