"""Whose turn it is: by failures of late, of the address before those of the name."""

import asyncio

import pytest

from exporter.web.turns import BusyError, Rank, Record, Turns, group


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def record(now: list[float]) -> Record:
    return Record(lambda: now[0])


def test_failures_count_for_address_and_name(record: Record) -> None:
    record.note(b"here", b"ann", good=False)
    record.note(b"here", b"bob", good=False)
    assert record.rank(b"here", b"ann") == (2, 1)
    assert record.rank(b"there", b"ann") == (0, 1)
    assert record.rank(b"there", b"zoe") == (0, 0)


def test_an_address_that_was_good_goes_before_unknown_ones_until_it_fails(record: Record) -> None:
    record.note(b"here", b"ann", good=True)
    assert record.rank(b"here", b"ann") < record.rank(b"there", b"ann") == record.rank(b"there", b"zoe")
    record.note(b"here", b"ann", good=False)
    assert record.rank(b"here", b"zoe") > record.rank(b"there", b"zoe")


def test_failures_are_forgotten_after_ten_minutes_without_another(record: Record, now: list[float]) -> None:
    record.note(b"here", b"ann", good=False)
    now[0] = 599.0
    record.note(b"here", b"ann", good=False)
    now[0] = 1198.0
    assert record.rank(b"here", b"ann") == (2, 2)
    now[0] = 1199.0
    assert record.rank(b"here", b"ann") == (0, 0)
    record.note(b"here", b"ann", good=False)
    assert record.rank(b"here", b"ann") == (1, 1)


def test_what_is_kept_is_bounded_and_the_latest(record: Record) -> None:
    for number in range(3000):
        record.note(b"here", b"%d" % number, good=False)
        record.note(b"address %d" % number, b"name", good=True)
    assert (len(record._failures), len(record._trusted)) == (1000, 100)
    assert record.rank(b"here", b"2999") == (3000, 1)


async def see_order(ranks: list[Rank], most_waiting: int = 10) -> list[int]:
    """Return in which order those have their turn who come while another has it; those who may not wait are absent."""
    turns, order = Turns(most_waiting), []

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
        turns = Turns(10)
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


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
        ("testclient", "other", False),
    ],
)
def test_an_ipv6_network_is_one_caller(one: str, other: str, same: bool) -> None:
    assert (group(one) == group(other)) is same
