"""Which integrations are watched: those of the file and those that Braze's list shows, each once, under one name."""

import pytest

from exporter.domain.discovery import NameFilter
from exporter.domain.expression import Expression
from exporter.domain.model import Integration
from exporter.simulator.schedule import every
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time, poll_braze


@in_virtual_time
async def test_what_the_list_shows_is_watched(braze: Polling) -> None:
    users = braze.add("users", every(minutes=15))
    orders = braze.add("orders")
    braze.watch(discovery=True)
    await braze.passes(minutes=1)
    assert braze.names() == ["orders", "users"]
    assert braze.value("up", users) == 1
    assert braze.value("up", orders) == 1
    assert braze.value("exporter_integrations", source="discovery") == 2
    assert braze.value("exporter_integrations", source="config") == 0
    info = braze.values(
        "integration_info", integration_id=users, integration_type="snowflake", warehouse_type="snowflake"
    )
    assert len(info) == 1
    assert braze.value("integration_status", users, integration_status="active") == 1
    assert braze.value("next_scheduled_run_timestamp_seconds", users) is not None
    assert braze.value("next_scheduled_run_timestamp_seconds", orders) is None
    assert braze.value("exporter_discovery_last_success_timestamp_seconds") is not None


@in_virtual_time
async def test_what_comes_later_is_found_within_an_interval_and_counted_from_then_on(braze: Polling) -> None:
    braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=5)
    orders = braze.add("orders")
    await braze.passes(seconds=70)
    assert braze.value("syncs_total", orders, status="success") == 0
    braze.sync(orders)
    await braze.passes(seconds=70)
    assert braze.value("syncs_total", orders, status="success") == 1


@in_virtual_time
async def test_without_discovery_only_the_file_counts_and_the_list_still_describes_it(braze: Polling) -> None:
    users = braze.add("users", every(minutes=15))
    braze.add("orders")
    braze.watch(configured=[users])
    await braze.passes(minutes=2)
    assert braze.names() == ["users"]
    assert braze.value("integration_status", users) == 1


@in_virtual_time
async def test_only_names_that_the_filter_takes_are_watched(braze: Polling) -> None:
    for name in ("prod users", "prod test", "staging users"):
        braze.add(name)
    names = NameFilter((Expression("^prod"),), (Expression("test"),))
    braze.watch(discovery=True, names=names)
    await braze.passes(minutes=2)
    assert braze.names() == ["prod users"]


@in_virtual_time
async def test_the_filter_says_nothing_about_the_file(braze: Polling) -> None:
    test = braze.add("test users")
    braze.watch(configured=[test], discovery=True, names=NameFilter(exclude=(Expression("test"),)))
    await braze.passes(minutes=3)
    assert braze.names() == ["test users"]
    assert braze.value("up", test) == 1


@in_virtual_time
async def test_the_same_id_in_file_and_list_is_one_integration_as_the_file_has_it(braze: Polling) -> None:
    users = braze.add("Users (EU)")
    braze.sync(users)
    began = braze.world.now.timestamp()
    in_file = Integration(WORKSPACE, users, "users", labels=(("team", "crm"),), expected_interval_seconds=3600)
    braze.watch(configured=[in_file], discovery=True)
    await braze.passes(minutes=3)
    assert braze.names() == ["users"]
    assert braze.value("integration_info", users, team="crm", warehouse_type="snowflake") == 1
    assert braze.value("expected_run_timestamp_seconds", users) == began + 3600
    assert braze.value("exporter_integrations", source="config") == 1
    assert braze.value("exporter_integrations", source="discovery") == 0


@in_virtual_time
async def test_a_renamed_integration_leaves_no_series_under_its_old_name(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5))
    braze.watch(discovery=True)
    await braze.passes(minutes=11)
    braze.world.rename_integration(users, "people")
    await braze.passes(minutes=2)
    names = {dict(labels).get("integration_name") for _, labels in braze.series()} - {None}
    assert names == {"people"}
    assert (braze.value("syncs_total", users, status="success") or 0) >= 1


@in_virtual_time
async def test_a_configured_name_stays_when_braze_renames(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[Integration(WORKSPACE, users, "mine")], discovery=True)
    await braze.passes(minutes=2)
    braze.world.rename_integration(users, "people")
    await braze.passes(minutes=2)
    assert braze.names() == ["mine"]


@in_virtual_time
async def test_one_that_is_renamed_out_of_the_filter_leaves_and_comes_back(braze: Polling) -> None:
    users = braze.add("prod users")
    braze.watch(discovery=True, names=NameFilter((Expression("^prod"),)))
    await braze.passes(minutes=2)
    braze.world.rename_integration(users, "old users")
    await braze.passes(minutes=2)
    assert braze.shown(users) == {"braze_cdi_integration_info", "braze_cdi_problem"}
    assert braze.problems(users) == {("gone", "warning")}
    braze.world.rename_integration(users, "prod users")
    await braze.passes(minutes=2)
    assert braze.names() == ["prod users"]


@in_virtual_time
async def test_a_record_that_has_lost_its_name_for_once_changes_nothing(braze: Polling) -> None:
    users = braze.add("prod users")
    braze.watch(discovery=True, names=NameFilter((Expression("^prod"),)))
    await braze.passes(minutes=2.5)
    braze.world.rename_integration(users, "")
    for _ in range(5):
        await braze.passes(seconds=15)
        assert braze.names() == ["prod users"]
    braze.world.rename_integration(users, "prod users")
    await braze.passes(seconds=60)
    assert braze.names() == ["prod users"]


@in_virtual_time
async def test_a_name_that_the_list_has_lost_is_known_after_a_restart(braze: Polling) -> None:
    users = braze.add("prod users", every(minutes=5))
    names = NameFilter((Expression("^prod"),))
    braze.watch(discovery=True, names=names)
    await braze.passes(minutes=2.5)
    braze.world.rename_integration(users, "")
    await braze.passes(minutes=12)
    await braze.restart()
    braze.watch(discovery=True, names=names)
    assert braze.names() == ["prod users"]
    await braze.passes(minutes=5)
    assert braze.names() == ["prod users"]


@in_virtual_time
async def test_one_that_is_removed_is_gone_after_two_listings_have_missed_it(braze: Polling) -> None:
    users = braze.add("users")
    braze.add("orders")
    braze.watch(discovery=True)
    await braze.passes(minutes=2.5)
    braze.world.remove_integration(users)
    await braze.passes(seconds=65)
    assert braze.names() == ["orders", "users"]
    await braze.passes(seconds=65)
    assert braze.shown(users) == {"braze_cdi_integration_info", "braze_cdi_problem"}
    assert braze.problems(users) == {("gone", "warning")}
    assert braze.value("exporter_integrations", source="discovery") == 1
    own = braze.requests(OWN, users)
    await braze.passes(minutes=30)
    assert braze.requests(OWN, users) == own


@in_virtual_time
async def test_a_list_that_is_empty_once_takes_nothing_off_the_page(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(25)]
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    for _ in range(5):
        braze.world.faults.add("empty_results", endpoint=LIST, times=1)
        for _ in range(6):
            await braze.passes(seconds=20)
            assert len(braze.names()) == len(ids)


@in_virtual_time
async def test_a_page_that_fails_for_long_takes_nothing_off_the_page(braze: Polling) -> None:
    for n in range(25):
        braze.add(f"integration {n:02}")
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    for fault in ("http_500", "html_502", "cut_json", "results_null", "hang", "link_garbage"):
        page = 0 if fault == "link_garbage" else 1  # the one that keeps the pages after it from being read
        struck = braze.world.faults.add(fault, endpoint=LIST, page=page)
        await braze.passes(minutes=5)
        braze.world.faults.remove(struck)
        assert len(braze.names()) == 25, fault
        await braze.passes(minutes=3)


@in_virtual_time
async def test_a_list_that_shifts_while_it_is_read_takes_nothing_off_the_page(braze: Polling) -> None:
    """Something before the page border is removed between two pages, so that one record is on neither."""
    ids = [braze.add(f"integration {n:02}") for n in range(25)]
    braze.watch(discovery=True)
    await braze.passes(minutes=2.5)
    for _ in range(4):
        braze.unlist(ids[10])
        await braze.passes(seconds=60)
        braze.relist(ids[10], 10)
        await braze.passes(seconds=60)
        assert len(braze.names()) == 25


@in_virtual_time
async def test_a_configured_integration_that_the_list_does_not_show_is_polled_by_itself(braze: Polling) -> None:
    users, orders = braze.add("users", every(minutes=5)), braze.add("orders")
    braze.watch(configured=[users, orders], discovery=True)
    await braze.passes(minutes=10)
    braze.unlist(users)
    await braze.passes(minutes=5)
    before = braze.requests(OWN, users)
    await braze.passes(minutes=9)
    assert 8 <= braze.requests(OWN, users) - before <= 10
    assert braze.value("up", users) == 1
    assert braze.value("integration_status", users) is None
    assert braze.counted(users) == braze.finished(users) > 3


@in_virtual_time
async def test_one_that_returns_goes_on_where_it_was(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5))
    braze.watch(discovery=True)
    await braze.passes(minutes=24)
    assert braze.counted(users) == braze.finished(users) > 3
    braze.unlist(users)
    await braze.passes(minutes=10)
    assert braze.problems(users) == {("gone", "warning")}
    assert braze.requests(OWN, users, within=300) == 0
    braze.relist(users)
    await braze.passes(seconds=70)
    assert braze.problems(users) == set()
    assert braze.counted(users) == braze.finished(users)


@in_virtual_time
async def test_one_that_left_the_file_and_is_still_discovered_is_as_braze_has_it(braze: Polling) -> None:
    """After a reload that takes it out of the file."""
    users = braze.add("Users (EU)")
    in_file = Integration(WORKSPACE, users, "users", labels=(("team", "crm"),), expected_interval_seconds=3600)
    before = braze.watch(configured=[in_file], discovery=True)
    await braze.passes(minutes=2)
    braze.sync(users)
    await braze.passes(minutes=2)
    await braze.stop()
    braze.watch(discovery=True, carried=before.states)
    await braze.passes(minutes=2)
    assert braze.names() == ["Users (EU)"]
    assert braze.values("integration_info", team="crm") == {}
    assert braze.value("expected_run_timestamp_seconds", users) is None
    assert braze.value("syncs_total", users, status="success") == 1


@in_virtual_time
async def test_what_the_key_sees_and_nobody_watches_is_counted_and_named(braze: Polling) -> None:
    users = braze.add("users")
    braze.add("orders")
    poller = braze.watch(configured=[users])
    await braze.passes(minutes=3)
    assert braze.value("exporter_unwatched_integrations") == 1
    assert poller.notes() == ("Integrations that the key sees and nobody watches: 1 (orders).",)
    await braze.restart()
    poller = braze.watch(configured=[users], discovery=True)
    await braze.passes(minutes=3)
    assert braze.value("exporter_unwatched_integrations") == 0
    assert poller.notes() == ()


@in_virtual_time
async def test_a_configured_integration_that_was_replaced_names_the_new_id(braze: Polling) -> None:
    old = braze.add("users")
    braze.sync(old)
    poller = braze.watch(configured=[old])
    await braze.passes(minutes=3)
    braze.world.remove_integration(old)
    new = braze.world.add_integration(WORKSPACE, "users", integration_id="the-new-one")
    await braze.passes(minutes=5)
    (problem,) = poller.views[0].problems
    assert problem.kind == "gone"
    assert f"Another of this name has the id {new}" in problem.text
    assert {dict(labels)["integration_id"] for _, labels in braze.values("up")} == {old}
    braze.world.rename_integration(new, "orders")
    await braze.passes(minutes=65)
    assert "Another of this name" not in poller.views[0].problems[0].text


@in_virtual_time
async def test_how_many_nobody_watches_is_not_known_while_the_list_cannot_be_read(braze: Polling) -> None:
    users = braze.add("users")
    braze.add("orders")
    poller = braze.watch(configured=[users])
    await braze.passes(minutes=2)
    assert braze.value("exporter_unwatched_integrations") == 1
    assert any("orders" in note for note in poller.notes())
    braze.world.workspaces[WORKSPACE].problems.add("integrations_permission_lost")
    await braze.passes(minutes=10)
    assert braze.value("exporter_unwatched_integrations") is None
    assert not any("orders" in note for note in poller.notes())
    braze.world.workspaces[WORKSPACE].problems.clear()
    await braze.passes(minutes=30)
    assert braze.value("exporter_unwatched_integrations") == 1


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("by", ["file", "discovery"])
def test_what_was_taken_out_before_is_not_gone_when_discovery_comes(restarted: bool, by: str) -> None:
    async def check(braze: Polling) -> None:
        users, orders = braze.add("users", every(minutes=5)), braze.add("orders", every(minutes=5))
        first = braze.watch(configured=() if by == "discovery" else [users, orders], discovery=by == "discovery")
        await braze.passes(minutes=22)
        assert braze.problems(orders) == set()
        counted = braze.counted(orders)
        await (braze.restart() if restarted else braze.stop())
        second = braze.watch(configured=[users], carried=None if restarted else first.states)
        await braze.passes(minutes=7)
        braze.unlist(orders)
        await braze.passes(minutes=7)
        await braze.restart()
        braze.watch(discovery=True, carried=None if restarted else second.states)
        for _ in range(10):
            await braze.passes(minutes=1)
            assert braze.problems(orders) == set()
            assert braze.names() in ([], ["users"])
        braze.relist(orders)
        await braze.passes(minutes=2)
        assert braze.names() == ["orders", "users"]
        assert braze.problems(orders) == set()
        assert braze.counted(orders) == braze.finished(orders) > counted

    poll_braze(check)
