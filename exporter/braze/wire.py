"""
Requests to Braze and the meaning of its responses, without any I/O.

Decides: the path and query of a request, which integration ids may be asked for, the JSON inside a body, the limits
inside the rate headers, and which error an HTTP status is. Must not know how bytes travel. Only the cursor is taken
from `Link`, by `link.py`; the address is always ours, so that a link never receives the key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from exporter.braze.endpoints import Endpoint
from exporter.braze.link import BadLink, Cursor, read_link
from exporter.domain.decode import is_path_segment
from exporter.domain.errors import (
    AuthError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    PayloadError,
    PollError,
    RateLimitedError,
    ServerError,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A GET below the configured origin. *path* and *query* are percent-encoded; *query* has no question mark."""

    endpoint: Endpoint
    path: str
    query: str = ""
    integration_id: str = ""
    """Of the integration it is about, where it is about one."""
    page: int = 1
    why: str = ""
    """It is asked, for people."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sender(Protocol):
    """Sends one request and returns Braze's response, of any status."""

    async def send(self, request: Request) -> Response:
        """
        Send, and wait for the complete answer.

        Raises:
            PollError: One of the classes of `domain/errors.py`, when no complete answer came.

        """


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """Braze's rate headers; None where a header is missing or nonsense."""

    limit: int | None = None
    remaining: int | None = None
    reset_at_seconds: float | None = None
    """UTC epoch seconds."""
    retry_after_seconds: float | None = None

    @property
    def budget(self) -> tuple[int | None, int | None]:
        """What remains of the limit, and the limit."""
        return self.remaining, self.limit


_MAX_SECONDS = 4e9  # beyond the year 2096 a reset time is nonsense
_MAX_ERROR_TEXT = 120


def build_request(
    endpoint: Endpoint, integration_id: str = "", cursor: Cursor | None = None, page: int = 1, why: str = ""
) -> Request:
    """
    Ask for one page of an endpoint; *integration_id* where its path names an integration.

    Raises:
        BadRequestError: The id is not one path segment, so it is not asked for.
        PayloadError: The page before did not say how to ask for this one.

    """
    path = endpoint.details.path
    if "{integration_id}" in path:
        if not is_path_segment(integration_id):
            raise BadRequestError(
                f"the integration id {integration_id[:80]!r} is not one path segment, so Braze was not asked; "
                "copy the id from the integration's page in the Braze dashboard"
            )
        path = path.format(integration_id=quote(integration_id, safe=""))
    return Request(endpoint, path, _query(cursor), integration_id, page, why)


def _query(cursor: Cursor | None) -> str:
    if isinstance(cursor, BadLink):
        raise PayloadError(
            f"there is a next page, but {cursor.problem}; a proxy or a change of Braze's API may be the cause"
        )
    return urlencode({"cursor": cursor}) if cursor else ""


def decipher_body(response: Response) -> Any:
    """
    Return the JSON value of a good answer.

    Raises:
        PollError: The answer is not 200, or its body is not JSON. The text never quotes more than a line of the body.

    """
    if response.status != HTTP_OK:
        raise decipher_error(response)
    try:
        return json.loads(response.body, parse_int=_integer)
    except (ValueError, RecursionError):
        raise PayloadError(
            f"Braze answered 200 with {len(response.body)} bytes that are not JSON"
            f" ({_content_type(response)}); a proxy in between is the usual cause"
        ) from None


HTTP_OK = 200
_MOST_DIGITS = 400


def _integer(digits: str) -> int | float:
    """Python refuses integers of thousands of digits with an error that would cost the whole page, not the field."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


_REMEDIES: dict[int, tuple[type[PollError], str]] = {
    202: (ServerError, "Braze is in maintenance and queued the request; it is asked again later"),
    401: (
        AuthError,
        "the key is missing or unknown; check it, its IP allow list, and that rest_endpoint is its instance's",
    ),
    403: (
        ForbiddenError,
        "the key lacks the permission, its IP allow list lacks this host, or the plan lacks Cloud Data Ingestion",
    ),
    404: (NotFoundError, "Braze does not know the integration or the path; check the id and the rest_endpoint"),
    429: (
        RateLimitedError,
        "the workspace's rate limit is used up; lower rate_limit.share or find out what else uses it",
    ),
}


def decipher_error(response: Response) -> PollError:
    """Return the error that a status other than 200 stands for."""
    status = response.status
    kind, remedy = _REMEDIES.get(status, (None, ""))
    if kind is None:
        if status >= 500:  # noqa: PLR2004 - the HTTP status class
            kind, remedy = ServerError, "Braze or a proxy has a problem; the poll is retried"
        elif 200 <= status < 300:  # noqa: PLR2004 - the HTTP status class
            kind, remedy = PayloadError, "200 with records was expected; a proxy in between is the usual cause"
        elif 300 <= status < 400:  # noqa: PLR2004 - the HTTP status class
            kind, remedy = BadRequestError, "redirects are not followed; check the rest_endpoint"
        else:
            kind, remedy = BadRequestError, "the request was refused; check the integration id"
    said = _error_text(response)
    if kind is BadRequestError and "cursor" in said.lower():
        remedy = "it refuses its own cursor; the pages are read again at the next poll"
    return kind(f"Braze answered {status}{said}: {remedy}")


def _error_text(response: Response) -> str:
    """Braze's own message, if the body is its JSON: one line, bounded. Proxies' HTML is left out."""
    try:
        message = json.loads(response.body[:10_000]).get("message")
    except (ValueError, RecursionError, AttributeError):
        return ""
    if not isinstance(message, str) or not message:
        return ""
    line = "".join(c if c.isprintable() else " " for c in message[:_MAX_ERROR_TEXT])
    return f" ({line})"


def _content_type(response: Response) -> str:
    kind = response.headers.get("content-type", "")[:60]
    return "".join(c for c in kind if c.isprintable()) or "no content type"


def decipher_next_cursor(response: Response) -> Cursor | None:
    """Return the cursor of the next page, or None on the last one; BadLink where there is a page but no way to it."""
    return read_link(response.headers.get("link", ""))


def decipher_rate_headers(response: Response) -> RateHeaders:
    """Return the rate headers; a header that is missing or nonsense is None."""
    headers = response.headers
    limit = _whole_number(headers.get("x-ratelimit-limit"))
    remaining = _whole_number(headers.get("x-ratelimit-remaining"))
    reset = _whole_number(headers.get("x-ratelimit-reset"))
    delays = (_seconds(headers.get(name)) for name in ("x-ratelimit-retry-after", "retry-after"))
    return RateHeaders(
        limit,
        remaining,
        float(reset) if reset is not None and 0 < reset < _MAX_SECONDS else None,
        next((delay for delay in delays if delay is not None), None),
    )


def _whole_number(text: str | None) -> int | None:
    digits = (text or "").strip()  # of more than `int` takes away, such as a file separator
    if len(digits) > 15 or not digits.isascii() or not digits.isdigit():  # noqa: PLR2004 - longer is nonsense
        return None
    return int(digits)


def _seconds(text: str | None) -> float | None:
    """A delay; the HTTP date that Retry-After may be instead is not worth reading: the backoff covers it."""
    number = _whole_number(text)
    return None if number is None else float(number)
