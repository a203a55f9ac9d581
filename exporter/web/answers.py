"""What every answer has in common, whichever path it comes from: headers, and plain text for people with curl."""

from collections.abc import Mapping

from starlette.responses import PlainTextResponse

COMMON_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store"}


def plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> PlainTextResponse:
    """An answer in plain text; *headers* come on top of the common ones."""
    return PlainTextResponse(text, status, {**COMMON_HEADERS, **(headers or {})})
