"""The past is read from where the state ends, and no page is asked for whose syncs are known."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from exporter.app import histories
from exporter.app.histories import expected_requests, read_history, read_past
from exporter.braze import api
from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import PollError
from exporter.domain.model import Sync
from exporter.domain.past import MOST, Past, to_run, to_sync
from exporter.domain.rate_limit import RateLimiter
from exporter.metrics.self_metrics import SelfMetrics
from exporter.simulator.schedule import every
from exporter.state.pasts import Progress, StoredPast
from tests.virtual_braze import VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

START = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


class Braze:
    """A simulated Braze with one integration that syncs every quarter of an hour, in virtual time."""

    def __init__(self, clock: VirtualClock, days: float = 4) -> None:
        self.world = World(1, clock.now() - timedelta(minutes=10))  # so that no sync runs or begins meanwhile
        self.world.add_workspace("w")
        self.key = self.world.add_integration("w", "users", schedule=every(minutes=15), history=timedelta(days=days))
        self.world.advance(clock.now())
        self.sender = VirtualSender(self.world, clock, "key-of-w", random.Random(1))
        limiters = {Endpoint.JOB_SYNC_STATUS: RateLimiter(6000, 1.0, clock.monotonic())}
        self.api = Api(
            workspace="w", sender=self.sender, limiters=limiters, clock=BrazeClock(clock), observer=SelfMetrics()
        )

    @property
    def truth(self) -> list[Sync]:
        """Its finished syncs, oldest first."""
        return [sync for sync in self.world.truth(self.key) if sync.finished]

    async def cursor(self, pages: int) -> str:
        """Return the cursor after the first *pages*."""
        reader = self.api.syncs(self.key)
        cursors = [(await reader.read()).next_cursor for _ in range(pages)]
        self.sender.sent = 0
        assert isinstance(cursors[-1], str)
        return cursors[-1]


def read(
    kept: slice,
    *,
    pages: int | None = None,
    done: bool = False,
    since: timedelta = DAY,
    first: timedelta = 10 * DAY,
    expired: bool = False,
) -> tuple[list[Sync], list[int], int]:
    """
    Read a past of four days.

    Args:
        kept: Which of the true syncs the state has.
        pages: After how many the cursor of the state stands, if it has one.
        done: Whether the state has all of the past.
        since: How long ago what is wanted began,
        first: and what is of use.
        expired: Whether Braze refuses the cursor.

    Returns:
        The truth, the starts read and how many requests that took.

    """

    async def main(clock: VirtualClock) -> tuple[list[Sync], list[int], int]:
        braze = Braze(clock)
        now = clock.now()
        cursor = None if pages is None else await braze.cursor(pages)
        if expired:
            braze.world.faults.add("http_400", page=pages and pages + 1, times=1)
        stored = StoredPast(Past().extend(braze.truth[kept]), Progress(1, None, cursor, done))
        runs = await read_past(braze.api, braze.key, stored, now - since, now - first)
        return braze.truth, [one.start for one in runs], braze.sender.sent

    return run(main, start=START)


def starts(syncs: list[Sync]) -> list[int]:
    return [to_run(sync).start for sync in syncs]


ALL = 39
"""Pages of four days."""


@pytest.mark.parametrize(
    ("kept", "pages", "done", "most"),
    [
        (slice(0, 0), None, False, ALL),  # nothing is known
        (slice(None), None, True, 1),  # all is
        (slice(0, -35), None, True, 5),  # all but the latest: the gap is closed
        (slice(-100, None), 10, False, ALL - 9),  # goes on where the daemon has stopped
        (slice(-100, -25), 10, False, ALL - 6),  # after the gap
        (slice(-5, None), None, False, ALL),  # only what was counted live
    ],
)
def test_all_is_read_but_not_asked_for_again(kept: slice, pages: int | None, done: bool, most: int) -> None:
    truth, found, sent = read(kept, pages=pages, done=done)
    assert found == starts(truth)
    assert sent <= most


def test_a_cursor_that_has_expired_costs_requests_only() -> None:
    truth, found, sent = read(slice(-100, None), pages=10, expired=True)
    assert found == starts(truth)
    assert sent > ALL


def test_what_is_of_no_use_is_neither_read_nor_returned() -> None:
    truth, found, sent = read(slice(0, 0), first=2 * DAY)
    wanted = [sync for sync in truth if sync.sync_start_time >= START - 2 * DAY]
    assert found == starts(wanted)
    assert sent <= ALL / 2 + 2


def test_before_the_time_that_is_judged_no_more_is_read_than_is_learned_from() -> None:
    async def main(clock: VirtualClock) -> tuple[int, int]:
        braze = Braze(clock, days=40)
        now = clock.now()
        runs = await read_past(braze.api, braze.key, StoredPast(), now - DAY, now - 100 * DAY)
        return len(runs), len(braze.truth)

    read_, known = run(main, start=START)
    assert MOST + 90 <= read_ <= MOST + 110 < known


def test_more_pages_are_read_than_a_poll_would_believe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_PAGES", 20)
    truth, found, sent = read(slice(0, 0))
    assert (found, sent) == (starts(truth), ALL)


def test_no_more_is_read_than_is_bearable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "LONGEST", 100)
    truth, found, sent = read(slice(0, 0))
    assert (found, sent) == (starts(truth)[-len(found) :], 10)


@pytest.mark.parametrize("backfill", [False, True])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "fault", ["http_500", "hang", "cut_json", "throttle_retry_after", "short_page", "empty_results"]
)
def test_a_page_that_fails_or_comes_short_is_asked_for_again(fault: str, times: int, *, backfill: bool) -> None:
    async def main(clock: VirtualClock) -> tuple[list[int], list[int], int]:
        braze = Braze(clock)
        truth, long_ago = braze.truth, clock.now() - 10 * DAY
        for page in (1, 3):
            braze.world.faults.add(fault, page=page, times=times)
        if backfill:
            found = starts(list(await read_history(braze.api, braze.key, long_ago, long_ago)))
        else:
            found = [run.start for run in await read_past(braze.api, braze.key, StoredPast(), long_ago, long_ago)]
        return found, starts(truth), braze.sender.sent

    found, truth, sent = run(main, start=START)
    assert found[: len(truth)] == truth
    assert sent == ALL + 2 * times


@pytest.mark.parametrize("backfill", [False, True])
def test_a_sync_that_still_runs_is_read(*, backfill: bool) -> None:
    async def main(clock: VirtualClock) -> tuple[bool, bool]:
        braze = Braze(clock)
        while braze.world.truth(braze.key)[-1].finished:
            await asyncio.sleep(1)
            braze.world.advance(clock.now())
        long_ago = clock.now() - DAY
        if backfill:
            last = (await read_history(braze.api, braze.key, long_ago, long_ago))[-1]
        else:
            last = to_sync((await read_past(braze.api, braze.key, StoredPast(), long_ago, long_ago))[-1])
        return last.finished, last == braze.world.truth(braze.key)[-1]

    assert run(main, start=START) == (False, True)


def test_a_page_that_stays_short_is_taken_as_it_is() -> None:
    async def main(clock: VirtualClock) -> tuple[int, int]:
        braze = Braze(clock)
        braze.world.faults.add("short_page", page=3)
        runs = await read_past(braze.api, braze.key, StoredPast(), clock.now() - DAY, clock.now() - 10 * DAY)
        return len(runs), len(braze.truth)

    found, truth = run(main, start=START)
    assert found == truth - 7


def test_pages_that_go_round_in_circles_fail() -> None:
    async def main(clock: VirtualClock) -> None:
        braze = Braze(clock)
        braze.world.faults.add("link_to_itself")
        await read_past(braze.api, braze.key, StoredPast(), clock.now() - DAY, clock.now() - 10 * DAY)

    with pytest.raises(PollError):
        run(main, start=START)


def test_of_records_with_the_same_start_on_a_page_the_first_is_the_sync_as_for_the_counters() -> None:
    async def main(clock: VirtualClock) -> tuple[list[int | None], ...]:
        braze, now = Braze(clock), clock.now()
        braze.world.faults.add("same_start")
        syncs = await read_history(braze.api, braze.key, now - DAY, now - 10 * DAY)
        runs = await read_past(braze.api, braze.key, StoredPast(), now - DAY, now - 10 * DAY)
        rows = [[one.rows_synced for one in each] for each in (braze.truth, syncs, runs)]
        return tuple(rows)

    truth, *found = run(main, start=START)
    assert found == [truth, truth]


def test_a_page_that_does_not_come_fails_the_whole_past() -> None:
    async def main(clock: VirtualClock) -> None:
        braze = Braze(clock)
        braze.world.faults.add("http_500", page=3)
        await read_past(braze.api, braze.key, StoredPast(), clock.now() - DAY, clock.now() - 10 * DAY)

    with pytest.raises(PollError):
        run(main, start=START)


def test_the_cost_is_about_what_is_asked_for() -> None:
    async def main(clock: VirtualClock) -> list[tuple[int | None, int]]:
        braze, now = Braze(clock), clock.now()
        since, first = now - DAY, now - 3 * DAY
        told = []
        for stored in (
            StoredPast(),
            StoredPast(Past().extend(braze.truth), Progress(done=True)),
            StoredPast(Past().extend(braze.truth[-100:]), Progress(10, None, await braze.cursor(10))),
        ):
            cost, sent = expected_requests(stored, since, first, now), braze.sender.sent
            await read_past(braze.api, braze.key, stored, since, first)
            told.append((cost, braze.sender.sent - sent))
        return told

    unknown, known, half = run(main, start=START)
    assert unknown[0] is None
    assert known == (1, 1)
    assert half[0] == pytest.approx(half[1], abs=3)
