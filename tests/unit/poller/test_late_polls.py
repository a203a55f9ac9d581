"""Why integrations are polled less often than configured: the rate limit, or slow answers. Each is said as it is."""

from exporter.domain.settings import PollSettings, RateLimits
from tests.log_lines import parse
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time
from tests.virtual_braze import Latency

NO_LIST = "integrations_permission_lost"
LIMIT, LATE = "the rate limit is too low for the interval", "polls come less often than configured"
AGAIN = "polls come as often as configured again"
PATIENT = PollSettings(interval_seconds=30, timeout_seconds=70)


def told(braze: Polling) -> list[str]:
    return [line["msg"] for line in parse(braze.lines()) if line["msg"] in {LIMIT, LATE, AGAIN}]


def causes(notes: tuple[str, ...]) -> list[str]:
    return [note.split(" every ")[0] for note in notes if " as configured" in note]


@in_virtual_time
async def test_a_braze_that_answers_slowly_is_not_blamed_on_the_rate_limit(braze: Polling) -> None:
    braze.latency = Latency(60.0, 60.0)
    ids = [braze.add(f"integration {n:02}") for n in range(30)]
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids, poll=PATIENT)
    await braze.passes(minutes=20)
    assert (braze.value("exporter_poll_interval_seconds") or 0) > 40
    assert causes(poller.notes()) == ["Polls come"]
    assert any("Braze answers slowly" in note for note in poller.notes())
    assert told(braze) == [LATE]


@in_virtual_time
async def test_nor_where_the_plan_is_stretched_by_the_limit_and_answers_take_longer_still(braze: Polling) -> None:
    braze.latency = Latency(60.0, 60.0)
    ids = [braze.add(f"integration {n:03}") for n in range(100)]
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids, poll=PATIENT)
    await braze.passes(minutes=30)
    assert causes(poller.notes()) == ["Polls come"]
    assert told(braze) == [LATE]


@in_virtual_time
async def test_nor_where_only_the_list_is_refused(braze: Polling) -> None:
    braze.latency = Latency(60.0, 60.0)
    ids = [braze.add(f"integration {n:02}") for n in range(30)]
    braze.world.faults.add("throttle_without_headers", endpoint=LIST)
    poller = braze.watch(configured=ids, poll=PATIENT)
    await braze.passes(minutes=15)
    for _ in range(20):
        await braze.passes(minutes=1)
        assert causes(poller.notes()) == ["Polls come"]
    assert told(braze) == [LATE]


@in_virtual_time
async def test_nor_where_the_pages_of_the_list_come_slowly(braze: Polling) -> None:
    braze.latency = Latency(20.0, 20.0)
    for n in range(150):
        braze.add(f"integration {n:03}")
    poller = braze.watch(discovery=True)
    await braze.passes(minutes=40)
    assert (braze.value("exporter_poll_interval_seconds") or 0) > 100
    assert causes(poller.notes()) == ["Polls come"]


@in_virtual_time
async def test_what_others_leave_of_the_limit_is_blamed_on_it(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(40)]
    for problem in (NO_LIST, "rate_limit_shared"):
        braze.world.switch(problem, WORKSPACE)
    poller = braze.watch(configured=ids)
    await braze.passes(minutes=15)
    for _ in range(20):
        await braze.passes(minutes=1)
        assert causes(poller.notes()) == ["The rate limit allows polls"]
    assert told(braze) == [LIMIT]


@in_virtual_time
async def test_one_cause_after_the_other_is_logged_and_the_end_once_it_has_lasted(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(100)]
    braze.world.switch(NO_LIST, WORKSPACE)
    limits = RateLimits(job_sync_status=60, integrations=50, share=0.5)
    braze.watch(configured=ids, limits=limits, poll=PollSettings(timeout_seconds=200))
    await braze.passes(minutes=15)
    assert told(braze) == [LIMIT]
    braze.latency.usual = braze.latency.longest = 120.0
    await braze.passes(minutes=60)
    assert told(braze) == [LIMIT, LATE]
    braze.world.clear(NO_LIST, WORKSPACE)
    braze.latency.usual = braze.latency.longest = 0.1
    await braze.passes(minutes=30)
    assert told(braze) == [LIMIT, LATE, AGAIN]


@in_virtual_time
async def test_an_outage_has_no_line_about_late_polls_beside_it(braze: Polling) -> None:
    for n in range(200):
        braze.add(f"integration {n:03}")
    poller = braze.watch(discovery=True)
    await braze.passes(minutes=20)
    braze.world.faults.add("hang")
    await braze.passes(minutes=60)
    assert told(braze) == []
    assert causes(poller.notes()) == []


@in_virtual_time
async def test_nor_does_an_outage_end_late_polls(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(200)]
    braze.world.switch(NO_LIST, WORKSPACE)
    poller = braze.watch(configured=ids)
    await braze.passes(minutes=15)
    assert told(braze) == [LIMIT]
    braze.world.faults.add("hang", endpoint=OWN)
    await braze.passes(minutes=60)
    assert told(braze) == [LIMIT]
    assert causes(poller.notes()) == []


@in_virtual_time
async def test_a_key_that_is_refused_has_none_either(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(200)]
    braze.world.workspaces[WORKSPACE].keys.clear()
    poller = braze.watch(configured=ids)
    await braze.passes(minutes=60)
    assert told(braze) == []
    assert causes(poller.notes()) == []
    assert braze.requests(OWN) > 0
