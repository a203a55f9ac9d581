"""
Whether pages of syncs come as the ledger takes them to come, and what is done where they do not.

That the latest sync comes first is seen, not documented. Records that are out of order on a page are put in order;
where the next page shows that whole pages are, too, nothing is believed before the last page has come.
"""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from exporter.domain.ledger import Ledger, Page
from exporter.domain.model import Sync

Held = tuple[Sync, ...]
"""Records of pages that cannot be believed yet."""


def put_in_order(held: Held, page: Page, *, first: bool) -> tuple[Page | None, Held]:
    """
    Return the page to go on with, latest first, or None where the pages so far do not tell; and what is held back.

    Args:
        held: What the page before was answered with; empty before the first.
        page: In Braze's order.
        first: Whether it is the first page of a poll.

    """
    if not held and (not first or is_latest_first(page.syncs)):
        return page, ()
    records = (*held, *page.syncs)
    ordered = replace(page, syncs=tuple(sorted(records, key=lambda sync: sync.sync_start_time, reverse=True)))
    # The second page is older than the first as a whole: only records within a page are out of order.
    older = bool(held and page.syncs) and max(map(_start, page.syncs)) < min(map(_start, held))
    return (ordered, ()) if page.last or older else (None, records)


def is_latest_first(syncs: tuple[Sync, ...]) -> bool:
    """Whether no sync started later than the one before it."""
    return all(one.sync_start_time >= other.sync_start_time for one, other in pairwise(syncs))


def changed_after_finish(ledger: Ledger | None, syncs: tuple[Sync, ...]) -> int:
    """Count the syncs that differ from before though they had finished."""
    if ledger is None:
        return 0
    known = {sync.sync_start_time: sync for sync in ledger.recent if sync.finished}
    return sum(known.get(sync.sync_start_time, sync) != sync for sync in syncs)


def _start(sync: Sync) -> datetime:
    return sync.sync_start_time
