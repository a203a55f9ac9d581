"""
What Braze's answers contradict (docs/testing.md).

Never an old value as new, counters that equal the truth or a gap that is reported, and an anomaly of its own kind in
metric, page and log.
"""

from datetime import timedelta

import pytest

from exporter.domain.settings import PollSettings
from exporter.simulator.schedule import every
from exporter.simulator.style import Style
from tests.polling import LIST, OWN, Polling, in_virtual_time, poll_braze

OFTEN = PollSettings(verify_after_seconds=60)


def anomalies(braze: Polling, kind: str) -> float:
    return sum(braze.values("exporter_payload_anomalies_total", kind=kind).values())


def latest_start(braze: Polling, key: str) -> float:
    return max(sync.sync_start_time for sync in braze.world.integrations[key].syncs).timestamp()


@pytest.mark.parametrize("discovery", [True, False])
@pytest.mark.parametrize("past", [1, 10, 25, 190])
@pytest.mark.parametrize("style", [Style(order="oldest first"), Style(order="jumbled")], ids=lambda style: style.order)
def test_the_latest_sync_is_found_in_whatever_order(style: Style, past: int, discovery: bool) -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users", every(minutes=15), history=timedelta(minutes=15 * past))
        await braze.passes(minutes=12)
        assert not braze.world.integrations[key].running
        before = braze.finished(key)
        poller = braze.watch(configured=[] if discovery else [key], discovery=discovery, poll=OFTEN)
        await braze.passes(minutes=31)
        assert braze.counted(key) == braze.finished(key) - before >= 2
        assert braze.value("last_sync_start_timestamp_seconds", key) == latest_start(braze, key)
        assert braze.value("exporter_history_gaps_total", key) == 0
        assert anomalies(braze, "not_latest_first") > 0
        assert any("not_latest_first" in note for note in poller.notes())
        assert sum("not_latest_first" in line for line in braze.lines()) == 1

    poll_braze(test, style=style)


def test_where_the_latest_cannot_be_found_the_poll_says_so_and_shows_no_old_sync() -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users", every(minutes=15), history=timedelta(minutes=15 * 40))
        braze.watch(configured=[key], poll=PollSettings(max_pages=3))
        await braze.passes(minutes=5)
        assert braze.value("up", key) == 0
        assert braze.value("exporter_poll_failures_total", reason="payload") or 0
        assert any("latest sync cannot be found" in line for line in braze.lines())
        start = braze.value("last_sync_start_timestamp_seconds", key)
        assert start in {None, latest_start(braze, key)}

    poll_braze(test, style=Style(order="oldest first"))


def test_pages_that_only_jumble_their_records_cost_one_page_more() -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users", every(minutes=15), history=timedelta(days=3))
        braze.watch(configured=[key])
        await braze.passes(minutes=3)
        before = braze.requests(OWN)
        await braze.passes(minutes=60)
        assert braze.requests(OWN) - before <= 20

    poll_braze(test, style=Style(order="jumbled"))


@in_virtual_time
async def test_a_page_older_than_the_list_is_an_anomaly_and_no_run_is_overdue(braze: Polling) -> None:
    """A cache gives the page of an integration as it was."""
    key = braze.add("users", every(minutes=15))
    await braze.passes(minutes=41)
    before = braze.finished(key)
    braze.watch(configured=[key], poll=OFTEN)
    await braze.passes(minutes=2)
    braze.world.faults.add("cached", endpoint=OWN, record=None)
    await braze.passes(minutes=60)
    assert anomalies(braze, "older_than_list") > 0
    assert braze.problems(key) == set()
    braze.world.faults.clear()
    await braze.passes(minutes=10)
    assert braze.counted(key) == braze.finished(key) - before >= 4
    assert braze.value("last_sync_start_timestamp_seconds", key) == latest_start(braze, key)


@in_virtual_time
async def test_a_finished_sync_that_changes_is_an_anomaly_and_counts_once(braze: Polling) -> None:
    key = braze.add("users")
    braze.sync(key, rows=10)
    braze.watch(configured=[key], poll=OFTEN)
    await braze.passes(minutes=2)
    braze.sync(key, rows=10)
    await braze.passes(minutes=2)
    braze.world.revise_sync(key, 1, rows_synced=70)
    await braze.passes(minutes=3)
    assert anomalies(braze, "finished_sync_changed") == 1
    assert braze.value("last_sync_rows_synced", key) == 70
    assert braze.counted(key) == 1


@pytest.mark.parametrize("of_list", [True, False])
def test_a_watermark_that_differs_between_list_and_page_is_an_anomaly(of_list: bool) -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users")
        braze.sync(key)
        braze.watch(configured=[key], poll=OFTEN)
        await braze.passes(minutes=5)
        assert anomalies(braze, "watermark_differs_from_list") == 0
        braze.world.faults.add("watermark_behind", endpoint=LIST if of_list else OWN, record=None)
        await braze.passes(minutes=5)
        assert anomalies(braze, "watermark_differs_from_list") > 0

    poll_braze(test)


@in_virtual_time
async def test_a_status_nobody_documents_is_unknown_and_kept_as_braze_words_it(braze: Polling) -> None:
    key = braze.add("users")
    braze.sync(key)
    braze.world.faults.add("novel_status", endpoint=OWN)
    braze.watch(configured=[key])
    await braze.passes(minutes=2)
    await braze.restart()
    poller = braze.watch(configured=[key])
    (view,) = poller.views
    (problem,) = view.problems
    assert problem.text == "The latest sync has a status 'hibernating' that Braze does not document"
    assert braze.value("last_sync_status", key, status="unknown") == 1


@in_virtual_time
async def test_a_cursor_that_is_refused_makes_no_poll_fail_and_is_a_gap_in_the_end(braze: Polling) -> None:
    key = braze.add("users", every(minutes=1), history=timedelta(hours=1))
    braze.watch(configured=[key], poll=PollSettings(interval_seconds=900))
    await braze.passes(minutes=2)
    braze.world.faults.add("link_cursor_refused", endpoint=OWN)
    for _ in range(8):
        await braze.passes(minutes=20)
        assert braze.value("up", key) == 1
    assert anomalies(braze, "cursor_refused") > 0
    assert (braze.value("exporter_history_gaps_total", key) or 0) >= 1
    assert braze.counted(key) <= braze.finished(key)


@pytest.mark.parametrize(("fault", "word"), [("http_401", "IP allow list"), ("http_403", "IP allow list")])
def test_a_refusal_names_the_allow_list(fault: str, word: str) -> None:
    async def test(braze: Polling) -> None:
        key = braze.add("users")
        braze.world.faults.add(fault, endpoint=OWN)
        poller = braze.watch(configured=[key])
        await braze.passes(minutes=2)
        failure = poller.views[0].failure
        assert failure is not None
        assert word in failure.message

    poll_braze(test)
