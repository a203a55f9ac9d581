"""The key, taken out of whatever comes back: answers end up in logs, labels and pages."""

import json
from urllib.parse import quote, quote_plus

HIDDEN = "hidden-key"
"""Stands where an answer repeats the key."""


class Hiding:
    """Takes one key out of texts: as it is, and as it may come back in an address or in JSON."""

    def __init__(self, key: str) -> None:
        in_json = json.dumps(key)[1:-1]
        spellings = {key, quote(key, safe=""), quote_plus(key), in_json, in_json.replace("/", "\\/")}
        self._spellings = [(spelling, spelling.encode("ascii")) for spelling in spellings]

    def in_text(self, text: str) -> str:
        for spelling, _ in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return text

    def in_body(self, body: bytes) -> bytes:
        for _, spelling in self._spellings:
            body = body.replace(spelling, HIDDEN.encode("ascii"))
        return body
