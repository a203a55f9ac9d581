"""The history is read broadest first, from what polls leave free, once, through failures and restarts."""

import gc
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from exporter.domain.model import Sync
from exporter.domain.past import MOST
from exporter.domain.settings import PollSettings, RateLimits
from exporter.poller.shell import Watched
from exporter.simulator.schedule import every
from exporter.simulator.style import Style
from exporter.state.pasts import Progress
from tests.polling import OWN, WORKSPACE, Asked, Polling, in_virtual_time, poll_braze

DAYS = timedelta(days=20)
HOURLY = every(minutes=60)


def deeper(braze: Polling, integration_id: str = "") -> list[Asked]:
    """Requests for pages after the first: where the latest sync is a success no poll needs one."""
    return [one for one in braze.asked if one.query and integration_id in {"", one.integration_id}]


def past(braze: Polling, integration_id: str) -> tuple[Sync, ...]:
    return braze.store.load_past(WORKSPACE, integration_id).past.syncs


def truth(braze: Polling, integration_id: str, days: timedelta = DAYS) -> tuple[Sync, ...]:
    """What has finished of the syncs that started in the last *days*."""
    since = braze.clock.now() - days
    return tuple(one for one in braze.world.truth(integration_id) if one.finished and one.sync_start_time >= since)


def starts(syncs: tuple[Sync, ...]) -> set[int]:
    return {int(sync.sync_start_time.timestamp()) for sync in syncs}


@in_virtual_time
async def test_all_histories_are_read_page_by_page_side_by_side_and_no_counter_moves(braze: Polling) -> None:
    ids = [braze.add(f"integration {n}", HOURLY, history=2 * DAYS) for n in range(5)]
    before = {each: braze.finished(each) for each in ids}
    poller = braze.watch(configured=ids, discovery=True, history=DAYS)
    ratios = []
    for _ in range(30):
        await braze.passes(seconds=30)
        read = Counter({each: len(deeper(braze, each)) for each in ids})
        assert max(read.values()) - min(read.values()) <= 1
        ratios.append(braze.value("exporter_history_read_ratio", workspace=WORKSPACE) or 0.0)
    assert all(a <= b for a, b in pairwise(ratios))
    assert ratios[0] < 0.5 < ratios[-1] == poller.history.ratio == 1.0
    assert all(starts(truth(braze, each)) <= starts(past(braze, each)) for each in ids)
    assert len(deeper(braze)) <= 5 * 50
    assert all(braze.counted(each) == braze.finished(each) - before[each] for each in ids)
    done = len(deeper(braze))
    await braze.passes(minutes=120)
    assert len(deeper(braze)) == done
    assert all(starts(truth(braze, each)) <= starts(past(braze, each)) for each in ids)
    said = [line for line in braze.lines() if "history" in line]
    assert ["reading the history" in said[0], "has been read" in said[1]] == [True, True]
    assert len(said) == 2


@in_virtual_time
async def test_of_records_with_the_same_start_on_a_page_the_first_is_kept_as_it_is_counted(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    braze.world.faults.add("same_start")
    braze.watch(configured=[users], discovery=True, history=DAYS)
    await braze.passes(minutes=60)
    rows = {sync.sync_start_time: sync.rows_synced for sync in braze.world.truth(users)}
    kept = past(braze, users)
    assert len(kept) > 400
    assert [sync.rows_synced for sync in kept] == [rows[sync.sync_start_time] for sync in kept]


@in_virtual_time
async def test_without_a_history_nothing_is_read_and_nothing_shown(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    poller = braze.watch(configured=[users], discovery=True)
    await braze.passes(minutes=30)
    assert not deeper(braze)
    assert braze.value("exporter_history_read_ratio") is None
    assert poller.history.ratio is None


@in_virtual_time
async def test_at_most_half_of_what_polls_leave_free_is_used_and_no_poll_waits(braze: Polling) -> None:
    ids = [braze.add(f"integration {n}", HOURLY, history=DAYS) for n in range(8)]
    braze.watch(configured=ids, limits=RateLimits(job_sync_status=20, integrations=1, share=1.0), history=DAYS)
    await braze.passes(minutes=5)
    waited = braze.value("exporter_throttled_seconds_total", endpoint=OWN)
    for _ in range(20):
        await braze.passes(seconds=61)
        since = braze.clock.monotonic() - 61
        window = [one for one in braze.asked if one.endpoint is OWN and one.at_seconds >= since]
        spare = sum(bool(one.query) for one in window)
        assert 1 <= spare <= (20 - (len(window) - spare)) / 2 + 1
    assert braze.value("exporter_throttled_seconds_total", endpoint=OWN) == waited
    assert braze.most_in_a_minute()[WORKSPACE, OWN] <= 20


@in_virtual_time
async def test_a_restart_goes_on_where_reading_was_and_a_deeper_history_too(braze: Polling) -> None:
    ids = [braze.add(f"integration {n}", HOURLY, history=3 * DAYS) for n in range(3)]
    for days in (DAYS, DAYS, 2 * DAYS):
        braze.watch(configured=ids, discovery=True, history=days)
        await braze.passes(minutes=2 if not deeper(braze) else 10)
        await braze.restart()
    assert all(starts(truth(braze, each, 2 * DAYS)) <= starts(past(braze, each)) for each in ids)
    asked = Counter((one.integration_id, one.query) for one in deeper(braze))
    assert asked.total() - len(asked) <= 2  # a request that a restart has cut off


@in_virtual_time
async def test_a_cursor_that_has_expired_begins_the_walk_anew(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    read_to = braze.clock.now() - timedelta(days=2)
    braze.store.add_to_past(WORKSPACE, users, (), Progress(5, read_to, "expired"))
    braze.watch(configured=[users], discovery=True, history=DAYS)
    await braze.passes(minutes=20)
    assert starts(truth(braze, users)) <= starts(past(braze, users))
    assert braze.value("exporter_history_read_ratio") == 1.0


@in_virtual_time
async def test_a_page_that_fails_costs_its_own_integration_a_back_off(braze: Polling) -> None:
    ids = [braze.add(f"integration {n}", HOURLY, history=DAYS) for n in range(3)]
    fault = braze.world.faults.add("http_500", integration_id=ids[0], page=3)
    braze.watch(configured=ids, discovery=True, history=DAYS)
    await braze.passes(minutes=30)
    failed = [one for one in deeper(braze, ids[0]) if one.query == deeper(braze, ids[0])[-1].query]
    assert 3 <= len(failed) <= 6
    assert all(starts(truth(braze, each)) <= starts(past(braze, each)) for each in ids[1:])
    assert not any("history has been read" in line for line in braze.lines())
    braze.world.faults.remove(fault)
    await braze.passes(minutes=70)
    assert starts(truth(braze, ids[0])) <= starts(past(braze, ids[0]))


@in_virtual_time
async def test_while_requests_are_denied_none_is_sent_for_history(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    braze.watch(configured=[users], discovery=True, history=DAYS)
    await braze.passes(minutes=1)
    braze.world.switch("job_sync_status_permission_lost", WORKSPACE)
    await braze.passes(minutes=5)
    before = len(deeper(braze))
    await braze.passes(minutes=30)
    assert len(deeper(braze)) == before
    braze.world.clear("job_sync_status_permission_lost", WORKSPACE)
    await braze.passes(minutes=90)
    assert starts(truth(braze, users)) <= starts(past(braze, users))


@in_virtual_time
async def test_what_discovery_finds_later_is_read_and_what_is_gone_is_not_waited_for(braze: Polling) -> None:
    first, gone = braze.add("first", HOURLY, history=DAYS), braze.add("gone", HOURLY, history=10 * DAYS)
    braze.watch(discovery=True, history=10 * DAYS)
    await braze.passes(minutes=2)
    braze.world.remove_integration(gone)
    await braze.passes(minutes=20)
    assert braze.value("exporter_history_read_ratio") == 1.0
    later = braze.add("later", HOURLY, history=DAYS)
    await braze.passes(minutes=10)
    for each in (first, later):
        assert starts(truth(braze, each)) <= starts(past(braze, each))
    assert braze.value("exporter_history_read_ratio") == 1.0


@in_virtual_time
async def test_nothing_is_kept_of_what_is_forgotten(braze: Polling) -> None:
    ids = [braze.add(f"name {number}", every(hours=1), history=timedelta(days=1)) for number in range(5)]
    poller = braze.watch(discovery=True, history=timedelta(days=30))
    await braze.passes(minutes=20)
    for one in ids[1:]:
        braze.world.remove_integration(one)
    await braze.passes(minutes=10)
    for watched in tuple(poller._shell):
        if watched.state.gone is not None:
            poller._shell.withdraw(watched)  # as happens after KEPT_FOR
    del watched
    await braze.passes(minutes=10)
    gc.collect()
    left = [one.key for one in gc.get_objects() if isinstance(one, Watched) and one.key != ids[0]]
    assert len(left) <= 1  # the latest that a loop has looked at


@in_virtual_time
async def test_no_share_is_shown_once_no_history_is_wanted(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    before = braze.watch(configured=[users], history=DAYS)
    await braze.passes(minutes=3)
    assert braze.value("exporter_history_read_ratio") is not None
    await braze.stop()
    braze.watch(configured=[users], carried=before.states)
    await braze.passes(minutes=3)
    assert braze.value("exporter_history_read_ratio") is None


@in_virtual_time
async def test_it_goes_no_deeper_than_syncs_are_learned_from(braze: Polling) -> None:
    often = braze.add("often", every(minutes=15), history=4 * DAYS)
    braze.watch(configured=[often], discovery=True, history=4 * DAYS)
    await braze.passes(minutes=20)
    assert braze.value("exporter_history_read_ratio") == 1.0
    assert len(deeper(braze)) == MOST / 10 - 1
    assert MOST - 10 <= len(past(braze, often)) <= MOST


@in_virtual_time
async def test_pages_that_go_in_circles_end_the_walk(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    braze.world.faults.add("link_to_itself", integration_id=users)
    braze.watch(configured=[users], discovery=True, history=DAYS)
    await braze.passes(minutes=10)
    assert braze.store.load_past(WORKSPACE, users).progress.done
    assert braze.requests(OWN) <= 8


def test_pages_that_come_oldest_first_are_read_to_the_last() -> None:
    async def test(braze: Polling) -> None:
        users = braze.add("users", HOURLY, history=DAYS)
        braze.watch(configured=[users], discovery=True, history=DAYS / 2, poll=PollSettings(max_pages=50))
        await braze.passes(minutes=20)
        assert starts(truth(braze, users)) <= starts(past(braze, users))
        assert braze.value("exporter_history_read_ratio") == 1.0

    poll_braze(test, style=Style(order="oldest first"))


@in_virtual_time
async def test_cursors_that_are_refused_again_and_again_are_tried_less_and_less(braze: Polling) -> None:
    users = braze.add("users", HOURLY, history=DAYS)
    braze.world.faults.add("link_cursor_refused", integration_id=users)
    braze.watch(configured=[users], discovery=True, history=DAYS)
    await braze.passes(minutes=300)
    assert 5 <= len(deeper(braze)) <= 12


@in_virtual_time
async def test_a_record_that_is_revised_is_revised_in_the_past(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], discovery=False)
    await braze.passes(minutes=2)
    braze.sync(users, rows=10)
    await braze.passes(minutes=2)
    braze.world.revise_sync(users, 0, rows_synced=20)
    await braze.passes(minutes=70)
    assert past(braze, users) == tuple(replace(one, rows_synced=20) for one in truth(braze, users))
    assert braze.value("rows_synced_total", users) == 10
