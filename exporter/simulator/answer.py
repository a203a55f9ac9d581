"""
What the simulated Braze says to one request, as a value: nothing here touches a socket.

A fault of the socket is named in the answer, and whoever carries the answer acts it out.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

SocketFault = Literal["hang", "drip", "reset", "cut"]
"""Never answer; answer a byte at a time; reset the connection; close it in the middle of the body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with lower-case names, body, and what befalls them on their way."""

    status: int
    headers: dict[str, str]
    body: bytes
    fault: SocketFault | None = None


JSON = {"content-type": "application/json; charset=utf-8"}


def refuse(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an error as Braze words it: a JSON object with a message."""
    return Answer(status, {**JSON, **(headers or {})}, json.dumps({"message": message}).encode())


def render_results(results: list[Any]) -> bytes:
    """Return a page's body."""
    return json.dumps({"results": results, "message": "success"}).encode()
