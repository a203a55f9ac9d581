"""What a field report says of headers, ids, caches and drafts, each assumption on answers made by hand."""

import pytest

from exporter.domain import answer_forms
from tests.field_answers import RATE, evidence, lines_of, listed, listing, page, told, verdict_of, without

NOTHING: tuple[str, list[str], dict[str, bool]] = ("not seen", [], {})
UUID = "0a1b2c3d-0000-4000-8000-00000000000f"


# Headers


def test_each_answer_has_three_headers_and_the_documented_limit() -> None:
    list_rate = {**RATE, "x-ratelimit-limit": "50"}
    good = evidence(page(headers=RATE), listing(headers=list_rate))
    assert told(answer_forms.rate_limits(good)) == (
        "confirmed",
        [
            "job_sync_status: all three headers in 1 of 1",
            "job_sync_status: the documented limit in 1, a retry-after in 0",
            "integrations: all three headers in 1 of 1",
            "integrations: the documented limit in 1, a retry-after in 0",
        ],
        {},
    )
    assert verdict_of(answer_forms.rate_limits(evidence())) == "not seen"


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        (without(RATE, ["x-ratelimit-reset"]), (1, 2, 0)),
        (without(RATE, ["x-ratelimit-remaining"]), (1, 2, 0)),
        ({**RATE, "x-ratelimit-limit": "50"}, (2, 1, 0)),
        ({}, (1, 1, 0)),
        ({**RATE, "retry-after": "1"}, (2, 2, 1)),
        ({**RATE, "x-ratelimit-retry-after": "1"}, (2, 2, 1)),
    ],
)
def test_headers_that_are_missing_or_differ_are_counted(headers: dict[str, str], counts: tuple[int, int, int]) -> None:
    complete, documented, retry = counts
    finding = answer_forms.rate_limits(evidence(page(headers=headers), page(headers=RATE)))
    assert lines_of(finding)[:2] == [
        f"job_sync_status: all three headers in {complete} of 2",
        f"job_sync_status: the documented limit in {documented}, a retry-after in {retry}",
    ]
    assert verdict_of(finding) == ("confirmed" if complete == documented == 2 else "refuted")


# Ids


def test_ids_are_uuids_in_any_case() -> None:
    seen = evidence(listing(listed(UUID), listed(UUID.upper()[:-1] + "E", app_group_id="x" * 24)))
    assert told(answer_forms.ids(seen)) == (
        "confirmed",
        ["in the form of a UUID: 2 of 2", "other forms: none", "lengths of app_group_id: 1 of 10, 1 of 24"],
        {},
    )
    odd = answer_forms.ids(evidence(listing(listed(UUID), listed("0" + UUID), listed("abc-1"), listed(7))))
    assert (verdict_of(odd), lines_of(odd)[:2]) == (
        "refuted",
        ["in the form of a UUID: 1 of 3", "other forms: 1 99a9a9a9a-9999-9999-9999-99999999999a, 1 aaa-9"],
    )
    assert verdict_of(answer_forms.ids(evidence())) == "not seen"


# Caches


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({"cache-control": "max-age=0, private"}, "confirmed"),
        ({"cache-control": "max-age=10"}, "refuted"),
        ({"age": "0"}, "refuted"),
        ({"x-cache": "Hit from cloudfront"}, "refuted"),
        ({"x-cache": "Miss"}, "confirmed"),
        ({}, "confirmed"),
        ({"cache-control": "max-age=10", "age": "3"}, "refuted"),
    ],
)
def test_a_cache_in_between_shows_in_headers(headers: dict[str, str], verdict: str) -> None:
    assert verdict_of(answer_forms.caching(evidence(page(headers=headers)))) == verdict


def test_headers_about_caches_are_counted_and_their_values_masked() -> None:
    headers = {"cache-control": "max-age=0", "etag": "x", "date": "today", "vary": "x"}
    seen = evidence(page(headers=headers), listing(headers={"etag": "y"}), page())
    assert told(answer_forms.caching(seen)) == (
        "confirmed",
        ["headers: 2 etag, 1 cache-control", "cache-control: 1 aaa-aaa=9", "answers with Date: 1 of 3"],
        {},
    )
    assert told(answer_forms.caching(evidence())) == NOTHING


# Drafts


def test_drafts_in_the_list_are_counted() -> None:
    seen = evidence(
        listing(
            listed("a", integration_status="Draft"),
            listed("b", integration_status="draft", last_job_start_time=None),
            listed("c", integration_status="DRAFT"),
            listed("d"),
        )
    )
    assert told(answer_forms.drafts(seen)) == (
        "confirmed",
        ["drafts: 3 of 4", "of these, with a last_job_start_time: 2"],
        {},
    )
    assert told(answer_forms.drafts(evidence(listing(listed())))) == (
        "not seen",
        ["drafts: 0 of 1", "of these, with a last_job_start_time: 0"],
        {},
    )
