"""How answers are sorted for the questions of a field report: which belong together, and which count once."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.domain.field_evidence import Evidence, FieldAnswer, kind_of, status_in, time_in
from exporter.domain.model import SyncStatus
from tests.field_answers import NOON, clock, evidence, listed, listing, page, sync


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (False, "boolean"),
        ("", "string"),
        (0, "integer"),
        (0.5, "number"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_a_field_has_the_kind_of_its_json_value(value: object, kind: str) -> None:
    assert kind_of({"one": value}, "one") == kind
    assert kind_of({"one": value}, "other") == "missing"


def test_a_field_that_cannot_be_read_has_no_time_and_no_known_status() -> None:
    assert [time_in(one, "at") for one in ({}, {"at": "noon"}, {"at": clock(0)})] == [None, None, NOON]
    words: list[Any] = [{}, {"job_status": 7}, {"job_status": "Config Error"}]
    assert [status_in(one) for one in words] == [SyncStatus.UNKNOWN, SyncStatus.UNKNOWN, SyncStatus.CONFIG_ERROR]
    assert status_in({"job_status": "success", "last_job_status": "error"}, "last_job_status") is SyncStatus.ERROR


def test_records_are_the_objects_of_a_good_answer() -> None:
    answer = page(sync(0), 7, sync(None), sync(-5))
    assert answer.records == [sync(0), sync(None), sync(-5)]
    assert [f"{start:%H:%M}" for start in answer.starts] == ["12:00", "11:55"]
    assert answer.good
    refused = replace(answer, status=404)
    assert (refused.good, refused.records, refused.starts) == (False, [], [])
    assert FieldAnswer(("w", "i"), 0, NOON, 200).records == []


def test_pages_are_those_of_good_answers_and_the_list_has_no_id() -> None:
    own, of_list = page(), listing()
    seen = evidence(own, replace(own, status=500), of_list, replace(of_list, status=201))
    assert (seen.status_pages, seen.list_pages) == ([own], [of_list])


def test_each_integration_and_each_sync_count_once_as_they_were_shown_first() -> None:
    other = replace(listing(listed(), at=5), integration=("v", ""))
    lists = [listing(listed("i"), listed("j")), listing(listed("i", integration_name="new"), listed("k")), other]
    assert evidence(*lists).listed == [listed("i"), listed("j"), listed("k"), listed("i")]
    pages = [page(sync(0), sync(-9)), page(sync(0, "error"), sync(5)), page(sync(0), of="j")]
    assert evidence(*pages).syncs == [sync(0), sync(-9), sync(5), sync(0)]


def numbered(*places: tuple[str, int]) -> list[FieldAnswer]:
    """Pages of integrations with their numbers, a minute apart."""
    return [page(of=of, number=number, at=at) for at, (of, number) in enumerate(places)]


def places(pairs: Any) -> list[tuple[int, int]]:
    """Which pages of those above are in each pair."""
    return [(first.at.minute, second.at.minute) for first, second in pairs]


@pytest.mark.parametrize(
    ("pages", "following", "repeated"),
    [
        ([("i", 0), ("i", 1), ("i", 2)], [(0, 1), (1, 2)], []),
        ([("i", 0), ("i", 2), ("i", 1)], [], []),
        ([("i", 0), ("j", 1), ("i", 1)], [(0, 2)], []),
        ([("i", 0), ("i", 1), ("i", 0), ("i", 1)], [(0, 1), (2, 3)], [(0, 2)]),
        ([("i", 0), ("i", 0), ("i", 0), ("j", 0)], [], [(0, 1), (1, 2)]),
        ([("i", 1), ("i", 1)], [], []),
    ],
)
def test_pages_follow_each_other_in_one_walk_and_first_pages_repeat(
    pages: list[tuple[str, int]], following: list[tuple[int, int]], repeated: list[tuple[int, int]]
) -> None:
    seen = evidence(*numbered(*pages))
    assert places(seen.following()) == following
    assert places(seen.repeated()) == repeated


def test_an_integration_is_compared_with_the_listing_before() -> None:
    first, second, third = (listed("i", integration_name=name) for name in "abc")
    other = replace(listing(listed("i"), at=4), integration=("v", ""))
    lists = [listing(first, listed("j")), listing(second, at=1), listing(third, listed("j"), at=2), other]
    later = [NOON.replace(minute=1), NOON.replace(minute=2)]
    assert list(evidence(*lists).relisted()) == [
        (first, second, later[0]),
        (second, third, later[1]),
        (listed("j"), listed("j"), later[1]),
    ]


def test_a_listing_is_compared_with_the_first_page_that_is_read_next() -> None:
    old, new = listed("i", integration_name="old"), listed("i")
    answers = [
        page(),
        listing(old, listed("j")),
        listing(new, at=1),
        replace(page(at=2), status=500),
        page(number=1, at=3),
        page(of="k", at=4),
        page(at=5),
        page(at=6),
        page(of="j", at=7),
        replace(listing(listed("m"), at=8), status=401),
        page(of="m", at=9),
    ]
    found = [(pair.listed, pair.listed_at.minute, pair.page.at.minute) for pair in Evidence(tuple(answers)).pairs()]
    assert found == [(new, 1, 5), (listed("j"), 0, 7)]
