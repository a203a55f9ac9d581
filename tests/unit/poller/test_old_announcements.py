"""What the list said is shown as long as it can be believed: an announcement that nobody renews is not known."""

from exporter.simulator.schedule import every
from tests.polling import WORKSPACE, Polling, in_virtual_time


@in_virtual_time
async def test_an_announcement_goes_when_the_list_is_out_of_reach_for_as_long_as_values_stay(braze: Polling) -> None:
    users = braze.add("users", every(hours=6))
    braze.watch(configured=[users])
    await braze.passes(minutes=2)
    assert braze.value("next_scheduled_run_timestamp_seconds", users) is not None
    braze.world.switch("integrations_permission_lost", WORKSPACE)
    await braze.passes(minutes=5)
    assert braze.value("next_scheduled_run_timestamp_seconds", users) is not None
    await braze.passes(minutes=8)
    assert braze.value("next_scheduled_run_timestamp_seconds", users) is None
    assert braze.value("up", users) == 1


@in_virtual_time
async def test_a_run_that_was_announced_is_waited_for_even_then(braze: Polling) -> None:
    users = braze.add("users", every(hours=1))
    braze.watch(configured=[users])
    await braze.passes(minutes=2)
    announced = braze.value("expected_run_timestamp_seconds", users)
    braze.world.switch("silent_stop", users)
    braze.world.switch("integrations_permission_lost", WORKSPACE)
    await braze.passes(minutes=180)
    assert announced is not None
    assert braze.value("expected_run_timestamp_seconds", users) == announced
