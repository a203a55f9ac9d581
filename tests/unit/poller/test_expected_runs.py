"""The run that no sync has met stays on the page: while Braze announces the next ones, and through restarts."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from exporter.domain.model import Integration
from exporter.simulator.schedule import ON_DEMAND, Schedule, ScheduleKind, every, on_arrival
from exporter.simulator.style import Style
from tests.polling import LIST, WORKSPACE, Polling, in_virtual_time, poll_braze

EXPECTED = "expected_run_timestamp_seconds"
NEXT = "next_scheduled_run_timestamp_seconds"
HOUR = 3600


def expecting(integration_id: str, seconds: float) -> Integration:
    return Integration(WORKSPACE, integration_id, "users", expected_interval_seconds=seconds)


@in_virtual_time
async def test_a_schedule_that_is_kept_has_its_next_run_expected(braze: Polling) -> None:
    users = braze.add("users", every(minutes=15, delay=(-20, 20)), history=timedelta(hours=3))
    braze.watch(discovery=True)
    for _ in range(100):
        await braze.passes(seconds=97)
        expected = braze.value(EXPECTED, users)
        assert expected is not None
        assert -130 < expected - braze.clock.now().timestamp() <= 900


@in_virtual_time
async def test_a_run_that_never_starts_stays_expected_while_braze_announces_the_next_ones(braze: Polling) -> None:
    users = braze.add("users", every(hours=1), history=timedelta(hours=3))
    braze.watch(discovery=True)
    await braze.passes(minutes=30)
    braze.world.switch("silent_stop", users)
    missed = braze.value(EXPECTED, users)
    await braze.passes(minutes=240)
    assert missed is not None
    assert braze.value(EXPECTED, users) == missed
    assert braze.value(NEXT, users) == missed + 4 * HOUR
    await braze.restart()
    braze.watch(discovery=True)
    assert braze.value(EXPECTED, users) == missed
    await braze.passes(minutes=120)
    assert braze.value(EXPECTED, users) == missed
    braze.world.clear("silent_stop", users)
    await braze.passes(minutes=60)
    assert braze.value(EXPECTED, users) == braze.value(NEXT, users) == missed + 7 * HOUR


@pytest.mark.parametrize("interval", [2 * HOUR, 24 * HOUR])
def test_a_missed_run_outlives_a_restart_whose_first_listing_fails(interval: float) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", every(hours=1), history=timedelta(hours=3))
        braze.watch(configured=[expecting(users, interval)])
        await braze.passes(minutes=30)
        braze.world.switch("silent_stop", users)
        missed = braze.value(EXPECTED, users)
        await braze.passes(minutes=120)
        assert braze.value(EXPECTED, users) == missed
        await braze.restart()
        braze.world.faults.add("hang", endpoint=LIST, times=1)
        braze.watch(configured=[expecting(users, interval)])
        await braze.passes(seconds=10)
        assert braze.value(EXPECTED, users) == missed

    poll_braze(test)


@in_virtual_time
async def test_the_expected_interval_counts_from_the_latest_start_where_nothing_is_announced(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    began = braze.world.now.timestamp()
    braze.watch(configured=[expecting(users, HOUR)])
    await braze.passes(minutes=180)
    assert braze.value(EXPECTED, users) == began + HOUR
    braze.sync(users)
    began = braze.world.now.timestamp()
    await braze.passes(minutes=2)
    assert braze.value(EXPECTED, users) == began + HOUR


@in_virtual_time
async def test_another_expected_interval_is_taken_up_after_a_restart_even_without_the_list(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    began = braze.world.now.timestamp()
    braze.world.switch("integrations_permission_lost", WORKSPACE)
    braze.watch(configured=[expecting(users, HOUR)])
    await braze.passes(minutes=90)
    assert braze.value(EXPECTED, users) == began + HOUR
    await braze.restart()
    braze.watch(configured=[expecting(users, 24 * HOUR)])
    await braze.passes(minutes=2)
    assert braze.value(EXPECTED, users) == began + 24 * HOUR


@pytest.mark.parametrize("schedule", [ON_DEMAND, on_arrival(timedelta(minutes=7))], ids=["on demand", "event-driven"])
def test_what_has_no_schedule_expects_nothing(schedule: Schedule) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", schedule, history=timedelta(0) if schedule is ON_DEMAND else timedelta(hours=1))
        braze.watch(discovery=True)
        await braze.passes(minutes=30)
        assert braze.value(EXPECTED, users) is None
        assert braze.value("up", users) == 1

    poll_braze(test)


@in_virtual_time
async def test_a_paused_integration_expects_nothing_and_goes_on_when_it_is_resumed(braze: Polling) -> None:
    users = braze.add("users", every(hours=1), history=timedelta(hours=3))
    braze.watch(configured=[expecting(users, HOUR)])
    await braze.passes(minutes=30)
    braze.world.switch("paused", users)
    await braze.passes(minutes=90)
    assert braze.value(EXPECTED, users) is None
    braze.world.clear("paused", users)
    await braze.passes(minutes=2)
    assert braze.value(EXPECTED, users) == braze.value(NEXT, users)


@pytest.mark.parametrize("fault", ["http_500", "http_403"])
def test_a_paused_integration_expects_nothing_after_a_restart_without_the_list(fault: str) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", every(hours=1), history=timedelta(hours=3))
        braze.watch(configured=[expecting(users, HOUR)])
        await braze.passes(minutes=30)
        braze.world.switch("paused", users)
        await braze.passes(minutes=90)
        braze.world.faults.add(fault, endpoint=LIST)
        await braze.passes(minutes=30)
        assert braze.value(EXPECTED, users) is None
        await braze.restart()
        braze.watch(configured=[expecting(users, HOUR)])
        await braze.passes(minutes=30)
        assert braze.value("up", users) == 1
        assert braze.value(EXPECTED, users) is None
        braze.world.faults.clear()
        braze.world.clear("paused", users)
        await braze.passes(minutes=70)
        assert braze.value(EXPECTED, users) == braze.value(NEXT, users)

    poll_braze(test)


def announce(braze: Polling, integration_id: str, *, schedule: bool) -> None:
    """Let Braze announce runs, or none; whether it then says null or nothing is a matter of style."""
    integration = braze.world.integrations[integration_id]
    integration.schedule = replace(
        integration.schedule, kind=ScheduleKind.SCHEDULED if schedule else ScheduleKind.ON_DEMAND
    )
    integration.version += 1


@pytest.mark.parametrize("fault", ["malformed_times", "numeric_times"])
@pytest.mark.parametrize("interval", [None, 24 * HOUR])
def test_a_missed_run_outlives_listings_that_cannot_be_read(fault: str, interval: float | None) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", every(hours=1), history=timedelta(hours=3))
        one = Integration(WORKSPACE, users, "users", expected_interval_seconds=interval)
        braze.watch(configured=[one])
        await braze.passes(minutes=30)
        braze.world.switch("silent_stop", users)
        missed = braze.value(EXPECTED, users)
        await braze.passes(minutes=45)
        odd = braze.world.faults.add(fault, endpoint=LIST)
        await braze.passes(minutes=5)
        assert braze.value(NEXT, users) is None
        assert braze.value(EXPECTED, users) == missed is not None
        await braze.restart()
        braze.watch(configured=[one])
        await braze.passes(minutes=5)
        assert braze.value(EXPECTED, users) == missed
        braze.world.faults.remove(odd)
        await braze.passes(minutes=5)
        assert braze.value(NEXT, users) is not None
        assert braze.value(EXPECTED, users) == missed

    poll_braze(test)


@pytest.mark.parametrize("unknown", ["null", "missing"])
@pytest.mark.parametrize("interval", [None, 24 * HOUR])
def test_a_missed_run_outlives_a_schedule_that_is_announced_no_more(
    unknown: Literal["null", "missing"], interval: float | None
) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", every(hours=1), history=timedelta(hours=3))
        one = Integration(WORKSPACE, users, "users", expected_interval_seconds=interval)
        braze.watch(configured=[one])
        await braze.passes(minutes=30)
        braze.world.switch("silent_stop", users)
        missed = braze.value(EXPECTED, users)
        await braze.passes(minutes=45)
        announce(braze, users, schedule=False)
        await braze.passes(minutes=5)
        assert braze.value(NEXT, users) is None
        assert braze.value(EXPECTED, users) == missed is not None
        await braze.restart()
        braze.watch(configured=[one])
        await braze.passes(minutes=5)
        assert braze.value(EXPECTED, users) == missed
        braze.sync(users)
        began = braze.clock.now().timestamp()
        await braze.passes(minutes=3)
        after = braze.value(EXPECTED, users)
        assert after is None if interval is None else after == pytest.approx(began + interval, abs=1)

    poll_braze(test, style=Style(unknown=unknown))


@in_virtual_time
async def test_an_announcement_may_be_taken_back_before_the_run_is_due(braze: Polling) -> None:
    users = braze.add("users", every(hours=1), history=timedelta(hours=3))
    braze.watch(discovery=True)
    await braze.passes(minutes=30)
    assert braze.value(EXPECTED, users) is not None
    announce(braze, users, schedule=False)
    await braze.passes(minutes=3)
    assert braze.value(EXPECTED, users) is None


@in_virtual_time
async def test_a_derived_run_that_is_overdue_gives_way_to_another_expected_interval(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    began = braze.world.now.timestamp()
    braze.watch(configured=[expecting(users, HOUR)])
    await braze.passes(minutes=90)
    assert braze.value(EXPECTED, users) == began + HOUR
    await braze.restart()
    braze.watch(configured=[expecting(users, 24 * HOUR)])
    await braze.passes(minutes=2)
    assert braze.value(EXPECTED, users) == began + 24 * HOUR
