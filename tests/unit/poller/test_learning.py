"""What the daemon learns while it polls, and what it makes of it: in virtual time, with a past that is on disk."""

from datetime import timedelta
from typing import Any

import pytest

from exporter.domain.learned import Learned, learn_past
from exporter.domain.limits import Keyword, LimitSettings, Setting
from exporter.domain.model import Integration
from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import every
from exporter.state.pasts import Progress
from tests.polling import WORKSPACE, Polling, in_virtual_time

HISTORY = timedelta(days=60)
STEADY = Scale(seconds=(60, 90), rows=(900, 1100))


def add(braze: Polling, minutes: int = 60) -> str:
    """Add an integration with a regular past, and put that on disk."""
    users = braze.add("users", every(minutes=minutes), history=HISTORY, scale=STEADY)
    assert braze.finished(users) > 1000
    syncs = [sync for sync in braze.world.integrations[users].syncs if sync.finished]
    braze.store.add_to_past(WORKSPACE, users, syncs, Progress(done=True))
    return users


def configured(users: str, **limits: Setting) -> list[Integration]:
    return [Integration(WORKSPACE, users, users, limits=LimitSettings(limits))]


@in_virtual_time
async def test_limits_are_learned_from_the_past(braze: Polling) -> None:
    users = add(braze)
    braze.watch(configured=[users], history=HISTORY)
    await braze.passes(minutes=2)
    learned = braze.value("learned_syncs", users)
    assert learned is not None
    assert learned > 1400
    assert 60 <= (braze.value("usual_sync_duration_seconds", users) or 0) <= 90
    assert 950 <= (braze.value("usual_rows_synced", users) or 0) <= 1050
    assert 100 < (braze.value("rows_synced_lower_limit", users) or 0) < 900
    assert 1100 < (braze.value("rows_synced_upper_limit", users) or 0) < 5000
    assert 90 < (braze.value("sync_duration_limit_seconds", users) or 0) < 6 * 3600
    assert braze.value("last_timestamp_synced_lag_limit_seconds", users) is not None
    assert braze.value("success_age_limit_seconds", users) is not None
    assert braze.value("start_deadline_timestamp_seconds", users) is not None
    assert braze.problems(users) == set()


@in_virtual_time
async def test_once_its_history_has_been_read_limits_rest_on_all_of_it(braze: Polling) -> None:
    users = braze.add("users", every(minutes=60), history=HISTORY, scale=STEADY)
    braze.watch(configured=[users], history=timedelta(days=31))
    for _ in range(40):
        await braze.passes(minutes=2)
        if braze.value("exporter_history_read_ratio", workspace=WORKSPACE) == 1.0:
            break
    await braze.passes(minutes=2)
    assert (braze.value("learned_syncs", users) or 0) >= 31 * 24 - 7  # without those since limits were due


@in_virtual_time
async def test_limits_that_rest_on_a_small_part_of_the_past_are_not_learned_again_after_each_sync(
    braze: Polling,
) -> None:
    """What is older than the history asked for is kept, but not learned from."""
    users, times = add(braze), []

    def counted(*args: Any, **kwargs: Any) -> Learned:
        times.append(braze.clock.now())
        return learn_past(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("exporter.poller.learning.learn_past", counted)
        braze.watch(configured=[users], history=timedelta(days=20))
        await braze.passes(minutes=12 * 60 + 5)
    assert 0 < (braze.value("learned_syncs", users) or 0) < 500
    assert 2 <= len(times) <= 4, times  # every six hours


@in_virtual_time
async def test_without_history_nothing_is_learned(braze: Polling) -> None:
    users = add(braze)
    braze.watch(configured=[users], history=timedelta(0))
    await braze.passes(minutes=2)
    assert braze.value("learned_syncs", users) is None
    assert braze.value("rows_synced_lower_limit", users) is None
    assert braze.value("sync_duration_limit_seconds", users) == 6 * 3600


@in_virtual_time
async def test_a_tenth_of_the_rows_is_a_problem_until_rows_are_as_usual(braze: Polling) -> None:
    users = add(braze)
    braze.watch(configured=[users], history=HISTORY)
    await braze.passes(minutes=10)
    braze.world.switch("few_rows", users)
    await braze.passes(minutes=13 * 60)
    assert {kind for kind, _ in braze.problems(users)} == {"rows_low"}
    braze.world.clear("few_rows", users)
    await braze.passes(minutes=6 * 60)
    assert braze.problems(users) == set()


@in_virtual_time
async def test_after_a_restart_the_verdict_is_there_at_once(braze: Polling) -> None:
    users = add(braze)
    braze.watch(configured=[users], history=HISTORY)
    await braze.passes(minutes=10)
    braze.world.switch("few_rows", users)
    await braze.passes(minutes=13 * 60)
    before = braze.series()
    await braze.restart()
    braze.watch(configured=[users], history=HISTORY)
    assert {kind for kind, _ in braze.problems(users)} == {"rows_low"}
    names = ("braze_cdi_rows_synced_lower_limit", "braze_cdi_usual_sync_duration_seconds", "braze_cdi_learned_syncs")
    then = braze.series()
    for series in (series for series in before if series[0] in names):
        assert abs(then[series] / before[series] - 1) < 1e-5


@in_virtual_time
async def test_nothing_stays_of_what_was_learned_of_one_that_is_no_longer_watched(braze: Polling) -> None:
    users = add(braze)
    braze.watch(configured=[users], history=HISTORY)
    await braze.passes(minutes=10)
    await braze.restart()
    shell = braze.watch(configured=[users], history=HISTORY)._shell  # in place of a month of being gone
    one = shell.get(users)
    assert one is not None
    assert one.watch.learned.normal.learned_syncs > 1000
    shell.withdraw(one)
    assert shell.learner.restore(one.watch.integration, None) == Learned()


@in_virtual_time
async def test_a_schedule_that_stops_without_an_announcement_is_overdue(braze: Polling) -> None:
    """The key may not list integrations: only the rhythm tells that a sync is late."""
    users = add(braze)
    braze.world.switch("integrations_permission_lost", WORKSPACE)
    braze.watch(configured=[users], history=HISTORY)
    await braze.passes(minutes=10)
    braze.world.switch("silent_stop", users)
    await braze.passes(minutes=61)
    assert braze.problems(users) == set()
    await braze.passes(minutes=90)
    assert braze.problems(users) == {("overdue", "critical")}
    assert braze.value("expected_run_timestamp_seconds", users) is None


@in_virtual_time
async def test_what_is_configured_or_off_holds_against_what_was_learned(braze: Polling) -> None:
    users = add(braze)
    limits: dict[str, Setting] = {
        "sync_duration": 60.0,
        "rows_synced": Keyword.OFF,
        "success_age": 86400.0,
        "start_delay": Keyword.OFF,
    }
    braze.watch(configured=configured(users, **limits), history=HISTORY)
    await braze.passes(minutes=10)
    assert braze.value("sync_duration_limit_seconds", users) == 60
    assert braze.value("success_age_limit_seconds", users) == 86400
    assert braze.value("rows_synced_lower_limit", users) is None
    assert braze.value("rows_synced_upper_limit", users) is None
    assert braze.value("start_deadline_timestamp_seconds", users) is None
    braze.world.switch("few_rows", users)
    await braze.passes(minutes=13 * 60)
    assert braze.problems(users) == set()


@in_virtual_time
async def test_syncs_that_take_longer_than_usual_are_slow_unless_that_is_configured_as_fine(braze: Polling) -> None:
    users, orders = add(braze), braze.add("orders", every(minutes=60), history=HISTORY, scale=STEADY)
    assert braze.finished(orders) > 1000
    past = [sync for sync in braze.world.integrations[orders].syncs if sync.finished]
    braze.store.add_to_past(WORKSPACE, orders, past, Progress(done=True))
    fine = configured(orders, sync_duration=7200.0)
    braze.watch(configured=[*configured(users), *fine], history=HISTORY)
    await braze.passes(minutes=10)
    for one in (users, orders):
        braze.world.switch("slow", one)
    await braze.passes(minutes=12 * 60)
    assert ("slow", "warning") in braze.problems(users)
    assert braze.problems(orders) == set()
