"""What clients other than the exporter meet: syncs started by `POST`, drafts, and schedules by the clocks of a zone."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from exporter.simulator.integration import Profile
from exporter.simulator.schedule import ON_DEMAND, every
from exporter.simulator.workspace import PERMISSIONS, SYNC_PERMISSION
from tests.mutations import Answer
from tests.unit.simulator.asking import HOUR, KEY, MINUTE, NOON, ask_list, ask_status, results, small_world
from tests.world import World, handle

ALL = (*PERMISSIONS.values(), SYNC_PERMISSION)


def world_that_syncs() -> World:
    world = World(7, NOON)
    world.add_workspace("production", permissions=ALL)
    world.add_integration("production", "users", integration_id="users", schedule=every(days=1, phase=HOUR))
    return world


def start(world: World, integration_id: str = "users", method: str = "POST") -> Answer:
    path = f"/cdi/integrations/{integration_id}/sync"
    return handle(world, world.now, method, path, "", {"authorization": f"Bearer {KEY}"})


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["message"]


def test_a_sync_is_started_by_post_one_at_a_time() -> None:
    world = world_that_syncs()
    assert outcome(start(world)) == (202, "success")
    world.advance(NOON + timedelta(seconds=1))
    assert outcome(start(world)) == (429, "Another job is in progress")
    assert [record["job_status"] for record in results(ask_status(world, "users"))] == ["running"]
    world.advance(NOON + 10 * MINUTE)
    assert [record["job_status"] for record in results(ask_status(world, "users"))] == ["success"]
    assert outcome(start(world)) == (202, "success")


def test_a_sync_by_hand_does_not_shift_the_schedule() -> None:
    world = world_that_syncs()
    before = results(ask_list(world))[0]["next_scheduled_run"]
    start(world)
    assert results(ask_list(world))[0]["next_scheduled_run"] == before


def test_syncs_are_not_started_where_they_may_not_be() -> None:
    world = world_that_syncs()
    assert outcome(start(world, "unheard-of")) == (404, "Integration not found")
    assert (start(world, method="GET").status, start(world, method="GET").headers["allow"]) == (405, "POST")
    assert ask_status(world, "users").status == 200
    lesser = small_world()
    lesser.add_integration("production", "users", integration_id="users", schedule=ON_DEMAND)
    assert outcome(start(lesser)) == (403, f"The API key lacks the permission {SYNC_PERMISSION}")
    assert lesser.truth("users") == ()


def test_twenty_requests_a_minute_start_syncs_and_polls_have_limits_of_their_own() -> None:
    world = world_that_syncs()
    statuses = [start(world, "unheard-of").status for _ in range(21)]
    assert statuses == [404] * 20 + [429]
    assert ask_status(world, "users").headers["x-ratelimit-remaining"] == "99"


def test_a_draft_is_listed_and_never_runs() -> None:
    world = small_world()
    key = world.add_integration("production", "trial", schedule=every(minutes=5), profile=Profile(draft=True))
    world.advance(NOON + HOUR)
    (record,) = results(ask_list(world))
    assert (record["integration_status"], record["next_scheduled_run"]) == ("draft", None)
    assert (record["last_job_start_time"], world.truth(key)) == (None, ())


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 27, 2, 30, tzinfo=UTC), [2, 2, 1, 1]),  # 3:30, clocks forward on the 29th
        ("Europe/Berlin", datetime(2026, 10, 23, 1, 30, tzinfo=UTC), [1, 1, 2, 2]),  # back on the 25th
        ("Australia/Sydney", datetime(2026, 4, 3, 1, 30, tzinfo=UTC), [1, 1, 2, 2]),  # back on the 5th
        ("Asia/Tokyo", datetime(2026, 3, 27, 2, 30, tzinfo=UTC), [2, 2, 2, 2]),
    ],
)
def test_a_daily_schedule_keeps_its_hour_by_the_clocks_of_its_zone(
    zone: str, first: datetime, hours: list[int]
) -> None:
    world = World(7, first - MINUTE)
    world.add_workspace("production")
    schedule = every(days=1, phase=MINUTE, zone=ZoneInfo(zone))
    key = world.add_integration("production", "users", schedule=schedule)
    world.advance(first + timedelta(days=3, hours=2))
    assert [sync.sync_start_time.hour for sync in world.truth(key)] == hours


def test_an_hour_that_clocks_leave_out_moves_only_that_day() -> None:
    first = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)  # 2:30 in Berlin, which does not exist on the 29th
    world = World(7, first)
    world.add_workspace("production")
    key = world.add_integration("production", "users", schedule=every(days=1, zone=ZoneInfo("Europe/Berlin")))
    world.advance(first + timedelta(days=3))
    local = [sync.sync_start_time.astimezone(ZoneInfo("Europe/Berlin")) for sync in world.truth(key)]
    assert [(at.hour, at.minute) for at in local] == [(2, 30), (3, 30), (2, 30), (2, 30)]


def test_only_whole_days_follow_a_zone() -> None:
    with pytest.raises(ValueError, match="whole days"):
        every(hours=1, zone=ZoneInfo("Europe/Berlin"))
