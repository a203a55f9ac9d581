"""Why integrations are polled less often than configured: the rate limit, or slow answers. Each is said as it is."""

import pytest

from exporter.domain.settings import PollSettings, RateLimits
from exporter.poller.interval import Interval, interval_by_list, interval_by_polls, latest_share
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


@pytest.mark.parametrize(
    ("planned", "longest_wait", "share", "expected"),
    [
        (60, 0, 0.0, Interval(60, 60, is_limited=True)),
        (60, 75, 0.9, Interval(60, 60, is_limited=True)),
        (60, 76, 0.5, Interval(60, 76, is_limited=False)),
        (60, 76, 0.6, Interval(60, 76, is_limited=True)),
        (150, 180, 0.0, Interval(60, 150, is_limited=True)),
        (150, 190, 0.0, Interval(60, 190, is_limited=False)),
    ],
)
def test_polls_that_wait_longer_than_the_plan_says_are_held_up_by_what_they_wait_for(
    planned: float, longest_wait: float, share: float, expected: Interval
) -> None:
    assert interval_by_polls(60, planned, longest_wait, throttled_share=share) == expected


@pytest.mark.parametrize(
    ("of_list", "outstanding", "limited", "expected"),
    [
        (60, 78, False, Interval(60, 60, is_limited=False)),
        (60, 160, False, Interval(60, 122, is_limited=True)),
        (90, 78, False, Interval(60, 90, is_limited=False)),
        (90, 78, True, Interval(60, 90, is_limited=True)),
    ],
)
def test_with_a_list_it_is_the_list_or_the_first_polls_that_take_longer(
    of_list: float, outstanding: int, limited: bool, expected: Interval
) -> None:
    assert interval_by_list(60, of_list, outstanding, 80, is_limited=limited) == expected


def test_a_stretch_that_nobody_would_see_is_none() -> None:
    assert not Interval(60.0, 63.0, is_limited=True).is_longer
    assert Interval(60.0, 63.1, is_limited=True).is_longer


def test_the_latest_share_forgets_within_minutes() -> None:
    assert latest_share(0.0, 20.0, held=True) < 0.5 < latest_share(0.0, 21.0, held=True)
    assert latest_share(1.0, 20.0, held=False) > 0.5 > latest_share(1.0, 21.0, held=False)
    assert latest_share(0.3, 0.0, held=True) == 0.3
    assert latest_share(1.0, 300.0, held=False) < 0.0001


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
