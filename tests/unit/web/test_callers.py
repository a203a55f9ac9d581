"""Whose turn it is: by failures of late, of the address before those of the name."""

import pytest

from exporter.web.callers import Record, group


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
