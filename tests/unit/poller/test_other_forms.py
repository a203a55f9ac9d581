"""
Braze answers in another form than is assumed (docs/testing.md).

As in `test_doubts.py`: counters equal the truth, and what is not known is not shown. Nothing here is an anomaly, as
Braze promises none of it.
"""

from datetime import timedelta

import pytest

from exporter.domain.settings import PollSettings
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import ON_DEMAND, every
from exporter.simulator.style import Style
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time, poll_braze

OFTEN = PollSettings(verify_after_seconds=60)
WATERMARK = "last_timestamp_synced_seconds"


def anomalies(braze: Polling) -> float:
    return sum(braze.values("exporter_payload_anomalies_total").values())


@in_virtual_time
async def test_a_running_sync_that_shows_a_finish_runs_and_counts_once_it_has_ended(braze: Polling) -> None:
    key = braze.add("users")
    braze.sync(key)
    braze.watch(configured=[key], poll=OFTEN)
    await braze.passes(minutes=2)
    before = braze.value("last_sync_finish_timestamp_seconds", key)
    braze.world.start_sync(key, duration=timedelta(minutes=30), rows_synced=10)
    braze.world.revise_sync(key, -1, sync_finish_time=braze.clock.true_now() + timedelta(minutes=20))
    await braze.passes(minutes=10)
    assert braze.value("last_sync_status", key, status="running") == 1
    assert braze.value("last_sync_finish_timestamp_seconds", key) == before
    assert braze.counted(key) == 0
    await braze.passes(minutes=25)
    assert braze.value("last_sync_status", key, status="success") == 1
    assert braze.counted(key) == 1
    assert anomalies(braze) == 0


@in_virtual_time
async def test_a_failed_sync_with_rows_and_without_a_finish_counts_with_its_rows(braze: Polling) -> None:
    key = braze.add("users")
    braze.sync(key)
    braze.watch(configured=[key], poll=OFTEN)
    await braze.passes(minutes=2)
    braze.sync(key, word="error", rows=7)
    braze.world.revise_sync(key, -1, sync_finish_time=None)
    await braze.passes(minutes=3)
    assert braze.value("syncs_total", key, status="error") == 1
    assert braze.value("rows_synced_total", key) == braze.value("last_sync_rows_synced", key) == 7
    assert braze.value("last_sync_duration_seconds", key) is None
    assert braze.problems(key) == {("failed", "warning")}


@in_virtual_time
async def test_a_start_that_all_answers_hide_for_minutes_is_not_overdue_and_counts(braze: Polling) -> None:
    key = braze.add("users", every(minutes=15))
    await braze.passes(minutes=41)
    before = braze.finished(key)
    braze.watch(configured=[key], poll=OFTEN)
    await braze.passes(minutes=2)
    for _ in range(6):
        for endpoint in (LIST, OWN):
            braze.world.faults.add("cached", endpoint=endpoint, record=None)
        for _ in range(9):
            await braze.passes(minutes=1)
            assert braze.problems(key) == set()
        braze.world.faults.clear()
        await braze.passes(minutes=2)
    assert braze.counted(key) == braze.finished(key) - before >= 4


@pytest.mark.parametrize("state", ["paused", "draft"])
def test_a_run_that_is_announced_where_nothing_runs_is_not_overdue(state: str) -> None:
    async def test(braze: Polling) -> None:
        key = braze.world.add_integration(WORKSPACE, "users", schedule=every(hours=1))
        await braze.passes(minutes=90)
        braze.watch(configured=[key])
        await braze.passes(minutes=2)
        braze.world.faults.add("announced", endpoint=LIST, record=None)
        if state == "paused":
            braze.world.switch("paused", key)
        else:
            braze.world.integrations[key].profile = Profile(draft=True)
            braze.world.integrations[key].version += 1
        await braze.passes(minutes=240)
        assert {kind for kind, _ in braze.problems(key)} == ({"paused"} if state == "paused" else set())

    poll_braze(test)


@pytest.mark.parametrize("rolls", [True, False])
def test_a_missed_run_is_overdue_whether_its_announcement_moves_on_or_stays(rolls: bool) -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users", every(hours=1), history=timedelta(hours=3))
        braze.watch(configured=[key])
        await braze.passes(minutes=30)
        braze.world.switch("silent_stop", key)
        await braze.passes(minutes=180)
        assert braze.problems(key) == {("overdue", "critical")}

    poll_braze(test, style=Style(announcement_rolls=rolls))


@pytest.mark.parametrize(("fault", "odd"), [("surprise_field", False), ("missing_fields", True)])
def test_fields_that_nobody_documents_cost_nothing_and_missing_ones_are_not_known(fault: str, odd: bool) -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users")
        braze.sync(key)
        braze.world.faults.add(fault, record=0)
        braze.watch(configured=[key], poll=OFTEN)
        await braze.passes(minutes=2)
        assert braze.value("up", key) == 1
        assert (anomalies(braze) > 0) == odd
        assert braze.value("last_sync_rows_synced", key) == (None if odd else 10)
        braze.world.faults.clear()
        braze.sync(key)
        await braze.passes(minutes=3)
        assert braze.counted(key) == (2 if odd else 1)
        assert braze.value("last_sync_rows_synced", key) == 10

    poll_braze(test)


@pytest.mark.parametrize("warehouse", ["s3", "snowflake"])
def test_a_watermark_is_shown_where_there_is_one_whatever_the_warehouse(warehouse: str) -> None:
    async def test(braze: Polling) -> None:
        with_one, without = (
            braze.world.add_integration(WORKSPACE, name, profile=Profile(warehouse), schedule=ON_DEMAND)
            for name in ("with", "without")
        )
        for key in (with_one, without):
            braze.sync(key)
        braze.world.revise_sync(without, -1, last_timestamp_synced=None)
        braze.world.integrations[without].watermark = None
        braze.watch(configured=[with_one, without])
        await braze.passes(minutes=3)
        truth = braze.world.truth(with_one)[-1].last_timestamp_synced
        assert truth is not None
        assert braze.value(WATERMARK, with_one) == truth.timestamp()
        assert braze.value(WATERMARK, without) is None
        assert braze.problems(with_one) == braze.problems(without) == set()

    poll_braze(test)


@in_virtual_time
async def test_a_draft_that_the_list_hides_is_found_when_it_is_active(braze: Polling) -> None:
    known, draft = braze.add("known"), braze.add("draft")
    braze.unlist(draft)
    braze.watch(configured=[known])
    await braze.passes(minutes=3)
    assert braze.value("exporter_unwatched_integrations") == 0
    braze.relist(draft)
    await braze.passes(minutes=3)
    assert braze.value("exporter_unwatched_integrations") == 1
    assert braze.requests(OWN, draft) == 0
