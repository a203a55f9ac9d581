import json
import math
from typing import Any

import pytest

from exporter.braze.endpoints import Endpoint
from tests.mutations import HUGE_BYTES, MUTATIONS, Answer
from tests.odd_records import ODD_RECORDS, ONLY_LISTED
from tests.unit.simulator.asking import ask_list, ask_status, finished_syncs, results, world_with
from tests.world import World


def a_page() -> tuple[World, str]:
    world, users = world_with()
    finished_syncs(world, users, 12)
    return world, users


def struck(name: str, **when: Any) -> tuple[Answer, Answer]:
    """The answer of two equal worlds: as it is, and with a fault."""
    (quiet, users), (struck_world, _) = a_page(), a_page()
    struck_world.faults.add(name, **when)
    return ask_status(quiet, users), ask_status(struck_world, users)


def odd_record(name: str) -> tuple[dict[str, Any], list[Any]]:
    """The latest record as it is, and what comes in its place."""
    good, odd = struck(name)
    kept, changed = results(good), json.loads(odd.body)["results"]
    assert changed[-9:] == kept[-9:]
    return kept[0], changed[:-9]


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504, 599])
def test_any_status_can_come_as_brazes_own_error_or_as_a_proxys_page(status: int) -> None:
    _, own = struck(f"http_{status}")
    assert own.status == status
    assert json.loads(own.body)["message"]
    assert "x-ratelimit-reset" in own.headers
    assert "link" not in own.headers
    _, proxied = struck(f"html_{status}")
    assert (proxied.status, set(proxied.headers)) == (status, {"content-type", "date"})
    assert proxied.body.startswith(b"<!DOCTYPE html>")


def test_a_redirect_leads_to_another_host() -> None:
    _, answer = struck("http_302")
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.example/")


def test_maintenance_says_queued() -> None:
    assert json.loads(struck("http_202")[1].body) == {"message": "queued"}


def test_a_429_of_brazes_own_names_the_reset() -> None:
    good, answer = struck("http_429")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"] == good.headers["x-ratelimit-reset"]


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("throttle_without_headers", {}),
        (
            "throttle_nonsense_headers",
            {
                "x-ratelimit-limit": "-1",
                "x-ratelimit-remaining": "many",
                "x-ratelimit-reset": "soon",
                "retry-after": "a while",
            },
        ),
        ("throttle_past_reset", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000000000"}),
        ("throttle_far_reset", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "32503680000"}),
        ("throttle_retry_after", {"retry-after": "7"}),
        ("throttle_ratelimit_retry_after", {"x-ratelimit-retry-after": "7"}),
    ],
)
def test_a_429_may_carry_other_headers_or_none(name: str, headers: dict[str, str]) -> None:
    _, answer = struck(name)
    assert answer.status == 429
    assert answer.headers.items() - {("date", answer.headers["date"])} == {
        ("content-type", "application/json; charset=utf-8"),
        *headers.items(),
    }


@pytest.mark.parametrize(
    ("name", "limit", "remaining", "reset"),
    [
        ("limits_missing", None, None, None),
        ("limits_nonsense", "-1", "many", "soon"),
        ("limits_lie", "1000000", "999999", "as it is"),
        ("limits_used_up", "100", "0", "as it is"),
    ],
)
def test_good_answers_may_carry_bad_limits(
    name: str, limit: str | None, remaining: str | None, reset: str | None
) -> None:
    good, answer = struck(name)
    assert (answer.status, answer.body) == (200, good.body)
    wanted = good.headers["x-ratelimit-reset"] if reset == "as it is" else reset
    told = [answer.headers.get(f"x-ratelimit-{word}") for word in ("limit", "remaining", "reset")]
    assert told == [limit, remaining, wanted]


@pytest.mark.parametrize("name", ["hang", "drip", "reset", "cut"])
def test_faults_of_the_socket_are_named_in_an_otherwise_good_answer(name: str) -> None:
    good, answer = struck(name)
    assert (good.fault, answer.fault) == (None, name)
    assert (answer.status, answer.body) == (200, good.body)


def test_bodies_may_be_cut_or_huge_or_something_else() -> None:
    good, cut = struck("cut_json")
    assert cut.body == good.body[: len(good.body) // 2]
    _, huge = struck("huge_body")
    assert len(huge.body) == len(good.body) + HUGE_BYTES
    assert huge.body.replace(b" " * HUGE_BYTES, b"") == good.body
    bodies = {
        "empty_body": b"",
        "list_body": b"[]",
        "results_missing": b'{"message": "success"}',
        "results_null": b'{"results": null, "message": "success"}',
        "empty_results": b'{"results": [], "message": "success"}',
        "deep_json": b"[" * 100_000,
    }
    for name, body in bodies.items():
        assert struck(name)[1].body == body
    with pytest.raises(UnicodeDecodeError):
        struck("no_utf8")[1].body.decode()


def test_a_proxy_may_answer_200_with_html_or_name_the_wrong_type() -> None:
    _, page = struck("html")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    good, plain = struck("wrong_content_type")
    assert (plain.headers["content-type"], plain.body) == ("text/plain", good.body)


def test_links_may_be_lost_or_lead_astray() -> None:
    assert "link" not in struck("link_lost")[1].headers
    assert struck("link_to_itself")[1].headers["link"] == '</cdi/integrations?cursor=c2tpcDow>; rel="next"'
    assert "<<>" in struck("link_garbage")[1].headers["link"]
    assert struck("link_cursor_refused")[1].headers["link"] == '</cdi/integrations?cursor=bm9uc2Vuc2U=>; rel="next"'
    world, users = a_page()
    assert ask_status(world, users, "cursor=bm9uc2Vuc2U=").status == 400


TIMES = ("sync_start_time", "sync_finish_time", "last_timestamp_synced")
ROWS = ("rows_synced", "rows_failed_with_errors")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("malformed_start", {"sync_start_time": "yesterday, about noon"}),
        ("malformed_times", dict.fromkeys(TIMES, "2026-13-45T99:00:00Z")),
        ("numeric_times", dict.fromkeys(TIMES, 1767225600)),
        ("far_future_times", dict.fromkeys(TIMES, "9999-12-31T23:59:59Z")),
        ("null_start", {"sync_start_time": None}),
        ("unknown_status", {"job_status": "Skipped"}),
        ("novel_status", {"job_status": "hibernating"}),
        ("odd_status_type", {"job_status": ["success"]}),
        ("capitalised_status", {"job_status": "Success"}),
        ("negative_rows", dict.fromkeys(ROWS, -5)),
        ("huge_rows", dict.fromkeys(ROWS, 10**30)),
        ("fractional_rows", dict.fromkeys(ROWS, 12.5)),
        ("text_rows", dict.fromkeys(ROWS, "1000")),
        ("finish_before_start", {"sync_finish_time": "2001-01-01T00:00:00Z"}),
    ],
)
def test_single_fields_of_a_record_may_be_odd(name: str, changes: dict[str, object]) -> None:
    good, odd = odd_record(name)
    assert odd == [{**good, **changes}]
    assert odd != [good]


def test_whole_records_may_be_odd() -> None:
    good, twice = odd_record("duplicate_record")
    assert twice == [good, good]
    _, same_start = odd_record("same_start")
    assert same_start == [good, {**good, **{name: good[name] + 1 for name in ROWS}}]
    assert odd_record("no_object")[1] == ["surprise"]
    assert odd_record("null_everything")[1] == [dict.fromkeys(good)]
    assert odd_record("missing_fields")[1] == [{"sync_start_time": good["sync_start_time"]}]
    _, (local,) = odd_record("times_without_offset")
    assert all(f"{local[name]}Z" == good[name] for name in TIMES)
    _, (nan,) = odd_record("nan_rows")
    assert all(math.isnan(nan[name]) for name in ROWS)


def test_records_of_the_list_may_be_odd_as_well() -> None:
    world, users = a_page()
    world.faults.add("odd_id", endpoint=Endpoint.INTEGRATIONS)
    world.faults.add("unknown_status", endpoint=Endpoint.INTEGRATIONS)
    record = results(ask_list(world))[0]
    assert (record["integration_id"], record["last_job_status"]) == ("../../cdi/integrations", "Skipped")
    assert results(ask_status(world, users))[0]["job_status"] == "success"


def test_the_record_that_is_odd_can_be_chosen() -> None:
    def odd_places(record: int | None) -> list[int]:
        found = results(struck("negative_rows", record=record)[1])
        return [place for place, each in enumerate(found) if each["rows_synced"] == -5]

    assert [odd_places(record) for record in (0, 3, -1, None)] == [[0], [3], [9], list(range(10))]


def test_an_odd_record_needs_a_page_to_stand_on() -> None:
    world, users = world_with()
    world.faults.add("negative_rows")
    assert results(ask_status(world, users)) == []
    assert ask_status(world, users, key="wrong").status == 401


def test_a_fault_strikes_as_often_as_it_was_told_to() -> None:
    world, users = a_page()
    world.faults.add("http_500", times=2)
    assert [ask_status(world, users).status for _ in range(3)] == [500, 500, 200]
    assert not world.faults


def test_a_fault_strikes_only_where_it_was_told_to() -> None:
    world, users = a_page()
    other = world.add_integration("production", "other")
    world.add_workspace("staging")
    second = "cursor=c2tpcDoxMA=="

    def statuses() -> list[int]:
        return [
            ask_status(world, users).status,
            ask_status(world, users, second).status,
            ask_status(world, other).status,
            ask_list(world).status,
            ask_list(world, key="key-of-staging").status,
        ]

    conditions: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [500, 500, 500, 500, 500]),
        ({"workspace": "production"}, [500, 500, 500, 500, 200]),
        ({"endpoint": Endpoint.INTEGRATIONS}, [200, 200, 200, 500, 500]),
        ({"integration_id": users}, [500, 500, 200, 200, 200]),
        ({"integration_id": users, "page": 1}, [200, 500, 200, 200, 200]),
        ({"page": 0}, [500, 200, 500, 500, 500]),
    ]
    for condition, expected in conditions:
        fault = world.faults.add("http_500", **condition)
        assert statuses() == expected, condition
        world.faults.remove(fault)
    assert statuses() == [200] * 5


def test_faults_add_up_in_their_order_and_can_be_switched_off_together() -> None:
    world, users = a_page()
    world.faults.add("limits_missing")
    world.faults.add("empty_results")
    answer = ask_status(world, users)
    assert results(answer) == []
    assert "x-ratelimit-limit" not in answer.headers
    world.faults.clear()
    assert len(results(ask_status(world, users))) == 10


def test_a_faulty_answer_counts_against_the_limit() -> None:
    world, users = a_page()
    world.faults.add("html_502", times=1)
    ask_status(world, users)
    assert ask_status(world, users).headers["x-ratelimit-remaining"] == "98"


@pytest.mark.parametrize("name", ["http_99", "http_700", "gremlins", ""])
def test_a_fault_that_does_not_exist_is_refused(name: str) -> None:
    world, _ = a_page()
    with pytest.raises(KeyError, match="no fault"):
        world.faults.add(name)


@pytest.mark.parametrize("name", [*MUTATIONS, *(sorted(set(ODD_RECORDS) - ONLY_LISTED))])
def test_every_fault_in_the_tables_changes_the_answer(name: str) -> None:
    good, odd = struck(name)
    assert odd != good
