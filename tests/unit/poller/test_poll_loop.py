"""The poll loop: what is due is started within the rate limit, and nothing that goes wrong in a poll stops another."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.poll_queue import PollQueue
from exporter.domain.rate_limit import WINDOW_SECONDS, RateLimiter
from exporter.log import build_log
from exporter.poller.loop import HANGS_AFTER_SECONDS, LONGEST_NAP_SECONDS, POLLS_AT_A_TIME, PollLoop
from tests.braze_fakes import FakeSender, Observed
from tests.virtual_time import VirtualClock, run

START = datetime(2026, 3, 1, tzinfo=UTC)
INTERVAL_SECONDS = 60.0


class Bench:
    """A loop with an agenda of its own; *poll* is what the test makes of a poll."""

    def __init__(
        self, clock: VirtualClock, poll: Callable[["Bench", str], Awaitable[None]], allowed: int, at_once: int
    ) -> None:
        self.clock = clock
        self.observed = Observed()
        self.log = io.StringIO()
        self.queue = PollQueue(INTERVAL_SECONDS)
        self.polled: list[tuple[float, str]] = []
        self.began = clock.monotonic()
        self._poll = poll
        limiters = {Endpoint.JOB_SYNC_STATUS: RateLimiter(allowed, 1.0, self.began - WINDOW_SECONDS)}
        api = Api(
            workspace="w", sender=FakeSender(), limiters=limiters, clock=BrazeClock(clock), observer=self.observed
        )
        log = build_log("info", "logfmt", self.log)
        self.loop = PollLoop(self.queue, api, self._note, clock, log, at_once=at_once)

    async def _note(self, key: str, _turn_taken: bool) -> None:
        self.polled.append((self.clock.monotonic() - self.began, key))
        await self._poll(self, key)

    def done(self, key: str) -> None:
        self.queue.done(key, self.clock.monotonic(), succeeded=True)

    def keys(self) -> list[str]:
        return [key for _, key in self.polled]


async def quick(bench: Bench, key: str) -> None:
    bench.done(key)


def with_loop(
    act: Callable[[Bench], Awaitable[None]],
    poll: Callable[[Bench, str], Awaitable[None]] = quick,
    *,
    allowed: int = 1000,
    at_once: int = POLLS_AT_A_TIME,
) -> Bench:
    """Run the loop while *act* lasts."""

    async def main(clock: VirtualClock) -> Bench:
        bench = Bench(clock, poll, allowed, at_once)
        running = asyncio.create_task(bench.loop.run())
        try:
            await act(bench)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        return bench

    return run(main, start=START)


def add(bench: Bench, *keys: str) -> None:
    for key in keys:
        bench.queue.add(key, bench.clock.monotonic())
    bench.loop.wake()


def test_what_is_due_is_polled_once_an_interval() -> None:
    async def act(bench: Bench) -> None:
        add(bench, "a", "b")
        await asyncio.sleep(10 * INTERVAL_SECONDS)

    keys = with_loop(act).keys()
    assert keys.count("a") in {10, 11}
    assert keys.count("b") in {10, 11}


def test_an_integration_added_while_the_loop_sleeps_is_polled_at_once() -> None:
    async def act(bench: Bench) -> None:
        await asyncio.sleep(5)
        add(bench, "a")
        await asyncio.sleep(0.001)
        assert bench.polled == [(5.0, "a")]

    with_loop(act)


def test_no_more_polls_are_under_way_than_may_be_and_hanging_ones_hold_up_no_others() -> None:
    async def hang(bench: Bench, key: str) -> None:
        if key.startswith("hanging"):
            await asyncio.sleep(20.0)
        bench.done(key)

    async def act(bench: Bench) -> None:
        add(bench, *(f"hanging {n}" for n in range(POLLS_AT_A_TIME - 1)), "z1", "z2", "z3")
        await asyncio.sleep(1.0)
        assert set(bench.keys()) >= {"z1", "z2", "z3"}
        add(bench, *(f"hanging more {n}" for n in range(5)))
        await asyncio.sleep(1.0)
        assert len(bench.polled) == POLLS_AT_A_TIME - 1 + 3 + 1

    with_loop(act, hang)


def test_where_workspaces_are_many_a_poll_waits_for_prompt_ones_and_goes_on_beside_hanging_ones() -> None:
    async def take_long(bench: Bench, key: str) -> None:
        await asyncio.sleep(20.0 if key.startswith("hanging") else 0.25)
        bench.done(key)

    async def act(bench: Bench) -> None:
        add(bench, "a", "b", "hanging 1", "hanging 2", "i", "j")
        await asyncio.sleep(4.0)

    begun = with_loop(act, take_long, at_once=1).polled
    assert begun == [(0.0, "a"), (0.25, "b"), (0.5, "hanging 1"), (1.5, "hanging 2"), (2.5, "i"), (2.75, "j")]


def test_the_budget_holds_polls_back_and_the_waiting_is_noted_as_it_was() -> None:
    async def act(bench: Bench) -> None:
        add(bench, "a", "b", "c", "d")
        await asyncio.sleep(WINDOW_SECONDS / 2)
        assert len(bench.polled) == 2
        bench.loop.wake()
        await asyncio.sleep(WINDOW_SECONDS / 2 + 0.1)
        assert len(bench.polled) == 4

    bench = with_loop(act, allowed=2)
    assert bench.observed.throttled_seconds["job_sync_status"] == pytest.approx(WINDOW_SECONDS, abs=0.2)


def test_a_poll_that_crashes_is_logged_and_its_integration_is_due_again() -> None:
    async def crash(bench: Bench, key: str) -> None:
        if key == "a":
            raise RuntimeError("a defect")
        bench.done(key)

    async def act(bench: Bench) -> None:
        add(bench, "a", "b")
        await asyncio.sleep(3 * INTERVAL_SECONDS)

    bench = with_loop(act, crash)
    assert bench.keys().count("a") >= 2
    assert bench.keys().count("b") >= 3
    assert "a defect" in bench.log.getvalue()


def test_integrations_whose_polls_were_cancelled_are_due_again_when_the_loop_runs_again() -> None:
    async def hang(bench: Bench, key: str) -> None:
        await asyncio.sleep(20.0)
        bench.done(key)

    async def main(clock: VirtualClock) -> None:
        bench = Bench(clock, hang, 1000, POLLS_AT_A_TIME)
        add(bench, "a")
        for _ in range(2):
            running = asyncio.create_task(bench.loop.run())
            await asyncio.sleep(5.0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.sleep(2 * INTERVAL_SECONDS)
        assert bench.keys() == ["a", "a"]

    run(main, start=START)


def test_cancelling_the_loop_cancels_its_polls() -> None:
    ended: list[str] = []

    async def hang(_bench: Bench, key: str) -> None:
        try:
            await asyncio.sleep(1000.0)
        finally:
            ended.append(key)

    async def act(bench: Bench) -> None:
        add(bench, "a")
        await asyncio.sleep(1.0)

    with_loop(act, hang)
    assert ended == ["a"]


def test_a_loop_with_nothing_to_do_is_healthy_however_long() -> None:
    async def act(bench: Bench) -> None:
        for _ in range(100):
            await asyncio.sleep(LONGEST_NAP_SECONDS / 7)
            assert bench.loop.unhealthy() is None

    with_loop(act)


def test_a_loop_that_no_longer_moves_is_unhealthy_after_a_while() -> None:
    async def main(clock: VirtualClock) -> None:
        bench = Bench(clock, quick, 1000, POLLS_AT_A_TIME)
        assert bench.loop.unhealthy() is None
        running = asyncio.create_task(bench.loop.run())
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(LONGEST_NAP_SECONDS + HANGS_AFTER_SECONDS - 2)
        assert bench.loop.unhealthy() is None
        await asyncio.sleep(3)
        assert "should have moved" in (bench.loop.unhealthy() or "")

    run(main, start=START)
