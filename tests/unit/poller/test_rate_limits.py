"""Within the rate limit, and within what others leave of it: nobody starves, and a refusal disturbs no one else."""

from itertools import pairwise

from exporter.domain.settings import PollSettings, RateLimits
from exporter.simulator.schedule import every
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time
from tests.snapshots import page_bytes

NO_LIST = "integrations_permission_lost"


@in_virtual_time
async def test_an_interval_that_the_budget_cannot_serve_grows_and_everyone_is_polled_within_it(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(200)]
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids)
    await braze.passes(minutes=10)
    interval = braze.value("exporter_poll_interval_seconds")
    assert interval is not None
    assert 150 <= interval < 160
    assert any("every 2 min 32 s" in note for note in poller.notes())
    began = braze.clock.monotonic()
    await braze.passes(seconds=10 * interval)
    ended = braze.clock.monotonic()
    for each in ids:
        times = [asked.at_seconds for asked in braze.asked if asked.integration_id == each]
        times = [began, *(at for at in times if at >= began), ended]
        assert max(b - a for a, b in pairwise(times)) <= 1.1 * interval
    assert braze.most_in_a_minute()[WORKSPACE, OWN] <= 80
    assert braze.value("exporter_throttled_seconds_total", endpoint="job_sync_status") is not None


@in_virtual_time
async def test_polls_are_spread_over_the_interval(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(60)]
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids, poll=PollSettings(interval_seconds=120))
    await braze.passes(minutes=10)
    began = braze.clock.monotonic()
    await braze.passes(minutes=20)
    times = [asked.at_seconds - began for asked in braze.asked if asked.endpoint is OWN and asked.at_seconds >= began]
    per_ten_seconds = [sum(10 * n <= at < 10 * (n + 1) for at in times) for n in range(120)]
    assert sum(per_ten_seconds) in range(595, 606)
    assert max(per_ten_seconds) <= 12
    assert braze.value("exporter_poll_interval_seconds") == 120


@in_virtual_time
async def test_a_list_longer_than_its_budget_grows_the_interval(braze: Polling) -> None:
    for n in range(300):
        braze.add(f"integration {n:03}")
    braze.watch(discovery=True, limits=RateLimits(integrations=20))
    await braze.passes(minutes=20)
    interval = braze.value("exporter_poll_interval_seconds")
    assert interval is not None
    assert 110 <= interval <= 120
    assert braze.most_in_a_minute()[WORKSPACE, LIST] <= 16
    listed_at = braze.value("exporter_discovery_last_success_timestamp_seconds")
    assert listed_at is not None
    assert braze.clock.now().timestamp() - listed_at <= 1.1 * interval


@in_virtual_time
async def test_urgent_polls_go_before_the_regular_ones_of_a_full_budget(braze: Polling) -> None:
    """Some integrations are not on the list and use up the rate limit; what the list shows changed goes first."""
    hidden = [braze.add(f"hidden {n:02}") for n in range(60)]
    users = braze.add("users")
    for each in hidden:
        braze.unlist(each)
    braze.watch(configured=[*hidden, users], limits=RateLimits(job_sync_status=20))
    await braze.passes(minutes=15)
    for _ in range(5):
        braze.sync(users)
        await braze.passes(seconds=75)
        assert braze.counted(users) == braze.finished(users)
    before = {each: braze.requests(OWN, each) for each in hidden}
    await braze.passes(minutes=6)
    assert min(braze.requests(OWN, each) - before[each] for each in hidden) >= 1


@in_virtual_time
async def test_a_refusal_holds_back_its_workspace_and_endpoint_until_the_reset(braze: Polling) -> None:
    braze.world.add_workspace("staging")
    users = braze.add("users", every(minutes=5))
    orders = braze.add("orders", every(minutes=5), workspace="staging")
    for name in (WORKSPACE, "staging"):
        braze.world.switch(NO_LIST, name)
    braze.watch(configured=[users])
    braze.watch("staging", configured=[orders])
    await braze.passes(minutes=4)
    braze.world.switch("rate_limit_exhausted", WORKSPACE)
    for _ in range(20):
        await braze.passes(seconds=30)
        page = page_bytes(braze.page, braze.clock.now())
        assert b"braze_cdi_up" in page
    refused = braze.world.requests[WORKSPACE]
    assert 1 <= refused[OWN, 429] <= 11
    assert braze.value("up", users) == 0
    assert braze.value("exporter_poll_failures_total", workspace=WORKSPACE, reason="rate_limited") == refused[OWN, 429]
    assert braze.value("up", orders) == 1
    assert braze.counted(orders) == braze.finished(orders) > 1
    assert braze.value("exporter_throttled_seconds_total", workspace="staging", endpoint="job_sync_status") == 0
    braze.world.clear("rate_limit_exhausted", WORKSPACE)
    await braze.passes(minutes=4)
    assert braze.value("up", users) == 1
    assert braze.counted(users) == braze.finished(users) > 1


@in_virtual_time
async def test_a_refusal_of_one_endpoint_does_not_hold_back_the_other(braze: Polling) -> None:
    users = braze.add("users", every(minutes=5))
    braze.watch(discovery=True)
    await braze.passes(minutes=4)
    fault = braze.world.faults.add("throttle_without_headers", endpoint=OWN)
    before = braze.requests(LIST)
    await braze.passes(minutes=10)
    assert braze.requests(LIST) - before >= 9
    assert braze.requests(OWN, within=600) <= 11
    braze.world.faults.remove(fault)
    await braze.passes(minutes=4)
    assert braze.counted(users) == braze.finished(users) > 1


@in_virtual_time
async def test_many_integrations_that_are_refused_ask_no_more_often_than_one(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids)
    await braze.passes(minutes=4)
    braze.world.switch("rate_limit_exhausted", WORKSPACE)
    await braze.passes(minutes=10)
    assert braze.world.requests[WORKSPACE][OWN, 429] <= 16
    braze.world.clear("rate_limit_exhausted", WORKSPACE)
    await braze.passes(minutes=3)
    assert {braze.value("up", each) for each in ids} == {1}


@in_virtual_time
async def test_refusals_that_name_nonsense_are_asked_again_within_about_a_minute(braze: Polling) -> None:
    users = braze.add("users")
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=[users])
    await braze.passes(minutes=4)
    for name in ("throttle_without_headers", "throttle_nonsense_headers", "throttle_past_reset", "throttle_far_reset"):
        fault = braze.world.faults.add(name, endpoint=OWN)
        before = braze.requests(OWN)
        await braze.passes(minutes=10)
        assert 8 <= braze.requests(OWN) - before <= 11, name
        braze.world.faults.remove(fault)
        await braze.passes(seconds=65)
        assert braze.value("up", users) == 1, name


@in_virtual_time
async def test_where_others_eat_the_limit_few_requests_are_refused(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}", every(minutes=15)) for n in range(40)]
    braze.world.switch("rate_limit_shared", WORKSPACE)
    braze.watch(discovery=True)
    await braze.passes(minutes=60)
    sent = braze.world.requests[WORKSPACE]
    assert sent[OWN, 200] > 100
    assert sent[OWN, 429] + sent[LIST, 429] <= 6
    assert {braze.value("up", each) for each in ids} == {1}


@in_virtual_time
async def test_where_others_eat_the_limit_everyone_is_polled_all_the_same(braze: Polling) -> None:
    """Ten requests a minute are left for forty integrations, and there is no list."""
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    for problem in (NO_LIST, "rate_limit_shared"):
        braze.world.switch(problem, WORKSPACE)
    braze.watch(configured=ids)
    await braze.passes(minutes=15)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=20)
    asked = [braze.requests(OWN, each) - before[each] for each in ids]
    assert min(asked) >= 4
    assert max(asked) <= 6
    assert 170 <= (braze.value("exporter_poll_interval_seconds") or 0) <= 300
    assert braze.world.requests[WORKSPACE][OWN, 429] <= 6


@in_virtual_time
async def test_where_others_eat_the_limit_of_the_list_the_interval_that_is_left_is_shown(braze: Polling) -> None:
    """Five requests a minute are left for fifteen pages."""
    for n in range(150):
        braze.add(f"integration {n:03}")
    braze.world.switch("rate_limit_shared", WORKSPACE)
    poller = braze.watch(discovery=True)
    await braze.passes(minutes=30)
    assert 150 <= (braze.value("exporter_poll_interval_seconds") or 0) <= 240
    assert any("The rate limit allows polls" in note for note in poller.notes())


@in_virtual_time
async def test_hanging_requests_of_some_do_not_keep_the_others_from_their_turns(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids)
    await braze.passes(minutes=4)
    for each in ids[:9]:
        braze.world.faults.add("hang", endpoint=OWN, integration_id=each)
    await braze.passes(minutes=3)
    before = {each: braze.requests(OWN, each) for each in ids}
    await braze.passes(minutes=10)
    assert min(braze.requests(OWN, each) - before[each] for each in ids[9:]) >= 9
    assert {braze.value("up", each) for each in ids[:9]} == {0}
    assert {braze.value("up", each) for each in ids[9:]} == {1}


@in_virtual_time
async def test_a_workspace_whose_every_request_hangs_delays_no_other(braze: Polling) -> None:
    braze.world.add_workspace("staging")
    for n in range(30):
        braze.add(f"integration {n:02}")
    orders = braze.add("orders", workspace="staging")
    braze.watch(discovery=True)
    braze.watch("staging", configured=[orders])
    braze.world.faults.add("hang", workspace=WORKSPACE)
    braze.world.switch(NO_LIST, "staging")
    await braze.passes(minutes=10, seconds=30)
    assert braze.requests(OWN, orders) in {11, 12}
    assert braze.value("up", orders) == 1


@in_virtual_time
async def test_while_the_budget_lets_few_be_asked_for_the_first_time_the_interval_says_so(braze: Polling) -> None:
    for n in range(100):
        braze.add(f"integration {n:03}")
    poller = braze.watch(discovery=True, limits=RateLimits(job_sync_status=10, share=1.0))
    await braze.passes(minutes=2)
    assert 300 <= (braze.value("exporter_poll_interval_seconds") or 0) <= 600
    assert ["The rate limit allows" in note for note in poller.notes()] == [True]
    await braze.passes(minutes=12)
    assert braze.value("exporter_poll_interval_seconds") == 60
    assert poller.notes() == ()
