"""What the list has reported stays known: through a restart, a list that cannot be read, and a change in Braze."""

from datetime import timedelta

from exporter.domain.discovery import NameFilter
from exporter.domain.expression import Expression
from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings
from exporter.simulator.schedule import every
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time

SELDOM = PollSettings(interval_seconds=3600, stale_after_seconds=3 * 3600)
"""For tests of days."""
NO_LIST, NO_STATUS = "integrations_permission_lost", "job_sync_status_permission_lost"


@in_virtual_time
async def test_a_run_whose_slot_came_while_the_sync_before_it_ran_was_met(braze: Polling) -> None:
    """An hourly run of 75 minutes: Braze passes over the slot."""
    users = braze.add("users", every(hours=1), history=timedelta(hours=5))
    braze.watch(discovery=True)
    await braze.passes(minutes=10)
    braze.world.switch("never_finishes", users)
    await braze.passes(minutes=110)
    running_since = braze.value("last_sync_start_timestamp_seconds", users) or 0
    assert braze.clock.now().timestamp() - running_since >= 3600
    braze.world.clear("never_finishes", users)
    for _ in range(30):
        await braze.passes(minutes=1)
        assert braze.problems(users) == set()
        expected = braze.value("expected_run_timestamp_seconds", users)
        assert expected is None or expected >= braze.clock.now().timestamp() - 60


@in_virtual_time
async def test_with_an_expected_interval_one_that_has_never_synced_is_late(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[Integration(WORKSPACE, users, "users", expected_interval_seconds=3600)])
    began = braze.clock.now().timestamp()
    await braze.passes(minutes=70)
    assert braze.problems(users) == set()
    assert abs((braze.value("start_deadline_timestamp_seconds", users) or 0) - began - 3600 - 900) < 60
    await braze.passes(minutes=8)
    assert braze.problems(users) == {("never_synced", "warning")}


@in_virtual_time
async def test_one_without_any_expectation_has_never_synced_after_a_day(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=SELDOM)
    await braze.passes(minutes=60 * 23)
    assert braze.problems(users) == set()
    await braze.passes(minutes=125)
    assert braze.problems(users) == {("never_synced", "warning")}


@in_virtual_time
async def test_a_paused_one_with_a_failing_streak_stays_paused_while_the_list_cannot_be_read(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5), history=timedelta(hours=2))
    braze.world.switch("error", users)
    braze.watch(configured=[users])
    await braze.passes(minutes=20)
    assert braze.problems(users) == {("failing", "critical")}
    braze.world.switch("paused", users)
    await braze.passes(minutes=3)
    assert braze.problems(users) == {("paused", "warning")}
    await braze.restart()
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=[users])
    assert braze.problems(users) == {("paused", "warning")}
    await braze.passes(minutes=30)
    assert braze.problems(users) == {("paused", "warning")}


@in_virtual_time
async def test_one_that_was_paused_at_first_sight_is_information_until_a_sync_starts(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5), history=timedelta(hours=2))
    braze.world.switch("paused", users)
    braze.watch(configured=[users])
    await braze.passes(minutes=3)
    assert braze.problems(users) == {("paused", "info")}
    braze.sync(users, word="error")
    await braze.passes(minutes=2)
    assert braze.problems(users) == {("failed", "warning")}


@in_virtual_time
async def test_one_that_loses_its_schedule_is_unscheduled_and_not_overdue(braze: Polling) -> None:
    """A run that was missed before does not stay overdue until the next sync."""
    users = braze.add("users", every(minutes=30), history=timedelta(hours=3))
    braze.watch(discovery=True)
    await braze.passes(minutes=10)
    braze.world.switch("silent_stop", users)
    await braze.passes(minutes=60)
    assert braze.problems(users) == {("overdue", "critical")}
    braze.world.switch("unscheduled", users)
    await braze.passes(minutes=3)
    assert braze.problems(users) == {("unscheduled", "warning")}
    await braze.passes(minutes=90)
    assert braze.problems(users) == {("unscheduled", "warning")}
    assert braze.value("expected_run_timestamp_seconds", users) is None


@in_virtual_time
async def test_a_configured_one_that_was_deleted_is_gone_and_asked_once_an_hour(braze: Polling) -> None:
    users, orders = braze.add("users"), braze.add("orders")
    braze.watch(configured=[users, orders])
    await braze.passes(minutes=5)
    braze.world.remove_integration(users)
    await braze.passes(minutes=90)
    assert braze.problems(users) == {("gone", "warning")}
    assert braze.value("up", users) == 0
    await braze.passes(minutes=180)
    assert 2 <= braze.requests(OWN, users, within=180 * 60) <= 4
    assert braze.problems(users) == {("gone", "warning")}
    assert braze.problems(orders) == set()


@in_virtual_time
async def test_a_configured_one_that_braze_never_knew_is_not_gone(braze: Polling) -> None:
    braze.add("orders")
    braze.watch(configured=["no-such-id"])
    await braze.passes(minutes=30)
    assert braze.problems("no-such-id") == {("stale", "critical")}


@in_virtual_time
async def test_gone_outlives_a_restart_and_ends_after_thirty_days(braze: Polling) -> None:
    users = braze.add("users")
    braze.add("orders")
    braze.watch(discovery=True, poll=SELDOM)
    await braze.passes(minutes=130)
    braze.world.remove_integration(users)
    await braze.passes(minutes=190)
    assert braze.problems(users) == {("gone", "warning")}
    await braze.restart()
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(discovery=True, poll=SELDOM)
    await braze.passes(minutes=130)
    assert braze.problems(users) == {("gone", "warning")}
    braze.world.clear(NO_LIST, WORKSPACE)
    await braze.passes(minutes=60 * 24 * 4)
    assert braze.problems(users) == {("gone", "info")}
    await braze.passes(minutes=60 * 24 * 27)
    assert braze.shown(users) == set()
    assert users not in braze.store.load(WORKSPACE)


@in_virtual_time
async def test_one_that_the_configuration_no_longer_lets_through_is_not_gone(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    await braze.restart()
    braze.watch(discovery=True, names=NameFilter(exclude=(Expression("users"),)))
    await braze.passes(minutes=3)
    assert braze.shown(users) == set()


@in_virtual_time
async def test_before_its_own_endpoint_has_answered_the_list_shows_the_latest_sync(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5), history=timedelta(hours=2))
    braze.world.switch(NO_STATUS, WORKSPACE)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    assert braze.value("up", users) == 0
    assert braze.value("last_sync_status", users, status="success") == 1
    start = braze.world.truth(users)[-1].sync_start_time.timestamp()
    assert braze.value("last_sync_start_timestamp_seconds", users) == start
    assert braze.value("last_timestamp_synced_seconds", users) is not None
    assert braze.value("syncs_total", users, status="success") is None


@in_virtual_time
async def test_quiet_integrations_say_within_two_intervals_that_their_endpoint_is_forbidden(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(12)]
    for each in ids:
        braze.sync(each)
    braze.watch(discovery=True, poll=PollSettings(verify_after_seconds=600))
    await braze.passes(minutes=5)
    braze.world.switch(NO_STATUS, WORKSPACE)
    before = len([asked for asked in braze.asked if asked.endpoint is OWN])
    for _ in range(40):
        await braze.passes(seconds=30)
        if len([asked for asked in braze.asked if asked.endpoint is OWN]) > before:
            break
    await braze.passes(minutes=2)
    assert {braze.value("up", each) for each in ids} == {0}
    assert {kind for each in ids for kind in braze.problems(each)} == {("poll_failing", "warning")}


@in_virtual_time
async def test_what_is_not_sent_while_a_key_is_refused_costs_nothing_of_the_budget(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(100)]
    braze.watch(configured=ids)
    await braze.passes(minutes=10)
    braze.world.switch("key_rotated", WORKSPACE)
    await braze.passes(minutes=3)
    throttled = braze.value("exporter_throttled_seconds_total", endpoint=OWN) or 0
    await braze.passes(minutes=20)
    assert (braze.value("exporter_throttled_seconds_total", endpoint=OWN) or 0) - throttled < 5
    assert 15 <= braze.requests(OWN, within=1200) + braze.requests(LIST, within=1200) <= 45
    braze.world.clear("key_rotated", WORKSPACE)
    await braze.passes(seconds=62)
    recovered = 62
    while set(braze.values("up").values()) != {1} and recovered < 300:
        await braze.passes(seconds=10)
        recovered += 10
    assert recovered <= 62 + 80


@in_virtual_time
async def test_a_page_that_withdraws_an_integration_whose_poll_is_due_is_no_defect(braze: Polling) -> None:
    ids = [braze.add(f"prod {n:02}") for n in range(30)]
    poller = braze.watch(discovery=True, names=NameFilter((Expression("^prod"),)))
    await braze.passes(minutes=3)
    await poller.poll("withdrawn-before-its-turn", True)
    for each in ids:
        braze.world.rename_integration(each, "other")
    await braze.passes(minutes=65)
    assert not [line for line in braze.lines() if "crashed" in line]
    assert {kind for each in ids for kind in braze.problems(each)} == {("gone", "warning")}


@in_virtual_time
async def test_what_was_wrong_stays_wrong_while_nothing_can_be_seen_and_after_a_restart(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5), history=timedelta(hours=2))
    braze.world.switch("error", users)
    braze.watch(configured=[Integration(WORKSPACE, users, "users", limits=LimitSettings({"failed_syncs": 2.0}))])
    await braze.passes(minutes=30)
    assert braze.problems(users) == {("failing", "critical")}
    braze.world.switch("key_rotated", WORKSPACE)
    await braze.passes(minutes=3)
    assert braze.problems(users) == {("failing", "critical"), ("poll_failing", "warning")}
    await braze.passes(minutes=10)
    assert braze.problems(users) == {("failing", "critical"), ("stale", "critical")}
    await braze.restart()
    braze.watch(configured=[Integration(WORKSPACE, users, "users", limits=LimitSettings({"failed_syncs": 2.0}))])
    assert braze.problems(users) == {("failing", "critical"), ("stale", "critical")}


@in_virtual_time
async def test_a_reload_hides_nothing_until_the_list_is_read_again(braze: Polling) -> None:
    users = braze.add("users", every(minutes=30))
    before = braze.watch(configured=[users], discovery=True)
    await braze.passes(minutes=3)
    shown = braze.shown(users)
    assert "braze_cdi_next_scheduled_run_timestamp_seconds" in shown
    braze.world.switch(NO_LIST, WORKSPACE)
    await braze.stop()
    braze.watch(configured=[users], discovery=True, carried=before.states)
    assert braze.shown(users) == shown
    await braze.passes(minutes=3)
    assert braze.shown(users) == shown
    await braze.passes(minutes=12)
    assert braze.shown(users) < shown
