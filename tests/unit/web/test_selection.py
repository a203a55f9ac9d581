from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from exporter.web.selection import Selection, judge, read_selection, select
from exporter.web.view import ExporterStatus, WorkspaceStatus
from tests.unit.web.samples import NOW, ago, realistic_status, snapshot


def names(selection: Selection) -> list[str]:
    return [one.snapshot.integration.integration_name for one in select(judge(realistic_status()), selection)]


def test_the_workspace_with_the_worst_trouble_comes_first_and_in_it_the_worst_integration() -> None:
    calm = WorkspaceStatus("calm", "https://rest.iad-01.braze.com", 60, (snapshot("a", ("partial",)), snapshot("b")))
    burning = WorkspaceStatus(
        "burning",
        "https://rest.iad-02.braze.com",
        60,
        (snapshot("c"), snapshot("d", ("partial",)), snapshot("e", ("error",)), snapshot("f")),
    )
    status = ExporterStatus(NOW, "1", "", ago(hours=1), (calm, burning))
    assert [one.snapshot.integration.integration_name for one in judge(status)] == ["e", "d", "c", "f", "a", "b"]


def test_only_trouble_leaves_out_what_is_well() -> None:
    assert "users" in names(Selection())
    assert "users" not in names(Selection(only_trouble=True))
    assert "loyalty_points" in names(Selection(only_trouble=True))


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
        Selection(workspace="a b&c", query="<x>", only_trouble=True, refresh_seconds=15),
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
