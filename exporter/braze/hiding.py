"""The key, taken out of whatever comes back: answers end up in logs, labels and pages."""

import json
from urllib.parse import quote, quote_plus

HIDDEN = "hidden-key"
"""Stands where an answer repeats the key."""


def _spellings(key: str) -> set[str]:
    """The key as it may come back: as it is, in an address, in JSON."""
    return {key, quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/")}


def without(key: str, text: str) -> str:
    """Remove the key from the response: its text ends up in logs, labels and pages."""
    for spelling in _spellings(key):
        text = text.replace(spelling, HIDDEN)
    return text


def without_in_body(key: str, body: bytes) -> bytes:
    for spelling in _spellings(key):
        body = body.replace(spelling.encode("ascii"), HIDDEN.encode("ascii"))
    return body
