"""A workspace's polls, seen from the page: what a failure shows, how it ends, and that a figure shown is kept."""

from datetime import timedelta

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import REASONS
from exporter.domain.settings import PollSettings, RateLimits
from exporter.simulator.schedule import every
from tests.polling import OWN, WORKSPACE, Polling, in_virtual_time, poll_braze

FAST = PollSettings(interval_seconds=60.0, timeout_seconds=5.0, stale_after_seconds=600.0)


@in_virtual_time
async def test_after_first_sight_the_counters_are_zero_and_the_gauges_tell_the_past(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5), history=timedelta(hours=2))
    braze.watch(configured=[users])
    await braze.passes(seconds=30)
    assert braze.value("up", users) == 1
    assert braze.counted(users) == 0
    assert braze.value("last_success_timestamp_seconds", users) is not None


@in_virtual_time
async def test_syncs_that_finish_are_counted_within_an_interval(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users])
    await braze.passes(minutes=2)
    for word in ("success", "partial", "error"):
        braze.sync(users, word=word, rows=7)
        await braze.passes(minutes=2)
    assert [braze.value("syncs_total", users, status=word) for word in ("success", "partial", "error")] == [1, 1, 1]
    assert braze.value("rows_synced_total", users) == 21


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        *(("http_401", "auth"), ("http_403", "forbidden"), ("http_404", "not_found"), ("http_400", "bad_request")),
        *(("http_301", "bad_request"), ("http_429", "rate_limited"), ("hang", "timeout"), ("reset", "network")),
        *(("http_500", "server_error"), ("http_202", "server_error"), ("html", "payload"), ("deep_json", "payload")),
    ],
)
def test_a_failure_shows_with_its_reason_and_ends_with_the_first_good_poll(fault: str, reason: str) -> None:
    async def play(braze: Polling) -> None:
        users, quiet = braze.add("users"), braze.add("quiet")
        braze.sync(users)
        braze.watch(configured=[users, quiet], poll=FAST)
        await braze.passes(minutes=2)
        broken = braze.world.faults.add(fault)
        await braze.passes(minutes=4)
        assert braze.value("up", users) == 0
        failures = {each: braze.value("exporter_poll_failures_total", reason=each) for each in REASONS}
        assert failures[reason] is not None
        assert {each for each, count in failures.items() if count} == {reason}
        assert braze.value("last_sync_status", users, status="success") == 1
        braze.world.faults.remove(broken)
        await braze.passes(minutes=6)
        assert braze.value("up", users) == 1

    poll_braze(play)


@in_virtual_time
async def test_gauges_disappear_when_braze_is_silent_for_long_and_counters_stay(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=FAST)
    await braze.passes(minutes=2)
    braze.sync(users)
    await braze.passes(minutes=2)
    broken = braze.world.faults.add("http_500")
    await braze.passes(minutes=9)
    assert braze.value("last_sync_start_timestamp_seconds", users) is not None
    await braze.passes(minutes=2)
    assert braze.value("last_sync_start_timestamp_seconds", users) is None
    assert braze.counted(users) == 1
    assert braze.value("up", users) == 0
    assert braze.value("integration_info", users) == 1
    braze.world.faults.remove(broken)
    await braze.passes(minutes=2)
    assert braze.value("last_sync_start_timestamp_seconds", users) is not None


@in_virtual_time
async def test_after_a_restart_the_page_shows_at_once_what_it_showed_and_what_finished_meanwhile_counts(
    braze: Polling,
) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=FAST)
    await braze.passes(minutes=2)
    braze.sync(users)
    await braze.passes(minutes=2)
    await braze.restart()
    for _ in range(25):
        await braze.passes(seconds=2)
        braze.sync(users)
    braze.watch(configured=[users], poll=FAST)
    assert braze.counted(users) == 1
    assert braze.value("last_sync_status", users, status="success") == 1
    await braze.passes(minutes=3)
    assert braze.counted(users) == 26
    assert braze.value("exporter_history_gaps_total", users) == 0


@in_virtual_time
async def test_a_first_poll_that_the_list_overtakes_after_a_restart_comes_all_the_same(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=FAST)
    await braze.passes(minutes=2)
    await braze.restart()
    braze.watch(configured=[users], poll=FAST, limits=RateLimits(job_sync_status=1))
    await braze.passes(minutes=5)
    assert braze.value("up", users) == 1
    assert "loop crashed" not in "\n".join(braze.lines())


@in_virtual_time
async def test_a_workspace_that_hangs_delays_no_other(braze: Polling) -> None:
    braze.world.add_workspace("other")
    stuck, free = braze.add("stuck"), braze.add("free", workspace="other")
    braze.world.faults.add("hang", workspace=WORKSPACE)
    braze.watch(configured=[stuck], poll=FAST)
    braze.watch("other", configured=[free], poll=FAST)
    for _ in range(10):
        await braze.passes(minutes=1)
        braze.sync(free)
    await braze.passes(minutes=2)
    assert braze.counted(free) == 10
    assert braze.value("up", stuck) == 0


@in_virtual_time
async def test_a_429_holds_back_the_workspace_until_the_reset_it_names(braze: Polling) -> None:
    ids = [braze.add(f"integration {n}") for n in range(10)]
    braze.watch(configured=ids, poll=FAST)
    await braze.passes(minutes=3)
    braze.world.switch("rate_limit_exhausted", WORKSPACE)
    await braze.passes(minutes=10)
    assert braze.requests(OWN, within=600) <= 60  # in good times it would be 100
    braze.world.clear("rate_limit_exhausted", WORKSPACE)
    await braze.passes(minutes=6)
    assert [braze.value("up", each) for each in ids] == [1] * 10


@in_virtual_time
async def test_failures_never_make_us_ask_more_often_than_success_does(braze: Polling) -> None:
    poll = PollSettings(interval_seconds=600.0, timeout_seconds=5.0)
    ids = [braze.add(f"integration {n}") for n in range(5)]
    braze.watch(configured=ids, poll=poll)
    await braze.passes(minutes=15)
    braze.world.faults.add("http_500")
    before = {endpoint: braze.requests(endpoint) for endpoint in Endpoint}
    await braze.passes(minutes=600)
    for endpoint, most in ((Endpoint.JOB_SYNC_STATUS, 5 * 62), (Endpoint.INTEGRATIONS, 62)):
        assert braze.requests(endpoint) - before[endpoint] <= most


@in_virtual_time
async def test_one_odd_record_is_an_anomaly_and_costs_nothing_else(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=FAST)
    await braze.passes(minutes=2)
    braze.world.faults.add("negative_rows", endpoint=Endpoint.JOB_SYNC_STATUS, record=None)
    braze.sync(users, rows=5)
    await braze.passes(minutes=2)
    assert braze.value("up", users) == 1
    assert braze.counted(users) == 1
    assert braze.value("rows_synced_total", users) == 0
    assert (braze.value("exporter_payload_anomalies_total", kind="rows_synced_invalid") or 0) > 0
