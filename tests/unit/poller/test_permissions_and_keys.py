"""What a key may not do, or no longer, is said once, slows that workspace down, and is noticed when it ends."""

from pathlib import Path

import pytest

from exporter.config.keys import KeyFile
from exporter.domain.settings import PollSettings
from exporter.simulator.schedule import every
from exporter.simulator.style import Style
from exporter.simulator.workspace import PERMISSIONS
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time, poll_braze
from tests.snapshots import shown_views

NO_LIST, NO_STATUS = "integrations_permission_lost", "job_sync_status_permission_lost"


def complaints(braze: Polling) -> list[str]:
    return [line for line in braze.lines() if "level=warn" in line or "level=error" in line]


@in_virtual_time
async def test_without_the_permission_to_list_each_integration_is_polled_by_itself(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=10)) for n in range(20)]
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids, discovery=True)
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=20, seconds=30)
    assert {braze.requests(OWN, each) - before[each] for each in ids} <= {20, 21}
    assert all(braze.counted(each) == braze.finished(each) > 1 for each in ids)
    assert len(complaints(braze)) == 1
    assert "cdi.integration_list" in complaints(braze)[0]
    assert ["cdi.integration_list, or its IP allow list" in note for note in poller.notes()] == [True]
    assert braze.requests(LIST, within=1200) <= 20
    assert braze.value("exporter_discovery_last_success_timestamp_seconds") is None


@in_virtual_time
async def test_a_permission_that_comes_is_noticed_within_a_minute_and_own_requests_fall(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(20)]
    braze.add("to be found")
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids, discovery=True)
    await braze.passes(minutes=10)
    braze.world.clear(NO_LIST, WORKSPACE)
    await braze.passes(seconds=65)
    assert len(braze.names()) == 21
    assert poller.notes() == ()
    assert braze.lines()[-1].endswith('msg="the list of integrations can be read again" workspace=production')
    await braze.passes(minutes=2)
    before = braze.requests(OWN)
    await braze.passes(minutes=20)
    assert braze.requests(OWN) - before == 0


@in_virtual_time
async def test_a_permission_that_is_lost_takes_nothing_away_and_nothing_uncounted(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=5)) for n in range(20)]
    braze.watch(configured=ids[:5], discovery=True)
    await braze.passes(minutes=14)
    braze.world.switch(NO_LIST, WORKSPACE)
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=10, seconds=30)
    assert min(braze.requests(OWN, each) - before[each] for each in ids) >= 10
    assert len(braze.names()) == 20
    await braze.passes(minutes=1, seconds=30)
    assert all(braze.counted(each) == braze.finished(each) > 2 for each in ids)
    assert len(complaints(braze)) == 1


@in_virtual_time
async def test_a_list_that_fails_for_a_while_is_replaced_by_own_requests(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=5)) for n in range(20)]
    poller = braze.watch(discovery=True)
    await braze.passes(minutes=14)
    fault = braze.world.faults.add("html_502", endpoint=LIST)
    await braze.passes(minutes=20)
    assert all(braze.counted(each) == braze.finished(each) > 4 for each in ids)
    assert {braze.value("up", each) for each in ids} == {1}
    assert ["502" in note for note in poller.notes()] == [True]
    assert len(complaints(braze)) == 1
    assert braze.requests(LIST, within=600) <= 11
    braze.world.faults.remove(fault)
    await braze.passes(minutes=5)
    assert poller.notes() == ()
    assert braze.requests(OWN, within=60) == 0


@in_virtual_time
async def test_without_the_permission_for_status_the_list_shows_what_it_can_and_up_is_zero(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=5)) for n in range(8)]
    braze.watch(discovery=True)
    await braze.passes(minutes=14)
    braze.world.switch(NO_STATUS, WORKSPACE)
    await braze.passes(minutes=9)
    assert {braze.value("up", each) for each in ids} == {0}
    assert {view.failure and view.failure.reason for view in shown_views(braze.page)} == {"forbidden"}
    assert (braze.value("exporter_poll_failures_total", reason="forbidden") or 0) >= 3
    assert braze.value("integration_status", ids[0]) == 1
    assert braze.requests(OWN, within=300) <= 6
    assert braze.requests(LIST, within=300) >= 4
    assert len(complaints(braze)) == 1
    braze.world.clear(NO_STATUS, WORKSPACE)
    await braze.passes(minutes=3, seconds=30)
    assert {braze.value("up", each) for each in ids} == {1}
    assert all(braze.counted(each) == braze.finished(each) > 3 for each in ids)


@in_virtual_time
async def test_a_key_without_any_permission_asks_once_a_minute_for_each(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    braze.world.switch(NO_STATUS, WORKSPACE)
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids, discovery=True)
    await braze.passes(minutes=5)
    assert braze.requests(OWN, within=240) <= 5
    assert braze.requests(LIST, within=240) <= 5
    assert {braze.value("up", each) for each in ids} == {0}
    assert len(complaints(braze)) == 2


@pytest.mark.parametrize("interval", [15.0, 60.0, 300.0])
def test_an_unknown_key_does_not_hammer(interval: float) -> None:
    async def test(braze: Polling) -> None:
        ids = [braze.add(f"integration {n:02}") for n in range(30)]
        braze.world.switch("key_rotated", WORKSPACE)
        braze.watch(configured=ids, discovery=True, poll=PollSettings(interval_seconds=interval))
        await braze.passes(minutes=3)
        assert {braze.value("up", each) for each in ids} == {0}
        assert (braze.value("exporter_poll_failures_total", reason="auth") or 0) >= 3
        before = braze.requests(OWN) + braze.requests(LIST)
        await braze.passes(minutes=10)
        assert 1 <= braze.requests(OWN) + braze.requests(LIST) - before <= 11
        braze.world.clear("key_rotated", WORKSPACE)
        await braze.passes(minutes=2 + 2 * interval / 60)
        assert {braze.value("up", each) for each in ids} == {1}

    poll_braze(test)


@in_virtual_time
async def test_a_list_that_can_be_read_again_ends_a_denial_for_all(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=5)) for n in range(20)]
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.world.switch("key_rotated", WORKSPACE)
    await braze.passes(minutes=10)
    assert {braze.value("up", each) for each in ids} == {0}
    braze.world.clear("key_rotated", WORKSPACE)
    await braze.passes(minutes=1)
    assert {braze.value("up", each) for each in ids} == {1}


@in_virtual_time
async def test_an_integration_that_braze_does_not_know_does_not_hide_that_a_denial_has_ended(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(5)]
    ghosts = [f"ghost-{n}" for n in range(40)]
    braze.world.switch("integrations_permission_lost", WORKSPACE)
    braze.watch(configured=[*ghosts, *ids])
    await braze.passes(minutes=3)
    braze.world.switch("key_rotated", WORKSPACE)
    await braze.passes(minutes=3)
    assert {braze.value("up", each) for each in ids} == {0}
    braze.world.clear("key_rotated", WORKSPACE)
    await braze.passes(minutes=2)
    assert {braze.value("up", each) for each in ids} == {1}
    assert {braze.value("up", each) for each in ghosts} == {0}


@in_virtual_time
async def test_a_list_that_fails_does_not_hide_that_a_denial_has_ended(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    braze.watch(configured=ids)
    await braze.passes(minutes=3)
    braze.world.faults.add("http_503", endpoint=LIST)
    braze.world.switch("key_rotated", WORKSPACE)
    await braze.passes(minutes=10)
    assert {braze.value("up", each) for each in ids} == {0}
    assert braze.requests(OWN, within=300) <= 10
    braze.world.clear("key_rotated", WORKSPACE)
    await braze.passes(minutes=2, seconds=10)
    assert {braze.value("up", each) for each in ids} == {1}


def test_a_key_in_a_changed_file_is_used_at_the_next_request(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old\n")

    async def test(braze: Polling) -> None:
        home = braze.world.workspaces[WORKSPACE]
        home.keys.clear()
        home.keys["old"] = home.keys["new-key"] = frozenset(PERMISSIONS.values())
        users = braze.add("users", every(minutes=5))
        braze.watch(discovery=True, key=KeyFile(str(path)))
        await braze.passes(minutes=12)
        path.write_text("new-key\n")
        del home.keys["old"]
        await braze.passes(minutes=12)
        assert braze.value("up", users) == 1
        assert braze.counted(users) == braze.finished(users) > 3
        assert braze.value("exporter_poll_failures_total", reason="auth") == 0
        assert complaints(braze) == []

    poll_braze(test)


def test_a_key_that_was_rotated_before_its_file_is_taken_up_within_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"key-of-{WORKSPACE}\n")

    async def test(braze: Polling) -> None:
        ids = [braze.add(f"integration {n:02}", every(minutes=5)) for n in range(20)]
        braze.watch(discovery=True, key=KeyFile(str(path)))
        await braze.passes(minutes=12)
        braze.world.switch("key_rotated", WORKSPACE)
        await braze.passes(minutes=8)
        assert 0 in {braze.value("up", each) for each in ids}
        assert braze.requests(OWN, within=300) + braze.requests(LIST, within=300) <= 7
        path.write_text(f"key-of-{WORKSPACE}-rotated\n")
        await braze.passes(minutes=1)
        assert {braze.value("up", each) for each in ids} == {1}
        await braze.passes(minutes=1, seconds=50)
        assert all(braze.counted(each) == braze.finished(each) > 3 for each in ids)

    poll_braze(test)


def test_a_braze_that_answers_404_to_an_unknown_key_is_asked_no_more_often_than_usual() -> None:
    async def test(braze: Polling) -> None:
        ids = [braze.add(f"integration {n:02}") for n in range(10)]
        braze.world.switch("key_rotated", WORKSPACE)
        braze.watch(configured=ids, discovery=True)
        await braze.passes(minutes=13)
        assert braze.requests(OWN, within=600) <= 101
        assert braze.requests(LIST, within=600) <= 11

    poll_braze(test, style=Style(unknown_key_status=404))


@in_virtual_time
async def test_a_denied_workspace_disturbs_no_other(braze: Polling) -> None:
    braze.world.add_workspace("staging")
    braze.add("users")
    orders = braze.add("orders", every(minutes=5), workspace="staging")
    braze.world.switch("key_rotated", WORKSPACE)
    braze.watch(discovery=True)
    braze.watch("staging", discovery=True)
    await braze.passes(minutes=14)
    assert braze.value("up", orders) == 1
    assert braze.counted(orders) == braze.finished(orders) > 1
    assert braze.value("exporter_poll_failures_total", workspace="staging", reason="auth") == 0
