"""
One poll of one integration: walk Braze's pages as far as its ledger wants, and say what came of it.

Decides nothing about accounting; `domain/ledger.py` says what counts and when a walk ends. A first page that does not
come is a failed poll; a later one leaves what the pages before have brought.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.braze.gate import Gate
from exporter.braze.link import Cursor
from exporter.braze.wire import Endpoint, Request, build_job_sync_status
from exporter.clock import Clock
from exporter.domain.decode import decode_job_sync_status
from exporter.domain.errors import PayloadError, PollError, RateLimitedError
from exporter.domain.ledger import Ledger, Page, Walk, absorb, break_off
from exporter.domain.model import Sync


@dataclass(frozen=True, slots=True)
class Reading:
    """What one poll brought."""

    ledger: Ledger | None
    """As the pages read have left it; the very same object as before when they changed nothing."""
    counted: tuple[Sync, ...] = ()
    error: PollError | None = None
    """Why the poll failed, or its walk broke off; None when all went well."""
    pages: int = 0
    """Pages read; none when nothing was heard of the integration."""


class Reader:
    """Reads integrations of one workspace through its gate."""

    def __init__(
        self, gate: Gate, clock: Clock, max_pages: int, note_anomalies: Callable[[Mapping[str, int]], None]
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._max_pages = max_pages
        self._note_anomalies = note_anomalies

    async def read(self, integration_id: str, ledger: Ledger | None) -> Reading:
        """Poll an integration. The first request's turn has been taken by the caller; each further one waits here."""
        walk: Walk | None = Walk()
        cursor: Cursor | None = None
        counted: tuple[Sync, ...] = ()
        pages = 0
        while walk is not None:
            try:
                request = build_job_sync_status(integration_id, cursor)
                if pages > 0:
                    await self._gate.turn(Endpoint.JOB_SYNC_STATUS)
                page, cursor = await self._read_page(request)
            except PollError as error:
                if ledger is not None and pages > 0:
                    blame = not isinstance(error, RateLimitedError)
                    ledger = break_off(ledger, walk, now=self._clock.now(), blame_page=blame)
                return Reading(ledger, counted, error, pages)
            pages += 1
            step = absorb(ledger, walk, page, now=self._clock.now(), max_pages=self._max_pages)
            ledger, walk, counted = step.ledger, step.walk, counted + step.counted
        return Reading(ledger, counted, None, pages)

    async def _read_page(self, request: Request) -> tuple[Page, Cursor | None]:
        answer = await self._gate.ask(request)
        decoded = decode_job_sync_status(answer.body, self._clock.now())
        if decoded.anomalies:
            self._note_anomalies(decoded.anomalies)
        if decoded.problem is not None:
            raise PayloadError(f"{decoded.problem}; a proxy in between or a change of Braze's API may be the cause")
        return Page(decoded.syncs, last=answer.next_cursor is None), answer.next_cursor
