"""
One poll of one integration: walk Braze's pages as far as its ledger wants, and report what came of it.

Decides nothing about accounting; `domain/ledger.py` says what counts and when a walk ends. A first page that does not
come is a failed poll; a later one leaves what the pages before have shown.
"""

from dataclasses import replace

from exporter.braze.api import Api
from exporter.braze.observer import NoteAnomalies
from exporter.clock import Clock
from exporter.domain.errors import BadRequestError, PayloadError, PollError, RateLimitedError
from exporter.domain.integration_state import PollResult
from exporter.domain.ledger import Ledger, Page, Walk, absorb, break_off
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync
from exporter.domain.page_order import Held, changed_after_finish, put_in_order
from exporter.domain.summary import summarize


class Walker:
    """Polls integrations of one workspace."""

    def __init__(self, api: Api, clock: Clock, max_pages: int, note_anomalies: NoteAnomalies) -> None:
        self._api = api
        self._clock = clock
        self._max_pages = max_pages
        self._note_anomalies = note_anomalies

    async def poll(
        self,
        integration_id: str,
        ledger: Ledger | None,
        asking: ListedIntegration | None = None,
        why: str = "",
        *,
        turn_taken: bool,
    ) -> PollResult:
        """
        Poll an integration.

        Args:
            integration_id: Which.
            ledger: As it was; None before the first poll.
            asking: What the list has shown, which its own endpoint should not contradict.
            why: It is polled, for people.
            turn_taken: Whether the caller has taken the turn of the first request.

        """
        pages = self._api.syncs(integration_id, turn_taken=turn_taken, note_anomalies=self._note_anomalies, why=why)
        walk: Walk | None = Walk()
        counted: tuple[Sync, ...] = ()
        held: Held = ()
        read, full = 0, True
        while walk is not None:
            try:
                fetched = await pages.read()
            except PollError as error:
                return self._break_off(ledger, None if held else walk, counted, error, read)
            read += 1
            if not (fetched.last or fetched.decoded.full):
                full = False
                self._note_anomalies({"short_page": 1})
            page, held = put_in_order(held, Page(fetched.decoded.syncs, last=fetched.last, full=full), first=read == 1)
            if page is None:
                if read >= self._max_pages:
                    return PollResult(ledger, counted, _too_many(read))
                continue
            if changed := changed_after_finish(ledger, page.syncs):
                self._note_anomalies({"finished_sync_changed": changed})
            walk = replace(walk, pages=read - 1)
            step = absorb(ledger, walk, page, now=self._clock.now(), max_pages=self._max_pages)
            ledger, walk, counted = step.ledger, step.walk, counted + step.counted
        if asking is not None and ledger is not None:
            summary = summarize(ledger, None)
            if odd := asking.contradictions(summary.latest, summary.last_timestamp_synced):
                self._note_anomalies(odd)
        return PollResult(ledger, counted, None, read)

    def _break_off(
        self, ledger: Ledger | None, walk: Walk | None, counted: tuple[Sync, ...], error: PollError, read: int
    ) -> PollResult:
        """Return what a poll whose next page did not come has read; without *walk* no page was believed."""
        if walk is None:
            return PollResult(ledger, counted, error)
        if ledger is None or read == 0:
            return PollResult(ledger, counted, error, read)
        blame = not isinstance(error, RateLimitedError) and error.held_seconds is None
        ledger = break_off(ledger, walk, now=self._clock.now(), blame_page=blame)
        if not isinstance(error, BadRequestError):
            return PollResult(ledger, counted, error, read)
        # The cursor is to blame, not the integration, whose first page tells the latest sync.
        self._note_anomalies({"cursor_refused": 1})
        return PollResult(ledger, counted, None, read)


def _too_many(pages: int) -> PayloadError:
    return PayloadError(
        f"Braze does not list the latest sync first, and there are more than {pages} pages: the latest sync cannot be "
        "found; raise poll.max_pages, and please report it"
    )
