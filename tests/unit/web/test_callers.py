"""Whose turn it is: by failures of late, of the address before those of the name."""

import pytest

from exporter.web.callers import Caller, Queue, Record, group


@pytest.fixture
def now() -> list[float]:
    return [0.0]


def caller(*given: bytes) -> Caller:
    *addresses, name = given
    return Caller(tuple(addresses), name)


@pytest.fixture
def record(now: list[float]) -> Record:
    return Record(lambda: now[0])


def test_failures_count_for_address_and_name(record: Record) -> None:
    record.note(caller(b"here", b"ann"), good=False)
    record.note(caller(b"here", b"bob"), good=False)
    assert record.rank(caller(b"here", b"ann")) == (2, 1)
    assert record.rank(caller(b"there", b"ann")) == (0, 1)
    assert record.rank(caller(b"there", b"zoe")) == (0, 0)


def test_an_address_that_was_good_goes_before_unknown_ones_until_it_fails(record: Record) -> None:
    record.note(caller(b"here", b"ann"), good=True)
    assert (
        record.rank(caller(b"here", b"ann"))
        < record.rank(caller(b"there", b"ann"))
        == record.rank(caller(b"there", b"zoe"))
    )
    record.note(caller(b"here", b"ann"), good=False)
    assert record.rank(caller(b"here", b"zoe")) > record.rank(caller(b"there", b"zoe"))


def test_those_behind_a_proxy_are_told_apart_but_never_before_those_who_come_by_another_address(record: Record) -> None:
    record.note(caller(b"proxy", b"guesser", b"ann"), good=False)
    given = (b"proxy", b"home", b"ann"), (b"proxy", b"guesser", b"ann"), (b"home", b"", b"ann")
    good, guesser, other = (record.rank(caller(*keys)) for keys in given)
    assert other < good < guesser


def test_what_was_not_checked_in_time_is_no_failure_once_it_was_good(record: Record) -> None:
    record.note(caller(b"here", b"ann"), good=False)
    record.note(caller(b"here", b"ann"), good=True)
    assert record.rank(caller(b"here", b"ann")) == (-1, 1)


def test_those_who_wait_count_for_the_others_of_their_address_until_they_leave(record: Record) -> None:
    alone, crowd = caller(b"there", b"bob"), [caller(b"here", b"name %d" % number) for number in range(3)]
    with record.waiting(alone), record.waiting(crowd[0]), record.waiting(crowd[1]), record.waiting(crowd[2]):
        assert record.rank(alone) == (0, 0)
        assert {record.rank(one) for one in crowd} == {(2, 0)}
    assert {record.rank(one) for one in crowd} == {(0, 0)}
    assert not record._waiting


def test_failures_are_forgotten_after_ten_minutes_without_another(record: Record, now: list[float]) -> None:
    record.note(caller(b"here", b"ann"), good=False)
    now[0] = 599.0
    record.note(caller(b"here", b"ann"), good=False)
    now[0] = 1198.0
    assert record.rank(caller(b"here", b"ann")) == (2, 2)
    now[0] = 1199.0
    assert record.rank(caller(b"here", b"ann")) == (0, 0)
    record.note(caller(b"here", b"ann"), good=False)
    assert record.rank(caller(b"here", b"ann")) == (1, 1)


def test_what_is_kept_is_bounded_and_the_latest(record: Record) -> None:
    for number in range(3000):
        record.note(caller(b"here", b"%d" % number), good=False)
        record.note(caller(b"address %d" % number, b"name"), good=True)
    assert (len(record._failures), len(record._trusted)) == (1000, 100)
    assert record.rank(caller(b"here", b"2999")) == (3000, 1)


def test_those_who_have_asked_for_longer_are_first_until_they_leave_and_only_the_latest_are_known() -> None:
    queue = Queue()
    first, second = queue.join(b"first"), queue.join(b"second")
    assert first < second
    assert (queue.join(b"first"), queue.join(b"second")) == (first, second)
    queue.leave(b"first")
    queue.leave(b"never came")
    assert queue.join(b"first") > second
    for number in range(9_999):
        queue.join(b"%d" % number)
    assert queue.join(b"second") > second
    assert len(queue._since) == 10_000


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
