"""
Asks everyone for a name and a password, in front of every path, the probes included, as exporter-toolkit does.

Decides what a request without good ones gets. Whether they are good is the business of `passwords.py`.
"""

import base64
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.web.answers import plain
from exporter.web.passwords import BusyError, Hidden, Passwords

_ASK = {"www-authenticate": 'Basic realm="braze-cdi-exporter", charset="UTF-8"'}


class BasicAuth:
    """*app* for those whom *users* names, with the bcrypt hash of each one's password. Without users, for everyone."""

    def __init__(self, app: ASGIApp, users: Callable[[], Mapping[str, Hidden]]) -> None:
        self._app = app
        self._users = users
        self._passwords = Passwords(users)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if self._users():
            given = _read_credentials(Headers(scope=scope).get("authorization", ""))
            try:
                if given is None or not await self._passwords.check(*given):
                    answer = plain("This exporter asks for a name and a password.\n", 401, _ASK)
            except BusyError:
                answer = plain("Too many passwords are being checked: try again.\n", 503, {"retry-after": "1"})
        await answer(scope, receive, send)


def _read_credentials(header: str) -> tuple[str, bytes] | None:
    """Name and password as `Authorization` has them; None when it has none that can be read."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return None
    name, colon, password = decoded.partition(b":")
    return (name.decode("utf-8", "surrogateescape"), password) if colon else None
