"""
The gate between pollers and one workspace: every request waits for its turn here and is measured.

Decides nothing itself: `domain/rate_limit.py` says when, `braze/wire.py` says what an answer means. Knows nothing of
polls. A failed request is not repeated here; that is the schedule's business.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.braze.link import Cursor
from exporter.braze.wire import (
    Endpoint,
    Request,
    Response,
    Sender,
    decipher_body,
    decipher_next_cursor,
    decipher_rate_headers,
)
from exporter.clock import Clock
from exporter.domain.circuit_breaker import CircuitBreaker
from exporter.domain.errors import AuthError, BadRequestError, ForbiddenError, NotFoundError, PollError
from exporter.domain.rate_limit import RateLimiter, latest_reset

_TOO_MANY_REQUESTS = 429


class RequestObserver(Protocol):
    """Who wants to know about requests; `metrics/self_metrics.py` does."""

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None: ...
    def throttled(self, workspace: str, endpoint: str, seconds: float) -> None: ...
    def rate_limit_seen(
        self,
        workspace: str,
        endpoint: str,
        *,
        limit: float | None,
        remaining: float | None,
        reset_at_seconds: float | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a good answer, and the cursor of the page after it."""

    body: Any
    next_cursor: Cursor | None


class Gate:
    """All requests of one workspace go through here."""

    def __init__(
        self,
        *,
        workspace: str,
        sender: Sender,
        limiters: Mapping[Endpoint, RateLimiter],
        clock: Clock,
        observer: RequestObserver,
    ) -> None:
        self._workspace = workspace
        self._sender = sender
        self._limiters = limiters
        self._clock = clock
        self._observer = observer
        self._breaker = CircuitBreaker()

    def allowed(self, endpoint: Endpoint) -> int:
        """Requests in any minute."""
        return self._limiters[endpoint].allowed

    def denies(self, endpoint: Endpoint) -> bool:
        """Whether Braze has denied requests there, so that none are sent but now and then one to see."""
        return self._breaker.is_open(endpoint)

    def try_turn(self, endpoint: Endpoint) -> float:
        """Take a turn now and return 0; or return the seconds until there may be one, and take none."""
        limiter = self._limiters[endpoint]
        now = self._clock.monotonic()
        wait = limiter.wait_seconds(now)
        if wait == 0:
            limiter.take(now)
        return wait

    def note_throttled(self, endpoint: Endpoint, seconds: float) -> None:
        """Note that someone with something to ask had to wait for a turn."""
        self._observer.throttled(self._workspace, endpoint, seconds)

    async def turn(self, endpoint: Endpoint) -> None:
        """Wait until a request may be sent, and take that turn."""
        began = self._clock.monotonic()
        while (wait := self.try_turn(endpoint)) > 0:  # noqa: ASYNC110 - the rate limiter gives a time, not an event
            await asyncio.sleep(wait)
        if (waited := self._clock.monotonic() - began) > 0:
            self.note_throttled(endpoint, waited)

    async def ask(self, request: Request) -> Answer:
        """
        Send a request whose turn was taken before, and return what Braze answered.

        Raises:
            PollError: Any of `domain/errors.py`.

        """
        began = self._clock.monotonic()
        self._breaker.raise_if_open(request.endpoint, began)
        try:
            response = await self._sender.send(request)
        except AuthError:
            raise  # no key could be read, so nothing was sent
        except PollError:
            self._answered(request, "error", began)
            self._breaker.record_no_verdict(request.endpoint, self._clock.monotonic())
            raise
        self._answered(request, str(response.status), began)
        self._learn(request.endpoint, response)
        try:
            body = decipher_body(response)
        except (AuthError, ForbiddenError) as error:
            self._breaker.record_denial(request.endpoint, error, self._clock.monotonic())
            raise
        except (NotFoundError, BadRequestError):
            self._breaker.record_success(request.endpoint)  # the key was good enough to be told so
            raise
        except PollError:
            self._breaker.record_no_verdict(request.endpoint, self._clock.monotonic())
            raise
        self._breaker.record_success(request.endpoint)
        return Answer(body, decipher_next_cursor(response))

    def _answered(self, request: Request, code: str, began: float) -> None:
        seconds = self._clock.monotonic() - began
        self._observer.request_answered(self._workspace, request.endpoint, code, seconds)

    def _learn(self, endpoint: Endpoint, response: Response) -> None:
        said = decipher_rate_headers(response)
        self._observer.rate_limit_seen(
            self._workspace,
            endpoint,
            limit=said.limit,
            remaining=said.remaining,
            reset_at_seconds=said.reset_at_seconds,
        )
        now = self._clock.monotonic()
        by_clock = said.reset_at_seconds
        to_reset = None if by_clock is None else by_clock - self._clock.now().timestamp()
        reset_in = latest_reset(said.retry_after_seconds, to_reset)
        if response.status == _TOO_MANY_REQUESTS:
            self._limiters[endpoint].back_off(now, reset_in=reset_in)
        else:
            self._limiters[endpoint].adjust(now, limit=said.limit, remaining=said.remaining, reset_in=reset_in)
