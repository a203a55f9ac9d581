"""Turns go by rank; those with the highest rank give way where too many wait."""

import asyncio

import pytest

from exporter.turns import BusyError, Rank, Turns


async def see_order(ranks: list[Rank], most_waiting: int = 10) -> list[int]:
    """Return in which order those have their turn who come while another has it; those who may not wait are absent."""
    turns, order = Turns(1, most_waiting), []

    async def come(number: int, rank: Rank) -> None:
        async with turns.take(lambda: rank):
            order.append(number)
            await asyncio.sleep(0)

    async with turns.take(lambda: (0, 0)):
        coming = [asyncio.create_task(come(number, rank)) for number, rank in enumerate(ranks)]
        for _ in range(5):
            await asyncio.sleep(0)
    ends = await asyncio.gather(*coming, return_exceptions=True)
    assert {number for number, end in enumerate(ends) if isinstance(end, BusyError)} == {*range(len(ranks))} - {*order}
    return order


@pytest.mark.parametrize(
    ("ranks", "most", "order"),
    [
        ([(0, 0)] * 3, 3, [0, 1, 2]),
        ([(2, 0), (1, 5), (1, 0), (-1, 9)], 4, [3, 2, 1, 0]),
        ([(0, 0)] * 3, 2, [0, 1]),
        ([(1, 0), (1, 0), (0, 0)], 2, [2, 0]),
        ([(1, 0), (0, 0), (2, 0)], 2, [1, 0]),
        ([(1, 0), (0, 0), (0, 0), (0, 0)], 2, [1, 2]),
    ],
)
def test_the_lowest_rank_is_next_and_the_highest_gives_way(ranks: list[Rank], most: int, order: list[int]) -> None:
    assert asyncio.run(see_order(ranks, most)) == order


def test_one_who_gives_up_with_the_turn_in_hand_passes_it_on() -> None:
    async def scenario() -> None:
        turns = Turns(1)
        reached = []

        async def come(number: int) -> None:
            async with turns.take(lambda: (0, 0)):
                reached.append(number)

        async with turns.take(lambda: (0, 0)):
            first, second = [asyncio.create_task(come(number)) for number in range(2)]
            await asyncio.sleep(0)
        first.cancel()  # its turn has come, but it has not gone on yet
        await asyncio.gather(first, second, return_exceptions=True)
        assert reached == [1]
        await come(2)
        assert reached == [1, 2]

    asyncio.run(scenario())


def test_one_who_gives_up_in_the_moment_in_which_another_is_done_is_passed_over() -> None:
    async def scenario() -> None:
        turns = Turns(1)

        async def come() -> str:
            async with turns.take(lambda: (0, 0)):
                return "reached"

        async with turns.take(lambda: (0, 0)):
            first, second = [asyncio.create_task(come()) for _ in range(2)]
            await asyncio.sleep(0)
            first.cancel()  # and does not know yet when the turn is handed on
        assert await second == "reached"
        assert first.cancelled()
        assert await come() == "reached"
        async with turns.take(lambda: (0, 0)):
            last = asyncio.create_task(come())
            await asyncio.sleep(0)
            last.cancel()
            turns.resize(5)
        assert turns._taken == 0

    asyncio.run(scenario())


def test_as_many_as_there_are_places_have_a_turn_and_their_number_may_change() -> None:
    async def scenario() -> None:
        turns, inside, leave = Turns(2), 0, asyncio.Event()

        async def come() -> None:
            nonlocal inside
            async with turns.take(lambda: (0, 0)):
                inside += 1
                await leave.wait()
                inside -= 1

        coming = [asyncio.create_task(come()) for _ in range(5)]
        await asyncio.sleep(0)
        assert inside == 2
        turns.resize(4)
        await asyncio.sleep(0)
        assert inside == 4
        turns.resize(1)
        leave.set()
        await asyncio.gather(*coming)
        leave.clear()
        coming = [asyncio.create_task(come()) for _ in range(2)]
        await asyncio.sleep(0)
        assert inside == 1
        leave.set()
        await asyncio.gather(*coming)

    asyncio.run(scenario())
