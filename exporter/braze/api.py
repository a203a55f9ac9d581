"""
The one door to Braze: every request of a workspace goes through here, page by page, waits for its turn and is measured.

Decides the order of questions: first the circuit breaker, so that a request that is not sent takes nothing of the
budget, then the rate limiter. When and what is for `domain/`; what an answer means is for `wire.py`. Knows nothing of
polls. A failed request is not repeated here; that is the schedule's business.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Decoded, Endpoint
from exporter.braze.link import Cursor
from exporter.braze.observer import NoteAnomalies, NoteAsked, RequestObserver
from exporter.braze.wire import (
    RateHeaders,
    Request,
    Response,
    Sender,
    build_request,
    decipher_body,
    decipher_next_cursor,
    decipher_rate_headers,
)
from exporter.domain.asked import LISTING, Asked
from exporter.domain.circuit_breaker import CircuitBreaker
from exporter.domain.decode import DecodedSyncs
from exporter.domain.errors import (
    AuthError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    PayloadError,
    PollError,
)
from exporter.domain.listing import DecodedListing, ListedIntegration
from exporter.domain.rate_limit import RateLimiter, latest_reset

_TOO_MANY_REQUESTS = 429
_NO_HEADERS = RateHeaders()
D = TypeVar("D", bound=Decoded)


MOST_PAGES = 1000
"""Ten thousand records; what goes on beyond them is taken for a list without an end."""


@dataclass(frozen=True, slots=True)
class Fetched(Generic[D]):
    """One page of an endpoint; *next_cursor* is None when Braze names no further one."""

    decoded: D
    next_cursor: Cursor | None

    @property
    def last(self) -> bool:
        return self.next_cursor is None


class Pages(Generic[D]):
    """
    The pages of one endpoint, from the first or a later one on: the only paging loop.

    Args:
        api: Of the workspace.
        endpoint: Which.
        integration_id: Where the endpoint is about one.
        turn_taken: Whether the turn of the first request has been taken.
        cursor: Of the page to begin with.
        note_anomalies: Called with what was odd on a page, one that is of no use included.
        why: They are asked for, for people.

    """

    def __init__(
        self,
        api: "Api",
        endpoint: Endpoint,
        integration_id: str = "",
        *,
        turn_taken: bool = False,
        cursor: Cursor | None = None,
        note_anomalies: NoteAnomalies | None = None,
        why: str = "",
    ) -> None:
        self._note_anomalies = note_anomalies
        self._why = why
        self._api = api
        self._endpoint = endpoint
        self._integration_id = integration_id
        self._turn_taken = turn_taken
        self._cursor = cursor
        self._cursors: set[Cursor | None] = set()
        self.waited_seconds = 0.0
        """For turns, so far."""

    async def read(self) -> Fetched[D]:
        """
        Return the next page; do not call it after the last.

        Raises:
            PollError: It did not come, is of no use, or the pages go round in circles. The next call asks for it again.

        """
        if self._cursor in self._cursors or len(self._cursors) == MOST_PAGES:
            raise PayloadError(
                f"the pages of {self._endpoint} go on after {len(self._cursors)}, or link back to one already read"
            )
        request = build_request(self._endpoint, self._integration_id, self._cursor, len(self._cursors) + 1, self._why)
        if not self._turn_taken:
            self.waited_seconds += await self._api.turn(self._endpoint)
        self._turn_taken = False
        decoded, next_cursor = await self._api.ask(request)
        if decoded.anomalies and self._note_anomalies is not None:
            self._note_anomalies(decoded.anomalies)
        if decoded.problem is not None:
            raise PayloadError(f"{decoded.problem}; a proxy in between or a change of Braze's API may be the cause")
        self._cursors.add(self._cursor)
        self._cursor = next_cursor
        return Fetched(cast("D", decoded), next_cursor)


class Api:
    """All requests of one workspace go through here."""

    def __init__(
        self,
        *,
        workspace: str,
        sender: Sender,
        limiters: Mapping[Endpoint, RateLimiter],
        clock: BrazeClock,
        observer: RequestObserver,
    ) -> None:
        self._workspace = workspace
        self._sender = sender
        self._limiters = limiters
        self.clock = clock
        self._observer = observer
        self._breaker = CircuitBreaker()
        self.note_asked: NoteAsked = lambda _id, _asked: None

    def allowed(self, endpoint: Endpoint) -> int:
        """Requests in any minute."""
        return self._limiters[endpoint].allowed

    def is_open(self, endpoint: Endpoint) -> bool:
        """Whether Braze has denied requests there, so that none is sent but a probe now and then."""
        return self._breaker.is_open(endpoint)

    def is_blocked(self, endpoint: Endpoint) -> bool:
        """Whether a request there would fail now without being sent."""
        return self._breaker.error_while_open(endpoint, self.clock.monotonic()) is not None

    def syncs(
        self,
        integration_id: str,
        *,
        turn_taken: bool = False,
        cursor: Cursor | None = None,
        note_anomalies: NoteAnomalies | None = None,
        why: str = "",
    ) -> Pages[DecodedSyncs]:
        """The syncs of an integration."""
        return Pages(
            self,
            Endpoint.JOB_SYNC_STATUS,
            integration_id,
            turn_taken=turn_taken,
            cursor=cursor,
            note_anomalies=note_anomalies,
            why=why,
        )

    def integrations(self, *, note_anomalies: NoteAnomalies | None = None) -> Pages[DecodedListing]:
        """The list of integrations that the key can see."""
        return Pages(self, Endpoint.INTEGRATIONS, note_anomalies=note_anomalies, why=LISTING)

    def try_turn(self, endpoint: Endpoint, *, spare: bool = False) -> float:
        """
        Take a turn now and return 0; or return the seconds until there may be one, and take none.

        A *spare* turn is for a request that nobody waits for.
        """
        limiter = self._limiters[endpoint]
        now = self.clock.monotonic()
        wait = limiter.spare_wait_seconds(now) if spare else limiter.wait_seconds(now)
        if wait == 0:
            limiter.take(now, spare=spare)
        return wait

    def note_throttled(self, endpoint: Endpoint, seconds: float) -> None:
        """Note that someone with something to ask had to wait for a turn."""
        self._observer.throttled(self._workspace, endpoint, seconds)

    async def turn(self, endpoint: Endpoint) -> float:
        """
        Wait until a request may be sent, and take that turn; return for how many seconds it was waited for.

        Raises:
            PollError: The circuit breaker is open; no turn was taken.

        """
        if (error := self._breaker.error_while_open(endpoint, self.clock.monotonic())) is not None:
            raise error
        began = self.clock.monotonic()
        while (wait := self.try_turn(endpoint)) > 0:  # noqa: ASYNC110 - the rate limiter gives a time, not an event
            await asyncio.sleep(wait)
        if (waited := self.clock.monotonic() - began) > 0:
            self.note_throttled(endpoint, waited)
        return waited

    async def all_integrations(self) -> tuple[ListedIntegration, ...]:
        """
        Return every integration that the key can see, each once.

        Raises:
            PollError: A page did not come.

        """
        found: dict[str, ListedIntegration] = {}
        pages, last = self.integrations(), False
        while not last:
            page = await pages.read()
            last = page.last
            for one in page.decoded.integrations:
                found.setdefault(one.integration_id, one)
        return tuple(found.values())

    async def ask(self, request: Request) -> tuple[Decoded, Cursor | None]:
        """
        Send a request whose turn was taken before; return the page that Braze answered, and the cursor of the next.

        Raises:
            PollError: Any of `domain/errors.py`.

        """
        began = self.clock.monotonic()
        self._breaker.raise_if_open(request.endpoint, began)
        try:
            response = await self._sender.send(request)
        except AuthError:
            self.clock.note_no_answer()
            raise  # no key could be read, so nothing was sent
        except PollError as error:
            self.clock.note_no_answer()
            self._answered(request, "error", began, reason=error.reason)
            self._breaker.record_no_verdict(request.endpoint, self.clock.monotonic())
            raise
        said = decipher_rate_headers(response)
        self._answered(request, str(response.status), began, said)
        self._set_clock(request.endpoint, response, began)
        self._learn(request.endpoint, response.status, said)
        try:
            body = decipher_body(response)
        except (AuthError, ForbiddenError) as error:
            self._breaker.record_denial(request.endpoint, error, self.clock.monotonic())
            raise
        except (NotFoundError, BadRequestError):
            self._breaker.record_success(request.endpoint)  # the key was accepted
            raise
        except PollError:
            self._breaker.record_no_verdict(request.endpoint, self.clock.monotonic())
            raise
        self._breaker.record_success(request.endpoint)
        return request.endpoint.details.decode(body, self.clock.now()), decipher_next_cursor(response)

    def _answered(
        self, request: Request, code: str, began: float, said: RateHeaders = _NO_HEADERS, reason: str = ""
    ) -> None:
        seconds, now = self.clock.monotonic() - began, self.clock.now()
        self._observer.request_answered(self._workspace, request.endpoint, code, seconds)
        asked = Asked(now, request.endpoint, request.page, reason or code, seconds, *said.budget, request.why)
        self.note_asked(request.integration_id, asked)

    def _set_clock(self, endpoint: Endpoint, response: Response, began: float) -> None:
        odd = self.clock.hear(response.headers, began, self.clock.monotonic())
        if odd is not None:
            self._observer.anomalies(self._workspace, endpoint, odd, 1)
        if (skew := self.clock.skew_seconds) is not None:
            self._observer.clock_skew(self._workspace, skew)

    def _learn(self, endpoint: Endpoint, status: int, said: RateHeaders) -> None:
        now, by_clock = self.clock.monotonic(), said.reset_at_seconds
        self._observer.rate_limit_seen(
            self._workspace, endpoint, limit=said.limit, remaining=said.remaining, reset_at_seconds=by_clock
        )
        to_reset = None if by_clock is None else by_clock - self.clock.now().timestamp() + self.clock.uncertain_seconds
        reset_in = latest_reset(said.retry_after_seconds, to_reset)
        if status == _TOO_MANY_REQUESTS:
            self._limiters[endpoint].back_off(now, reset_in=reset_in)
        else:
            self._limiters[endpoint].adjust(now, limit=said.limit, remaining=said.remaining, reset_in=reset_in)
            if (asked := latest_reset(said.retry_after_seconds)) is not None:
                self._limiters[endpoint].pause(now, asked)
