"""The list tells what changed: a quiet integration costs no request of its own, a changed one is asked at once."""

from datetime import timedelta

import pytest

from exporter.domain.settings import PollSettings, RateLimits
from exporter.simulator.schedule import every
from tests.polling import LIST, OWN, Polling, in_virtual_time, poll_braze

PATIENT = PollSettings(verify_after_seconds=1800)
"""Quiet integrations are verified every half hour or a little later."""


@in_virtual_time
async def test_a_quiet_integration_costs_no_request_of_its_own_until_it_is_verified(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(12)]
    braze.watch(configured=ids[:6], discovery=True, poll=PATIENT)
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=26)
    assert {each: braze.requests(OWN, each) for each in ids} == before
    await braze.passes(minutes=12)
    assert {braze.requests(OWN, each) - before[each] for each in ids} == {1}
    assert braze.value("up", ids[0]) == 1


@in_virtual_time
async def test_what_the_list_answers_is_a_poll_that_succeeded(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users])
    await braze.passes(minutes=20)
    assert braze.requests(OWN, users, within=900) == 0
    polled_at = braze.value("last_poll_success_timestamp_seconds", users)
    assert polled_at is not None
    assert braze.clock.now().timestamp() - polled_at < 65
    assert braze.value("last_poll_timestamp_seconds", users) == polled_at
    assert (braze.value("exporter_polls_total") or 0) >= 18


@in_virtual_time
async def test_a_changed_integration_is_asked_and_counted_within_an_interval(braze: Polling) -> None:
    users, orders = braze.add("users"), braze.add("orders")
    braze.watch(discovery=True)
    for n in range(8):
        await braze.passes(minutes=5, seconds=7 * n)
        before = braze.requests(OWN)
        braze.sync(users, rows=100 + n)
        await braze.passes(seconds=65)
        assert braze.counted(users) == n + 1
        assert braze.value("last_sync_rows_synced", users) == 100 + n
        assert braze.requests(OWN) - before == 1
    assert braze.counted(orders) == 0


@in_virtual_time
async def test_several_syncs_between_two_listings_are_all_counted(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True, poll=PollSettings(interval_seconds=120))
    await braze.passes(minutes=5)
    for word in ("success", "error", "partial", "success", "error"):
        braze.sync(users, word=word)
        await braze.passes(seconds=3)
    await braze.passes(seconds=130)
    counted = {status: braze.value("syncs_total", users, status=status) for status in ("success", "error", "partial")}
    assert counted == {"success": 2, "error": 2, "partial": 1}


@in_virtual_time
async def test_more_syncs_than_a_page_holds_are_all_counted_when_the_list_was_away(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5))
    braze.watch(discovery=True)
    await braze.passes(minutes=4)
    braze.world.faults.add("http_503")
    await braze.passes(minutes=120)
    braze.world.faults.clear()
    await braze.passes(minutes=4)
    assert braze.counted(users) == braze.finished(users) > 20
    assert braze.value("exporter_history_gaps_total", users) == 0


@in_virtual_time
async def test_a_running_sync_is_shown_from_the_list_at_once(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    before = braze.requests(OWN)
    started = braze.world.start_sync(users, duration=timedelta(minutes=4), word="success").sync_start_time
    await braze.passes(seconds=65)
    assert braze.requests(OWN) == before
    assert braze.value("last_sync_status", users, status="running") == 1
    assert braze.value("last_sync_start_timestamp_seconds", users) == started.timestamp()
    await braze.passes(minutes=4)
    assert braze.value("last_sync_status", users, status="success") == 1
    assert braze.counted(users) == 1
    assert braze.requests(OWN) - before == 1


@in_virtual_time
async def test_a_sync_that_ended_unseen_before_the_running_one_is_counted(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.world.start_sync(users, duration=timedelta(seconds=75), word="success")
    await braze.passes(seconds=80)
    braze.world.start_sync(users, duration=timedelta(hours=3), word="success")
    await braze.passes(seconds=70)
    assert braze.counted(users) == 1


@in_virtual_time
async def test_a_sync_that_came_and_went_between_two_listings_is_counted_while_the_next_one_runs(
    braze: Polling,
) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.sync(users)
    await braze.passes(seconds=2)
    braze.world.start_sync(users, duration=timedelta(hours=3), word="success")
    await braze.passes(minutes=13)
    assert braze.counted(users) == 1
    assert braze.value("last_sync_status", users, status="running") == 1


@in_virtual_time
async def test_a_sync_that_runs_for_long_is_looked_up_less_and_less(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True, poll=PollSettings(verify_after_seconds=1e6))
    await braze.passes(minutes=3)
    before = braze.requests(OWN)
    braze.world.start_sync(users, duration=timedelta(hours=30), word="success")
    await braze.passes(minutes=24 * 60)
    assert 2 <= braze.requests(OWN) - before <= 9


@in_virtual_time
async def test_list_and_own_endpoint_that_word_a_sync_differently_cost_no_request_each_interval(
    braze: Polling,
) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.world.faults.add("novel_status", endpoint=LIST, record=None)
    braze.watch(discovery=True, poll=PATIENT)
    await braze.passes(minutes=3)
    before = braze.requests(OWN)
    await braze.passes(minutes=20)
    assert braze.requests(OWN) - before == 0
    braze.sync(users)
    await braze.passes(seconds=65)
    assert braze.counted(users) == 1
    assert braze.requests(OWN) - before == 1


@in_virtual_time
async def test_a_list_that_tells_no_syncs_leaves_nothing_unseen_for_longer_than_a_verification(
    braze: Polling,
) -> None:
    """Both fields that tell the latest sync are unreadable: the list is then no change detector."""
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True, poll=PATIENT)
    await braze.passes(minutes=3)
    braze.world.faults.add("null_start", endpoint=LIST, record=None)
    braze.world.faults.add("odd_status_type", endpoint=LIST, record=None)
    await braze.passes(minutes=3)
    braze.sync(users)
    await braze.passes(minutes=38)
    assert braze.counted(users) == 1


@in_virtual_time
async def test_a_restart_does_not_ask_what_the_list_shows_unchanged(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(70)]
    braze.watch(configured=ids)
    await braze.passes(minutes=10)
    await braze.restart()
    before = braze.requests(OWN)
    braze.watch(configured=ids)
    await braze.passes(minutes=1)
    assert list(braze.values("up").values()) == [1.0] * 70
    await braze.passes(minutes=9)
    assert braze.requests(OWN) - before <= 30


@in_virtual_time
async def test_after_a_restart_a_list_that_breaks_off_leaves_nothing_unpolled(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(15)]
    braze.watch(configured=ids)
    await braze.passes(minutes=10)
    await braze.restart()
    braze.world.faults.add("http_500", endpoint=LIST, page=1)
    braze.watch(configured=ids)
    await braze.passes(minutes=2)
    braze.world.faults.add("http_500", endpoint=LIST)
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=5, seconds=30)
    assert min(braze.requests(OWN, each) - before[each] for each in ids) >= 4


@in_virtual_time
async def test_after_a_restart_a_list_too_long_to_pay_leaves_nothing_unpolled(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(45)]
    braze.watch(configured=ids[:3])
    await braze.passes(minutes=10)
    await braze.restart()
    braze.watch(configured=ids[:3])
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids[:3]}
    await braze.passes(minutes=5, seconds=30)
    assert {braze.requests(OWN, each) - before[each] for each in ids[:3]} <= {5, 6}


@in_virtual_time
async def test_a_list_too_long_for_the_few_that_are_watched_is_read_seldom_and_each_is_polled(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(45)]
    braze.watch(configured=ids[:2])
    await braze.passes(minutes=5)
    before, own = braze.requests(LIST), braze.requests(OWN)
    await braze.passes(minutes=50)
    assert 80 <= braze.requests(LIST) - before <= 100  # at most as many as polls, all the same
    assert 98 <= braze.requests(OWN) - own <= 102
    assert "list" not in "".join(braze.lines())


@in_virtual_time
async def test_a_list_too_long_still_tells_names_and_schedules(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=30)) for n in range(45)]
    braze.watch(configured=[ids[0], ids[44]])
    await braze.passes(minutes=100)
    for each in (ids[0], ids[44]):
        braze.world.switch("silent_stop", each)
    assert set(braze.names()) == {"integration 00", "integration 44"}
    await braze.passes(minutes=40)
    for each in (ids[0], ids[44]):
        expected = braze.value("expected_run_timestamp_seconds", each)
        assert expected is not None
        assert expected < braze.clock.now().timestamp() - 300


@in_virtual_time
async def test_a_very_long_list_is_read_twice_an_hour_at_least(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(400)]
    braze.watch(configured=ids[:1])
    await braze.passes(minutes=10)
    before = braze.requests(LIST)
    await braze.passes(minutes=55)
    assert 80 <= braze.requests(LIST) - before <= 120


@pytest.mark.parametrize("oddity", ["null_start", "malformed_start", "numeric_times", "null_latest"])
def test_what_the_list_does_not_tell_is_asked_for_every_interval(oddity: str) -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users")
        braze.sync(users)
        braze.watch(discovery=True)
        await braze.passes(minutes=3)
        braze.world.faults.add(oddity, endpoint=LIST)
        await braze.passes(minutes=3)
        for n, word in enumerate(("success", "error", "success", "success"), 1):
            braze.sync(users, word=word)
            await braze.passes(seconds=125)
            assert braze.counted(users) == n
        assert braze.requests(OWN, within=240) <= 5

    poll_braze(test)


@in_virtual_time
async def test_a_list_that_stays_behind_what_is_known_is_no_reason_to_rest(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.world.faults.add("date_without_time", endpoint=LIST)
    await braze.passes(minutes=3)
    for n in range(1, 4):
        braze.sync(users)
        await braze.passes(seconds=125)
        assert braze.counted(users) == n


@in_virtual_time
async def test_an_integration_that_has_never_synced_costs_no_request_of_its_own(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    before = braze.requests(OWN)
    await braze.passes(minutes=20)
    assert braze.requests(OWN) == before
    braze.sync(users)
    await braze.passes(seconds=65)
    assert braze.counted(users) == 1


@in_virtual_time
async def test_a_finish_that_its_own_endpoint_shows_later_than_the_list_is_counted_soon_after(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.world.start_sync(users, duration=timedelta(seconds=80), word="error")
    late = braze.world.faults.add("still_running", endpoint=OWN, record=0)
    await braze.passes(minutes=3)
    assert braze.counted(users) == 0
    assert braze.value("last_sync_status", users, status="running") == 1
    braze.world.faults.remove(late)
    await braze.passes(minutes=2)
    assert braze.counted(users) == 1


@in_virtual_time
async def test_verifications_that_the_budget_cannot_serve_starve_nobody(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    braze.watch(configured=ids, poll=PollSettings(verify_after_seconds=60), limits=RateLimits(job_sync_status=10))
    await braze.passes(minutes=10)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=12)
    assert min(braze.requests(OWN, each) - before[each] for each in ids) >= 1


@in_virtual_time
async def test_a_sync_that_its_own_endpoint_shows_later_than_the_list_is_counted_soon_after(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    late = braze.world.faults.add("no_object", endpoint=OWN, record=0)
    braze.sync(users)
    await braze.passes(minutes=3)
    assert braze.counted(users) == 0
    braze.world.faults.remove(late)
    await braze.passes(minutes=4)
    assert braze.counted(users) == 1


@in_virtual_time
async def test_a_sync_that_only_the_list_shows_is_asked_for_less_and_less(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    braze.world.faults.add("no_object", endpoint=OWN, record=0)
    braze.sync(users)
    before = braze.requests(OWN)
    await braze.passes(minutes=180)
    assert 5 <= braze.requests(OWN) - before <= 12
