"""The virtual loop: waiting takes no time, in the right order, and a deadlock is told instead of waited for."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.virtual_time import DeadlockError, VirtualClock, run

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_sleeping_moves_both_clocks_by_exactly_that_much() -> None:
    async def main(clock: VirtualClock) -> None:
        began = clock.monotonic()
        await asyncio.sleep(7 * 86400)
        assert clock.monotonic() - began == 7 * 86400
        assert clock.now() == START + timedelta(days=7)

    run(main, start=START)


def test_tasks_wake_in_the_order_of_their_moments() -> None:
    async def main(_clock: VirtualClock) -> list[int]:
        order: list[int] = []

        async def note(seconds: int) -> None:
            await asyncio.sleep(seconds)
            order.append(seconds)

        await asyncio.gather(*map(note, (300, 1, 20)))
        return order

    assert run(main, start=START) == [1, 20, 300]


def test_a_timeout_ends_a_wait_for_what_never_comes() -> None:
    async def main(clock: VirtualClock) -> float:
        began = clock.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return clock.monotonic() - began

    assert run(main, start=START) == 30


def test_a_wait_that_nothing_can_end_is_an_error() -> None:
    async def main(_clock: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run(main, start=START)


def test_a_step_of_the_wall_clock_moves_the_time_of_day_alone() -> None:
    async def main(clock: VirtualClock) -> None:
        began = clock.monotonic()
        clock.step(-3600)
        assert clock.now() == START - timedelta(hours=1)
        assert clock.true_now() == START
        assert clock.monotonic() == began

    run(main, start=START)
