"""
Stops requests that would be denied: after several 401 or 403 in a row, none is sent for a while.

A 401 is about the key, so the breaker opens for all endpoints of the workspace. A 403 is about a permission, so it
opens for that endpoint. Both only after several in a row, because a proxy may deny one path among many. While it is
open, polls fail with the last denial's error and nothing is sent. After `OPEN_SECONDS` it is half-open: one request
goes through; a success closes it, a denial opens it again.
"""

from collections import Counter

from exporter.domain.errors import AuthError, ForbiddenError, PollError

OPEN_SECONDS = 55.0
"""Under the minute within which a failed poll is tried again."""
DENIALS_TO_OPEN = 3


class CircuitBreaker:
    """The circuit breaker of one workspace. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, PollError]] = {}
        self._denials: Counter[str] = Counter()

    def record_denial(self, endpoint: str, error: AuthError | ForbiddenError, now: float) -> None:
        """Record that Braze denied a request to *endpoint*."""
        scope = _ALL if isinstance(error, AuthError) else endpoint
        if scope == endpoint:
            self._close(_ALL)  # a key that lacks a permission is a known key
        self._denials[scope] += 1
        if self._denials[scope] >= DENIALS_TO_OPEN:
            self._open[scope] = (now + OPEN_SECONDS, error)

    def record_success(self, endpoint: str) -> None:
        """Record a response at *endpoint* that only a key with its permission receives."""
        self._close(_ALL)
        self._close(endpoint)

    def _close(self, scope: str) -> None:
        self._open.pop(scope, None)
        self._denials[scope] = 0

    def is_open(self, endpoint: str) -> bool:
        """Whether requests to *endpoint* are stopped, except for the probe of a half-open breaker."""
        return _ALL in self._open or endpoint in self._open

    def record_no_verdict(self, endpoint: str, now: float) -> None:
        """Record a request that proved nothing, with no response or one unrelated to the key: stay half-open."""
        for scope in (_ALL, endpoint):
            if scope in self._open:
                self._open[scope] = (now, self._open[scope][1])

    def error_while_open(self, endpoint: str, now: float) -> PollError | None:
        """Return a copy of the error of the last denial while no request may be sent; None where one may be."""
        for scope in (_ALL, endpoint):
            if scope in self._open and now < self._open[scope][0]:
                until, error = self._open[scope]
                return type(error)(str(error), held_seconds=until - now)
        return None

    def raise_if_open(self, endpoint: str, now: float) -> None:
        """
        Return when a request may be sent; where the breaker is half-open, that request is the probe.

        Raises:
            PollError: The breaker is open; as `error_while_open` returns it.

        """
        if (error := self.error_while_open(endpoint, now)) is not None:
            raise error
        for scope in (_ALL, endpoint):
            if scope in self._open:
                self._open[scope] = (now + OPEN_SECONDS, self._open[scope][1])


_ALL = "*"
