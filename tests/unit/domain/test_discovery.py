"""Which integrations discovery takes, and when one is gone."""

import pytest

from exporter.domain.discovery import Discovery, NameFilter
from exporter.domain.expression import Expression


def patterns(*expressions: str) -> tuple[Expression, ...]:
    return tuple(Expression(expression) for expression in expressions)


def test_all_names_are_taken_where_nothing_is_said() -> None:
    assert NameFilter().takes("users")
    assert NameFilter().takes("")


@pytest.mark.parametrize(
    ("name", "taken"), [("prod-users", True), ("users-prod", False), ("eu users", True), ("prod-test", False)]
)
def test_a_name_is_taken_that_an_include_matches_and_no_exclude(name: str, taken: bool) -> None:
    assert NameFilter(patterns("^prod", "eu"), patterns("test$")).takes(name) is taken


def test_excludes_alone_take_everything_else() -> None:
    names = NameFilter(exclude=patterns("test"))
    assert names.takes("users")
    assert not names.takes("my test")


def test_one_is_gone_after_two_complete_listings_in_a_row_that_missed_it() -> None:
    discovery = Discovery()
    discovery.observe(("a", "b"))
    assert discovery.complete_listing(("a", "b")) == []
    assert discovery.complete_listing(("a",)) == []
    assert "b" in discovery._misses
    assert discovery.complete_listing(("a",)) == ["b"]
    assert discovery == Discovery({"a": 0})


def test_a_list_that_is_empty_once_takes_nothing_away() -> None:
    discovery = Discovery()
    discovery.observe(("a", "b"))
    assert discovery.complete_listing(()) == []
    assert discovery.complete_listing(("a", "b")) == []
    assert discovery.complete_listing(()) == []
    assert discovery.complete_listing(("b",)) == ["a"]


def test_a_listing_that_broke_off_misses_nothing_and_what_it_showed_is_there() -> None:
    discovery = Discovery()
    discovery.observe(("a", "b"))
    assert discovery.complete_listing(()) == []
    discovery.observe(("a",))  # the first page of a listing that was never closed
    assert discovery.complete_listing(()) == ["b"]
    assert "a" in discovery._misses


def test_one_that_shifts_out_of_every_other_listing_stays() -> None:
    discovery = Discovery()
    discovery.observe(("a", "b"))
    for turn in range(10):
        assert discovery.complete_listing(("a", "b") if turn % 2 else ("a",)) == []


def test_one_that_comes_back_is_new() -> None:
    discovery = Discovery()
    discovery.observe(("a",))
    discovery.complete_listing(())
    assert discovery.complete_listing(()) == ["a"]
    discovery.observe(("a",))
    assert discovery.complete_listing(()) == []
    assert discovery.complete_listing(()) == ["a"]


def test_one_that_is_dropped_is_not_told_as_gone() -> None:
    discovery = Discovery()
    discovery.observe(("a",))
    discovery.forget("a")
    discovery.forget("unknown")
    assert discovery.complete_listing(()) == []
    assert discovery.complete_listing(()) == []
