"""In what order the records of pages are believed, and which finished syncs are seen to change."""

from dataclasses import replace
from itertools import permutations
from typing import cast

import pytest

from exporter.domain.ledger import Ledger, Page
from exporter.domain.model import Sync
from exporter.domain.page_order import changed_after_finish, is_latest_first, put_in_order
from tests.histories import ended, minute, running

LATEST_FIRST = (ended(40), ended(30), ended(20), ended(10))


def page(*syncs: Sync, last: bool = False) -> Page:
    return Page(syncs, last=last)


def read(*pages: Page) -> list[tuple[Sync, ...]]:
    """Return the records that are gone on with, page by page."""
    held: tuple[Sync, ...] = ()
    told = []
    for number, each in enumerate(pages):
        ordered, held = put_in_order(held, each, first=number == 0)
        if ordered is not None:
            assert ordered.last is each.last
            told.append(ordered.syncs)
    assert held == ()
    return told


def test_the_latest_first_is_an_order_also_where_two_start_together() -> None:
    assert is_latest_first(())
    assert is_latest_first((ended(10),))
    assert is_latest_first(LATEST_FIRST)
    assert is_latest_first((running(20), ended(20), ended(10)))
    assert not is_latest_first((ended(10), ended(20)))


@pytest.mark.parametrize("last", [True, False])
def test_a_page_in_order_is_believed_at_once(last: bool) -> None:
    assert put_in_order((), page(*LATEST_FIRST, last=last), first=True) == (page(*LATEST_FIRST, last=last), ())


@pytest.mark.parametrize("syncs", list(permutations(LATEST_FIRST, 3)))
def test_an_only_page_is_put_in_order(syncs: tuple[Sync, ...]) -> None:
    (told,) = read(page(*syncs, last=True))
    assert is_latest_first(told)
    assert set(told) == set(syncs)


def test_what_comes_after_a_page_in_order_is_not_looked_at() -> None:
    later = page(ended(10), ended(20))
    assert put_in_order((), later, first=False) == (later, ())


def test_records_out_of_order_within_a_page_are_put_in_order_once_the_next_page_is_older() -> None:
    assert read(page(ended(30), ended(40)), page(ended(20), ended(10)), page(ended(5), last=True)) == [
        LATEST_FIRST,
        (ended(5),),
    ]


@pytest.mark.parametrize("size", [2, 3, 7])
def test_pages_that_come_oldest_first_are_believed_when_all_have_come(size: int) -> None:
    syncs = [ended(number) for number in range(10, 80, 10)]
    parts = [tuple(syncs[first : first + size]) for first in range(0, len(syncs), size)]
    pages = [page(*part, last=part is parts[-1]) for part in parts]
    assert read(*pages) == [tuple(reversed(syncs))]


def test_a_page_that_begins_where_the_one_before_ends_is_not_older() -> None:
    shown = (ended(20), ended(30))
    assert put_in_order(shown, page(ended(20)), first=False) == (None, (*shown, ended(20)))
    assert put_in_order(shown, page(), first=False) == (None, shown)


def test_a_finished_sync_that_is_told_otherwise_is_counted() -> None:
    ledger = Ledger(minute(0), recent=(running(30), *LATEST_FIRST[2:]))
    changed = replace(ended(20), rows_synced=cast("int", ended(20).rows_synced) + 1)
    assert changed_after_finish(None, (changed,)) == 0
    assert changed_after_finish(ledger, LATEST_FIRST[2:]) == 0
    assert changed_after_finish(ledger, (ended(50), changed, ended(10))) == 1
    assert changed_after_finish(ledger, (ended(30),)) == 0  # it was running
    assert changed_after_finish(ledger, (changed, running(10))) == 2
