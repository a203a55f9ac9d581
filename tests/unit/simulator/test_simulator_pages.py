import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from exporter.braze.wire import Response, decipher_next_cursor
from exporter.simulator.schedule import ON_DEMAND, Schedule, ScheduleKind, every, on_arrival
from exporter.simulator.style import Style
from tests.unit.simulator.asking import (
    HOUR,
    MINUTE,
    NOON,
    ask_list,
    ask_status,
    finished_syncs,
    results,
    small_world,
    world_with,
)
from tests.world import World


def world_with_syncs(count: int, style: Style | None = None) -> tuple[World, str]:
    world = small_world(style)
    users = world.add_integration("production", "users", integration_id="ID", schedule=ON_DEMAND)
    finished_syncs(world, users, count)
    return world, users


def starts(world: World, users: str, query: str = "") -> list[str]:
    return [record["sync_start_time"] for record in results(ask_status(world, users, query))]


def test_a_finished_sync_is_told_with_the_documented_fields() -> None:
    world, users = world_with()
    world.start_sync(
        users, duration=5 * MINUTE, word="partial", rows_synced=1000, rows_failed_with_errors=3, watermark=NOON - MINUTE
    )
    answer = ask_status(world, users, now=NOON + HOUR)
    assert json.loads(answer.body) == {
        "results": [
            {
                "job_status": "partial",
                "sync_start_time": "2026-03-01T12:00:00.000000Z",
                "sync_finish_time": "2026-03-01T12:05:00.000000Z",
                "last_timestamp_synced": "2026-03-01T11:59:00.000000Z",
                "rows_synced": 1000,
                "rows_failed_with_errors": 3,
            }
        ],
        "message": "success",
    }
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_an_integration_is_listed_with_the_documented_fields() -> None:
    world, users = world_with(schedule=every(hours=1))
    world.advance(NOON + HOUR + 10 * MINUTE)
    latest = world.truth(users)[-1]
    assert latest.last_timestamp_synced is not None
    assert results(ask_list(world)) == [
        {
            "integration_id": users,
            "app_group_id": world.workspaces["production"].app_group_id,
            "integration_name": "users",
            "integration_type": "snowflake",
            "integration_status": "active",
            "contact_emails": "data-team@example.com",
            "last_updated_at": latest.last_timestamp_synced.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "warehouse_type": "snowflake",
            "last_job_start_time": "2026-03-01T13:00:00.000000Z",
            "last_job_status": "success",
            "next_scheduled_run": "2026-03-01T14:00:00.000000Z",
        }
    ]


@pytest.mark.parametrize("count", [0, 1, 10])
def test_ten_syncs_or_fewer_are_one_page_without_link(count: int) -> None:
    world, users = world_with_syncs(count)
    answer = ask_status(world, users)
    assert len(results(answer)) == count
    assert "link" not in answer.headers


def test_pages_hold_ten_syncs_latest_first_and_link_in_the_documented_form() -> None:
    world, users = world_with_syncs(25)
    first = ask_status(world, users)
    assert len(results(first)) == 10
    assert first.headers["link"] == '</cdi/integrations/ID/job_sync_status?cursor=c2tpcDoxMA==>; rel="next"'
    second = ask_status(world, users, "cursor=c2tpcDoxMA==")
    assert second.headers["link"] == (
        '</cdi/integrations/ID/job_sync_status?cursor=c2tpcDow>; rel="prev",'
        '</cdi/integrationsID/job_sync_status?cursor=c2tpcDoyMA==>; rel="next"'
    )
    third = ask_status(world, users, "cursor=c2tpcDoyMA%3D%3D")
    assert len(results(third)) == 5
    assert third.headers["link"] == '</cdi/integrations/ID/job_sync_status?cursor=c2tpcDoxMA==>; rel="prev"'
    told = [record["sync_start_time"] for page in (first, second, third) for record in results(page)]
    assert told == [sync.sync_start_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for sync in reversed(world.truth(users))]


def test_a_sync_that_starts_between_two_pages_shifts_the_items() -> None:
    world, users = world_with_syncs(15)
    first = starts(world, users)
    world.start_sync(users)
    second = starts(world, users, "cursor=c2tpcDoxMA==")
    assert second[0] == first[-1]
    assert len(second) == 6


def test_a_page_beyond_the_end_is_empty() -> None:
    world, users = world_with_syncs(3)
    assert starts(world, users, "cursor=c2tpcDo5MA==") == []


@pytest.mark.parametrize("cursor", ["", "nonsense", "c2tpcA==", "c2tpcDotMQ==", "c2tpcDp4", quote("skip:10"), "%FF%FE"])
def test_a_cursor_that_braze_never_gave_is_refused(cursor: str) -> None:
    world, users = world_with_syncs(15)
    for answer in (ask_status(world, users, f"cursor={cursor}"), ask_list(world, f"cursor={cursor}")):
        assert (answer.status, json.loads(answer.body)) == (400, {"message": "Invalid cursor"})


def test_other_query_parameters_are_passed_over() -> None:
    world, users = world_with_syncs(15)
    assert starts(world, users, "limit=100") == starts(world, users)


def test_the_list_is_paged_in_tens_with_the_same_scheme() -> None:
    world = small_world()
    for number in range(12):
        world.add_integration("production", f"integration {number}")
    first, second = ask_list(world), ask_list(world, "cursor=c2tpcDoxMA==")
    assert first.headers["link"] == '</cdi/integrations?cursor=c2tpcDoxMA==>; rel="next"'
    assert second.headers["link"] == '</cdi/integrations?cursor=c2tpcDow>; rel="prev"'
    assert [len(results(page)) for page in (first, second)] == [10, 2]
    assert [record["integration_name"] for record in results(second)] == ["integration 10", "integration 11"]


def test_the_list_moves_with_its_integrations() -> None:
    world, users = world_with(schedule=every(minutes=10))
    assert results(ask_list(world))[0]["last_job_status"] == "running"
    later = results(ask_list(world, now=NOON + 5 * MINUTE))[0]
    assert (later["last_job_status"], later["next_scheduled_run"]) == ("success", "2026-03-01T12:10:00.000000Z")
    world.revise_sync(users, -1, job_status=world.truth(users)[-1].job_status.ERROR)
    assert results(ask_list(world))[0]["last_job_status"] == "error"


def test_only_scheduled_runs_are_announced() -> None:
    world = small_world()
    for name, schedule in (
        ("scheduled", every(hours=1, phase=HOUR)),
        ("s3", on_arrival(HOUR)),
        ("asked for", Schedule(ScheduleKind.ON_DEMAND, HOUR)),
    ):
        world.add_integration("production", name, schedule=schedule)
    announced = [record["next_scheduled_run"] for record in results(ask_list(world))]
    assert announced == ["2026-03-01T13:00:00.000000Z", None, None]


def test_a_revised_record_is_told_in_its_new_words() -> None:
    world, users = world_with_syncs(3)
    ask_status(world, users)
    world.revise_sync(users, 0, rows_synced=77)
    assert results(ask_status(world, users))[-1]["rows_synced"] == 77
    assert world.truth(users)[0].rows_synced != 77


@pytest.mark.parametrize(
    ("style", "start"),
    [
        (Style(fraction_digits=0, offset="+00:00"), "2026-03-01T12:00:00+00:00"),
        (Style(fraction_digits=0, offset=""), "2026-03-01T12:00:00"),
        (Style(fraction_digits=0, offset="+05:30"), "2026-03-01T17:30:00+05:30"),
        (Style(fraction_digits=0, offset="-03:00"), "2026-03-01T09:00:00-03:00"),
        (Style(fraction_digits=3), "2026-03-01T12:00:00.123Z"),
        (Style(fraction_digits=6, offset=""), "2026-03-01T12:00:00.123456"),
    ],
)
def test_times_are_written_as_the_style_says(style: Style, start: str) -> None:
    world = small_world(style)
    users = world.add_integration("production", "users", schedule=ON_DEMAND)
    world.advance(NOON + timedelta(microseconds=123456))
    world.start_sync(users)
    assert starts(world, users) == [start]


def test_capitalised_statuses_are_those_of_the_older_page() -> None:
    world, users = world_with_syncs(0, Style(capitalised=True))
    for word in ("success", "config_error", "Limit Exceeded"):
        world.start_sync(users, duration=MINUTE, word=word)
        world.advance(world.now + MINUTE)
    world.start_sync(users)
    told = [record["job_status"] for record in results(ask_status(world, users))]
    assert told == ["Running", "Limit Exceeded", "Config_error", "Success"]
    assert results(ask_list(world))[0]["last_job_status"] == "Running"


@pytest.mark.parametrize(
    ("style", "told"),
    [
        (Style(), {"sync_finish_time": None, "rows_synced": None}),
        (Style(unknown="missing"), {}),
        (Style(running_tells=True), {"sync_finish_time": None, "rows_synced": 0}),
        (Style(running_tells=True, unknown="missing"), {"rows_synced": 0}),
    ],
)
def test_a_running_sync_tells_what_the_style_says(style: Style, told: dict[str, object]) -> None:
    world, users = world_with_syncs(0, style)
    world.start_sync(users)
    record = results(ask_status(world, users))[0]
    assert {name: record[name] for name in ("sync_finish_time", "rows_synced") if name in record} == told


def test_a_failed_sync_may_tell_nothing_and_then_counts_no_rows() -> None:
    world, users = world_with_syncs(0, Style(failed_tells=False))
    world.start_sync(users, duration=MINUTE, word="error")
    world.advance(NOON + HOUR)
    record = results(ask_status(world, users))[0]
    assert (record["rows_synced"], record["rows_failed_with_errors"], record["last_timestamp_synced"]) == (None,) * 3
    assert world.totals(users).rows_failed_with_errors == 0


@pytest.mark.parametrize("link", ["documented", "clean", "absolute"])
def test_every_form_of_link_leads_to_the_next_page(link: str) -> None:
    world, users = world_with_syncs(25, Style(link=link))  # type: ignore[arg-type]  # the parameters above are its literals
    answer = ask_status(world, users, "cursor=c2tpcDoxMA==")
    assert decipher_next_cursor(Response(answer.status, answer.headers, answer.body)) == "c2tpcDoyMA=="
    assert ("https://rest.elsewhere.example" in answer.headers["link"]) == (link == "absolute")
