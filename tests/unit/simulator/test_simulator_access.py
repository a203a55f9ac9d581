import json
from datetime import timedelta

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.simulator.style import Style
from tests.mutations import Answer
from tests.unit.simulator.asking import KEY, MINUTE, NOON, SECOND, ask, ask_list, ask_status, small_world, world_with
from tests.world import World, handle


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["message"]


def limits_of(answer: Answer) -> tuple[str, str, str]:
    return tuple(answer.headers[f"x-ratelimit-{word}"] for word in ("limit", "remaining", "reset"))  # type: ignore[return-value]  # three words, three headers


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY])
def test_a_missing_or_unknown_key_is_refused(header: str | None) -> None:
    world, users = world_with()
    headers = {} if header is None else {"authorization": header}
    answer = handle(world, NOON, "GET", f"/cdi/integrations/{users}/job_sync_status", "", headers)
    assert said(answer) == (401, "Invalid API key")
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)


def test_the_older_page_answers_an_unknown_key_with_404() -> None:
    world = small_world(Style(unknown_key_status=404))
    assert ask_list(world, key="wrong").status == 404


@pytest.mark.parametrize(
    ("permission", "status", "listing"), [("cdi.integration_job_status", 200, 403), ("cdi.integration_list", 403, 200)]
)
def test_a_key_may_have_one_permission_without_the_other(permission: str, status: int, listing: int) -> None:
    world, users = world_with()
    world.workspaces["production"].keys["second"] = frozenset({permission})
    assert (ask_status(world, users, key="second").status, ask_list(world, key="second").status) == (status, listing)
    assert (ask_status(world, users).status, ask_list(world).status) == (200, 200)


def test_a_refusal_names_the_permission_that_is_missing() -> None:
    world, users = world_with()
    world.switch("job_sync_status_permission_lost", "production")
    assert said(ask_status(world, users)) == (403, "The API key lacks the permission cdi.integration_job_status")


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_a_permission_can_be_lost_and_regained(endpoint: Endpoint) -> None:
    world, users = world_with()

    def statuses() -> dict[Endpoint, int]:
        return {each: ask(world, each.details.path.format(integration_id=users)).status for each in Endpoint}

    world.switch(f"{endpoint}_permission_lost", "production")
    assert statuses() == {each: 403 if each is endpoint else 200 for each in Endpoint}
    world.clear(f"{endpoint}_permission_lost", "production")
    assert set(statuses().values()) == {200}


def test_after_a_rotation_only_the_new_key_opens_the_workspace() -> None:
    world, users = world_with()
    assert ask_status(world, users).status == 200
    world.switch("key_rotated", "production")
    assert (ask_status(world, users).status, ask_status(world, users, key=f"{KEY}-rotated").status) == (401, 200)
    world.clear("key_rotated", "production")
    assert (ask_status(world, users).status, ask_status(world, users, key=f"{KEY}-rotated").status) == (200, 401)


def test_integrations_of_other_workspaces_are_unknown() -> None:
    world, users = world_with()
    world.add_workspace("staging")
    assert said(ask_status(world, users, key="key-of-staging")) == (404, "Integration not found")


@pytest.mark.parametrize(
    ("integration_id", "status", "message"),
    [
        ("00000000-0000-0000-0000-000000000000", 404, "Integration not found"),
        ("no%20id", 400, "Invalid integration ID"),
        ("..%2F..", 400, "Invalid integration ID"),
    ],
)
def test_unknown_and_malformed_ids_are_told_apart(integration_id: str, status: int, message: str) -> None:
    assert said(ask_status(small_world(), integration_id)) == (status, message)


def test_an_unknown_id_may_be_called_invalid() -> None:
    world = small_world(Style(unknown_integration_status=400))
    assert said(ask_status(world, "unknown")) == (400, "Invalid integration ID")


@pytest.mark.parametrize("path", ["/", "/cdi", "/cdi/integrations/", "/cdi/integrations/job_sync_status", "/metrics"])
def test_unknown_paths_are_not_found(path: str) -> None:
    assert said(ask(small_world(), path)) == (404, "Not found")


def test_only_get_is_answered() -> None:
    answer = handle(small_world(), NOON, "POST", "/cdi/integrations", "", {"authorization": f"Bearer {KEY}"})
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_every_answer_tells_the_limit_what_remains_and_when_the_window_ends() -> None:
    world, users = world_with()
    ends_at = str(int((NOON + MINUTE).timestamp()))
    assert limits_of(ask_status(world, users)) == ("100", "99", ends_at)
    assert limits_of(ask_status(world, "unknown")) == ("100", "98", ends_at)
    assert limits_of(ask_list(world)) == ("50", "49", ends_at)


def test_a_window_allows_its_limit_then_refuses_and_the_next_one_allows_again() -> None:
    world, users = world_with()
    late = NOON + 59 * SECOND
    assert {ask_status(world, users, now=late).status for _ in range(100)} == {200}
    refused = ask_status(world, users, now=late)
    assert said(refused) == (429, "Rate limit exceeded")
    assert limits_of(refused) == ("100", "0", str(int((NOON + MINUTE).timestamp())))
    assert ask_list(world, now=late).status == 200
    again = ask_status(world, users, now=NOON + MINUTE)
    assert (again.status, *limits_of(again)) == (200, "100", "99", str(int((NOON + 2 * MINUTE).timestamp())))


def test_limits_are_counted_apart_for_each_workspace() -> None:
    world = World(1, NOON)
    for name in ("production", "staging"):
        world.add_workspace(name, limits={Endpoint.INTEGRATIONS: 2})
    assert [ask_list(world).status for _ in range(3)] == [200, 200, 429]
    assert ask_list(world, key="key-of-staging").status == 200


@pytest.mark.parametrize(("problem", "left"), [("rate_limit_shared", 10), ("rate_limit_exhausted", 0)])
def test_other_programs_may_eat_the_budget(problem: str, left: int) -> None:
    world, users = world_with()
    world.switch(problem, "production")
    statuses = [ask_status(world, users).status for _ in range(20)]
    assert statuses == [200] * left + [429] * (20 - left)
    world.clear(problem, "production")
    assert ask_status(world, users, now=NOON + timedelta(minutes=1)).status == 200


def test_a_workspace_counts_the_requests_made_with_its_keys_by_endpoint_and_status() -> None:
    world, users = world_with()
    world.faults.add("http_500", times=1)
    for _ in range(3):
        ask_status(world, users)
    ask_list(world)
    ask_list(world, key="wrong")
    assert world.requests["production"] == {
        (Endpoint.JOB_SYNC_STATUS, 500): 1,
        (Endpoint.JOB_SYNC_STATUS, 200): 2,
        (Endpoint.INTEGRATIONS, 200): 1,
    }
