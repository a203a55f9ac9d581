"""
One poll of one integration: walk Braze's pages as far as its ledger wants, and report what came of it.

Decides nothing about accounting; `domain/ledger.py` says what counts and when a walk ends. A first page that does not
come is a failed poll; a later one leaves what the pages before have brought.
"""

from exporter.braze.api import Api, NoteAnomalies
from exporter.clock import Clock
from exporter.domain.errors import PollError, RateLimitedError
from exporter.domain.integration_state import PollResult
from exporter.domain.ledger import Ledger, Page, Walk, absorb, break_off
from exporter.domain.model import Sync


class Walker:
    """Polls integrations of one workspace."""

    def __init__(self, api: Api, clock: Clock, max_pages: int, note_anomalies: NoteAnomalies) -> None:
        self._api = api
        self._clock = clock
        self._max_pages = max_pages
        self._note_anomalies = note_anomalies

    async def poll(self, integration_id: str, ledger: Ledger | None, *, turn_taken: bool) -> PollResult:
        """Poll an integration; *turn_taken* when the caller has taken the turn of the first request."""
        pages = self._api.syncs(integration_id, turn_taken=turn_taken, note_anomalies=self._note_anomalies)
        walk: Walk | None = Walk()
        counted: tuple[Sync, ...] = ()
        read = 0
        while walk is not None:
            try:
                page = await pages.read()
            except PollError as error:
                if ledger is not None and read > 0:
                    blame = not isinstance(error, RateLimitedError) and error.held_seconds is None
                    ledger = break_off(ledger, walk, now=self._clock.now(), blame_page=blame)
                return PollResult(ledger, counted, error, read)
            read += 1
            syncs = Page(page.decoded.syncs, last=page.last)
            step = absorb(ledger, walk, syncs, now=self._clock.now(), max_pages=self._max_pages)
            ledger, walk, counted = step.ledger, step.walk, counted + step.counted
        return PollResult(ledger, counted, None, read)
