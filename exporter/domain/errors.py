"""
The closed tree of poll errors.

    PollError
    |- AuthError          auth          401, or a key that cannot be read
    |- ForbiddenError     forbidden     403
    |- NotFoundError      not_found     404
    |- BadRequestError    bad_request   any other 4xx, redirects included
    |- RateLimitedError   rate_limited  429
    |- TimedOutError      timeout       no complete answer within the deadline
    |- NetworkError       network       no connection, connection lost, TLS
    |- ServerError        server_error  5xx, and 202 while Braze is in maintenance
    `- PayloadError       payload       an answer that is not what the page documents, or too large

Each class has a `reason`, which is label value and log field at once, and `retryable`: whether asking again soon can
help. The scheduler, the metrics and the log read these two and nothing else, so a new class needs no other change.
"""

from typing import ClassVar


class PollError(Exception):
    """A poll failed. The text names the failure, its place and the next step."""

    reason: ClassVar[str]
    retryable: ClassVar[bool] = True

    def __init__(self, text: str, *, held_seconds: float | None = None) -> None:
        super().__init__(text)
        self.held_seconds = held_seconds
        """For how long no request is sent, as the circuit breaker is open; None when this request was sent."""


class AuthError(PollError):
    reason = "auth"
    retryable = False


class ForbiddenError(PollError):
    reason = "forbidden"
    retryable = False


class NotFoundError(PollError):
    reason = "not_found"
    retryable = False


class BadRequestError(PollError):
    reason = "bad_request"
    retryable = False


class RateLimitedError(PollError):
    reason = "rate_limited"


class TimedOutError(PollError):
    reason = "timeout"


class NetworkError(PollError):
    reason = "network"


class ServerError(PollError):
    reason = "server_error"


class PayloadError(PollError):
    reason = "payload"


REASONS = tuple(
    error.reason
    for error in (
        AuthError,
        ForbiddenError,
        NotFoundError,
        BadRequestError,
        RateLimitedError,
        TimedOutError,
        NetworkError,
        ServerError,
        PayloadError,
    )
)
"""Every value of the label `reason`."""
