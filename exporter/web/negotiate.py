"""
Which format and which coding a scraper gets, by its `Accept` and `Accept-Encoding` (RFC 9110, section 12.5).

Nothing a client sends makes this fail: unreadable parts are ignored, and a client that accepts nothing we have
gets plain text uncompressed, as it would from other exporters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse


@dataclass(frozen=True, slots=True)
class _Offer:
    """One element of an Accept header; *value* is lower case."""

    value: str
    version: str | None
    quality: float


class _Match(NamedTuple):
    """How well a header's best element fits: the more specific one decides, then its quality."""

    specificity: int
    quality: float


_NO_MATCH = _Match(0, 0.0)
_NAMED = 3


def wants_openmetrics(headers: Headers) -> bool:
    """Whether to answer OpenMetrics 1.0.0 rather than text 0.0.4. Text unless OpenMetrics is liked as much by name."""
    offers = _read_offers(headers.getlist("accept"))
    openmetrics = _match(offers, {"application/openmetrics-text": 3, "application/*": 2, "*/*": 1}, "1.0.0")
    text = _match(offers, {"text/plain": 3, "text/*": 2, "*/*": 1}, "0.0.4")
    if openmetrics.quality == text.quality:
        return openmetrics.quality > 0 and openmetrics.specificity == _NAMED
    return openmetrics.quality > text.quality


def accepts_gzip(headers: Headers) -> bool:
    """Whether to compress: gzip is accepted, and not liked less than no coding at all."""
    offers = _read_offers(headers.getlist("accept-encoding"))
    gzip = _match(offers, {"gzip": 3, "x-gzip": 3, "*": 1}, None)
    identity = _match(offers, {"identity": 3}, None)
    return gzip.quality > 0 and gzip.quality >= identity.quality


def _match(offers: list[_Offer], specificities: dict[str, int], version: str | None) -> _Match:
    matches = [
        _Match(specificities[offer.value], offer.quality)
        for offer in offers
        if offer.value in specificities and offer.version in (None, version)
    ]
    return max(matches, default=_NO_MATCH)


def _read_offers(lines: list[str]) -> list[_Offer]:
    return [_read_offer(element) for line in lines for element in line.split(",") if element.strip()]


def _read_offer(element: str) -> _Offer:
    value, *parameters = (part.strip() for part in element.split(";"))
    version: str | None = None
    quality = 1.0
    for parameter in parameters:
        name, _, text = (part.strip() for part in parameter.partition("="))
        if name.lower() == "q":
            quality = _read_quality(text)
        elif name.lower() == "version":
            version = text.strip('"')
    return _Offer(value.lower(), version, quality)


def _read_quality(text: str) -> float:
    """0 to 1; anything but a number counts as 0, because the client meant a limit and we cannot tell which."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0  # NaN fails the comparison as well


COMMON_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store"}


def plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> PlainTextResponse:
    """An answer in plain text; *headers* come on top of the common ones."""
    return PlainTextResponse(text, status, {**COMMON_HEADERS, **(headers or {})})
